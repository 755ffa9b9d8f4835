"""Whole scorecards on paper: tagged and archival at once, the same bytes on another day, and what bad input does (ask
S1 and S3).
"""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pypdf
import pytest

from analysis.release.edition import Edition
from analysis.release.voice_rows import CommentRow
from analysis.scorecards.render import Printer, PrintingError
from questionnaires.model import Text
from support.editions import renamed
from support.fragile_printers import make_refusing_printer
from support.full_editions import full_edition
from support.pdf_checks import attachments, structural_findings
from support.printed import qr_texts
from survey.edition_pages import pages_of
from survey.print_pool import Page, print_pages
from survey.print_spool import print_resumably
from survey.printing import bundled_fonts, make_printer

pytestmark = pytest.mark.slow
Printed = Callable[[str, str], tuple[Edition, bytes]]
LONG = Text(
    "Ủy ban nhân dân phường Trần Hưng Đạo và Trung tâm Phục vụ hành chính công, giải quyết thủ tục đất đai khu vực 12",
    "People's Committee of Tran Hung Dao Ward with its Public Administration Service Centre and Land Office of Area 12",
)
HOSTILE = "<b>Chậm</b> \N{RIGHT-TO-LEFT OVERRIDE}gnàoh\N{POP DIRECTIONAL FORMATTING} 😡 &amp; ' \""
CASES: dict[str, Callable[[], Edition]] = {
    "short": lambda: full_edition(20),
    "long names": lambda: renamed(full_edition(6), LONG),
    "few answers": lambda: full_edition(6, sheets=[20, 120, 200, 180, 90, 150]),
    "suppressed": lambda: full_edition(12, sheets=[7] + [100] * 11),
}


@pytest.fixture(scope="module")
def printer() -> Printer:
    return make_printer()


def _page(edition: Edition, language: str = "vi", name: str = "06652.pdf") -> Page:
    languages = ("vi", "en") if name.endswith(".en.pdf") else (language,)
    return next(page for page in pages_of(edition, languages, ["06652"]) if page.name == name)


@pytest.fixture(scope="module")
def printed(printer: Printer) -> Printed:
    """The edition of a case and its first unit's scorecard in a language, printed once for all tests."""

    @cache
    def edition_of(case: str) -> Edition:
        return CASES[case]()

    @cache
    def print_case(case: str, language: str) -> tuple[Edition, bytes]:
        return edition_of(case), _page(edition_of(case), language).composed().printed_by(printer)

    return print_case


@pytest.mark.parametrize(
    ("case", "language"),
    [("short", "vi"), ("short", "en"), ("long names", "en"), ("few answers", "vi"), ("suppressed", "en")],
)
def test_every_scorecard_keeps_the_rules_of_tagged_and_of_archival_files(
    printed: Printed, case: str, language: str
) -> None:
    _, pdf = printed(case, language)
    assert structural_findings(pdf) == []
    assert len(pdf) <= 150_000


