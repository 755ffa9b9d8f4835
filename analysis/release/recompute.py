"""The script that an archive carries: R computes every figure again, from the responses and textbook formulas alone.

What a round is stands at its head as R literals; what follows is the same for every round and stands in recompute.R.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from analysis.archive import ArchiveContents
from analysis.errors import AnalysisError
from analysis.release.context_plan import subgroup_options
from analysis.release.design_counts import DesignMargin, band_label
from analysis.release.edition import MODULE_SEPARATOR
from analysis.release.plan import Plan, parse_plan
from analysis.release.round_design import RoundDesign, parse_design
from questionnaires.model import Node, Profile, Questionnaire

_WIDTH = 115


def recompute_script(contents: ArchiveContents, questionnaire: Questionnaire) -> bytes:
    """The `recompute.R` of an archive with these contents; empty where nothing can be computed.

    `questionnaire` is what was asked, with its modules. The script needs R with the package survey, and nothing of
    ours; it is ASCII, so that it means the same on every computer.
    """
    try:
        plan = parse_plan(contents.plan_source, "plan.yaml")
        design = parse_design(contents.design_source, "design.yaml")
        profile = questionnaire.profile(plan.profile_for(questionnaire))
    except AnalysisError:
        return b""
    trees = [_tree(questionnaire, profile, plan, "")]
    for module in questionnaire.modules:
        own = module.profile(module.default_profile)
        trees.append(_tree(module, own, plan, module.name + MODULE_SEPARATOR))
    facts = {
        "round": _text(contents.facts.slug),
        "level": _number(plan.level),
        "aggregate": _text(plan.aggregate),
        "lonely_psu": _text(plan.lonely_psu),
        "interval_kind": _text(plan.interval),
        "decimals": str(plan.decimals),
        "suppress_below": str(plan.suppress_below),
        "n_draws": str(plan.standardisation.draws),
        "seed": str(plan.standardisation.seed),
        "units": _frame(
            {
                "code": _texts(unit.code for unit in contents.units),
                "bloc": _texts(unit.bloc_code for unit in contents.units),
            }
        ),
        **_design(design, contents.coarsening, questionnaire),
        "outcome": _outcome(questionnaire, plan),
        "subgroups": _listed(_subgroup(questionnaire, code) for code in plan.context.subgroups),
        "trees": _listed(trees),
    }
    title = contents.facts.title.en.replace("\n", " ").encode("ascii", "replace").decode()
    head = [
        "# The figures of a round, computed again from its responses.",
        "#",
        f"# Round {contents.facts.slug}: {title}",
        f"# Questionnaire {questionnaire.reference}, profile {profile.name}, plan {plan.version}",
        "",
        *(f"{name} <- {literal}" for name, literal in facts.items()),
        "",
    ]
    return "\n".join(head).encode("ascii") + files("analysis.release").joinpath("recompute.R").read_bytes()


def _outcome(questionnaire: Questionnaire, plan: Plan) -> str:
    """The item that importance is measured by; NULL where that is the index."""
    code = plan.context.outcome
    return _listed({"item": _text(code), "values": _values(questionnaire, code)}) if code else "NULL"


def _subgroup(questionnaire: Questionnaire, code: str) -> str:
    item = questionnaire.item(code)
    options = _texts(subgroup_options(item))
    return _listed({"item": _text(code), "options": options, "is_number": _truth(item.kind == "number")})


def _design(design: RoundDesign, coarsening: Mapping[str, object], questionnaire: Questionnaire) -> dict[str, str]:
    numbers = {item.code for item in questionnaire.items if item.kind == "number"}
    return {
        "strata_columns": _texts(design.strata),
        "cluster_columns": _texts(design.clusters),
        "cell_columns": _texts(design.columns),
        "has_fpc": _truth(design.fpc),
        "household": "NULL" if design.household is None else _text(design.household),
        "cells": _cells(design),
        "population": _population(design, coarsening),
        "margins": _listed(_margin(margin, is_number=margin.item in numbers) for margin in design.margins),
        "nonresponse": _nonresponse(design),
        "trim": _trim(design),
    }


def _cells(design: RoundDesign) -> str:
    if not design.cells:
        return "NULL"
    labels = {name: _texts(getattr(cell, name) for cell in design.cells) for name in ("unit", "stratum", "psu")}
    return _frame(
        {
            **{name: labels[name] for name in design.columns},
            "population": _numbers(cell.population for cell in design.cells),
            "probability": _numbers(cell.probability for cell in design.cells),
        }
    )


def _nonresponse(design: RoundDesign) -> str:
    rule = design.adjustments.nonresponse
    if rule is None:
        return "NULL"
    issued = _numbers(cell.issued or 0 for cell in design.cells)
    return _listed({"classes": _text(rule.classes), "smallest": str(rule.smallest), "issued": issued})


def _trim(design: RoundDesign) -> str:
    rule = design.adjustments.trim
    if rule is None:
        return "NULL"
    ratio = "NULL" if rule.ratio is None else _number(rule.ratio)
    return _listed({"ratio": ratio, "bounds": "NULL" if rule.bounds is None else _numbers(rule.bounds)})


def _population(design: RoundDesign, coarsening: Mapping[str, object]) -> str:
    """The people of the frame's strata under the labels that the responses have: sealing may have joined strata."""
    if design.population is None:
        return "NULL"
    joined = coarsening.get("strata")
    changes = joined if isinstance(joined, Mapping) else {}
    places = [design.labels_of(stratum) for stratum in design.population]
    for place in places:
        if "stratum" in place:
            place["stratum"] = changes.get(place.get("unit", ""), {}).get(place["stratum"], place["stratum"])
    return _frame(
        {
            **{name: _texts(place[name] for place in places) for name in design.strata},
            "people": _numbers(design.population.values()),
        }
    )


