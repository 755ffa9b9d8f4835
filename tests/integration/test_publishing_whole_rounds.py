"""Documents of standardised, simulated and several-unit rounds as they are printed, and the method annex."""

import datetime as dt
import io
import re
from dataclasses import replace

import pypdf
import pytest

from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.hard_data import parse_hard_data
from analysis.release.rows import PublicAccountingRow
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.content import Composer
from analysis.scorecards.render import Printer
from support.editions import FACTORS, make_edition
from support.ratings import rated_archive
from support.standardised import PLAN, rows_of, standardised_archive
from survey.printing import make_printer

# Each computes editions of standardised or several-unit rounds, which takes seconds.
pytestmark = pytest.mark.slow

DAY = dt.date(2026, 4, 1)
HARD = b"unit,indicator,value,source\nu1,h,10,Annual report\nu2,h,30.5,\nu3,h,20,\nv1,h,5,\n"
ANSWERS = {"u1": (("1", "2", "5"), ("3", "4", "3")), "u2": (("2", "1", "1"), ("4", "3", "3")),
           "u3": (("3", "5", "2"), ("5", "3", "4")), "v1": (("3", "3", "3"), ("5", "1", "2"))}  # fmt: skip
SIMULATED = {
    "vi": "Số liệu mô phỏng, không phải kết quả khảo sát",
    "en": "Simulated figures, not the results of a survey",
}


@pytest.fixture(scope="module")
def printer() -> Printer:
    return make_printer()


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    archive = rated_archive(tmp_path_factory.mktemp("rated") / "archive")
    edition = compute_edition(archive, published_on=DAY, public_url=None)
    return replace(edition, facts=replace(edition.facts, collected="simulated"))


