"""Scorecards and leagues as they are printed: what stands on them, in which letters, and what is refused."""

import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest

from analysis.release.edition import Edition
from analysis.scorecards.content import Composer
from analysis.scorecards.render import Printer, PrintingError
from questionnaires.model import Text
from support.editions import FACTORS, make_edition, renamed
from survey.printing import make_printer

HOSTILE = Text("Phường <script>alert(\"1\")</script> & 'Hà Tu'", 'Ward <img src=x onerror=y> & "Co"')
LONG = Text(
    "Ủy ban nhân dân phường Trần Hưng Đạo và Trung tâm Phục vụ hành chính công, giải quyết thủ tục đất đai khu vực 12",
    "People's Committee of Tran Hung Dao Ward with its Public Administration Service Centre and Land Office of Area 12",
)
CASES: dict[str, Callable[[], Edition]] = {
    "a strip of 54": lambda: make_edition(54),
    "six named units": lambda: make_edition(6, collected="elsewhere", profile="mean"),
    "three with few answers": lambda: make_edition(3, sheets=[20, 120, 9]),
    "a suppressed unit": lambda: make_edition(12, sheets=[7] + [100] * 11),
    "all suppressed": lambda: make_edition(3, sheets=[5, 6, 7]),
    "one unit": lambda: make_edition(1),
    "few criteria": lambda: make_edition(6, factors=FACTORS[3:]),
    "a long name": lambda: renamed(make_edition(6), LONG),
    "eight factors": lambda: make_edition(8, factors=FACTORS + FACTORS[:3]),
}


@pytest.fixture(scope="module")
def printer() -> Printer:
    return make_printer()


def _html(printer: Printer, edition: Edition, language: str = "vi", place: int = 0) -> str:
    return printer.html(Composer(edition).scorecard(edition.units[place].code), language)


def _league(printer: Printer, edition: Edition, language: str = "vi") -> str:
    return printer.html(Composer(edition).league("khoi-dia-phuong"), language)


def _read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def _words(reader: pypdf.PdfReader, place: int | None = None) -> str:
    pages = reader.pages if place is None else [reader.pages[place]]
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def _text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def _fonts(reader: pypdf.PdfReader) -> set[str]:
    return {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()  # type: ignore[union-attr, index]
    }


def _elements(node: Any, kind: str) -> Iterator[Any]:
    found = node.get_object()
    if not hasattr(found, "get"):
        return
    if found.get("/S") == kind:
        yield found
    children = found.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        yield from _elements(child, kind)


def _filled(page: pypdf.PageObject) -> float:
    """Down to where words stand on a page, as a part of its height between the running lines."""
    places: list[float] = []

    def note(text: str, matrix: list[float], text_matrix: list[float], _font: object, _size: float) -> None:
        if text.strip():
            places.append(matrix[5] + text_matrix[5] * matrix[3])

    page.extract_text(visitor_text=note)
    bottom, top = 46.0, 788.0
    return (top - min(place for place in places if bottom < place < top)) / (top - bottom)


def _words_and_smallest_letters(reader: pypdf.PdfReader) -> tuple[list[str], float]:
    """The words of each page, and the size of the smallest letters of all; a page takes long to read."""
    sizes: list[float] = []

    def note(text: str, matrix: list[float], text_matrix: list[float], _font: object, size: float) -> None:
        if text.strip():
            sizes.append(abs(size * text_matrix[3] * matrix[3]))

    words = [" ".join(page.extract_text(visitor_text=note).split()) for page in reader.pages]
    return words, min(size for size in sizes if size > 2)


@pytest.mark.slow
def test_a_scorecard_is_a_tagged_pdf_in_our_own_fonts(printer: Printer) -> None:
    html = _html(printer, make_edition(6))
    reader = _read(printer.pdf(html))
    figures = list(_elements(reader.root_object["/StructTreeRoot"], "/Figure"))
    assert len(figures) >= html.count("<svg") > 20
    assert all(str(figure.get("/Alt", "")).strip() for figure in figures)
    assert len(list(_elements(reader.root_object["/StructTreeRoot"], "/H1"))) == 1
    root = reader.root_object
    assert root["/Lang"] == "vi"
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert reader.metadata is not None
    assert reader.metadata.title == "Phường Hà Tu – Phiếu điểm đơn vị"
    assert str(reader.metadata.get("/CreationDate")).startswith("D:20261123")
    assert _fonts(reader) == {"Be-Vietnam-Pro", "Be-Vietnam-Pro-Semi-Bold"}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("case", CASES)
