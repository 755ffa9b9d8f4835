"""A backup holds everything but the keys, and comes back whole or not at all."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from support.audit_rows import disarm_audit_log
from support.beginnings import begin_with
from support.command_line import RunHailong, environment_of_settings, run
from support.rounds import SLUG, Collection, open_collection
from support.stores import ENGINES, LazyServer, settings_in
from support.ways_in import way_in
from survey.backup import CONTENTS, restore_backup, write_backup
from survey.checking import check_instance
from survey.errors import BadInput, HailongError, WrongState
from survey.proving import prove_instance
from survey.rounds import close_round, find_round, round_status
from survey.sealing import seal_round
from survey.settings import Settings
from survey.storage.audit import broken_links, record_event
from survey.storage.dumping import digest_of, tables_of
from survey.storage.lineages import LINEAGES
from survey.storage.office import OfficerSession, RecoveryCode
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores, open_stores


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    """An open round with twelve codes a unit, all but one of them used."""
    collection = open_collection(settings, stores, tmp_path)

    def answer() -> None:
        for unit in ("phuong-a", "xa-b"):
            for code in collection.codes(unit, 12)[1:]:
                collection.send(unit, code.typed, say="Cảm ơn")

    begin_with("all but two of 24 codes used", settings, answer)
    return collection


@pytest.fixture
def sealed(collection: Collection) -> Collection:
    def seal() -> None:
        close_round(collection.stores, SLUG)
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)

    begin_with("sealed", collection.settings, seal)
    return collection


def empty_instance(path: Path, engine: str, server: LazyServer) -> Settings:
    return settings_in(path, server.get().url(server.new_database()) if engine == "postgresql" else None)


def digests(stores: Stores) -> dict[str, object]:
    found = {}
    for lineage in LINEAGES:
        with stores.engine(lineage.store).connect() as connection:
            found |= {table.name: digest_of(connection, table) for table in tables_of(lineage)}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("target_engine", ENGINES)
def test_everything_comes_back_on_either_engine(
    sealed: Collection, target_engine: str, tmp_path: Path, postgres_server: LazyServer
) -> None:
    file = tmp_path / "backup.hailong"
    written = write_backup(sealed.settings, sealed.stores, file)
    target = empty_instance(tmp_path / "other", target_engine, postgres_server)
    restored = restore_backup(target, file)
    assert restored.sha256 == written.sha256
    assert restored.n_rows == written.n_rows
    assert restored.n_rows["intake/ballot"] == 22
    assert restored.notes == ()
    stores = open_stores(target)
    assert digests(stores) == digests(sealed.stores)
    assert round_status(stores, sealed.secrets, SLUG).cells == round_status(sealed.stores, sealed.secrets, SLUG).cells
    before, after = sealed.settings.instance / "archives" / SLUG, target.instance / "archives" / SLUG
    assert {path.name: path.read_bytes() for path in after.iterdir()} == {
        path.name: path.read_bytes() for path in before.iterdir()
    }
    findings = prove_instance(target)
    assert [finding for finding in findings if not finding.is_fine and "role" not in finding.subject] == []
    assert any(finding.subject == f"round {SLUG}, counts" for finding in findings)
    # The counters go on after the rows that came back, and so does the chain of events.
    with writing(stores.office) as session:
        record_event(session, "an.nguyen", "round.published", SLUG)
    with writing(stores.office) as session:
        assert broken_links(session) == ()
    stores.close()


@pytest.mark.slow
def test_nobody_is_signed_in_after_a_restore(
    collection: Collection, tmp_path: Path, postgres_server: LazyServer
) -> None:
    way = way_in(collection.stores)
    way.enrol(way.entered())
    write_backup(collection.settings, collection.stores, tmp_path / "backup.hailong")
    target = empty_instance(tmp_path / "other", "sqlite", postgres_server)
    restore_backup(target, tmp_path / "backup.hailong")
    stores = open_stores(target)
    with reading(stores.office) as session:
        assert session.scalars(select(OfficerSession)).all() == []
        assert len(session.scalars(select(RecoveryCode)).all()) == 10, "their ways in are kept"
    stores.close()


def test_no_key_is_in_a_backup(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(collection.settings, collection.stores, file)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names)
    # A fingerprint, and the public halves of what people's devices keep.
    known = ("office/instance_key", "office/passkey")
    assert not any("key" in name and not name.startswith(known) for name in names)
    assert collection.settings.passphrase_file.read_bytes().strip() not in content
    assert collection.settings.secret_key not in content
    assert file.stat().st_mode & 0o777 == 0o600


def test_rows_stand_in_the_order_of_random_keys(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(collection.settings, collection.stores, file)
    with zipfile.ZipFile(file) as archive:
        for name, key in (
            ("intake/ballot", "id"),
            ("frame/invitation", "id"),
            ("intake/spent_invitation", "nullifier"),
        ):
            lines = archive.read(f"{name}.jsonl").splitlines()
            import base64

            keys = [base64.b64decode(json.loads(line)[key]) for line in lines]
            assert keys == sorted(keys)
            assert len(keys) > 20


def test_the_same_stores_make_the_same_file(collection: Collection, tmp_path: Path) -> None:
    hashes = {write_backup(collection.settings, collection.stores, tmp_path / name).sha256 for name in ("one", "two")}
    assert len(hashes) == 1


def test_a_file_that_is_there_is_never_written_over(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "backup.hailong"
    file.write_text("mine")
    with pytest.raises(BadInput, match="found a file already"):
        write_backup(sqlite_settings, sqlite_stores, file)
    with pytest.raises(BadInput, match="cannot be written"):
        write_backup(sqlite_settings, sqlite_stores, tmp_path / "absent" / "file")
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_only_empty_stores_take_a_backup(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(collection.settings, collection.stores, file)
    before = digests(collection.stores)
    with pytest.raises(WrongState, match="expected empty stores"):
        restore_backup(collection.settings, file)
    assert digests(collection.stores) == before


def damaged(file: Path, name: str, content: bytes) -> Path:
    copy = file.with_name("damaged")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(copy, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, content if entry.filename == name else source.read(entry))
    return copy


def test_a_backup_with_another_row_is_refused_whole(
    sealed: Collection, engine_name: str, tmp_path: Path, postgres_server: LazyServer
) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(sealed.settings, sealed.stores, file)
    with zipfile.ZipFile(file) as archive:
        lines = archive.read("intake/ballot.jsonl").splitlines(keepends=True)
        responses = archive.read(f"archives/{SLUG}/responses.parquet")
    target = empty_instance(tmp_path / "other", engine_name, postgres_server)
    for copy in (
        damaged(file, "intake/ballot.jsonl", b"".join(lines[1:])),
        damaged(file, f"archives/{SLUG}/responses.parquet", responses[:-1] + b"?"),
    ):
        with pytest.raises(HailongError, match="nothing was kept"):
            restore_backup(target, copy)
    stores = open_stores(target)
    with stores.office.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM unit")).scalar_one() == 0
    stores.close()
    assert sorted(path.name for path in target.instance.iterdir() if path.suffix == "") == ["passphrase"]
    assert restore_backup(target, file).n_rows["intake/ballot"] == 22


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (CONTENTS, b"{}", "found another kind of file"),
        (CONTENTS, b"[", "found a damaged backup"),
        (CONTENTS, None, "at the revisions"),
        ("office/unit.jsonl", b'{"code": "x"}\n', "a line is no row of the table unit"),
        ("office/unit.jsonl", b"\xff\n", "found a damaged backup"),
    ],
)
def test_a_damaged_backup_is_refused(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(sqlite_settings, sqlite_stores, file)
    if content is None:
        with zipfile.ZipFile(file) as archive:
            content = archive.read(CONTENTS).replace(LINEAGES[0].head.encode(), b"office_9999")
    with pytest.raises(BadInput, match=complaint):
        restore_backup(settings_in(tmp_path / "other"), damaged(file, name, content))


@pytest.mark.parametrize("name", ["archives/../../x", "/etc/x", "keys/x.json", "archives/.x", "archives/r\\x"])
def test_no_file_of_a_backup_leaves_the_instance(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(sqlite_settings, sqlite_stores, file)
    with zipfile.ZipFile(file) as archive:
        contents = json.loads(archive.read(CONTENTS))
    contents["files"] = {name: "0" * 64}
    with pytest.raises(BadInput, match="expected one below archives, editions or previews"):
        restore_backup(settings_in(tmp_path / "other"), damaged(file, CONTENTS, json.dumps(contents).encode()))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18])
def test_another_file_is_no_backup(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(BadInput, match="backup"):
        restore_backup(settings_in(tmp_path / "var"), file)
    assert not list((tmp_path / "var").glob("*.db"))


def test_under_another_key_the_operator_is_told_and_both_keys_open(
    collection: Collection, tmp_path: Path, postgres_server: LazyServer
) -> None:
    file = tmp_path / "backup.hailong"
    write_backup(collection.settings, collection.stores, file)
    target = replace(settings_in(tmp_path / "other"), secret_key=bytes(range(100, 164)))
    assert "no invitation printed before is valid" in restore_backup(target, file).notes[0]
    for key in (target.secret_key, collection.settings.secret_key):
        open_stores(replace(target, secret_key=key)).close()
    with pytest.raises(BadInput, match="another key"):
        open_stores(replace(target, secret_key=bytes(range(150, 214))))


def test_an_archive_that_does_not_belong_to_the_stores_is_found(sealed: Collection) -> None:
    with sealed.stores.office.begin() as connection:
        connection.execute(text("UPDATE round SET archive_hash = 'f'"))
    failed = [finding.subject for finding in prove_instance(sealed.settings) if not finding.is_fine]
    assert failed == [f"round {SLUG}, archive"]


def test_an_instance_in_order_passes_every_check(settings: Settings) -> None:
    assert [finding for finding in check_instance(settings) if not finding.is_fine] == []


@pytest.mark.parametrize(
    ("damage", "subject"),
    [
        ("chmod", "passphrase"),
        ("trigger", "intake store, triggers"),
        ("log", "office store, triggers"),
        ("column", "tables"),
    ],
)
def test_each_check_fails_when_its_promise_is_broken(
    settings: Settings, stores: Stores, damage: str, subject: str
) -> None:
    if damage == "chmod":
        settings.passphrase_file.chmod(0o644)
    if damage == "log":
        disarm_audit_log(stores)
    with stores.intake.begin() as connection:
        if damage == "trigger":
            name = (
                "ballot_refuses_change ON ballot"
                if connection.dialect.name == "postgresql"
                else "ballot_refuses_delete"
            )
            connection.execute(text(f"DROP TRIGGER {name}"))
        if damage == "column":
            connection.execute(text("ALTER TABLE ballot ADD COLUMN sent_at VARCHAR(20)"))
    failed = [finding.subject for finding in check_instance(settings) if not finding.is_fine]
    assert len(failed) == 1
    assert subject in failed[0]


def test_the_commands_back_up_restore_and_prove(
    collection: Collection, run_hailong: RunHailong, tmp_path: Path
) -> None:
    file = tmp_path / "backup.hailong"
    done = run_hailong("database", "backup", file)
    assert done.exit_code == 0, done.errors
    sha256 = done.output.split()[0]
    environment = environment_of_settings(tmp_path / "other", None)
    restored = run(environment, "database", "restore", file, "--verify")
    assert restored.exit_code == 0, restored.errors
    assert restored.output.split()[0] == sha256
    assert "no round has been published yet" in restored.output
    assert f"round {SLUG}: halted since a restore" in restored.output
    status = json.loads(run(environment, "round", "status", SLUG, "--json").output)
    assert status["issued"] == 24
    checked = run_hailong("database", "check")
    assert (checked.exit_code, "FAIL" in checked.output) == (0, False)
    assert find_round(collection.stores, SLUG).state == "open"
