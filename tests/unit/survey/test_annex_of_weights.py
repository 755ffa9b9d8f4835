"""What the method annex says of weights that were adjusted, in both languages."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.release.computing import compute_edition
from analysis.scorecards.annex import compose_annex
from support.archives import archive_at, contents_of, tabulated
from survey.printing import make_printer

DESIGN = """\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: u1, psu: p0, population: 300, probability: 0.5, issued: 40, returned: 15}
  - {unit: u1, psu: p1, population: 100, probability: 0.5, issued: 20, returned: 15}
  - {unit: u2, psu: p0, population: 200, issued: 60, returned: 15}
  - {unit: u2, psu: p1, population: 900, issued: 60, returned: 15}
nonresponse: {classes: cell, smallest: 20, largest: 5}
trim: {ratio: 1.5}
"""


@pytest.mark.slow
def test_the_annex_tells_classes_trimming_kish_and_open_links(tmp_path: Path) -> None:
    rows = [(unit, *answers) for unit in ("u1", "u2") for answers in [("1", "2", "3"), ("5", "4", "4")] * 21]
    table = tabulated(rows, psus=[f"p{place % 2}" for place in range(len(rows))])
    names = ["open_link" if place % 42 >= 30 else "web" for place in range(len(rows))]
    channel = table.schema.get_field_index("channel")
    table = table.set_column(channel, table.schema.field(channel), pa.array(names))
    contents = contents_of(table, blocs={"u1": "east", "u2": "east"}, design=DESIGN)
    edition = compute_edition(archive_at(tmp_path / "a", contents), published_on=dt.date(2026, 4, 1), public_url=None)
    assert edition.fieldwork is not None
    assert edition.fieldwork.weighting is not None
    annex = compose_annex(edition)
    printer = make_printer()
    english, vietnamese = (printer.html(annex, language) for language in ("en", "vi"))
    assert "Non-response was adjusted in 2 classes of cells (2 of them join several cells)" in english
    assert "coefficient of variation of the weights is" in english
    assert "weights were trimmed; each unit keeps its sum" in english
    assert "Answers from an open link are not part of the sample" in english
    assert "are shared by the other cells of the stratum" not in english
    assert "Phiếu trả lời qua đường liên kết mở không thuộc mẫu" in vietnamese
    assert "hệ số biến thiên của trọng số" in vietnamese.lower()
