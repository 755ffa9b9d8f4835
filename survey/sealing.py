"""Sealing: a closed round's ballots become one signed archive, and the key that opens them is destroyed.

Every step may be cut off. Until the archive has its name there is none, and sealing begins anew; once it has, sealing
again checks it and goes on from there. The key is destroyed only after the archive was read back from the disk.
"""

import secrets as randomness
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from analysis.archive import Archive, ArchiveContents, Counts, RoundFacts, read_archive, write_archive
from analysis.release.plan import parse_plan
from analysis.release.recompute import recompute_script
from analysis.release.round_design import parse_design
from analysis.release.sealed_design import sealed_design_source
from analysis.responses import tabulate_responses
from analysis.signatures import public_key_of
from questionnaires.model import Questionnaire
from survey.accounting import sealed_accounting
from survey.archiving import archive_units, by_place, previous_manifest, seal_rows, sealed_comments
from survey.custody import ballot_key
from survey.custody_record import custody_statement
from survey.deciding import decisions_of
from survey.errors import HailongError, StoreUnavailable, WrongState
from survey.invitations import invited_units
from survey.paper_tallies import erase_unfinished
from survey.questionnaire_library import questionnaire_source
from survey.round_records import RoundRecord, find_round, load_questionnaire_of, units_of_round
from survey.rounds import COMMAND_LINE, mark_sealed, refuse_step
from survey.secrets import Secrets
from survey.settings import Settings
from survey.shares import Share
from survey.spool import (
    InvitationCounts,
    OpenedSpool,
    Progress,
    count_ballots,
    count_invitations,
    count_own_ballots,
    open_spool,
)
from survey.storage.audit import record_event
from survey.storage.office import AuditEvent
from survey.storage.sessions import writing
from survey.storage.stores import Stores, open_engine
from survey.tallying import forged_ballots, tally
from survey.vault import KeyVault, fingerprint

# No plan may publish cells that are smaller than this: it is what the notice promises.
FEWEST_IN_A_CELL = 10
KEY_DESTROYED = "round.ballot_key_destroyed"


@dataclass(frozen=True, slots=True)
class SealedRound:
    """A sealed round: where its archive is and what its signed manifest says."""

    slug: str
    path: Path
    manifest: Mapping[str, object]
    manifest_sha256: str
    counts: Counts
    was_sealed_before: bool


def archive_path(settings: Settings, slug: str) -> Path:
    """Where a round's archive is, or will be."""
    return settings.instance / "archives" / slug


def seal_round(
    stores: Stores,
    secrets: Secrets,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    progress: Progress | None = None,
    *,
    shares: Sequence[Share] = (),
    actor: str = COMMAND_LINE,
) -> SealedRound:
    """The round with its archive written, read back and signed, and its ballot key destroyed: all of it, or nothing.

    A round whose key is in custody needs the `shares` of enough custodians; what is destroyed then is up to them. A
    round that is sealed already is left as it is. `progress` is told the step, how much of it is done and of how
    much. Raises NotFound or WrongState for the round, StoreUnavailable, HailongError when the counts do not add up,
    ArchiveError when what is on the disk is not what was sealed, ShareError for shares that do not give the key; the
    ballots and their key are then as they were.
    """
    tell = progress or (lambda step, done, total: None)
    record = find_round(stores, slug)
    path = archive_path(settings, slug)
    if record.state in ("sealed", "published"):
        return _sealed(slug, path, read_archive(path), was_sealed_before=True)
    refuse_step(record, "seal")
    # A server's own stores may add ballots and read none; the right to read them is taken for this work alone.
    intake = open_engine(settings.intake_url, "intake")
    try:
        archive = _found_archive(intake, secrets, vault, record, path) if path.exists() else None
        if archive is None:
            archive = _write(replace(stores, intake=intake), secrets, vault, record, path, tell, shares, actor)
            _refuse_late_ballots(intake, secrets, record, archive, path)
    except SQLAlchemyError:
        # The driver's own message may quote a row, so nothing of it goes along.
        raise StoreUnavailable(
            f"the round {slug}: a store does not answer, or does not let this server read ballots; nothing was sealed"
        ) from None
    finally:
        intake.dispose()
    if record.custody is None:
        tell("destroy", 0, 1)
    _destroy_key(stores, vault, record, actor)
    erase_unfinished(stores, slug, actor=actor)
    tell("record", 0, 1)
    counts = archive.contents.counts
    n_rejected = sum(counts.rejected.values())
    try:
        mark_sealed(
            stores,
            slug,
            archive_hash=archive.manifest_sha256,
            n_sealed=counts.sealed,
            n_rejected=n_rejected,
            actor=actor,
        )
    except WrongState:
        # Somebody else who sealed the same archive was quicker with the last step.
        if find_round(stores, slug).archive_hash != archive.manifest_sha256:
            raise
    _remove_drafts(path)
    tell("record", 1, 1)
    return _sealed(slug, path, archive, was_sealed_before=False)


