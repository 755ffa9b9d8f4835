"""Does the interval of a standardised index hold the true value 95 times in a hundred? Simulated blocs of units.

Run: python benchmarks/standardised_coverage.py [ROUNDS]        default: 12 rounds of each kind

A unit's true score is that of the true means of all units, the lowest of which has 1 and the highest 10. The estimates
are those of `estimate_standardised`. Beside its intervals stand two simpler ones of the same level: of the spread of
the draws alone, and of a score that is linear between extremes that are taken for known.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from analysis.estimation.design import SurveyDesign
from analysis.estimation.intervals import t_quantile
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.framing import BLOC, POPULATION, SCORE, STRATUM, WEIGHT, FramedResponses
from analysis.release.plan import Plan, Standardisation
from analysis.release.standardised_estimates import Standard, StandardisedEstimates, estimate_standardised
from analysis.release.weight_adjustments import Weighting
from questionnaires.library import load_bundled

QUESTIONNAIRE, PROFILE = "ddci/departments-2024.1", "ddci"
FIRST_SEED = 20260900
N_DRAWS = 500
EARLIER = (2.3, 4.7)
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Kind:
    """Blocs of `n_units` units with `n` answers each, whose true means spread with `spread` points of the scale."""

    n_units: int
    n: int
    spread: float
    earlier: bool = False

    @property
    def name(self) -> str:
        pooled = ", earlier years" if self.earlier else ""
        return f"{self.n_units} units, {self.n} answers, spread {self.spread:g}{pooled}"


KINDS = (
    Kind(12, 40, 0.25),
    Kind(12, 100, 0.25),
    Kind(27, 60, 0.25),
    Kind(27, 60, 0.10),
    Kind(27, 200, 0.25),
    Kind(27, 60, 0.25, earlier=True),
)


def main() -> None:
    """Print the table."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    started = time.perf_counter()
    print(
        f"{n_rounds} rounds of each kind, seeds {FIRST_SEED} to {FIRST_SEED + n_rounds - 1}, level 95 %, "
        f"{N_DRAWS} draws, {QUESTIONNAIRE} under {PROFILE}\n"
    )
    print(
        "| bloc | unit-rounds | index | factors | criteria | bloc's mean | draws alone | extremes known | half-width |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        rounds = [play(kind, FIRST_SEED + number) for number in range(n_rounds)]
        *holds, widths = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
        shares = " | ".join(f"{100 * hold.mean():.1f} %" for hold in holds)
        print(f"| {kind.name} | {len(holds[0]):,} | {shares} | {widths.mean():.1f} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s")


def play(kind: Kind, seed: int) -> tuple[np.ndarray, ...]:
    """Which intervals of a round hold the truth: of the units' indices, factors, criteria, of the bloc's index, and two
    simpler ones of the units' indices; and half the widths of the first.
    """
    random = np.random.default_rng(seed)
    questionnaire = load_bundled(QUESTIONNAIRE)
    profile = questionnaire.profile(PROFILE)
    tree = index_tree(questionnaire, profile)
    means = true_means(kind, random, len(tree.items))
    earlier = dict.fromkeys(tree.items, EARLIER) if kind.earlier else {}
    plan = Plan(standardisation=Standardisation(draws=N_DRAWS, seed=seed, earlier=earlier))
    standard = Standard(tree, profile, plan, np.tile([1.0, 5.0], (len(tree.items), 1)))
    units = [f"u{number:02}" for number in range(kind.n_units)]
    truth = standard.nodes(standard.scores(means, 0)[0])
    found = estimate_standardised(
        framed(units, answers(kind, random, means), tree.items),
        standard,
        units,
        {"all": units},
        np.empty((kind.n_units, 0)),
        np.random.Generator(np.random.PCG64(seed)),
    )
    lows = np.array([[node.low for node in nodes] for nodes in found.units.estimates])
    highs = np.array([[node.high for node in nodes] for nodes in found.units.estimates])
    values = np.array([nodes[0].value for nodes in found.units.estimates])
    quantile = t_quantile(0.975, kind.n - 1)
    holds = (np.maximum(lows, bottom(tree)) <= truth + TINY) & (truth - TINY <= np.minimum(highs, top(tree)))
    kinds = np.array([node.kind for node in tree.nodes])
    total = found.totals.estimates[0][0]
    assert total.low is not None
    assert total.high is not None
    error = np.abs(values - truth[:, 0])
    return (
        holds[:, 0],
        holds[:, kinds == "factor"].ravel(),
        holds[:, kinds == "criterion"].ravel(),
        np.array([total.low <= truth[:, 0].mean() <= total.high]),
        error <= quantile * found.node_draws[:, :, 0].std(axis=0, ddof=1),
        error <= quantile * fixed_errors(found, standard),
        (highs[:, 0] - lows[:, 0]) / 2,
    )


def bottom(tree: IndexTree) -> np.ndarray:
    """The least that each node can have: intervals are cut off there."""
    return np.where(np.arange(len(tree.nodes)) == 0, 10.0, 1.0)


def top(tree: IndexTree) -> np.ndarray:
    """The most that each node can have."""
    return bottom(tree) * 10


def true_means(kind: Kind, random: np.random.Generator, n_items: int) -> np.ndarray:
    """The true means (U, K): a unit is good or bad in general, and a little in each item."""
    general = random.normal(0, kind.spread, (kind.n_units, 1))
    own = random.normal(0, kind.spread / 2, (kind.n_units, n_items))
    return np.asarray(np.clip(3.5 + general + own, 2.4, 4.6))


def answers(kind: Kind, random: np.random.Generator, means: np.ndarray) -> np.ndarray:
    """Answers (U, n, K) from 1 to 5 with these means: four trials each, correlated within a person."""
    mood = random.normal(0, 1, (kind.n_units, kind.n, 1))
    noise = random.normal(0, 1, (kind.n_units, kind.n, means.shape[1], 4))
    uniform = ndtr(np.sqrt(0.3) * mood[..., None] + np.sqrt(0.7) * noise)
    return np.asarray(1.0 + (uniform < ((means - 1) / 4)[:, None, :, None]).sum(axis=3))


def framed(units: list[str], given: np.ndarray, items: tuple[str, ...]) -> FramedResponses:
    """The answers as responses, each unit a stratum of its own."""
    n_units, n, _ = given.shape
    names = pa.array(np.repeat(units, n))
    ones = np.ones(n_units * n)
    columns = {"unit": names, "psu": names, STRATUM: names, BLOC: names, WEIGHT: ones, POPULATION: ones * np.nan}
    scores = {SCORE + item: given[:, :, k].ravel() for k, item in enumerate(items)}
    design = SurveyDesign(strata=(STRATUM,), weight=WEIGHT, nest=True, lonely_psu="certainty")
    no_lonely_rows = np.zeros(n_units * n, dtype=bool)
    table = pa.table({**columns, **scores})
    return FramedResponses(table, design, ones, no_lonely_rows, {}, (1, 5), Weighting(None, None))


def fixed_errors(found: StandardisedEstimates, standard: Standard) -> np.ndarray:
    """The standard errors of the indices between extremes that are taken for known."""
    means = found.units.means
    assert means is not None
    places = [place for place in found.units.places if place is not None]
    _, low, high = standard.scores(np.array(means.means)[places], 0)
    linear = standard.tree.survey_coefficients[0] * standard.slopes(low, high) * standard.node_scales[0]
    n_items = len(standard.tree.items)
    rows = np.zeros((len(places), len(means.domains) * n_items))
    for row, place in enumerate(places):
        rows[row, place * n_items : (place + 1) * n_items] = linear
    return np.asarray(np.sqrt(np.diag(means.covariance_of(rows))))


if __name__ == "__main__":
    main()
