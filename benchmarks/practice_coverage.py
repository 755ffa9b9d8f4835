"""Does an interval of 95 % hold the true value 95 times in a hundred? Simulated rounds through the code of every round.

Run: python benchmarks/practice_coverage.py [ROUNDS [UNITS]]        default: 40 rounds of 54 units

A round is drawn as the practice commands draw it: in each unit ten of eighty quarters and villages, with probabilities
that follow an old count, codes for as many households in each, of whom some answer. The answers are coarsened and the
PSUs redrawn as at sealing; weights, variances and intervals are those of `frame_responses` and `estimate_owners`. The
true values come from `practice_truth`, which draws nobody. Beside them stands the naive interval of a simple random
sample of the same answers, and the same design without the repair of non-response by cells.
"""

import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from analysis.archive import ArchiveContents, ArchiveUnit, Counts, RoundFacts
from analysis.coarsening import coarsen, redraw_psus
from analysis.estimation.design import SurveyDesign
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.framing import WEIGHT, FramedResponses, frame_responses
from analysis.release.node_estimates import NodeEstimates, estimate_owners
from analysis.release.plan import Plan, plan_source
from analysis.release.round_design import parse_design
from analysis.release.sealed_design import sealed_design_source
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Questionnaire, Text
from survey.demonstration.practice_design import population_of, practice_design
from survey.demonstration.practice_frame import Manners
from survey.demonstration.practice_people import draw_answers, issue_counts
from survey.demonstration.practice_table import responses_of
from survey.demonstration.practice_truth import true_item_means

REFERENCE, HOUSEHOLD = "sipas/2017.1", None
RESPONDENTS_A_UNIT, PSUS_A_UNIT = 185, 10
DAY = dt.date(2026, 11, 23)
# A population is played this often, each time with other quarters, villages and people drawn from it.
DRAWS = 8
FIRST_SEED = 20261100


@dataclass(frozen=True, slots=True)
class Played:
    """A simulated round as sealing would leave it, and its true values (U, M)."""

    contents: ArchiveContents
    questionnaire: Questionnaire
    plan: Plan
    tree: IndexTree
    truth: np.ndarray


@dataclass(frozen=True, slots=True)
class Tally:
    """What intervals did, of U units in some rounds and M nodes: arrays (rounds * U, M), NaN without an interval."""

    truth: np.ndarray
    values: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    @property
    def holds(self) -> np.ndarray:
        return (self.lows <= self.truth) & (self.truth <= self.highs)

    def coverage(self, node: int | None = 0) -> float:
        """The share of the intervals that hold the truth: of one node, or of all."""
        known = ~np.isnan(self.lows)
        where = known if node is None else known[:, [node]]
        holds = self.holds if node is None else self.holds[:, [node]]
        return float(holds[where].mean())

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(np.vstack([getattr(self, name), getattr(other, name)]) for name in self.__slots__))


def play(
    seed: int,
    draw: int,
    units: Sequence[str],
    manners: Manners,
    respondents: int = RESPONDENTS_A_UNIT,
    plan: Plan | None = None,
    bend: Callable[[pa.Table], pa.Table] = lambda table: table,
) -> Played:
    """A round of these units, drawn for the time `draw` from the population of a seed, as its archive would be.

    `bend` does to the answers what somebody who wants others does before they are sealed.
    """
    questionnaire = load_bundled(REFERENCE)
    profile_name = questionnaire.default_profile
    plan = plan or Plan(profile=profile_name)
    source = practice_design(units, seed, PSUS_A_UNIT, HOUSEHOLD, draw)
    design = parse_design(source, "design.yaml", questionnaire)
    population, everybody = population_of(questionnaire, units, design, seed, manners)
    population = replace(population, draw=draw)
    issued = issue_counts(population, respondents * len(units))
    answers = draw_answers(population, issued, respondents * len(units))
    table = bend(responses_of(population, answers))
    shuffling = np.random.default_rng([seed, draw])
    coarsened = redraw_psus(
        coarsen(table, k=plan.coarsening_k, steps=plan.coarsening_steps),
        lambda labels: [labels[place] for place in shuffling.permutation(len(labels))],
    )
    cells = population.cells
    places = [
        (units[unit], stratum, psu) for unit, stratum, psu in zip(cells.unit, cells.strata, cells.psus, strict=True)
    ]
    n_issued = dict(zip(places, issued.sum(axis=1).tolist(), strict=True))
    sealed = sealed_design_source(
        design, source, coarsened, n_issued, Counter(places[cell] for cell in answers.cell.tolist())
    )
    n_rows = coarsened.table.num_rows
    contents = ArchiveContents(
        facts=RoundFacts(
            slug="coverage", title=Text("Thử", "Trial"), opens_on=DAY, closes_on=DAY, issuer=Text("Thử", "Trial"),
            decision="", hotline="", collected="simulated",
        ),
        questionnaire_source=bundled_source(REFERENCE),
        plan_source=plan_source(plan),
        design_source=sealed,
        units=tuple(ArchiveUnit(unit, Text(unit, unit), "ward", "bloc", "Khối", None) for unit in units),
        responses=coarsened.table,
        comments=None,
        comment_count=0,
        counts=Counts(int(issued.sum()), n_rows, n_rows, n_rows, {}),
        coarsening=coarsened.record,
        previous_manifest=None,
    )  # fmt: skip
    profile = questionnaire.profile(profile_name)
    tree = index_tree(questionnaire, profile)
    truth = tree.values_of(true_item_means(population, everybody, tree.items, profile))
    return Played(contents, questionnaire, plan, tree, truth)


