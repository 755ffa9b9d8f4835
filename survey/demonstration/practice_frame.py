"""A made-up frame of quarters and villages for any unit, always the same for the same seed.

Nothing here is data about real places: sizes and tempers are drawn, and only the units' codes come from the registry.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

N_PSUS = 80
URBAN, RURAL = "urban", "rural"
_PSU_WORDS = {URBAN: "Khu", RURAL: "Thôn"}
_SMALLEST_PSU = 60
# What a unit's random stream is for; each purpose has its own, so that a change to one leaves the others alone.
FRAME, DRAW, TEMPER, PEOPLE = range(4)


@dataclass(frozen=True, slots=True)
class Manners:
    """How practice people are, in standard deviations of one person's satisfaction with one item.

    Attributes:
        unit_spread: between units; factor_spread: between the factors of one unit.
        psu_spread: between the quarters and villages of a unit.
        size_slope: what one standard deviation of a PSU's log size adds; rural_shift: what a village adds.
        person_spread: between people of one PSU, all items alike; the rest differs from item to item.
        channel_shifts: what the way of asking adds. channel_shares: how many are asked in each way.
        household_slope: what each further adult in the household adds.
        missing: the share of items that somebody skips.
        response_of_psu, response_of_person: how strongly those who are satisfied answer more often, through their PSU
            and through themselves, as logits for one standard deviation.
    """

    unit_spread: float = 0.25
    factor_spread: float = 0.12
    psu_spread: float = 0.18
    size_slope: float = -0.08
    rural_shift: float = 0.08
    person_spread: float = 0.80
    channel_shifts: dict[str, float] = field(
        default_factory=lambda: {"slip": 0.0, "tablet": 0.05, "interviewer": 0.20}, hash=False
    )
    channel_shares: dict[str, float] = field(
        default_factory=lambda: {"slip": 0.60, "tablet": 0.15, "interviewer": 0.25}, hash=False
    )
    household_slope: float = -0.05
    missing: float = 0.05
    response_of_psu: float = 0.40
    response_of_person: float = 0.05


@dataclass(frozen=True, slots=True)
class PracticePsus:
    """The quarters and villages of one unit, N of them.

    Attributes:
        unit: the unit's code.
        strata, labels: (N,) texts; a label is unique within its stratum.
        households: how many there are (N,).
        old_households: how many the list counted that PSUs are drawn from (N,).
        effects: what living there adds to satisfaction (N,).
    """

    unit: str
    strata: tuple[str, ...]
    labels: tuple[str, ...]
    households: Integers
    old_households: Floats
    effects: Floats


def stream_of(seed: int, purpose: int, name: str = "") -> np.random.Generator:
    """The random numbers of one purpose for one name, whatever else is drawn and in whatever order."""
    return np.random.default_rng([seed, purpose, zlib.crc32(name.encode())])


def practice_psus(unit: str, seed: int, manners: Manners) -> PracticePsus:
    """The quarters and villages of a unit."""
    draw = stream_of(seed, FRAME, unit)
    n_urban = int(draw.integers(round(0.3 * N_PSUS), round(0.7 * N_PSUS) + 1))
    strata = (URBAN,) * n_urban + (RURAL,) * (N_PSUS - n_urban)
    numbers = [*range(1, n_urban + 1), *range(1, N_PSUS - n_urban + 1)]
    log_sizes = draw.normal(0, 1, N_PSUS)
    households = np.maximum(_SMALLEST_PSU, np.rint(150 * np.exp(0.5 * log_sizes))).astype(np.int64)
    effects = (
        manners.psu_spread * draw.normal(0, 1, N_PSUS)
        + manners.size_slope * log_sizes
        + manners.rural_shift * (np.arange(N_PSUS) >= n_urban)
    )
    return PracticePsus(
        unit=unit,
        strata=strata,
        labels=tuple(f"{_PSU_WORDS[stratum]} {number}" for stratum, number in zip(strata, numbers, strict=True)),
        households=households,
        old_households=households * np.exp(draw.normal(0, 0.25, N_PSUS)),
        effects=effects,
    )


def draw_psus(psus: PracticePsus, n_wanted: int, draw: np.random.Generator) -> tuple[Integers, Floats]:
    """The places of the drawn PSUs and the probability with which each was drawn; half of them in each stratum.

    Within a stratum the draw is systematic, in random order, with probability proportional to the households of the
    old list.
    Source: Madow (1949), "On the theory of systematic sampling, II".
    """
    places, probabilities = [], []
    strata = np.array(psus.strata)
    for stratum, n in ((URBAN, n_wanted - n_wanted // 2), (RURAL, n_wanted // 2)):
        here = draw.permutation(np.flatnonzero(strata == stratum))
        chances = _inclusion_probabilities(psus.old_households[here], n)
        ticks = np.floor(np.concatenate([[0.0], np.cumsum(chances)]) - draw.random() + 1e-9)
        is_drawn = np.diff(ticks) > 0
        places.append(here[is_drawn])
        probabilities.append(chances[is_drawn])
    chosen, chance = np.concatenate(places), np.concatenate(probabilities)
    order = np.argsort(chosen)
    return chosen[order], chance[order]


def _inclusion_probabilities(sizes: Floats, n: int) -> Floats:
    """Probabilities proportional to size that sum to n; the largest are taken for certain where n of them would not
    fit otherwise.
    """
    chances = np.zeros(len(sizes))
    is_certain = np.zeros(len(sizes), dtype=bool)
    while True:
        left = n - is_certain.sum()
        chances = np.where(is_certain, 1.0, left * sizes / sizes[~is_certain].sum())
        if not (chances > 1).any():
            return chances
        is_certain |= chances >= 1


def unit_tempers(units: Sequence[str], factors: Sequence[str], seed: int, manners: Manners) -> tuple[Floats, Floats]:
    """What each unit, and each factor of it, adds to satisfaction: (U,) and (U, F)."""
    general = np.array([stream_of(seed, TEMPER, unit).normal() for unit in units]) * manners.unit_spread
    special = np.array(
        [[stream_of(seed, TEMPER, f"{unit}/{factor}").normal() for factor in factors] for unit in units]
    ).reshape(len(units), len(factors))
    return general, special * manners.factor_spread
