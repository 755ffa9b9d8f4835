"""The Kansas City survey through import, archive and analysis, against R's survey package.

`kansas_city_2021-09.json` says in its `design` field what R was asked; its numbers come from R 4.2 with survey 4.1.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from support.stores import Templates
from survey.importing import ImportRequest, import_round
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

pytestmark = pytest.mark.slow

EXPECTED = json.loads((Path(__file__).parent / "kansas_city_2021-09.json").read_text())["results"]
OWNERS = ["all", *(f"district{number}" for number in range(1, 7))]
TOLERANCE = 1e-9


def edition_under(profile: str, folder: Path, templates: Templates) -> Edition:
    files = folder / "files"
    files.mkdir()
    bundled = Path(__file__).parents[2] / "survey" / "demonstration" / "kansas_city"
    for source in bundled.iterdir():
        (files / source.name).write_bytes(source.read_bytes())
    plan = (files / "plan.yaml").read_text().replace("profile: rescaled_mean", f"profile: {profile}")
    (files / "plan.yaml").write_text(plan)
    settings = templates.new_instance("sqlite", folder / "var")
    stores = open_stores(settings)
    try:
        vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file))
        request = ImportRequest(
            "kc", "kansas_city/2021.1", files / "answers.csv", files / "design.yaml", files / "plan.yaml"
        )
        imported = import_round(stores, vault, settings, request, date(2026, 11, 23))
    finally:
        stores.close()
    return compute_edition(read_archive(imported.archive), published_on=date(2026, 11, 23), public_url=None)


@pytest.fixture(scope="module")
def rescaled(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Edition:
    return edition_under("rescaled_mean", tmp_path_factory.mktemp("rescaled"), store_templates)


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Edition:
    return edition_under("share_satisfied", tmp_path_factory.mktemp("shares"), store_templates)


@pytest.mark.parametrize("owner", OWNERS)
def test_the_index_and_its_standard_error_are_those_of_r(rescaled: Edition, owner: str) -> None:
    row = rescaled.row(owner)
    assert row.estimate == pytest.approx(EXPECTED[owner]["estimate"], abs=TOLERANCE)
    assert row.se == pytest.approx(EXPECTED[owner]["se"], abs=TOLERANCE)
    assert row.n == EXPECTED[owner]["n"]


@pytest.mark.parametrize("owner", OWNERS)
def test_the_item_means_are_those_of_r(rescaled: Edition, owner: str) -> None:
    found = [rescaled.row(owner, f"q3_{number:02}").estimate for number in range(1, 17)]
    assert found == pytest.approx(EXPECTED[owner]["items_mean"], abs=TOLERANCE)


@pytest.mark.parametrize("owner", OWNERS)
def test_the_shares_of_the_satisfied_are_those_of_r(shares: Edition, owner: str) -> None:
    found = [shares.row(owner, f"q3_{number:02}").estimate for number in range(1, 17)]
    assert found == pytest.approx(EXPECTED[owner]["items_t2b"], abs=TOLERANCE)


def test_the_standard_errors_of_one_item_in_each_district_are_those_of_r(rescaled: Edition) -> None:
    rows = [rescaled.row(owner, "q3_01") for owner in OWNERS[1:]]
    assert [row.estimate for row in rows] == pytest.approx(EXPECTED["check_q3_01"]["estimate"], abs=TOLERANCE)
    assert [row.se for row in rows] == pytest.approx(EXPECTED["check_q3_01"]["se"], abs=TOLERANCE)


def test_degrees_of_freedom_are_those_of_the_domain(rescaled: Edition) -> None:
    assert [rescaled.row(owner).df for owner in OWNERS] == [1027, 158, 159, 149, 168, 180, 213]


def test_what_lies_between_the_options_is_the_share_of_the_satisfied(rescaled: Edition, shares: Edition) -> None:
    satisfied = sum(row.share or 0 for row in rescaled.distribution_of("all", "q3_01") if row.option in ("4", "5"))
    assert 100 * satisfied == pytest.approx(shares.row("all", "q3_01").estimate)
