"""Designs, plans and hard data handed in through the office, and what its pages say of them (W2, W4, W6)."""

import base64
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from werkzeug.test import TestResponse

from support.command_line import environment_of_settings, run
from support.firms import PROCEDURES, SUCCESSION, UNITS
from support.hard_rounds import FIGURES, PLAIN, REFERENCE, SLUG, WITH_HARD, publish_small, sealed_round
from support.keys import lay_keys
from support.office import Office, add_units, open_office, path_of
from support.pages import Page, checked_page
from survey.round_records import editions_of, find_round, list_rounds
from survey.services import today
from survey.settings import Settings
from survey.units import import_units
from survey.web.office import LARGEST_UPLOAD
from survey.web.office.figures import LARGEST_FIGURES

pytestmark = pytest.mark.slow

NEW = "/office/new-round"
ROUND = f"/office/rounds/{SLUG}"
PUBLISH = f"{ROUND}/publish"
DESIGN = """\
design: 1
label: Mẫu hai giai đoạn
strata: [unit, stratum]
clusters: [psu]
cells:
  - {unit: phuong-a, stratum: urban, psu: "Khu 1", population: 800, probability: 0.25}
  - {unit: phuong-a, stratum: urban, psu: "Khu 2", population: 700, probability: 0.5}
  - {unit: xa-b, stratum: rural, psu: "Thôn 1", population: 400}
  - {unit: xa-q, stratum: rural, psu: "Thôn 9", population: 500}
margins:
  - {item: a, unit: phuong-a, totals: {"1": 100, "2": 200, "3": 300, "4": 400, "5": 500}}
  - {item: c, unit: phuong-a, totals: {"1": 300, "2": 300, "3": 300, "4": 300, "5": 300}}
"""


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    lay_keys(sqlite_settings, SLUG)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def typed() -> dict[str, str | list[str]]:
    """What an officer types on this day."""
    return {
        "title_vi": "Khảo sát có thiết kế",
        "title_en": "Survey with a design",
        "slug": SLUG,
        "opens_on": today().isoformat(),
        "closes_on": (today() + timedelta(days=30)).isoformat(),
        "questionnaire": "small/1",
        "bloc": "khoi-dia-phuong",
        "issuer_vi": "Sở Nội vụ",
        "issuer_en": "Department of Home Affairs",
    }


@pytest.fixture
def drafting(office: Office) -> Office:
    publish_small(office.services.stores)
    return office


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def files(design: str = DESIGN, plan: bytes = WITH_HARD) -> dict[str, tuple[bytes, str]]:
    return {"design": (design.encode(), "Thiết kế.yaml"), "plan": (plan, "plan.yaml")}


def seal(office: Office, **what: bytes | tuple[str, ...]) -> None:
    sealed_round(office.services.settings, office.services.stores, **what)  # type: ignore[arg-type]


def publish_figures(office: Office, content: bytes, name: str = "số liệu.csv") -> TestResponse:
    return office.hand_in(PUBLISH, {"figures": (content, name)})


def test_a_round_is_created_with_a_design_and_a_plan_and_its_page_says_them(drafting: Office) -> None:
    assert path_of(drafting.hand_in(NEW, files(), **typed())) == ROUND
    record = find_round(drafting.services.stores, SLUG)
    assert (record.design_source, record.plan_source) == (DESIGN.encode(), WITH_HARD)
    said = page(drafting, ROUND).text
    for words in (
        "Mẫu hai giai đoạn", "3 tầng, mỗi đơn vị chia thành nhiều tầng", "4 cụm đã chọn", "7-hard", "Có số liệu",
        "2.400 người ở các cụm đã chọn, đại diện cho khoảng 5.500", "“Câu a” của 1 đơn vị; “Câu c” của 1 đơn vị",
        "Thiết kế chưa đếm người ở 1 đơn vị của đợt: Xã C", "1 đơn vị không có trong đợt: xa-q",
        "Có tính, gửi tệp CSV khi công bố",
    ):  # fmt: skip
        assert words in said
    said = page(drafting, f"{ROUND}?lang=en").text
    for words in (
        "3 strata within units", "4 drawn PSUs", "2,400 people in the drawn PSUs, who stand for about 5,500",
        "“Item a” in 1 unit", "The design counts no people in 1 unit of the round: Commune C", "With figures",
    ):  # fmt: skip
        assert words in said
    # Names of places stay in the file.
    assert "Khu 1" not in said


