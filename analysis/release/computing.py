"""From an archive to an edition: estimates of every node, ranks and distributions, with what may not be shown
hidden.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.archive import Archive
from analysis.errors import AnalysisError
from analysis.indices.profiles import score_range
from analysis.indices.trees import UNCOUNTED
from analysis.release.cell_weights import CellWeights, cell_weights
from analysis.release.compared_units import ComparedUnits
from analysis.release.context import Context, with_context
from analysis.release.differences import difference_rows
from analysis.release.disclosure import RULES, Candidate, disclose, formulas_as_printed, plan_by_rules
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.distributions import distribution_rows
from analysis.release.edition import Edition
from analysis.release.edition_folder import FORMAT
from analysis.release.estimated_trees import (
    Estimated,
    Round,
    Scored,
    estimate_host,
    estimate_module,
    estimate_totals,
    scored_host,
    scored_module,
)
from analysis.release.fieldwork import fieldwork_of
from analysis.release.formulas import Published, formula_rows
from analysis.release.framing import FramedResponses, rescored
from analysis.release.hard_data import HardData
from analysis.release.importance import importance_rows
from analysis.release.node_estimates import (
    NodeEstimates,
    estimate_owners,
)
from analysis.release.open_link import open_link_rows, without_open_link
from analysis.release.plan import parse_plan
from analysis.release.public_accounting import public_accounting
from analysis.release.ranks import former_rank_rows, rank_rows
from analysis.release.round_design import parse_design
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    DifferenceRow,
    DistributionRow,
    EstimateRow,
    FormulaRow,
    RankRow,
)
from analysis.release.subgroups import subgroup_rows
from questionnaires.model import Profile, Questionnaire

# The first format with ranks from draws, differences and other formulas, and the first with importance and the like.
FIRST_WITH_DRAWN_RANKS = 3
FIRST_WITH_CONTEXT = 4

Floats = npt.NDArray[np.float64]


def compute_edition(
    archive: Archive,
    *,
    number: int = 1,
    published_on: date,
    public_url: str | None,
    reason: str | None = None,
    hard_data: HardData | None = None,
    edition_format: int = FORMAT,
    disclosure_rules: int = RULES,
    context: Context | None = None,
) -> Edition:
    """The edition that follows from an archive, its plan and its hard data; nothing but the arguments enters it.

    Every unit, every bloc and all have a row for every node; what cannot be computed or shown is a row with a reason.
    The trees of modules follow the host's, their nodes as MODULE.NODE; where a ballot rates several units nobody knows
    of which a module speaks, and there are rows for all alone. An `edition_format` before the third has the ranks of
    its time, and neither differences nor other formulas; one before the fourth stands alone. `disclosure_rules` are
    those by which figures are hidden.

    `context` is what comes from elsewhere.

    Raises PlanError or DesignError when the archive's plan or design cannot be used, AnalysisError when hard data are
    wanted and not given, given and not wanted, or do not fit the round, and when the context does not.
    """
    whole, archive = archive.contents, without_open_link(archive)
    contents, questionnaire = archive.contents, archive.questionnaire
    plan = parse_plan(contents.plan_source, "plan.yaml")
    round_ = Round(
        archive,
        plan_by_rules(plan, disclosure_rules),
        parse_design(contents.design_source, "design.yaml"),
        disclosure_rules,
    )
    profile = questionnaire.profile(plan.profile_for(questionnaire))
    host = scored_host(round_, questionnaire, profile, contents)
    estimated = estimate_host(round_, host, _hard_table(round_, host, hard_data))
    rows, distributions = _published(round_, host, estimated)
    formulas, differences, ranks = _set_beside_each_other(round_, host, estimated, rows, edition_format)
    for module in questionnaire.modules:
        scored = scored_module(round_, module)
        more_rows, more_distributions = _published(round_, scored, estimate_module(round_, scored))
        rows.extend(more_rows)
        distributions.extend(more_distributions)
    importance = (
        importance_rows(contents, questionnaire, host.tree, host.framed, plan, round_.units_of_bloc)
        if edition_format >= FIRST_WITH_CONTEXT
        else []
    )
    subgroups = subgroup_rows(round_, host, rows) if edition_format >= FIRST_WITH_CONTEXT else []
    edition = Edition(
        facts=contents.facts,
        number=number,
        reason=reason,
        published_on=published_on,
        public_url=public_url,
        questionnaire=questionnaire,
        questionnaire_source=contents.questionnaire_source,
        plan=plan,
        plan_source=contents.plan_source,
        profile=profile.name,
        units=contents.units,
        estimates=tuple(rows),
        ranks=tuple(ranks),
        distributions=tuple(distributions),
        counts=contents.counts,
        coverage=_coverage(round_, host.framed),
        archive_manifest_sha256=archive.manifest_sha256,
        module_sources=contents.module_sources,
        hard_source=None if hard_data is None else hard_data.source,
        accounting=public_accounting(
            contents.accounting, plan.suppress_below, plan.disclosure.protection, disclosure_rules
        ),
        fieldwork=fieldwork_of(contents, round_.design, plan, estimated.extremes, host.framed.weighting),
        differences=tuple(differences),
        formulas=tuple(formulas),
        open_link=tuple(open_link_rows(whole, questionnaire, host.tree, profile, plan)),
        disclosure_rules=disclosure_rules,
        importance=tuple(importance),
        subgroups=tuple(subgroups),
    )
    if edition_format < FIRST_WITH_CONTEXT:
        return edition
    return with_context(edition, context or Context())


def wants_hard_data(archive: Archive) -> bool:
    """Whether an archive's figures rest on hard data, which it does not hold. Raises PlanError as its plan deserves."""
    plan = parse_plan(archive.contents.plan_source, "plan.yaml")
    return archive.questionnaire.profile(plan.profile_for(archive.questionnaire)).uses_hard


