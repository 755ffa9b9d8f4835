"""Questionnaires that are being written in the office: kept at every step, seen by all, published once.

A draft belongs to the office and not to a person. Each saving is a revision; how it stood before somebody else went on,
before something was removed, and every ten minutes, stays as a revision that can be had back.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from questionnaires.draft_checks import CheckedDraft, check_draft
from questionnaires.draft_files import tree_of_file, yaml_of
from questionnaires.draft_trees import Tree, empty_tree
from questionnaires.model import Questionnaire
from survey.errors import BadInput, NotFound, WrongState
from survey.questionnaire_library import publish_questionnaire, published_references, questionnaire_source
from survey.storage.audit import record_event
from survey.storage.drafts import QuestionnaireDraft, QuestionnaireDraftRevision
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

LARGEST_DRAFT = 1024 * 1024
MOST_DRAFTS = 200
MOST_REVISIONS = 30
# Savings by the same person within this time are one revision and one line in the audit log.
ONE_SITTING = timedelta(minutes=10)

Changed = TypeVar("Changed")


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """A draft with its tree; `revision` counts how often it was saved, `saved_by` is the name of who did so last."""

    number: int
    tree: Tree
    revision: int
    origin: str
    remarks: tuple[str, ...]
    saved_by: str
    saved_at: datetime

    @property
    def reference(self) -> str:
        """The name and version that it is to have, as far as they are known."""
        return f"{self.tree['name'] or '?'}/{self.tree['version'] or '?'}"


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """How a draft stood once."""

    revision: int
    saved_by: str
    saved_at: datetime
    n_items: int


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the login that the audit log names, and the name that colleagues read."""

    login: str
    name: str


def list_drafts(stores: Stores) -> tuple[DraftRecord, ...]:
    """All drafts, the one that was saved last first."""
    with reading(stores.office) as session:
        rows = session.scalars(select(QuestionnaireDraft)).all()
        return tuple(sorted((_record_of(row) for row in rows), key=lambda draft: (draft.saved_at, draft.number)))[::-1]


def find_draft(stores: Stores, number: int) -> DraftRecord:
    """The draft of this number; NotFound where there is none, or none any more."""
    with reading(stores.office) as session:
        return _record_of(_row(session, number))


def start_draft(
    stores: Stores, tree: Tree, origin: str, writer: Writer, now: datetime, *, remarks: tuple[str, ...] = ()
) -> int:
    """The number of a new draft with this content. Raises BadInput where there are too many drafts already."""
    with writing(stores.office) as session:
        if len(session.scalars(select(QuestionnaireDraft.id)).all()) >= MOST_DRAFTS:
            raise BadInput(f"found {MOST_DRAFTS} drafts, expected fewer: publish or delete some of them")
        row = QuestionnaireDraft(
            content=_spelled(tree),
            revision=1,
            origin=origin[:200],
            remarks="\n".join(remarks),
            saved_by=writer.name,
            saved_at=now,
        )
        session.add(row)
        session.flush()
        record_event(session, writer.login, "questionnaire.draft_started", f"draft {row.id} from {origin or 'nothing'}")
        return row.id


def start_empty(stores: Stores, writer: Writer, now: datetime) -> int:
    """The number of a draft with nothing in it."""
    return start_draft(stores, empty_tree(), "", writer, now)


def start_from_version(stores: Stores, reference: str, writer: Writer, now: datetime) -> int:
    """The number of a draft that says what a published version says, under the next version that is free."""
    tree, _ = tree_of_file(questionnaire_source(stores, reference), reference)
    tree["version"] = next_version(reference, published_references(stores))
    return start_draft(stores, tree, reference, writer, now)


def next_version(reference: str, taken: tuple[str, ...]) -> str:
    """The version after a reference's that no published questionnaire has: 2026.1 → 2026.2."""
    name, _, version = reference.partition("/")
    head, dot, last = version.rpartition(".")
    number = int(last) if last.isdecimal() else 0
    while True:
        number += 1
        version = f"{head}{dot}{number}"
        if f"{name}/{version}" not in taken:
            return version


def change_draft(
    stores: Stores,
    number: int,
    change: Callable[[Tree], Changed],
    writer: Writer,
    now: datetime,
    *,
    keeps_former: bool = False,
) -> tuple[DraftRecord, Changed]:
    """The draft after a change, which is handed its tree and may refuse by raising; and what the change returned.

    Nobody else's change can come between reading and saving. With `keeps_former` the draft as it stood before is a
    revision of its own, whoever saved it and when.
    """
    with writing(stores.office) as session:
        row = _row(session, number, is_locked=True)
        former = row.content
        tree = json.loads(former)
        changed = change(tree)
        content = _spelled(tree)
        if content != former:
            is_new_sitting = row.saved_by != writer.name or _last_kept(session, number, row) < now - ONE_SITTING
            if is_new_sitting or keeps_former:
                _keep(session, row)
            if is_new_sitting:
                record_event(session, writer.login, "questionnaire.draft_saved", f"draft {number}")
            row.content, row.revision = content, row.revision + 1
            row.saved_by, row.saved_at = writer.name, now
        session.flush()
        return _record_of(row), changed