def test_the_first_page_holds_the_summary_and_nothing_is_printed_small(
    printer: Printer, case: str, language: str
) -> None:
    edition = CASES[case]()
    reader = _read(printer.pdf(_html(printer, edition, language)))
    assert len(reader.pages) <= (5 if case in ("eight factors", "a long name") else 4)
    # No page but the last stands nearly empty.
    assert min(_filled(page) for page in reader.pages[:-1]) > 0.7
    criteria = {"vi": "theo tiêu chí", "en": "by criterion"}[language]
    (first, second, *_), smallest = _words_and_smallest_letters(reader)
    assert criteria not in first
    assert criteria in second
    # The name and the place of the last highlight are on the first page: nothing spilled over.
    assert unicodedata.normalize("NFC", edition.units[0].name.in_language(language))[:30] in first
    assert smallest >= 7.9


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("case", CASES)
def test_every_drawing_of_a_page_says_its_values_in_words(printer: Printer, case: str, language: str) -> None:
    edition = CASES[case]()
    for html in (_html(printer, edition, language), _league(printer, edition, language)):
        drawings = re.findall(r"<svg.*?</svg>", html, re.S)
        assert all(re.search(r"<title>[^<]*\w[^<]*</title>", drawing) for drawing in drawings)
        assert html.count("<h1") == 1
        assert html.count("<table") == html.count("<caption")
        for header in re.findall(r"<th\b[^>]*>", html):
            assert "scope=" in header


