"""Leagues and annexes as Word documents: real headings, tables and alternative texts, the same bytes (issue 6, S2)."""

import io
import zipfile
from collections.abc import Iterator

import docx
import pytest
from docx.oxml.ns import qn

from analysis.scorecards.content import Composer
from analysis.scorecards.html import Writer
from analysis.scorecards.word_charts import MOST_ROWS
from questionnaires.model import Text
from support.editions import make_edition, renamed
from survey.office_documents import league_word, method_word, office_documents
from survey.printing import make_writer

pytestmark = pytest.mark.slow
BLOC = "khoi-dia-phuong"
HOSTILE = "<script>alert(1)</script> & “Phường”"


@pytest.fixture(scope="module")
def writer() -> Writer:
    return make_writer()


@pytest.fixture(scope="module")
def league(writer: Writer) -> "docx.document.Document":
    return docx.Document(io.BytesIO(league_word(writer, Composer(make_edition(6)).league(BLOC), "vi")))


def _texts(document: "docx.document.Document", style: str) -> Iterator[str]:
    return (paragraph.text for paragraph in document.paragraphs if paragraph.style.name == style)


def test_a_league_is_laid_out_as_documents_of_state_are(league: "docx.document.Document") -> None:
    section = league.sections[0]
    sides = [round(side.mm) for side in (section.page_width, section.page_height, section.left_margin)]
    assert sides == [210, 297, 30]
    assert [round(side.mm) for side in (section.right_margin, section.top_margin, section.bottom_margin)] == [
        15,
        20,
        20,
    ]
    normal = league.styles["Normal"]
    assert (normal.font.name, normal.font.size.pt) == ("Times New Roman", 13)
    for name in ("Title", "Heading 1", "Heading 2", "Caption", "Table Text"):
        fonts = league.styles[name].element.rPr.rFonts
        assert {fonts.get(qn(f"w:{kind}")) for kind in ("ascii", "hAnsi", "eastAsia", "cs")} == {"Times New Roman"}
    assert section.different_first_page_header_footer
    assert "PAGE" in section.header.paragraphs[0]._p.xml


def test_headings_tables_and_the_chart_are_word_s_own(league: "docx.document.Document") -> None:
    assert list(_texts(league, "Title")) == ["Bảng xếp hạng khối – Khối địa phương"]
    assert "Điểm, khoảng tin cậy và tập hạng" in _texts(league, "Heading 1")
    assert any(text.startswith("Cao hơn các đơn vị khác") for text in _texts(league, "Heading 2"))
    scores, factors = league.tables
    assert [cell.text for cell in scores.rows[0].cells] == [
        "Hạng", "Đơn vị", "Điểm", "Khoảng tin cậy 95%", "Tập hạng", "Nhóm", "Số phiếu",
    ]  # fmt: skip
    for table in (scores, factors):
        assert len(table.rows) == 7
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert table._tbl.tblPr.find(qn("w:tblDescription")).get(qn("w:val"))
    (picture,) = league.inline_shapes
    described = picture._inline.docPr.get("descr")
    edition = make_edition(6)
    for member in Composer(edition).league(BLOC).ranked:
        value = f"{member.figure.value:.1f}".replace(".", ",")
        assert f"{member.name.vi}: {value} (" in described
        assert any(value == row.cells[2].text for row in scores.rows)


def test_the_same_edition_gives_the_same_bytes_and_tells_no_moment(writer: Writer) -> None:
    ones = dict(office_documents(Composer(make_edition(4)), ("vi", "en")))
    assert ones == dict(office_documents(Composer(make_edition(4)), ("vi", "en")))
    assert sorted(ones) == [f"league-{BLOC}.docx", f"league-{BLOC}.en.docx", "method.docx", "method.en.docx"]
    for content in ones.values():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert "docProps/thumbnail.jpeg" not in archive.namelist()
        told = docx.Document(io.BytesIO(content)).core_properties
        assert told.created.date() == make_edition(4).published_on
    assert docx.Document(io.BytesIO(ones["method.en.docx"])).core_properties.language == "en-GB"


def test_names_are_words_and_never_markup(writer: Writer) -> None:
    edition = renamed(make_edition(4), Text(HOSTILE, HOSTILE))
    document = docx.Document(io.BytesIO(league_word(writer, Composer(edition).league(BLOC), "vi")))
    assert any(HOSTILE in cell.text for row in document.tables[0].rows for cell in row.cells)


def test_the_annex_has_the_sections_of_its_page_and_every_unit(writer: Writer) -> None:
    edition = make_edition(6)
    document = docx.Document(io.BytesIO(method_word(writer, edition, "vi")))
    assert {"Thiết kế mẫu", "Trọng số và hiệu chỉnh", "Giới hạn của số liệu"} <= set(_texts(document, "Heading 1"))
    assert len(list(_texts(document, "List Bullet"))) >= 4
    assert len(document.tables[0].rows) == 7


def test_a_bloc_too_large_for_a_picture_has_its_table_alone(writer: Writer) -> None:
    edition = make_edition(MOST_ROWS + 1)
    document = docx.Document(io.BytesIO(league_word(writer, Composer(edition).league(BLOC), "en")))
    assert len(document.inline_shapes) == 0
    assert len(document.tables[0].rows) == MOST_ROWS + 2
