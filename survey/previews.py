"""Previews: editions that their units and the officers see before everybody, with what is said for and against them."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from questionnaires.model import Text
from survey.errors import BadInput, NotFound, SamePerson, WrongState
from survey.labels import printable
from survey.officers import OfficerRecord
from survey.plain_texts import required_text
from survey.storage.audit import record_event
from survey.storage.office import Edition, Officer, Round, RoundUnit
from survey.storage.releases import Objection, Preview, PreviewApproval
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

Outcome = Literal["open", "rejected", "noted", "upheld"]
ObstacleKind = Literal["embargo", "objections", "upheld", "approvals"]
LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class PreviewRecord:
    """An edition that was prepared and is not public. `publish_from` is the day that is printed on it.

    `approved_by` are the names of the officers who approved it as it is, `approver_ids` what tells them apart.
    """

    slug: str
    number: int
    attempt: int
    manifest_hash: str
    reason: str | None
    prepared_by: str
    prepared_on: date
    publish_from: date
    state: str
    note: str
    title: Text
    approved_by: tuple[str, ...] = ()
    approver_ids: tuple[int, ...] = ()
    preparer_id: int | None = None

    def may_object(self, today: date) -> bool:
        """Whether its units may still object by themselves: until the day before it may be published."""
        return self.state == "current" and today < self.publish_from


@dataclass(frozen=True, slots=True)
class ObjectionRecord:
    """What a unit said against a preview; `outcome` is open until the office has answered."""

    id: int
    slug: str
    number: int
    attempt: int
    unit_code: str
    text: str
    raised_by: str
    raised_on: date
    outcome: Outcome
    answer: str
    answered_by: str
    answered_on: date | None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands between a preview and its publication: a day, or how many there are and how many it takes."""

    kind: ObstacleKind
    until: date | None = None
    count: int = 0
    needed: int = 0

    def in_words(self) -> str:
        """The obstacle in a line for whoever works with the command line."""
        return {
            "embargo": f"found the embargo until {self.until}, expected that day to have come",
            "objections": f"found {self.count} objections without an answer, expected none",
            "upheld": f"found {self.count} objections that were upheld, expected a new preview that heeds them",
            "approvals": f"found {self.count} approvals, expected those of {self.needed} different officers",
        }[self.kind]


def current_preview(stores: Stores, slug: str) -> PreviewRecord | None:
    """The preview that would be the next edition of a round; None where there is none."""
    return next((found for found in _current_previews(stores, slug=slug)), None)


def previews_for(stores: Stores, unit_code: str) -> tuple[PreviewRecord, ...]:
    """The previews that the people of a unit may see, the newest round first."""
    return _current_previews(stores, unit_code=unit_code)


def withdrawn_previews(stores: Stores, slug: str, number: int) -> tuple[PreviewRecord, ...]:
    """What was shown before as this edition of the round and then withdrawn, the first attempt first."""
    query = (
        select(Preview, Round)
        .join(Round)
        .where(Preview.round_slug == slug, Preview.number == number, Preview.state == "withdrawn")
        .order_by(Preview.attempt)
    )
    with reading(stores.office) as session:
        return tuple(_record_of(session, *found) for found in session.execute(query).all())


def next_attempt(stores: Stores, slug: str, number: int) -> int:
    """The number of the next preview of an edition; the first is 1."""
    with reading(stores.office) as session:
        query = select(func.max(Preview.attempt)).where(Preview.round_slug == slug, Preview.number == number)
        return (session.scalar(query) or 0) + 1


def add_preview(stores: Stores, preview: PreviewRecord, *, actor: str) -> None:
    """Record a preview that lies whole in its folder; the one before it is withdrawn, with its approvals."""
    with writing(stores.office) as session:
        if session.get(Round, preview.slug, with_for_update=True) is None:
            raise NotFound(f"found no round {preview.slug[:60]!r}")
        for row in session.scalars(
            select(Preview).where(Preview.round_slug == preview.slug, Preview.state == "current")
        ):
            row.state = "withdrawn"
            row.note = f"replaced by attempt {preview.attempt}"
        session.add(
            Preview(
                round_slug=preview.slug,
                number=preview.number,
                attempt=preview.attempt,
                manifest_hash=preview.manifest_hash,
                reason=preview.reason,
                prepared_by=preview.prepared_by,
                prepared_on=preview.prepared_on,
                publish_from=preview.publish_from,
                state="current",
                note="",
                preparer_id=session.scalar(select(Officer.id).where(Officer.login == actor)),
            )
        )
        what = f"{preview.slug} edition {preview.number} attempt {preview.attempt} manifest {preview.manifest_hash}"
        record_event(session, actor, "preview.prepared", what)