def test_a_scorecard_has_five_to_six_pages_and_says_what_to_do_first(printed: Printed, tmp_path: Path) -> None:
    _, pdf = printed("short", "vi")
    words = [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert len(words) in (5, 6)
    assert "Việc nên làm trước" in words[0]
    for heading in ("So với khoảng kỳ vọng", "Diễn biến qua các đợt", "Tầm quan trọng và mức điểm"):
        assert heading in words[1]
    assert "Điểm theo tiêu chí" in words[2]
    assert "Người dân đã trả lời thế nào" in words[3]
    whole = " ".join(words)
    for heading in ("Người dân đã viết gì", "Ai đã trả lời", "Từng nhóm người trả lời", "Đơn vị đã cam kết"):
        assert heading in whole
    address = "https://hailong.example.vn/results/sipas-2026/06652/verify"
    codes = qr_texts(pdf, tmp_path)
    assert codes[0] == codes[-1] == [address]


def test_the_units_table_lies_in_the_file_and_is_the_editions(printed: Printed) -> None:
    edition, pdf = printed("short", "vi")
    (name, content), *others = attachments(pdf).items()
    assert (name, others) == ("06652.csv", [])
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    ours = [row for row in edition.estimates if row.unit in ("06652", "bloc:khoi-dia-phuong")]
    assert [(row["unit"], row["node"], float(row["estimate"])) for row in rows] == [
        (row.unit, row.node, row.estimate) for row in ours
    ]


def test_a_worker_in_another_process_prints_the_same_bytes(printed: Printed) -> None:
    edition, pdf = printed("short", "vi")
    (elsewhere,) = print_pages([_page(edition)], make_printer, workers=1)
    assert elsewhere.pdf == pdf


def test_only_the_units_own_scorecard_has_what_people_wrote(printer: Printer) -> None:
    edition = full_edition(3)
    rows = tuple(CommentRow("06652", "waiting", text) for text in (HOSTILE, "Chờ lâu vào buổi sáng"))
    pages = {page.name: page.composed() for page in pages_of(replace(edition, comments=rows), ["vi"], ["06652"])}
    assert sorted(pages) == ["06652.pdf", "06652.unit.pdf"]
    assert "Chờ lâu vào buổi sáng" not in pages["06652.pdf"].html
    pdf = pages["06652.unit.pdf"].printed_by(printer)
    words = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())
    assert "Chờ lâu vào buổi sáng" in words
    # Markup is letters, what turns the direction of words is gone, and a picture that no font has is a question mark.
    assert "<b>Chậm</b> gnàoh ? &amp; ' \"" in words
    assert structural_findings(pdf) == []


def test_printing_that_was_cut_off_goes_on_and_leaves_no_half_file(tmp_path: Path) -> None:
    pages = pages_of(full_edition(3), ["vi"], ["06652", "06655"])[:2]
    spool = tmp_path / ".1.printing"
    first = print_resumably(pages, make_printer, workers=1, spool=spool, versions={"engine": "1"})
    done = next(first)
    first.close()
    assert [path.suffix for path in spool.iterdir()] == [".pdf"]
    half = next(spool.iterdir()).with_name("0" * 64 + ".half")
    half.write_bytes(b"%PDF-1.7 cut")

    def again(versions: dict[str, str]) -> dict[str, bytes | None]:
        # This printer prints nothing at all: what comes out was there before.
        found = print_resumably(pages, make_refusing_printer, workers=1, spool=spool, versions=versions)
        return {printed.name: printed.pdf for printed in found}

    assert again({"engine": "1"}) == {done.name: done.pdf, pages[1].name: None}
    assert set(again({"engine": "2"}).values()) == {None}
    next(path for path in spool.iterdir() if path.suffix == ".pdf").write_bytes(b"%PDF-1.7 cut")
    assert set(again({"engine": "1"}).values()) == {None}


def test_a_drawing_that_uses_others_is_refused_before_it_is_unfolded(printer: Printer) -> None:
    levels = "".join(
        f'<g id="l{n}">' + f'<use href="#l{n - 1}"/>' * 8 + "</g>" if n else '<g id="l0"><path d="M0 0h1"/></g>'
        for n in range(6)
    )
    bomb = f'<svg xmlns="http://www.w3.org/2000/svg"><title>x</title><defs>{levels}</defs><use href="#l5"/></svg>'
    with pytest.raises(PrintingError, match="uses another one"):
        printer.pdf(f'<!doctype html>\n<html lang="vi"><head><title>t</title></head><body>{bomb}</body></html>')


def test_a_missing_or_broken_font_is_named(printer: Printer, tmp_path: Path) -> None:
    environment = printer._writer._environment
    for fonts in ({"BeVietnamPro-Regular.ttf": tmp_path / "none.ttf"}, {"BeVietnamPro-Regular.ttf": b"no font"}):
        with pytest.raises(PrintingError, match=r"the font BeVietnamPro-Regular\.ttf cannot be read"):
            Printer(environment, fonts, "")
    # A style sheet that names a font that was not handed over stops at once, before any page.
    regular = {name: source for name, source in bundled_fonts().items() if "Regular" in name}
    with pytest.raises(PrintingError, match=r"asset:BeVietnamPro-SemiBold\.ttf"):
        Printer(
            environment,
            regular,
            '@font-face { font-family: "Be Vietnam Pro"; src: url("asset:BeVietnamPro-SemiBold.ttf"); }',
        )
