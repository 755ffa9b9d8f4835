"""The estimates of a tree of a round: of units and of their totals, with the covariance between units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.archive import Archive, ArchiveContents
from analysis.indices.profiles import score_range
from analysis.indices.standardisation import HIGHEST, LOWEST
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.compared_units import Covariance
from analysis.release.disclosure import RULES
from analysis.release.edition import MODULE_SEPARATOR
from analysis.release.fieldwork import Extreme, extreme
from analysis.release.framing import BLOC, FramedResponses, frame_responses
from analysis.release.node_estimates import (
    NodeEstimates,
    estimate_owners,
    mean_of_units,
    node_coefficients,
    without_numbers,
)
from analysis.release.plan import Plan
from analysis.release.round_design import RoundDesign
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    NO_POPULATION,
)
from analysis.release.standardised_estimates import Standard, estimate_standardised
from analysis.responses import BALLOT
from analysis.row_groups import first_rows
from questionnaires.model import Profile, Questionnaire

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Round:
    """What every step of the computation looks at."""

    archive: Archive
    plan: Plan
    design: RoundDesign
    disclosure_rules: int = RULES

    @property
    def slug(self) -> str:
        """The name of the round."""
        return self.archive.contents.facts.slug

    @property
    def units(self) -> list[str]:
        """The codes of its units."""
        return [unit.code for unit in self.archive.contents.units]

    @property
    def units_of_bloc(self) -> dict[str, list[str]]:
        """The codes of the units of each bloc."""
        blocs: dict[str, list[str]] = {}
        for unit in self.archive.contents.units:
            blocs.setdefault(unit.bloc_code, []).append(unit.code)
        return blocs


@dataclass(frozen=True, slots=True)
class Scored:
    """One tree of the round, its profile and the responses that it scores.

    `contents` are the archive's, with one row a ballot where the tree is a module's and a ballot has several.
    """

    tree: IndexTree
    profile: Profile
    contents: ArchiveContents
    framed: FramedResponses

    def bounds_of(self, node: int) -> tuple[float, float]:
        """The smallest and the largest value that a node can have."""
        if self.profile.formula != "standardised":
            return self.framed.bounds
        return (self.profile.lowest_points, self.profile.highest_points) if node == 0 else (LOWEST, HIGHEST)


@dataclass(frozen=True, slots=True)
class Estimated:
    """The estimates of a tree: of units, if any, and of totals; the joint covariance of a node in some units; and what
    a standardised index was mapped between.
    """

    units: NodeEstimates | None
    totals: Sequence[NodeEstimates]
    covariance: Covariance
    totals_hold_hidden_units: bool = True
    extremes: tuple[Extreme, ...] = ()


def scored_host(
    round_: Round, questionnaire: Questionnaire, profile: Profile, contents: ArchiveContents, prefix: str = ""
) -> Scored:
    """The tree of a questionnaire with the responses scored under a profile; its nodes' codes begin with `prefix`."""
    tree = index_tree(questionnaire, profile)
    framed = frame_responses(contents, questionnaire, tree, profile, round_.design, round_.plan)
    return Scored(tree.named(prefix) if prefix else tree, profile, contents, framed)


def scored_module(round_: Round, module: Questionnaire) -> Scored:
    """The tree of a module under its default profile, with one row a ballot where a ballot rates several units."""
    contents = round_.archive.contents
    if round_.archive.questionnaire.rates_several_units:
        first = contents.responses.take(pa.array(first_rows(contents.responses, BALLOT)))
        contents = replace(contents, responses=first)
    profile = module.profile(module.default_profile)
    return scored_host(round_, module, profile, contents, module.name + MODULE_SEPARATOR)


def estimate_host(round_: Round, host: Scored, hard: Floats) -> Estimated:
    """The estimates of the questionnaire's own tree; `hard` (U, H) are the hard data of the units, NaN for none."""
    if host.profile.formula != "standardised":
        return _estimate_linear(round_, host)
    questionnaire, plan = round_.archive.questionnaire, round_.plan
    scales = np.array([score_range([questionnaire.item(item)], host.profile) for item in host.tree.items])
    standard = Standard(host.tree, host.profile, plan, scales)
    generator = np.random.Generator(np.random.PCG64(plan.standardisation.seed))
    found = estimate_standardised(host.framed, standard, round_.units, round_.units_of_bloc, hard, generator)
    codes = (*host.tree.items, *host.tree.hard)
    extremes = tuple(
        extreme(bloc, code, float(low[k]), float(high[k]))
        for bloc, (low, high) in zip(round_.units_of_bloc, found.extremes, strict=True)
        for k, code in enumerate(codes)
    )
    return Estimated(found.units, [found.totals], found.covariance, False, extremes)


def estimate_module(round_: Round, module: Scored) -> Estimated:
    """The estimates of a module's tree: of all alone where a ballot rates several units."""
    if not round_.archive.questionnaire.rates_several_units:
        return _estimate_linear(round_, module)
    return Estimated(None, [_all_ballots(round_, module)], _no_covariance)


def _all_ballots(round_: Round, module: Scored) -> NodeEstimates:
    framed, tree, plan = module.framed, module.tree, round_.plan
    if not round_.design.has_counts and plan.aggregate == "persons":
        return without_numbers([ALL], [framed.table.num_rows], tree, plan, NO_POPULATION)
    return estimate_owners(framed, tree, plan, None, [""]).renamed([ALL])


def _estimate_linear(round_: Round, scored: Scored) -> Estimated:
    units = estimate_owners(scored.framed, scored.tree, round_.plan, "unit", round_.units)

    def covariance(node: int, positions: Sequence[int]) -> Floats:
        if units.means is None:
            return _no_covariance(node, positions)
        places = [place for o in positions if (place := units.places[o]) is not None]
        return units.means.covariance_of(node_coefficients(units.means, scored.tree, node, places))

    return Estimated(units, estimate_totals(round_, scored, units), covariance)


def _no_covariance(_: int, positions: Sequence[int]) -> Floats:
    return np.full((len(positions), len(positions)), np.nan)


def estimate_totals(
    round_: Round, scored: Scored, unit_means: NodeEstimates, *, with_deff: bool = True
) -> list[NodeEstimates]:
    """The blocs' means and those of all, as the plan wants them."""
    blocs = round_.units_of_bloc
    owners = [BLOC_PREFIX + bloc for bloc in blocs]
    tree, plan, framed = scored.tree, round_.plan, scored.framed
    if plan.aggregate == "units":
        groups = {**{BLOC_PREFIX + bloc: units for bloc, units in blocs.items()}, ALL: list(unit_means.owners)}
        return [mean_of_units(framed, unit_means, tree, plan, groups)]
    if not round_.design.has_counts:
        n_of_unit = dict(zip(unit_means.owners, unit_means.n_respondents[:, 0].tolist(), strict=True))
        counts = [sum(n_of_unit[unit] for unit in units) for units in blocs.values()]
        return [without_numbers([*owners, ALL], [*counts, sum(counts)], tree, plan, NO_POPULATION)]
    by_bloc = estimate_owners(framed, tree, plan, BLOC, list(blocs), with_deff=with_deff).renamed(owners)
    if len(blocs) == 1:
        return [by_bloc, by_bloc.renamed([ALL])]
    return [by_bloc, estimate_owners(framed, tree, plan, None, [""], with_deff=with_deff).renamed([ALL])]