def withdraw_preview(stores: Stores, slug: str, reason: str, *, actor: str) -> None:
    """The round has no preview any more; its units see it no longer. Raises WrongState, or BadInput for the reason."""
    note = required_text("the reason", reason, LONGEST_TEXT)
    with writing(stores.office) as session:
        row = _current_row(session, slug)
        row.state, row.note = "withdrawn", note
        record_event(session, actor, "preview.withdrawn", f"{_named(row)}: {note}")


def raise_objection(
    stores: Stores, slug: str, unit_code: str, text: str, *, raised_by: str, today: date, actor: str
) -> ObjectionRecord:
    """A unit's objection to the current preview. Approvals that were given without knowing of it are void.

    Raises WrongState where there is no preview, BadInput for a unit that is not in the round or an empty text.
    """
    words = required_text("the objection", text, LONGEST_TEXT)
    with writing(stores.office) as session:
        row = _current_row(session, slug)
        if session.get(RoundUnit, (slug, unit_code)) is None:
            raise BadInput(f"found the unit {printable(unit_code)!r}, expected one of the round {slug}")
        objection = Objection(
            round_slug=slug,
            number=row.number,
            attempt=row.attempt,
            unit_code=unit_code,
            text=words,
            raised_by=raised_by[:200],
            raised_on=today,
            outcome="open",
            answer="",
            answered_by="",
        )
        session.add(objection)
        _void_approvals(session, row)
        session.flush()
        record_event(session, actor, "preview.objection", f"{_named(row)} objection {objection.id} of {unit_code}")
        return _objection_of(objection)


def answer_objection(
    stores: Stores, slug: str, number: int, outcome: str, answer: str, *, officer: OfficerRecord, today: date
) -> ObjectionRecord:
    """The objection of this number, answered: rejected, noted (nothing of the figures changes) or upheld.

    An upheld one asks for a new preview. Raises NotFound, WrongState when it was answered before, BadInput.
    """
    words = required_text("the answer", answer, LONGEST_TEXT)
    if outcome not in ("rejected", "noted", "upheld"):
        raise BadInput(f"found the outcome {printable(outcome)!r}, expected rejected, noted or upheld")
    with writing(stores.office) as session:
        row = _current_row(session, slug)
        objection = session.get(Objection, number)
        if objection is None or (objection.round_slug, objection.number, objection.attempt) != _key(row):
            raise NotFound(f"found no objection {number} to the preview of {slug}")
        if objection.outcome != "open":
            raise WrongState(f"objection {number} was answered by {objection.answered_by} already")
        objection.outcome, objection.answer = outcome, words
        objection.answered_by, objection.answered_on = officer.name, today
        record_event(session, officer.login, "preview.answered", f"{_named(row)} objection {number}: {outcome}")
        return _objection_of(objection)


def approve_preview(
    stores: Stores,
    slug: str,
    manifest_hash: str,
    *,
    officer: OfficerRecord,
    today: date,
    must_be_another: bool = False,
) -> None:
    """The officer's approval of exactly this preview. Doing it again changes nothing.

    Raises SamePerson where it `must_be_another` officer than the one who had it prepared, WrongState when the preview
    is another one by now, or an objection to it has no answer or was upheld.
    """
    with writing(stores.office) as session:
        row = _current_row(session, slug)
        if row.manifest_hash != manifest_hash:
            raise WrongState(f"the preview of {slug} is another one by now; look at it again before you approve it")
        if must_be_another and row.preparer_id == officer.id:
            raise SamePerson(
                f"the preview of {slug}: {officer.name} had it prepared; expected somebody else to approve"
            )
        unsettled = {"open", "upheld"} & {objection.outcome for objection in _objection_rows(session, row)}
        if unsettled:
            raise WrongState(f"the preview of {slug}: found objections that are {' and '.join(sorted(unsettled))}")
        if session.get(PreviewApproval, (*_key(row), officer.id)) is None:
            session.add(
                PreviewApproval(
                    round_slug=slug,
                    number=row.number,
                    attempt=row.attempt,
                    officer_id=officer.id,
                    approved_on=today,
                )
            )
            record_event(session, officer.login, "preview.approved", f"{_named(row)} manifest {manifest_hash}")


def objections_of(stores: Stores, slug: str, unit_code: str | None = None) -> tuple[ObjectionRecord, ...]:
    """The objections that were raised to previews of a round, or those of one unit, the newest first."""
    query = select(Objection).where(Objection.round_slug == slug).order_by(Objection.id.desc())
    if unit_code is not None:
        query = query.where(Objection.unit_code == unit_code)
    with reading(stores.office) as session:
        return tuple(_objection_of(row) for row in session.scalars(query))


