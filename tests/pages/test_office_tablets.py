"""Officers take in what ODK and Kobo tablets collected, and give out the address of a kiosk."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from questionnaires.model import Questionnaire
from support.citizens import UNIT, Asked, add_round, ask
from support.firms import SLUG as FIRMS
from support.firms import add_firm_round, import_firms
from support.office import Office, open_office
from support.pages import checked_page
from support.tablets import central_csv, kobo_csv, labelled_csv, submission
from survey.officers import create_officer
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

PAGE = "/office/rounds/hai-long/import"
KIOSK = "/office/rounds/hai-long/kiosk"


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1")


@pytest.fixture
def office(asked: Asked) -> Iterator[Office]:
    opened = open_office(asked.settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def questionnaire_of(asked: Asked) -> Questionnaire:
    return load_questionnaire_of(asked.stores, find_round(asked.stores, asked.slug))


def rows(asked: Asked, count: int, **answers: str) -> list[dict[str, str]]:
    questionnaire = questionnaire_of(asked)
    codes = asked.codes(count=count)
    return [
        submission(asked.slug, questionnaire, code.typed, n, **{"overall": "5", **answers})
        for n, code in enumerate(codes)
    ]


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def hand_in(office: Office, content: bytes, name: str = "kobo.csv"):  # type: ignore[no-untyped-def]
    return checked_page(office.hand_in(PAGE, {"export": (content, name)}), PAGE)


def test_a_file_is_looked_at_and_then_received_and_nothing_lies_between(office: Office, asked: Asked) -> None:
    good = rows(asked, 3)
    content = kobo_csv(questionnaire_of(asked), [*good, good[0] | {"identity": "x", "overall": "9"}])
    looked = hand_in(office, content)
    assert "3 phiếu hợp lệ" in looked.text
    assert "Câu “overall” có phương án không có trong phiếu" in looked.text
    assert good[0]["hailong_code"] not in looked.text
    assert n_ballots(asked) == 0
    assert not [path for path in asked.settings.instance.rglob("*") if "kobo" in path.name]
    fields = {field.get("name"): field.get("value") for field in looked.root.xpath("//main//input[@type='hidden']")}
    assert base64.b64decode(fields["kept"]) == content
    done = checked_page(office.client.post(PAGE, data=fields), PAGE)
    assert "Đã nhận và khóa lại 3 phiếu" in done.text
    assert n_ballots(asked) == 3
    again = checked_page(office.client.post(PAGE, data=fields), PAGE)
    assert "3 phiếu đã có từ trước" in again.text
    assert n_ballots(asked) == 3


def test_a_workbook_of_kobo_reads_alike(office: Office, asked: Asked) -> None:
    lines = kobo_csv(questionnaire_of(asked), rows(asked, 2)).decode().splitlines()
    workbook = Workbook()
    for line in lines:
        workbook.active.append([cell.strip('"') for cell in line.split(";")])
    stream = io.BytesIO()
    workbook.save(stream)
    assert "2 phiếu hợp lệ" in hand_in(office, stream.getvalue(), "kobo.xlsx").text


def test_the_form_for_tablets_is_handed_out(office: Office) -> None:
    response = office.client.get(f"{PAGE}/form.xlsx")
    assert "hai-long-tablet.xlsx" in response.headers["Content-Disposition"]
    assert load_workbook(io.BytesIO(response.data)).sheetnames == ["survey", "choices", "settings"]


@pytest.mark.parametrize(
    ("bend", "name", "said"),
    [
        (lambda content: b"", "x.csv", "Không đọc được tệp này"),
        (lambda content: content, "x.pdf", "Không đọc được tệp này"),
        (lambda content: b"PK\x03\x04" + b"\x00" * 50, "x.xlsx", "Không đọc được tệp này"),
        (lambda content: b"\xd0\xcf\x11\xe0" + b"\x00" * 50, "x.xls", "Không đọc được tệp này"),
        (lambda content: content.replace(b"hailong_form", b"form"), "x.csv", "Tệp không phải của biểu mẫu đợt này"),
        (lambda content: content.replace(b'"_uuid"', b'"uid"'), "x.csv", "thiếu cột định danh"),
        (lambda content: content.replace(b"first/overall", b"first/x"), "x.csv", "thiếu cột của một số câu hỏi"),
        (lambda content: content.replace(b"first/overall", b"paid"), "x.csv", "có hai cột"),
        (lambda content: content * 2000, "x.csv", "Tệp quá lớn"),
    ],
)
def test_each_bad_file_is_told(office: Office, asked: Asked, bend, name: str, said: str) -> None:  # type: ignore[no-untyped-def]
    page = hand_in(office, bend(kobo_csv(questionnaire_of(asked), rows(asked, 1))), name)
    assert page.status == 400
    assert said in page.text
    assert n_ballots(asked) == 0


def test_an_export_with_labels_is_told_how_to_export(office: Office, asked: Asked) -> None:
    page = hand_in(office, labelled_csv(questionnaire_of(asked), rows(asked, 1)))
    assert page.status == 400
    assert "XML values and headers" in page.text


def test_a_file_of_another_version_names_both(office: Office, asked: Asked) -> None:
    page = hand_in(office, central_csv(questionnaire_of(asked), rows(asked, 1), version="kinds-9-abc"))
    assert "phiếu thuộc “kinds-9-abc”" in page.text
    assert f"“kinds-1-{questionnaire_of(asked).content_hash[:12]}”" in page.text
    assert "Nhận 0 phiếu" not in page.text


def test_what_a_file_calls_its_columns_and_versions_is_shown_as_words(office: Office, asked: Asked) -> None:
    script = "<img src=x onerror=alert(1)>"
    content = central_csv(questionnaire_of(asked), rows(asked, 1), version=script)
    page = hand_in(office, content.replace(b"DeviceID", script.encode()), f"{script}.csv")
    assert page.text.count(script) == 3, "the file, the version and a column that is not read"
    assert not page.root.xpath("//main//img")


def test_no_file_and_what_came_back_broken_are_told(office: Office) -> None:
    page = checked_page(office.send(PAGE), PAGE)
    assert (page.status, "Hãy chọn" in page.text) == (400, True)
    assert checked_page(office.send(PAGE, kept="!", name="x.csv"), PAGE).status == 400


def test_a_round_that_is_closed_takes_no_file(office: Office, asked: Asked) -> None:
    content = kobo_csv(questionnaire_of(asked), rows(asked, 1))
    token = office.token(PAGE)
    close_round(asked.stores, asked.slug)
    data = {"csrf_token": token, "export": (io.BytesIO(content), "kobo.csv")}
    page = checked_page(office.client.post(PAGE, data=data, content_type="multipart/form-data"), PAGE)
    assert page.status == 409
    assert "không nhận phiếu" in page.text
    assert n_ballots(asked) == 0


def test_an_auditor_reads_the_page_and_hands_in_nothing(office: Office, asked: Asked) -> None:
    create_officer(asked.stores, "kiem", "Kiểm", "bốn từ của kiểm toán", actor="lan", roles=("auditor",))
    auditor = Office(office.app, office.app.test_client())
    auditor.client.environ_base["wsgi.url_scheme"] = office.client.environ_base["wsgi.url_scheme"]
    auditor.sign_in("kiem", "bốn từ của kiểm toán")
    page = checked_page(auditor.client.get(PAGE), PAGE)
    assert page.status == 200
    assert not page.root.xpath("//input[@type='file']")
    content = kobo_csv(questionnaire_of(asked), rows(asked, 1))
    data = {"csrf_token": auditor.token("/office/account/password"), "export": (io.BytesIO(content), "kobo.csv")}
    assert auditor.client.post(PAGE, data=data, content_type="multipart/form-data").status_code == 403


def test_a_kiosk_has_an_address_for_each_unit(office: Office) -> None:
    page = checked_page(office.client.get(KIOSK), KIOSK)
    assert "kiosk</a>" not in page.text
    shown = checked_page(office.client.get(f"{KIOSK}?unit={UNIT}"), KIOSK)
    assert re.search(rf"https?://[^<]+/r/hai-long/{UNIT}/kiosk", shown.text)
    assert shown.root.xpath("//svg[@class='qr']")
    assert "Mỗi phiếu cần một mã mời" in shown.text
    assert office.client.get(f"{KIOSK}?unit=khong-co").status_code == 404


def test_a_kiosk_of_a_round_whose_respondents_choose_has_one_address(
    office: Office, asked: Asked, tmp_path: Path
) -> None:
    import_firms(asked.stores, tmp_path)
    add_firm_round(asked, FIRMS)
    shown = checked_page(office.client.get(f"/office/rounds/{FIRMS}/kiosk"), KIOSK)
    assert f"/r/{FIRMS}/-/kiosk" in shown.text
    assert not shown.root.xpath("//select")


def test_a_kiosk_of_a_round_with_an_open_link_says_what_its_answers_are_worth(office: Office, asked: Asked) -> None:
    add_round(asked, "mo", open_link_cap=5)
    shown = checked_page(office.client.get(f"/office/rounds/mo/kiosk?unit={UNIT}"), KIOSK)
    assert "phiếu không mã không tính vào chỉ số" in shown.text
