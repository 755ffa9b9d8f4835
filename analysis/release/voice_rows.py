"""The rows that people wrote and not a sum: released comments with their themes, and what units promised to do."""

from dataclasses import dataclass

PROMISE_STATES = ("planned", "under_way", "done", "dropped")


@dataclass(frozen=True, slots=True)
class ThemeRow:
    """How many reviewed comments on a unit speak of a theme; only themes with enough of them have a row."""

    unit: str
    theme: str
    label_vi: str
    label_en: str
    n: int


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A released comment on a unit, masked and in shuffled order, under one theme.

    It is for the unit and the office: no public page, PDF or file carries it.
    """

    unit: str
    theme: str
    text: str


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """What a unit said it would do at a node by a day; `node` is "" for its service as a whole.

    `due` and `made_on` are ISO dates; `state` is planned, under_way, done or dropped.
    """

    unit: str
    node: str
    text: str
    due: str
    made_on: str
    state: str
