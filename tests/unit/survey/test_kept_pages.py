"""A page that is drawn once: for each reader it is whole, and it is one gzip member with their nonce."""

import gzip
import zlib

import pytest

from survey.web.citizen.kept import Kept
from survey.web.citizen.kept_pages import MOST_PAGES, KeptPage

NONCE, OTHER = "n0nce-of-the-page", "another-nonce-1-2"


def page(n_nonces: int) -> str:
    parts = [f"<p>Đoạn {part}: {'hài lòng ' * (300 * part)}</p>" for part in range(n_nonces + 1)]
    return NONCE.join(parts)


@pytest.mark.parametrize("n_nonces", [0, 1, 2, 3])
def test_a_kept_page_is_the_drawn_one_with_the_readers_nonce(n_nonces: int) -> None:
    html = page(n_nonces)
    kept = KeptPage.cut(html, NONCE)
    for nonce in (NONCE, OTHER):
        assert kept.plain_with(nonce).decode() == html.replace(NONCE, nonce)
        assert gzip.decompress(kept.packed_with(nonce)).decode() == html.replace(NONCE, nonce)


def test_what_is_sent_is_as_small_as_if_it_were_compressed_for_the_reader() -> None:
    html = page(2)
    anew = zlib.compress(html.encode(), 9)
    assert len(KeptPage.cut(html, NONCE).packed_with(OTHER)) <= len(anew) + 150


def test_a_page_that_is_the_same_for_everybody_needs_no_nonce() -> None:
    kept = KeptPage.cut("<p>Đã nhận phiếu</p>")
    assert gzip.decompress(kept.packed_with()) == kept.plain_with() == "<p>Đã nhận phiếu</p>".encode()


def test_a_nonce_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 17"):
        KeptPage.cut(page(1), NONCE).packed_with("short")


def test_the_pages_asked_for_last_are_kept_and_the_others_drawn_anew() -> None:
    pages: Kept[KeptPage] = Kept(MOST_PAGES)
    drawn: list[int] = []

    def ask(number: int) -> KeptPage:
        def draw() -> KeptPage:
            drawn.append(number)
            return KeptPage.cut(f"trang {number}")

        return pages.find(("form", str(number), "vi"), draw)

    for number in range(MOST_PAGES):
        ask(number)
    ask(0)
    ask(MOST_PAGES)
    assert ask(0).plain_with() == b"trang 0"
    assert drawn == list(range(MOST_PAGES + 1))
    ask(1)
    assert drawn[-1] == 1