def list_revisions(stores: Stores, number: int) -> tuple[RevisionRecord, ...]:
    """How a draft stood before, the latest first."""
    with reading(stores.office) as session:
        _row(session, number)
        rows = session.scalars(
            select(QuestionnaireDraftRevision)
            .where(QuestionnaireDraftRevision.draft_id == number)
            .order_by(QuestionnaireDraftRevision.revision.desc())
        )
        return tuple(
            RevisionRecord(
                row.revision,
                row.saved_by,
                row.saved_at,
                sum(len(section["items"]) for section in json.loads(row.content)["sections"]),
            )
            for row in rows
        )


def restore_revision(stores: Stores, number: int, revision: int, writer: Writer, now: datetime) -> DraftRecord:
    """The draft as it stood at a revision; how it stood until now is kept as one itself."""
    with writing(stores.office) as session:
        row = _row(session, number, is_locked=True)
        former = session.get(QuestionnaireDraftRevision, (number, revision))
        if former is None:
            raise NotFound(f"found no revision {revision} of draft {number}")
        content = former.content
        _keep(session, row)
        row.content, row.revision, row.saved_by, row.saved_at = content, row.revision + 1, writer.name, now
        record_event(session, writer.login, "questionnaire.draft_restored", f"draft {number} to revision {revision}")
        return _record_of(row)


def discard_draft(stores: Stores, number: int, writer: Writer) -> None:
    """Delete a draft with its revisions."""
    with writing(stores.office) as session:
        row = _row(session, number, is_locked=True)
        record_event(
            session, writer.login, "questionnaire.draft_discarded", f"draft {number} {_record_of(row).reference}"
        )
        _delete(session, row)


def publish_draft(stores: Stores, number: int, revision: int, writer: Writer, today: date) -> Questionnaire:
    """The questionnaire that a draft has become, published for good; the draft is gone then.

    Raises WrongState when the draft was saved after `revision`, which is what its publisher has read, or when its name
    and version are taken, and QuestionnaireError for a draft that is not complete.
    """
    draft = find_draft(stores, number)
    if draft.revision != revision:
        raise WrongState(f"{draft.saved_by} has changed the draft since you read it: look through it again")
    checked = check_draft(draft.tree)
    if not checked.is_complete:
        raise WrongState(f"found {len(checked.problems)} things to put right in the draft, expected none")
    source = yaml_of(draft.tree)
    questionnaire = publish_questionnaire(stores, source, f"draft {number}", today, actor=writer.login)
    with writing(stores.office) as session:
        row = session.get(QuestionnaireDraft, number)
        if row is not None and row.revision == revision:
            _delete(session, row)
    return questionnaire


def checked(draft: DraftRecord) -> CheckedDraft:
    """What is wrong with a draft."""
    return check_draft(draft.tree)


def mark_of(part: object) -> str:
    """A short mark of what a part says: whoever saves it shows that they have read it as it stands."""
    spelled = json.dumps(part, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()[:16]


def _row(session: Session, number: int, *, is_locked: bool = False) -> QuestionnaireDraft:
    row = session.get(QuestionnaireDraft, number, with_for_update=is_locked)
    if row is None:
        raise NotFound(f"found no draft {number}: it was published or deleted")
    return row


def _spelled(tree: Tree) -> str:
    content = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    if len(content.encode()) > LARGEST_DRAFT:
        raise BadInput(f"found a draft of more than {LARGEST_DRAFT:,} bytes, expected a shorter one")
    return content


def _record_of(row: QuestionnaireDraft) -> DraftRecord:
    remarks = tuple(line for line in row.remarks.split("\n") if line)
    return DraftRecord(row.id, json.loads(row.content), row.revision, row.origin, remarks, row.saved_by, row.saved_at)


def _last_kept(session: Session, number: int, row: QuestionnaireDraft) -> datetime:
    kept = session.scalar(
        select(QuestionnaireDraftRevision.saved_at)
        .where(QuestionnaireDraftRevision.draft_id == number)
        .order_by(QuestionnaireDraftRevision.revision.desc())
        .limit(1)
    )
    return kept or (row.saved_at if row.revision == 1 else datetime.min.replace(tzinfo=row.saved_at.tzinfo))


def _keep(session: Session, row: QuestionnaireDraft) -> None:
    session.add(
        QuestionnaireDraftRevision(
            draft_id=row.id, revision=row.revision, content=row.content, saved_by=row.saved_by, saved_at=row.saved_at
        )
    )
    session.flush()
    known = session.scalars(
        select(QuestionnaireDraftRevision.revision)
        .where(QuestionnaireDraftRevision.draft_id == row.id)
        .order_by(QuestionnaireDraftRevision.revision.desc())
    ).all()
    for revision in known[MOST_REVISIONS:]:
        session.execute(
            delete(QuestionnaireDraftRevision).where(
                QuestionnaireDraftRevision.draft_id == row.id, QuestionnaireDraftRevision.revision == revision
            )
        )


def _delete(session: Session, row: QuestionnaireDraft) -> None:
    session.execute(delete(QuestionnaireDraftRevision).where(QuestionnaireDraftRevision.draft_id == row.id))
    session.delete(row)
