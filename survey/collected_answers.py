"""Answers that tablets collected for an open round become ballots like any other: looked at first, then received.

Each row bears the code of an invitation; that is what makes it count once and belong to a unit. The look at a file asks
for no code's use: whoever holds a list of codes could otherwise find out who has answered. It comes out when a row is
received, as it does on the citizen's page, and a code that is used then is refused for good.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from questionnaires.answers import AnswerProblem, CheckedAnswers, Reason, check_answers, field_name
from questionnaires.model import Questionnaire, Text
from questionnaires.xlsform_rounds import UnitChoice, mark_of, round_form, version_of
from survey.codes import read_code
from survey.collected_tables import CollectedRow, read_collected
from survey.fieldwork_days import DayBook
from survey.frame_files import table_of_texts
from survey.intake import OpenRound, receive_ballot, round_open_on
from survey.invitations import find_invitation
from survey.round_records import RoundRecord, load_questionnaire_of, units_of_round
from survey.round_setup import languages_of
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.sessions import writing
from survey.storage.stores import Stores

RefusalReason = Literal[
    "rejected",
    "held",
    "version",
    "no_identity",
    "code_missing",
    "code_mistyped",
    "code_unknown",
    "code_refused",
    "code_twice",
    "units_missing",
    "unit_unknown",
    "unit_twice",
    "answer",
    "not_asked",
]
_LONGEST_VERSION = 80


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """Why a row is refused; neither an answer nor a code is quoted.

    `item` and `problem` say which answer is wrong and how; `version` is that of the row's form, where it is another.
    """

    line: int
    reason: RefusalReason
    item: str = ""
    problem: Reason | None = None
    version: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ReadyRow:
    """A row that is in order as far as can be told before it is received."""

    line: int
    unit: str
    code: str
    identity: str
    answers: CheckedAnswers


@dataclass(frozen=True, slots=True)
class CollectedLook:
    """What is in a file: rows in order, rows that are refused, and the columns that nobody looks at."""

    n_rows: int
    ready: tuple[ReadyRow, ...]
    refused: tuple[RowRefusal, ...]
    dropped: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class CollectedOutcome:
    """What became of a file: rows received now, those that were there already, and those that were refused."""

    n_rows: int
    n_received: int
    n_repeated: int
    refused: tuple[RowRefusal, ...]
    dropped: tuple[str, ...]
    version: str


def tablet_form(stores: Stores, record: RoundRecord) -> bytes:
    """The XLSForm of a round, for ODK Central and KoboToolbox."""
    questionnaire = load_questionnaire_of(stores, record)
    chosen = languages_of(stores, record.slug)
    languages = [one for one in questionnaire.languages if not chosen or one in chosen]
    units = [UnitChoice(unit.code, Text(unit.name_vi, unit.name_en)) for unit in units_of_round(stores, record)]
    return round_form(record.slug, record.title, questionnaire, languages, units)


def look_at_collected(
    stores: Stores, secrets: Secrets, record: RoundRecord, content: bytes, name: str, today: date
) -> CollectedLook:
    """What would become of each row of an export; nothing is stored.

    :param content: CSV in any encoding, or XLSX, as ODK Central and KoboToolbox export them.
    :raises WrongState: when the round takes no answers today.
    :raises BadInput: when the file is no table, and ForeignExportError when it is not one of the round's own form.
    """
    questionnaire = load_questionnaire_of(stores, record)
    opened = round_open_on(record, questionnaire, today)
    collected = read_collected(table_of_texts(content, name).table, questionnaire, name)
    reader = _Reader(stores, secrets, opened, questionnaire)
    found = [reader.read(row) for row in collected.rows]
    return CollectedLook(
        n_rows=len(found),
        ready=tuple(row for row in found if isinstance(row, ReadyRow)),
        refused=tuple(row for row in found if isinstance(row, RowRefusal)),
        dropped=collected.dropped,
        version=version_of(questionnaire),
    )


def receive_collected(
    stores: Stores,
    secrets: Secrets,
    days: DayBook | None,
    record: RoundRecord,
    look: CollectedLook,
    today: date,
    *,
    actor: str,
) -> CollectedOutcome:
    """Receive the rows that are in order, in an order of their own; the same file once more adds nothing.

    Raises WrongState when the round takes no answers today, and StoreUnavailable when a store falls silent on the way:
    what was received until then is safe, and the file may be handed in again.
    """
    opened = round_open_on(record, load_questionnaire_of(stores, record), today)
    rows = list(look.ready)
    random.SystemRandom().shuffle(rows)
    counts = {"received": 0, "repeated": 0, "refused": 0}
    refused = list(look.refused)
    try:
        for row in rows:
            nonce = secrets.collected_nonce(record.slug, row.identity)
            outcome = receive_ballot(stores, secrets, opened, row.unit, row.code, nonce, row.answers)
            counts[outcome] += 1
            if outcome == "refused":
                refused.append(RowRefusal(row.line, "code_refused"))
            elif outcome == "received" and days is not None:
                days.count(record.slug, row.unit, today, "received")
    finally:
        said = f"{counts['received']} received, {counts['repeated']} there before, {len(refused)} refused"
        with writing(stores.office) as session:
            record_event(session, actor, "answers.imported", f"{record.slug}: {said}")
    return CollectedOutcome(
        n_rows=look.n_rows,
        n_received=counts["received"],
        n_repeated=counts["repeated"],
        refused=tuple(sorted(refused, key=lambda one: one.line)),
        dropped=look.dropped,
        version=look.version,
    )


def by_reason(refused: Iterable[RowRefusal]) -> Mapping[RowRefusal, tuple[int, ...]]:
    """The lines that are refused for the same reason, under a refusal that stands for all of them (its line is 0)."""
    lines: dict[RowRefusal, list[int]] = {}
    for one in refused:
        lines.setdefault(RowRefusal(0, one.reason, one.item, one.problem, one.version), []).append(one.line)
    return {one: tuple(listed) for one, listed in sorted(lines.items(), key=lambda entry: entry[1])}


class _Reader:
    """Judges the rows of one file, in their order."""

    def __init__(self, stores: Stores, secrets: Secrets, opened: OpenRound, questionnaire: Questionnaire) -> None:
        self._stores = stores
        self._secrets = secrets
        self._opened = opened
        self._questionnaire = questionnaire
        self._mark = mark_of(opened.slug, questionnaire)
        self._version = version_of(questionnaire)
        self._taken: set[bytes] = set()

    def read(self, row: CollectedRow) -> ReadyRow | RowRefusal:
        if row.review is not None:
            return RowRefusal(row.line, row.review)
        if row.mark != self._mark or row.version not in ("", self._version):
            other = row.mark.removeprefix(f"{self._opened.slug}/") if row.mark != self._mark else row.version
            return RowRefusal(row.line, "version", version=_shown(other))
        if not row.identity:
            return RowRefusal(row.line, "no_identity")
        answers = self._answers(row)
        if isinstance(answers, RowRefusal):
            return answers
        if not row.code:
            return RowRefusal(row.line, "code_missing")
        if read_code(row.code) is None:
            return RowRefusal(row.line, "code_mistyped")
        opened = self._opened
        found = find_invitation(self._stores, self._secrets, opened.slug, row.code, opened.untagged_mark)
        if found is None or (opened.most_units == 1) != bool(found.origin.unit):
            return RowRefusal(row.line, "code_unknown")
        # A code may be spelled in two ways; its invitation is one.
        if found.id in self._taken:
            return RowRefusal(row.line, "code_twice")
        self._taken.add(found.id)
        return ReadyRow(row.line, found.origin.unit, row.code, row.identity, answers)

    def _answers(self, row: CollectedRow) -> CheckedAnswers | RowRefusal:
        if self._questionnaire.rates_several_units:
            wrong = self._units_refusal(row)
            if wrong is not None:
                return wrong
        checked = check_answers(self._questionnaire, row.fields, row.units)
        if not isinstance(checked, CheckedAnswers):
            return _first(row.line, checked)
        unasked = [*row.stray, *_unasked(row.fields, checked)]
        return RowRefusal(row.line, "not_asked", unasked[0]) if unasked else checked

    def _units_refusal(self, row: CollectedRow) -> RowRefusal | None:
        if not row.units:
            return RowRefusal(row.line, "units_missing")
        if not self._opened.unit_codes.issuperset(row.units):
            return RowRefusal(row.line, "unit_unknown")
        return RowRefusal(row.line, "unit_twice") if len(set(row.units)) < len(row.units) else None


def _first(line: int, problems: Sequence[AnswerProblem]) -> RowRefusal:
    return RowRefusal(line, "answer", problems[0].item, problems[0].reason)


def _unasked(fields: Mapping[str, Sequence[str]], checked: CheckedAnswers) -> list[str]:
    """The items that were answered though they are not asked after the other answers."""
    kept = set(checked.values)
    kept |= {field_name(code, unit) for unit, rating in checked.ratings.items() for code in rating}
    return [name.rpartition(".")[2] for name in fields if name not in kept]


def _shown(text: str) -> str:
    shown = "".join(letter for letter in text if letter.isprintable())[:_LONGEST_VERSION]
    return shown or "?"
