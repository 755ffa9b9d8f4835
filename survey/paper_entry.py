"""Forms on paper, keyed twice: what the first clerk typed waits sealed until a second one has typed the same.

Between the two entries the answers lie in the frame store under a key that follows from the form's code, which is in no
store. When both agree, the ballot goes the way of every other and nothing of the entries is left.
"""

import datetime as dt
import json
import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from questionnaires.keying import KeyedForm, check_keys, differing_fields, key_fields, n_compared
from questionnaires.model import Questionnaire
from survey.ballots import padded_size_of
from survey.codes import read_code
from survey.errors import StoreUnavailable
from survey.intake import OpenRound, new_nonce, receive_ballot, round_open_on
from survey.invitations import find_invitation
from survey.paper_tallies import Counted, count_forms
from survey.round_records import RoundRecord
from survey.secrets import Secrets
from survey.storage.frame import PaperEntry
from survey.storage.intake import spent_by
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

# Why a form cannot be keyed now: its code is none of ours, was used, or waits for somebody else's second entry.
Refusal = Literal["unknown", "used", "own"]
# What is to be done with a form: a first entry, a second one, or a choice between two that differ.
Task = Literal["first", "second", "settle"]
Outcome = Literal["kept", "received", "differs", "unknown", "used", "own"]

ONCE, DIFFERS = "once", "differs"
_NONCE_BYTES = 12
_NOTE_STEP = 1024


@dataclass(frozen=True, slots=True)
class Desk:
    """Where forms of one round are keyed, by whom and on which day. `needs_two` asks for a second person's entry."""

    stores: Stores
    secrets: Secrets
    open_round: OpenRound
    questionnaire: Questionnaire
    login: str
    today: dt.date
    needs_two: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class FoundForm:
    """A form that can be keyed: the unit it rates (empty where it rates several), and what is to be done with it."""

    unit: str
    task: Task


@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """The two entries of a form that differ, by the names of their fields, and the names in which they do."""

    first: Mapping[str, str]
    second: Mapping[str, str]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A form that waits to be settled, as the list shows it: its unit and the fields that differ, without values."""

    unit: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many forms wait for a second entry, and how many to be settled."""

    once: int
    differing: int

    @property
    def in_all(self) -> int:
        return self.once + self.differing


@dataclass(frozen=True, slots=True)
class _Entry:
    """One clerk's entry as it lies sealed."""

    login: str
    kept: Mapping[str, str]


def round_on_paper(record: RoundRecord, questionnaire: Questionnaire, today: dt.date) -> OpenRound:
    """The round, if forms of it can be keyed on that day: from its first day until the office closes it.

    Forms that came in on the last day are keyed after it. Raises WrongState as `round_open_on` does.
    """
    return round_open_on(record, questionnaire, min(today, record.closes_on))


def find_form(desk: Desk, code_text: str) -> FoundForm | Refusal:
    """What is to be done with the form of a typed code by the desk's clerk, or why nothing is."""
    code = _typed(code_text)
    state = _state_of(desk, code_text) if code is not None else "unknown"
    if code is None or isinstance(state, str):
        return "used" if state == "used" else "unknown"
    unit, _ = state
    entries = _read(desk, code)
    if not entries:
        return FoundForm(unit, "first")
    if len(entries) > 1:
        return FoundForm(unit, "settle")
    return "own" if entries[0].login == desk.login else FoundForm(unit, "second")


def enter_form(desk: Desk, code_text: str, keyed: KeyedForm) -> Outcome:
    """What became of an entry whose answers were checked: kept as the first, received, or found to differ.

    "received": the ballot is on the disk and nothing of the entries is left. Raises StoreUnavailable when a store is
    down, full or read-only; keying the form again is then safe. Raises ValueError for a form with problems.
    """
    if keyed.answers is None:
        raise ValueError("a form that was not checked cannot be received")
    try:
        return _enter(desk, code_text, keyed)
    except SQLAlchemyError:
        # The driver's own message may quote the row, so nothing of it goes along.
        raise StoreUnavailable("the form could not be stored; nothing was acknowledged") from None


def differing_pair(desk: Desk, code_text: str) -> Pair | None:
    """The two entries of a form that waits to be settled; None where there are not two."""
    code = _typed(code_text)
    entries = _read(desk, code) if code is not None else []
    if len(entries) < 2:
        return None
    first, second = (entry.kept for entry in entries)
    return Pair(first, second, tuple(row.name for row in differing_fields(desk.questionnaire, first, second)))


