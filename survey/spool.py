"""The spool of a round: its invitations counted, and its ballots opened one after another."""

import secrets as randomness
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis.responses import BALLOT, AnswerValue
from analysis.signatures import canonical_json
from questionnaires.model import Questionnaire
from survey.ballots import OpenedBallot, Origin, read_ballot
from survey.envelopes import EnvelopeError, open_ballot
from survey.errors import HailongError
from survey.round_records import RoundRecord
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores

Step = str
Progress = Callable[[Step, int, int], None]

_BATCH = 500
_BALLOT_BYTES = 16


@dataclass(slots=True)
class InvitationCounts:
    """Invitations by where they were issued: all of them, and those that were used."""

    issued: Counter[Origin] = field(default_factory=Counter)
    spent: Counter[Origin] = field(default_factory=Counter)


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
    """What came out of a spool beside its rows: free texts, what was rejected and why, whence the others came."""

    comments: SpooledComments = field(default_factory=SpooledComments)
    rejected: Counter[str] = field(default_factory=Counter)
    accepted: Counter[Origin] = field(default_factory=Counter)
    n_ballots: int = 0


def count_invitations(stores: Stores, secrets: Secrets, intake: Session, slug: str, counts: InvitationCounts) -> None:
    """Count the invitations of a round into `counts`; HailongError when one was used that was never issued."""
    query = select(SpentInvitation.nullifier).where(SpentInvitation.round_slug == slug)
    unmatched = set(intake.scalars(query.execution_options(yield_per=_BATCH)))
    with reading(stores.frame) as session:
        issued = select(
            Invitation.id, Invitation.unit_code, Invitation.stratum, Invitation.psu, Invitation.channel
        ).where(Invitation.round_slug == slug)
        for invitation_id, *labels in session.execute(issued.execution_options(yield_per=_BATCH)):
            origin = Origin(*labels)
            counts.issued[origin] += 1
            nullifier = secrets.nullifier(slug, invitation_id)
            if nullifier in unmatched:
                unmatched.discard(nullifier)
                counts.spent[origin] += 1
    if unmatched:
        raise HailongError(
            f"the round {slug}: found {len(unmatched)} marks of use that belong to no invitation of it, expected none: "
            "somebody wrote into the intake store, or the frame store is an older copy; nothing was sealed"
        )


def count_ballots(session: Session, slug: str) -> int:
    """How many ballots of a round are in the spool."""
    return session.scalars(select(func.count()).select_from(Ballot).where(Ballot.round_slug == slug)).one()


def open_spool(
    session: Session,
    private_key: ec.EllipticCurvePrivateKey,
    record: RoundRecord,
    questionnaire: Questionnaire,
    issued: Mapping[Origin, int],
    opened: OpenedSpool,
    n_spooled: int,
    tell: Progress,
) -> Iterator[tuple[Mapping[str, str], Mapping[str, AnswerValue]]]:
    """The rows of the ballots that are in order, one a rating; all else is put into `opened` on the way.

    A ballot that says it comes from where no invitation was issued is rejected.
    """
    query = select(Ballot.envelope).where(Ballot.round_slug == record.slug).order_by(Ballot.id)
    texts = {
        item.code: section.per_unit
        for section in questionnaire.sections
        for item in section.items
        if item.kind == "text"
    }
    units = frozenset(record.unit_codes)
    row = 0
    for envelope in session.scalars(query.execution_options(yield_per=_BATCH)):
        opened.n_ballots += 1
        if opened.n_ballots % _BATCH == 0 or opened.n_ballots == n_spooled:
            tell("open", opened.n_ballots, n_spooled)
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


def refuse_ballots_from_elsewhere(slug: str, spent: Mapping[Origin, int], opened: OpenedSpool) -> None:
    """Raise HailongError where more ballots say they come from than invitations were used there."""
    for origin, n_accepted in sorted(opened.accepted.items(), key=lambda entry: _words(entry[0])):
        if n_accepted > spent.get(origin, 0):
            raise HailongError(
                f"the round {slug}: found {n_accepted} ballots and {spent.get(origin, 0)} used invitations of "
                f"{_words(origin)}, expected no more of the one than of the other: somebody wrote into the intake "
                "store; nothing was sealed"
            )


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


def _words(origin: Origin) -> str:
    labels = (("unit", origin.unit), ("stratum", origin.stratum), ("psu", origin.psu), ("channel", origin.channel))
    return ", ".join(f"{name} “{label}”" for name, label in labels if label)
