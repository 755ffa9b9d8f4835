"""Running a round's plan before anything is printed: figures and diagnostics that a statistician reads and approves.

What publishing would compute is computed, audited and laid down as an edition without documents, which no public page
reads, with the tables of quality and weights beside it. Of a round there is one run, the last.
"""

import logging
import secrets as randomness
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from analysis.archive import read_archive
from analysis.errors import EditionError
from analysis.exporting.estimates_book import estimates_xlsx
from analysis.release.computing import compute_edition
from analysis.release.disclosure_audit import refuse_exposures
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, edition_tables, write_edition
from analysis.release.edition_tables import (
    DIFFERENCES_CSV,
    DISTRIBUTIONS_CSV,
    ESTIMATES_CSV,
    FORMULAS_CSV,
    RANKS_CSV,
)
from analysis.release.hard_data import HardData, parse_hard_data
from analysis.release.quality import Quality, examine_quality
from analysis.release.quality_rows import GapRow, QualityRow, SensitivityRow, table_csv, table_from_csv
from analysis.release.unit_weights import UnitWeightsRow, unit_weights
from analysis.sealed_folders import sha256_hex
from survey.analysing import ESTIMATES_XLSX
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
from survey.edition_context import context_of_round
from survey.editions import OpenEdition
from survey.errors import HailongError, WrongState
from survey.officers import OfficerRecord
from survey.plain_texts import required_text
from survey.quality import GAPS_CSV, QUALITY_CSV, SENSITIVITY_CSV
from survey.round_records import RoundRecord, editions_of, find_round
from survey.sealing import archive_path
from survey.services import Services, open_services, today
from survey.settings import Settings
from survey.storage.audit import record_event
from survey.storage.releases import AnalysisRun
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

ANALYSES = "analyses"
WEIGHTS_CSV = "weights.csv"
# What a run goes through, in order; a page says each in words.
STAGES = ("waiting", "reading", "computing", "auditing", "examining", "writing")
LONGEST_NOTE = 1_000
# The tables whose figures are approved: what else an edition has depends on comments, promises and former rounds.
_APPROVED_TABLES = (ESTIMATES_CSV, RANKS_CSV, DIFFERENCES_CSV, FORMULAS_CSV, DISTRIBUTIONS_CSV)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The last run of a round's plan. `stage` counts the stages of `STAGES`; `figures_hash` tells its figures from
    others, "" until it is done; `approved_by` is "" until somebody has approved exactly these.
    """

    slug: str
    mark: str
    state: WorkState
    stage: int
    started_by: str
    began: datetime
    seen: datetime
    number: int
    manifest_hash: str
    figures_hash: str
    complaint: str
    complaint_kind: str
    hard_source: bytes | None
    approved_by: str
    approved_on: date | None
    note: str

    @property
    def is_running(self) -> bool:
        """Whether somebody waits for it."""
        return self.state == "running"

    @property
    def is_approved(self) -> bool:
        """Whether a statistician stands behind its figures."""
        return self.state == "done" and bool(self.approved_by)


@dataclass(frozen=True, slots=True)
class Results:
    """What a run found: the edition it would become, the tables of quality, and the weights by unit."""

    edition: Edition
    quality: Quality
    weights: tuple[UnitWeightsRow, ...]


def start_run(services: Services, slug: str, *, officer: OfficerRecord, hard_data: HardData | None = None) -> None:
    """Have the plan of a sealed round run in a process of its own. What was approved of a former run is void.

    Raises NotFound, and WrongState when the round is not sealed or a run of it goes on.
    """
    record = find_round(services.stores, slug)
    if record.state not in ("sealed", "published"):
        raise WrongState(f"the round {slug} is {record.state}; its plan runs once it is sealed")
    number = len(editions_of(services.stores, slug)) + 1
    mark, moment = randomness.token_hex(16), now()
    with writing(services.stores.office) as session:
        make_room(session, AnalysisRun, slug, moment)
        session.add(
            AnalysisRun(
                round_slug=slug,
                mark=mark,
                state="running",
                stage=0,
                started_by=officer.name,
                began=moment,
                seen=moment,
                number=number,
                manifest_hash="",
                figures_hash="",
                complaint="",
                complaint_kind="",
                hard_source=None if hard_data is None else hard_data.source,
                approved_by="",
                approved_on=None,
                note="",
            )
        )
        record_event(session, officer.login, "analysis.started", slug)
    start_process(run_analysis, services.settings, slug, mark)


def run_of(stores: Stores, slug: str) -> RunRecord | None:
    """The last run of a round's plan; None where there was none."""
    with reading(stores.office) as session:
        row = session.get(AnalysisRun, slug)
        return None if row is None else _record_of(row)


def approve_run(stores: Stores, slug: str, figures_hash: str, note: str, *, officer: OfficerRecord) -> None:
    """The statistician's approval of exactly these figures, with what there is to say of them, if anything.

    Raises WrongState when there is no such run, its figures are others by now or they are approved already, BadInput
    for the note.
    """
    words = required_text("the note", note, LONGEST_NOTE) if note.strip() else ""
    with writing(stores.office) as session:
        row = session.get(AnalysisRun, slug, with_for_update=True)
        if row is None or row.state != "done" or row.figures_hash != figures_hash:
            raise WrongState(f"the round {slug}: found other figures than were looked at; look at them again")
        if row.approved_by:
            raise WrongState(f"the round {slug}: {row.approved_by} has approved these figures already")
        row.approved_by, row.approved_on, row.note = officer.name, today(), words
        record_event(session, officer.login, "analysis.approved", f"{slug} figures {figures_hash}")


