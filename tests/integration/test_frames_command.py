"""Lists of people are erased on their day from the command line, which a timer calls (issue 7, O4)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.command_line import environment_of_settings, run
from support.rounds import SLUG, planned_collection
from support.stores import Templates, opened
from survey.frame_shelf import folder_of
from survey.frames import frame_of, upload_frame
from survey.round_records import find_round
from survey.services import Services, open_services, today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading, writing
from survey.storage.setups import RoundFrame

pytestmark = pytest.mark.slow

LIST = "Mã hồ sơ,Đơn vị,Họ tên\nHS1,xa-b,Nguyễn Văn Lạ\nHS2,xa-b,Trần Thị Quen\n"


@pytest.fixture
def services(tmp_path: Path, store_templates: Templates) -> Iterator[Services]:
    settings: Settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    planned_collection(settings, stores, tmp_path)
    stores.close()
    found = open_services(settings)
    yield found
    found.stores.close()


def hand_in(services: Services, days: int) -> None:
    record = find_round(services.stores, SLUG)
    upload_frame(
        services, record, "transactions", LIST.encode(), "ds.csv", today() + timedelta(days=days),
        actor="lan", by="Lan", today=today(),
    )  # fmt: skip


def said(services: Services, *words: str) -> str:
    result = run(environment_of_settings(services.settings.instance, None), "frames", *words)
    assert result.exit_code == 0, result.errors
    return result.output


def test_a_list_is_erased_when_its_day_has_come_and_not_before(services: Services) -> None:
    hand_in(services, 40)
    folder = folder_of(services.settings.instance, SLUG)
    day = today() + timedelta(days=40)
    assert said(services, "list") == f"{SLUG}\tuploaded\t2\t{day}\n"
    assert said(services, "erase") == ""
    assert folder.is_dir()
    with writing(services.stores.office) as session:
        session.get_one(RoundFrame, SLUG).erase_on = today()
    assert said(services, "erase") == f"erased the list of {SLUG}\n"
    assert said(services, "erase") == "", "once"
    assert not folder.exists()
    found = frame_of(services.stores, SLUG)
    assert found is not None
    assert (found.state, found.sealed_key) == ("erased", None)
    assert said(services, "list") == f"{SLUG}\terased\t2\t{today()}\n"
    with reading(services.stores.office) as session:
        event = next(event for event in list_events(session) if event.action == "frame.erased")
    assert (event.actor, event.subject) == ("command line", SLUG)


def test_a_list_is_erased_at_once_by_its_round_and_a_wrong_one_is_named(services: Services) -> None:
    hand_in(services, 40)
    assert said(services, "erase", SLUG) == f"erased the list of {SLUG}\n"
    refused = run(environment_of_settings(services.settings.instance, None), "frames", "erase", "khong-co")
    assert (refused.exit_code, "khong-co" in refused.errors) == (2, True)
