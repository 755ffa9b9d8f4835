"""The views of the unlinkability game: what lies on the table in front of an adversary.

V1 a dump after the seal; V2 also files, logs of the databases and hidden columns; V3 also every log and temporary
file; V4 also every backup of the round; V5 also the ballot key, as if it had not been destroyed. K is one backup of
the open round, and the ballot key.
"""

import base64
import binascii
import shutil
from collections.abc import Callable
from pathlib import Path

from analysis.archive import read_archive
from support.game import postgres_files, sqlite_files
from support.game.adversaries import ADVERSARIES
from support.game.cast import Answers, Respondent, vector_of
from support.game.knowledge import Arrival, Evidence, Final, Knowledge, Row
from support.game.play import SLUG, STORES, Table, read_backup, vault_of
from support.game.scoring import Score, score
from survey.codes import read_code
from survey.envelopes import EnvelopeError, open_ballot
from survey.round_records import find_round
from survey.sealing import archive_path
from survey.secrets import Secrets
from survey.storage.stores import open_stores

VIEWS = ("V1", "V2", "V3", "V4")
Opener = Callable[[bytes], str]
Scores = dict[str, dict[str, Score]]


def names_of(table: Table) -> dict[int, frozenset[bytes]]:
    """Everything that names each respondent's invitation: the code however it is spelled, tags, identifier, mark."""
    from sqlalchemy import select

    from survey.storage.frame import Invitation
    from survey.storage.sessions import reading

    secrets = Secrets(table.settings.secret_key)
    stores = open_stores(table.settings)
    try:
        with reading(stores.frame) as session:
            identifiers = dict(session.execute(select(Invitation.qr_tag, Invitation.id)).all())  # type: ignore[arg-type]
    finally:
        stores.close()
    found = {}
    for number, code in table.codes.items():
        spelled = [code.typed, code.typed.replace("-", ""), code.typed.lower(), code.qr]
        raw = [read[1] for read in (read_code(code.typed), read_code(code.qr)) if read is not None]
        tags = [secrets.invitation_tag(one) for one in raw]
        identifier = next(identifiers[tag] for tag in tags if tag in identifiers)
        nullifier = secrets.nullifier(SLUG, identifier)
        found[number] = frozenset([*(text.encode() for text in spelled), *raw, *tags, identifier, nullifier])
    return found


def knowledge_of(table: Table, seed: int) -> tuple[Knowledge, list[int]]:
    """What the adversary of a sealed round knows, and the truth: the place in the archive of each arrival's answers."""
    names = names_of(table)
    arrivals = [Arrival(person.answers.unit, names[person.number]) for person in table.arrived]
    responses = read_archive(archive_path(table.settings, SLUG)).contents.responses.to_pylist()
    final = []
    for row in responses:
        vector = vector_of(row)
        assert vector is not None, row
        final.append(Final(str(row["unit"]), vector, len(Answers("", vector, "").as_json())))
    return Knowledge(arrivals, final, seed), truth_of(table.arrived, final)


def truth_of(arrived: list[Respondent], final: list[Final]) -> list[int]:
    """The place in the archive of each arrival's answers."""
    place = {row.vector: position for position, row in enumerate(final)}
    return [place[person.answers.vector] for person in arrived]


def opener_of(table: Table) -> Opener:
    """Opens envelopes with the round's key; to be asked for before the key is destroyed."""
    private_key = vault_of(table.settings).unwrap(SLUG)
    stores = open_stores(table.settings)
    try:
        questionnaire_hash = find_round(stores, SLUG).questionnaire_hash
    finally:
        stores.close()

    def opened(envelope: bytes) -> str:
        try:
            return open_ballot(private_key, SLUG, questionnaire_hash, envelope).decode("utf-8")
        except EnvelopeError:
            return ""

    return opened


