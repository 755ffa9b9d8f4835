"""Proves that restored stores and folders belong together, and recomputes the last index from them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from survey.checking import CheckFinding, check_instance
from survey.rounds import RoundRecord, editions_of, list_rounds
from survey.settings import Settings
from survey.spool import FORGED_MARK
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores, open_stores
from survey.tallying import forged_ballots


def prove_instance(settings: Settings) -> tuple[CheckFinding, ...]:
    """Everything that `database check` looks at, each sealed round against its archive, and the last index recomputed.

    Reading an archive checks every hash and its signature. A round that was open in the backup is named: it is halted,
    because invitations that were used after the backup was made count as unused again.
    """
    findings = list(check_instance(settings))
    stores = open_stores(settings)
    try:
        rounds = list_rounds(stores)
        for record in rounds:
            findings += _prove_round(settings, stores, record)
        findings.append(_recompute_last_index(settings, stores, rounds))
    finally:
        stores.close()
    return tuple(findings)


def _prove_round(settings: Settings, stores: Stores, record: RoundRecord) -> Iterator[CheckFinding]:
    subject = f"round {record.slug}"
    if record.is_halted:
        found = f"halted since a restore: it takes no answer until `hailong round reconcile {record.slug}`"
        yield CheckFinding(subject, found, True)
    if record.state not in ("sealed", "published"):
        return
    from analysis.archive import read_archive
    from analysis.errors import AnalysisError

    try:
        archive = read_archive(_archive_of(settings, record))
    except AnalysisError as complaint:
        yield CheckFinding(f"{subject}, archive", str(complaint), False)
        return
    is_same = archive.manifest_sha256 == record.archive_hash
    found = (
        f"manifest sha256 {archive.manifest_sha256[:12]}, in the office store {(record.archive_hash or 'none')[:12]}"
    )
    yield CheckFinding(f"{subject}, archive", found, is_same)
    for edition in editions_of(stores, record.slug):
        path = _edition_of(settings, record, edition.number) / "edition.json"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"
        found = f"manifest sha256 {sha256[:12]}, in the office store {edition.manifest_hash[:12]}"
        yield CheckFinding(f"{subject}, edition {edition.number}", found, sha256 == edition.manifest_hash)
    if record.is_imported:
        return
    counts = archive.contents.counts
    with reading(stores.intake) as session:
        n_spent = session.scalar(select(func.count()).where(SpentInvitation.round_slug == record.slug))
        n_ballots = session.scalar(select(func.count()).where(Ballot.round_slug == record.slug))
    # Rows that were set aside as forged are still there: the stores only grow.
    expected = (counts.spent + counts.forged.get(FORGED_MARK, 0), counts.spooled + forged_ballots(counts))
    found = f"{n_spent} marks and {n_ballots} ballots in the intake store, {expected[0]} and {expected[1]} at sealing"
    yield CheckFinding(f"{subject}, counts", found, (n_spent, n_ballots) == expected)


def _recompute_last_index(settings: Settings, stores: Stores, rounds: tuple[RoundRecord, ...]) -> CheckFinding:
    published = [
        (edition.published_on, record.closes_on, record.slug, edition.number, record)
        for record in rounds
        for edition in editions_of(stores, record.slug)
    ]
    if not published:
        return CheckFinding("last index", "no round has been published yet: there is none to recompute", True)
    from analysis.errors import AnalysisError
    from analysis.release.verification import verify

    *_, number, record = max(published, key=lambda item: item[:4])
    subject = f"last index, edition {number} of {record.slug}"
    try:
        findings = verify(_edition_of(settings, record, number), _archive_of(settings, record))
    except AnalysisError as complaint:
        return CheckFinding(subject, str(complaint), False)
    if not findings:
        return CheckFinding(subject, "recomputed from the archive, every figure the same", True)
    first = findings[0]
    found = f"{len(findings)} differences, the first in {first.place}: found {first.found}, expected {first.expected}"
    return CheckFinding(subject, found, False)


def _edition_of(settings: Settings, record: RoundRecord, number: int) -> Path:
    return settings.instance / "editions" / record.slug / str(number)


def _archive_of(settings: Settings, record: RoundRecord) -> Path:
    return settings.instance / "archives" / record.slug
