"""What many tests begin with, made once a process: the rows and the files that a set-up puts into an embedded instance.

A round that is opened stretches two passphrases, reads its questionnaire and commits a dozen times. The next test that
begins with the same rows and asks for the same set-up is given a copy of what the first one was given.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from survey.settings import Settings

STORES = ("office", "frame", "intake")
# Of the first page of a SQLite file: how often the file was changed, and by which version.
_COUNTERS = (slice(24, 28), slice(92, 100))


@dataclass(frozen=True, slots=True)
class _Kept:
    rows: dict[str, sqlite3.Connection]
    files: dict[Path, tuple[int, bytes]]


_KEPT: dict[Hashable, _Kept] = {}


def begin_with(what: Hashable, settings: Settings, fill: Callable[[], object]) -> None:
    """Fill the instance as `fill` does, whose work `what` names in full; in PostgreSQL it is always done anew."""
    if not settings.is_embedded:
        fill()
        return
    before = dict(_files(settings.instance))
    key = (what, settings.secret_key, settings.passphrase_file.read_bytes(), _digest(settings))
    if key in _KEPT:
        _copy(_KEPT[key], settings)
        return
    fill()
    added = {path: kept for path, kept in _files(settings.instance) if before.get(path) != kept}
    _KEPT[key] = _Kept({name: _read(settings, name) for name in STORES}, added)


def _open(settings: Settings, name: str) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(settings.instance / f"{name}.db"))


def _files(instance: Path) -> Iterator[tuple[Path, tuple[int, bytes]]]:
    databases = tuple(f"{name}.db" for name in STORES)
    for path in instance.rglob("*"):
        if path.is_file() and not path.name.startswith(databases):
            yield path.relative_to(instance), (path.stat().st_mode & 0o777, path.read_bytes())


def _digest(settings: Settings) -> str:
    """A digest of every row of the instance, and of the order in which they lie."""
    found = hashlib.sha256()
    for name in STORES:
        with _open(settings, name) as connection:
            pages = bytearray(connection.serialize())
        for place in _COUNTERS:
            pages[place] = bytes(place.stop - place.start)
        found.update(pages)
    return found.hexdigest()


def _read(settings: Settings, name: str) -> sqlite3.Connection:
    kept = sqlite3.connect(":memory:")
    with _open(settings, name) as connection:
        connection.backup(kept)
    return kept


def _copy(kept: _Kept, settings: Settings) -> None:
    for path, (mode, content) in kept.files.items():
        target = settings.instance / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
    for name, rows in kept.rows.items():
        with _open(settings, name) as connection:
            rows.backup(connection)
