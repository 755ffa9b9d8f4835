"""An officer leads a preview to its publication, with objections and approvals (issue 6, S6)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from analysis.release.edition import Edition
from support.office import Office, open_office, path_of
from support.pages import Page, checked_page
from support.published import preview_by_hand, sipas_edition
from survey.analysis_runs import figures_hash_of
from survey.officers import create_officer
from survey.previews import current_preview, objections_of, raise_objection
from survey.round_records import editions_of
from survey.services import today
from survey.settings import Settings
from survey.storage.releases import AnalysisRun
from survey.storage.sessions import writing

pytestmark = pytest.mark.slow

SLUG = "sipas-2026"
ROUND = f"/office/rounds/{SLUG}"
RELEASE = f"{ROUND}/release"
PLAN = b'plan: 1\nversion: "1"\naggregate: units\nrelease: {embargo_days: 7, approvals: 2}\n'
SECOND, SECOND_PASSWORD = "binh", "bốn từ khác hẳn"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    """An office with two officers and a round whose preview may be published from tomorrow on."""
    opened = open_office(sqlite_settings)
    stores = opened.services.stores
    create_officer(stores, SECOND, "Trần Văn Bình", SECOND_PASSWORD, actor="command line")
    preview_by_hand(opened.services.settings, stores, dated(1), plan=PLAN)
    opened.sign_in()
    yield opened
    stores.close()


def dated(days: int) -> Edition:
    return replace(sipas_edition((120, 60, 25)), published_on=today() + timedelta(days=days))


def free(office: Office) -> None:
    """The same edition, from whose printed day on it may be published: today."""
    preview_by_hand(office.services.settings, office.services.stores, dated(0), plan=PLAN, attempt=2)


def page(office: Office, address: str = RELEASE) -> Page:
    return checked_page(office.client.get(address), address)


def act(office: Office, action: str, **fields: str) -> tuple[int, str]:
    response = office.send(f"{RELEASE}/{action}", RELEASE, **fields)
    return response.status_code, response.headers.get("Location", "").partition("?")[0]


def manifest(office: Office) -> str:
    found = current_preview(office.services.stores, SLUG)
    assert found is not None
    return found.manifest_hash


def test_the_page_says_what_the_preview_waits_for(office: Office) -> None:
    assert "Có một bản xem trước" in page(office, ROUND).text
    shown = page(office)
    assert shown.h1 == "Bản xem trước"
    assert "Đã có 0 trong 2 cán bộ duyệt" in shown.text
    assert "Đơn vị còn thời gian xem trước" in shown.text
    assert not shown.root.xpath("//form[contains(@action, '/publish')]")
    english = page(office, f"{RELEASE}?lang=en").text
    assert "0 of 2 officers have approved it" in english
    # The step leads there, too: nothing is made twice.
    assert path_of(office.client.get(f"{ROUND}/publish")) == RELEASE
    assert page(office, f"{ROUND}/publish?again=yes").h1 == "Lập bản xem trước"
    assert "7 ngày" in page(office, f"{ROUND}/publish?again=yes").text


def approve_figures(office: Office, figures_hash: str) -> None:
    """Somebody ran the plan and stands behind what it gave."""
    with writing(office.services.stores.office) as session:
        row = session.get(AnalysisRun, SLUG) or AnalysisRun(round_slug=SLUG, mark="a" * 32, number=1)
        moment = datetime.now(UTC)
        row.state, row.started_by, row.began, row.seen = "done", "Trần Văn Bình", moment, moment
        row.figures_hash, row.approved_by, row.approved_on = figures_hash, "Trần Văn Bình", date(2026, 11, 20)
        session.add(row)


def test_the_page_says_whether_a_statistician_approved_these_very_figures(office: Office) -> None:
    assert "Chưa có chuyên viên thống kê nào xác nhận" in page(office).text
    approve_figures(office, "0" * 64)
    shown = page(office)
    assert "khác với những con số Trần Văn Bình đã xác nhận ngày 20/11/2026" in shown.text
    assert shown.root.xpath("//section[@aria-labelledby='figures']//a/@href") == [f"{ROUND}/analysis"]
    approve_figures(office, figures_hash_of(dated(1)))
    for language, words in (("vi", "đúng là những con số Trần Văn Bình"), ("en", "exactly those that Trần Văn Bình")):
        assert words in page(office, f"{RELEASE}?lang={language}").text
    free(office)
    assert "đúng là những con số" in page(office).text, "another preview of the same figures"


def test_the_documents_are_for_officers_alone(office: Office) -> None:
    shown = page(office)
    links = shown.root.xpath("//ul[@class='files']//a/@href")
    assert len(links) == 4
    for link in links:
        response = office.client.get(link)
        assert response.data.startswith(b"%PDF"), link
        assert response.headers["Cache-Control"] == "no-store"
    assert office.client.get(f"{RELEASE}/khong-co.pdf").status_code == 404
    stranger = office.app.test_client()
    assert stranger.get(links[0]).status_code == 303
    assert stranger.get(f"/results/{SLUG}").status_code == 404, "a preview is no result"


def test_two_officers_approve_and_one_publishes(office: Office) -> None:
    free(office)
    assert act(office, "publish")[0] == 409
    assert act(office, "approve", manifest="0" * 64)[0] == 409, "of another preview"
    assert act(office, "approve", manifest=manifest(office)) == (303, RELEASE)
    assert act(office, "approve", manifest=manifest(office))[0] == 409, "the same person twice"
    shown = page(office)
    assert "Ông/bà đã duyệt bản này" in shown.text
    assert "Đã có 1 trong 2 cán bộ duyệt" in shown.text
    office.send("/office/sign-out", "/office/")
    office.sign_in(SECOND, SECOND_PASSWORD)
    assert act(office, "approve", manifest=manifest(office)) == (303, RELEASE)
    shown = page(office)
    assert "Đã duyệt: Nguyễn Thị Lan, Trần Văn Bình" in shown.text
    assert "Có thể công bố" in shown.text
    approved = manifest(office)
    assert act(office, "publish") == (303, f"{ROUND}/publish/done")
    (edition,) = editions_of(office.services.stores, SLUG)
    assert edition.manifest_hash == approved
    assert office.client.get(f"/results/{SLUG}").status_code == 200
    assert path_of(office.client.get(RELEASE)) == ROUND
    assert "Đính chính kết quả" in page(office, ROUND).text


def test_an_objection_is_logged_answered_and_shown_as_it_was_written(office: Office) -> None:
    hostile = "Thiếu <script>alert(1)</script>\n\u202eđảo"
    for fields in (
        {},
        {"unit": "06652"},
        {"unit": "06652", "raised_by": "Hà"},
        {"unit": "x", "raised_by": "Hà", "text": "a"},
    ):
        status, _ = act(office, "objection", **fields)
        assert status == 400, fields
    unit = objections_unit(office)
    assert act(office, "objection", unit=unit, raised_by="Hà", text=hostile) == (303, RELEASE)
    shown = page(office)
    assert "Thiếu <script>alert(1)</script>" in shown.text
    assert not shown.root.xpath("//blockquote/script")
    assert "Còn 1 ý kiến phản hồi chưa được trả lời" in shown.text
    (said,) = objections_of(office.services.stores, SLUG)
    assert said.text == "Thiếu <script>alert(1)</script>\nđảo"
    assert act(office, "approve", manifest=manifest(office))[0] == 409
    for fields in (
        {"outcome": "rejected"},
        {"outcome": "", "answer": "Không."},
        {"outcome": "open", "answer": "Không."},
    ):
        assert act(office, "answer", objection=str(said.id), **fields)[0] == 400
    for number in ("", "x", "999"):
        assert act(office, "answer", objection=number, outcome="noted", answer="Đã ghi.")[0] == 409
    assert act(office, "answer", objection=str(said.id), outcome="noted", answer="Đã ghi.") == (303, RELEASE)
    assert "Ghi nhận, số liệu không đổi" in page(office).text
    free(office)
    assert "Về bản xem trước trước đó" in page(office).text


def objections_unit(office: Office) -> str:
    return str(page(office).root.xpath("//select[@id='unit']/option/@value")[1])


def test_a_preview_is_withdrawn_with_a_reason(office: Office) -> None:
    assert act(office, "withdraw", reason=" ")[0] == 400
    assert act(office, "withdraw", reason="Thiếu phiếu giấy") == (303, ROUND)
    assert current_preview(office.services.stores, SLUG) is None
    assert "Lập bản xem trước" in page(office, ROUND).text
    # An old page's form does nothing any more.
    token = office.token(f"{ROUND}/publish")
    late = office.client.post(f"{RELEASE}/withdraw", data={"csrf_token": token, "reason": "Nữa"})
    assert path_of(late) == ROUND


def test_a_preview_whose_folder_was_changed_is_not_published(office: Office) -> None:
    (office.services.settings.instance / "previews" / SLUG / "1-1" / "edition.json").write_bytes(b"{}")
    shown = page(office)
    assert "đã bị thay đổi" in shown.text
    assert not shown.root.xpath("//form[contains(@action, '/approve')]")


def test_a_unit_that_objects_voids_what_was_approved(office: Office) -> None:
    act(office, "approve", manifest=manifest(office))
    raise_objection(
        office.services.stores, SLUG, objections_unit(office), "Sai.", raised_by="Hà", today=today(), actor="ha"
    )
    assert "Chưa có ai duyệt" in page(office).text


def test_what_is_not_published_is_not_corrected(office: Office) -> None:
    address = f"{ROUND}/correction"
    assert path_of(office.client.get(address)) == ROUND


def test_nobody_waits_for_work_that_was_never_begun(office: Office) -> None:
    assert path_of(office.client.get(f"{ROUND}/printing")) == ROUND