def settle_form(desk: Desk, code_text: str, chosen: Mapping[str, str], units: Sequence[str]) -> KeyedForm | Outcome:
    """What became of a form whose differences were decided: `chosen` says what each differing field holds.

    A form that does not hold together so comes back with its problems, and waits on. Raises StoreUnavailable.
    """
    found = find_form(desk, code_text)
    pair = differing_pair(desk, code_text)
    if not isinstance(found, FoundForm):
        return found
    if pair is None:
        return "unknown"
    decided = {**pair.first, **{name: chosen.get(name, "") for name in pair.fields}}
    keyed = check_keys(desk.questionnaire, decided, units)
    if keyed.answers is None:
        return keyed
    try:
        return _receive(desk, code_text, found.unit, keyed, Counted(settled=1))
    except SQLAlchemyError:
        raise StoreUnavailable("the form could not be stored; nothing was acknowledged") from None


def discard_entries(desk: Desk, code_text: str) -> bool:
    """Forget both entries of a form that differ, so that it is keyed anew; whether there were any."""
    if differing_pair(desk, code_text) is None:
        return False
    code = _typed(code_text)
    if code is None:
        return False
    _forget(desk, code)
    return True


def waiting_forms(stores: Stores, round_slug: str) -> Waiting:
    """The forms of a round that are keyed and not received yet."""
    query = select(PaperEntry.state, func.count()).where(PaperEntry.round_slug == round_slug).group_by(PaperEntry.state)
    with reading(stores.frame) as session:
        counts = {row[0]: int(row[1]) for row in session.execute(query)}
    return Waiting(counts.get(ONCE, 0), counts.get(DIFFERS, 0))


def list_differences(stores: Stores, secrets: Secrets, round_slug: str) -> list[Difference]:
    """The forms of a round that wait to be settled, by their units; in no order that tells when they came."""
    query = select(PaperEntry.note).where(PaperEntry.round_slug == round_slug, PaperEntry.state == DIFFERS)
    with reading(stores.frame) as session:
        notes = session.scalars(query).all()
    found = []
    for note in notes:
        said = _open(secrets.paper_note_key, round_slug, note)
        if said is not None:
            found.append(Difference(said["unit"], tuple(said["fields"])))
    return sorted(found, key=lambda difference: (difference.unit, difference.fields))


def _enter(desk: Desk, code_text: str, keyed: KeyedForm) -> Outcome:
    found = find_form(desk, code_text)
    code = _typed(code_text)
    if code is None or not isinstance(found, FoundForm):
        return "unknown" if isinstance(found, FoundForm) else found
    if found.task == "settle":
        return "differs"
    if not desk.needs_two and found.task == "first":
        return _receive(desk, code_text, found.unit, keyed, Counted(alone=1))
    mine = _Entry(desk.login, keyed.kept)
    if found.task == "first" and _add(desk, code, mine):
        count_forms(desk.stores, desk.open_round.slug, desk.login, desk.today, Counted(first=1))
        return "kept"
    # Where a first entry could not be kept, somebody else keyed the same form in the same moment: theirs is the first.
    entries = _read(desk, code)
    if not entries:
        # A row that does not open was changed by somebody: it must not keep the form from being keyed.
        _forget(desk, code)
        return _enter(desk, code_text, keyed)
    theirs, *others = entries
    if others or theirs.login == desk.login:
        return "differs" if others else "own"
    rows = differing_fields(desk.questionnaire, theirs.kept, mine.kept)
    n_items = n_compared(desk.questionnaire, theirs.kept, mine.kept)
    counted = Counted(second=1, agreed=int(not rows), items=n_items, differing=len(rows))
    if not rows:
        return _receive(desk, code_text, found.unit, keyed, counted)
    note = {"unit": found.unit, "fields": [row.name for row in rows]}
    _put_both(desk, code, [theirs, mine], note)
    count_forms(desk.stores, desk.open_round.slug, desk.login, desk.today, counted)
    return "differs"


def _receive(desk: Desk, code_text: str, unit: str, keyed: KeyedForm, counted: Counted) -> Outcome:
    """The ballot is received first: what a crash leaves of the entries is found to be used and erased."""
    code = _typed(code_text)
    if keyed.answers is None or code is None:
        raise ValueError("a form that was not checked cannot be received")
    outcome = receive_ballot(desk.stores, desk.secrets, desk.open_round, unit, code_text, new_nonce(), keyed.answers)
    _forget(desk, code)
    if outcome == "refused":
        return "used"
    count_forms(desk.stores, desk.open_round.slug, desk.login, desk.today, counted)
    return "received"


