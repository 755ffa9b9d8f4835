"""A round that comes out of a backup is halted until somebody answers for its going on (trust §5, criterion 31).

Invitations that were used after the backup was made count as unused again; a program cannot know what became of them.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from analysis.archive import read_archive
from support.command_line import Run, environment_of_settings, run
from support.pages import PageClient
from support.rounds import SLUG, TODAY, UNITS, Collection, open_collection
from support.stores import LazyServer, settings_in
from survey.application import create_app
from survey.backup import restore_backup, write_backup
from survey.errors import BadInput, NotFound, WrongState
from survey.intake import round_open_on
from survey.proving import prove_instance
from survey.reconciling import reconcile_round
from survey.rounds import RoundRequest, close_round, create_round, find_round, open_round
from survey.settings import Settings
from survey.storage.audit import broken_links, list_events
from survey.storage.office import Round
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores, open_stores

pytestmark = pytest.mark.slow

DRAFT, LATER = "nhap-2026", "mo-sau-2026"


@dataclass(frozen=True, slots=True)
class Restored:
    """An instance that came out of a backup, and a code that was used after it was made."""

    collection: Collection
    late_code: str
    notes: tuple[str, ...]
    environment: dict[str, str]

    def run(self, *arguments: object) -> Run:
        return run(self.environment, *arguments)


@pytest.fixture
def restored(
    settings: Settings, stores: Stores, tmp_path: Path, engine_name: str, postgres_server: LazyServer
) -> Iterator[Restored]:
    collection = open_collection(settings, stores, tmp_path)
    codes = collection.codes("phuong-a", 14)
    for code in codes[:11]:
        assert collection.send("phuong-a", code.qr) == "received"
    for slug in (DRAFT, LATER):
        create_round(stores, RoundRequest(slug, "tiny/1", f"code={','.join(UNITS)}", TODAY, TODAY), TODAY)
    write_backup(settings, stores, tmp_path / "backup.hailong")
    # What happens after the backup is lost with the disk: an answer, and that one more round was opened.
    assert collection.send("phuong-a", codes[11].qr) == "received"
    open_round(stores, collection.vault, LATER, TODAY)
    url = postgres_server.get().url(postgres_server.new_database()) if engine_name == "postgresql" else None
    target = settings_in(tmp_path / "restored", url)
    shutil.copytree(settings.instance / "keys", target.instance / "keys")
    notes = restore_backup(target, tmp_path / "backup.hailong").notes
    again = open_stores(target)
    environment = environment_of_settings(target.instance, url)
    try:
        moved = Collection(target, again, collection.secrets, type(collection.vault)(
            target.instance / "keys", target.passphrase_file.read_bytes().strip(), scrypt_cost=2**14
        ))  # fmt: skip
        yield Restored(moved, codes[11].qr, notes, environment)
    finally:
        again.close()


def test_a_restored_round_takes_no_answer_until_somebody_answers_for_it(restored: Restored) -> None:
    collection = restored.collection
    record = collection.record
    assert (record.state, record.is_halted) == ("open", True)
    with pytest.raises(WrongState):
        round_open_on(record, collection.questionnaire, TODAY)
    assert any(note.startswith(f"the round {SLUG} is halted") for note in restored.notes)
    found = {finding.subject: finding for finding in prove_instance(collection.settings)}
    assert found[f"round {SLUG}"].is_fine
    assert "halted since a restore" in found[f"round {SLUG}"].found
    for step in (
        lambda: close_round(collection.stores, SLUG),
        lambda: open_round(collection.stores, collection.vault, LATER, TODAY),
    ):
        with pytest.raises(
            WrongState, match="is halted since a restore; who answers for its going on says so: hailong"
        ):
            step()
    done = restored.run("round", "reconcile", SLUG, "--decision", "Đã đối chiếu sổ", "--by", "Trần Thị C")
    assert done.exit_code == 0, done.errors
    assert f"round {SLUG}: open again, 14 invitations, 11 of them used" in done.output
    # The citizen whose ballot went with the disk can answer again, and nobody else has lost anything.
    assert collection.send("phuong-a", restored.late_code) == "received"
    again = restored.run("round", "reconcile", SLUG, "--decision", "x", "--by", "y")
    assert (again.exit_code, "is open and not halted" in again.errors) == (2, True)


def test_the_decision_stands_in_the_audit_log_and_in_the_manifest(restored: Restored) -> None:
    collection = restored.collection
    with reading(collection.stores.office) as session:
        events = list_events(session)
        assert {event.subject.split(":")[0] for event in events if event.action == "round.halted"} == {SLUG, LATER}
    reconcile_round(
        collection.stores, collection.secrets, SLUG,
        decided_by="Trần Thị C", reason="Đã đối chiếu sổ", today=TODAY, actor="tran-c",
    )  # fmt: skip
    close_round(collection.stores, SLUG)
    sealed = restored.run("round", "seal", SLUG)
    assert sealed.exit_code == 0, sealed.errors
    archive = read_archive(collection.settings.instance / "archives" / SLUG)
    assert archive.contents.counts.sealed == 11
    assert archive.contents.decisions == (
        {"kind": "reconciled", "by": "Trần Thị C", "on": TODAY.isoformat(), "reason": "Đã đối chiếu sổ"},
    )
    with reading(collection.stores.office) as session:
        (event,) = [event for event in list_events(session) if event.action == "round.reconciled"]
        assert (event.actor, event.subject) == ("tran-c", f"{SLUG} by Trần Thị C: Đã đối chiếu sổ")
        assert broken_links(session) == ()


def test_a_draft_whose_key_is_there_was_opened_later_and_is_halted_too(restored: Restored) -> None:
    stores = restored.collection.stores
    assert {slug: find_round(stores, slug).is_halted for slug in (DRAFT, LATER)} == {DRAFT: False, LATER: True}
    assert open_round(stores, restored.collection.vault, DRAFT, TODAY).state == "open"


def test_citizens_see_a_calm_page_while_a_round_is_halted(restored: Restored) -> None:
    with writing(restored.collection.stores.office) as session:
        # Pages go by the calendar on the wall.
        session.execute(update(Round).where(Round.slug == SLUG).values(closes_on=date(2199, 12, 31)))
    client = PageClient(create_app(restored.collection.settings))
    for language, expected in (("vi", "đang tạm ngừng nhận phiếu"), ("en", "takes no answers for the moment")):
        page = client.get(f"/r/{SLUG}/phuong-a?lang={language}")
        assert page.status == 200
        assert expected in page.text
        assert page.root.find(".//main").get("data-state") == "paused"


def test_a_decision_needs_a_halted_round_a_reason_and_a_name(restored: Restored) -> None:
    collection = restored.collection

    def decide(slug: str, by: str, reason: str) -> object:
        return reconcile_round(
            collection.stores, collection.secrets, slug, decided_by=by, reason=reason, today=TODAY, actor="test"
        )

    for by, reason, complaint in (("", "vì", "--by"), ("Lê B", "\n", "--decision"), ("x" * 201, "vì", "1 to 200")):
        with pytest.raises(BadInput, match=complaint):
            decide(SLUG, by, reason)
    with pytest.raises(NotFound):
        decide("khong-co", "Lê B", "vì")
    with pytest.raises(WrongState, match="is draft and not halted"):
        decide(DRAFT, "Lê B", "vì")
    assert find_round(collection.stores, SLUG).is_halted
    with writing(collection.stores.office) as session:
        session.execute(update(Round).where(Round.slug == SLUG).values(is_halted=False))
    with pytest.raises(WrongState, match="is open and not halted"):
        decide(SLUG, "Lê B", "vì")