def obstacles(stores: Stores, preview: PreviewRecord, n_approvals: int, today: date) -> tuple[Obstacle, ...]:
    """What stands between a preview and its publication today, none where it may be published."""
    said = [
        found.outcome
        for found in objections_of(stores, preview.slug)
        if (found.number, found.attempt) == (preview.number, preview.attempt)
    ]
    found = []
    if today < preview.publish_from:
        found.append(Obstacle("embargo", until=preview.publish_from))
    if "open" in said:
        found.append(Obstacle("objections", count=said.count("open")))
    if "upheld" in said:
        found.append(Obstacle("upheld", count=said.count("upheld")))
    if len(preview.approver_ids) < n_approvals:
        found.append(Obstacle("approvals", count=len(preview.approver_ids), needed=n_approvals))
    return tuple(found)


def mark_preview_published(stores: Stores, preview: PreviewRecord) -> None:
    """The preview is the edition of its number from now on."""
    with writing(stores.office) as session:
        row = session.get(Preview, (preview.slug, preview.number, preview.attempt))
        if row is not None:
            row.state = "published"


def _current_previews(
    stores: Stores, *, slug: str | None = None, unit_code: str | None = None
) -> tuple[PreviewRecord, ...]:
    query = select(Preview, Round).join(Round).where(Preview.state == "current").order_by(Preview.publish_from.desc())
    if slug is not None:
        query = query.where(Preview.round_slug == slug)
    if unit_code is not None:
        query = query.join(RoundUnit, RoundUnit.round_slug == Preview.round_slug).where(
            RoundUnit.unit_code == unit_code
        )
    with reading(stores.office) as session:
        rows = session.execute(query).all()
        # Work that was cut off between the two records left a preview that is an edition by now.
        return tuple(
            _record_of(session, row, round_)
            for row, round_ in rows
            if session.get(Edition, (row.round_slug, row.number)) is None
        )


def _current_row(session: Session, slug: str) -> Preview:
    row = session.scalars(
        select(Preview).where(Preview.round_slug == slug, Preview.state == "current").with_for_update()
    ).one_or_none()
    if row is None or session.get(Edition, (slug, row.number)) is not None:
        raise WrongState(f"the round {slug[:60]} has no preview; `hailong round preview` makes one")
    return row


def _void_approvals(session: Session, row: Preview) -> None:
    slug, number, attempt = _key(row)
    session.execute(
        delete(PreviewApproval).where(
            PreviewApproval.round_slug == slug, PreviewApproval.number == number, PreviewApproval.attempt == attempt
        )
    )


def _objection_rows(session: Session, row: Preview) -> list[Objection]:
    slug, number, attempt = _key(row)
    query = select(Objection).where(
        Objection.round_slug == slug, Objection.number == number, Objection.attempt == attempt
    )
    return list(session.scalars(query))


def _key(row: Preview) -> tuple[str, int, int]:
    return row.round_slug, row.number, row.attempt


def _named(row: Preview) -> str:
    return f"{row.round_slug} edition {row.number} attempt {row.attempt}"


def _record_of(session: Session, row: Preview, round_: Round) -> PreviewRecord:
    approvers = session.execute(
        select(Officer.id, Officer.name)
        .join(PreviewApproval, PreviewApproval.officer_id == Officer.id)
        .where(
            PreviewApproval.round_slug == row.round_slug,
            PreviewApproval.number == row.number,
            PreviewApproval.attempt == row.attempt,
        )
        .order_by(PreviewApproval.approved_on, Officer.id)
    ).all()
    return PreviewRecord(
        slug=row.round_slug,
        number=row.number,
        attempt=row.attempt,
        manifest_hash=row.manifest_hash,
        reason=row.reason,
        prepared_by=row.prepared_by,
        prepared_on=row.prepared_on,
        publish_from=row.publish_from,
        state=row.state,
        note=row.note,
        title=Text(round_.title_vi, round_.title_en),
        approved_by=tuple(name for _, name in approvers),
        approver_ids=tuple(number for number, _ in approvers),
        preparer_id=row.preparer_id,
    )


def _objection_of(row: Objection) -> ObjectionRecord:
    return ObjectionRecord(
        row.id,
        row.round_slug,
        row.number,
        row.attempt,
        row.unit_code,
        row.text,
        row.raised_by,
        row.raised_on,
        cast(Outcome, row.outcome),
        row.answer,
        row.answered_by,
        row.answered_on,
    )
