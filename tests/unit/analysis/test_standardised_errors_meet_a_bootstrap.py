"""The errors of standardised scores, which come from draws of a normal law, against a bootstrap of the clusters."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from analysis.release.computing import compute_edition
from support.standardised import standardised_archive

UNITS = ("u1", "u2", "u3", "u4", "u5")
LEANS = (1.0, 1.6, 2.2, 3.0, 5.0)
N_PSUS, PER_PSU, REPLICATES = 25, 8, 1500
# The weights of a and b in the first factor and of c in the second, and of the factors in the index.
WEIGHTS = np.array([0.75 * 2 / 3, 0.25 * 2 / 3, 1 / 3])


def answers() -> np.ndarray:
    """Answers (unit, PSU, person, item) from 1 to 5 to a, b and c; neighbours answer alike."""
    rng = np.random.default_rng(77)
    drawn = np.empty((len(UNITS), N_PSUS, PER_PSU, 3))
    for u, lean in enumerate(LEANS):
        for p in range(N_PSUS):
            shape = np.array([1, 1, 1, lean, lean]) * rng.gamma(6, size=5)
            drawn[u, p] = 1 + rng.choice(5, size=(PER_PSU, 3), p=shape / shape.sum())
    drawn[..., 2] = 6 - drawn[..., 2]
    return drawn


def indices(means: np.ndarray) -> np.ndarray:
    """The indices (…, units) from item means (…, units, items), by the published steps; c is better the lower it is."""
    low, high = means.min(axis=-2, keepdims=True), means.max(axis=-2, keepdims=True)
    scores = 1 + 9 * (means - low) / (high - low)
    scores[..., 2] = 11 - scores[..., 2]
    return 10 * scores @ WEIGHTS


@pytest.mark.slow
def test_errors_from_draws_are_those_of_a_bootstrap_of_clusters(tmp_path: Path) -> None:
    drawn = answers()
    rows = [(unit, *(str(int(x)) for x in drawn[u, p, k])) for u, unit in enumerate(UNITS)
            for p in range(N_PSUS) for k in range(PER_PSU)]  # fmt: skip
    psus = [f"p{p}" for _ in UNITS for p in range(N_PSUS) for _ in range(PER_PSU)]
    archive = standardised_archive(
        tmp_path / "a", rows, blocs=dict.fromkeys(UNITS, "east"), psus=psus, design="design: 1\nclusters: [psu]\n"
    )
    edition = compute_edition(archive, published_on=dt.date(2026, 11, 23), public_url=None)
    of_psus = drawn.mean(axis=2)
    published = np.array([edition.row(unit).estimate for unit in UNITS], dtype=float)
    assert published == pytest.approx(indices(of_psus.mean(axis=1)))
    # Rao and Wu (1988): n - 1 clusters of n with replacement, so that nothing has to be scaled.
    rng = np.random.default_rng(78)
    again = np.empty((REPLICATES, len(UNITS), 3))
    for u in range(len(UNITS)):
        chosen = rng.integers(0, N_PSUS, size=(REPLICATES, N_PSUS - 1))
        again[:, u] = of_psus[u][chosen].mean(axis=1)
    replicates = indices(again)
    spread = np.sqrt(replicates.var(axis=0, ddof=1) + (replicates.mean(axis=0) - published) ** 2)
    errors = np.array([edition.row(unit).se for unit in UNITS], dtype=float)
    # The ends of the scale hold the lowest and the highest, whose errors between fixed extremes are the larger ones.
    assert errors[1:-1] == pytest.approx(spread[1:-1], rel=0.15)
    assert (errors >= spread * 0.9).all()
    assert {edition.row(unit).method for unit in UNITS} == {"t_draws"}
