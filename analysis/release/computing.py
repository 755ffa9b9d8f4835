"""From an archive to an edition: estimates of every node, ranks and distributions, with what may not be shown
hidden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.archive import Archive
from analysis.indices.ranking import rank_sets
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.disclosure import Candidate, disclose
from analysis.release.distributions import distribution_rows
from analysis.release.edition import Edition
from analysis.release.framing import BLOC, FramedResponses, frame_responses
from analysis.release.hard_data import HardData
from analysis.release.node_estimates import (
    UNANIMOUS,
    NodeEstimates,
    estimate_owners,
    mean_of_units,
    root_coefficients,
    without_numbers,
)
from analysis.release.plan import Plan, parse_plan
from analysis.release.round_design import RoundDesign, parse_design
from analysis.release.rows import ALL, BLOC_PREFIX, NO_POPULATION, EstimateRow, RankRow

HOLM = "holm"


@dataclass(frozen=True, slots=True)
class _Round:
    """What every step of the computation looks at."""

    archive: Archive
    plan: Plan
    design: RoundDesign
    tree: IndexTree
    framed: FramedResponses

    @property
    def slug(self) -> str:
        return self.archive.contents.facts.slug

    @property
    def units_of_bloc(self) -> dict[str, list[str]]:
        blocs: dict[str, list[str]] = {}
        for unit in self.archive.contents.units:
            blocs.setdefault(unit.bloc_code, []).append(unit.code)
        return blocs


def compute_edition(
    archive: Archive,
    *,
    number: int = 1,
    published_on: date,
    public_url: str | None,
    reason: str | None = None,
    hard_data: HardData | None = None,
) -> Edition:
    """The edition that follows from an archive, its plan and its hard data; nothing but the arguments enters it.

    Every unit, every bloc and all have a row for every node; what cannot be computed or shown is a row with a reason.
    Raises PlanError or DesignError when the archive's plan or design cannot be used, AnalysisError when hard data are
    wanted and not given, given and not wanted, or do not fit the round.
    """
    round_, profile = _prepare(archive)
    tree, plan = round_.tree, round_.plan
    units = [unit.code for unit in archive.contents.units]
    unit_means = estimate_owners(round_.framed, tree, plan, "unit", units)
    candidates = _candidates(round_, unit_means)
    totals = _totals(round_, unit_means)
    for means in totals:
        candidates.extend(_candidates(round_, means))
    rows = disclose(candidates, tree, round_.units_of_bloc, plan)
    return Edition(
        facts=archive.contents.facts,
        number=number,
        reason=reason,
        published_on=published_on,
        public_url=public_url,
        questionnaire=archive.questionnaire,
        questionnaire_source=archive.contents.questionnaire_source,
        plan=plan,
        plan_source=archive.contents.plan_source,
        profile=profile,
        units=archive.contents.units,
        estimates=tuple(rows),
        ranks=tuple(_ranks(round_, unit_means, rows)),
        distributions=tuple(
            distribution_rows(archive.contents, archive.questionnaire, tree, round_.framed, plan, rows)
        ),
        counts=archive.contents.counts,
        coverage=_coverage(round_),
        archive_manifest_sha256=archive.manifest_sha256,
    )


def _prepare(archive: Archive) -> tuple[_Round, str]:
    contents, questionnaire = archive.contents, archive.questionnaire
    plan = parse_plan(contents.plan_source, "plan.yaml")
    design = parse_design(contents.design_source, "design.yaml")
    profile_name = plan.profile_for(questionnaire)
    profile = questionnaire.profile(profile_name)
    tree = index_tree(questionnaire)
    framed = frame_responses(contents, questionnaire, tree, profile, design, plan)
    return _Round(archive, plan, design, tree, framed), profile_name


def _totals(round_: _Round, unit_means: NodeEstimates) -> list[NodeEstimates]:
    """The blocs' means and those of all, as the plan wants them."""
    blocs = round_.units_of_bloc
    owners = [BLOC_PREFIX + bloc for bloc in blocs]
    tree, plan, framed = round_.tree, round_.plan, round_.framed
    if plan.aggregate == "units":
        groups = {**{BLOC_PREFIX + bloc: units for bloc, units in blocs.items()}, ALL: list(unit_means.owners)}
        return [mean_of_units(framed, unit_means, tree, plan, groups)]
    if not round_.design.has_counts:
        n_of_unit = dict(zip(unit_means.owners, unit_means.n_respondents.tolist(), strict=True))
        counts = [sum(n_of_unit[unit] for unit in units) for units in blocs.values()]
        return [without_numbers([*owners, ALL], [*counts, sum(counts)], tree, plan, NO_POPULATION)]
    by_bloc = estimate_owners(framed, tree, plan, BLOC, list(blocs)).renamed(owners)
    if len(blocs) == 1:
        return [by_bloc, by_bloc.renamed([ALL])]
    return [by_bloc, estimate_owners(framed, tree, plan, None, [""]).renamed([ALL])]