def framed(played: Played) -> FramedResponses:
    """The responses with their weights, as every round's are made."""
    design = parse_design(played.contents.design_source, "design.yaml")
    profile = played.questionnaire.profile(played.plan.profile)
    return frame_responses(played.contents, played.questionnaire, played.tree, profile, design, played.plan)


def without_repair(played: Played, responses: FramedResponses) -> FramedResponses:
    """The same with the weights of those who were asked: who did not answer is made up for by nobody."""
    design = parse_design(played.contents.design_source, "design.yaml")
    share = {cell.key: (cell.returned or 0) / (cell.issued or 1) for cell in design.cells}
    keys = zip(*(played.contents.responses[name].to_pylist() for name in ("unit", "stratum", "psu")), strict=True)
    weights = responses.weights * np.array([share[key] for key in keys])
    place = responses.table.schema.get_field_index(WEIGHT)
    return replace(responses, table=responses.table.set_column(place, WEIGHT, pa.array(weights)), weights=weights)


def naive(responses: FramedResponses) -> FramedResponses:
    """The same as if it were a simple random sample: no strata, no clusters, no weights."""
    return replace(responses, design=SurveyDesign(), weights=np.ones(len(responses.weights)))


def tally(played: Played, responses: FramedResponses, units: Sequence[str]) -> Tally:
    """The intervals of all units and nodes beside the true values."""
    found: NodeEstimates = estimate_owners(responses, played.tree, played.plan, "unit", list(units))

    def column(name: str) -> np.ndarray:
        return np.array([[getattr(one, name) for one in row] for row in found.estimates], dtype=np.float64)

    return Tally(played.truth, column("value"), column("low"), column("high"))


def practice_units(n_units: int) -> list[str]:
    return [f"U{number:03d}" for number in range(1, n_units + 1)]


def run(n_rounds: int, n_units: int, manners: Manners, first_seed: int = FIRST_SEED) -> dict[str, Tally]:
    """Some rounds by the three roads: "design", "unrepaired" and "naive"."""
    units = practice_units(n_units)
    tallies: dict[str, Tally] = {}
    for number in range(n_rounds):
        played = play(first_seed + number // DRAWS, number % DRAWS, units, manners)
        responses = framed(played)
        roads = {
            "design": responses,
            "unrepaired": without_repair(played, responses),
            "naive": naive(responses),
        }
        for name, table in roads.items():
            counted = tally(played, table, units)
            tallies[name] = tallies[name] + counted if name in tallies else counted
    return tallies


SCENARIOS = {
    "non-response by quarter and village": Manners(response_of_person=0.0),
    "the same, and a little by the person": Manners(),
    "the same, and strongly by the person": Manners(response_of_person=0.5),
}
ROADS = {
    "design": "design: weights repaired by cell, clusters, strata",
    "unrepaired": "design without the repair by cell",
    "naive": "naive: simple random sample",
}


def main(n_rounds: int, n_units: int) -> None:
    print(f"{n_rounds} rounds of {n_units} units: {n_rounds * n_units:,} unit-rounds, seeds {FIRST_SEED} to "
          f"{FIRST_SEED + (n_rounds - 1) // DRAWS}, draws 0 to {min(n_rounds, DRAWS) - 1} of each; {REFERENCE}, "
          f"{RESPONDENTS_A_UNIT} respondents a unit")  # fmt: skip
    print("| answers | interval of 95 % | holds the index | holds any node | mean half width | mean error |")
    print("|---|---|---:|---:|---:|---:|")
    for scenario, manners in SCENARIOS.items():
        start = time.perf_counter()
        for road, found in run(n_rounds, n_units, manners).items():
            half = np.nanmean((found.highs - found.lows)[:, 0]) / 2
            error = np.nanmean((found.values - found.truth)[:, 0])
            print(f"| {scenario} | {ROADS[road]} | {100 * found.coverage():.1f} % | {100 * found.coverage(None):.1f} % "
                  f"| {half:.2f} | {error:+.2f} |", flush=True)  # fmt: skip
        print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    main(*(arguments + [40, 54][len(arguments) :]))