def figures_hash_of(edition: Edition) -> str:
    """What tells an edition's figures from others: the same in each edition of one archive, plan and hard data."""
    tables = edition_tables(edition)
    return sha256_hex(b"".join(tables.get(name, b"") for name in _APPROVED_TABLES))


def results_folder(settings: Settings, slug: str, mark: str) -> Path:
    """Where the results of a run lie: a folder beside those of the editions, which no public page reads."""
    return settings.instance / ANALYSES / slug / mark


def results_of(opened: OpenEdition) -> Results:
    """What an opened folder of results holds; raises EditionError when a table was changed or is missing."""

    def table(name: str) -> bytes:
        content = opened.content(name)
        if content is None:
            raise EditionError(f"{opened.folder / name}: found no such table, expected those of a run")
        return content

    gaps = table_from_csv(table(GAPS_CSV), GapRow, GAPS_CSV)
    quality = Quality(
        rows=table_from_csv(table(QUALITY_CSV), QualityRow, QUALITY_CSV),
        gaps=gaps,
        sensitivity=table_from_csv(table(SENSITIVITY_CSV), SensitivityRow, SENSITIVITY_CSV),
        control=gaps[0].control if gaps else "",
        lost_control="" if gaps else opened.edition.plan.quality.control,
    )
    return Results(opened.edition, quality, table_from_csv(table(WEIGHTS_CSV), UnitWeightsRow, WEIGHTS_CSV))


def run_analysis(settings: Settings, slug: str, mark: str) -> None:
    """Do a run to its end, and write down what became of it. Runs in a process of its own."""
    services = open_services(settings)
    try:
        with giving_signs(lambda: _write(services.stores, slug, mark, seen=now())):
            _do(services, slug, mark)
    finally:
        services.stores.close()


def _do(services: Services, slug: str, mark: str) -> None:
    stores = services.stores
    try:
        manifest_hash, figures_hash = _results(services, slug, mark)
    except REFUSALS as complaint:
        kind = kind_of_complaint(complaint)
        _write(stores, slug, mark, seen=now(), state="failed", complaint=str(complaint), complaint_kind=kind)
    except Exception as mistake:
        # Nobody waits for this process: what it does not write down is never known.
        logging.getLogger("hailong").exception("The plan of %s could not be run", slug)
        _write(
            stores, slug, mark, seen=now(), state="failed", complaint=type(mistake).__name__, complaint_kind="mistake"
        )
    else:
        _write(stores, slug, mark, seen=now(), state="done", manifest_hash=manifest_hash, figures_hash=figures_hash)


def _results(services: Services, slug: str, mark: str) -> tuple[str, str]:
    """The hashes of the manifest and of the figures of what was found, which lies in its folder then."""
    stores, settings = services.stores, services.settings
    run, record = run_of(stores, slug), find_round(stores, slug)
    if run is None or run.mark != mark:
        raise WrongState(f"the round {slug}: found another run in the place of this one")

    def enter(stage: str) -> None:
        _write(stores, slug, mark, seen=now(), stage=STAGES.index(stage))

    edition, tables = _found(services, record, run, enter)
    enter("writing")
    out = results_folder(settings, slug, mark)
    write_edition(edition, out, tables, services.vault.signer())
    _forget_others(out)
    return sha256_hex((out / MANIFEST).read_bytes()), figures_hash_of(edition)


def _found(
    services: Services, record: RoundRecord, run: RunRecord, enter: Callable[[str], None]
) -> tuple[Edition, dict[str, bytes]]:
    stores, settings = services.stores, services.settings
    enter("reading")
    archive = read_archive(archive_path(settings, record.slug))
    if archive.manifest_sha256 != record.archive_hash:
        raise HailongError(
            f"the round {record.slug}: found an archive with manifest {archive.manifest_sha256[:12]}, "
            f"expected {(record.archive_hash or 'none')[:12]} as it was sealed"
        )
    hard_data = None if run.hard_source is None else parse_hard_data(run.hard_source, "hard.csv")
    enter("computing")
    edition = compute_edition(
        archive,
        number=run.number,
        published_on=today(),
        public_url=None,
        hard_data=hard_data,
        context=context_of_round(stores, settings, record),
    )
    enter("auditing")
    refuse_exposures(edition, (), weights_in_totals(archive))
    enter("examining")
    quality = examine_quality(archive)
    tables = {
        QUALITY_CSV: table_csv(quality.rows, QualityRow),
        GAPS_CSV: table_csv(quality.gaps, GapRow),
        SENSITIVITY_CSV: table_csv(quality.sensitivity, SensitivityRow),
        WEIGHTS_CSV: table_csv(unit_weights(archive), UnitWeightsRow),
        ESTIMATES_XLSX: estimates_xlsx(edition),
    }
    return edition, tables


def _forget_others(kept: Path) -> None:
    """The results of former runs are in nobody's way and on nobody's page."""
    for folder in kept.parent.iterdir():
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _write(stores: Stores, slug: str, mark: str, **values: object) -> None:
    def write(session: Session) -> None:
        session.execute(
            update(AnalysisRun).where(AnalysisRun.round_slug == slug, AnalysisRun.mark == mark).values(**values)
        )

    tell(stores, write, is_the_end="state" in values)


def _record_of(row: AnalysisRun) -> RunRecord:
    return RunRecord(
        slug=row.round_slug,
        mark=row.mark,
        state=state_of_work(row.state, row.seen, now()),
        stage=row.stage,
        started_by=row.started_by,
        began=row.began,
        seen=row.seen,
        number=row.number,
        manifest_hash=row.manifest_hash,
        figures_hash=row.figures_hash,
        complaint=row.complaint,
        complaint_kind=row.complaint_kind,
        hard_source=row.hard_source,
        approved_by=row.approved_by,
        approved_on=row.approved_on,
        note=row.note,
    )
