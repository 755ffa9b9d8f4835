"""Answers that nobody gave: a stratified sample of clusters in which 225 units cross strata and PSUs.

40 strata, about 60 people in a PSU, each PSU served by a dozen of the units; five indices from 0 to 100, each the mean
of five answers from 1 to 5, with effects of unit, PSU and person; one person in fifty leaves an index out.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

UNITS, STRATA, INDICES, PEOPLE, SERVED = 225, 40, 5, 60, 12
NAMES = tuple(f"idx{k + 1}" for k in range(INDICES))
PIECE = 1_000_000


def make_sample(n: int, seed: int = 1, first_psu: int = 0) -> pa.Table:
    """The answers of n people, whose PSUs are numbered from `first_psu`."""
    draw = np.random.default_rng([seed, first_psu])
    truth = np.random.default_rng(seed)
    unit_effect, base = truth.normal(0, 0.3, (UNITS, INDICES)), truth.normal(3, 0.4, STRATA)
    n_psus = max(2 * STRATA, n // PEOPLE)
    of_psu = np.arange(n_psus) % STRATA
    serves = (
        draw.integers(0, UNITS, n_psus)[:, None] + np.cumsum(draw.integers(1, 18, (n_psus, SERVED)), axis=1)
    ) % UNITS
    psu = np.sort(draw.integers(0, n_psus, n))
    unit = serves[psu, draw.integers(0, SERVED, n)]
    person = draw.normal(0, 0.8, n) + draw.normal(0, 0.2, n_psus)[psu]
    columns = {
        "stratum": of_psu[psu].astype(np.int32),
        "psu": (first_psu + psu).astype(np.int32),
        "agency": (unit + 1).astype(np.int32),
        "w": np.exp(base[of_psu[psu]] + draw.normal(0, 0.3, n)),
    }
    for k, name in enumerate(NAMES):
        answers = person + unit_effect[unit, k] + draw.normal(0, 0.7, (5, n)) + 4.2
        points = (np.clip(np.rint(answers), 1, 5).mean(axis=0) - 1) * 25
        columns[name] = pa.array(points, mask=draw.random(n) < 0.02)
    return pa.table(columns)


def write_sample(path: Path, n: int, seed: int = 1) -> Path:
    """The answers of n people as a Parquet file, made and written a piece at a time."""
    first_psu, writer = 0, None
    for start in range(0, n, PIECE):
        piece = make_sample(min(PIECE, n - start), seed, first_psu)
        first_psu += max(2 * STRATA, piece.num_rows // PEOPLE)
        writer = writer or pyarrow.parquet.ParquetWriter(path, piece.schema)
        writer.write_table(piece, row_group_size=PIECE // 8)
    if writer is not None:
        writer.close()
    return path
