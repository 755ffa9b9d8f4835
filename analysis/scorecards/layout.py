"""How much room the parts of a scorecard take, so that pages are full and the first page holds all of the summary.

What the PDF engine will make of a text is told from the widths of its letters: measuring would mean to lay every
scorecard out twice. Lengths are in points and follow the style sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.scorecards.cards import Scorecard
from analysis.scorecards.drawing import is_strip, is_wide
from analysis.scorecards.letters import clipped, n_lines
from analysis.scorecards.pages import LEAST_PADDING, PAGE_HEIGHT, Block, LaterPages, arranged

__all__ = ["PAGE_HEIGHT", "Block", "FirstPage", "LaterPages", "arranged", "first_page", "later_pages"]

WIDTH = 493.0
_KEY_WIDTH = 139.0
_BODY = 9.2
# Headings, captions of one line, heads of tables of two lines, axes below them.
_HEADING, _CAPTION, _HEAD, _AXIS = 25.2, 16.7, 22.4, 12.0
_CAPTION_LINE, _BODY_LINE, _HEAD_LINE = 12.4, 13.4, 10.0
_BETWEEN = 5.7
# The line above a row.
_RULE = 0.5
# What stands beside the labels and the chart of the first page's tables; of what to do first, beside the answers.
_FIGURES = 159.3
_STEP_SCORE, _STEP_WEIGHT, _STEP_BLOC = 45.4, 59.6, 90.8
# Heads of the later pages: headings with captions and the heads of tables.
_EXPECTED = 118.0
_TREND, _TREND_TABLE = 170.0, 90.0
_MATRIX, _MATRIX_TABLE = 262.0, 100.0
_CRITERIA = 75.0
_ANSWERS, _SCALE = 37.0, 48.0
_VOICES = 70.0
_PARTICIPATION = 86.0
_SUBGROUPS = 98.0
_PROMISES = 84.0
_METHOD = 362.0
_MODULE, _MODULE_ROW = 80.0, 18.0
_WIDE_MATRIX = 318.0
_POINTS, _POINTS_ROW = 110.0, 40.0


@dataclass(frozen=True, slots=True)
class FirstPage:
    """How high the rows and the strip of the first page are, in points, how many criteria stand below them and with how
    much padding in half points, whether the strongest are named, whether charts are narrow so that labels need fewer
    lines, and the gap between parts that fills the page, in steps of two points.
    """

    row_height: float
    strip_height: float
    n_priorities: int
    has_strengths: bool
    padding: int = 4
    is_narrow: bool = False
    gap: int = 0

    @property
    def chart_width(self) -> int:
        """The width of the charts in the tables of units and of factors."""
        return 112 if self.is_narrow else 180

    @property
    def answers_width(self) -> int:
        """The width of the bars of answers beside what to do first."""
        return 90 if self.is_narrow else 130

    @property
    def label_width(self) -> float:
        """The room for the names of units and of factors."""
        return WIDTH - self.chart_width - _FIGURES

    def name(self, name: str) -> str:
        """A unit's name in the table of units: what is longer than two lines ends in an ellipsis."""
        return clipped(name, self.label_width, _BODY)


_LAYOUTS = (
    FirstPage(32.0, 190.0, 4, True, padding=12),
    FirstPage(28.0, 180.0, 4, True, padding=9),
    FirstPage(24.0, 165.0, 4, True, padding=6),
    FirstPage(22.0, 140.0, 4, True),
    FirstPage(20.0, 120.0, 4, True),
    FirstPage(17.0, 100.0, 4, True),
    FirstPage(15.0, 88.0, 4, True),
    FirstPage(15.0, 80.0, 4, True, is_narrow=True),
    FirstPage(13.5, 72.0, 4, False, padding=3, is_narrow=True),
    FirstPage(13.5, 62.0, 3, False, padding=3, is_narrow=True),
    FirstPage(13.5, 60.0, 2, False, padding=3, is_narrow=True),
    FirstPage(14.0, 120.0, 0, False, is_narrow=True),
    FirstPage(13.5, 66.0, 0, False, is_narrow=True),
)
_MOST_GAP = 9


def first_page(card: Scorecard, language: str, *, facts: str = "", verdict: str = "") -> FirstPage:
    """The roomiest way to lay out the first page that lets all of it stand on one page.

    Arguments: facts and verdict, the words of the head and of the summary; without them they are taken to be long.
    """
    above = _head(card, language, facts) + _keys(card, language) + _verdict(card, verdict)
    for layout in _LAYOUTS:
        parts = [
            height
            for height in (
                _position(card, language, layout),
                _factors(card, language, layout),
                _steps(card, language, layout),
                _strengths(card, language) if layout.has_strengths else 0.0,
                0.0 if card.has_own_figures else _BODY_LINE,
            )
            if height
        ]
        left = PAGE_HEIGHT - above - sum(parts) - _BETWEEN * (len(parts) - 1)
        if left >= 0:
            return replace(layout, gap=min(_MOST_GAP, int(left / (len(parts) + 1) / 2)))
    return _LAYOUTS[-1]


