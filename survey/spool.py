"""The spool of a round: its invitations counted, and its ballots opened one after another."""

import hmac
import secrets as randomness
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import ColumnElement, LargeBinary, Select, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from analysis.responses import BALLOT, AnswerValue
from analysis.signatures import canonical_json
from questionnaires.model import Questionnaire
from survey.ballots import OpenedBallot, Origin, read_ballot
from survey.envelopes import EnvelopeError, open_ballot
from survey.invitations import is_from_before_tags
from survey.round_records import RoundRecord
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores

Step = str
Progress = Callable[[Step, int, int], None]

# Why a row of a store is none of ours: its tag is another row's or made up, it has none, it marks the use of nothing,
# or its content is not what its name was computed from.
WRONG_TAG, NO_TAG, FORGED_MARK, FORGED_INVITATION = "wrong_tag", "no_tag", "forged_mark", "forged_invitation"

_BATCH = 500
_BALLOT_BYTES = 16


@dataclass(slots=True)
class InvitationCounts:
    """Invitations by where they were issued: all of them, and those that were used.

    `forged` counts invitations that nobody with the secret key issued, and marks of use that belong to no invitation.
    """

    issued: Counter[Origin] = field(default_factory=Counter)
    spent: Counter[Origin] = field(default_factory=Counter)
    forged: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class SpooledComments:
    """Free texts, each a line of JSON, and the number of the row that each was given with: apart from each other."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    lines: list[bytes] = field(default_factory=list)

    def add(self, row: int, unit: str, item: str, text: str) -> None:
        self.rows.append(row)
        self.lines.append(canonical_json({"unit": unit, "item": item, "text": text}) + b"\n")


@dataclass(slots=True)
class OpenedSpool:
    """What came out of a spool beside its rows: free texts, what was rejected and why, whence the others came.

    `n_ballots` counts the ballots that this installation received; `forged` those that somebody else put there, by
    what gave them away, and `n_untagged` those among the former that are from before this could be told.
    """

    comments: SpooledComments = field(default_factory=SpooledComments)
    rejected: Counter[str] = field(default_factory=Counter)
    accepted: Counter[Origin] = field(default_factory=Counter)
    forged: Counter[str] = field(default_factory=Counter)
    n_ballots: int = 0
    n_untagged: int = 0


def count_invitations(
    stores: Stores, secrets: Secrets, intake: Session, record: RoundRecord, counts: InvitationCounts
) -> None:
    """Count the invitations of a round into `counts`: those that were issued here, those of them that were used.

    Raises HailongError when there are invitations, and not one of them bears the name that the secret key gives it.
    """
    slug = record.slug
    marks = select(_as_bytes(intake, SpentInvitation.nullifier)).where(SpentInvitation.round_slug == slug)
    unmatched = set(intake.scalars(marks.execution_options(yield_per=_BATCH)))
    is_old = is_from_before_tags(secrets, slug, record.untagged_mark)
    with reading(stores.frame) as session:
        columns = [Invitation.unit_code, Invitation.stratum, Invitation.psu, Invitation.channel]
        issued: Select[Any] = select(
            *(_as_bytes(session, column) for column in (Invitation.id, Invitation.qr_tag, Invitation.typed_tag)),
            *(_as_bytes(session, column) for column in columns),
        ).where(Invitation.round_slug == slug)
        for invitation_id, qr_tag, typed_tag, *found in session.execute(issued.execution_options(yield_per=_BATCH)):
            labels = _labels(found)
            expected = secrets.invitation_id(slug, labels, qr_tag, typed_tag) if labels is not None else b""
            if labels is None or not (is_old or hmac.compare_digest(invitation_id, expected)):
                counts.forged[FORGED_INVITATION] += 1
                continue
            origin = Origin(*labels)
            counts.issued[origin] += 1
            nullifier = secrets.nullifier(slug, invitation_id)
            if nullifier in unmatched:
                unmatched.discard(nullifier)
                counts.spent[origin] += 1
    if unmatched:
        counts.forged[FORGED_MARK] = len(unmatched)


def count_ballots(session: Session, slug: str) -> int:
    """How many ballots of a round are in the spool."""
    return session.scalars(select(func.count()).select_from(Ballot).where(Ballot.round_slug == slug)).one()


def count_own_ballots(session: Session, secrets: Secrets, record: RoundRecord) -> int:
    """How many ballots of a round this installation received; a forged one is none."""
    is_old = is_from_before_tags(secrets, record.slug, record.untagged_mark)
    rows = session.execute(_spooled(session, record.slug))
    return sum(
        _forgery(secrets, record.slug, ballot_id, envelope, tag, is_old=is_old) is None
        for ballot_id, envelope, tag in rows
    )


def open_spool(
    session: Session,
    secrets: Secrets,
    private_key: ec.EllipticCurvePrivateKey,
    record: RoundRecord,
    questionnaire: Questionnaire,
    issued: Mapping[Origin, int],
    opened: OpenedSpool,
    n_rows: int,
    tell: Progress,
) -> Iterator[tuple[Mapping[str, str], Mapping[str, AnswerValue]]]:
    """The rows of the ballots that are in order, one a rating; all else is put into `opened` on the way.

    A row that this installation did not write is counted as forged and not opened. A ballot that says it comes from
    where no invitation was issued is rejected.
    """
    is_old = is_from_before_tags(secrets, record.slug, record.untagged_mark)
    texts = {
        item.code: section.per_unit
        for section in questionnaire.sections
        for item in section.items
        if item.kind == "text"
    }
    units = frozenset(record.unit_codes)
    row = 0
    for done, (ballot_id, envelope, tag) in enumerate(session.execute(_spooled(session, record.slug)), start=1):
        if done % _BATCH == 0 or done == n_rows:
            tell("open", done, n_rows)
        forgery = _forgery(secrets, record.slug, ballot_id, envelope, tag, is_old=is_old)
        if forgery is not None:
            opened.forged[forgery] += 1
            continue
        opened.n_ballots += 1
        opened.n_untagged += tag is None
        ballot = _opened(envelope, private_key, record, units, questionnaire)
        if isinstance(ballot, OpenedBallot) and ballot.origin not in issued:
            ballot = "unknown_cell"
        if not isinstance(ballot, OpenedBallot):
            opened.rejected[ballot] += 1
            continue
        origin = ballot.origin
        opened.accepted[origin] += 1
        _keep_comments(ballot, row, texts, opened.comments)
        place = {"stratum": origin.stratum, "psu": origin.psu, "channel": origin.channel}
        if questionnaire.rates_several_units:
            # Drawn here and for the archive alone: the stores know no such number.
            place[BALLOT] = randomness.token_hex(_BALLOT_BYTES)
        for unit, answers in ballot.rows():
            yield {"unit": unit, **place}, answers
            row += 1


def _spooled(session: Session, slug: str) -> Select[Any]:
    columns = [_as_bytes(session, column) for column in (Ballot.id, Ballot.envelope, Ballot.tag)]
    query: Select[Any] = select(*columns).where(Ballot.round_slug == slug)
    return query.order_by(Ballot.id).execution_options(yield_per=_BATCH)


def _forgery(
    secrets: Secrets, slug: str, ballot_id: bytes, envelope: bytes, tag: bytes | None, *, is_old: bool
) -> str | None:
    """What gives a row away that this installation did not write; None when it did, as far as can be told."""
    if tag is None:
        return None if is_old else NO_TAG
    return None if hmac.compare_digest(tag, secrets.ballot_tag(slug, ballot_id, envelope)) else WRONG_TAG


def _as_bytes(session: Session, column: InstrumentedAttribute[Any]) -> ColumnElement[Any] | InstrumentedAttribute[Any]:
    """A column as bytes, whatever somebody put there: SQLite keeps a number or half a letter in any column."""
    return cast(column, LargeBinary) if session.get_bind().dialect.name == "sqlite" else column


def _labels(found: list[bytes] | list[str]) -> list[str] | None:
    """The words of an invitation; None where they are no text."""
    try:
        return [label.decode() if isinstance(label, bytes) else label for label in found]
    except UnicodeDecodeError:
        return None


def _keep_comments(ballot: OpenedBallot, row: int, texts: Mapping[str, bool], comments: SpooledComments) -> None:
    for position, (unit, answers) in enumerate(ballot.rows()):
        for item, is_per_unit in texts.items():
            text = answers.get(item)
            # What was asked once was said of no one unit, where a ballot rates several, and is kept once.
            if not isinstance(text, str) or (ballot.ratings and not is_per_unit and position):
                continue
            comments.add(row + position, "" if ballot.ratings and not is_per_unit else unit, item, text)


def _opened(
    envelope: bytes,
    private_key: ec.EllipticCurvePrivateKey,
    record: RoundRecord,
    units: frozenset[str],
    questionnaire: Questionnaire,
) -> OpenedBallot | str:
    try:
        plaintext = open_ballot(private_key, record.slug, record.questionnaire_hash, envelope)
    except EnvelopeError:
        return "undecryptable"
    return read_ballot(plaintext, record.slug, units, questionnaire)
