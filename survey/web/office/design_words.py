"""The design and the plan of a round in the words of an office page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from survey.round_sources import DesignOutline, PlanOutline, SourcesOutline
from survey.texts import Translate, number, percent
from survey.web.pages import catalogue_of

MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class SourcesInWords:
    """Lines of (what it is, what the file says), and sentences that an officer should read twice."""

    design: tuple[tuple[str, str], ...]
    plan: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def sources_in_words(outline: SourcesOutline, names: Mapping[str, str], language: str) -> SourcesInWords:
    """What the design and the plan say; `names` are those of units, by code."""
    translate = catalogue_of("office").translator(language)
    lines = _design_lines(outline.design, translate, language)
    return SourcesInWords(
        tuple((translate(f"design_{key}"), text) for key, text in lines),
        tuple((translate(f"plan_{key}"), text) for key, text in _plan_lines(outline.plan, translate, language)),
        tuple(
            translate(f"design_{kind}", units=_named(units, names, translate), count=len(units))
            for kind, units in (("uncounted", outline.design.uncounted), ("strange", outline.design.strange))
            if units
        ),
    )


def _design_lines(design: DesignOutline, translate: Translate, language: str) -> list[tuple[str, str]]:
    lines = [("label", design.label)] if design.label else []
    lines.append(("strata", _strata(design, translate)))
    lines.append(("clusters", _clusters(design, translate)))
    if design.n_cells and "psu" not in design.clusters:
        lines.append(("cells", translate("design_cells_n", count=design.n_cells)))
    lines.append(("population", _population(design, translate, language)))
    if design.household is not None:
        item = design.household.in_language(language)
        lines.append(("household", translate("design_household_said", item=item)))
    margins = [
        translate("design_margin_units" if margin.n_units else "design_margin_round", item=item, count=margin.n_units)
        for margin in design.margins
        for item in [margin.item.in_language(language)]
    ]
    lines.append(("margins", "; ".join(margins) or translate("design_margins_none")))
    if design.has_fpc:
        lines.append(("fpc", translate("design_fpc_said")))
    return lines


def _strata(design: DesignOutline, translate: Translate) -> str:
    kind = "both" if len(design.strata) > 1 else design.strata[0]
    if design.n_strata is None:
        return translate(f"design_strata_{kind}_uncounted")
    return translate(f"design_strata_{kind}", count=design.n_strata)


def _clusters(design: DesignOutline, translate: Translate) -> str:
    if "ballot" in design.clusters:
        return translate("design_clusters_ballot")
    if not design.clusters:
        return translate("design_clusters_none")
    return (
        translate("design_clusters_psu", count=design.n_cells) if design.n_cells else translate("design_clusters_any")
    )


def _population(design: DesignOutline, translate: Translate, language: str) -> str:
    if design.n_people is None:
        return translate("design_population_none")
    kind = "people" if design.household is None else "households"
    people = translate(f"design_population_{kind}", count=design.n_people)
    if design.n_represented is None:
        return people
    return translate("design_population_drawn", people=people, represented=number(design.n_represented, 0, language))


def _plan_lines(plan: PlanOutline, translate: Translate, language: str) -> list[tuple[str, str]]:
    return [
        ("version", plan.version),
        ("profile", translate("plan_profile_none") if plan.profile is None else plan.profile.in_language(language)),
        ("aggregate", translate(f"plan_aggregate_{plan.aggregate}")),
        ("level", percent(plan.level, 0 if round(plan.level * 100, 6).is_integer() else 1, language)),
        ("suppress", translate("plan_suppress_below", count=plan.suppress_below)),
        ("coarsening", translate("plan_coarsening_k", count=plan.coarsening_k)),
        ("release", _release(plan, translate)),
        ("hard", translate("plan_hard_yes" if plan.uses_hard_data else "plan_hard_no")),
    ]


def _release(plan: PlanOutline, translate: Translate) -> str:
    if not plan.release.needs_preview:
        return translate("plan_release_none")
    return translate("plan_release_said", days=plan.release.embargo_days, approvals=plan.release.approvals)


def _named(units: Sequence[str], names: Mapping[str, str], translate: Translate) -> str:
    shown = ", ".join(names.get(unit, unit) for unit in units[:MOST_NAMED])
    more = len(units) - MOST_NAMED
    return translate("and_more", names=shown, count=more) if more > 0 else shown
