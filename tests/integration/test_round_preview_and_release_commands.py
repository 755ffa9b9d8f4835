"""`hailong round preview`, `release` and `publish` where a plan asks for a preview: what they say and refuse (S6)."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from support.command_line import Run, environment_of_settings, run
from support.hard_rounds import PLAIN, UNITS, sealed_round
from support.hard_rounds import SLUG as SEALED
from support.office import LOGIN, PASSWORD
from support.published import preview_by_hand, publish_by_hand, sipas_edition
from support.rounds import SLUG as DRAFT
from support.rounds import UNITS_CSV, planned_collection
from survey.officers import OfficerRecord, create_officer
from survey.previews import approve_preview, current_preview, raise_objection
from survey.round_records import editions_of
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

SLUG = "sipas-2026"
PLAN = b'plan: 1\nversion: "1"\naggregate: units\nrelease: {embargo_days: 7, approvals: 2}\n'

RunRound = Callable[..., Run]


@pytest.fixture
def run_round(sqlite_settings: Settings) -> RunRound:
    """`hailong round …` on the instance of `sqlite_settings`, in this process."""
    return partial(run, environment_of_settings(sqlite_settings.instance, None), "round")


def officers_of(stores: Stores) -> tuple[OfficerRecord, OfficerRecord]:
    return (
        create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line"),
        create_officer(stores, "binh", "Trần Văn Bình", "bốn từ khác hẳn", actor="command line"),
    )


def preview_free_in(days: int, settings: Settings, stores: Stores, attempt: int = 1) -> str:
    """A preview that may be published in so many days; returns its hash."""
    edition = replace(sipas_edition((120, 60, 25)), published_on=today() + timedelta(days=days))
    preview_by_hand(settings, stores, edition, plan=PLAN, attempt=attempt)
    found = current_preview(stores, SLUG)
    assert found is not None
    return found.manifest_hash


def refused(done: Run, *words: str) -> None:
    """It ended with exit 2 and one line on stderr that has these words."""
    assert done.exit_code == 2, done
    assert done.output == ""
    (line,) = done.errors.splitlines()
    for word in words:
        assert word in line, line


@pytest.mark.slow
def test_the_state_of_a_preview_names_everything_that_it_waits_for(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    manifest_hash = preview_free_in(3, sqlite_settings, sqlite_stores)
    lan, _ = officers_of(sqlite_stores)
    approve_preview(sqlite_stores, SLUG, manifest_hash, officer=lan, today=today())
    said = run_round("release", SLUG)
    assert said.exit_code == 0, said.errors
    assert said.output.splitlines() == [
        f"round {SLUG}: embargo of 7 days, approvals of 2 officers",
        f"edition 1, manifest sha256 {manifest_hash}, to be published from {today() + timedelta(days=3)}",
        f"approved by {lan.name}",
        f"found the embargo until {today() + timedelta(days=3)}, expected that day to have come",
        "found 1 approvals, expected those of 2 different officers",
    ]
    unit = sipas_edition((120, 60, 25)).units[0].code
    raise_objection(sqlite_stores, SLUG, unit, "Thiếu phiếu.", raised_by="Hà", today=today(), actor="ha")
    state = json.loads(run_round("release", SLUG, "--json").output)
    assert state["waits_for"] == ["embargo", "objections", "approvals"]
    assert state["objections"] == {"open": 1, "rejected": 0, "noted": 0, "upheld": 0}
    assert state["approved_by"] == [], "an approval is void once somebody objects"


@pytest.mark.slow
def test_one_officer_who_approves_twice_is_not_two(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    manifest_hash = preview_free_in(0, sqlite_settings, sqlite_stores)
    lan, _ = officers_of(sqlite_stores)
    for _ in range(2):
        approve_preview(sqlite_stores, SLUG, manifest_hash, officer=lan, today=today())
    assert json.loads(run_round("release", SLUG, "--json").output)["waits_for"] == ["approvals"]
    refused(run_round("publish", SLUG), "found 1 approvals, expected those of 2 different officers")
    assert editions_of(sqlite_stores, SLUG) == ()


@pytest.mark.slow
def test_an_approved_preview_is_not_published_before_its_embargo_is_over(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    manifest_hash = preview_free_in(1, sqlite_settings, sqlite_stores)
    for officer in officers_of(sqlite_stores):
        approve_preview(sqlite_stores, SLUG, manifest_hash, officer=officer, today=today())
    refused(run_round("publish", SLUG), f"found the embargo until {today() + timedelta(days=1)}")
    assert editions_of(sqlite_stores, SLUG) == ()
    assert not (sqlite_settings.instance / "editions").exists()


@pytest.mark.slow
def test_an_approved_preview_is_published_as_it_is_and_once(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    manifest_hash = preview_free_in(0, sqlite_settings, sqlite_stores)
    for officer in officers_of(sqlite_stores):
        approve_preview(sqlite_stores, SLUG, manifest_hash, officer=officer, today=today())
    assert run_round("release", SLUG).output.splitlines()[-1] == f"ready: hailong round publish {SLUG}"
    refused(run_round("publish", SLUG, "--reason", "vì sao"), "--reason", "`hailong round preview`")
    published = run_round("publish", SLUG, "--json")
    assert published.exit_code == 0, published.errors
    assert json.loads(published.output) == {"round": SLUG, "edition": 1, "manifest_sha256": manifest_hash}
    assert [edition.manifest_hash for edition in editions_of(sqlite_stores, SLUG)] == [manifest_hash]
    assert "no preview" in run_round("release", SLUG).output
    refused(run_round("publish", SLUG), "has no preview", f"hailong round preview {SLUG}")


def test_a_round_without_a_preview_is_told_to_have_none(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    publish_by_hand(sqlite_settings, sqlite_stores, sipas_edition((120, 60, 25)))
    said = run_round("release", SLUG)
    assert said.output.splitlines() == [f"round {SLUG}: embargo of 0 days, approvals of 0 officers", "no preview"]
    assert json.loads(run_round("release", SLUG, "--json").output)["edition"] is None


@pytest.mark.parametrize("step", ["preview", "release", "publish"])
def test_a_round_that_is_not_there_is_named(sqlite_stores: Stores, run_round: RunRound, step: str) -> None:
    refused(run_round(step, "khong-co-2026"), "khong-co-2026")


def test_a_draft_has_no_preview_and_gets_none(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    planned_collection(sqlite_settings, sqlite_stores, sqlite_settings.instance)
    refused(run_round("preview", DRAFT), DRAFT, "is draft")
    assert not (sqlite_settings.instance / "previews").exists()


def test_a_preview_that_cannot_be_begun_leaves_nothing_behind(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound, tmp_path: Path
) -> None:
    publish_by_hand(sqlite_settings, sqlite_stores, sipas_edition((120, 60, 25)))
    refused(run_round("preview", SLUG), "edition 2, needs a reason")
    refused(run_round("preview", SLUG, "--reason", "\u200b"), "invisible character")
    refused(run_round("preview", SLUG, "--reason", "Sửa", "--hard-data", tmp_path / "no.csv"), "no.csv")
    refused(run_round("preview", SLUG, "--reason", "Sửa", "--passphrase-file", tmp_path / "none"), "none")
    refused(run_round("preview", SLUG, "--language", "fr"), "fr")
    refused(run_round("preview", SLUG, "--workers", "0"), "workers")
    refused(run_round("preview"), "SLUG")
    assert not (sqlite_settings.instance / "previews").exists()


@pytest.mark.slow
def test_a_sealed_round_is_previewed_and_published_by_commands(
    sqlite_settings: Settings, sqlite_stores: Stores, run_round: RunRound
) -> None:
    (sqlite_settings.instance / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    import_units(sqlite_stores, sqlite_settings.instance / "units.csv")
    sealed_round(sqlite_settings, sqlite_stores, plan=PLAIN + b"release: {approvals: 1}\n")
    made = run_round("preview", SEALED, "--workers", "1")
    assert made.exit_code == 0, made.errors
    assert f"{UNITS[0]}.pdf" in made.errors, "each document is told while it is printed"
    found = re.search(r"manifest sha256 ([0-9a-f]{64})", made.output)
    assert found is not None
    assert json.loads(run_round("release", SEALED, "--json").output)["manifest_sha256"] == found[1]
    assert editions_of(sqlite_stores, SEALED) == ()
    approve_preview(sqlite_stores, SEALED, found[1], officer=officers_of(sqlite_stores)[0], today=today())
    assert run_round("publish", SEALED).output.splitlines() == [
        f"edition 1 of {SEALED} is published",
        f"manifest sha256 {found[1]}",
    ]
