"""Criteria 10, 12 and 32 in small: killed sealings end alike, edits are noticed, migrations let answers by."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from benchmarks.durability.figures import Figure, write_figures
from benchmarks.durability.migrating import migrate
from benchmarks.durability.rounds import EngineName
from benchmarks.durability.sealings import kill_sealings
from benchmarks.durability.tampering import tamper
from survey.storage.lineages import LINEAGES
from survey.storage.stores import Stores
from survey.storage.upgrading import change_store


@pytest.mark.slow
def test_sealings_killed_at_random_moments_end_with_the_same_rows_in_one_archive(engine_name: EngineName) -> None:
    found = kill_sealings(engine_name, n_ballots=30, n_kills=9 if engine_name == "sqlite" else 3, seed=7)
    assert (found.n_alike, found.n_single, found.n_bad_when_killed) == (found.n_kills, found.n_kills, 0)


@pytest.mark.slow
def test_edits_of_a_sealed_round_are_noticed() -> None:
    found = tamper(n_edits=72, seed=7)
    assert found.made.total() == 72
    assert len(found.made) == 10
    assert found.unnoticed == ()


@pytest.mark.slow
def test_a_migration_up_and_down_under_load_loses_nothing(engine_name: EngineName) -> None:
    found = migrate(engine_name, n_rows=2_000, n_round_trips=1, calm_s=0.1, n_citizens=300)
    assert found.verdict.is_sound, found.verdict.words()
    assert found.verdict.n_stored == found.verdict.n_acknowledged > 0
    assert found.n_refused == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_an_upgrade_that_waits_for_a_reader_lets_others_by(stores: Stores) -> None:
    lineage = LINEAGES[2]
    n_tries = 0
    is_changed = threading.Event()

    def change(connection: Connection) -> None:
        nonlocal n_tries
        n_tries += 1
        connection.execute(text("ALTER TABLE ballot ADD COLUMN rehearsal bytea"))

    def upgrade() -> None:
        change_store(stores.intake, lineage, change)
        is_changed.set()

    with stores.intake.connect() as reader:
        reader.execute(text("SELECT count(*) FROM ballot"))
        upgrading = threading.Thread(target=upgrade)
        upgrading.start()
        while n_tries < 2:
            assert not is_changed.is_set()
        # Somebody who comes while the upgrade waits, or has let go, gets their turn.
        with stores.intake.connect() as other:
            other.execute(text("SELECT count(*) FROM ballot"))
    upgrading.join()
    assert is_changed.is_set()


def test_a_figure_is_written_into_its_row_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "trust.md"
    page.write_text("| 5 | kills | 0 lost | small | a test | |\n| 6 | syncs | all | small | a test | old |\n")
    write_figures([Figure(5, True, "0 | 1 lost")], page)
    first, second = page.read_text().splitlines()
    assert first.startswith("| 5 | kills | 0 lost | holds | a test | 0 / 1 lost, 20")
    assert second == "| 6 | syncs | all | small | a test | old |"
    with pytest.raises(ValueError, match="found 0 rows of criterion 7"):
        write_figures([Figure(7, True, "")], page)
