"""What is on record of custody: in an archive's manifest, and of the end of the shares in a file beside the archive."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from analysis.archive import MANIFEST
from analysis.release.verification import Verification
from analysis.sealed_folders import Finding, sha256_hex
from analysis.signatures import public_key_of, signature_complaint, signed
from survey.custody import COMMAND_LINE, UNSEALED, custodian_name, custody_of, listed
from survey.errors import BadInput, NotFound, WrongState
from survey.plain_files import read_plain_file
from survey.round_records import Custody, RoundRecord, find_round
from survey.settings import Settings
from survey.shares import Share
from survey.storage.audit import record_event
from survey.storage.office import AuditEvent, Custodian
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.vault import KeyVault, fingerprint, write_record
from survey.viet_nam import VIET_NAM

DAYS_TO_DESTROY = 7
SUFFIX = ".custody.json"
LARGEST_RECORD = 64_000
LARGEST_MANIFEST = 50_000_000


@dataclass(frozen=True, slots=True)
class CustodyStatus:
    """A round's custody as people ask for it. `sealed_on` is None until the round is sealed."""

    record: RoundRecord
    custody: Custody
    sealed_on: date | None

    @property
    def destroy_by(self) -> date | None:
        """The last day on which a share should still exist."""
        return self.sealed_on + timedelta(days=DAYS_TO_DESTROY) if self.sealed_on else None


def custody_statement(record: RoundRecord, shares: Sequence[Share]) -> dict[str, object]:
    """What an archive's manifest says of the key that its ballots were sealed to, and of that key's end."""
    if record.custody is None:
        return {
            "mode": "machine",
            "key": record.key_fingerprint,
            "destruction": {"what": "the wrapped key", "when": "before the round counts as sealed"},
        }
    return {
        "mode": "shares",
        "key": record.key_fingerprint,
        "need": record.custody.need,
        "custodians": [
            {
                "number": custodian.number,
                "name": custodian.name,
                "share": fingerprint(custodian.share_key),
                "tried_on": custodian.tried_on.isoformat() if custodian.tried_on else None,
            }
            for custodian in record.custody.custodians
        ],
        "opened_by": sorted(share.number for share in shares),
        "destruction": {
            "what": "the custodians' shares; the whole key is in no file",
            "within_days": DAYS_TO_DESTROY,
            "record": record.slug + SUFFIX,
        },
    }


def record_destruction(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    custodian: str,
    today: date,
    *,
    actor: str = COMMAND_LINE,
) -> CustodyStatus:
    """The custody after a custodian said that every copy of a share is destroyed; said once more, nothing changes.

    The signed record beside the archive says the same. Raises NotFound, or WrongState while the round is not sealed: a
    share that is destroyed before is one that sealing may lack.
    """
    record = find_round(stores, slug)
    custody = custody_of(record)
    if record.state in UNSEALED:
        raise WrongState(f"the round {slug} is {record.state}; its shares are needed until it is sealed")
    wanted = custodian_name(custodian)
    found = next((known for known in custody.custodians if known.name == wanted), None)
    if found is None:
        raise NotFound(f"the round {slug}: found no custodian “{wanted}”, expected one of {listed(custody)}")
    with writing(stores.office) as session:
        row = session.get(Custodian, (slug, found.number), with_for_update=True)
        if row is not None and row.destroyed_on is None:
            row.destroyed_on = today
            record_event(session, actor, "round.share_destroyed", f"{slug} share {found.number} {found.name}")
    _write_record(vault, settings, find_round(stores, slug))
    return custody_status(stores, slug)


def custody_status(stores: Stores, slug: str) -> CustodyStatus:
    """Who holds the shares of a round's key and what became of them; WrongState where the machine holds the key."""
    record = find_round(stores, slug)
    custody = custody_of(record)
    sealed_on = None
    if record.archive_hash is not None:
        subject = f"{slug} archive {record.archive_hash}"
        query = select(AuditEvent.at).where(AuditEvent.action == "round.sealed", AuditEvent.subject == subject).limit(1)
        with reading(stores.office) as session:
            moment = session.scalars(query).first()
            sealed_on = moment.astimezone(VIET_NAM).date() if moment is not None else None
    return CustodyStatus(record, custody, sealed_on)


def record_path(settings: Settings, slug: str) -> Path:
    """Where the signed record of a sealed round's shares is."""
    return settings.instance / "archives" / (slug + SUFFIX)


def examine_record(path: Path, trusted_key: bytes | None = None) -> Verification:
    """What is wrong with the record of a round's shares, held against the archive that lies beside it.

    `trusted_key` must have signed where it is given. Raises BadInput when the file is no such record.
    """
    try:
        record = json.loads(read_plain_file(path, LARGEST_RECORD))
        shares, need, slug = record["shares"], int(record["need"]), str(record["round"])
        n_left = sum(share["destroyed_on"] is None for share in shares)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{path}: found another kind of file, expected the record of a round's shares") from None
    findings = []
    complaint = signature_complaint(record, trusted_key)
    if complaint:
        findings.append(Finding(f"{path.name}, signature", complaint, "the signature of the office that sealed it"))
    if record.get("key_is_gone") is not (n_left < need):
        findings.append(Finding(f"{path.name}, key_is_gone", str(record.get("key_is_gone")), str(n_left < need)))
    notes = [f"{len(shares) - n_left} of {len(shares)} shares are said to be destroyed, {need} of them gave the key"]
    manifest = path.parent / slug / MANIFEST
    if path.name != slug + SUFFIX or not manifest.is_file():
        return Verification("custody", path, tuple(findings), (*notes, "its archive does not lie beside it"))
    findings += _differences(path.name, record, read_plain_file(manifest, LARGEST_MANIFEST))
    return Verification("custody", path, tuple(findings), tuple(notes))


def _differences(name: str, record: Mapping[str, object], source: bytes) -> list[Finding]:
    """Where a record does not go with an archive's manifest."""
    found = sha256_hex(source)
    if record.get("archive_manifest_sha256") != found:
        return [
            Finding(f"{name}, archive", str(record.get("archive_manifest_sha256")), f"{found} as the archive has it")
        ]
    manifest = json.loads(source)
    stated = manifest.get("custody", {})
    pairs = {
        "signature": (public_key_of(record), public_key_of(manifest)),
        "key": (record.get("key"), stated.get("key")),
        "need": (record.get("need"), stated.get("need")),
        "shares": (_held(record.get("shares"), "custodian"), _held(stated.get("custodians"), "name")),
    }
    return [
        Finding(f"{name}, {part}", "another than the archive's", f"what {MANIFEST} says")
        for part, (here, there) in pairs.items()
        if here != there
    ]


def _held(entries: object, called: str) -> list[tuple[object, ...]]:
    rows = entries if isinstance(entries, list) else []
    return [(row.get("number"), row.get(called), row.get("share")) for row in rows if isinstance(row, dict)]


def _write_record(vault: KeyVault, settings: Settings, record: RoundRecord) -> None:
    custody = custody_of(record)
    body: Mapping[str, object] = {
        "custody": 1,
        "round": record.slug,
        "archive_manifest_sha256": record.archive_hash,
        "key": record.key_fingerprint,
        "need": custody.need,
        "shares": [
            {
                "number": custodian.number,
                "custodian": custodian.name,
                "share": fingerprint(custodian.share_key),
                "destroyed_on": custodian.destroyed_on.isoformat() if custodian.destroyed_on else None,
            }
            for custodian in custody.custodians
        ],
        "key_is_gone": custody.n_to_destroy == 0,
    }
    write_record(record_path(settings, record.slug), signed(body, vault.signer()), replace=True)
