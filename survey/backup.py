"""Backups: one file that holds the three stores and the sealed folders, and never a key."""

import hashlib
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from survey.errors import BadInput, HailongError, WrongState
from survey.reconciling import halt_restored_rounds
from survey.settings import Settings
from survey.storage.dumping import (
    TableDigest,
    begin_snapshot,
    count_rows,
    digest_of,
    dump_lines,
    load_lines,
    tables_of,
)
from survey.storage.instance_key import fingerprint_of
from survey.storage.lineages import LINEAGES, Lineage
from survey.storage.office import InstanceKey, OfficerSession
from survey.storage.stores import Stores, open_stores
from survey.storage.upgrading import upgrade_stores

FORMAT = "hailong backup 1"
CONTENTS = "backup.json"
LARGEST_CONTENTS = 64_000_000
# Longer than any row with its sources.
LONGEST_LINE = 64_000_000
SEALED_FOLDERS = ("archives", "editions", "previews")
# Every entry bears the same moment, so that the same stores make the same file.
EPOCH = (1980, 1, 1, 0, 0, 0)
# No part begins with a dot, so that no path leads out of the instance.
SAFE_PATH = re.compile(r"(archives|editions|previews)(/[^./\\\x00-\x1f][^/\\\x00-\x1f]*)+")