def _typed(code_text: str) -> bytes | None:
    read = read_code(code_text)
    return read[1] if read is not None and read[0] == "typed" else None


def _state_of(desk: Desk, code_text: str) -> tuple[str, bytes] | Literal["unknown", "used"]:
    """The unit and the nullifier of an invitation that can still be used. What is left of a used one is erased."""
    slug, secrets = desk.open_round.slug, desk.secrets
    found = find_invitation(desk.stores, secrets, slug, code_text, desk.open_round.untagged_mark)
    if found is None:
        return "unknown"
    nullifier = secrets.nullifier(slug, found.id)
    if spent_by(desk.stores.intake, slug, nullifier) is None:
        return found.origin.unit, nullifier
    code = _typed(code_text)
    if code is not None:
        _forget(desk, code)
    return "used"


def _read(desk: Desk, code: bytes) -> list[_Entry]:
    slug = desk.open_round.slug
    with reading(desk.stores.frame) as session:
        sealed = session.scalar(select(PaperEntry.sealed).where(PaperEntry.tag == desk.secrets.paper_tag(slug, code)))
    said = _open(desk.secrets.paper_key(slug, code), slug, sealed) if sealed is not None else None
    return [_Entry(entry["login"], entry["kept"]) for entry in said["entries"]] if said is not None else []


def _add(desk: Desk, code: bytes, entry: _Entry) -> bool:
    """Keep a first entry; false where there is one of the same form."""
    slug = desk.open_round.slug
    row = {
        "tag": desk.secrets.paper_tag(slug, code),
        "round_slug": slug,
        "state": ONCE,
        "sealed": _sealed(desk, code, [entry]),
        "note": _note(desk, {"unit": "", "fields": []}),
    }
    with writing(desk.stores.frame) as session:
        dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        # A second row is passed over and not refused: PostgreSQL's own log would write its key, with the time.
        adding = dialect.insert(PaperEntry.__table__).values(**row).on_conflict_do_nothing()
        done: Any = session.execute(adding.execution_options(preserve_rowcount=True))
        return bool(done.rowcount == 1)


def _put_both(desk: Desk, code: bytes, entries: Sequence[_Entry], note: Mapping[str, object]) -> None:
    tag = desk.secrets.paper_tag(desk.open_round.slug, code)
    values = {"state": DIFFERS, "sealed": _sealed(desk, code, entries), "note": _note(desk, note)}
    with writing(desk.stores.frame) as session:
        session.execute(update(PaperEntry).where(PaperEntry.tag == tag).values(**values))


def _forget(desk: Desk, code: bytes) -> None:
    with writing(desk.stores.frame) as session:
        _delete(session, desk.secrets.paper_tag(desk.open_round.slug, code))


def _delete(session: Session, tag: bytes) -> None:
    session.execute(delete(PaperEntry).where(PaperEntry.tag == tag))


def _sealed(desk: Desk, code: bytes, entries: Sequence[_Entry]) -> bytes:
    slug = desk.open_round.slug
    content = {"entries": [{"login": entry.login, "kept": dict(entry.kept)} for entry in entries]}
    return _seal(desk.secrets.paper_key(slug, code), slug, content, 2 * padded_size_of(desk.questionnaire))


def _note(desk: Desk, content: Mapping[str, object]) -> bytes:
    longest = sum(len(row.name) + 4 for row in key_fields(desk.questionnaire)) + 200
    return _seal(desk.secrets.paper_note_key, desk.open_round.slug, content, -(-longest // _NOTE_STEP) * _NOTE_STEP)


def _seal(key: bytes, slug: str, content: Mapping[str, object], size: int) -> bytes:
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    # Spaces after the JSON: what lies there is as long as every other, whatever was written.
    while len(plain) > size:
        size *= 2
    nonce = randomness.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain.ljust(size), slug.encode())


def _open(key: bytes, slug: str, sealed: bytes) -> dict[str, Any] | None:
    """The content, or None where it is not what we sealed: then the form is keyed as if for the first time."""
    try:
        content: object = json.loads(AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], slug.encode()))
    except (InvalidTag, ValueError):
        return None
    return content if isinstance(content, dict) else None
