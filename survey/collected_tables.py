"""Exports of ODK Central and KoboToolbox as answers: which column is which question, and what a row says.

Both write a row a submission and the groups before a question's name: `group/question` (KoboToolbox, whose separator
can be chosen) and `group-question` (ODK Central), or the name alone. Where several answers may be chosen there is one
column of names with spaces between, a column for each answer with 1 and 0, or both. What neither asks nor says which
submission it is, such as times, devices, places and people, is not looked at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from questionnaires.answers import field_name
from questionnaires.model import Questionnaire
from questionnaires.xlsform_rounds import CODE, CODE_LABEL, MARK, SCAN, SCAN_LABEL, UNIT, AskedColumn, asked_columns
from survey.errors import BadInput

Why = Literal["labels", "no_mark", "lacking", "no_identity", "twice"]
Review = Literal["rejected", "held"]

# What names a submission for good, the best first: an edited one keeps its first name.
IDENTITIES = ("KEY", "meta-rootUuid", "meta/rootUuid", "meta-instanceID", "meta/instanceID", "instanceID", "_uuid")
_VERSION, _REVIEW, _VALIDATION = "FormVersion", "ReviewState", "_validation_status"
# What reviewers said there, as both tools write it. What is received cannot be taken back, so doubts count.
_REVIEWS: Mapping[str, Review] = {
    "rejected": "rejected",
    "validation_status_not_approved": "rejected",
    "not approved": "rejected",
    "hasissues": "held",
    "validation_status_on_hold": "held",
    "on hold": "held",
}
_CHOSEN = frozenset({"1", "true", "yes"})
_STEP = re.compile(r"[/.:-]+")
_LONGEST_LISTED = 8


class ForeignExportError(BadInput):
    """A table that is no export of a round's form; `why` says what is wrong with it."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True, repr=False)