def _candidates(round_: _Round, means: NodeEstimates) -> list[Candidate]:
    tree = round_.tree
    found = []
    for o, owner in enumerate(means.owners):
        for m, node in enumerate(tree.nodes):
            estimate = means.estimates[o][m]
            n = int(means.n_answers[o, m] if node.item is not None else means.n_respondents[o])
            row = EstimateRow(
                round=round_.slug,
                unit=owner,
                node=node.code,
                label=node.label.vi,
                estimate=_within(estimate.value, round_.framed.bounds),
                se=estimate.se,
                low=_within(estimate.low, round_.framed.bounds),
                high=_within(estimate.high, round_.framed.bounds),
                level=estimate.level,
                method=estimate.method,
                df=estimate.df,
                n=n,
                n_effective=None if estimate.deff is None else n / estimate.deff,
                deff=estimate.deff,
                suppressed=False,
                reason=estimate.reason or "",
                caution=False,
                weight=float(tree.weights[m]),
            )
            found.append(Candidate(row, int(means.n_respondents[o]), int(means.n_answers[o, m])))
    return found


def _within(value: float | None, bounds: tuple[float, float]) -> float | None:
    """The value on the scale: an interval may reach beyond it, and rounding may leave a full score a hair above."""
    return None if value is None else min(max(value, bounds[0]), bounds[1])


def _ranks(round_: _Round, means: NodeEstimates, rows: Sequence[EstimateRow]) -> list[RankRow]:
    root = round_.tree.codes[0]
    # Where everybody answers alike no variance is seen, and a rank would take that for certainty.
    shown = {row.unit for row in rows if row.node == root and row.estimate is not None and row.method != UNANIMOUS}
    ranked: list[RankRow] = []
    for bloc, units in round_.units_of_bloc.items():
        chosen = [unit for unit in units if unit in shown]
        if len(chosen) < 2 or means.means is None:
            continue
        at = [means.owners.index(unit) for unit in chosen]
        places = [place for o in at if (place := means.places[o]) is not None]
        sets = rank_sets(
            np.array([means.estimates[o][0].value for o in at], dtype=np.float64),
            means.means.covariance_of(root_coefficients(means.means, round_.tree, places)),
            means.means.df[places],
            means.means.df_design,
            round_.plan.level,
            round_.plan.decimals,
        )
        order = sorted(range(len(chosen)), key=lambda j: (sets[j].rank, chosen[j]))
        ranked.extend(
            RankRow(
                round_.slug, bloc, chosen[j], sets[j].rank, sets[j].rank_low, sets[j].rank_high, sets[j].tier,
                round_.plan.level, HOLM,
            )
            for j in order
        )  # fmt: skip
    return ranked


def _coverage(round_: _Round) -> Mapping[str, float]:
    """The share of each bloc's people, and of all, whose strata have responses; only "all" where strata cross
    units.
    """
    covered = round_.framed.covered
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
