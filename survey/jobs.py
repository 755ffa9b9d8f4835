"""Work in the background: printing an edition takes minutes, and no request waits for it.

A job is a row in the office store and a process of its own, which tells the row how far it is. Of a round there is one
at a time; one that has not been seen for a minute has died, and another may take its place.
"""

import logging
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import update
from sqlalchemy.orm import Session

from analysis.release.hard_data import HardData, parse_hard_data
from survey.background import (
    REFUSALS,
    WorkState,
    giving_signs,
    kind_of_complaint,
    make_room,
    now,
    start_process,
    state_of_work,
    tell,
)
from survey.errors import WrongState
from survey.officers import OfficerRecord
from survey.print_pool import Printed
from survey.printed_editions import PrintedEdition
from survey.publishing import checked_reason, publish_round, release_plan_of
from survey.releasing import prepare_preview
from survey.round_records import editions_of, find_round
from survey.rounds import refuse_step
from survey.services import Services, open_services, today
from survey.settings import Settings
from survey.storage.audit import record_event
from survey.storage.releases import Job
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

JobKind = Literal["publish", "preview"]
JobState = WorkState


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The last work on a round's edition. `number` is the edition that came of it, `complaint` what stopped it."""

    slug: str
    kind: JobKind
    state: JobState
    started_by: str
    began: datetime
    n_done: int
    n_documents: int
    number: int | None
    failures: tuple[str, ...]
    complaint: str
    complaint_kind: str


def start_job(
    services: Services,
    slug: str,
    *,
    officer: OfficerRecord,
    reason: str | None = None,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
) -> None:
    """Have the next edition of a round made in a process of its own: published, or previewed where its plan says so.

    Raises NotFound, WrongState when the round allows no edition now or another job is at work on it, BadInput for the
    reason.
    """
    record = find_round(services.stores, slug)
    refuse_step(record, "publish")
    reason = checked_reason(reason, len(editions_of(services.stores, slug)) + 1, slug)
    kind: JobKind = "preview" if release_plan_of(record, services.settings).needs_preview else "publish"
    mark, moment = randomness.token_hex(16), now()
    with writing(services.stores.office) as session:
        make_room(session, Job, slug, moment)
        session.add(
            Job(
                round_slug=slug,
                mark=mark,
                kind=kind,
                state="running",
                actor=officer.login,
                started_by=officer.name,
                reason=reason,
                hard_source=None if hard_data is None else hard_data.source,
                languages=",".join(languages),
                began=moment,
                seen=moment,
                n_done=0,
                n_documents=0,
                failures="",
                complaint="",
                complaint_kind="",
            )
        )
        record_event(session, officer.login, f"job.{kind}", slug)
    start_process(run_job, services.settings, slug, mark)


def job_of(stores: Stores, slug: str) -> JobRecord | None:
    """The last work on a round's edition; None where there was none."""
    with reading(stores.office) as session:
        row = session.get(Job, slug)
        return None if row is None else _record_of(row)


def is_at_work(job: JobRecord | None) -> bool:
    """Whether a job is being done now."""
    return job is not None and job.state == "running"


def run_job(settings: Settings, slug: str, mark: str) -> None:
    """Do the work of a job to its end, and write down what became of it. Runs in a process of its own."""
    services = open_services(settings)
    try:
        with giving_signs(lambda: _write(services.stores, slug, mark, seen=now())):
            _do(services, slug, mark)
    finally:
        services.stores.close()


def _do(services: Services, slug: str, mark: str) -> None:
    try:
        made = _make(services, slug, mark)
    except REFUSALS as complaint:
        kind = kind_of_complaint(complaint)
        _end(services.stores, slug, mark, state="failed", complaint=str(complaint), complaint_kind=kind)
    except Exception as mistake:
        # Nobody waits for this process: what it does not write down is never known.
        logging.getLogger("hailong").exception("The edition of %s could not be made", slug)
        _end(services.stores, slug, mark, state="failed", complaint=type(mistake).__name__, complaint_kind="mistake")
    else:
        failures = "\n".join(f"{document.name}: {document.failure}" for document in made.failures)
        _end(services.stores, slug, mark, state="done", number=made.edition.number, failures=failures)


def _make(services: Services, slug: str, mark: str) -> PrintedEdition:
    with reading(services.stores.office) as session:
        row = session.get(Job, slug)
        if row is None or row.mark != mark:
            raise WrongState(f"the round {slug}: found another job in the place of this one")
        kind, reason, languages = row.kind, row.reason, tuple(row.languages.split(","))
        hard_data = None if row.hard_source is None else parse_hard_data(row.hard_source, "hard.csv")
        actor, started_by = row.actor, row.started_by
    stores, vault, settings = services.stores, services.vault, services.settings

    def count(n_done: int, n_documents: int, _: Printed) -> None:
        _write(stores, slug, mark, n_done=n_done, n_documents=n_documents, seen=now())

    if kind == "publish":
        return publish_round(
            stores,
            vault,
            settings,
            slug,
            today(),
            reason=reason,
            hard_data=hard_data,
            languages=languages,
            progress=count,
            actor=actor,
        )
    return prepare_preview(
        stores,
        vault,
        settings,
        slug,
        today(),
        reason=reason,
        hard_data=hard_data,
        languages=languages,
        progress=count,
        prepared_by=started_by,
        actor=actor,
    )


def _end(stores: Stores, slug: str, mark: str, **values: object) -> None:
    _write(stores, slug, mark, seen=now(), hard_source=None, **values)


def _write(stores: Stores, slug: str, mark: str, **values: object) -> None:
    def write(session: Session) -> None:
        session.execute(update(Job).where(Job.round_slug == slug, Job.mark == mark).values(**values))

    tell(stores, write, is_the_end="state" in values)


def _record_of(row: Job) -> JobRecord:
    return JobRecord(
        slug=row.round_slug,
        kind=cast(JobKind, row.kind),
        state=state_of_work(row.state, row.seen, now()),
        started_by=row.started_by,
        began=row.began,
        n_done=row.n_done,
        n_documents=row.n_documents,
        number=row.number,
        failures=tuple(filter(None, row.failures.splitlines())),
        complaint=row.complaint,
        complaint_kind=row.complaint_kind,
    )