def _write(
    stores: Stores,
    secrets: Secrets,
    vault: KeyVault,
    record: RoundRecord,
    path: Path,
    tell: Progress,
    shares: Sequence[Share],
    actor: str,
) -> Archive:
    """The archive as it was read back after writing."""
    tell("unlock", 0, 1)
    private_key = ballot_key(stores, vault, record, shares, actor=actor)
    comments_key = _comments_key(vault, record)
    signer = vault.signer()
    contents = _contents(stores, secrets, private_key, comments_key, record, tell)
    contents = replace(contents, custody=custody_statement(record, shares))
    tell("write", 0, 1)
    write_archive(contents, path, signer)
    tell("check", 0, 1)
    archive = read_archive(path)
    if not archive.contents.responses.equals(contents.responses) or archive.contents.counts != contents.counts:
        raise HailongError(f"{path}: what was read back is not what was written; the ballots and their key are kept")
    return archive


def _contents(
    stores: Stores,
    secrets: Secrets,
    private_key: ec.EllipticCurvePrivateKey,
    comments_key: bytes,
    record: RoundRecord,
    tell: Progress,
) -> ArchiveContents:
    """What goes into the archive: the ballots opened, coarsened, relabelled and shuffled."""
    slug = record.slug
    questionnaire = load_questionnaire_of(stores, record)
    plan = parse_plan(record.plan_source, f"plan of the round {slug}")
    design = parse_design(record.design_source, f"design of the round {slug}")
    invitations, opened = InvitationCounts(), OpenedSpool()
    # The table is handed on and not kept here: a million responses take hundreds of megabytes, and sealing copies them.
    sealed = seal_rows(
        _opened_rows(stores, secrets, private_key, record, questionnaire, invitations, opened, tell),
        design,
        max(plan.coarsening_k, FEWEST_IN_A_CELL),
        plan.coarsening_steps,
    )
    if sealed.coarsened.dropped:
        opened.rejected["cell_too_small"] += sealed.coarsened.dropped
    comments = sealed.kept_comments(opened.comments)
    decisions = decisions_of(stores, slug)
    found = tally(slug, invitations, opened, decisions)
    contents = ArchiveContents(
        facts=_facts(record),
        questionnaire_source=questionnaire_source(stores, record.questionnaire_reference),
        plan_source=record.plan_source,
        design_source=sealed_design_source(
            design, record.design_source, sealed.coarsened, by_place(found.issued), by_place(sealed.returned)
        ),
        units=archive_units(units_of_round(stores, record)),
        responses=sealed.coarsened.table,
        comments=sealed_comments(comments, comments_key, slug) if comments else None,
        comment_count=len(comments),
        counts=found.counts(sealed.returned.total(), opened.rejected),
        coarsening=sealed.coarsened.record,
        previous_manifest=previous_manifest(stores, slug),
        module_sources=tuple(questionnaire_source(stores, module) for module in record.module_references),
        accounting=sealed_accounting(invited_units(stores, record), design, found.issued, found.spent, sealed.returned),
        decisions=tuple(
            decision.statement()
            for decision in decisions
            if decision.kind == "reconciled" or decision is found.decision
        ),
    )
    return replace(contents, recompute=recompute_script(contents, questionnaire))


def _opened_rows(
    stores: Stores,
    secrets: Secrets,
    private_key: ec.EllipticCurvePrivateKey,
    record: RoundRecord,
    questionnaire: Questionnaire,
    invitations: InvitationCounts,
    opened: OpenedSpool,
    tell: Progress,
) -> pa.Table:
    """The responses in the spool, before anything is coarsened; the counts go into `invitations` and `opened`."""
    with _snapshot(stores.intake) as session:
        count_invitations(stores, secrets, session, record, invitations)
        n_rows = count_ballots(session, record.slug)
        rows = open_spool(
            session, secrets, private_key, record, questionnaire, invitations.issued, opened, n_rows, tell
        )
        table = tabulate_responses(questionnaire, rows)
    _refuse_strange_key(record, opened)
    tally(record.slug, invitations, opened, decisions_of(stores, record.slug))
    tell("coarsen", 0, 1)
    return table