def test_a_round_without_files_has_the_default_design_in_words(drafting: Office) -> None:
    assert path_of(drafting.hand_in(NEW, {"design": (b"", "")}, **typed())) == ROUND
    said = page(drafting, ROUND).text
    assert "3 tầng, mỗi đơn vị một tầng" in said
    assert "Không chia cụm, mời từng người" in said
    assert "Không đếm. Mọi phiếu trong một đơn vị được tính như nhau" in said


def test_looking_at_the_units_shows_how_the_files_are_understood(drafting: Office) -> None:
    shown = checked_page(drafting.hand_in(NEW, files(), **typed(), preview="1"), NEW)
    assert shown.status == 200
    assert "4 cụm đã chọn" in shown.text
    assert "Hãy chọn lại tệp Thiết kế.yaml" in shown.text
    assert list_rounds(drafting.services.stores) == ()


@pytest.mark.parametrize(
    ("field", "content", "place", "message"),
    [
        ("design", DESIGN.replace("0.25", "2.5"), "dòng 6, mục cells[0].probability", "found the number 2.5"),
        ("design", DESIGN.replace("label", "lable"), "dòng 2, mục lable", "did you mean “label”?"),
        ("design", DESIGN.replace("item: c", "item: q"), "dòng 12, mục margins[1].item", "found"),
        ("design", "design: 1\nstrata: [unit\n", "dòng 3", "expected"),
        ("design", "", "Tệp", "found"),
        ("design", "%PDF-1.7\n", "Tệp", "found"),
        ("plan", "plan: 1\nversion: 7\n", "dòng 2, mục version", "in quotes"),
        ("plan", 'plan: 1\nversion: "7"\nprofile: castle\n', "mục profile", "found 'castle'"),
        ("plan", 'plan: 1\nversion: "7"\nsuppress_below: 3\n', "mục suppress_below", "expected at least 10"),
    ],
)
def test_a_file_that_does_not_hold_is_complained_of_beside_its_field(
    drafting: Office, field: str, content: str, place: str, message: str
) -> None:
    sent = {**files(), field: (content.encode(), "của tôi.yaml")}
    for preview in ({}, {"preview": "1"}):
        shown = checked_page(drafting.hand_in(NEW, sent, **typed(), **preview), NEW)
        assert shown.status == 400
        box = shown.root.xpath(f"//input[@id='{field}']/ancestor::div[contains(@class, 'is-wrong')]")[0]
        said = " ".join(box.text_content().split())
        assert "Tệp này chưa dùng được" in said
        assert "Tệp của tôi.yaml" in said
        assert place in said
        assert message in said
        assert "Hãy chọn lại tệp của tôi.yaml" in said
        assert shown.root.xpath("//input[@name='title_vi']/@value") == ["Khảo sát có thiết kế"]
    assert list_rounds(drafting.services.stores) == ()


def test_bytes_that_are_no_text_are_refused_in_english_too(drafting: Office) -> None:
    address = f"{NEW}?lang=en"
    sent = {"design": (b"\xff\xfe\x00\x01" * 50, "maps/design.yaml")}
    shown = checked_page(drafting.hand_in(address, sent, **typed()), address)
    assert (shown.status, "This file cannot be used." in shown.text) == (400, True)
    said = " ".join(shown.root.xpath("//input[@id='design']/parent::div")[0].text_content().split())
    assert "File design.yaml" in said
    assert "Please choose design.yaml again" in shown.text