class CollectedRow:
    """A row as it came. `line` is its row in a spreadsheet, where 1 is that of the columns' names.

    `review` is what reviewers said against it there. `fields` is the form as `questionnaires.answers.check_answers`
    takes it, under the codes of the `units` that were chosen where several are rated; what was answered about nobody
    stands in `stray` by the item's code.
    """

    line: int
    identity: str
    mark: str
    version: str
    code: str
    review: Review | None
    units: tuple[str, ...]
    fields: Mapping[str, Sequence[str]]
    stray: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectedTable:
    """The rows of an export, and the names of the columns that were not looked at."""

    rows: tuple[CollectedRow, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the answer to a question stands: in a column of its own, or in one for each answer."""

    asked: AskedColumn
    whole: str = ""
    split: tuple[tuple[str, str], ...] = ()


def read_collected(table: pa.Table, questionnaire: Questionnaire, origin: str) -> CollectedTable:
    """The rows of an export; raises ForeignExportError where the columns are not those of a round's form.

    :param table: every cell a text, as `survey.frame_files.table_of_texts` reads files.
    """
    names = list(table.column_names)
    known = {name: _find(name) for name in names}
    own = {found: name for name, found in known.items() if found}
    if MARK not in own:
        _refuse_strange(names, questionnaire, origin)
    sources, used = _sources(names, tuple(asked_columns(questionnaire)), origin)
    identity = next((name for name in IDENTITIES if name in names), None)
    if identity is None:
        raise ForeignExportError(
            "no_identity", f"{origin}: found no column that names a submission, expected KEY, meta-instanceID or _uuid"
        )
    used |= {*own.values(), identity, *(name for name in (_VERSION, _REVIEW, _VALIDATION) if name in names)}
    rows = tuple(
        _row(number, cells, own, identity, sources)
        for number, cells in enumerate(table.select(sorted(used, key=names.index)).to_pylist(), 2)
    )
    return CollectedTable(rows, tuple(name for name in names if name not in used))


def _find(name: str) -> str:
    """Which of our own questions a column answers; none for any other."""
    last = _STEP.split(name)[-1]
    return last if last in (MARK, CODE, SCAN) else ""


def _refuse_strange(names: Sequence[str], questionnaire: Questionnaire, origin: str) -> None:
    labels = [getattr(text, language) for text in (CODE_LABEL, SCAN_LABEL) for language in questionnaire.languages]
    labels += [item.text.in_language(language) for item in questionnaire.items for language in questionnaire.languages]
    if any(name.endswith(tuple(label for label in labels if label)) for name in names):
        raise ForeignExportError(
            "labels", f"{origin}: found the questions' texts as names of columns, expected the names of the form"
        )
    raise ForeignExportError(
        "no_mark", f"{origin}: found no column {MARK}, expected one: the form was not this round's own"
    )


def _sources(names: Sequence[str], asked: Sequence[AskedColumn], origin: str) -> tuple[list[_Source], set[str]]:
    """Where each question's answer stands, and the columns that this takes."""
    # The whole path goes before the name alone: an answer of one question may be called like another question.
    whole = {column.path: column for column in asked}
    split = {(*column.path, option): (column, option) for column in asked for option in column.options}
    alone = {column.path[-1:]: column for column in asked}
    alone_split = {(column.path[-1], option): (column, option) for column in asked for option in column.options}
    found: dict[AskedColumn, str] = {}
    parts: dict[AskedColumn, dict[str, str]] = {column: {} for column in asked}
    for name in names:
        steps = tuple(_STEP.split(name.strip()))
        paths = [steps[place:] for place in range(len(steps))]
        column = next((whole[path] for path in paths if path in whole), None)
        part = next((split[path] for path in paths if path in split), None)
        if column is None and part is None:
            part = alone_split.get((steps[-2], steps[-1])) if len(steps) > 1 else None
            column = alone.get(steps[-1:]) if part is None else None
        if part is not None:
            parts[part[0]].setdefault(part[1], name)
        elif column is not None:
            if column in found:
                raise ForeignExportError(
                    "twice",
                    f"{origin}: found the columns {found[column]!r} and {name!r} for one question, expected one",
                )
            found[column] = name
    lacking = [column.path[-1] for column in asked if column not in found and not parts[column]]
    if lacking:
        more = f" and {len(lacking) - _LONGEST_LISTED} more" if len(lacking) > _LONGEST_LISTED else ""
        raise ForeignExportError(
            "lacking",
            f"{origin}: found no column for {', '.join(lacking[:_LONGEST_LISTED])}{more}, expected every question",
        )
    sources = [
        _Source(column, found[column]) if column in found else _Source(column, split=tuple(parts[column].items()))
        for column in asked
    ]
    return sources, {*found.values(), *(name for listed in parts.values() for name in listed.values())}


def _row(
    line: int, cells: Mapping[str, str], own: Mapping[str, str], identity: str, sources: Sequence[_Source]
) -> CollectedRow:
    def own_cell(name: str) -> str:
        return cells[own[name]].strip() if name in own else ""

    answers = [(source.asked, _values(source, cells)) for source in sources]
    units = {asked.place: values[0] for asked, values in answers if asked.field == UNIT and values}
    fields: dict[str, list[str]] = {}
    stray: list[str] = []
    for asked, values in answers:
        if asked.field == UNIT or not values:
            continue
        if asked.place and asked.place not in units:
            stray.append(asked.field)
        else:
            fields.setdefault(field_name(asked.field, units.get(asked.place, "")), []).extend(values)
    reviews = (_REVIEWS.get(cells.get(name, "").strip().lower()) for name in (_REVIEW, _VALIDATION))
    return CollectedRow(
        line=line,
        identity=cells[identity].strip().removeprefix("uuid:"),
        mark=own_cell(MARK),
        version=cells.get(_VERSION, "").strip(),
        # What a scanner reads is the whole address, whose fragment is the code.
        code=own_cell(SCAN).rpartition("#")[2] or own_cell(CODE),
        review=next((review for review in reviews if review), None),
        units=tuple(units.values()),
        fields=fields,
        stray=tuple(stray),
    )


def _values(source: _Source, cells: Mapping[str, str]) -> list[str]:
    if not source.whole:
        return [option for option, name in source.split if cells[name].strip().lower() in _CHOSEN]
    text = cells[source.whole]
    if source.asked.options:
        return text.split()
    return [text] if text.strip() else []