OTHER_KEY = (
    "the secret key here is not the one the backup was made under: until that one is put back, "
    "no invitation printed before is valid"
)
HALTED = (
    "the round {slug} is halted: invitations used since the backup count as unused again, and their ballots are gone; "
    "who answers for its going on says so: hailong round reconcile {slug} --decision TEXT --by NAME"
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WrittenBackup:
    """A backup that was written: the SHA-256 of its file and the rows of each table."""

    sha256: str
    n_rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """A backup that was brought back: its contents, and sentences for the operator."""

    n_rows: dict[str, int]
    n_files: int
    sha256: str
    notes: tuple[str, ...]


def write_backup(settings: Settings, stores: Stores, file: Path, progress: Progress = lambda _: None) -> WrittenBackup:
    """A new file with everything but the keys, taken while the work goes on.

    Each store is read as one state. The intake store is read first and the office last, so that no mark of a used
    invitation is without its invitation and no ballot without its round. Raises BadInput when the file exists or
    cannot be written; nothing is left behind then.
    """
    if os.path.lexists(file):
        raise BadInput(f"{file}: found a file already, expected the name of a new one")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as refusal:
        raise BadInput(f"{file}: cannot be written ({refusal.strerror}), expected a folder that can") from None
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            digests = _write_zip(settings, stores, stream, progress)
            stream.flush()
            os.fsync(stream.fileno())
            stream.seek(0)
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        os.link(draft, file)
    except FileExistsError:
        raise BadInput(f"{file}: found a file already, expected the name of a new one") from None
    except OSError as refusal:
        raise HailongError(f"{file}: the backup could not be written: {refusal.strerror}") from None
    finally:
        draft.unlink()
    return WrittenBackup(sha256, {name: digest.n_rows for name, digest in digests.items()})


def _write_zip(settings: Settings, stores: Stores, stream: IO[bytes], progress: Progress) -> dict[str, TableDigest]:
    digests: dict[str, TableDigest] = {}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for lineage in reversed(LINEAGES):
            with stores.engine(lineage.store).connect() as connection:
                begin_snapshot(connection)
                for table in tables_of(lineage):
                    name = f"{lineage.store}/{table.name}"
                    progress(f"reading {name}")
                    digests[name] = _write_table(archive, f"{name}.jsonl", dump_lines(connection, table))
        files = {}
        for path in _sealed_files(settings.instance):
            name = path.relative_to(settings.instance).as_posix()
            progress(f"reading {name}")
            files[name] = _write_file(archive, name, path)
        contents = {
            "format": FORMAT,
            "revisions": {lineage.store: lineage.head for lineage in LINEAGES},
            "key_fingerprint": fingerprint_of(settings.secret_key),
            "tables": {name: asdict(digest) for name, digest in sorted(digests.items())},
            "files": files,
        }
        with archive.open(zipfile.ZipInfo(CONTENTS, EPOCH), "w") as entry:
            entry.write(json.dumps(contents, indent=1, sort_keys=True).encode())
    return digests


def _write_table(archive: zipfile.ZipFile, name: str, lines: Iterator[bytes]) -> TableDigest:
    digest = hashlib.sha256()
    n_rows = 0
    with archive.open(_entry(name), "w", force_zip64=True) as entry:
        for line in lines:
            digest.update(line)
            entry.write(line)
            n_rows += 1
    return TableDigest(n_rows, digest.hexdigest())


def _write_file(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as entry:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            entry.write(chunk)
    return digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _sealed_files(instance: Path) -> list[Path]:
    # A folder whose name begins with a dot is one in the making; it is written again or never finished.
    return sorted(
        path
        for folder in SEALED_FOLDERS
        for path in (instance / folder).rglob("*")
        if path.is_file() and not path.is_symlink() and SAFE_PATH.fullmatch(path.relative_to(instance).as_posix())
    )


def restore_backup(settings: Settings, file: Path, progress: Progress = lambda _: None) -> RestoredBackup:
    """The stores and the sealed folders as the backup has them; every table and file was compared with its digest.

    All of it or nothing: the stores must be empty, and they are committed only when everything in them is proved to be
    what the backup holds. Rounds that may have taken answers since are halted. Raises BadInput for a file that is no
    whole backup and WrongState for stores with rows.
    """
    try:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            with zipfile.ZipFile(stream) as archive:
                contents = _contents(archive, file)
                _refuse_more_than_fits(archive, contents, file, settings.instance)
                upgrade_stores(settings)
                return _restore(settings, archive, contents, sha256, progress)
    except OSError as refusal:
        raise BadInput(f"{file}: found no readable file ({refusal.strerror or refusal}), expected a backup") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, ValueError, KeyError) as complaint:
        raise BadInput(f"{file}: found a damaged backup ({complaint}), expected a whole one") from None
    except SQLAlchemyError as failure:
        cause = str(getattr(failure, "orig", None) or type(failure).__name__).splitlines()[0]
        raise HailongError(f"{file}: a store did not take the backup's rows: {cause}") from None


def _contents(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    if CONTENTS not in archive.namelist() or archive.getinfo(CONTENTS).file_size > LARGEST_CONTENTS:
        raise BadInput(f"{file}: found no {CONTENTS} in it, expected a file that `hailong database backup` wrote")
    contents = json.loads(archive.read(CONTENTS))
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise BadInput(f"{file}: found another kind of file, expected {FORMAT!r}")
    heads = {lineage.store: lineage.head for lineage in LINEAGES}
    if contents["revisions"] != heads:
        raise BadInput(
            f"{file}: found stores at the revisions {contents['revisions']}, expected {heads}: "
            "restore it with the version of hailong that wrote it, and upgrade then"
        )
    names = {f"{lineage.store}/{table.name}" for lineage in LINEAGES for table in tables_of(lineage)}
    if contents["tables"].keys() != names:
        raise BadInput(
            f"{file}: found the tables {', '.join(sorted(contents['tables']))}, expected {', '.join(sorted(names))}"
        )
    for name in contents["files"]:
        if not SAFE_PATH.fullmatch(name):
            raise BadInput(
                f"{file}: found the file name {name[:80]!r} in it, expected one below archives, editions or previews"
            )
    return contents


def _refuse_more_than_fits(archive: zipfile.ZipFile, contents: dict[str, Any], file: Path, instance: Path) -> None:
    # Sealed folders are unpacked beside the files of the instance; rows go to the databases one by one.
    n_parts = 1 + len(contents["tables"]) + len(contents["files"])
    if len(archive.infolist()) != n_parts:
        raise BadInput(f"{file}: found {len(archive.infolist())} files packed in it, expected the {n_parts} it names")
    unfolded = sum(archive.getinfo(name).file_size for name in contents["files"])
    free = shutil.disk_usage(instance).free
    if unfolded > free:
        raise BadInput(f"{file}: found sealed folders of {unfolded:,} bytes, expected at most the {free:,} free here")


def _restore(
    settings: Settings, archive: zipfile.ZipFile, contents: dict[str, Any], sha256: str, progress: Progress
) -> RestoredBackup:
    stores = open_stores(settings)
    draft = settings.instance / f".restore.{secrets.token_hex(8)}"
    try:
        with ExitStack() as transactions:
            connections = {
                lineage.store: transactions.enter_context(
                    stores.engine(lineage.store).execution_options(sqlite_begin="IMMEDIATE").begin()
                )
                for lineage in LINEAGES
            }
            for lineage in LINEAGES:
                _refuse_rows(connections[lineage.store], lineage)
            _refuse_folders(settings.instance)
            for lineage in LINEAGES:
                _fill(connections[lineage.store], lineage, archive, contents, progress)
            _unpack(archive, contents["files"], draft)
            _remember_this_key(connections["office"], settings.secret_key)
            # Who signed out since the backup was made has signed out.
            connections["office"].execute(delete(OfficerSession))
            halted = halt_restored_rounds(connections["office"], sha256, lambda slug: _has_key(settings, slug))
            for folder in SEALED_FOLDERS:
                if (draft / folder).exists():
                    # A rename takes the place of an empty folder, and of no other.
                    (draft / folder).rename(settings.instance / folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        stores.close()
    is_same_key = contents["key_fingerprint"] == fingerprint_of(settings.secret_key)
    notes = (*(() if is_same_key else (OTHER_KEY,)), *(HALTED.format(slug=slug) for slug in halted))
    n_rows = {name: int(digest["n_rows"]) for name, digest in contents["tables"].items()}
    return RestoredBackup(n_rows, len(contents["files"]), sha256, notes)


def _has_key(settings: Settings, slug: str) -> bool:
    # A round that custodians hold has its key for comments alone; both are made when a round opens.
    return any((settings.instance / "keys" / f"{name}.json").exists() for name in (slug, f"{slug}.comments"))


def _refuse_rows(connection: Connection, lineage: Lineage) -> None:
    for table in tables_of(lineage):
        # The upgrade that has just made the tables noted this instance's own key.
        if table is InstanceKey.__table__:
            continue
        n_rows = count_rows(connection, table)
        if n_rows:
            raise WrongState(
                f"the {lineage.store} store: found {n_rows} rows in {table.name}, expected empty stores to restore into"
            )


def _refuse_folders(instance: Path) -> None:
    for folder in SEALED_FOLDERS:
        if (instance / folder).exists() and any((instance / folder).iterdir()):
            raise WrongState(f"{instance / folder}: found files, expected no folder to restore into")


def _fill(
    connection: Connection, lineage: Lineage, archive: zipfile.ZipFile, contents: dict[str, Any], progress: Progress
) -> None:
    for table in tables_of(lineage):
        name = f"{lineage.store}/{table.name}"
        progress(f"writing {name}")
        if table is InstanceKey.__table__:
            connection.execute(delete(InstanceKey))
        with archive.open(f"{name}.jsonl") as lines:
            # A longer line is cut, which makes it no row of the table.
            load_lines(connection, table, iter(partial(lines.readline, LONGEST_LINE), b""))
        found, expected = digest_of(connection, table), TableDigest(**contents["tables"][name])
        if found != expected:
            raise HailongError(
                f"{name}: found {found.n_rows} rows with sha256 {found.sha256[:12]} after restoring, "
                f"expected {expected.n_rows} with {expected.sha256[:12]}; nothing was kept"
            )


def _unpack(archive: zipfile.ZipFile, files: dict[str, str], draft: Path) -> None:
    for name, expected in files.items():
        target = draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with archive.open(name) as source, target.open("wb") as copy:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        if digest.hexdigest() != expected:
            raise HailongError(
                f"{name}: found sha256 {digest.hexdigest()[:12]}, expected {expected[:12]}; nothing was kept"
            )


def _remember_this_key(office: Connection, secret_key: bytes) -> None:
    # Both keys may open the restored stores: this instance's own, and the one whose codes are on paper.
    fingerprint = fingerprint_of(secret_key)
    query = select(InstanceKey.fingerprint).where(InstanceKey.fingerprint == fingerprint)
    if office.execute(query).first() is None:
        office.execute(insert(InstanceKey).values(fingerprint=fingerprint))
