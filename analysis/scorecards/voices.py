"""What people wrote, who answered, and how groups of them judged: values without sentences."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.release.context_rows import SubgroupRow
from analysis.release.rows import ROOT, PublicAccountingRow
from analysis.release.voice_rows import CommentRow, ThemeRow
from analysis.scorecards.figures import Figure
from questionnaires.model import Item, Text

# A scorecard is a document of a few pages: what people wrote beyond this is read in the portal.
MOST_COMMENTS = 24
LONGEST_COMMENT = 600
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme of the reviewed comments with how many speak of it, and those of them that may be shown here."""

    label: Text
    n: int
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The index of those who gave one answer to an item."""

    label: Text
    figure: Figure


@dataclass(frozen=True, slots=True)
class SubgroupBlock:
    """An item of the plan with its answers; `n_hidden` of them are not shown."""

    label: Text
    groups: tuple[Subgroup, ...]

    @property
    def n_hidden(self) -> int:
        """How many groups have no figure to show."""
        return sum(not group.figure.is_shown for group in self.groups)


def themes_of(themes: Sequence[ThemeRow], comments: Sequence[CommentRow]) -> tuple[Theme, ...]:
    """The themes, the most frequent first; comments are cut to what a page holds, in the order they were released."""
    ordered = sorted(themes, key=lambda row: (-row.n, row.theme))
    each = max(1, MOST_COMMENTS // max(1, len(ordered)))
    return tuple(
        Theme(
            Text(row.label_vi, row.label_en),
            row.n,
            tuple(shown_text(comment.text) for comment in comments if comment.theme == row.theme)[:each],
        )
        for row in ordered
    )


def shown_text(text: str) -> str:
    """One line of what somebody wrote: no control and no direction marks, which could turn a page's words around, and
    no more letters than `LONGEST_COMMENT`.
    """
    plain = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") else letter for letter in text)
    words = " ".join(plain.split())
    return words if len(words) <= LONGEST_COMMENT else words[: LONGEST_COMMENT - 1].rstrip() + _ELLIPSIS


def subgroup_blocks(rows: Sequence[SubgroupRow], items: Mapping[str, Item]) -> tuple[SubgroupBlock, ...]:
    """The index by groups, item by item; empty where no group of the unit can be shown."""
    by_item: dict[str, list[Subgroup]] = {}
    for row in rows:
        item = items.get(row.item)
        if row.node != ROOT or item is None:
            continue
        by_item.setdefault(row.item, []).append(Subgroup(_group_label(item, row.option), _figure(row)))
    blocks = tuple(SubgroupBlock(items[code].text, tuple(groups)) for code, groups in by_item.items())
    return blocks if any(block.n_hidden < len(block.groups) for block in blocks) else ()


def _group_label(item: Item, option: str) -> Text:
    """What those who gave an answer are called; a band of numbers by its ends, the last one by where it begins."""
    found = next((one.label for one in item.options if one.code == option), None)
    if found is not None:
        return found
    bands = [f"{band:g}" for band in item.bands]
    if option not in bands:
        return Text(option, option)
    place = bands.index(option) + 1
    if place == len(bands):
        return Text(f"Từ {option}", f"{option} and over")
    # Bands are of whole numbers where the question asks for one.
    last = f"{item.bands[place] - 1:g}" if item.whole else f"<{bands[place]}"
    return Text(f"{option}–{last}", f"{option}–{last}")


def _figure(row: SubgroupRow) -> Figure:
    if row.suppressed:
        return Figure(None, None, None, None, "suppressed", row.reason)
    if row.estimate is None:
        return Figure(None, None, None, row.n, "absent", row.reason)
    return Figure(row.estimate, row.low, row.high, row.n, "caution" if row.caution else "shown", row.reason)


def response_rate(row: PublicAccountingRow | None) -> float | None:
    """Valid sheets for each invitation issued, or None where one of the two is not published."""
    if row is None or row.sealed is None or not row.issued:
        return None
    return row.sealed / row.issued
