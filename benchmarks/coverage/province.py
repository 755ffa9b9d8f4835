"""A simulated province: everybody in it has answers, so that every true value is counted, and samples are drawn.

Units have quarters and villages as the practice frame has them (`practice_frame`): eighty in each, of unequal size, in
an urban and a rural stratum. People have an age, a sex, a temper of their own and that of their quarter; from these
follow five answers from 1 to 5, minutes of waiting, and whether they were at the office at all. A round draws five
quarters and five villages a unit with probabilities that follow an old count, invites thirty people in each, and those
answer who are satisfied, live among the satisfied, or are old, more often than others.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit, ndtri

from analysis.estimation.design import SurveyDesign
from analysis.indices.trees import IndexTree
from analysis.release.framing import BLOC, POPULATION, SCORE, STRATUM, WEIGHT, FramedResponses
from analysis.release.weight_adjustments import Weighting
from questionnaires.model import Node, Text
from survey.demonstration.practice_frame import Manners, draw_psus, practice_psus

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

N_UNITS, PSUS_A_UNIT, INVITED_A_PSU = 30, 10, 30
# The last units are a bloc of their own, in which they hardly differ.
N_ALIKE, _ALIKE = 10, 0.1
ITEMS = ("place", "papers", "staff", "result", "feedback")
# Of five answers the share of people who give at most the first, the second … where nothing moves them; the last item
# is one that nearly everybody is satisfied with, where intervals of shares are hardest.
_AT_MOST = np.array([[0.01, 0.04, 0.20, 0.55], [0.02, 0.08, 0.25, 0.60], [0.01, 0.05, 0.15, 0.45],
                     [0.02, 0.06, 0.30, 0.65], [0.005, 0.01, 0.05, 0.35]])  # fmt: skip
_UNIT, _FACTOR, _PERSON, _OF_AGE = 0.25, 0.12, 0.70, np.array([-0.20, 0.0, 0.25])
AGES, SEXES = ("18", "35", "55"), ("female", "male")
_SHARE_OF_AGE = np.array([0.38, 0.37, 0.25])
_MISSING = 0.05


@dataclass(frozen=True, slots=True)
class Response:
    """How people come to answer: logits of the rate, and for one standard deviation of the quarter's and of one's own
    satisfaction, and for each step of age.
    """

    rate: float = 0.5
    of_psu: float = 0.40
    of_age: float = 0.35
    of_person: float = 0.0


def unit_names(n_units: int = N_UNITS) -> list[str]:
    return [f"U{number:02d}" for number in range(1, n_units + 1)]


@dataclass(frozen=True)
class Province:
    """Everybody: N people, sorted by PSU. `psu` (N,) counts through; `unit_of_psu`, `stratum_of_psu` (P,)."""

    units: tuple[str, ...]
    psu: Integers
    unit_of_psu: Integers
    stratum_of_psu: Integers
    sizes: Integers
    frames: tuple
    effects: Floats
    age: Integers
    sex: Integers
    temper: Floats
    answers: npt.NDArray[np.int8]
    minutes: Floats
    visited: npt.NDArray[np.bool_]

    @cached_property
    def unit(self) -> Integers:
        return self.unit_of_psu[self.psu]

    def mean_of(self, values: Floats, which: Integers, n: int) -> Floats:
        """The means (n,) of everybody's values within the groups `which` (N,)."""
        return np.bincount(which, values, n) / np.bincount(which, minlength=n)