def look(table: Table, opener: Opener | None = None) -> dict[str, Evidence]:
    """The views of a sealed round; V5 and K only with the key."""
    views = {"V1": Evidence(rows=_dump(table))}
    views["V2"] = _more(views["V1"])
    _add_inside(table, views["V2"])
    views["V3"] = _more(views["V2"])
    views["V3"].logs = [*table.logs, *(file for file in table.settings.instance.rglob("*") if file.is_file())]
    views["V4"] = _more(views["V3"])
    for day in range(1, table.days + 1):
        _add_backup(table, day, views["V4"])
    if opener is not None:
        views["V5"] = _more(views["V4"])
        views["V5"].opener = opener
        last = table.folder / "backups" / f"day-{table.days}" / "hailong.zip"
        views["K"] = Evidence(rows=backup_rows(last, "backup", None), opener=opener)
    return views


def play_adversaries(evidence: Evidence, known: Knowledge, truth: list[int]) -> dict[str, Score | None]:
    """The best each adversary could do; None where its channel was closed and nothing was left but to guess."""
    found: dict[str, Score | None] = {}
    for row in evidence.rows:
        # Looked at once before anything else, so that rows can be told by the keys of others.
        known.answer_of(row, evidence.opener)
    for name, adversary in ADVERSARIES.items():
        scores = [score(known.completed(guess), truth) for guess in adversary(evidence, known)]
        found[name] = max(scores, key=lambda one: one.rate) if scores else None
    return found


def _more(view: Evidence) -> Evidence:
    return Evidence(list(view.rows), list(view.logs), list(view.streams), view.opener)


def _dump(table: Table) -> list[Row]:
    if table.server is not None:
        return postgres_files.dumped_rows(table.server, table.database, "dump")
    return _sqlite_rows(table, table.settings.instance, "dump", with_system=False)


def _sqlite_rows(table: Table, folder: Path, source: str, *, with_system: bool) -> list[Row]:
    # Looking changes what is looked at: a copy is opened.
    copy = table.folder / "looking"
    rows = []
    for store in STORES:
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in folder.glob(f"{store}.db*"):
            shutil.copy(file, copy / file.name)
        rows += sqlite_files.read_rows(copy / f"{store}.db", source, with_system=with_system)
    shutil.rmtree(copy, ignore_errors=True)
    return rows


def _add_inside(table: Table, evidence: Evidence) -> None:
    if table.server is not None:
        postgres_files.add_system(evidence, table.server, table.database, "system")
        return
    for folder, source in ((table.folder / "live", "live"), (table.settings.instance, "after")):
        evidence.rows += _sqlite_rows(table, folder, f"{source} system", with_system=True)
        for store in STORES:
            sqlite_files.add_files(evidence, folder / f"{store}.db", source)


def _add_backup(table: Table, day: int, evidence: Evidence) -> None:
    folder = table.folder / "backups" / f"day-{day}"
    evidence.rows += backup_rows(folder / "hailong.zip", f"backup {day}", day)
    if not (folder / "files").exists():
        return
    if table.server is None:
        for store in STORES:
            sqlite_files.add_files(evidence, folder / "files" / f"{store}.db", f"copy {day}")
        for row in _sqlite_rows(table, folder / "files", f"copy {day} system", with_system=True):
            row.marks["snapshot"] = day
            evidence.rows.append(row)
        return
    evidence.rows += postgres_files.read_dump(folder / "dump.sql", f"dump {day}", day)
    base = next((folder / "files" / "base").glob(postgres_files.database_number(table.server, table.database)))
    postgres_files.add_cluster(evidence, folder / "files", f"copy {day}", f"base/{base.name}")


def backup_rows(file: Path, source: str, day: int | None) -> list[Row]:
    """The rows of a backup in its own order, with bytes as bytes."""
    rows = []
    for name, records in read_backup(file).items():
        for position, record in enumerate(records):
            marks: dict[str, object] = {"position": position}
            if day is not None:
                marks["snapshot"] = day
            # The key first: identifiers come before everything else in none but our own order of columns.
            order = sorted(record, key=lambda column: (column not in ("id", "nullifier"), column))
            values = tuple(_from_json(record[column]) for column in order)
            rows.append(Row(source, name, values, marks))
    return rows


def _from_json(value: object) -> object:
    if isinstance(value, str) and len(value) >= 24 and len(value) % 4 == 0:
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
    return value
