"""A sealed round's plan runs in the browser: progress, diagnostics, formulas, approval, files (issue 7, O7)."""

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from support.hard_rounds import FIGURES, PLAIN, REFERENCE, SLUG, UNITS, WITH_HARD, publish_small, sealed_round
from support.keys import lay_keys
from support.office import Office, add_units, open_office, path_of
from support.pages import Page, checked_page
from survey.analysis_runs import RunRecord, results_folder, run_analysis, run_of
from survey.application import create_app
from survey.rounds import RoundRequest, create_round
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.releases import AnalysisRun
from survey.storage.sessions import reading, writing

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
ANALYSIS = f"{ROUND}/analysis"
PARTS = ("units", "weights", "response", "flags", "formulas")


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    lay_keys(sqlite_settings, SLUG)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def seal(office: Office, plan: bytes = PLAIN) -> None:
    sealed_round(office.services.settings, office.services.stores, plan=plan)


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def run(office: Office, **fields: object) -> RunRecord:
    """The run that the page's button starts, when it is over."""
    assert path_of(office.send(ANALYSIS, **fields)) == ANALYSIS
    return finished(office)


def finished(office: Office) -> RunRecord:
    while True:
        found = run_of(office.services.stores, SLUG)
        assert found is not None
        if found.state != "running":
            return found
        time.sleep(0.05)


def say_of_run(office: Office, **values: object) -> None:
    with writing(office.services.stores.office) as session:
        session.execute(update(AnalysisRun).where(AnalysisRun.round_slug == SLUG).values(**values))


def events(office: Office) -> list[str]:
    with reading(office.services.stores.office) as session:
        return [event.action for event in list_events(session)][::-1]


def test_a_plan_is_run_looked_at_and_approved(office: Office) -> None:
    seal(office)
    assert "Chạy kế hoạch phân tích" in page(office, ANALYSIS).text
    found = run(office)
    assert (found.state, found.complaint) == ("done", "")
    overview = page(office, ANALYSIS)
    assert "Những điều cần xem trước khi xác nhận" in overview.text
    assert "Nguyễn Thị Lan chạy kế hoạch" in overview.text
    for part in PARTS:
        for language in ("vi", "en"):
            assert page(office, f"{ANALYSIS}/{part}?lang={language}").root.xpath("//main//table"), part
    names = [
        name for name in page(office, f"{ANALYSIS}/units").root.xpath("//main//tbody/tr/th/text()") if name.strip()
    ]
    assert len(names) == len(UNITS)
    former = office.send(f"{ANALYSIS}/approval", ANALYSIS, figures="0" * 64, note="")
    assert "Hãy xem lại rồi xác nhận" in former.text
    answer = office.send(f"{ANALYSIS}/approval", ANALYSIS, figures=found.figures_hash, note="Đã xem trọng số.")
    assert path_of(answer) == ANALYSIS
    approved = page(office, f"{ANALYSIS}?did=approve")
    assert "Nguyễn Thị Lan xác nhận các con số này" in approved.text
    assert "Đã xem trọng số." in approved.text
    again = office.client.post(
        f"{ANALYSIS}/approval", data={"csrf_token": office.token(ANALYSIS), "figures": found.figures_hash}
    )
    assert "đã có người xác nhận" in again.text
    assert events(office)[-2:] == ["analysis.started", "analysis.approved"]
    second = run(office)
    assert (second.figures_hash, second.approved_by) == (found.figures_hash, ""), "to be looked at anew"
    folders = results_folder(office.services.settings, SLUG, second.mark).parent
    assert [folder.name for folder in folders.iterdir()] == [second.mark], "former results are gone"


def test_every_table_is_there_as_a_file(office: Office) -> None:
    seal(office)
    run(office)
    for part in PARTS:
        book = load_workbook(io.BytesIO(office.client.get(f"{ANALYSIS}/{part}.xlsx").get_data()))
        text = office.client.get(f"{ANALYSIS}/{part}.csv").get_data().decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert [cell.value for cell in book.worksheets[0][1]] == lines[0]
        assert book.worksheets[0].max_row == len(lines) > 1, part
        assert lines[0][0] == "Tên"
    estimates = load_workbook(io.BytesIO(office.client.get(f"{ANALYSIS}/estimates.xlsx").get_data()))
    assert estimates.sheetnames == ["estimates", "ranks"]


def test_hard_data_are_asked_for_read_and_kept_for_the_next_run(office: Office) -> None:
    seal(office, WITH_HARD)
    empty = office.send(ANALYSIS)
    assert (empty.status_code, "Hãy chọn một tệp" in empty.text) == (400, True)
    wrong = office.hand_in(ANALYSIS, {"figures": (b"unit,indicator,value,source\nphuong-a,h,viel,\n", "h.csv")})
    assert (wrong.status_code, "h.csv, dòng 2" in wrong.text) == (400, True)
    assert run_of(office.services.stores, SLUG) is None
    assert path_of(office.hand_in(ANALYSIS, {"figures": (FIGURES.encode(), "h.csv")})) == ANALYSIS
    first = finished(office)
    assert first.state == "done"
    assert run(office).figures_hash == first.figures_hash, "the same file is used again"


def test_what_goes_wrong_is_said_and_can_be_tried_again(office: Office) -> None:
    seal(office)
    found = run(office)
    say_of_run(office, state="running", stage=2, seen=datetime.now(UTC))
    waiting = office.client.get(ANALYSIS)
    assert waiting.headers["Refresh"] == "4"
    assert "Đang tính điểm, khoảng tin cậy và thứ hạng" in waiting.text
    assert office.client.get(f"{ANALYSIS}/units").status_code == 303, "no results are shown while others are computed"
    assert path_of(office.client.post(ANALYSIS, data={"csrf_token": office.token("/office/people")})) == ANALYSIS
    say_of_run(office, seen=datetime.now(UTC) - timedelta(minutes=5))
    assert "Việc tính bị gián đoạn" in page(office, ANALYSIS).text
    say_of_run(office, state="failed", complaint="design.yaml, margins: found 0", complaint_kind="DesignError")
    assert "Kho dữ liệu đã niêm phong vẫn nguyên vẹn" in page(office, ANALYSIS).text
    say_of_run(office, state="done")
    table = results_folder(office.services.settings, SLUG, found.mark) / "quality.csv"
    table.chmod(0o644)
    table.write_text(table.read_text().replace("0", "1"))
    app = create_app(office.services.settings)
    fresh = Office(app, app.test_client())
    fresh.sign_in()
    assert "không còn nguyên vẹn" in fresh.client.get(ANALYSIS).text
    assert fresh.client.get(f"{ANALYSIS}/units.csv").status_code == 404
    fresh.services.stores.close()


def test_a_run_that_lost_its_place_writes_nothing(office: Office) -> None:
    seal(office)
    found = run(office)
    run_analysis(office.services.settings, SLUG, "0" * 32)
    assert run_of(office.services.stores, SLUG) == found


def test_no_plan_runs_before_the_round_is_sealed(office: Office) -> None:
    publish_small(office.services.stores)
    draft = RoundRequest("chua-xong", REFERENCE, "kind=ward", today(), today())
    create_round(office.services.stores, draft, today())
    assert path_of(office.client.get("/office/rounds/chua-xong/analysis")) == "/office/rounds/chua-xong"
