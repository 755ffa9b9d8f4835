"""Replicate weights made from a design: jackknife, balanced half-samples and bootstraps, each with its scale.

JK1, JKn, BRR and Fay leave out or halve PSUs in a fixed order; the bootstraps draw PSUs with a seed. A replicate's
weight of a row is its analysis weight times a factor that all rows of a PSU share (of a unit of the last stage, for
mrbbootstrap).

Source: Wolter (2007), Introduction to Variance Estimation, chapters 3 to 5; Judkins (1990), "Fay's method for variance
estimation"; Rao, Wu and Yue (1992), "Some recent work on resampling methods for complex surveys", equation 2; Canty and
Davison (1999), "Resampling-based variance estimation for labour force surveys"; Preston (2009), "Rescaled bootstrap for
stratified multistage sampling"; R survey, as.svrepdesign. Golden: tests/golden/models.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import DesignError
from analysis.estimation.hadamard import hadamard
from analysis.estimation.replicate_requests import BOOTSTRAPS, REPLICATIONS, MadeReplicates, ReplicationKind
from analysis.estimation.replicates import ReplicateWeights
from analysis.estimation.stages import CENSUS, Stage
from analysis.estimation.totals import Floats, Integers

if TYPE_CHECKING:
    from analysis.estimation.samples import Sample

# Factors of more PSUs and replicates than this do not fit into memory beside the data.
MOST_FACTORS = 400_000_000


def replicate_weights(
    sample: "Sample",
    kind: ReplicationKind,
    *,
    n_replicates: int = 100,
    rho: float = 0.5,
    seed: int = 1,
    mse: bool = False,
) -> ReplicateWeights:
    """The replicate weights of all rows of a sample, whichever are analysed.

    JK1 leaves out one PSU after another, JKn within strata, both with the finite population correction of the first
    stage. BRR takes one PSU of each pair, Fay only lessens the other's weight. RaoWu, subbootstrap and bootstrap draw
    PSUs with replacement, n - 1 of n the first two; RaoWu rescales for the finite population, bootstrap draws from a
    population that is the sample many times over, subbootstrap knows none. mrbbootstrap halves every stage.

    Arguments:
        sample: the design and its weights, before calibration.
        kind: one of REPLICATIONS.
        n_replicates: of the bootstraps, at least 2.
        rho: what Fay leaves of the lessened weights, from 0 to below 1.
        seed: of the bootstraps; the same seed gives the same digits on every machine.
        mse: squares are to be taken about the full-sample estimate.

    Raises DesignError where the design lacks what the kind needs: strata, pairs of PSUs, two PSUs a stratum, no finite
    population correction.
    """
    if kind not in REPLICATIONS:
        raise DesignError(f"replicates: found the kind {kind!r}, expected one of {', '.join(REPLICATIONS)}")
    if kind in BOOTSTRAPS and n_replicates < 2:
        raise DesignError(f"replicates: found {n_replicates} replicates, expected 2 or more")
    first = _first(sample)
    count = n_replicates if kind in BOOTSTRAPS else len(first.stratum)
    if count * sample.n_rows > MOST_FACTORS:
        raise DesignError(
            f"replicates: found {sample.n_rows} rows × {count} replicates, expected at most {MOST_FACTORS}"
        )
    if kind in ("BRR", "Fay"):
        factors, scale, rscales = _half_samples(first, rho if kind == "Fay" else 0.0)
    elif kind == "JK1":
        factors, scale, rscales = _jackknife_of_one(first)
    elif kind == "JKn":
        factors, scale, rscales = _jackknife(first, sample.design.lonely_psu)
    else:
        factors, scale = _bootstrap(sample, first, kind, n_replicates, seed)
        rscales = np.ones(n_replicates)
    if kind != "mrbbootstrap":
        factors = factors[first.of_row]
    return ReplicateWeights(factors * sample.weights[:, None], scale, rscales, mse)


def made_replicates(sample: "Sample", request: MadeReplicates) -> ReplicateWeights:
    """The replicate weights that a specification asks for. Raises DesignError as `replicate_weights` does."""
    return replicate_weights(
        sample,
        request.kind,
        n_replicates=request.n_replicates,
        rho=request.rho,
        seed=request.seed,
        mse=request.mse,
    )


@dataclass(frozen=True, slots=True)
class _Units:
    """The U units of a stage in H strata.

    Attributes:
        of_row: the unit of each row (n,), numbered as they come in the table; stratum: of each unit (U,), likewise.
        left_out: the share of each stratum that was not drawn (H,); labels: of the strata, for messages.
    """

    of_row: Integers
    stratum: Integers
    left_out: Floats
    labels: tuple[str, ...]

    @property
    def sizes(self) -> Integers:
        """Units in each stratum (H,)."""
        return np.bincount(self.stratum, minlength=len(self.left_out))


def _first(sample: "Sample") -> _Units:
    return _units(sample.stages[0])


def _units(stage: Stage) -> _Units:
    """The units of a stage, they and their strata numbered in the order of the table."""
    if stage.unit is None:
        raise DesignError("replicates: found no units, expected a sample's columns")
    unit, first_rows = _numbered(stage.unit)
    stratum, firsts = _numbered(stage.stratum[first_rows])
    strata = stage.stratum[first_rows][firsts]
    labels = tuple(stage.labels[code] for code in strata)
    return _Units(unit, stratum, stage.left_out[strata], labels)


def _numbered(codes: Integers) -> tuple[Integers, Integers]:
    """Codes numbered by their first place (n,), and these places."""
    _, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[places], firsts[order]


def _jackknife_of_one(units: _Units) -> tuple[Floats, float, Floats]:
    n = len(units.stratum)
    if len(units.left_out) > 1:
        raise DesignError(f"replicates: found {len(units.left_out)} strata, expected one for JK1; JKn knows strata")
    if n < 2:
        raise DesignError("replicates: found one PSU, expected two or more for JK1")
    factors = (1 - np.eye(n)) * n / (n - 1)
    return factors, float(units.left_out[0]) * (n - 1) / n, np.ones(n)


def _jackknife(units: _Units, lonely: str) -> tuple[Floats, float, Floats]:
    """Factors of each PSU (U, R), the scale and the scales of the replicates (R,)."""
    sizes, total, n_strata = units.sizes, len(units.stratum), len(units.left_out)
    blocks: list[Floats] = []
    rscales: list[float] = []
    for stratum, size in enumerate(sizes.tolist()):
        places = np.flatnonzero(units.stratum == stratum)
        left_out = float(units.left_out[stratum])
        if size == 1 and left_out > CENSUS:
            if lonely == "fail":
                label = units.labels[stratum] or "(all)"
                raise DesignError(f"stratum {label}: found one PSU, expected two or more, or another rule than fail")
            if lonely == "adjust" and n_strata > 1:
                block = np.full((total, 1), n_strata / (n_strata - 1))
                block[places] = 0
                blocks.append(block)
                rscales.append((n_strata - 1) / n_strata)
            continue
        block = np.ones((total, size))
        block[places] = (1 - np.eye(size)) * (size / (size - 1) if size > 1 else 0.0)
        blocks.append(block)
        rscales += [left_out * (size - 1) / size] * size
    if not blocks:
        raise DesignError("replicates: found one PSU in every stratum, expected two or more in some for JKn")
    scale = total / len(rscales) if lonely == "average" else 1.0
    return np.concatenate(blocks, axis=1), scale, np.array(rscales)


def _half_samples(units: _Units, rho: float) -> tuple[Floats, float, Floats]:
    """Factors of each PSU (U, R); strata with four PSUs and more are split into pairs, in the order of the table."""
    if (units.left_out < 1).any():
        raise DesignError("replicates: found a finite population correction, which BRR and Fay have not; leave fpc out")
    order = sorted(range(len(units.labels)), key=lambda stratum: units.labels[stratum])
    pairs: list[tuple[int, int]] = []
    for stratum in order:
        places = np.flatnonzero(units.stratum == stratum).tolist()
        if len(places) % 2:
            label = units.labels[stratum] or "(all)"
            raise DesignError(f"stratum {label}: found {len(places)} PSUs, expected pairs of PSUs for BRR and Fay")
        pairs += list(zip(places[::2], places[1::2], strict=True))
    # The first column of the signs, all alike, is left out, so that each PSU is as often in as out.
    signs = hadamard(len(pairs) + 1)[1 : len(pairs) + 1].astype(np.float64)
    factors = np.empty((len(units.stratum), signs.shape[1]))
    factors[[one for one, _ in pairs]] = 1 + (1 - rho) * signs
    factors[[other for _, other in pairs]] = 1 - (1 - rho) * signs
    n_replicates = signs.shape[1]
    return factors, 1 / (n_replicates * (1 - rho) ** 2), np.ones(n_replicates)


def _bootstrap(
    sample: "Sample", first: _Units, kind: ReplicationKind, n_replicates: int, seed: int
) -> tuple[Floats, float]:
    """Factors of each PSU (U, R), of each row for mrbbootstrap, and the scale."""
    draws = _Draws(np.random.PCG64(seed))
    if kind == "mrbbootstrap":
        return _halved_stages(sample, n_replicates, draws), 1 / (n_replicates - 1)
    lonely = np.flatnonzero((first.sizes < 2) & (first.left_out > CENSUS))
    if len(lonely) and sample.design.lonely_psu not in ("remove", "certainty"):
        label = first.labels[lonely[0]] or "(all)"
        raise DesignError(
            f"stratum {label}: found one PSU, expected two or more for {kind}, or the rule certainty or remove"
        )
    if kind == "subbootstrap" and (first.left_out < 1).any():
        raise DesignError("replicates: found a finite population correction, which subbootstrap has not; RaoWu has one")
    factors = np.ones((len(first.stratum), n_replicates))
    for stratum, size in enumerate(first.sizes.tolist()):
        places, left_out = np.flatnonzero(first.stratum == stratum), float(first.left_out[stratum])
        if size == 1:
            continue
        if kind == "bootstrap":
            factors[places] = _from_population(size, left_out, n_replicates, draws)
        else:
            counts = _counts(draws.below(size, (n_replicates, size - 1)), size)
            stretched = np.sqrt(left_out)
            factors[places] = 1 - stretched + stretched * counts * size / (size - 1)
    scale = 1 / (n_replicates - 1)
    if kind == "bootstrap":
        # Drawing n of n makes variances too small by the factor 1 - 1/n, whose harmonic mean over strata is made good.
        typical = 1 / float(np.mean(1 / first.sizes[first.sizes > 1])) if (first.sizes > 1).any() else np.inf
        scale *= typical / (typical - 1) if np.isfinite(typical) else 1.0
    return factors, scale


def _from_population(size: int, left_out: float, n_replicates: int, draws: "_Draws") -> Floats:
    """How often each of the PSUs is drawn (n, R): with replacement, or without from the sample many times over."""
    if left_out >= 1:
        return _counts(draws.below(size, (n_replicates, size)), size)
    population = max(size, round(size / (1 - left_out)))
    # Where the population is no whole number of samples, chance says which PSUs it has once more.
    order = np.argsort(draws.uniforms((size,)))
    picked = draws.distinct(population, n_replicates, size)
    return _counts(order[picked % size], size)


def _counts(picked: Integers, size: int) -> Floats:
    """How often each of n numbers was picked (n, R), from the picks (R, m)."""
    n_replicates = len(picked)
    flat = (picked + size * np.arange(n_replicates)[:, None]).ravel()
    return np.bincount(flat, minlength=size * n_replicates).reshape(n_replicates, size).T.astype(np.float64)


def _halved_stages(sample: "Sample", n_replicates: int, draws: "_Draws") -> Floats:
    """Factors of each row (n, R): at every stage half of each stratum's units are kept and weigh more."""
    stages = [_units(stage) for stage in sample.stages]
    factors = np.empty((sample.n_rows, n_replicates))
    for replicate in range(n_replicates):
        factors[:, replicate] = _halved(stages, sample.n_rows, draws)
    return factors


