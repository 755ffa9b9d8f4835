"""Many documents side by side: the one that fails stops no other."""

import pytest

from support.editions import make_edition
from support.fragile_printers import DEADLY, make_fragile_printer
from survey.edition_pages import pages_of
from survey.print_pool import Page, Printed, print_pages
from survey.printing import make_printer

pytestmark = pytest.mark.slow
GOOD = '<!doctype html><html lang="vi"><title>t</title><p>Phường Hà Tu</p></html>'
ENDLESS = GOOD + "<table>" + "<tr><td><p>một</p></td></tr>" * 60_000


def _by_name(printed: list[Printed]) -> dict[str, Printed]:
    return {document.name: document for document in printed}


def _broken() -> str:
    raise ValueError("this unit has no page")


def test_each_failing_page_is_named_and_the_others_are_printed() -> None:
    pages = [Page(f"{place}.pdf", lambda: GOOD) for place in range(4)]
    pages[1:1] = [Page("letters.pdf", lambda: GOOD + "▲"), Page("broken.pdf", _broken)]
    printed = _by_name(list(print_pages(pages, make_printer, workers=2)))
    assert len(printed) == 6
    assert "U+25B2" in (printed["letters.pdf"].failure or "")
    assert printed["broken.pdf"].failure == "this unit has no page"
    good = [printed[f"{place}.pdf"].pdf for place in range(4)]
    assert len(set(good)) == 1
    assert (good[0] or b"").startswith(b"%PDF")


def test_a_page_without_end_is_given_up() -> None:
    pages = [Page("endless.pdf", lambda: ENDLESS), Page("good.pdf", lambda: GOOD)]
    printed = _by_name(list(print_pages(pages, make_printer, workers=1, seconds=3)))
    assert printed["endless.pdf"].failure == "not done after 3 seconds"
    assert printed["good.pdf"].pdf is not None


def test_a_process_that_dies_takes_only_its_own_page_along() -> None:
    pages = [Page(f"{place}.pdf", lambda: GOOD) for place in range(6)]
    pages.insert(2, Page("deadly.pdf", lambda: DEADLY))
    printed = _by_name(list(print_pages(pages, make_fragile_printer, workers=2)))  # type: ignore[arg-type]
    assert printed["deadly.pdf"].failure == "the process that printed it died"
    assert [name for name, document in sorted(printed.items()) if document.pdf is None] == ["deadly.pdf"]
    assert len(printed) == 7


def test_one_worker_and_several_print_the_same_bytes() -> None:
    pages = pages_of(make_edition(3), ["vi"])
    alone, side_by_side = (_by_name(list(print_pages(pages, make_printer, workers=n))) for n in (1, 3))
    assert {name: document.pdf for name, document in alone.items()} == {
        name: document.pdf for name, document in side_by_side.items()
    }


def test_both_languages_have_names_of_their_own() -> None:
    edition = make_edition(2)
    names = [page.name for page in pages_of(edition, ["vi", "en"])]
    assert names == [
        "06652.pdf",
        "06655.pdf",
        "league-khoi-dia-phuong.pdf",
        "province.pdf",
        "method.pdf",
        "06652.en.pdf",
        "06655.en.pdf",
        "league-khoi-dia-phuong.en.pdf",
        "province.en.pdf",
        "method.en.pdf",
    ]
    assert [page.name for page in pages_of(edition, ["en"], ["06655"])] == ["06655.pdf"]
