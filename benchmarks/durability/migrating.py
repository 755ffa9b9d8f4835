"""Criterion 32: the intake store is migrated up and down under load, with a million rows in it.

The server goes on answering while a revision that adds a column is put on top of the newest one, and taken off again.
A stall is the longest time without an acknowledgement while the migration ran; it is compared with the longest one of
an equal time without a migration, which is the machine's own.
"""

import itertools
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, text

from benchmarks.durability.citizens import Browser, run_together
from benchmarks.durability.rounds import EngineName, Trial, Verdict, judge, trial
from benchmarks.durability.servers import serving
from survey.storage.lineages import LINEAGES
from survey.storage.upgrading import alembic_config, change_store

# Earlier rounds' rows stand in the same tables; what is in their envelopes is of no concern to a migration.
OLD_ROUND = "'an-earlier-round'"
FILL = {
    "sqlite": (
        ("spent_invitation (round_slug, nullifier, nonce_tag)", f"{OLD_ROUND}, randomblob(32), randomblob(32)"),
        ("ballot (id, round_slug, envelope, tag)", f"randomblob(16), {OLD_ROUND}, randomblob(256), randomblob(32)"),
    ),
    "postgresql": (
        (
            "spent_invitation (round_slug, nullifier, nonce_tag)",
            f"{OLD_ROUND}, sha256(('n' || i)::text::bytea), sha256(('t' || i)::text::bytea)",
        ),
        (
            "ballot (id, round_slug, envelope, tag)",
            (
                f"substring(sha256(('b' || i)::text::bytea) for 16), {OLD_ROUND}, "
                "decode(repeat(md5(i::text), 16), 'hex'), sha256(('g' || i)::text::bytea)"
            ),
        ),
    ),
}
ROWS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i FROM n)",
    "postgresql": "generate_series(1, :rows) i",
}
REHEARSAL = '''"""A revision of this rehearsal alone."""

import sqlalchemy as sa
from alembic import op

revision = "intake_rehearsal"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ballot", sa.Column("rehearsal", sa.LargeBinary(32), nullable=True))


def downgrade() -> None:
    op.drop_column("ballot", "rehearsal")
'''


@dataclass(frozen=True, slots=True)
class Migrated:
    """The verdict on the stores, and the longest time without an acknowledgement in each phase, in seconds."""

    engine: EngineName
    n_rows: int
    verdict: Verdict
    calm_s: float
    up_s: float
    down_s: float
    n_refused: int


def migrate(
    engine: EngineName, n_rows: int, n_round_trips: int = 3, calm_s: float = 3.0, n_citizens: int = 20_000
) -> Migrated:
    """A store with so many rows, migrated up and down so many times while citizens send."""
    with trial(engine) as attacked:
        _fill(attacked, n_rows)
        folder = attacked.folder / "revisions"
        folder.mkdir()
        (folder / "rehearsal.py").write_text(REHEARSAL.format(head=LINEAGES[2].head), encoding="utf-8")
        submissions = attacked.submissions(n_citizens)
        moments: list[float] = []
        refused: list[str] = []
        phases: list[tuple[str, float, float]] = []
        is_over = threading.Event()
        with serving(attacked.settings) as server:

            def sit() -> None:
                browser = Browser(server.port)
                while not is_over.is_set():
                    one = next(waiting, None)
                    while one is not None and not one.is_acknowledged:
                        told = browser.send(one)
                        if one.is_acknowledged:
                            moments.append(time.monotonic())
                        else:
                            refused.append(told)
                    time.sleep(0.01)
                browser.close()

            def move() -> None:
                try:
                    for direction in ["calm", *["up", "down"] * n_round_trips]:
                        start = time.monotonic()
                        if direction == "calm":
                            time.sleep(calm_s)
                        else:
                            _move(attacked, folder, direction)
                        phases.append((direction, start, time.monotonic()))
                        time.sleep(0.5)
                finally:
                    is_over.set()

            waiting = iter(submissions)
            run_together([move, sit, sit])
        verdict = judge(attacked.asked, attacked.asked.stores, submissions)
        stalls = {name: _longest_stall(moments, phases, name) for name in ("calm", "up", "down")}
        return Migrated(engine, n_rows, verdict, stalls["calm"], stalls["up"], stalls["down"], len(refused))


def _fill(attacked: Trial, n_rows: int) -> None:
    with attacked.asked.stores.intake.begin() as connection:
        for table, values in FILL[attacked.engine]:
            statement = f"INSERT INTO {table} SELECT {values} FROM {ROWS[attacked.engine]}"  # noqa: S608 - our own words
            connection.execute(text(statement), {"rows": n_rows})


def _move(attacked: Trial, folder: Path, direction: str) -> None:
    lineage = LINEAGES[2]

    def change(connection: Connection) -> None:
        config = alembic_config(connection, lineage)
        known = config.get_main_option("version_locations")
        config.set_main_option("version_locations", f"{known}\n{folder}")
        if direction == "up":
            command.upgrade(config, "intake_rehearsal")
        else:
            command.downgrade(config, lineage.head)

    change_store(attacked.asked.stores.intake, lineage, change)


def _longest_stall(moments: list[float], phases: list[tuple[str, float, float]], name: str) -> float:
    """The longest time between two acknowledgements that has a part in a phase of this name, in seconds."""
    pairs = list(itertools.pairwise(sorted(moments)))
    spans = [(start, end) for phase, start, end in phases if phase == name]
    return max(
        (late - early for early, late in pairs for start, end in spans if early < end and late > start), default=0.0
    )
