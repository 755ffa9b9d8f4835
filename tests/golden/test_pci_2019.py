"""The published table of the competitiveness index of provinces, 2019, composed again from its ten components (W6).

Source: pcivietnam.vn, the table of 2019; the weights are those of the VCCI's handbook. The published scores are rounded
to two decimals, so that a composite may differ by 0.02.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.indices.standardisation import compose
from questionnaires.model import Band, Profile, Text

TABLE = Path(__file__).parent / "pci_2019.csv"
WEIGHTS = {
    "entry": 5, "land": 5, "transparency": 20, "time": 5, "informal": 10, "policy_bias": 5, "proactivity": 5,
    "support": 20, "labour": 20, "law": 5,
}  # fmt: skip


@pytest.mark.parametrize("points", [100, 1000])
def test_the_composites_of_pci_2019_follow_from_their_components(points: int) -> None:
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    scores = np.array([[float(row[name]) for name in WEIGHTS] for row in rows])
    published = np.array([float(row["pci"]) for row in rows])
    assert len(rows) == 11
    composed = compose(scores, list(WEIGHTS.values()), points) * 100 / points
    assert np.abs(composed - published).max() <= 0.02 + 1e-9


def test_the_tiers_in_words_are_the_published_ones() -> None:
    bands = (
        Band(10, Text("Còn lại", "Others")),
        Band(66.96, Text("Tốt", "Good")),
        Band(70.15, Text("Rất tốt", "Very good")),
    )
    profile = Profile("pci", Text("PCI", "PCI"), "standardised", None, False, None, bands=bands)
    assert [profile.band_of(value).label.en for value in (73.40, 70.15, 69.34, 66.96, 66.64)] == [
        "Very good", "Very good", "Good", "Good", "Others",
    ]  # fmt: skip
