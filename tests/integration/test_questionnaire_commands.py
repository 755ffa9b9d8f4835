"""The commands on questionnaires: what they say, where they say it, and what they leave alone."""

import json
from functools import partial
from pathlib import Path

import pytest

from support.command_line import RunHailong, environment_of_settings, run
from support.questionnaire_files import behaviour_source
from survey.settings import Settings
from survey.storage.stores import Stores

SOURCE = behaviour_source("everything")


@pytest.fixture
def hailong(sqlite_settings: Settings) -> RunHailong:
    return partial(run, environment_of_settings(sqlite_settings.instance, None))


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "form.yaml"
    path.write_bytes(SOURCE)
    return path


def test_a_good_file_is_described(hailong: RunHailong, form: Path) -> None:
    done = hailong("questionnaire", "check", form)
    assert (done.exit_code, done.errors) == (0, "")
    assert "everything/1.0 is fine; sections: 1, items: 5, criteria: 1" in done.output
    described = json.loads(hailong("questionnaire", "check", form, "--json").output)
    assert described["complaints"] == []
    assert described["reference"] == "everything/1.0"
    assert described["most_units"] == 1


def test_units_a_form_and_profiles_are_listed(hailong: RunHailong) -> None:
    lines = {line.split()[0]: line for line in hailong("questionnaire", "list").output.splitlines()}
    assert lines["ddci/departments-2024.1"].endswith(
        ", up to 5 units a form, profiles: ddci (default), ddci_with_hard, ddci_1000"
    )
    assert "units a form" not in lines["sipas/2023.1"]
    found = {entry["reference"]: entry for entry in json.loads(hailong("questionnaire", "list", "--json").output)}
    entry = found["ddci/departments-2024.1"]
    assert entry["most_units"] == 5
    assert {profile["name"]: profile["points"] for profile in entry["profiles"]} == {
        "ddci": 100,
        "ddci_with_hard": 100,
        "ddci_1000": 1000,
    }
    assert [profile["name"] for profile in entry["profiles"] if profile["is_default"]] == ["ddci"]


def test_every_complaint_is_printed_and_one_line_sums_them_up(hailong: RunHailong, form: Path) -> None:
    form.write_bytes(SOURCE.replace(b"weight: 2", b"weight: 0").replace(b"kind: number", b"kind: numeric"))
    done = hailong("questionnaire", "check", form)
    assert done.exit_code == 2
    item, weight = done.output.splitlines()
    assert item.startswith(f"{form}:34: sections[0].items[3].kind: found “numeric”, expected ")
    assert weight.startswith(f"{form}:47: index.factors[0].weight: found the weight 0, expected ")
    assert done.errors == f"hailong: {item} (and 1 more complaint)\n"
    complaints = json.loads(hailong("questionnaire", "check", form, "--json").output)["complaints"]
    assert [complaint["line"] for complaint in complaints] == [34, 47]