def make_province(seed: int, n_units: int = N_UNITS) -> Province:
    """The province of a seed."""
    units = tuple(unit_names(n_units))
    frames = tuple(practice_psus(unit, seed, Manners()) for unit in units)
    random = np.random.default_rng([seed, 77])
    sizes = np.concatenate([frame.households for frame in frames])
    unit_of_psu = np.repeat(np.arange(n_units), [len(frame.labels) for frame in frames])
    stratum_of_psu = np.concatenate([np.array(frame.strata) == "rural" for frame in frames]).astype(np.int64)
    effects = np.concatenate([frame.effects for frame in frames])
    psu = np.repeat(np.arange(len(sizes)), sizes)
    n = len(psu)
    age = random.choice(3, n, p=_SHARE_OF_AGE)
    sex = random.integers(0, 2, n)
    temper = random.normal(0, 1, n)
    general = random.normal(0, _UNIT, n_units)
    special = random.normal(0, _FACTOR, (n_units, len(ITEMS)))
    alike = slice(n_units - min(N_ALIKE, n_units // 2), n_units)
    general[alike] *= _ALIKE
    special[alike] *= _ALIKE
    unit = unit_of_psu[psu]
    level = general[unit] + effects[psu] + _OF_AGE[age] + _PERSON * temper
    chance = np.sqrt(1 - _PERSON**2)
    answers = np.empty((n, len(ITEMS)), dtype=np.int8)
    for k in range(len(ITEMS)):
        z = level + special[unit, k] + chance * random.normal(0, 1, n)
        answers[:, k] = 1 + np.searchsorted(ndtri(_AT_MOST[k]), z)
    minutes = np.exp(3.2 - 0.35 * level + 0.5 * random.normal(0, 1, n))
    visited = random.random(n) < expit(-0.8 + 0.4 * age + 0.5 * effects[psu] / 0.18)
    return Province(units, psu, unit_of_psu, stratum_of_psu, sizes, frames, effects, age, sex, temper, answers,
                    minutes, visited)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The people who were invited in the round of a number (m,), and what is known of them.

    `person` is their place in the province, `base` the inverse of the probability of being invited, `responded` whether
    they answered; `scores` (m, K) are answers, NaN where somebody skipped the item.
    """

    province: Province
    number: int
    person: Integers
    base: Floats
    responded: npt.NDArray[np.bool_]
    given: Floats

    @cached_property
    def answered(self) -> Integers:
        """The places in the province of those who answered (n,)."""
        return self.person[self.responded]

    @cached_property
    def psu(self) -> Integers:
        return self.province.psu[self.answered]

    @cached_property
    def unit(self) -> Integers:
        return self.province.unit[self.answered]

    @cached_property
    def stratum(self) -> Integers:
        """Two a unit."""
        return 2 * self.unit + self.province.stratum_of_psu[self.psu]

    @cached_property
    def answers(self) -> Floats:
        """From 1 to 5 (n, K), NaN where skipped."""
        return self.given[self.responded]

    @cached_property
    def base_weights(self) -> Floats:
        """Of those who answered: as if nobody had failed to, but for the total, which is the invited people's."""
        own = self.base[self.responded]
        stratum_of_invited = (
            2 * self.province.unit[self.person] + self.province.stratum_of_psu[self.province.psu[self.person]]
        )
        n = 2 * len(self.province.units)
        factor = np.bincount(stratum_of_invited, self.base, n) / np.bincount(self.stratum, own, n)
        return own * factor[self.stratum]

    @cached_property
    def cell_weights(self) -> Floats:
        """With the non-response of each PSU made up for by those who answered there."""
        n = len(self.province.sizes)
        invited = np.bincount(self.province.psu[self.person], self.base, n)
        answered = np.bincount(self.psu, self.base[self.responded], n)
        weights = self.base[self.responded] * invited[self.psu] / answered[self.psu]
        # A PSU where nobody answered is made up for by the others of its stratum.
        of_psu = 2 * self.province.unit_of_psu + self.province.stratum_of_psu
        wanted = np.bincount(of_psu, invited, 2 * len(self.province.units))
        found = np.bincount(self.stratum, weights, 2 * len(self.province.units))
        return weights * (wanted / found)[self.stratum]

    def table(self, weights: Floats, scores: Floats | None = None, **more: object) -> pa.Table:
        """The columns of the answers; `scores` (n, K) are 100 where satisfied and else 0 unless they are given."""
        units = np.array(self.province.units)
        columns = {
            "unit": pa.array(units[self.unit]),
            "psu": pa.array(np.char.add("p", self.psu.astype(str))),
            STRATUM: pa.array(np.char.add("h", self.stratum.astype(str))),
            BLOC: pa.array(np.full(len(self.unit), "bloc")),
            WEIGHT: weights,
            POPULATION: np.full(len(self.unit), np.nan),
        }
        points = self.satisfied if scores is None else scores
        columns |= {SCORE + item: points[:, k] for k, item in enumerate(ITEMS)}
        return pa.table({**columns, **more})

    @cached_property
    def satisfied(self) -> Floats:
        """100 for the answers 4 and 5, 0 for the others (n, K), NaN where skipped."""
        return np.where(np.isnan(self.answers), np.nan, 100.0 * (self.answers >= 4))

    def framed(self, weights: Floats, scores: Floats | None = None, bounds: tuple[float, float] = (0.0, 100.0)):
        """The answers as a release has them before it estimates."""
        table = self.table(weights, scores)
        return FramedResponses(
            table, DESIGN, weights, np.zeros(len(weights), dtype=bool), {}, bounds, Weighting(None, None)
        )


DESIGN = SurveyDesign(strata=(STRATUM,), clusters=("psu",), weight=WEIGHT, nest=True, lonely_psu="certainty")


def draw_round(province: Province, draw: int, response: Response) -> Drawn:
    """The round of one number: who is invited, who answers, and what they skip."""
    random = np.random.default_rng([draw, 4711])
    chosen, chances, first = [], [], 0
    for frame in province.frames:
        places, chance = draw_psus(frame, PSUS_A_UNIT, random)
        chosen.append(first + places)
        chances.append(chance)
        first += len(frame.labels)
    psus, probability = np.concatenate(chosen), np.concatenate(chances)
    starts = np.concatenate([[0], np.cumsum(province.sizes)])
    invited = np.concatenate([starts[p] + random.choice(province.sizes[p], INVITED_A_PSU, replace=False) for p in psus])
    base = np.repeat(province.sizes[psus] / INVITED_A_PSU / probability, INVITED_A_PSU)
    logit = (
        response.rate
        + response.of_psu * province.effects[province.psu[invited]] / 0.18
        + response.of_age * (province.age[invited] - 1)
        + response.of_person * province.temper[invited]
    )
    responded = random.random(len(invited)) < expit(logit)
    given = province.answers[invited].astype(np.float64)
    given[random.random(given.shape) < _MISSING] = np.nan
    return Drawn(province, draw, invited, base, responded, given)


def _node(code: str, kind: str, children: tuple[Node, ...] = (), item: str | None = None) -> Node:
    return Node(code, kind, Text(code, code), Text(code, code), 1.0, children, item)  # type: ignore[arg-type]


def province_tree() -> IndexTree:
    """An index of two factors: the place and the papers; staff, result and feedback."""
    leaves = [_node(f"c_{item}", "criterion", item=item) for item in ITEMS]
    factors = [_node("f1", "factor", tuple(leaves[:2])), _node("f2", "factor", tuple(leaves[2:]))]
    root = _node("index", "index", tuple(factors))
    identity = np.eye(len(ITEMS))
    one, two = identity[:2].mean(axis=0), identity[2:].mean(axis=0)
    return IndexTree(
        nodes=(root, factors[0], *leaves[:2], factors[1], *leaves[2:]),
        items=ITEMS,
        coefficients=np.vstack([(one + two) / 2, one, identity[:2], two, identity[2:]]),
        weights=np.array([1.0, 0.5, 0.5, 0.5, 0.5, *[1 / 3] * 3]),
        ancestors=((), (0,), (1, 0), (1, 0), (0,), *[(4, 0)] * 3),
        reversed=np.zeros(len(ITEMS), dtype=bool),
    )