def _hard_table(round_: Round, host: Scored, hard_data: HardData | None) -> Floats:
    """The hard data (U, H) of the units."""
    if hard_data is None:
        if host.tree.hard:
            raise AnalysisError(
                f"the profile {host.profile.name}: found no hard data, expected a file with the columns unit, "
                f"indicator, value and source for {', '.join(host.tree.hard)} (--hard-data FILE)"
            )
        return np.zeros((len(round_.units), 0))
    if not host.tree.hard:
        raise AnalysisError(
            f"{hard_data.origin}: found hard data, expected none: the profile {host.profile.name} does not use them"
        )
    return hard_data.table(round_.units, host.tree.hard)


def _published(round_: Round, scored: Scored, estimated: Estimated) -> tuple[list[EstimateRow], list[DistributionRow]]:
    """The rows of a tree that may leave, and how the answers to its items spread."""
    means = [*([] if estimated.units is None else [estimated.units]), *estimated.totals]
    counts_units_alike = round_.plan.aggregate == "units" or not estimated.totals_hold_hidden_units
    weights = cell_weights(
        scored.framed, scored.tree.items, round_.units_of_bloc, counts_units_alike=counts_units_alike
    )
    candidates = [candidate for part in means for candidate in _candidates(round_, scored, part, weights)]
    blocs = {} if estimated.units is None else round_.units_of_bloc
    holds_hidden = estimated.totals_hold_hidden_units
    rows = disclose(
        candidates,
        scored.tree,
        blocs,
        round_.plan,
        totals_hold_hidden_units=holds_hidden,
        scales=_scales(round_.archive.questionnaire, scored),
        rules=round_.disclosure_rules,
    )
    spread = distribution_rows(
        scored.contents,
        round_.archive.questionnaire,
        scored.tree,
        scored.framed,
        round_.plan,
        rows,
        totals_hold_hidden_units=holds_hidden,
        rules=round_.disclosure_rules,
    )
    return rows, list(spread)


def _scales(questionnaire: Questionnaire, scored: Scored) -> dict[str, tuple[float, float]]:
    """Between which ends the nodes of a tree lie, before they are standardised."""
    return {
        node.code: scored.framed.bounds
        if node.item is None
        else score_range([questionnaire.item(node.item)], scored.profile)
        for node in scored.tree.nodes
    }


def _candidates(round_: Round, scored: Scored, means: NodeEstimates, weights: CellWeights) -> list[Candidate]:
    tree, plan = scored.tree, round_.plan
    found = []
    for o, owner in enumerate(means.owners):
        for m, node in enumerate(tree.nodes):
            estimate = means.estimates[o][m]
            bounds = scored.bounds_of(m)
            counted = int(means.n_answers[o, m] if not node.children else means.n_respondents[o, m])
            n = None if counted == UNCOUNTED else counted
            row = EstimateRow(
                round=round_.slug,
                unit=owner,
                node=node.code,
                label=node.label.vi,
                estimate=_within(estimate.value, bounds),
                se=estimate.se,
                low=_within(estimate.low, bounds),
                high=_within(estimate.high, bounds),
                level=estimate.level,
                method=estimate.method,
                df=estimate.df,
                n=n,
                n_effective=None if estimate.deff is None or n is None else n / estimate.deff,
                deff=estimate.deff,
                suppressed=False,
                reason=estimate.reason or "",
                caution=False,
                weight=float(tree.weights[m]),
            )
            largest, in_total = weights.of_cell(owner, node.item, tree.items)
            counts = int(means.n_respondents[o, m]), int(means.n_answers[o, m])
            # The plain mean of units takes nothing of one that has no figure of its own.
            in_total = in_total if row.estimate is not None or plan.aggregate == "persons" else 0.0
            found.append(Candidate(row, *counts, largest, in_total))
    return found