def test_a_file_without_a_questionnaire_asks_for_one(drafting: Office) -> None:
    for extra in ({}, {"preview": "1"}):
        shown = checked_page(drafting.hand_in(NEW, files(), **(typed() | {"questionnaire": ""}), **extra), NEW)
        assert (shown.status, "Hãy chọn một mục" in shown.text) == (400, True)
        assert "Hãy chọn lại tệp plan.yaml" in shown.text


def test_a_design_that_is_far_too_large_is_refused_before_it_is_read(drafting: Office) -> None:
    shown = checked_page(drafting.hand_in(NEW, {"design": (b"#" * LARGEST_UPLOAD, "d.yaml")}, **typed()), NEW)
    assert (shown.status, shown.h1) == (413, "Tệp này quá lớn")


def test_publishing_asks_for_the_figures_that_the_profile_counts(office: Office) -> None:
    seal(office)
    for language, words in (("", "Số liệu h"), ("?lang=en", "Figure h")):
        shown = page(office, f"{PUBLISH}{language}")
        assert shown.root.xpath("//input[@type='file']/@name") == ["figures"]
        assert words in shown.text
    form = office.client.get(f"{ROUND}/hard-data.csv")
    assert form.data.decode("utf-8-sig").splitlines() == [
        "unit,indicator,value,source", "phuong-a,h,,", "xa-b,h,,", "xa-c,h,,",
    ]  # fmt: skip
    shown = checked_page(office.send(PUBLISH), PUBLISH)
    assert (shown.status, "Hãy chọn một tệp" in shown.text) == (400, True)
    shown = checked_page(publish_figures(office, form.data), PUBLISH)
    assert (shown.status, "dòng 2, mục value" in shown.text) == (400, True)
    assert find_round(office.services.stores, SLUG).state == "sealed"


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (FIGURES.replace("xa-c", "xa-q"), "dòng 4, mục unit", "found 'xa-q'"),
        (FIGURES.replace("xa-c,h", "xa-c,k"), "dòng 4, mục indicator", "found 'k'"),
        (FIGURES.replace("10.5", '"10,5"'), "dòng 2, mục value", "found '10,5'"),
        (FIGURES.replace("xa-b", "phuong-a"), "dòng 3", "twice"),
        ("unit,value\n", "dòng 1", "found the columns unit, value"),
        ("", "dòng 1", "found the columns none"),
        ("%PDF-1.7\n", "dòng 1", "%PDF-1.7"),
        ('unit;indicator;value;source\nxa-b;h;"3\n', "Tệp", "found"),
    ],
)
def test_figures_that_do_not_fit_are_complained_of_and_nothing_is_published(
    office: Office, content: str, place: str, message: str
) -> None:
    seal(office)
    shown = checked_page(publish_figures(office, content.encode()), PUBLISH)
    assert shown.status == 400
    box = " ".join(shown.root.xpath("//input[@id='figures']/parent::div")[0].text_content().split())
    assert "Tệp số liệu.csv" in box
    assert place in box
    assert message in box
    assert find_round(office.services.stores, SLUG).state == "sealed"


def test_figures_are_shown_before_they_are_published(office: Office) -> None:
    seal(office)
    spreadsheet = b"\xef\xbb\xbf" + FIGURES.replace(",", ";").replace("xa-c;h;20;\n", "").encode()
    shown = checked_page(publish_figures(office, spreadsheet), PUBLISH)
    assert shown.status == 200
    rows = [[cell.text_content().strip() for cell in row] for row in shown.root.xpath("//tbody/tr")]
    assert rows == [["Phường A", "10,5"], ["Xã B", "30,0"], ["Xã C", "Thiếu"]]
    assert "Còn thiếu 1 số liệu" in shown.text
    assert find_round(office.services.stores, SLUG).state == "sealed"
    kept = shown.fields(1)
    assert sorted(kept) == ["csrf_token", "kept"]
    assert path_of(office.client.post(PUBLISH, data=kept)) == f"{ROUND}/printing"
    assert path_of(office.finished(SLUG)) == f"{PUBLISH}/done"
    assert len(editions_of(office.services.stores, SLUG)) == 1
    published = office.services.settings.instance / "editions" / SLUG / "1" / "hard.csv"
    # Every reader of an edition's table, R too, finds commas and no mark.
    assert published.read_text(encoding="utf-8") == FIGURES.replace("xa-c,h,20,\n", "")


