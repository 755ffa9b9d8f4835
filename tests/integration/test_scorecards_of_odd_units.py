"""Scorecards of odd units: nobody answered, a factor is hidden, the name has 120 letters (bad input of issue 6)."""

import io
from dataclasses import replace
from datetime import date

import pypdf
import pytest

from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.rows import NO_ANSWERS, TOO_FEW_ANSWERS, EstimateRow
from analysis.scorecards.render import Printer
from questionnaires.model import Text
from support.editions import renamed
from support.full_editions import full_edition
from support.pdf_checks import structural_findings
from support.small_archives import write_small_archive
from survey.edition_pages import pages_of
from survey.printing import make_printer

pytestmark = pytest.mark.slow
SILENT = "06661"
WARDS = {"06652": ("Hà Tu", 40), "06658": ("Cao Xanh", 30), SILENT: ("Việt Hưng", 0)}
LONG = Text(
    "Ủy ban nhân dân phường Trần Hưng Đạo và Trung tâm Phục vụ hành chính công, "
    "giải quyết thủ tục đất đai và xây dựng số 123",
    "People's Committee of Tran Hung Dao Ward with its Public Administration Service Centre "
    "and the Land Office of Area No 12",
)


@pytest.fixture(scope="module")
def printer() -> Printer:
    return make_printer()


def words_of(printer: Printer, edition: Edition, name: str, language: str = "vi") -> str:
    """The words of a printed document, which keeps the rules of tagged and of archival files."""
    languages = ["vi"] if language == "vi" else ["vi", "en"]
    page = next(page for page in pages_of(edition, languages) if page.name == name)
    pdf = page.composed().printed_by(printer)
    assert structural_findings(pdf) == []
    return " ".join(" ".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """A round in which nobody answered about one of three units."""
    archive = write_small_archive(tmp_path_factory.mktemp("silent") / "archive", wards=WARDS)
    return compute_edition(archive, published_on=date(2026, 11, 23), public_url="https://hailong.example.vn")


def test_a_unit_that_nobody_answered_about_is_told_so(printer: Printer, silent: Edition) -> None:
    assert {row.reason for row in silent.rows_of(SILENT)} == {NO_ANSWERS}
    words = words_of(printer, silent, f"{SILENT}.pdf")
    assert "không có câu trả lời nào" in words
    assert "Phường Việt Hưng" in words


def test_a_league_names_the_unit_that_nobody_answered_about_and_does_not_rank_it(
    printer: Printer, silent: Edition
) -> None:
    assert silent.rank_of(SILENT) is None
    words = words_of(printer, silent, "league-khoi-dia-phuong.pdf")
    assert "Phường Việt Hưng" in words
    assert "không có câu trả lời nào" in words


def test_a_hidden_factor_is_told_and_the_others_are_shown(printer: Printer) -> None:
    edition = full_edition(6)
    unit = edition.units[0].code
    edition = replace(edition, estimates=tuple(_hidden(row, unit, "f1") for row in edition.estimates))
    words = words_of(printer, edition, f"{unit}.pdf")
    assert "1. Tiếp cận dịch vụ – – " in words, "the table of page 1 has a dash for the factor and its interval"
    assert "1. Tiếp cận dịch vụ – chưa đủ số phiếu " in words
    for code in ("index", "f2", "f3"):
        value = edition.row(unit, code).estimate
        assert value is not None
        assert f"{value:.{edition.plan.decimals}f}".replace(".", ",") in words


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_name_of_120_letters_stands_whole_on_its_scorecard(printer: Printer, language: str) -> None:
    name = LONG.in_language(language)
    assert len(name) == 120
    edition = renamed(full_edition(6), LONG)
    unit = edition.units[0].code
    document = f"{unit}.pdf" if language == "vi" else f"{unit}.en.pdf"
    assert name in words_of(printer, edition, document, language)


def _hidden(row: EstimateRow, unit: str, factor: str) -> EstimateRow:
    """The row, hidden where it is the unit's factor or one of its criteria."""
    if row.unit != unit or row.node.partition("_")[0] != factor:
        return row
    return replace(
        row, estimate=None, se=None, low=None, high=None, df=None, n=None, n_effective=None, deff=None,
        suppressed=True, reason=TOO_FEW_ANSWERS, caution=False,
    )  # fmt: skip