@pytest.mark.parametrize("command", [("check",), ("publish",), ("diff", "sipas/2017.1")])
def test_a_file_that_is_not_there_is_one_line(hailong: RunHailong, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = hailong("questionnaire", *command, tmp_path / "nowhere.yaml")
    assert (done.exit_code, done.output) == (2, "")
    assert done.errors.count("\n") == 1
    assert "nowhere.yaml" in done.errors


def test_a_published_version_is_frozen(hailong: RunHailong, form: Path) -> None:
    assert hailong("questionnaire", "publish", form).exit_code == 0
    assert hailong("questionnaire", "publish", form).exit_code == 0
    form.write_bytes(SOURCE + b"# one more comment\n")
    again = hailong("questionnaire", "publish", form)
    assert (again.exit_code, again.output) == (2, "")
    assert "everything/1.0 is published already with another text" in again.errors
    (entry,) = [
        entry
        for entry in json.loads(hailong("questionnaire", "list", "--json").output)
        if entry["reference"] == "everything/1.0"
    ]
    assert entry["published_on"] is not None
    assert entry["items"] == 5


def test_a_bundled_version_is_frozen_too(hailong: RunHailong, tmp_path: Path) -> None:
    from questionnaires.library import bundled_source

    form = tmp_path / "form.yaml"
    form.write_bytes(bundled_source("sipas/2017.1"))
    assert hailong("questionnaire", "publish", form).exit_code == 0
    form.write_bytes(bundled_source("sipas/2017.1") + b"\n")
    assert hailong("questionnaire", "publish", form).exit_code == 2


def test_what_is_refused_is_not_published(hailong: RunHailong, form: Path) -> None:
    form.write_bytes(SOURCE.replace(b"weight: 2", b"weight: .inf"))
    assert hailong("questionnaire", "publish", form).exit_code == 2
    assert "everything" not in hailong("questionnaire", "list").output


def test_the_list_has_what_comes_with_the_program_before_anything_is_set_up(tmp_path: Path) -> None:
    from questionnaires.library import bundled_references

    done = run({"HAILONG_INSTANCE": str(tmp_path / "var")}, "questionnaire", "list")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == list(bundled_references())
    assert "hailong database upgrade" in done.errors


@pytest.mark.parametrize(
    "reading",
    [
        ("round", "status"),
        ("round", "release", "r"),
        ("units", "list"),
        ("unit-account", "list"),
        ("officer", "list"),
        ("database", "check"),
        ("analyse", "r"),
        ("round", "export", "r", "--format", "csv", "--out", "out"),
        ("questionnaire", "list"),
    ],
    ids=" ".join,
)
def test_a_command_that_reads_makes_no_instance_of_its_own(tmp_path: Path, reading: tuple[str, ...]) -> None:
    done = run({"HAILONG_INSTANCE": str(tmp_path / "var")}, *reading)
    assert len(done.errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_versions_are_compared_by_name_and_by_file(hailong: RunHailong, form: Path, tmp_path: Path) -> None:
    assert hailong("questionnaire", "publish", form).exit_code == 0
    later = tmp_path / "later.yaml"
    later.write_bytes(SOURCE.replace(b"weight: 2", b"weight: 3").replace("vi: Được".encode(), "vi: Tạm được".encode()))
    done = hailong("questionnaire", "diff", "everything/1.0", later)
    assert done.exit_code == 0
    assert done.output.splitlines()[0].startswith("! scale_changed")
    assert "should not be compared" in done.output
    answer = json.loads(hailong("questionnaire", "diff", "everything/1.0", later, "--json").output)
    assert [one["key"] for one in answer["differences"]] == ["items.first.options"]
    assert "không nên so sánh" in answer["note"]["vi"]
    assert hailong("questionnaire", "diff", "everything/1.0", form).output.startswith(
        "Both versions ask and score alike"
    )


def test_a_version_that_nobody_published_is_told_what_there_is(hailong: RunHailong, form: Path) -> None:
    done = hailong("questionnaire", "diff", "sipas/2030.1", form)
    assert done.exit_code == 2
    assert "sipas/2017.1" in done.errors


def test_both_engines_freeze_a_version(stores: Stores) -> None:
    from datetime import date

    from questionnaires.library import bundled_references
    from survey.errors import WrongState
    from survey.questionnaire_library import (
        find_questionnaire,
        list_published,
        publish_questionnaire,
        questionnaire_source,
    )

    day = date(2026, 3, 1)
    published = publish_questionnaire(stores, SOURCE, "form.yaml", day)
    assert publish_questionnaire(stores, SOURCE, "again.yaml", date(2026, 4, 1)) == published
    with pytest.raises(WrongState, match="another text"):
        publish_questionnaire(stores, SOURCE + b"\n", "form.yaml", day)
    assert find_questionnaire(stores, "everything/1.0") == published
    assert questionnaire_source(stores, "everything/1.0") == SOURCE
    entries = {entry.questionnaire.reference: entry.published_on for entry in list_published(stores)}
    assert entries == {"everything/1.0": day} | dict.fromkeys(bundled_references())
