"""The real application with one careless change, as a program: `python -m support.game.mutants NAME serve …`.

The changes are made here and nowhere else, to see that the game and its searches notice them.
"""

import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from survey.storage.stores import Stores

Prepare = Callable[[Stores], None]


def _execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _add_columns(stores: Stores, name: str, kind: str, filled_in: str) -> None:
    # SQLite adds no column with a changing default; there the program fills it in.
    ending = f" DEFAULT {filled_in}" if stores.intake.dialect.name == "postgresql" else ""
    for table in ("ballot", "spent_invitation"):
        _execute(stores.intake, f"ALTER TABLE {table} ADD COLUMN {name} {kind}{ending}")


def _with_column(name: str, kind: Any, new: Callable[[], Callable[[], object]]) -> None:
    from sqlalchemy import Column, FetchedValue

    from survey.storage.intake import Ballot, SpentInvitation

    for table in (Ballot, SpentInvitation):
        is_filled_by_database = "HAILONG_DATABASE_URL" in os.environ
        column = Column(kind, server_default=FetchedValue()) if is_filled_by_database else Column(kind, default=new())
        setattr(table, name, column)


def _add_time_columns(stores: Stores) -> None:
    _add_columns(stores, "created_at", "TIMESTAMP", "clock_timestamp()")


def _with_times() -> None:
    import datetime as dt

    from sqlalchemy import DateTime

    _with_column("created_at", DateTime, lambda: lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None))


def _add_serial_columns(stores: Stores) -> None:
    if stores.intake.dialect.name == "postgresql":
        _execute(stores.intake, "CREATE SEQUENCE arrivals", "GRANT USAGE ON SEQUENCE arrivals TO PUBLIC")
    _add_columns(stores, "serial", "INTEGER", "nextval('arrivals')")


def _with_serials() -> None:
    from sqlalchemy import Integer

    def count() -> Callable[[], int]:
        numbers = itertools.count(1)
        return lambda: next(numbers)

    _with_column("serial", Integer, count)


def _before_receiving(first: Callable[..., None]) -> None:
    """Let something be done with a code and answers before they are received."""
    from survey import intake

    receive = intake.receive_ballot

    def received(*arguments: Any, **options: Any) -> Any:
        stores, _, _, _, code, _, answers = arguments[:7]
        first(stores, code, answers)
        return receive(*arguments, **options)

    # The views take the function's name when they are imported, which comes later.
    intake.receive_ballot = received


def _with_log_line() -> None:
    def note(stores: Any, code: str, answers: Any) -> None:
        print(f"INFO received answers for {code}", file=sys.stderr, flush=True)  # noqa: T201

    _before_receiving(note)


def _add_draft_table(stores: Stores) -> None:
    kind = "BYTEA" if stores.intake.dialect.name == "postgresql" else "BLOB"
    _execute(stores.intake, f"CREATE TABLE draft (id {kind} PRIMARY KEY, answers TEXT)")
    if stores.intake.dialect.name == "postgresql":
        _execute(stores.intake, "GRANT INSERT, SELECT ON draft TO PUBLIC")


def _with_drafts() -> None:
    from survey.storage.sessions import writing

    def keep(stores: Any, code: str, answers: Any) -> None:
        with writing(stores.intake) as session:
            values = {"id": code.encode(), "answers": json.dumps(dict(answers.values), default=str)}
            session.execute(text("INSERT INTO draft VALUES (:id, :answers) ON CONFLICT DO NOTHING"), values)

    _before_receiving(keep)


def _without_shuffle() -> None:
    from survey import archiving

    archiving._shuffled = lambda table: table


@dataclass(frozen=True, slots=True)
class Mutant:
    """A careless change: what it does to the program, to the server alone or also to the commands that back up and
    seal, and to the stores before the round opens.
    """

    change: Callable[[], None]
    prepare: Prepare | None = None
    is_of_server_alone: bool = False


MUTANTS: Mapping[str, Mutant] = {
    "created_at": Mutant(_with_times, _add_time_columns),
    "serial key": Mutant(_with_serials, _add_serial_columns),
    "log line with the code": Mutant(_with_log_line, is_of_server_alone=True),
    "draft table": Mutant(_with_drafts, _add_draft_table, is_of_server_alone=True),
    "no shuffle": Mutant(_without_shuffle),
}


def main() -> None:
    """Make the change that the first argument names, and do as `hailong` with the others: one command, or several."""
    MUTANTS[sys.argv.pop(1)].change()
    from survey.cli import main as hailong

    program, *words = sys.argv
    commands = [list(group) for is_then, group in itertools.groupby(words, "--then".__eq__) if not is_then]
    for command in commands:
        sys.argv = [program, *command]
        try:
            hailong()
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
