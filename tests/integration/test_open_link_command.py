"""`hailong round create --open-link` and `round open-link`, and the setting that tells proxies (criterion 34)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from support.command_line import environment_of_settings, run
from support.rounds import UNITS_CSV
from survey.errors import BadInput
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> dict[str, str]:
    registry = tmp_path / "units.csv"
    registry.write_text(UNITS_CSV, encoding="utf-8")
    import_units(sqlite_stores, registry)
    return environment_of_settings(sqlite_settings.instance, None)


def create(environment: dict[str, str], slug: str, *options: str, questionnaire: str = "sipas/2017.1") -> int:
    dates = ("--opens", today().isoformat(), "--closes", (today() + timedelta(days=9)).isoformat())
    done = run(
        environment, "round", "create", slug, "--questionnaire", questionnaire, "--units", "kind=commune", *dates,
        *options,
    )  # fmt: skip
    return done.exit_code


def cap_of(environment: dict[str, str], slug: str) -> object:
    return json.loads(run(environment, "round", "status", slug, "--json").output)["open_link_cap"]


def test_a_round_is_created_with_an_open_link_and_changed_while_it_goes_on(environment: dict[str, str]) -> None:
    assert [create(environment, "a"), create(environment, "b", "--open-link")] == [0, 0]
    assert create(environment, "c", "--open-link", "--open-link-cap", "7") == 0
    assert [cap_of(environment, slug) for slug in "abc"] == [None, 200, 7]
    assert run(environment, "round", "open-link", "a", "--cap", "50").output.startswith("round a: 50 answers")
    assert run(environment, "round", "open-link", "c", "--off").exit_code == 0
    assert [cap_of(environment, slug) for slug in "ac"] == [50, None]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--cap", "0"), "from 1 to 10000"),
        (("--cap", "10001"), "from 1 to 10000"),
        ((), "expected one of them"),
        (("--cap", "5", "--off"), "expected one of them"),
    ],
)
def test_a_cap_that_is_none_changes_nothing(
    environment: dict[str, str], arguments: tuple[str, ...], complaint: str
) -> None:
    assert create(environment, "a", "--open-link") == 0
    done = run(environment, "round", "open-link", "a", *arguments)
    assert done.exit_code == 2
    assert complaint in done.errors
    assert cap_of(environment, "a") == 200


def test_a_round_that_rates_several_units_or_has_a_cap_alone_is_refused(environment: dict[str, str]) -> None:
    assert create(environment, "a", "--open-link-cap", "9") == 2
    assert create(environment, "a", "--open-link", questionnaire="ddci/communes-2024.1") == 2


@pytest.mark.parametrize("found", ["-1", "10", "one", "1.5", "²"])
def test_a_number_of_proxies_that_is_none_stops_the_start(tmp_path: Path, found: str) -> None:
    with pytest.raises(BadInput, match="HAILONG_PROXIES"):
        Settings.from_environment({"HAILONG_INSTANCE": str(tmp_path / "var"), "HAILONG_PROXIES": found})
