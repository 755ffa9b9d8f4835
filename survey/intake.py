"""Intake: one citizen's checked answers become one sealed ballot, once for each invitation."""

import datetime as dt
import hmac
import secrets as randomness
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from questionnaires.answers import CheckedAnswers
from questionnaires.model import Questionnaire
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.envelopes import seal_ballot
from survey.errors import BadInput, StoreUnavailable, WrongState
from survey.invitations import InvitationRecord, find_invitation
from survey.round_records import RoundRecord
from survey.secrets import Secrets
from survey.storage.intake import spend
from survey.storage.stores import Stores

SHORTEST_NONCE = 16

Outcome = Literal["received", "repeated", "refused"]

_ID_BYTES = 16
# Stands for the invitation where there is none, so that the work is the same. Identifiers are 16 bytes; this is none.
_NOBODY = InvitationRecord(id=b"nobody", origin=Origin(unit=""))


@dataclass(frozen=True, slots=True)
class OpenRound:
    """A round that takes ballots today: what intake needs to know of it.

    Where `most_units` is above one, a ballot rates that many of `unit_codes` at most, and invitations have no unit.
    """

    slug: str
    questionnaire_hash: str
    ballot_public_key: bytes
    padded_size: int
    unit_codes: frozenset[str]
    most_units: int
    untagged_mark: bytes | None = None


def round_open_on(record: RoundRecord, questionnaire: Questionnaire, today: dt.date) -> OpenRound:
    """The round, if it takes ballots on that day; WrongState when it does not."""
    if not record.accepts_answers_on(today) or record.ballot_public_key is None:
        raise WrongState(
            f"the round {record.slug} is {record.state}, found the day {today}, "
            f"expected an open round and a day from {record.opens_on} to {record.closes_on}"
        )
    if questionnaire.content_hash != record.questionnaire_hash:
        raise WrongState(f"{questionnaire.reference} is not the text the round {record.slug} was created with")
    return OpenRound(
        slug=record.slug,
        questionnaire_hash=record.questionnaire_hash,
        ballot_public_key=record.ballot_public_key,
        padded_size=padded_size_of(questionnaire),
        unit_codes=frozenset(record.unit_codes),
        most_units=questionnaire.most_units,
        untagged_mark=record.untagged_mark,
    )


def new_nonce() -> str:
    """A random form nonce: put into a form once, it tells the same form sent again from another one."""
    return randomness.token_urlsafe(24)


def receive_ballot(
    stores: Stores,
    secrets: Secrets,
    open_round: OpenRound,
    unit_code: str,
    code_text: str,
    nonce: str,
    answers: CheckedAnswers,
) -> Outcome:
    """What became of one sending. When it returns "received" or "repeated", the ballot is on the disk.

    `unit_code` is the rated unit; it is empty in a round whose ballots rate several, which `answers.ratings` names.

    "received": stored now. "repeated": the same form was stored before, and nothing more is. "refused": the code is
    unknown, used, or another unit's or round's; which of these it is cannot be told from the answer, and the same work
    is done for each. Raises StoreUnavailable when a store is down, full or read-only; sending again is then safe.
    Raises BadInput when the ratings are not those of some units of the round, each once and not too many: a page tells
    its reader so before.
    """
    _refuse_odd_ratings(open_round, unit_code, answers)
    try:
        return _receive(stores, secrets, open_round, unit_code, code_text, nonce, answers)
    except SQLAlchemyError:
        # The driver's own message may quote the row, so nothing of it goes along.
        raise StoreUnavailable("the answers could not be stored; nothing was acknowledged") from None


def _receive(
    stores: Stores,
    secrets: Secrets,
    open_round: OpenRound,
    unit_code: str,
    code_text: str,
    nonce: str,
    answers: CheckedAnswers,
) -> Outcome:
    found = find_invitation(stores, secrets, open_round.slug, code_text, open_round.untagged_mark)
    is_valid = found is not None and found.origin.unit == unit_code
    invitation = found if found is not None and is_valid else _NOBODY
    nullifier = secrets.nullifier(open_round.slug, invitation.id)
    if len(nonce) < SHORTEST_NONCE:
        # A form without its nonce counts once like any other; it only cannot be recognised when it comes again.
        nonce = new_nonce()
    nonce_tag = secrets.nonce_tag(open_round.slug, nullifier, nonce)
    envelope = seal_ballot(
        open_round.ballot_public_key,
        open_round.slug,
        open_round.questionnaire_hash,
        write_ballot(open_round.slug, invitation.origin, answers.values, answers.ratings),
        open_round.padded_size,
    )
    ballot_id = randomness.token_bytes(_ID_BYTES)
    tag = secrets.ballot_tag(open_round.slug, ballot_id, envelope)
    spending = spend(stores.intake, open_round.slug, nullifier, nonce_tag, ballot_id, envelope, tag, may_store=is_valid)
    is_same_form = hmac.compare_digest(spending.used_by or bytes(len(nonce_tag)), nonce_tag)
    return "received" if spending.is_stored else "repeated" if is_same_form else "refused"


def _refuse_odd_ratings(open_round: OpenRound, unit_code: str, answers: CheckedAnswers) -> None:
    if open_round.most_units == 1:
        if answers.ratings:
            raise BadInput(f"the round {open_round.slug}: found ratings of several units, expected answers about one")
        return
    n_rated = len(answers.ratings)
    if unit_code or not 1 <= n_rated <= open_round.most_units or not answers.ratings.keys() <= open_round.unit_codes:
        raise BadInput(
            f"the round {open_round.slug}: found ratings of {n_rated} units, expected 1 to {open_round.most_units} "
            "units of the round"
        )
