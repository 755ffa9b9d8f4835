"""What people wrote, as an edition takes it: comments that officers released, their themes, and the units' promises."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.errors import AnalysisError
from analysis.release.voice_rows import PROMISE_STATES, CommentRow, PromiseRow, ThemeRow

# So few comments of one unit on one theme are never released: a reader might know who wrote them.
FEWEST_COMMENTS = 10


@dataclass(frozen=True, slots=True)
class Voices:
    """The rows that are handed to an edition. No archive holds them, so an edition carries them as they are."""

    themes: tuple[ThemeRow, ...] = ()
    comments: tuple[CommentRow, ...] = ()
    promises: tuple[PromiseRow, ...] = ()


def refuse_strange_voices(voices: Voices, units: Collection[str]) -> None:
    """Raise AnalysisError where a row speaks of a unit that the edition lacks, a theme has too few comments, a comment
    has no theme, a day is none, or a row stands there twice.

    What a promise was made about may be a node that the index no longer has, or "", the service as a whole.
    """
    themes = {(row.unit, row.theme): row for row in voices.themes}
    _refuse_twice("themes", [(row.unit, row.theme) for row in voices.themes])
    _refuse_twice("promises", [(row.unit, row.node, row.made_on, row.text) for row in voices.promises])
    every: tuple[tuple[str, Sequence[ThemeRow | CommentRow | PromiseRow]], ...] = (
        ("themes", voices.themes),
        ("comments", voices.comments),
        ("promises", voices.promises),
    )
    for table, rows in every:
        for row in rows:
            if row.unit not in units:
                raise AnalysisError(f"{table}: found the unit {row.unit!r}, expected one of the edition")
    for theme in voices.themes:
        if theme.n < FEWEST_COMMENTS:
            raise AnalysisError(
                f"themes: found {theme.n} comments of {theme.unit} on {theme.theme}, expected at least "
                f"{FEWEST_COMMENTS}"
            )
    for comment in voices.comments:
        if (comment.unit, comment.theme) not in themes:
            raise AnalysisError(
                f"comments: found one of {comment.unit} on {comment.theme!r}, expected a theme with "
                f"{FEWEST_COMMENTS} comments at least"
            )
    for promise in voices.promises:
        _refuse_strange_promise(promise)


def _refuse_twice(table: str, keys: Sequence[tuple[str, ...]]) -> None:
    seen: set[tuple[str, ...]] = set()
    for key in keys:
        if key in seen:
            raise AnalysisError(f"{table}: found {' '.join(key)[:120]!r} twice, expected it once")
        seen.add(key)


def _refuse_strange_promise(promise: PromiseRow) -> None:
    place = f"promises of {promise.unit}"
    if promise.state not in PROMISE_STATES:
        raise AnalysisError(f"{place}: found the state {promise.state!r}, expected {', '.join(PROMISE_STATES)}")
    for day in (promise.due, promise.made_on):
        try:
            date.fromisoformat(day)
        except ValueError:
            raise AnalysisError(f"{place}: found the day {day!r}, expected one like 2026-11-23") from None
