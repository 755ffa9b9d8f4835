"""The monitor of a round: exact counts for the office, with the script and without, and nothing of any answer."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from support.citizens import OTHER_UNIT, UNIT, Asked, ask
from support.office import Office, open_office, path_of
from support.pages import PageClient, checked_page
from survey.fieldwork_days import days_of
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import open_stores

MONITOR = "/office/rounds/hai-long/fieldwork"


@dataclass(frozen=True, slots=True)
class Watched:
    office: Office
    asked: Asked

    def page(self, path: str = MONITOR) -> str:
        return checked_page(self.office.client.get(path), path).text

    def events(self, path: str = f"{MONITOR}/news") -> list[dict[str, object]]:
        lines = self.office.client.get(path).text.split("\n\n")
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.fixture
def watched(sqlite_settings: Settings, tmp_path: Path) -> Iterator[Watched]:
    stores = open_stores(sqlite_settings)
    asked = ask(sqlite_settings, stores, tmp_path, questionnaire="kinds/1")
    office = open_office(sqlite_settings)
    office.sign_in()
    yield Watched(office, asked)
    office.services.stores.close()
    stores.close()


def answer(watched: Watched, n_invited: int, n_answers: int, unit: str = UNIT) -> None:
    codes = watched.asked.codes(unit, n_invited)
    client = PageClient(watched.office.app)
    for code in codes[:n_answers]:
        form = client.get(f"/r/hai-long/{unit}").fields()
        sent = client.raw.post(f"/r/hai-long/{unit}", data=form | {"code": code.typed, "overall": "4"})
        assert sent.status_code == 303


def test_the_monitor_shows_exact_counts_at_once(watched: Watched) -> None:
    assert "Chưa phát mã mời nào" in watched.page()
    answer(watched, 12, 5)
    page = watched.page()
    assert "41,7% của 12 người được mời" in page
    assert "Phường A 12 5 41,7%" in page
    answer(watched, 3, 3, OTHER_UNIT)
    assert "Xã B 3 3 100,0%" in watched.page()
    assert "Commune B 3 3 100.0%" in watched.page(f"{MONITOR}?lang=en")
    assert "5 / 12" in watched.page(f"{MONITOR}/channels")


def test_the_news_bring_the_same_counts_as_the_page(watched: Watched) -> None:
    answer(watched, 4, 1)
    (event,) = watched.events()
    assert event["rows"] == {
        UNIT: ["4", "1", "25,0%", "0", "–", *event["rows"][UNIT][5:]],
        OTHER_UNIT: event["rows"][OTHER_UNIT],
    }  # type: ignore[index]
    response = watched.office.client.get(f"{MONITOR}/news")
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.text.startswith("retry: ")


def test_opened_pages_are_counted_by_unit_and_day_and_told_when_they_are_written_down(watched: Watched) -> None:
    answer(watched, 3, 2)
    PageClient(watched.office.app).raw.head(f"/r/hai-long/{UNIT}")
    services = watched.office.services
    assert days_of(services.stores, "hai-long") == {}
    services.days.write()
    (day,) = days_of(services.stores, "hai-long")[UNIT].items()
    assert (day[0], day[1].opened, day[1].received) == (today(), 2, 2)
    unit_page = watched.page(f"{MONITOR}/unit?unit={UNIT}")
    assert f"{today():%d/%m/%Y} 2 2" in unit_page


def test_a_target_is_set_for_all_and_for_one(watched: Watched) -> None:
    answer(watched, 3, 1)
    office = watched.office
    assert path_of(office.send(f"{MONITOR}/target", answers="30")) == MONITOR
    assert path_of(office.send(f"{MONITOR}/unit?unit={UNIT}", answers="12")) == f"{MONITOR}/unit"
    assert "Chỉ tiêu: 42 phiếu" in watched.page()
    refused = office.send(f"{MONITOR}/target", answers="0")
    assert refused.status_code == 400
    assert "Hãy nhập một số nguyên từ 1 đến 1.000.000" in refused.text
    assert office.client.get(f"{MONITOR}/unit?unit=khong-co").status_code == 404


def test_the_table_is_given_as_a_workbook_with_exact_counts(watched: Watched) -> None:
    answer(watched, 12, 5)
    watched.office.services.days.write()
    content = watched.office.client.get(f"{MONITOR}/table.xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [cell.value for cell in book["fieldwork"][2]][-2:] == [12, 5]
    assert [cell.value for cell in book["days"][2]][-2:] == [5, 5]