def test_figures_are_taken_from_a_workbook_too(office: Office) -> None:
    seal(office)
    form = load_workbook(io.BytesIO(office.client.get(f"{ROUND}/hard-data.xlsx").data))
    sheet = form.active
    assert sheet is not None
    # Numbers are typed as numbers, and a line whose figure is not known goes.
    for row, value in ((2, 10.5), (3, 30)):
        sheet.cell(row, 3, value)
        sheet.cell(row, 4, "Báo cáo quý IV")
    sheet.delete_rows(4)
    stream = io.BytesIO()
    form.save(stream)
    shown = checked_page(publish_figures(office, stream.getvalue(), "số liệu.xlsx"), PUBLISH)
    rows = [[cell.text_content().strip() for cell in row] for row in shown.root.xpath("//tbody/tr")]
    assert rows == [["Phường A", "10,5"], ["Xã B", "30,0"], ["Xã C", "Thiếu"]]
    assert path_of(office.client.post(PUBLISH, data=shown.fields(1))) == f"{ROUND}/printing"
    office.finished(SLUG)
    kept = office.services.settings.instance / "editions" / SLUG / "1" / "hard.csv"
    assert kept.read_text(encoding="utf-8").splitlines() == [
        "unit,indicator,value,source", "phuong-a,h,10.5,Báo cáo quý IV", "xa-b,h,30,Báo cáo quý IV",
    ]  # fmt: skip


def test_a_workbook_that_does_not_fit_is_complained_of(office: Office) -> None:
    seal(office)
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (["unit", "indicator", "value"], ["phuong-a", "h", 1], ["xa-q", "h", 2]):
        sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    for content, complaint in ((stream.getvalue(), "xa-q"), (b"PK\x03\x04 no workbook", "số liệu.xlsx")):
        shown = checked_page(publish_figures(office, content, "số liệu.xlsx"), PUBLISH)
        assert (shown.status, complaint in shown.text) == (400, True)


@pytest.mark.parametrize("kept", ["", "%%%", base64.b64encode(b"unit,indicator,value\nxa-q,h,1\n").decode()])
def test_what_came_back_instead_of_the_figures_is_read_again(office: Office, kept: str) -> None:
    seal(office)
    shown = checked_page(office.send(PUBLISH, kept=kept), PUBLISH)
    assert shown.status == 400
    assert find_round(office.services.stores, SLUG).state == "sealed"


def test_figures_that_are_too_large_are_left_to_the_command(office: Office) -> None:
    seal(office)
    shown = checked_page(publish_figures(office, b"x" * (LARGEST_FIGURES + 1)), PUBLISH)
    assert (shown.status, "hailong round publish --hard-data" in shown.text) == (400, True)


def test_a_round_that_counts_no_figures_is_asked_for_none(office: Office) -> None:
    seal(office, plan=PLAIN)
    assert not page(office, PUBLISH).root.xpath("//input[@type='file']")
    assert page(office, f"{ROUND}/hard-data.csv").status == 404


CONTRADICTING = b"""\
design: 1
strata: [unit]
population: {phuong-a: 1000, xa-b: 1000, xa-c: 1000}
margins:
  - {item: a, totals: {"1": 1000, "2": 500, "3": 500, "4": 500, "5": 500}}
  - {item: b, totals: {"1": 500, "2": 1000, "3": 500, "4": 500, "5": 500}}
"""
# Sealing joins the small strata of a unit, and these strata cross units.
UNFIT = b"design: 1\nstrata: [stratum]\npopulation: {town: 900, hamlet: 900}\n"


