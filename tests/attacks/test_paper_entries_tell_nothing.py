"""Whoever holds the databases while forms are keyed learns neither codes nor answers, and joins no form to a ballot."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from questionnaires.keying import check_keys
from support.game.schema_rules import broken_rules
from support.rounds import SLUG, TODAY, Collection, open_collection
from survey.codes import read_code
from survey.invitations import IssuedCode
from survey.paper_entry import Desk, enter_form
from survey.settings import Settings
from survey.storage.dumping import dump_lines, tables_of
from survey.storage.lineages import LINEAGES
from survey.storage.stores import Stores

N_FORMS = 12


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def comment_of(number: int) -> str:
    return f"Lời viết tay thứ {number:04d} không ai khác viết"


def desk_of(collection: Collection, login: str) -> Desk:
    return Desk(collection.stores, collection.secrets, collection.open_round, collection.questionnaire, login, TODAY)


def key_forms(collection: Collection) -> list[IssuedCode]:
    """A third of the forms keyed once, a third twice and alike, a third twice and differently."""
    codes = collection.codes("phuong-a", N_FORMS, channel="paper")
    for number, code in enumerate(codes):
        form = check_keys(collection.questionnaire, {"1": "1", "5": comment_of(number)})
        assert enter_form(desk_of(collection, "lan"), code.typed, form) == "kept"
        if number % 3:
            other = {"1": "1", "5": comment_of(number)} if number % 3 == 1 else {"1": "2", "5": comment_of(number)}
            outcome = enter_form(desk_of(collection, "hoa"), code.typed, check_keys(collection.questionnaire, other))
            assert outcome == ("received" if number % 3 == 1 else "differs")
    return codes


def dumps(collection: Collection) -> Iterator[tuple[str, bytes]]:
    """Every table of every store as a backup has it."""
    engines = {
        "office": collection.stores.office,
        "frame": collection.stores.frame,
        "intake": collection.stores.intake,
    }
    for lineage in LINEAGES:
        with engines[lineage.store].connect() as connection:
            for table in tables_of(lineage):
                yield table.name, b"".join(dump_lines(connection, table))


def files(collection: Collection) -> Iterator[tuple[str, bytes]]:
    """Every file of the instance: on SQLite the databases with their logs and free pages."""
    for path in collection.settings.instance.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def needles(codes: list[IssuedCode]) -> dict[bytes, str]:
    found = {}
    for number, code in enumerate(codes):
        read = read_code(code.typed)
        assert read is not None
        for needle in (code.typed, code.typed.replace("-", ""), read[1].hex(), comment_of(number)):
            found[needle.encode()] = f"form {number}"
        found[comment_of(number).encode("unicode_escape")] = f"form {number}"
    return found


def test_no_dump_and_no_file_holds_a_code_or_an_answer_while_forms_are_keyed(collection: Collection) -> None:
    wanted = needles(key_forms(collection))
    seen = [*dumps(collection), *files(collection)]
    assert [(place, whose) for place, content in seen for needle, whose in wanted.items() if needle in content] == []
    # The search finds what is there.
    assert any(SLUG.encode() in content for _, content in seen)
    assert broken_rules(collection.stores) == []


def test_nothing_joins_a_form_that_waits_to_an_invitation_a_mark_or_a_ballot(collection: Collection) -> None:
    key_forms(collection)
    tables = {name: content.decode() for name, content in dumps(collection)}
    waiting = [line for line in tables["paper_entry"].splitlines() if line]
    assert len(waiting) == N_FORMS - N_FORMS // 3
    elsewhere = "".join(content for name, content in tables.items() if name != "paper_entry")
    for line in waiting:
        row = json.loads(line)
        assert set(row) == {"tag", "round_slug", "state", "sealed", "note"}
        for name in ("tag", "sealed", "note"):
            assert str(row[name]) not in elsewhere
    # As long as each other, whatever was written and however often.
    rows = [json.loads(line) for line in waiting]
    assert len({(len(str(row["sealed"])), len(str(row["note"]))) for row in rows}) == 1
    # Of the clerks there are counts of the day, and no line for a form.
    assert "paper" not in tables["audit_event"]
    assert sorted(json.loads(line)["login"] for line in tables["paper_tally"].splitlines()) == ["hoa", "lan"]
