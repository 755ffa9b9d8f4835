"""A sampling plan carried out: from a frame to the rows drawn, their probabilities, and the cells of a design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.errors import DesignError
from analysis.estimation.allocation import allocate
from analysis.estimation.sample_plans import ClusterStage, SamplePlan, Sharing, Sizes
from analysis.estimation.sample_sizes import circular_size, honest_size
from analysis.estimation.sampling_frames import FrameStratum, n_labels, one_number, refuse_bad_columns, strata_of
from analysis.estimation.selection import Drawn, draw_pps, draw_simple, draw_systematic, generator_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Weights within one PSU that differ by less are the same.
_SAME = 1e-9
_BETWEEN = " - "


@dataclass(frozen=True, slots=True)
class SampledCell:
    """A cell as a round's design has it: of `population` people `count` are asked, in a PSU of this `probability`."""

    unit: str
    stratum: str
    psu: str
    population: int
    probability: float
    count: int


@dataclass(frozen=True, slots=True)
class SampledStratum:
    """What was drawn in a unit's stratum: how many were wanted and are asked, of whom, in how many clusters of those
    there are (0 without stages), which of them for sure.
    """

    unit: str
    stratum: str
    population: int
    wanted: int
    asked: int
    n_clusters: int
    n_drawn: int
    certain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """A sample of n rows of a frame.

    `rows` (n,) are positions in the frame, cell by cell in the order they were drawn; `probabilities` (n,) multiply
    those of all stages (in the last ones given what was drawn before), and the design weight is one over them.
    `units`, `strata` and `psus` (n,) are labels. `warnings` are sentences.
    """

    rows: Integers
    probabilities: Floats
    units: tuple[str, ...]
    strata: tuple[str, ...]
    psus: tuple[str, ...]
    cells: tuple[SampledCell, ...]
    parts: tuple[SampledStratum, ...]
    warnings: tuple[str, ...]

    @property
    def weights(self) -> Floats:
        """The design weights (n,)."""
        weights: Floats = 1 / self.probabilities
        return weights


@dataclass(frozen=True, slots=True)
class _Taken:
    """Rows drawn in one last cluster: the clusters' names down to it, their probability, and the people there."""

    path: tuple[str, ...]
    cluster_probability: float
    population: int
    rows: Integers


def draw_sample(frame: pa.Table, plan: SamplePlan, seed: int) -> DrawnSample:
    """The sample that a plan and a seed give of a frame; the same for the same rows in the same order.

    Arguments:
        frame: one row a person or transaction; the columns that the plan names are text without empty cells.
        plan: what to draw.
        seed: a whole number of 0 or more.

    Raises DesignError, with what was found and where, for an empty frame, a column that is not there or not filled, a
    key that comes twice, size measures that are not above 0 or differ within a cluster, more people or clusters wanted
    than there are, a certainty that the plan refuses, a stratum of one PSU that it refuses, and weights that differ
    within a PSU.
    Source: Särndal, Swensson and Wretman (1992), §4.3; Cochran (1977), §11.
    """
    refuse_bad_columns(frame, plan.named_columns, plan.columns.key)
    strata = strata_of(frame, plan.columns)
    wanted = planned_sizes(frame, plan)
    generator = generator_of(seed)
    warnings: list[str] = []
    parts, taken_of = [], []
    for stratum, n in zip(strata, wanted.tolist(), strict=True):
        certain: list[str] = []
        taken = _draw_clusters(generator, frame, plan, stratum, stratum.rows, n, (), 1.0, certain) if n else []
        n_first = len({part.path[:1] for part in taken}) if plan.stages else 0
        asked = sum(len(part.rows) for part in taken)
        n_clusters = n_labels(frame, plan.stages[0].column, stratum.rows) if plan.stages else 0
        parts.append(
            SampledStratum(
                stratum.unit, stratum.stratum, len(stratum.rows), n, asked, n_clusters, n_first, tuple(certain)
            )
        )
        taken_of.append(taken)
    _look_at_lonely(parts, plan, warnings)
    warnings.extend(_remarks(parts))
    return _collected(strata, taken_of, parts, plan, warnings)


def planned_sizes(frame: pa.Table, plan: SamplePlan) -> Integers:
    """How many people the plan wants in each stratum (H,), in the order of the frame's strata.

    Raises DesignError as `draw_sample`.
    """
    strata = strata_of(frame, plan.columns)
    people = np.array([len(stratum.rows) for stratum in strata], dtype=np.int64)
    if plan.sizes.level == "stratum":
        names = [stratum.name for stratum in strata]
        return np.array([_size(plan.sizes, name, int(n)) for name, n in zip(names, people, strict=True)])
    units = list(dict.fromkeys(stratum.unit for stratum in strata))
    members = [[h for h, stratum in enumerate(strata) if stratum.unit == unit] for unit in units]
    people_of = np.array([people[own].sum() for own in members], dtype=np.int64)
    if plan.sizes.level == "unit":
        totals = np.array([_size(plan.sizes, unit, int(n)) for unit, n in zip(units, people_of, strict=True)])
    else:
        total = _size(plan.sizes, "all", int(people.sum()))
        rows = [np.concatenate([strata[h].rows for h in own]) for own in members]
        totals = _shared(total, people_of, plan.units, frame, rows, units)
    sizes = np.zeros(len(strata), dtype=np.int64)
    for own, n in zip(members, totals.tolist(), strict=True):
        rows = [strata[h].rows for h in own]
        sizes[own] = _shared(n, people[own], plan.strata, frame, rows, [strata[h].name for h in own])
    return sizes