def lose_the_archive(office: Office) -> None:
    (office.services.settings.instance / "archives" / SLUG / "plan.yaml").write_bytes(WITH_HARD)


def leave_an_edition(office: Office) -> None:
    folder = office.services.settings.instance / "editions" / SLUG / "1"
    folder.mkdir(parents=True)
    (folder / "edition.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("what", "spoil", "reasons", "advice"),
    [
        (
            {"design": CONTRADICTING},
            None,
            ("mọi tổng đã biết (margins)", "all the known totals (margins)"),
            ("hailong round import", "margins, "),
        ),
        (
            {"design": UNFIT, "strata": ("town", "hamlet")},
            None,
            ("không khớp với thiết kế mẫu", "do not fit the round's design"),
            ("hailong round import", "sealing joined"),
        ),
        (
            {},
            lose_the_archive,
            ("không còn đúng như khi niêm phong", "is not what was sealed"),
            ("hailong verify", "plan.yaml"),
        ),
        ({}, leave_an_edition, ("một bản công bố khác", "Another edition"), ("nhờ người quản trị", "edition")),
    ],
    ids=["raking", "design", "archive", "edition"],
)
def test_what_keeps_an_edition_from_being_made_is_told_with_what_to_do(
    office: Office,
    what: dict[str, bytes | tuple[str, ...]],
    spoil: Callable[[Office], None] | None,
    reasons: tuple[str, str],
    advice: tuple[str, str],
) -> None:
    seal(office, plan=PLAIN, **what)
    if spoil is not None:
        spoil(office)
    assert path_of(office.send(PUBLISH)) == f"{ROUND}/printing"
    for lang, reason in zip(("vi", "en"), reasons, strict=True):
        shown = checked_page(office.finished(SLUG, lang), f"{ROUND}/printing")
        assert shown.status == 409
        assert reason in shown.text
        assert shown.root.xpath("//main//ol/li")
        if lang == "vi":
            assert all(words in shown.text for words in advice)
    assert find_round(office.services.stores, SLUG).state == "sealed"


def test_the_way_that_is_advised_ends_in_a_round_that_can_be_published(office: Office, tmp_path: Path) -> None:
    seal(office, plan=PLAIN, design=CONTRADICTING)
    instance = office.services.settings.instance
    archive = instance / "archives" / SLUG
    columns = "import:\n  columns: {unit: unit, stratum: stratum, psu: psu, channel: channel}\n  ignore: [note]\n"
    mended = (archive / "design.yaml").read_text(encoding="utf-8").partition("margins:")[0] + columns
    (tmp_path / "design.yaml").write_text(mended, encoding="utf-8")
    words = ["--questionnaire", REFERENCE, "--answers", archive / "responses.parquet"]
    words += ["--design", tmp_path / "design.yaml", "--plan", archive / "plan.yaml"]
    done = run(environment_of_settings(instance, None), "round", "import", "lan-hai", *words)
    assert done.exit_code == 0, done.errors
    address = "/office/rounds/lan-hai/publish"
    assert page(office, address).status == 200
    assert path_of(office.send(address)) == "/office/rounds/lan-hai/printing"
    assert path_of(office.finished("lan-hai")) == f"{address}/done"


def test_units_are_listed_with_bloc_codes_and_procedures(office: Office, tmp_path: Path) -> None:
    written = {"u.csv": UNITS, "s.csv": SUCCESSION, "p.csv": PROCEDURES}
    for name, text in written.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    import_units(office.services.stores, *(tmp_path / name for name in written))
    shown = page(office, "/office/units")
    (row,) = shown.root.xpath("//tbody/tr[th='Sở Xây dựng']")
    said = " ".join(row.text_content().split())
    assert "Khối sở so" in said
    assert "1 thủ tục" in said
    assert row.xpath(".//details/ul/li/text()") == ["Cấp giấy phép xây dựng"]
    english = page(office, "/office/units?lang=en").text
    assert "Departments so" in english
    assert "Building permit" in english
    assert "Khối sở" not in english
