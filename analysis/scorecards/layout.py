"""How much room the parts of a scorecard take, so that pages are full and the first page holds all of the summary.

What the PDF engine will make of a text is estimated from its length, rather too high than too low: measuring would mean
to lay every scorecard out twice.
"""

from dataclasses import dataclass

from analysis.scorecards.content import Scorecard
from analysis.scorecards.drawing import is_strip

# The text area of an A4 page, and what stands on every first page: keys, verdict, headings, gaps.
PAGE_HEIGHT = 738.0
_EVERY_PAGE = 164.0
_EVERY_TABLE = 79.0
_EVERY_STRIP = 44.0
_LINE = 12.0
_ROW_PADDING = 4.0
# The same for the pages after it: headings with captions, and the box about the method.
_CRITERIA_HEAD = 92.0
_DISTRIBUTION_HEAD = 92.0
_METHOD = 268.0
_MODULE_HEAD = 80.0
_MODULE_ROW = 18.0
_LATER_LINE = 11.6
_LEAST_PADDING = 1.6
_MOST_PADDING = 7.5


@dataclass(frozen=True, slots=True)
class FirstPage:
    """How high the rows and the strip of the first page are, in points, and how many highlights stand below them."""

    row_height: float
    strip_height: float
    n_highlights: int


_LAYOUTS = (
    FirstPage(26.0, 165.0, 4),
    FirstPage(24.0, 135.0, 4),
    FirstPage(20.0, 120.0, 4),
    FirstPage(17.0, 100.0, 4),
    FirstPage(16.0, 90.0, 3),
    FirstPage(15.0, 75.0, 2),
    FirstPage(14.0, 120.0, 0),
    FirstPage(14.0, 90.0, 0),
    FirstPage(14.0, 66.0, 0),
)


@dataclass(frozen=True, slots=True)
class LaterPages:
    """The room above and below the text of a row in the two tables after the first page, in points, and whether the
    second of them begins a page.
    """

    criteria_padding: float
    distribution_padding: float
    is_distribution_on_new_page: bool


def first_page(card: Scorecard, language: str) -> FirstPage:
    """The roomiest way to lay out the first page that lets all of it stand on one page."""
    for layout in _LAYOUTS:
        if _estimated_height(card, language, layout) <= PAGE_HEIGHT:
            return layout
    return _LAYOUTS[-1]


def later_pages(card: Scorecard, language: str) -> LaterPages:
    """Rows as high as fills the pages: both tables and the method on one page, or the second table on the next.

    Where neither fits, rows have their least height and the tables run on from page to page.
    """
    letters = 36 if card.is_compared else 52
    criteria = [
        _LATER_LINE * _n_lines(f"{line.number} {line.label.in_language(language)}", letters) for line in card.lines
    ]
    spreads = [spread for group in card.distributions for spread in group.distributions]
    answers = [
        _LATER_LINE * _n_lines(f"{spread.number} {spread.short_label.in_language(language)}", 48) for spread in spreads
    ]
    fixed = _CRITERIA_HEAD + sum(max(height, 15.0) for height in criteria)
    fixed_after = _METHOD + (
        _DISTRIBUTION_HEAD * len(card.distributions) + sum(max(height, 13.0) for height in answers)
    )
    fixed_after += sum(_MODULE_HEAD + _MODULE_ROW * len(block.rows) for block in card.modules)
    together = (PAGE_HEIGHT - fixed - fixed_after) / (2 * max(len(criteria) + len(answers), 1))
    if together >= _LEAST_PADDING:
        padding = min(together, _MOST_PADDING)
        return LaterPages(padding, padding, False)
    if not spreads:
        return LaterPages(_LEAST_PADDING, _LEAST_PADDING, False)
    above = (PAGE_HEIGHT - fixed) / (2 * max(len(criteria), 1))
    below = (PAGE_HEIGHT - fixed_after) / (2 * len(spreads))
    if min(above, below) < _LEAST_PADDING:
        return LaterPages(_LEAST_PADDING, _LEAST_PADDING, False)
    return LaterPages(min(above, _MOST_PADDING), min(below, _MOST_PADDING), True)


def _estimated_height(card: Scorecard, language: str, layout: FirstPage) -> float:
    name = card.member.name.in_language(language)
    # Three sizes of title, as the style sheet has them: how many letters fill a line, and how high the line is.
    letters, line = (34, 28.1) if len(name) <= 40 else (46, 20.8) if len(name) <= 80 else (60, 16.5)
    height = _EVERY_PAGE + line * _n_lines(name, letters) + 3 * 13.4
    # What only some rounds have: that they are simulated, a band below the index, a sentence about standardised scores.
    height += 15.0 * (card.edition.facts.collected == "simulated") + 26.0 * (card.member.band is not None)
    height += 13.0 * (card.scale[0] > 0)
    # A caution is a sentence more in the verdict, hidden units are one more in a caption.
    height += 15.0 * (card.member.figure.state == "caution") + 13.0 * (card.n_hidden_members > 0)
    if card.factors:
        height += _EVERY_TABLE + sum(
            _row(line.short_label.in_language(language), 33, layout.row_height) for line in card.factors
        )
    if card.members and is_strip(card):
        height += _EVERY_STRIP + layout.strip_height
    elif len(card.members) > 1 or not card.member.figure.is_shown:
        height += _EVERY_TABLE + sum(
            _row(member.name.in_language(language), 30, layout.row_height) for member in card.members
        )
    columns = [
        sum(_row(line.short_label.in_language(language), 38, 0.0) for line in lines[: layout.n_highlights])
        for lines in (card.strongest, card.weakest)
    ]
    return height + (44.0 + max(columns) if any(columns) else 12.0)


def _row(label: str, letters: int, least: float) -> float:
    return max(least, _LINE * _n_lines(label, letters) + _ROW_PADDING)


def _n_lines(text: str, letters: int) -> int:
    return -(-len(text) // letters)