def later_pages(card: Scorecard, language: str, first: FirstPage | None = None) -> LaterPages:
    """Parts in their order on as few pages as hold them, each page with rows as high as fills it."""
    return arranged(_blocks(card, language, first or first_page(card, language)))


def _head(card: Scorecard, language: str, facts: str) -> float:
    name, has_code = card.member.name.in_language(language), bool(card.edition.public_url)
    width = WIDTH - 78.0 * has_code
    # Three sizes of title, as the style sheet has them.
    size = 23.0 if len(name) <= 40 else 17.0 if len(name) <= 80 else 13.5
    height = n_lines(name, width, size, is_bold=True) * size * 1.22
    height += 2.9 + _BODY_LINE * (n_lines(facts, width, _BODY) if facts else 3)
    # What only some rounds have: that they are simulated or replace others.
    is_correction = card.edition.number > 1 and bool(card.edition.reason)
    height += _BODY_LINE * (card.edition.facts.collected == "simulated")
    if is_correction:
        height += _BODY_LINE * n_lines(f"{card.edition.reason}{' ' * 60}", width, _BODY, is_bold=True)
    return max(height, 70.0 * has_code) + _BETWEEN


def _keys(card: Scorecard, language: str) -> float:
    edition = card.edition
    index = edition.questionnaire.index
    name = index.short_label.in_language(language) if index else ""
    label = f"{name} {edition.display_name(language)}{'()' if language == 'en' else ''}"
    heads = 11.9 * label_lines(label)
    is_banded = card.member.band is not None
    first = heads + (30.0 + 12.4 + 24.8 * is_banded if card.member.figure.is_shown else 26.2 + 24.8)
    change = heads + 30.0 + 24.8 if card.context.change is not None else heads + 26.2 + 24.8
    return 13.4 + max(first, change) + 2 * _BETWEEN


def label_lines(label: str) -> int:
    """How many lines the words above a key figure fill, three at most."""
    return min(n_lines(label, _KEY_WIDTH, 8.5), 3)


def _verdict(card: Scorecard, verdict: str) -> float:
    lines = n_lines(verdict, WIDTH - 15.0, 10.0) if verdict else 4 + (card.member.figure.state == "caution")
    return 13.4 + 14.5 * lines + _BETWEEN


def _position(card: Scorecard, language: str, layout: FirstPage) -> float:
    caption = _CAPTION + _CAPTION_LINE * (card.n_hidden_members > 0)
    if card.members and is_strip(card):
        return _HEADING + layout.strip_height + caption
    if not card.members:
        return 0.0 if card.member.figure.is_shown else _HEADING + _BODY_LINE
    if len(card.members) < 2 and card.member.figure.is_shown:
        return 0.0
    names = [layout.name(member.name.in_language(language)) for member in card.members]
    return _HEADING + caption + _head_of_table(language) + _AXIS + _labelled(names, layout)


def _head_of_table(language: str) -> float:
    # The words of an interval fill two lines in Vietnamese.
    return _HEAD - _HEAD_LINE * (language == "en")


def _labelled(names: Sequence[str], layout: FirstPage) -> float:
    padding, figure = (1.6, 11.1) if layout.is_narrow else (3.4, _BODY_LINE)
    return sum(
        max(layout.row_height, 12.0 * n_lines(name, layout.label_width, _BODY) + padding, figure) + 0.5
        for name in names
    )


def _factors(card: Scorecard, language: str, layout: FirstPage) -> float:
    if not card.factors:
        return 0.0
    labels = [f"{line.number}. {line.short_label.in_language(language)}" for line in card.factors]
    # A sentence about standardised scores fills a line more.
    caption = _CAPTION + _CAPTION_LINE * (card.scale[0] > 0)
    return _HEADING + caption + _head_of_table(language) + _AXIS + _labelled(labels, layout)


def _steps(card: Scorecard, language: str, layout: FirstPage) -> float:
    first = card.context.priorities[: layout.n_priorities]
    if not first:
        return 0.0
    return _HEADING + _steps_table(card, language, layout.n_priorities, layout.answers_width, layout.padding)


def _steps_table(card: Scorecard, language: str, n_rows: int, answers_width: float, padding: int) -> float:
    context = card.context
    first = context.priorities[:n_rows]
    has_answers = any(one.spread for one in first)
    beside = _STEP_SCORE + _STEP_WEIGHT * context.is_by_importance + _STEP_BLOC * card.is_compared
    width = WIDTH - beside - (answers_width + 11.7) * has_answers
    labels = [f"{one.line.number} {one.line.short_label.in_language(language)}" for one in first]
    rows = sum(max(11.5 * n_lines(label, width, _BODY) + padding, _BODY_LINE) + 0.5 for label in labels)
    # The head of the column of importance has two lines in Vietnamese.
    is_low = language == "en" or not context.is_by_importance
    return _CAPTION + _HEAD - _HEAD_LINE * is_low + rows