def _comments_key(vault: KeyVault, record: RoundRecord) -> bytes:
    """What the free texts are encrypted to.

    Custodians seal what a backup brought back where the machine with its vault is lost: their round has to go on, and
    its free texts can be read by whoever finds a copy of that vault.
    """
    name = f"{record.slug}.comments"
    if record.custody is not None and record.comments_public_key is not None and not vault.has(name):
        return record.comments_public_key
    return vault.public_key(name)


def _found_archive(
    intake: Engine, secrets: Secrets, vault: KeyVault, record: RoundRecord, path: Path
) -> Archive | None:
    """The whole archive that an earlier, interrupted sealing left; None when it has to be written anew."""
    archive, slug = read_archive(path), record.slug
    if archive.contents.facts.slug != slug or public_key_of(archive.manifest) != vault.signer().public_key:
        raise WrongState(f"{path}: found an archive that this office did not write for the round {slug}, expected none")
    if vault.is_destroyed(slug):
        return archive
    if _n_ballots_now(intake, secrets, record, archive) == archive.contents.counts.spooled:
        return archive
    # Ballots came in after that archive was written, by requests that had begun before the round was closed.
    _discard(path)
    return None


def _refuse_late_ballots(intake: Engine, secrets: Secrets, record: RoundRecord, archive: Archive, path: Path) -> None:
    n_spooled = _n_ballots_now(intake, secrets, record, archive)
    if n_spooled != archive.contents.counts.spooled:
        _discard(path)
        raise WrongState(
            f"the round {record.slug}: found {n_spooled} ballots after the sealing and "
            f"{archive.contents.counts.spooled} before it, expected as many; nothing was sealed, seal it again"
        )


def _n_ballots_now(intake: Engine, secrets: Secrets, record: RoundRecord, archive: Archive) -> int:
    """How many ballots of ours are in the spool. Rows are counted first; only where there are others, tags are read."""
    counts = archive.contents.counts
    with _snapshot(intake) as session:
        if count_ballots(session, record.slug) == counts.spooled + forged_ballots(counts):
            return counts.spooled
        return count_own_ballots(session, secrets, record)


def _remove_drafts(path: Path) -> None:
    """What sealings that were cut off in their writing have left: answers in the clear that nobody will miss."""
    for draft in path.parent.glob(f".{path.name}.*"):
        shutil.rmtree(draft, ignore_errors=True)


def _discard(path: Path) -> None:
    # Out of its name first, so that what a crash leaves is never taken for the archive.
    aside = path.with_name(f".{path.name}.{randomness.token_hex(8)}")
    path.rename(aside)
    shutil.rmtree(aside)


def _refuse_strange_key(record: RoundRecord, opened: OpenedSpool) -> None:
    # One ballot that does not open is rejected; a whole round that does not is a mistake of ours, and its key is kept.
    if opened.n_ballots and opened.rejected["undecryptable"] == opened.n_ballots:
        raise HailongError(
            f"the round {record.slug}: none of its {opened.n_ballots} ballots opens with its key; nothing was sealed"
        )


def _snapshot(engine: Engine) -> Session:
    """A session whose every look sees the same state: SQLite's transactions are so, PostgreSQL has to be asked."""
    if engine.dialect.name == "postgresql":
        return Session(engine.execution_options(isolation_level="REPEATABLE READ"))
    return Session(engine)


def _facts(record: RoundRecord) -> RoundFacts:
    return RoundFacts(
        slug=record.slug,
        title=record.title,
        opens_on=record.opens_on,
        closes_on=record.closes_on,
        issuer=record.issuer,
        decision=record.decision,
        hotline=record.hotline,
        collected=record.collected,
    )


def _destroy_key(stores: Stores, vault: KeyVault, record: RoundRecord, actor: str) -> None:
    """The ballot key is gone, and the audit log says so once, however often sealing was cut off here.

    A key in custody was never in the vault; its end is that of its custodians' shares.
    """
    if record.custody is not None:
        return
    key = fingerprint(record.ballot_public_key) if record.ballot_public_key else "unknown"
    subject = f"{record.slug} key {key}"
    with writing(stores.office) as session:
        query = select(AuditEvent.id).where(AuditEvent.action == KEY_DESTROYED, AuditEvent.subject == subject)
        if session.scalars(query).first() is None:
            record_event(session, actor, KEY_DESTROYED, subject)
        vault.destroy(record.slug)


def _sealed(slug: str, path: Path, archive: Archive, *, was_sealed_before: bool) -> SealedRound:
    return SealedRound(
        slug=slug,
        path=path,
        manifest=archive.manifest,
        manifest_sha256=archive.manifest_sha256,
        counts=archive.contents.counts,
        was_sealed_before=was_sealed_before,
    )
