"""From a preview to its publication: an embargo, objections, two approvals, and the same bytes (issue 6, S6)."""

import shutil
from dataclasses import replace
from datetime import date, timedelta

import pytest

from analysis.errors import EditionError
from analysis.release.edition_folder import read_edition
from analysis.sealed_folders import sha256_hex
from support.hard_rounds import PLAIN, UNITS, sealed_round
from support.hard_rounds import SLUG as SEALED
from support.office import LOGIN, PASSWORD
from support.rounds import SLUG, UNITS_CSV, planned_collection
from survey.errors import BadInput, NotFound, WrongState
from survey.officers import OfficerRecord, create_officer
from survey.previews import (
    Obstacle,
    PreviewRecord,
    add_preview,
    answer_objection,
    approve_preview,
    current_preview,
    objections_of,
    obstacles,
    previews_for,
    raise_objection,
    withdraw_preview,
)
from survey.publishing import publish_round
from survey.releasing import open_preview, prepare_preview, preview_folder, preview_pdf, publish_preview
from survey.round_records import editions_of, find_round
from survey.settings import Settings
from survey.storage.audit import broken_links, list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

DAYS = 7
RULES = b"release: {embargo_days: 7, approvals: 2}\n"
TODAY = date(2026, 11, 23)
FREE = TODAY + timedelta(days=DAYS)
HASH = "ab" * 32


def officers_of(stores: Stores) -> tuple[OfficerRecord, OfficerRecord]:
    return (
        create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line"),
        create_officer(stores, "binh", "Trần Văn Bình", "bốn từ khác hẳn", actor="command line"),
    )


def recorded_preview(settings: Settings, stores: Stores, attempt: int = 1, manifest_hash: str = HASH) -> PreviewRecord:
    """A preview that is in the books and in no folder, for what is said about it."""
    if attempt == 1:
        planned_collection(settings, stores, settings.instance)
    title = find_round(stores, SLUG).title
    preview = PreviewRecord(
        SLUG, 1, attempt, manifest_hash, None, "Nguyễn Thị Lan", TODAY, FREE, "current", "", title=title
    )
    add_preview(stores, preview, actor=LOGIN)
    return preview


def kinds(stores: Stores, today: date) -> list[str]:
    preview = current_preview(stores, SLUG)
    assert preview is not None
    return [found.kind for found in obstacles(stores, preview, 2, today)]


def test_an_embargo_two_approvals_and_every_answer_stand_before_the_publication(
    settings: Settings, stores: Stores
) -> None:
    lan, binh = officers_of(stores)
    recorded_preview(settings, stores)
    assert kinds(stores, FREE - timedelta(days=1)) == ["embargo", "approvals"]
    approve_preview(stores, SLUG, HASH, officer=lan, today=TODAY)
    approve_preview(stores, SLUG, HASH, officer=lan, today=TODAY)
    assert kinds(stores, FREE) == ["approvals"], "one officer who presses twice is one"
    approve_preview(stores, SLUG, HASH, officer=binh, today=FREE)
    assert kinds(stores, FREE) == []
    preview = current_preview(stores, SLUG)
    assert preview is not None
    assert preview.approved_by == (lan.name, binh.name)
    # What is said afterwards nobody who approved knew of.
    raised = raise_objection(
        stores, SLUG, "xa-b", "Thiếu\u202e  phiếu\n\nthôn 3 👍", raised_by="Hà", today=FREE, actor="ha@xa-b"
    )
    assert raised.text == "Thiếu phiếu\nthôn 3 👍"
    assert kinds(stores, FREE) == ["objections", "approvals"]
    with pytest.raises(WrongState, match="objections that are open"):
        approve_preview(stores, SLUG, HASH, officer=lan, today=FREE)
    answer_objection(stores, SLUG, raised.id, "rejected", "Đã kiểm tra lại.", officer=binh, today=FREE)
    with pytest.raises(WrongState, match="answered by Trần Văn Bình already"):
        answer_objection(stores, SLUG, raised.id, "noted", "Nữa.", officer=lan, today=FREE)
    assert kinds(stores, FREE) == ["approvals"]
    with reading(stores.office) as session:
        assert broken_links(session) == ()
        actions = [event.action for event in reversed(list_events(session))]
    assert actions[-5:] == [
        "preview.prepared",
        "preview.approved",
        "preview.approved",
        "preview.objection",
        "preview.answered",
    ]


def test_an_objection_that_is_upheld_asks_for_another_preview(settings: Settings, stores: Stores) -> None:
    lan, _ = officers_of(stores)
    recorded_preview(settings, stores)
    raised = raise_objection(stores, SLUG, "xa-b", "Sai tên.", raised_by="Hà", today=TODAY, actor="ha")
    answer_objection(stores, SLUG, raised.id, "upheld", "Sẽ sửa.", officer=lan, today=TODAY)
    assert kinds(stores, FREE) == ["upheld", "approvals"]
    with pytest.raises(WrongState, match="upheld"):
        approve_preview(stores, SLUG, HASH, officer=lan, today=TODAY)
    recorded_preview(settings, stores, 2, "cd" * 32)
    assert kinds(stores, FREE) == ["approvals"]
    with pytest.raises(WrongState, match="another one by now"):
        approve_preview(stores, SLUG, HASH, officer=lan, today=TODAY)
    assert [(found.attempt, found.outcome) for found in objections_of(stores, SLUG, "xa-b")] == [(1, "upheld")]
    with pytest.raises(NotFound):
        answer_objection(stores, SLUG, raised.id, "noted", "Muộn.", officer=lan, today=TODAY)


