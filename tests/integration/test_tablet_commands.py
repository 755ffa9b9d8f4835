"""`hailong round tablet-form` and `round import-answers`: the same as in the office, for larger files and scripts."""

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from support.citizens import Asked, ask
from support.command_line import environment_of_settings, run
from support.tablets import central_csv, kobo_csv, submission
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1")


@pytest.fixture
def environment(asked: Asked) -> dict[str, str]:
    return environment_of_settings(asked.settings.instance, None)


@pytest.fixture
def export(asked: Asked, tmp_path: Path) -> Path:
    questionnaire = load_questionnaire_of(asked.stores, find_round(asked.stores, asked.slug))
    rows = [
        submission(asked.slug, questionnaire, code.typed, n, overall="5") for n, code in enumerate(asked.codes(count=4))
    ]
    rows[2]["overall"] = "9"
    file = tmp_path / "kobo.csv"
    file.write_bytes(kobo_csv(questionnaire, rows))
    (tmp_path / "odk.csv").write_bytes(central_csv(questionnaire, rows[:1], version="kinds-0-0"))
    return file


def test_an_export_is_looked_at_received_and_received_again(environment: dict[str, str], export: Path) -> None:
    dry = run(environment, "round", "import-answers", "hai-long", str(export), "--dry-run")
    assert dry.output.splitlines()[0] == "round hai-long: 4 rows, 3 ready, 1 refused"
    assert "refused: answer overall unknown_option: line 4" in dry.output
    assert "not read: start, deviceid" in dry.output
    done = run(environment, "round", "import-answers", "hai-long", str(export))
    assert done.output.splitlines()[0] == "round hai-long: 4 rows, 3 received, 0 there before, 1 refused"
    again = json.loads(run(environment, "round", "import-answers", "hai-long", str(export), "--json").output)
    assert (again["received"], again["there_before"]) == (0, 3)
    assert again["refused"] == [
        {"line": 4, "reason": "answer", "item": "overall", "problem": "unknown_option"},
    ]
    status = json.loads(run(environment, "round", "status", "hai-long", "--json").output)
    assert status["spent"] == 3


def test_a_row_of_another_version_is_said_with_both(environment: dict[str, str], export: Path) -> None:
    done = run(environment, "round", "import-answers", "hai-long", str(export.parent / "odk.csv"), "--dry-run")
    assert "refused: version kinds-0-0, expected kinds-1-" in done.output


def test_the_form_is_written_into_a_new_file(environment: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "form.xlsx"
    assert run(environment, "round", "tablet-form", "hai-long", "--out", str(out)).exit_code == 0
    assert load_workbook(out).sheetnames == ["survey", "choices", "settings"]
    again = run(environment, "round", "tablet-form", "hai-long", "--out", str(out))
    assert again.exit_code == 2
    assert "expected a new one" in again.errors
    nowhere = run(environment, "round", "tablet-form", "hai-long", "--out", str(tmp_path / "no" / "form.xlsx"))
    assert "no place to write to" in nowhere.errors


def test_a_closed_round_and_a_strange_file_are_told(environment: dict[str, str], export: Path, asked: Asked) -> None:
    export.write_text("a,b\n1,2\n", encoding="utf-8")
    strange = run(environment, "round", "import-answers", "hai-long", str(export))
    assert "hailong_form" in strange.errors
    close_round(asked.stores, asked.slug)
    closed = run(environment, "round", "import-answers", "hai-long", str(export))
    assert "is closed" in closed.errors