@pytest.mark.slow
def test_the_same_edition_prints_the_same_bytes_in_another_process(printer: Printer, tmp_path: Path) -> None:
    html = _html(printer, make_edition(20))
    page = tmp_path / "page.html"
    page.write_text(html, encoding="utf-8")
    script = (
        "import sys, hashlib, pathlib; from survey.printing import make_printer; "
        f"print(hashlib.sha256(make_printer().pdf(pathlib.Path({str(page)!r}).read_text('utf-8'))).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
    assert printer.pdf(html) == printer.pdf(html)


@pytest.mark.slow
def test_a_hostile_name_is_printed_and_never_run(printer: Printer) -> None:
    edition = renamed(make_edition(6), HOSTILE)
    for language in ("vi", "en"):
        for html in (_html(printer, edition, language), _league(printer, edition, language)):
            assert "<script" not in html
            assert "<img" not in html
            assert "&lt;" in html
    assert 'Phường <script>alert("1")</script>' in _words(_read(printer.pdf(_html(printer, edition))), 0)


def test_a_decomposed_name_is_printed_in_one_letter_each(printer: Printer) -> None:
    name = unicodedata.normalize("NFD", "Phường Đầm Hà")
    html = _html(printer, renamed(make_edition(6), Text(name, name)))
    assert "Phường Đầm Hà" in html
    assert name not in html


def test_a_letter_that_no_font_has_is_named_and_refused(printer: Printer) -> None:
    odd = renamed(make_edition(2), Text("Phường ▲", "Ward ▲"))
    with pytest.raises(PrintingError, match=r"'▲' \(U\+25B2\)"):
        _html(printer, odd)
    with pytest.raises(PrintingError, match=r"'▲' \(U\+25B2\)"):
        printer.pdf('<!doctype html><html lang="vi"><title>t</title><p>▲</p></html>')
    # The other units' pages go out, and what could not be shown can be seen.
    assert "Phường ?" in _html(printer, odd, place=1)
    assert "Ward ?" in _league(printer, odd, "en")


@pytest.mark.parametrize(
    "markup",
    [
        '<img alt="x" src="http://127.0.0.1:9/x.png">',
        '<img alt="x" src="file:///etc/hostname">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<p style="background: url(https://example.com/x.png)">x</p>',
        '<img alt="x" src="asset:../../etc/hostname">',
    ],
)
def test_a_page_that_asks_for_anything_but_our_fonts_is_refused(printer: Printer, markup: str) -> None:
    page = f'<!doctype html><html lang="vi"><head><title>t</title></head><body>{markup}</body></html>'
    with pytest.raises(PrintingError, match="expected nothing but its own fonts"):
        printer.pdf(page)
    # The refusal belongs to that page alone.
    assert printer.pdf('<!doctype html><html lang="vi"><title>t</title><p>x</p></html>').startswith(b"%PDF")


def test_a_page_in_another_font_is_refused(printer: Printer) -> None:
    page = '<!doctype html><html lang="vi"><title>t</title><p style="font-family: DejaVu Sans">x</p></html>'
    with pytest.raises(PrintingError, match=r"found the font /[A-Z]{6}\+(?!Be-Vietnam-Pro)"):
        printer.pdf(page)


def test_a_page_the_engine_complains_of_is_refused(printer: Printer) -> None:
    page = '<!doctype html><html lang="vi"><title>t</title><p style="colour: red">x</p></html>'
    with pytest.raises(PrintingError, match="cannot be printed as it was meant"):
        printer.pdf(page)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_only_a_confirmed_profile_is_called_by_the_models_name(printer: Printer, language: str) -> None:
    words = {"vi": "theo mô hình SIPAS", "en": "after the SIPAS model"}[language]
    for html in (_html(printer, make_edition(6), language), _league(printer, make_edition(6), language)):
        text = _text_of(html)
        unnamed = text.replace(words, "")
        assert words in text
        # What is left are the sentence that says so and the questionnaire's reference, which is in small letters.
        assert "SIPAS" not in unnamed.replace({"vi": "mô hình SIPAS", "en": "the SIPAS model"}[language], "")
    confirmed = _text_of(_html(printer, make_edition(6, profile="mean"), language))
    assert words not in confirmed
    assert "SIPAS" in confirmed


def test_a_suppressed_unit_is_told_why_and_shown_no_figure_of_its_own(printer: Printer) -> None:
    edition = make_edition(12, sheets=[7] + [100] * 11)
    text = _text_of(_html(printer, edition))
    assert "Chưa đủ số phiếu" in text
    assert "cần ít nhất 10" in text
    assert "Không xếp hạng" in text
    assert not re.search(r"[^.\d]7 phiếu", text)
    assert "too few answer sheets, at least 10 are needed" in _text_of(_league(printer, edition, "en"))


def test_a_unit_hidden_to_protect_another_is_not_said_to_lack_answers(printer: Printer) -> None:
    edition = make_edition(3, sheets=[7, 100, 100])
    rows = tuple(replace(row, reason="complementary", n=100) if row.suppressed else row for row in edition.estimates)
    text = _text_of(_html(printer, replace(edition, estimates=rows)))
    assert "Không công bố" in text
    assert "hưa đủ số phiếu" not in text


def test_few_answers_are_marked_and_explained(printer: Printer) -> None:
    text = _text_of(_html(printer, make_edition(3, sheets=[20, 120, 200])))
    assert "* Từ 10 đến 29 phiếu" in text
    assert "Số phiếu còn ít (dưới 30)" in text
    assert re.search(r"\d,\d\*", text)


def test_the_verdict_is_what_the_test_said(printer: Printer) -> None:
    edition = make_edition(54)
    words = {
        "above": ", cao hơn các đơn vị khác trong khối nói chung",
        "below": ", thấp hơn các đơn vị khác trong khối nói chung",
        "not_different": "dữ liệu chưa đủ để nói đơn vị cao hơn hay thấp hơn",
    }
    seen = set()
    for place, unit in enumerate(edition.units):
        rank = next(row for row in edition.ranks if row.unit == unit.code)
        if rank.tier not in seen:
            seen.add(rank.tier)
            text = _text_of(_html(printer, edition, place=place))
            assert words[rank.tier] in text
            assert [word in text for tier, word in words.items() if tier != rank.tier] == [False, False]
            assert f"từ {rank.rank_low} đến {rank.rank_high} trong 54 đơn vị" in text or rank.rank_low == rank.rank_high
    assert seen == set(words)


def test_a_correction_says_what_it_replaces_and_why(printer: Printer) -> None:
    edition = replace(make_edition(3), number=2, reason="nhập trùng phiếu của một đơn vị")
    for html in (_html(printer, edition), _league(printer, edition)):
        assert "Bản công bố số 2 thay các bản trước. Lý do: nhập trùng phiếu của một đơn vị" in _text_of(html)


def test_a_round_collected_elsewhere_says_so_in_place_of_a_rate(printer: Printer) -> None:
    text = _text_of(_html(printer, make_edition(6, collected="elsewhere"), "en"))
    assert "collected outside this system, so there is no response rate" in text
    assert "invitations" not in text


def test_a_league_names_the_tiers_before_it_ranks(printer: Printer) -> None:
    html = _league(printer, make_edition(54), "en")
    places = [html.index(words) for words in ("Above the others", "Not different", "Below the others", "<table")]
    assert places == sorted(places)
    assert html[: html.index("league-factors")].count('<th scope="row"') == 54


def test_no_number_is_printed_with_more_decimals_than_the_plan_allows(printer: Printer) -> None:
    for html in (_html(printer, make_edition(20)), _league(printer, make_edition(20))):
        text = _text_of(re.sub(r"<(style|title)>.*?</\1>", "", html))
        assert not re.findall(r"\d,\d{2,}", text)