def _margin(margin: DesignMargin, *, is_number: bool) -> str:
    return _listed(
        {
            "item": _text(margin.item),
            "is_number": _truth(is_number),
            "unit": _text(margin.unit),
            "answers": _texts(margin.totals),
            "people": _numbers(margin.totals.values()),
        }
    )


def _tree(questionnaire: Questionnaire, profile: Profile, plan: Plan, prefix: str) -> str:
    root = questionnaire.tree(profile.name)
    if root is None:
        raise ValueError(f"{questionnaire.reference}: found a profile and no tree")
    placed = list(_with_parents(root, ""))
    leaves = [node for node, _ in placed if not node.children]
    items = list(dict.fromkeys(node.item for node in leaves if node.item is not None))
    hard = list(dict.fromkeys(node.code for node in leaves if node.hard))
    is_reversed = {node.item or node.code: node.reversed for node in leaves}
    earlier = plan.standardisation.earlier if profile.formula == "standardised" else {}
    extremes = [earlier.get(code) for code in (*items, *hard)]
    return _listed(
        {
            "prefix": _text(prefix),
            "is_module": _truth(bool(prefix)),
            "formula": _text(profile.formula),
            "threshold": "NULL" if profile.threshold is None else _number(profile.threshold),
            "points": str(profile.points),
            "same_extremes": _text(profile.same_extremes),
            "nodes": _frame(
                {
                    "code": _texts(node.code for node, _ in placed),
                    "parent": _texts(parent for _, parent in placed),
                    "weight": _numbers(node.weight for node, _ in placed),
                    "kind": _texts(node.kind for node, _ in placed),
                    "indicator": _texts("" if node.children else node.item or node.code for node, _ in placed),
                }
            ),
            "items": _texts(items),
            "hard": _texts(hard),
            "reversed": _vector("logical", [_truth(is_reversed[code]) for code in (*items, *hard)]),
            "earlier": "rbind("
            + ", ".join(_vector("numeric", [_number(e[end]) if e else "NA" for e in extremes]) for end in (0, 1))
            + ")",
            "values": _listed({code: _values(questionnaire, code) for code in items}),
        }
    )


def _with_parents(node: Node, parent: str) -> Iterable[tuple[Node, str]]:
    yield node, parent
    for child in node.children:
        yield from _with_parents(child, node.code)


def _values(questionnaire: Questionnaire, code: str) -> str:
    known = [option for option in questionnaire.item(code).options if option.value is not None]
    return "c(" + ", ".join(f"{_text(option.code)} = {_number(option.value or 0.0)}" for option in known) + ")"


def _text(text: str) -> str:
    """A string of R in ASCII; R takes the escapes for the same characters in every locale."""
    spelled = []
    for character in text:
        if character in '"\\':
            spelled.append("\\" + character)
        elif " " <= character <= "~":
            spelled.append(character)
        else:
            spelled.append(f"\\U{ord(character):08x}")
    return '"' + "".join(spelled) + '"'


def _number(number: float) -> str:
    return band_label(number) if float(number).is_integer() and abs(number) < 1e5 else repr(float(number))


def _truth(fact: bool) -> str:
    return "TRUE" if fact else "FALSE"


def _texts(texts: Iterable[str]) -> str:
    return _vector("character", [_text(text) for text in texts])


def _numbers(numbers: Iterable[float]) -> str:
    return _vector("numeric", [_number(number) for number in numbers])


def _vector(kind: str, literals: Sequence[str]) -> str:
    return f"c({_wrapped(literals)})" if literals else f"{kind}(0)"


def _wrapped(literals: Iterable[str]) -> str:
    """Literals with commas between them, on lines that an editor shows."""
    lines, line = [], ""
    for literal in literals:
        if line and len(line) + len(literal) > _WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += f"{literal}, "
    return "\n  ".join([*lines, line]).rstrip(", ")


def _frame(columns: Mapping[str, str]) -> str:
    parts = ",\n  ".join(f"{name} = {literal}" for name, literal in columns.items())
    return f"data.frame(\n  {parts},\n  stringsAsFactors = FALSE)"


def _listed(entries: Mapping[str, str] | Iterable[str]) -> str:
    if isinstance(entries, Mapping):
        return "list(\n  " + ",\n  ".join(f"{_text(name)} = {literal}" for name, literal in entries.items()) + ")"
    return "list(" + ",\n".join(entries) + ")"