@pytest.fixture(scope="module")
def with_hard(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    rows = rows_of(ANSWERS, dict.fromkeys(ANSWERS, 40))
    folder = tmp_path_factory.mktemp("hard") / "archive"
    archive = standardised_archive(folder, rows, plan=f"{PLAN}profile: with_hard\n")
    return compute_edition(archive, published_on=DAY, public_url=None, hard_data=parse_hard_data(HARD, "figures.csv"))


def _text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def _card(printer: Printer, edition: Edition, unit: str, language: str = "vi") -> str:
    return _text(printer.html(Composer(edition).scorecard(unit), language))


def _annex(printer: Printer, edition: Edition, language: str = "vi") -> str:
    return _text(printer.html(compose_annex(edition), language))


def test_a_standardised_scorecard_names_its_scale_its_band_and_what_is_reversed(
    printer: Printer, rated: Edition
) -> None:
    text = _card(printer, rated, "d1")
    assert "Năng lực cạnh tranh theo mô hình DDCI" in text
    assert "trên 100" in text
    assert "Xếp loại theo mô hình DDCI: " in text
    assert "Điểm từ 1 đến 10." in text
    assert "đơn vị thấp nhất trong khối được 1, cao nhất được 10" in text
    assert "(ngược)" in text
    assert "Chỉ số hài lòng" not in text
    english = _card(printer, rated, "d1", "en")
    assert "Competitiveness (after the DDCI model)" in english
    assert "Scores from 1 to 10." in english


def test_a_scorecard_of_several_units_counts_ratings(printer: Printer, rated: Edition) -> None:
    text = _card(printer, rated, "d2")
    assert f"{rated.row('d2').n} lượt đánh giá hợp lệ" in text
    assert "Dưới 10 lượt đánh giá: không công bố" in text
    assert f"{rated.row('d2').n} valid ratings" in _card(printer, rated, "d2", "en")


def test_a_module_has_a_block_of_its_own_with_intervals(printer: Printer, rated: Edition) -> None:
    text = _card(printer, rated, "d1")
    block = text[text.index("Phần hỏi kèm:") :]
    row = rated.row("all", "brand.index")
    for value in (row.estimate, row.low, row.high):
        assert f"{value:.1f}".replace(".", ",") in block
    assert "không tính vào chỉ số" in block
    assert "Điểm chung của cả đợt" in block


@pytest.mark.slow
def test_every_page_of_every_document_says_that_the_round_is_simulated(printer: Printer, rated: Edition) -> None:
    composer = Composer(rated)
    documents = ((composer.scorecard("d1"), "vi"), (composer.league("agencies"), "en"), (compose_annex(rated), "vi"))
    for document, language in documents:
        reader = pypdf.PdfReader(io.BytesIO(printer.pdf(printer.html(document, language))))
        for page in reader.pages:
            assert SIMULATED[language] in " ".join(page.extract_text().split())
    real = replace(rated, facts=replace(rated.facts, collected="here"))
    assert "mô phỏng" not in _card(printer, real, "d1")


def test_the_league_of_a_banded_round_names_the_band_of_each_unit(printer: Printer, rated: Edition) -> None:
    league = Composer(rated).league("agencies")
    text = _text(printer.html(league, "vi"))
    assert "Xếp loại" in text
    assert all(member.band is not None and member.band.label.vi in text for member in league.ranked)
    assert "Xếp loại" not in _text(printer.html(Composer(make_edition(6)).league("khoi-dia-phuong"), "vi"))


def test_hard_data_are_marked_have_no_interval_and_name_their_source(printer: Printer, with_hard: Edition) -> None:
    html = printer.html(Composer(with_hard).scorecard("u1"), "vi")
    row = next(row for row in re.findall(r"<tr class=\"criterion\">.*?</tr>", html, re.S) if "(số liệu cứng)" in row)
    assert "–" in _text(row)
    assert not re.search(r"\d–\d", _text(row))
    assert "Nguồn: Annual report." in _text(html)
    assert "trên 1.000" in _text(html)


def test_a_unit_without_an_index_shows_the_scores_it_has(printer: Printer, with_hard: Edition) -> None:
    rows = tuple(
        replace(row, estimate=None, se=None, low=None, high=None, reason="no_hard_data")
        if row.unit == "u1" and row.node in ("index", "second", "h")
        else row
        for row in with_hard.estimates
    )
    edition = replace(with_hard, estimates=rows, ranks=tuple(row for row in with_hard.ranks if row.unit != "u1"))
    text = _card(printer, edition, "u1")
    assert "Đơn vị không có chỉ số chung: thiếu số liệu cứng của đơn vị" in text
    assert "Điểm theo tiêu chí" in text
    assert "Điểm của cả khối" not in text


@pytest.mark.slow
def test_fourteen_factors_fit_the_first_page_of_a_large_bloc(printer: Printer) -> None:
    short = [(f"Yếu tố {place}", f"Factor {place}", criteria) for place, (_, _, criteria) in enumerate(FACTORS * 3)]
    for factors in (short[:14], (FACTORS * 3)[:14]):
        edition = make_edition(54, factors=factors)
        reader = pypdf.PdfReader(io.BytesIO(printer.pdf(printer.html(Composer(edition).scorecard("06652"), "vi"))))
        first, second = (" ".join(page.extract_text().split()) for page in reader.pages[:2])
        assert "14. " in first
        # What to do first has its place below them, with fewer rows; the next page has every criterion.
        assert "Việc nên làm trước" in first
        assert "Việc nên làm trước" not in second
        assert "Điểm theo tiêu chí" in second


def test_the_annex_tells_how_many_were_asked_and_how_many_answered(printer: Printer, rated: Edition) -> None:
    rows = (
        PublicAccountingRow("d1", "all", 900, 100, None, None, None),
        PublicAccountingRow("d2", "all", 800, 90, 40, 38, 2),
        PublicAccountingRow("all", "all", 3000, 400, 160, 158, 2),
    )
    html = printer.html(compose_annex(replace(rated, accounting=rows)), "vi")
    lines = [_text(row) for row in re.findall(r"<tr>.*?</tr>", html, re.S)]
    assert any("800 90 40 38 2" in line for line in lines)
    assert any("900 100 không nêu không nêu không nêu" in line for line in lines)
    assert any(line.startswith("Cả đợt 3.000 400 160 158 2") for line in lines)
    assert "160 trên 400 mã đã phát, 40,0%" in _text(html)


@pytest.mark.slow
def test_the_annex_of_each_kind_of_round_is_a_tagged_pdf_in_both_languages(
    printer: Printer, rated: Edition, with_hard: Edition
) -> None:
    for edition in (rated, with_hard, replace(with_hard, fieldwork=None), make_edition(3)):
        for language in ("vi", "en"):
            pdf = printer.pdf(printer.html(compose_annex(edition), language))
            root = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
            assert root["/Lang"] == language
            assert "/StructTreeRoot" in root


def test_the_annex_says_what_the_figures_cannot_say(printer: Printer, rated: Edition, with_hard: Edition) -> None:
    text = _annex(printer, rated)
    assert "Người trả lời tự chọn đơn vị để đánh giá" in text
    assert "Đây không phải là chỉ số DDCI chính thức." in text
    assert "Số liệu mô phỏng không nói gì về đơn vị thật nào." in text
    assert "mỗi phiếu là một cụm" in text
    assert "Hard data" in _annex(printer, with_hard, "en")
    # Sentences that stand side by side have a space between them.
    for edition in (rated, with_hard):
        for language in ("vi", "en"):
            text = _annex(printer, edition, language).replace("recompute.R", "")
            assert re.findall(r".{9}[a-zà-ỹ)][.:;](?=[A-ZĐÀ-Ỹ]).{9}", text) == []