def _strengths(card: Scorecard, language: str) -> float:
    if not card.strongest:
        return 0.0
    words = [f"{line.short_label.in_language(language)} (+10,0);" for line in card.strongest[:3]]
    return 12.8 * n_lines(" ".join(["Highest relative to the bloc:", *words]), WIDTH, 8.8)


def _blocks(card: Scorecard, language: str, first: FirstPage) -> list[Block]:
    blocks = _compared_blocks(card, language, first)
    criteria = [f"{line.number}. {line.label.in_language(language)}" for line in card.lines]
    width = 166.0 if card.is_compared else 276.0
    blocks.append(Block("criteria", _CRITERIA, _rows(criteria, width, 8.7, 11.2, 15.6), runs_on=True))
    spreads = [
        f"{spread.number} {spread.short_label.in_language(language)}"
        for group in card.distributions
        for spread in group.distributions
    ]
    if spreads:
        head = _ANSWERS + _SCALE * len(card.distributions)
        blocks.append(Block("answers", head, _rows(spreads, 216.0, _BODY, 12.0, 17.0), runs_on=True))
    blocks.extend(Block(f"module-{module.code}", _MODULE + _MODULE_ROW * len(module.rows)) for module in card.modules)
    return blocks + _last_blocks(card, language)


def _compared_blocks(card: Scorecard, language: str, first: FirstPage) -> list[Block]:
    context, blocks = card.context, []
    if context.priorities and not first.n_priorities:
        # The first page had no room for them.
        blocks.append(Block("steps", _HEADING + 14.0 + _steps_table(card, language, 4, 130.0, 4)))
    if context.expected:
        labels = [f"{one.number}. {one.short_label.in_language(language)}" for one in context.expected]
        height = Block("", _EXPECTED, _rows(labels, 128.0, _BODY, 11.6, 23.0)).at(LEAST_PADDING)
        blocks.append(Block("expected", height))
    if context.trend:
        blocks.append(Block("trend", max(_TREND, _TREND_TABLE + 15.5 * len(context.trend))))
    if context.importance:
        labels = [
            f"{one.line.number}. {one.line.short_label.in_language(language)}" for one in context.importance.lines
        ]
        if is_wide(context.importance):
            rows = _rows(labels, 128.0, 8.6, 11.2, 15.5)
            half = -(-len(rows) // 2)
            tables = [Block("", 0.0, part).at(LEAST_PADDING) for part in (rows[:half], rows[half:])]
            blocks.append(Block("matrix", _WIDE_MATRIX + max(tables)))
        else:
            table = Block("", _MATRIX_TABLE, _rows(labels, 106.0, 8.6, 11.2, 15.5)).at(LEAST_PADDING)
            blocks.append(Block("matrix", max(_MATRIX, table)))
    return blocks


def _last_blocks(card: Scorecard, language: str) -> list[Block]:
    context, blocks = card.context, []
    if context.themes:
        words = [12.0 * n_lines(one, WIDTH - 12.0, 8.6) + 3.0 for theme in context.themes for one in theme.comments]
        heads = 20.0 * sum(bool(theme.comments) for theme in context.themes)
        height = _VOICES + 15.5 * len(context.themes) + heads + sum(words)
        blocks.append(Block("voices", height, runs_on=True))
    if context.accounting is not None and (_is_ours(card) or context.accounting.eligible is not None):
        blocks.append(Block("participation", _PARTICIPATION))
    if context.subgroups:
        labels = [label for one in context.subgroups for label in (one.label, *(group.label for group in one.groups))]
        texts = [label.in_language(language) for label in labels]
        blocks.append(Block("subgroups", _SUBGROUPS, _rows(texts, 160.0, 8.7, 11.2, 15.6)))
    if context.promises:
        texts = [promise.text for promise in context.promises]
        blocks.append(Block("promises", _PROMISES, _rows(texts, 160.0, 8.6, 11.2, 15.5)))
    n_points = sum(rule.counts == "units" for rule in card.edition.plan.points) * card.member.figure.is_shown
    if n_points:
        blocks.append(Block("points", _POINTS + _POINTS_ROW * n_points))
    blocks.append(Block("method", _METHOD))
    return blocks


def _rows(
    labels: Sequence[str], width: float, size: float, line: float, least: float
) -> tuple[tuple[float, float], ...]:
    return tuple((line * n_lines(label, width, size) + _RULE, least) for label in labels)


def _is_ours(card: Scorecard) -> bool:
    return card.edition.facts.collected != "elsewhere"
