"""A round with an open link beside its sample, from its codes to the accounting and the weights of its archive."""

from collections import Counter
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.exporting.labelling import microdata_of
from analysis.release.round_design import parse_design
from support.rounds import SLUG, open_collection
from survey.errors import BadInput
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.settings import Settings
from survey.storage.stores import Stores

DESIGN = b"""\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: phuong-a, psu: k1, population: 60, probability: 0.5}
  - {unit: phuong-a, psu: k2, population: 40, probability: 0.5}
  - {unit: xa-b, psu: k1, population: 30}
  - {unit: xa-b, psu: k2, population: 30}
"""


@pytest.mark.slow
def test_a_link_is_of_no_cell_counts_against_nobody_and_weighs_nothing(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path, design=DESIGN)
    codes = [
        *(("phuong-a", code) for code in collection.codes("phuong-a", 12, psu="k1")),
        *(("phuong-a", code) for code in collection.codes("phuong-a", 10, psu="k2")),
        # More than the design counts people; they are for whoever finds the link.
        *(("phuong-a", code) for code in collection.codes("phuong-a", 130, channel="open_link")[:14]),
        *(("xa-b", code) for code in collection.codes("xa-b", 30, psu="k1")),
        *(("xa-b", code) for code in collection.codes("xa-b", 9, channel="open_link")),
    ]
    with pytest.raises(BadInput, match="expected a cell of the design"):
        collection.codes("xa-b", 1)
    for unit, code in codes:
        assert collection.send(unit, code.typed) == "received"
    close_round(collection.stores, SLUG)
    seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)

    path = archive_path(collection.settings, SLUG)
    archive = read_archive(path)
    contents = archive.contents
    channels = Counter((row["unit"], row["channel"]) for row in contents.responses.to_pylist())
    assert channels == {("phuong-a", "slip"): 22, ("phuong-a", "open_link"): 14, ("xa-b", "slip"): 30}
    assert contents.counts.rejected == {"cell_too_small": 9}
    assert contents.coarsening["open_link"] == {"withheld": 9}
    issued = {(cell.unit, cell.psu != "nobody"): (cell.issued, cell.returned) for cell in
              parse_design(contents.design_source, "design.yaml").cells}  # fmt: skip
    assert issued["xa-b", True] == (30, 30)
    rows = {(row.unit, row.channel): row for row in contents.accounting}
    assert (rows["phuong-a", "all"].issued, rows["phuong-a", "all"].sealed) == (22, 22)
    assert (rows["phuong-a", "open_link"].issued, rows["phuong-a", "open_link"].sealed) == (130, 14)
    assert (rows["all", "all"].issued, rows["all", "all"].spent, rows["all", "all"].sealed) == (52, 52, 52)
    weights = microdata_of(archive).table
    assert {row["channel"] for row in weights.to_pylist() if row[weights.column_names[-1]] is None} == {"open_link"}
    assert sum(weight or 0 for weight in weights[weights.column_names[-1]].to_pylist()) == pytest.approx(260)