def _halved(stages: list[_Units], n_rows: int, draws: "_Draws") -> Floats:
    total, carried, fraction = np.ones(n_rows), np.ones(n_rows), np.ones(n_rows)
    for units in stages:
        sizes = units.sizes
        half = sizes // 2
        order = np.lexsort((draws.uniforms((len(units.stratum),)), units.stratum))
        starts = np.cumsum(sizes) - sizes
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - starts[units.stratum[order]]
        is_kept = (rank < half[units.stratum])[units.of_row]
        stratum = units.stratum[units.of_row]
        drawn = 1 - units.left_out[stratum]
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.sqrt(fraction * half[stratum] * (1 - drawn) / (sizes - half)[stratum])
            grown = np.where(half[stratum] > 0, sizes[stratum] / np.maximum(half[stratum], 1), 0.0)
        total += carried * reach * (grown * is_kept - 1) * (half[stratum] > 0)
        carried = carried * np.sqrt(grown) * is_kept
        fraction = fraction * drawn
    return total


@dataclass(frozen=True, slots=True)
class _Draws:
    """Random numbers from a generator's raw bits, which stay the same with every version of the libraries."""

    bits: np.random.PCG64

    def uniforms(self, shape: tuple[int, ...]) -> Floats:
        """Numbers from 0 to below 1."""
        raw = np.asarray(self.bits.random_raw(int(np.prod(shape))), dtype=np.uint64)
        found: Floats = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)
        return found

    def below(self, limit: int, shape: tuple[int, ...]) -> Integers:
        """Whole numbers from 0 to below a limit."""
        return (self.uniforms(shape) * limit).astype(np.int64)

    def distinct(self, limit: int, n_rows: int, size: int) -> Integers:
        """In each row different whole numbers from 0 to below a limit (n_rows, size)."""
        if limit <= 8 * size:
            return np.argsort(self.uniforms((n_rows, limit)), axis=1)[:, :size]
        picked = self.below(limit, (n_rows, size))
        while True:
            order = np.argsort(picked, axis=1, kind="stable")
            is_again = np.zeros(picked.shape, dtype=np.bool_)
            ordered = np.take_along_axis(picked, order, axis=1)
            np.put_along_axis(is_again, order[:, 1:], np.diff(ordered, axis=1) == 0, axis=1)
            n_again = int(is_again.sum())
            if not n_again:
                return picked
            picked[is_again] = self.below(limit, (n_again,))