def _size(sizes: Sizes, name: str, population: int) -> int:
    if sizes.rule == "circular":
        return circular_size(population, sizes.circular_margin)
    if sizes.rule == "honest":
        return honest_size(population, sizes.precision).asked
    wanted = sizes.fixed.get(name) if isinstance(sizes.fixed, Mapping) else sizes.fixed
    if wanted is None:
        raise DesignError(f"size, fixed: found no number for {name!r}, expected one for each that the frame has")
    if not 0 <= wanted <= population:
        raise DesignError(f"size, fixed: found {wanted} for {name!r}, expected at most the {population} of the frame")
    return wanted


def _shared(
    total: int, people: Integers, sharing: Sharing, frame: pa.Table, rows: Sequence[Integers], names: Sequence[str]
) -> Integers:
    sds = None
    if sharing.sd is not None:
        sds = np.array([one_number(frame, sharing.sd, own, name) for own, name in zip(rows, names, strict=True)])
    return allocate(
        total, people, sharing.rule, sds=sds, power=sharing.power, minimum=sharing.minimum, names=list(names)
    )


def _draw_clusters(
    generator: np.random.Generator,
    frame: pa.Table,
    plan: SamplePlan,
    stratum: FrameStratum,
    rows: Integers,
    n: int,
    path: tuple[str, ...],
    probability: float,
    certain: list[str],
) -> list[_Taken]:
    """What is drawn of n people among these rows: one entry for each last cluster, with the stages below drawn too."""
    if len(path) == len(plan.stages):
        return [_Taken(path, probability, len(rows), _draw_people(generator, frame, plan, rows, n))]
    stage = plan.stages[len(path)]
    place = _BETWEEN.join((stratum.name, *path))
    names, inside = _clusters(frame, stage, rows)
    drawn = _drawn_clusters(generator, frame, stage, names, inside, n, place)
    if not path:
        certain.extend(names[c] for c in np.flatnonzero(drawn.is_certain))
    people = np.array([len(inside[c]) for c in drawn.chosen], dtype=np.int64)
    if stage.take == "equal":
        shares = np.minimum(-(-n // len(people)), people)
    else:
        shares = allocate(min(n, int(people.sum())), people, minimum=1)
    found = []
    for c, share in zip(drawn.chosen.tolist(), shares.tolist(), strict=True):
        below = probability * float(drawn.probabilities[c])
        found += _draw_clusters(generator, frame, plan, stratum, inside[c], share, (*path, names[c]), below, certain)
    return found


def _clusters(frame: pa.Table, stage: ClusterStage, rows: Integers) -> tuple[list[str], list[Integers]]:
    """The names of the clusters among these rows, in the stage's order, and the rows of each."""
    encoded = frame[stage.column].take(pa.array(rows)).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy()
    ordered = rows[np.argsort(codes, kind="stable")]
    inside = np.split(ordered, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    order = sorted(range(len(names)), key=lambda c: names[c]) if stage.order == "name" else list(range(len(names)))
    return [names[c] for c in order], [inside[c] for c in order]


def _drawn_clusters(
    generator: np.random.Generator,
    frame: pa.Table,
    stage: ClusterStage,
    names: Sequence[str],
    inside: Sequence[Integers],
    n: int,
    place: str,
) -> Drawn:
    count = stage.count if stage.count is not None else max(-(-n // (stage.per or 1)), stage.at_least)
    if stage.count is not None and count > len(names):
        raise DesignError(
            f"stages, {stage.column}: found {count} to draw in {place}, expected at most the {len(names)} there"
        )
    count = min(count, len(names), n)
    if stage.method == "srs":
        return draw_simple(generator, len(names), count)
    if stage.method == "systematic":
        return draw_systematic(generator, len(names), count)
    if stage.size is None:
        sizes = np.array([len(own) for own in inside], dtype=np.float64)
    else:
        column = stage.size
        sizes = np.array(
            [one_number(frame, column, own, f"{place}, {name}") for own, name in zip(inside, names, strict=True)]
        )
    drawn = draw_pps(generator, sizes, count, shuffle=stage.order == "random")
    if stage.certainty == "refuse" and drawn.is_certain.any() and count < len(names):
        largest = names[int(np.flatnonzero(drawn.is_certain)[0])]
        raise DesignError(
            f"stages, {stage.column}: found {largest!r} in {place} with a probability above 1, expected smaller "
            "clusters, fewer to draw, or certainty: take"
        )
    return drawn


def _draw_people(generator: np.random.Generator, frame: pa.Table, plan: SamplePlan, rows: Integers, n: int) -> Integers:
    if plan.people == "srs":
        return rows[draw_simple(generator, len(rows), n).chosen]
    if plan.sort:
        own = frame.select(list(plan.sort)).take(pa.array(rows))
        keys = list(zip(*(own[name].to_pylist() for name in plan.sort), strict=True))
        # Rows that are alike in what they are sorted by stay in the frame's order.
        rows = rows[sorted(range(len(rows)), key=lambda place: keys[place])]
    return rows[draw_systematic(generator, len(rows), n).chosen]


def _collected(
    strata: Sequence[FrameStratum],
    taken_of: Sequence[Sequence[_Taken]],
    parts: Sequence[SampledStratum],
    plan: SamplePlan,
    warnings: Sequence[str],
) -> DrawnSample:
    rows, probabilities, labels = [], [], []
    cells = []
    for stratum, taken in zip(strata, taken_of, strict=True):
        by_psu: dict[str, list[_Taken]] = {}
        for part in taken:
            by_psu.setdefault(_psu_of(part.path, plan), []).append(part)
        for psu, members in by_psu.items():
            cells.append(_cell(stratum, psu, members))
            for part in members:
                share = part.cluster_probability * len(part.rows) / part.population
                rows.append(part.rows)
                probabilities.append(np.full(len(part.rows), share))
                labels.append((stratum.unit, stratum.stratum, psu, len(part.rows)))
    if not rows:
        raise DesignError("size: found nobody to ask in any stratum, expected at least one person")
    return DrawnSample(
        rows=np.concatenate(rows),
        probabilities=np.concatenate(probabilities),
        units=tuple(unit for unit, _, _, n in labels for _ in range(n)),
        strata=tuple(stratum for _, stratum, _, n in labels for _ in range(n)),
        psus=tuple(psu for _, _, psu, n in labels for _ in range(n)),
        cells=tuple(cells),
        parts=tuple(parts),
        warnings=tuple(warnings),
    )


def _psu_of(path: tuple[str, ...], plan: SamplePlan) -> str:
    return (path[0] if plan.psu == "first" else _BETWEEN.join(path)) if path else ""


def _cell(stratum: FrameStratum, psu: str, members: Sequence[_Taken]) -> SampledCell:
    """The cell of a PSU; several last clusters in it are one cell that stands for as many people."""
    population = sum(part.population for part in members)
    count = sum(len(part.rows) for part in members)
    expanded = sum(part.population / part.cluster_probability for part in members)
    for part in members:
        weight = part.population / part.cluster_probability / len(part.rows)
        if abs(weight * count / expanded - 1) > _SAME:
            raise DesignError(
                f"stages: found weights in the PSU {psu!r} of {stratum.name} that differ ({weight:.6g} against "
                f"{expanded / count:.6g} on average), expected a self-weighting sample in each PSU (pps with equal "
                "takes), or psu: last"
            )
    return SampledCell(stratum.unit, stratum.stratum, psu, population, population / expanded, count)


def _look_at_lonely(parts: Sequence[SampledStratum], plan: SamplePlan, warnings: list[str]) -> None:
    for part in parts:
        n_psus = part.n_drawn if plan.stages else part.asked
        if n_psus != 1:
            continue
        name = "/".join(label for label in (part.unit, part.stratum) if label) or "the frame"
        if plan.lonely == "refuse":
            raise DesignError(
                f"stratum {name}: found one PSU in the sample, expected two or more: no variance follows from one "
                "(lonely: warn draws it all the same)"
            )
        warnings.append(f"stratum {name} gets one PSU: no variance follows from it")


def _remarks(parts: Sequence[SampledStratum]) -> list[str]:
    found = []
    for part in parts:
        name = "/".join(label for label in (part.unit, part.stratum) if label) or "the frame"
        if part.asked < part.wanted:
            found.append(
                f"stratum {name}: the drawn clusters have {part.asked} people, fewer than the {part.wanted} wanted"
            )
        if part.wanted == 0:
            found.append(f"stratum {name} of {part.population} people gets nobody: it is not covered")
        if part.certain and part.n_drawn < part.n_clusters:
            found.append(
                f"stratum {name}: {len(part.certain)} of {part.n_drawn} clusters are in for sure (probability 1): "
                f"{', '.join(part.certain[:5])}{', …' if len(part.certain) > 5 else ''}"
            )
    n_whole = sum(part.n_clusters > 1 and part.n_drawn == part.n_clusters for part in parts)
    if n_whole:
        found.append(
            f"in {n_whole} of {len(parts)} strata all clusters are asked: standard errors take them as drawn by chance "
            "all the same, and are rather too large"
        )
    return found