def _within(value: float | None, bounds: tuple[float, float]) -> float | None:
    """The value on the scale: an interval may reach beyond it, and rounding may leave a full score a hair above."""
    return None if value is None else min(max(value, bounds[0]), bounds[1])


def _set_beside_each_other(
    round_: Round, host: Scored, estimated: Estimated, rows: Sequence[EstimateRow], edition_format: int
) -> tuple[list[FormulaRow], list[DifferenceRow], list[RankRow]]:
    """Other formulas on the same answers, and the units of a bloc against each other; ranks alone in former formats."""
    compared = _compared(round_, host, estimated, rows)
    if compared is None:
        return [], [], []
    if edition_format < FIRST_WITH_DRAWN_RANKS:
        return [], [], former_rank_rows(compared)
    formulas = _formulas(round_, host, estimated, compared.rows)
    if round_.disclosure_rules > FIRST_RULES:
        formulas = formulas_as_printed(formulas, rows, round_.units_of_bloc, round_.plan)
    differences = difference_rows(compared)
    return formulas, differences, rank_rows(compared, differences)


def _compared(round_: Round, host: Scored, estimated: Estimated, rows: Sequence[EstimateRow]) -> ComparedUnits | None:
    if estimated.units is None:
        return None
    return ComparedUnits(
        round=round_.slug,
        blocs=round_.units_of_bloc,
        tree=host.tree,
        plan=round_.plan,
        estimates=estimated.units,
        covariance=estimated.covariance,
        rows={(row.unit, row.node): row for row in rows},
        weights=_people(round_, host.framed),
    )


def _formulas(
    round_: Round, host: Scored, estimated: Estimated, rows: Mapping[tuple[str, str], EstimateRow]
) -> list[FormulaRow]:
    """What other formulas give; for units alone where the totals are those of shown units, which these would not be."""
    tree = host.tree.root_alone()
    is_linear = host.profile.formula != "standardised"

    def estimate(profile: Profile) -> Sequence[NodeEstimates]:
        responses, questionnaire = host.contents.responses, round_.archive.questionnaire
        framed = rescored(host.framed, responses, questionnaire, tree, profile)
        scored = Scored(tree, profile, host.contents, framed)
        units = estimate_owners(framed, tree, round_.plan, "unit", round_.units, with_deff=False)
        return [units, *(estimate_totals(round_, scored, units, with_deff=False) if is_linear else ())]

    published = [] if estimated.units is None else [estimated.units]
    if is_linear:
        published.extend(estimated.totals)
    return formula_rows(
        Published(
            round=round_.slug,
            questionnaire=round_.archive.questionnaire,
            tree=host.tree,
            profile=host.profile,
            plan=round_.plan,
            estimates=published,
            rows=rows,
        ),
        estimate,
    )


def _people(round_: Round, framed: FramedResponses) -> Mapping[str, float]:
    """What each unit counts for in a mean of units: its people where the plan aggregates persons, one otherwise."""
    alike = dict.fromkeys(round_.units, 1.0)
    if round_.plan.aggregate != "persons" or not round_.design.has_counts:
        return alike
    weights = pa.table({"unit": framed.table["unit"], "people": pa.array(framed.weights)})
    sums = weights.group_by("unit", use_threads=False).aggregate([("people", "sum")])
    return {**alike, **dict(zip(sums["unit"].to_pylist(), sums["people_sum"].to_pylist(), strict=True))}


def _coverage(round_: Round, framed: FramedResponses) -> Mapping[str, float]:
    """The share of each bloc's people, and of all, whose strata have responses; only "all" where strata cross
    units.
    """
    covered = framed.covered
    if not covered:
        return {}

    def share(labels: Sequence[str]) -> float:
        people = sum(covered[label][0] for label in labels)
        return sum(covered[label][0] for label in labels if covered[label][1]) / people if people else 0.0

    shares = {}
    if "unit" in round_.design.strata:
        for bloc, units in round_.units_of_bloc.items():
            labels = [label for label in covered if round_.design.labels_of(label)["unit"] in units]
            shares[BLOC_PREFIX + bloc] = share(labels)
    return {**shares, ALL: share(list(covered))}
