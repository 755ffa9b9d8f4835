"""The demonstration is set up once, found the second time, and never put into an instance of somebody's own."""

import json
from datetime import date

import pytest

from analysis.release.edition_folder import read_edition
from survey.demonstration.marker import found_demonstration
from survey.demonstration.preparing import (
    OPEN_ROUND,
    PORTAL_UNIT,
    PUBLISHED_ROUND,
    claim_instance,
    prepare_demonstration,
)
from survey.errors import WrongState
from survey.invitations import find_invitation
from survey.rounds import RoundRequest, create_round, list_rounds
from survey.services import open_services
from survey.settings import Settings
from survey.storage.upgrading import upgrade_stores
from survey.unit_people import list_people
from survey.units import import_units

TODAY = date(2026, 11, 23)


@pytest.fixture
def settings(tmp_path):
    settings = Settings.from_environment({"HAILONG_INSTANCE": str(tmp_path / "var")})
    upgrade_stores(settings)
    return settings


@pytest.fixture
def services(settings):
    services = open_services(settings)
    yield services
    services.stores.close()


@pytest.mark.slow
def test_the_demonstration_has_a_published_round_an_open_round_and_codes_that_work(settings, services):
    claim_instance(settings, services.stores)
    assert found_demonstration(settings) is None
    prepared = prepare_demonstration(services, TODAY, lambda sentence: None)
    assert {record.slug: record.state for record in list_rounds(services.stores)} == {
        PUBLISHED_ROUND: "published",
        OPEN_ROUND: "open",
    }
    assert found_demonstration(settings) == prepared
    assert len({code.unit for code in prepared.codes}) == 3
    for code in prepared.codes:
        typed = find_invitation(services.stores, services.secrets, OPEN_ROUND, code.typed)
        scanned = find_invitation(services.stores, services.secrets, OPEN_ROUND, code.path.partition("#")[2])
        assert typed is not None
        assert scanned is not None
        assert typed.id == scanned.id
    (person,) = list_people(services.stores)
    assert (person.account.login, person.unit_code) == (prepared.portal_login, PORTAL_UNIT)
    assert person.is_active
    edition = read_edition(settings.instance / "editions" / PUBLISHED_ROUND / "1")
    assert len(edition.units) == 6
    assert (settings.instance / "demonstration").stat().st_mode & 0o777 == 0o600


def test_an_instance_with_a_round_of_its_own_is_left_alone(settings, services, tmp_path):
    header = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    (tmp_path / "units.csv").write_text(header + "A1,Phường A,A Ward,ward,Khối A,,2025-07-01,,,,\n", encoding="utf-8")
    import_units(services.stores, tmp_path / "units.csv")
    request = RoundRequest("our-own", "sipas/2017.1", "code=A1", date(2026, 11, 23), date(2026, 12, 23))
    create_round(services.stores, request, TODAY)
    with pytest.raises(WrongState, match="1 rounds of its own"):
        claim_instance(settings, services.stores)
    assert not (settings.instance / "demonstration").exists()


def test_a_start_that_was_cut_off_is_taken_up_again(settings, services):
    claim_instance(settings, services.stores)
    assert json.loads((settings.instance / "demonstration").read_text(encoding="utf-8")) == {}
    assert found_demonstration(settings) is None
    claim_instance(settings, services.stores)