def test_units_see_the_previews_of_their_rounds_until_these_are_withdrawn(settings: Settings, stores: Stores) -> None:
    preview = recorded_preview(settings, stores)
    assert [found.slug for found in previews_for(stores, "xa-b")] == [SLUG]
    assert previews_for(stores, "xa-khac") == ()
    assert preview.may_object(FREE - timedelta(days=1))
    assert not preview.may_object(FREE)
    with pytest.raises(BadInput, match="expected one of the round"):
        raise_objection(stores, SLUG, "xa-khac", "Không.", raised_by="Hà", today=TODAY, actor="ha")
    for text in ("", " \u200b\n", "x" * 4_001):
        with pytest.raises(BadInput):
            raise_objection(stores, SLUG, "xa-b", text, raised_by="Hà", today=TODAY, actor="ha")
    withdraw_preview(stores, SLUG, "Thiếu phiếu giấy.", actor=LOGIN)
    assert previews_for(stores, "xa-b") == ()
    with pytest.raises(WrongState, match="no preview"):
        raise_objection(stores, SLUG, "xa-b", "Muộn.", raised_by="Hà", today=TODAY, actor="ha")


def test_obstacles_are_said_in_words() -> None:
    assert [found.in_words() for found in (Obstacle("embargo", until=FREE), Obstacle("approvals", None, 1, 2))] == [
        "found the embargo until 2026-11-30, expected that day to have come",
        "found 1 approvals, expected those of 2 different officers",
    ]


@pytest.mark.slow
def test_what_was_approved_is_published_byte_for_byte(sqlite_settings: Settings, sqlite_stores: Stores) -> None:
    settings, stores = sqlite_settings, sqlite_stores
    lan, binh = officers_of(stores)
    (settings.instance / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    import_units(stores, settings.instance / "units.csv")
    sealed_round(settings, stores, plan=PLAIN + RULES)
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    with pytest.raises(WrongState, match="hailong round preview"):
        publish_round(stores, vault, settings, SEALED, TODAY)
    # Work that was cut off leaves a folder that nobody was shown.
    leftover = preview_folder(settings, SEALED, 1, 1)
    leftover.mkdir(parents=True)
    (leftover / "half.pdf").write_bytes(b"%PDF")
    made = prepare_preview(stores, vault, settings, SEALED, TODAY, prepared_by=lan.name, actor=lan.login, workers=2)
    preview = current_preview(stores, SEALED)
    assert preview is not None
    assert (preview.manifest_hash, preview.publish_from) == (made.manifest_sha256, FREE)
    assert made.edition.published_on == FREE
    assert editions_of(stores, SEALED) == ()
    opened = open_preview(settings, preview)
    pdf = preview_pdf(opened, f"{UNITS[0]}.pdf")
    assert pdf is not None
    assert pdf.startswith(b"%PDF")
    assert preview_pdf(opened, "khong-co.pdf") is None
    hashes = {path.name: sha256_hex(path.read_bytes()) for path in made.folder.iterdir()}
    for officer in (lan, binh):
        approve_preview(stores, SEALED, preview.manifest_hash, officer=officer, today=TODAY)
    with pytest.raises(WrongState, match="the embargo until 2026-11-30"):
        publish_preview(stores, settings, SEALED, FREE - timedelta(days=1))
    published = publish_preview(stores, settings, SEALED, FREE, actor=lan.login)
    assert (published.number, published.published_on, published.manifest_hash) == (1, FREE, preview.manifest_hash)
    folder = settings.instance / "editions" / SEALED / "1"
    assert {path.name: sha256_hex(path.read_bytes()) for path in folder.iterdir()} == hashes
    assert current_preview(stores, SEALED) is None
    assert not made.folder.exists()
    with pytest.raises(WrongState, match="no preview"):
        publish_preview(stores, settings, SEALED, FREE)
    _correct(settings, stores, vault, lan, binh)


def _correct(settings: Settings, stores: Stores, vault: KeyVault, lan: OfficerRecord, binh: OfficerRecord) -> None:
    """A correction needs a reason and approvals, and no embargo; the first edition stays as it was."""
    first = (settings.instance / "editions" / SEALED / "1" / "edition.json").read_bytes()
    with pytest.raises(BadInput, match="needs a reason"):
        prepare_preview(stores, vault, settings, SEALED, FREE)
    made = prepare_preview(stores, vault, settings, SEALED, FREE, reason="Sửa tên đơn vị", actor=lan.login, workers=2)
    for officer in (lan, binh):
        approve_preview(stores, SEALED, made.manifest_sha256, officer=officer, today=FREE)
    # A digit that is changed after the approvals is found out.
    preview = current_preview(stores, SEALED)
    assert preview is not None
    table = made.folder / "estimates.csv"
    whole = table.read_bytes()
    table.write_bytes(whole.replace(b",12,", b",13,", 1))
    with pytest.raises(EditionError):
        publish_preview(stores, settings, SEALED, FREE)
    table.write_bytes(whole)
    # Work that was cut off between the move and the record goes on.
    target = settings.instance / "editions" / SEALED / "2"
    shutil.move(made.folder, target)
    published = publish_preview(stores, settings, SEALED, FREE, actor=lan.login)
    assert (published.number, published.reason) == (2, "Sửa tên đơn vị")
    assert read_edition(target).reason == "Sửa tên đơn vị"
    assert (settings.instance / "editions" / SEALED / "1" / "edition.json").read_bytes() == first
    with pytest.raises(NotFound):
        open_preview(settings, replace(preview, attempt=9))
