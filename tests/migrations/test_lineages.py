"""The three lineages of migrations, and what their tables must never hold."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import DateTime, Integer, inspect, literal_column, select, text
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DatabaseError, IntegrityError, ProgrammingError

from support.stores import LazyServer, Templates, settings_in
from survey.checking import check_instance
from survey.resources import bundled_dir
from survey.round_records import find_round
from survey.settings import Settings
from survey.storage.frame import FrameBase
from survey.storage.intake import IntakeBase
from survey.storage.intake_rights import INTAKE_WRITER
from survey.storage.lineages import LINEAGES, Lineage
from survey.storage.stores import Stores, connect_stores, open_stores, revision_of
from survey.storage.types import UtcDateTime
from survey.storage.upgrading import alembic_config, differences, upgrade_stores
from survey.units import units_on

ANONYMOUS = {"frame": ("invitation",), "intake": ("spent_invitation", "ballot")}
FORBIDDEN_WORDS = (
    "session",
    "draft",
    "cookie",
    "time",
    "created",
    "updated",
    "address",
    "agent",
    "user",
    "name",
    "phone",
)


def environment_of(instance: Path) -> dict[str, str]:
    return {"HAILONG_INSTANCE": str(instance), "PYTHONPATH": str(bundled_dir("migrations").parent)}


@pytest.mark.parametrize("lineage", LINEAGES, ids=lambda lineage: lineage.store)
def test_the_code_expects_the_newest_revision_of_each_lineage(lineage: Lineage) -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(alembic_config(None, lineage))  # type: ignore[arg-type]
    assert script.get_heads() == [lineage.head]


def test_the_migrations_make_what_the_models_say(stores: Stores) -> None:
    found = {lineage.store: differences(stores.engine(lineage.store), lineage) for lineage in LINEAGES}
    assert found == {"office": [], "frame": [], "intake": []}


def test_a_table_that_was_changed_by_hand_is_noticed(stores: Stores) -> None:
    with stores.office.begin() as connection:
        connection.execute(text("ALTER TABLE unit ADD COLUMN nickname VARCHAR(10)"))
    assert any("nickname" in difference for difference in differences(stores.office, LINEAGES[0]))


def test_each_store_has_its_own_tables_and_its_own_version(stores: Stores) -> None:
    for lineage in LINEAGES:
        found = set(inspect(stores.engine(lineage.store)).get_table_names())
        assert found == {*lineage.metadata.tables, lineage.version_table}


def test_rounds_and_units_of_the_first_revision_are_kept_by_the_second(
    tmp_path: Path, engine_name: str, postgres_server: LazyServer
) -> None:
    url = postgres_server.get().url(postgres_server.new_database()) if engine_name == "postgresql" else None
    settings = settings_in(tmp_path / "var", url)
    office = LINEAGES[0]
    stores = connect_stores(settings)
    with stores.office.begin() as connection:
        if engine_name == "postgresql":
            connection.execute(text("CREATE SCHEMA office"))
        command.upgrade(alembic_config(connection, office), "office_0001")
        connection.execute(
            text("INSERT INTO unit VALUES ('u', 'Phường', 'Ward', 'ward', 'b', 'Khối', '', NULL, NULL, 1, 2.5, 's')")
        )
        connection.execute(
            text(
                "INSERT INTO round (slug, title_vi, title_en, questionnaire_name, questionnaire_version, "
                "questionnaire_hash, opens_on, closes_on, state, design_yaml, plan_yaml, issuer_vi, issuer_en, "
                "decision, hotline, imported) VALUES ('r', 'Đợt', 'Round', 'sipas', '2017.1', 'h', '2026-01-01', "
                "'2026-02-01', 'draft', 'd', 'p', '', '', '', '', false)"
            )
        )
    assert revision_of(stores.office, office) == "office_0001"
    assert upgrade_stores(settings)[0].startswith("the office store is now at revision office_00")
    assert differences(stores.office, office) == []
    record = find_round(stores, "r")
    assert (record.title.vi, record.module_references, record.is_simulated) == ("Đợt", (), False)
    (unit,) = units_on(stores, None)
    assert (unit.code, unit.bloc_name, unit.bloc_name_en, unit.area_km2) == ("u", "Khối", "", 2.5)
    stores.close()
    postgres_server.drop_databases()


def test_an_upgrade_of_upgraded_stores_does_nothing(settings: Settings) -> None:
    assert upgrade_stores(settings) == ()


def test_two_upgrades_at_once_make_one(tmp_path: Path, engine_name: str, postgres_server: LazyServer) -> None:
    settings = settings_in(tmp_path / "var")
    environment = environment_of(settings.instance)
    if engine_name == "postgresql":
        environment["HAILONG_DATABASE_URL"] = postgres_server.get().url(postgres_server.new_database())
    command = [sys.executable, "-m", "survey", "database", "upgrade"]
    upgrades = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [upgrade.communicate()[0] for upgrade in upgrades]
    assert [upgrade.returncode for upgrade in upgrades] == [0, 0], outputs
    open_stores(Settings.from_environment(environment)).close()
    postgres_server.drop_databases()


def test_an_upgrade_that_fails_leaves_its_store_as_it_was(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "var")
    stores = connect_stores(settings)
    with stores.intake.begin() as connection:
        connection.execute(text("CREATE TABLE ballot (note TEXT)"))
    with pytest.raises(DatabaseError):
        upgrade_stores(settings)
    assert inspect(stores.intake).get_table_names() == ["ballot"]
    assert revision_of(stores.intake, LINEAGES[2]) is None
    stores.close()


def test_migrations_are_found_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "survey", "database", "upgrade"],
        cwd=tmp_path,
        env=environment_of(tmp_path / "var"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "var" / "intake.db").exists()


@pytest.mark.parametrize("base", [FrameBase, IntakeBase], ids=["frame", "intake"])
def test_no_column_tells_a_time_or_an_order(base: type[FrameBase]) -> None:
    for table in base.metadata.tables.values():
        for column in table.columns:
            assert not isinstance(column.type, DateTime | Integer | UtcDateTime), column
            assert column.server_default is None, column
            assert not any(word in column.name for word in FORBIDDEN_WORDS), column


def test_the_databases_themselves_hold_no_time_no_counter_and_no_rowid(stores: Stores) -> None:
    for store, tables in ANONYMOUS.items():
        engine = stores.engine(store)  # type: ignore[arg-type]
        for table in tables:
            kinds = {column["name"]: str(column["type"]).upper() for column in inspect(engine).get_columns(table)}
            assert all(kind.startswith(("VARCHAR", "BLOB", "BYTEA")) for kind in kinds.values()), kinds
        assert inspect(engine).get_sequence_names() == [] if engine.dialect.name == "postgresql" else True
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                for table in tables:
                    with pytest.raises(DatabaseError, match="no such column: rowid"):
                        connection.execute(select(literal_column("rowid")).select_from(sql_table(table)))


def test_ballots_and_marks_can_be_added_and_nothing_else(stores: Stores) -> None:
    with stores.intake.begin() as connection:
        connection.execute(IntakeBase.metadata.tables["ballot"].insert().values(id=b"1", round_slug="r", envelope=b"e"))
        connection.execute(
            IntakeBase.metadata.tables["spent_invitation"]
            .insert()
            .values(round_slug="r", nullifier=b"n", nonce_tag=b"t")
        )
    changes = [
        "UPDATE ballot SET round_slug = 's'",
        "DELETE FROM ballot",
        "UPDATE spent_invitation SET round_slug = 's'",
        "DELETE FROM spent_invitation",
    ]
    if stores.intake.dialect.name == "sqlite":
        changes += ["INSERT OR REPLACE INTO ballot VALUES (CAST('1' AS BLOB), 'r', x'00', x'00')"]
    else:
        changes += [
            "TRUNCATE ballot",
            "INSERT INTO ballot VALUES ('1', 'r', '0', '0') ON CONFLICT (id) DO UPDATE SET envelope = '0'",
        ]
    for change in changes:
        with pytest.raises(IntegrityError, match="only grows"), stores.intake.begin() as connection:
            connection.execute(text(change))


@pytest.mark.slow
def test_the_web_can_add_a_ballot_to_postgresql_and_read_none(
    tmp_path: Path, store_templates: Templates, postgres_server: LazyServer
) -> None:
    settings = store_templates.new_instance("postgresql", tmp_path / "var")
    stores = open_stores(settings, "serving")
    ballot, spent = (IntakeBase.metadata.tables[name] for name in ("ballot", "spent_invitation"))
    with stores.intake.begin() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == INTAKE_WRITER
        connection.execute(ballot.insert().values(id=b"1", round_slug="r", envelope=b"e"))
        connection.execute(spent.insert().values(round_slug="r", nullifier=b"n", nonce_tag=b"t"))
        assert connection.execute(spent.select()).all() == [("r", b"n", b"t")]
    for statement in (
        "SELECT envelope FROM ballot",
        "SELECT count(*) FROM ballot",
        "DELETE FROM ballot",
        "UPDATE spent_invitation SET nonce_tag = ''",
        "TRUNCATE ballot",
        "DROP TABLE ballot",
        "SELECT * FROM frame.invitation",
        "SELECT * FROM office.round",
        "CREATE TABLE mine (x int)",
    ):
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            stores.intake.begin() as connection,
        ):
            connection.execute(text(statement))
    stores.close()
    postgres_server.drop_databases()


def current_user_of(settings: Settings) -> str:
    stores = open_stores(settings, "serving")
    with stores.intake.connect() as connection:
        name = str(connection.execute(text("SELECT current_user")).scalar_one())
    stores.close()
    return name


@pytest.mark.slow
def test_a_plain_user_upgrades_postgresql_and_is_told_what_was_left_out(
    tmp_path: Path, postgres_server: LazyServer
) -> None:
    server = postgres_server.get()
    name = postgres_server.new_database()
    user = f"plain_{name}"
    server.execute(f"CREATE ROLE {user} LOGIN", f"ALTER DATABASE {name} OWNER TO {user}")
    settings = settings_in(tmp_path / "var", server.url(name).replace("hailong@", f"{user}@"))
    assert "may make no roles" in upgrade_stores(settings)[-1]
    assert current_user_of(settings) == user
    assert [finding for finding in check_instance(settings) if not finding.is_fine] == []
    # Another database's owner makes the role; the server's owner gives it to this user.
    upgrade_stores(settings_in(tmp_path / "other", server.url(postgres_server.new_database())))
    server.execute(f"GRANT {INTAKE_WRITER} TO {user}")
    assert current_user_of(settings) == user
    assert "can add a ballot and read none" in upgrade_stores(settings)[-1]
    assert current_user_of(settings) == INTAKE_WRITER
    assert [finding for finding in check_instance(settings) if not finding.is_fine] == []
    postgres_server.drop_databases()
    server.execute(f"DROP ROLE {user}")


def test_an_error_shows_no_value(stores: Stores) -> None:
    secret = b"never to be seen in a log, in whatever spelling"
    table = IntakeBase.metadata.tables["spent_invitation"]
    row = {"round_slug": "r", "nullifier": secret, "nonce_tag": b"t"}
    with stores.intake.begin() as connection:
        connection.execute(table.insert(), [row])
    with pytest.raises(IntegrityError) as refusal, stores.intake.begin() as connection:
        connection.execute(table.insert(), [row])
    for shown in (str(refusal.value), str(refusal.value.orig), repr(refusal.value)):
        assert "never to be seen" not in shown
        assert secret.hex() not in shown
