"""Who is drawn: samples with known inclusion probabilities, the same for a seed on every machine and for years.

NumPy keeps the bits of a generator stable and not what it makes of them (NumPy Enhancement Proposal 19), so whoever is
drawn follows from the raw bits alone.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

Method = Literal["srs", "systematic", "pps"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample of n from N.

    `chosen` (n,) are positions in the order they were drawn in; `probabilities` (N,) those of everybody, chosen or
    not; they add up to n. `is_certain` (N,) marks who is in every sample.
    """

    chosen: Integers
    probabilities: Floats
    is_certain: Truths


def generator_of(seed: int) -> np.random.Generator:
    """The generator of a seed, a whole number of 0 or more. Only its raw bits may be drawn.

    Raises DesignError for a seed below 0.
    """
    if seed < 0:
        raise DesignError(f"seed: found {seed}, expected a whole number of 0 or more")
    return np.random.Generator(np.random.PCG64(seed))


def uniforms(generator: np.random.Generator, n: int) -> Floats:
    """Uniform numbers (n,) between 0 and 1, never either, from the upper 53 of the generator's raw bits."""
    raw = np.asarray(generator.bit_generator.random_raw(n), dtype=np.uint64)
    numbers: Floats = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def draw_simple(generator: np.random.Generator, population: int, n: int) -> Drawn:
    """A simple random sample without replacement: the n people with the smallest of N random numbers.

    Everybody has the probability n / N, every pair n (n - 1) / (N (N - 1)). `chosen` is in random order, so that its
    beginning is a simple random sample too.

    Raises DesignError where n is below 0 or above N. Source: Fan, Muller and Rezucha (1962); Tillé (2006), §4.2.
    """
    _refuse_too_many(population, n)
    keys = uniforms(generator, population)
    chosen = np.argsort(keys, kind="stable")[:n].astype(np.int64)
    share = n / population if population else 0.0
    return Drawn(chosen, np.full(population, share), np.full(population, n == population and n > 0))


def draw_systematic(generator: np.random.Generator, population: int, n: int) -> Drawn:
    """Every (N / n)-th person from a random start, in the order given, with a fractional step.

    Everybody has the probability n / N. Pairs that no start joins have the joint probability 0: no variance follows
    without bias, and a list in a telling order gives the gain of a fine stratification (`joint_probabilities`).

    Raises DesignError where n is below 0 or above N. Source: Särndal, Swensson and Wretman (1992), §3.4.
    """
    _refuse_too_many(population, n)
    probabilities = np.full(population, n / population if population else 0.0)
    return Drawn(_along(generator, probabilities, n), probabilities, np.full(population, n == population and n > 0))


def certain_ones(sizes: Floats, n: int) -> Truths:
    """Who (N,) is too large to be drawn by chance: n × size / sum of sizes is 1 or more, again and again among the
    others, until nobody is.

    Arguments:
        sizes: size measures (N,), above 0.
        n: how many are drawn, at most N.

    Raises DesignError where a size is not above 0, or n is not from 0 to N. Source: Särndal, Swensson and Wretman
    (1992), §3.6.2, remark 3.6.1.
    """
    _refuse_too_many(len(sizes), n)
    bad = np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0)))
    if len(bad):
        raise DesignError(f"size: found {sizes[bad[0]]:g} at position {bad[0] + 1}, expected a number above 0")
    is_certain: Truths = np.zeros(len(sizes), dtype=bool)
    while True:
        left = n - int(is_certain.sum())
        rest = sizes[~is_certain].sum()
        # Sizes that are alike but for rounding are all certain when all are drawn.
        found = ~is_certain & (left * sizes >= rest * (1 - 1e-12))
        if left <= 0 or not found.any():
            return is_certain
        is_certain |= found


def draw_pps(generator: np.random.Generator, sizes: Floats, n: int, *, shuffle: bool = False) -> Drawn:
    """A sample with probabilities proportional to size, systematic, with certainty for those who are too large.

    After `certain_ones` are taken, the others have n' × size / sum of their sizes. Without `shuffle` they stand in the
    order given (an implicit stratification; pairs that no start joins have the joint probability 0), with it in random
    order (all pairs have a chance, nearly that of Hartley and Rao). `chosen` has the certain first.

    Arguments:
        generator: whose raw bits are drawn.
        sizes: size measures (N,), above 0.
        n: how many are drawn, from 0 to N.
        shuffle: whether they stand in random order.

    Raises DesignError as `certain_ones`. Source: Madow (1949); Hartley and Rao (1962); Särndal, Swensson and Wretman
    (1992), §3.6.2.
    """
    is_certain = certain_ones(sizes, n)
    certain, others = np.flatnonzero(is_certain), np.flatnonzero(~is_certain)
    left = n - len(certain)
    probabilities = is_certain.astype(np.float64)
    if len(others) and left:
        probabilities[others] = left * sizes[others] / sizes[others].sum()
    if shuffle:
        others = others[np.argsort(uniforms(generator, len(others)), kind="stable")]
    drawn = others[_along(generator, probabilities[others], left)]
    return Drawn(np.concatenate([certain, drawn]).astype(np.int64), probabilities, is_certain)


def joint_probabilities(probabilities: Floats) -> Floats:
    """The chance (N, N) that two are drawn together by a systematic sample in this order; the diagonal is each one's.

    It is the share of the random starts that hit both, exactly, for samples of any size up to a few thousand people.

    Arguments:
        probabilities: inclusion probabilities (N,), 0 to 1, with a whole number as their sum.

    Raises DesignError where they are none. Source: Madow (1949); Connor (1966).
    """
    n = _whole_sum(probabilities)
    ends = _ends(probabilities, n)
    # Between two neighbouring starts of these the same people are drawn.
    starts = np.unique(np.concatenate([[0.0, 1.0], np.round(np.mod(ends, 1.0), 15)]))
    joint = np.zeros((len(probabilities), len(probabilities)))
    for low, high in pairwise(starts.tolist()):
        chosen = _hit((low + high) / 2, ends, n)
        joint[np.ix_(chosen, chosen)] += high - low
    return joint


def _along(generator: np.random.Generator, probabilities: Floats, n: int) -> Integers:
    """Who is hit by n points, one apart, on a line on which everybody is as long as their probability."""
    if not n:
        return np.zeros(0, dtype=np.int64)
    return _hit(float(uniforms(generator, 1)[0]), _ends(probabilities, n), n)


def _ends(probabilities: Floats, n: int) -> Floats:
    ends = np.cumsum(probabilities)
    # Rounding must neither lose the last one nor add one more.
    ends[-1:] = n
    return ends


def _hit(start: float, ends: Floats, n: int) -> Integers:
    return np.searchsorted(ends, start + np.arange(n), side="right").astype(np.int64)


def _whole_sum(probabilities: Floats) -> int:
    total = float(probabilities.sum())
    if not len(probabilities) or not np.all((probabilities >= 0) & (probabilities <= 1 + 1e-12)):
        raise DesignError("probabilities: found one outside 0 to 1, or none at all, expected inclusion probabilities")
    if abs(total - round(total)) > 1e-9 * max(total, 1.0):
        raise DesignError(f"probabilities: found the sum {total:g}, expected a whole number of people")
    return round(total)


def _refuse_too_many(population: int, n: int) -> None:
    if not 0 <= n <= population:
        raise DesignError(f"sample: found {n} to draw, expected from 0 to the {population} there are")
