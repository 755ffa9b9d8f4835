"""Parts put on pages, so that none is nearly empty where other breaks would fill it.

Heights are in points. A part whose rows may be parted runs on over pages; every other part stands on one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

PAGE_HEIGHT = 740.0
LEAST_PADDING, MOST_PADDING = 3, 15
# A table is parted only where this much of it stands on either side.
LEAST_BEGINNING, LEAST_END = 200.0, 40.0
LEAST_MATRIX, MOST_MATRIX = 190.0, 300.0
# A further page of a table has its head once more, and the one before it ends with a whole row.
_FURTHER_PAGE = PAGE_HEIGHT - 40.0
# What parting a table and beginning a page cost, beside the squared shares of pages that stay empty.
_PARTED, _PAGE = 0.3, 0.1


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the later pages: what of it has a fixed height, and its rows, each with the height of its text and the
    height below which it does not go. `runs_on` where its rows may stand on two pages.
    """

    name: str
    height: float
    rows: tuple[tuple[float, float], ...] = ()
    runs_on: bool = False

    def at(self, padding: int) -> float:
        """How high it is when its rows have so much padding, in half points, above and below their text."""
        return self.height + sum(max(text + padding, least) for text, least in self.rows)


@dataclass(frozen=True, slots=True)
class LaterPages:
    """Which parts begin a page, the padding of the rows of each part in half points, a class of the style sheet, and
    how many points its page has left.
    """

    beginnings: frozenset[str]
    paddings: Mapping[str, int]
    left: Mapping[str, float]

    def begins(self, name: str) -> str:
        """The class of a part that begins a page, or nothing."""
        return " new-page" if name in self.beginnings else ""

    def padding(self, name: str) -> str:
        """The class that stretches the rows of a part."""
        return f"pad-{self.paddings.get(name, LEAST_PADDING)}"

    def matrix_height(self) -> float:
        """The height of the matrix: what its page has left makes it larger."""
        return LEAST_MATRIX + min(max(self.left.get("matrix", 0.0) - 6.0, 0.0), MOST_MATRIX - LEAST_MATRIX)


def arranged(blocks: Sequence[Block]) -> LaterPages:
    """Blocks put on pages as evenly filled as the order of the parts lets them be; the last page counts half, because a
    document may end where it likes.

    What is longer than a page runs on, and the next part follows it where it ends.
    """
    pages = _pages(blocks, _beginnings(tuple(blocks)))
    paddings: dict[str, int] = {}
    room: dict[str, float] = {}
    for page in pages:
        n_least = _n_filled(page, LEAST_PADDING)
        padding = max(n for n in range(LEAST_PADDING, MOST_PADDING + 1) if _n_filled(page, n) == n_least)
        paddings.update(dict.fromkeys((block.name for block in page), padding))
        room.update(dict.fromkeys((b.name for b in page), max(PAGE_HEIGHT - sum(b.at(padding) for b in page), 0.0)))
    return LaterPages(frozenset(page[0].name for page in pages if page), paddings, room)


def _pages(blocks: Sequence[Block], beginnings: Sequence[int]) -> list[list[Block]]:
    ends = [*beginnings[1:], len(blocks)]
    return [list(blocks[start:end]) for start, end in zip(beginnings, ends, strict=True)]


def _n_filled(page: Sequence[Block], padding: int) -> int:
    """How many pages these parts fill, one after the other, when their rows have so much padding."""
    n_pages, left = 1, PAGE_HEIGHT
    for block in page:
        height = block.at(padding)
        if height <= left:
            left -= height
        elif block.runs_on or height > PAGE_HEIGHT:
            n_pages, left = n_pages + ceil((height - left) / _FURTHER_PAGE), _left_after(height, left)
        else:
            n_pages, left = n_pages + 1, PAGE_HEIGHT - height
    return n_pages


def _beginnings(blocks: tuple[Block, ...]) -> tuple[int, ...]:
    """The places of the parts that begin a page: of all ways to break the pages the cheapest, the first of equals."""

    @cache
    def best(place: int, left: float, stretch: float) -> tuple[float, tuple[int, ...]]:
        """What the pages from here on cost, and which of the parts from `place` on begin one. `left` are the points
        that this page still has, `stretch` those that its rows could fill.
        """
        empty = (max(left - stretch, 0.0) / PAGE_HEIGHT) ** 2
        if place == len(blocks):
            return empty / 2, ()
        block = blocks[place]
        least, most = block.at(LEAST_PADDING), block.at(MOST_PADDING)
        ways = []
        if left < PAGE_HEIGHT:
            cost, found = best(place, PAGE_HEIGHT, 0.0)
            ways.append((cost + empty + _PAGE, (place, *found)))
        if least <= left:
            ways.append(best(place + 1, round(left - least, 1), round(stretch + most - least, 1)))
        elif not ways or _may_be_parted(block, least, left):
            cost, found = best(place + 1, round(_left_after(least, left), 1), 0.0)
            # A table longer than a page is parted wherever it begins.
            ways.append((cost + _PARTED * (least <= PAGE_HEIGHT) + _PAGE, found))
        return min(ways)

    return (0, *best(0, PAGE_HEIGHT, 0.0)[1]) if blocks else ()


def _may_be_parted(block: Block, least: float, left: float) -> bool:
    return block.runs_on and left >= LEAST_BEGINNING and (least - left) % _FURTHER_PAGE >= LEAST_END


def _left_after(least: float, left: float) -> float:
    """How much of its last page a part leaves that begins where `left` points are left and runs on."""
    return _FURTHER_PAGE - (least - left) % _FURTHER_PAGE
