"""The published results as everybody sees them: only what an edition holds, and nothing that it hides."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.rows import PublicAccountingRow
from questionnaires.model import Text
from support.beginnings import begin_with
from support.pages import Page, PageClient
from support.published import SHEETS, corrected, publish_by_hand, sipas_edition
from support.ratings import rated_archive
from survey.application import create_app, services_of
from survey.settings import Settings
from survey.web.spreadsheets import csv_bytes, harmless

ROUND = "/results/sipas-2026"
SHOWN, HIDDEN = "06652", "06664"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[Flask]:
    opened = create_app(sqlite_settings)
    yield opened
    services_of(opened).stores.close()


@pytest.fixture
def edition(app: Flask, sqlite_settings: Settings) -> Edition:
    made = sipas_edition()
    stores = services_of(app).stores
    begin_with("published by hand", sqlite_settings, lambda: publish_by_hand(sqlite_settings, stores, made))
    return made


@pytest.fixture
def client(app: Flask, edition: Edition) -> PageClient:
    return PageClient(app)


def rows_of(page: Page) -> dict[str, str]:
    return {
        " ".join(row.xpath("./th/a|./th[not(a)]")[0].text_content().split()): " ".join(row.text_content().split())
        for row in page.root.xpath("//main//table/tbody/tr")
    }


def test_before_anything_is_published_the_list_says_so(app: Flask) -> None:
    assert "Chưa có đợt nào được công bố" in PageClient(app).get("/results").text


def test_the_list_leads_to_each_published_round(client: PageClient, edition: Edition) -> None:
    page = client.get("/results")
    assert page.root.xpath("//main//a/@href") == [ROUND]
    assert "9 đơn vị · 1.822 phiếu · Công bố ngày 23/11/2026" in page.text
    assert "9 units · 1,822 answers" in client.get("/results?lang=en").text
    assert client.get("/results/").status == 200


def test_every_published_index_stands_with_its_interval_and_its_possible_ranks(
    client: PageClient, edition: Edition
) -> None:
    rows = rows_of(client.get(ROUND))
    for unit, n in zip(edition.units, SHEETS, strict=True):
        row = edition.row(unit.code)
        line = rows[unit.name.vi]
        if n < 10:
            assert row.estimate is None
            continue
        assert row.estimate is not None
        rank = edition.rank_of(unit.code)
        assert rank is not None
        for value in (row.estimate, row.low, row.high):
            assert f"{value:.1f}".replace(".", ",") in line
        assert f"{rank.rank_low}–{rank.rank_high}" in line
        assert str(n) in line


def test_tiers_come_first_and_in_their_order(client: PageClient) -> None:
    tiers = [
        " ".join(heading.text_content().split()) for heading in client.get(ROUND).root.xpath("//tr[@class='tier']/th")
    ]
    assert tiers == [
        "Cao hơn phần còn lại của khối (1 đơn vị)",
        "Chưa thấy khác biệt so với phần còn lại của khối (7 đơn vị)",
        "Không xếp hạng (1 đơn vị)",
    ]


def test_a_suppressed_unit_says_why_and_shows_no_figure(client: PageClient, edition: Edition) -> None:
    line = rows_of(client.get(ROUND))[edition.unit(HIDDEN).name.vi]
    assert "Chưa đủ số phiếu" in line
    assert "ít hơn 10 phiếu" in line
    for address in (f"{ROUND}/{HIDDEN}", f"{ROUND}/{HIDDEN}?lang=en"):
        page = client.get(address)
        assert not page.root.xpath("//main//tbody//svg")
        assert "7" not in re.findall(r"\d+", page.root.xpath("//div[@class='keys']")[0].text_content())


def test_few_answers_are_marked_and_explained(app: Flask, sqlite_settings: Settings) -> None:
    made = sipas_edition((400, 25, 300))
    publish_by_hand(sqlite_settings, services_of(app).stores, made)
    client = PageClient(app)
    marked = [row for row in rows_of(client.get(ROUND)).values() if "ít phiếu" in row]
    assert len(marked) == 1
    assert "dưới 30 phiếu" in client.get(ROUND).text
    assert "ít phiếu" in client.get(f"{ROUND}/06655").text


def test_a_unit_page_leads_with_its_figures_and_a_verdict_in_words(client: PageClient, edition: Edition) -> None:
    page = client.get(f"{ROUND}/{SHOWN}")
    name = edition.unit(SHOWN).name.vi
    assert page.h1 == name
    keys = [" ".join(key.text_content().split()) for key in page.root.xpath("//p[@class='key-figure']")]
    index, rank = edition.row(SHOWN), edition.rank_of(SHOWN)
    assert index.estimate is not None
    assert rank is not None
    assert keys == [
        f"{index.estimate:.1f} trên 100".replace(".", ","),
        f"{rank.rank_low}–{rank.rank_high} trên 8",
        "412",
    ]
    assert f"{name} được đánh giá cao hơn phần còn lại của khối." in page.text
    assert "is rated higher than the rest of its bloc" in client.get(f"{ROUND}/{SHOWN}?lang=en").text


def test_every_factor_and_criterion_has_its_row(client: PageClient, edition: Edition) -> None:
    page = client.get(f"{ROUND}/{SHOWN}")
    tables = page.root.xpath("//main//table[contains(@class, 'criteria')][.//th[@class='chart']]")
    factors, criteria = (table.xpath("./tbody/tr") for table in tables)
    nodes = edition.questionnaire.nodes()
    assert len(factors) == sum(node.kind == "factor" for node in nodes)
    assert len(criteria) == len(nodes) - 1
    for row in criteria:
        assert row.xpath(".//svg")
        assert re.search(r"\d,\d–\d+,\d", row.text_content()), "an interval"


def test_an_unconfirmed_profile_is_never_called_by_the_models_name_alone(client: PageClient) -> None:
    for address in (ROUND, f"{ROUND}/{SHOWN}"):
        vi, en = client.get(address).text, client.get(f"{address}?lang=en").text
        assert "Chỉ số hài lòng theo mô hình SIPAS" in vi
        assert "không phải là chỉ số SIPAS chính thức" in vi
        assert "Satisfaction index after the SIPAS model" in en
        assert "Chỉ số hài lòng SIPAS" not in vi


def test_who_asked_when_and_how_many_stand_on_both_pages(client: PageClient) -> None:
    for address in (ROUND, f"{ROUND}/{SHOWN}"):
        text = client.get(address).text
        for fact in ("Sở Nội vụ tỉnh Quảng Ninh", "01/09/2026 – 15/10/2026", "1.822", "2.652", "68,7%", "23/11/2026"):
            assert fact in text


def test_answers_collected_elsewhere_claim_no_response_rate(app: Flask, sqlite_settings: Settings) -> None:
    publish_by_hand(sqlite_settings, services_of(app).stores, sipas_edition(collected="elsewhere"))
    text = PageClient(app).get(ROUND).text
    assert "Tỷ lệ trả lời" not in text
    assert "Phiếu được thu ở nơi khác" in text


def test_the_files_of_a_unit_are_served(client: PageClient, edition: Edition) -> None:
    page = client.get(f"{ROUND}/{SHOWN}?lang=en")
    pdf, table = (page.root.xpath(f"//main//a[contains(@href, '.{kind}')]/@href")[0] for kind in ("pdf", "csv"))
    assert (pdf, table) == (f"{ROUND}/{SHOWN}.pdf", f"{ROUND}/{SHOWN}.csv")
    served = client.raw.get(pdf)
    assert (served.mimetype, served.data) == ("application/pdf", b"%PDF-1.7 " + SHOWN.encode())
    assert client.raw.get(f"{ROUND}/league-khoi-dia-phuong.pdf").status_code == 200


def test_the_csv_of_a_unit_reads_back_as_the_editions_rows(client: PageClient, edition: Edition) -> None:
    content = client.raw.get(f"{ROUND}/{SHOWN}.csv").data
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["node"] for row in rows] == [row.node for row in edition.rows_of(SHOWN)]
    assert [*rows[0]][:5] == ["round", "unit", "node", "label", "estimate"]
    assert float(rows[0]["estimate"]) == edition.row(SHOWN).estimate
    hidden = list(csv.DictReader(io.StringIO(client.raw.get(f"{ROUND}/{HIDDEN}.csv").data.decode("utf-8-sig"))))
    assert {row["estimate"] for row in hidden} == {""}
    assert {row["n"] for row in hidden} == {""}


def test_the_tables_of_the_edition_leave_byte_for_byte(client: PageClient, sqlite_settings: Settings) -> None:
    folder = sqlite_settings.instance / "editions" / "sipas-2026" / "1"
    for name in ("estimates.csv", "ranks.csv", "differences.csv", "formulas.csv", "distributions.csv"):
        assert client.raw.get(f"{ROUND}/{name}").data == (folder / name).read_bytes()


@pytest.mark.parametrize(
    "address",
    [
        "/results/unknown",
        "/results/unknown/06652",
        "/results/sipas-2026/unknown",
        "/results/sipas-2026/unknown.pdf",
        "/results/sipas-2026/unknown.csv",
        "/results/sipas-2026/questionnaire.csv",
        "/results/sipas-2026/comments.csv",
        "/results/sipas-2026/promises.json",
        "/results/sipas-2026/open_link.csv",
        "/results/sipas-2026/estimates.sav",
        "/results/sipas-2026/bloc/unknown",
        "/results/sipas-2026/bloc",
        "/results/published",
        "/results/published.csv",
        "/results/sipas-2026/plan.yaml",
        "/results/sipas-2026?edition=2",
        "/results/sipas-2026?edition=0",
        "/results/sipas-2026?edition=1%20",
        "/results/sipas-2026?edition=../1",
        "/results/..",
        "/results/%2e%2e",
        "/results/sipas-2026/%2e%2e",
        "/results/sipas-2026/..%5c..%5csecret.key",
        "/results/sipas-2026/bloc:khoi-dia-phuong",
        "/results/sipas-2026/all.csv",
    ],
)
def test_what_was_not_published_is_not_there(client: PageClient, address: str) -> None:
    page = client.get(address)
    assert (page.status, page.h1) == (404, "Không tìm thấy trang này")
    assert client.get(address + ("&" if "?" in address else "?") + "lang=en").h1 == "This page was not found"


@pytest.mark.parametrize("tail", ["/..%2f..%2f..%2fsecret.key", "/..%2fedition.pdf", "/a%2fb.pdf", "/%00.pdf"])
def test_no_address_climbs_out_of_the_edition(client: PageClient, tail: str) -> None:
    assert client.raw.get(ROUND + tail).status_code == 404


def test_only_reading_is_possible(client: PageClient) -> None:
    for address in ("/results", ROUND, f"{ROUND}/{SHOWN}", f"{ROUND}/{SHOWN}.pdf", f"{ROUND}/{SHOWN}.csv"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert client.raw.open(address, method=method).status_code == 405, (method, address)


def test_no_public_page_sets_or_needs_a_cookie(client: PageClient) -> None:
    for address in ("/results", ROUND, f"{ROUND}/{SHOWN}", f"{ROUND}/{SHOWN}.pdf", f"{ROUND}/{SHOWN}.csv"):
        headers = client.raw.get(address).headers
        assert "Set-Cookie" not in headers
        assert headers["Cache-Control"] == "public, max-age=60"


def test_an_old_edition_stays_readable_and_says_that_it_is_old(
    client: PageClient, app: Flask, edition: Edition, sqlite_settings: Settings
) -> None:
    newer = corrected(edition, "Sửa tên một đơn vị")
    first, *others = newer.units
    newer = replace(newer, units=(replace(first, name=Text("Phường Tên Mới", "New Name Ward")), *others))
    publish_by_hand(sqlite_settings, services_of(app).stores, newer)
    newest = client.get(ROUND)
    assert "Phường Tên Mới" in newest.text
    assert "Sửa tên một đơn vị" in newest.text
    assert "Đã có bản mới hơn" not in newest.text
    old = client.get(f"{ROUND}?edition=1&lang=en")
    assert "Phường Tên Mới" not in old.text
    assert "There is a newer one" in old.text
    links = list(old.root.xpath("//main//table//a/@href"))
    assert links
    assert all("edition=1" in link and "lang=en" in link for link in links)
    assert client.get(links[0]).status == 200
    assert "Phường Tên Mới" not in client.get(f"{ROUND}/{first.code}?edition=1").text
    assert client.get(f"{ROUND}/{first.code}").h1 == "Phường Tên Mới"


def test_english_is_kept_in_every_link(client: PageClient) -> None:
    for address in ("/results", ROUND, f"{ROUND}/{SHOWN}"):
        page = client.get(f"{address}?lang=en")
        assert page.root.get("lang") == "en"
        links = page.root.xpath("//a/@href[not(starts-with(., '#'))]")
        without = [link for link in links if "lang=en" not in link and "." not in link.rpartition("/")[2]]
        assert without == [address], "only the way back to Vietnamese carries no language"


def test_an_edition_that_was_changed_on_the_disk_is_not_shown(
    app: Flask, edition: Edition, sqlite_settings: Settings
) -> None:
    table = sqlite_settings.instance / "editions" / "sipas-2026" / "1" / "estimates.csv"
    table.write_bytes(table.read_bytes().replace(b"0.95", b"0.99", 1))
    client = PageClient(app)
    page = client.get(ROUND)
    assert (page.status, page.h1) == (503, "Kết quả này tạm thời chưa xem được")
    assert str(sqlite_settings.instance) not in page.text
    assert "Chưa có đợt nào" in client.get("/results").text


def test_a_file_changed_after_it_was_opened_is_not_served(client: PageClient, sqlite_settings: Settings) -> None:
    assert client.get(ROUND).status == 200
    (sqlite_settings.instance / "editions" / "sipas-2026" / "1" / f"{SHOWN}.pdf").write_bytes(b"%PDF-1.7 other")
    assert client.get(f"{ROUND}/{SHOWN}.pdf").status == 503


def test_a_manifest_that_is_not_the_recorded_one_is_not_shown(
    app: Flask, edition: Edition, sqlite_settings: Settings
) -> None:
    manifest = sqlite_settings.instance / "editions" / "sipas-2026" / "1" / "edition.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert PageClient(app).get(ROUND).status == 503


def test_names_from_the_registry_are_text_and_nothing_else(app: Flask, sqlite_settings: Settings) -> None:
    made = sipas_edition()
    hostile = Text("<img src=x onerror=alert(1)>", '"><script>alert(1)</script>')
    first, *others = made.units
    named = replace(made, units=(replace(first, name=hostile), *others))
    publish_by_hand(sqlite_settings, services_of(app).stores, replace(named, units=made.units))
    folder = sqlite_settings.instance / "editions" / "sipas-2026"
    assert folder.is_dir()
    second = corrected(named, "=cmd|' /C calc'!A0")
    publish_by_hand(sqlite_settings, services_of(app).stores, second)
    client = PageClient(app)
    assert client.get(f"{ROUND}/{first.code}").h1 == hostile.vi
    assert client.get(f"{ROUND}/{first.code}?lang=en").h1 == hostile.en


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", " =", "\ufeff=", "\x00="])
def test_no_text_of_a_table_begins_like_a_formula(start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    assert str(harmless(text)).startswith("'")
    (row,) = list(csv.reader(io.StringIO(csv_bytes(("a",), [(text,)]).decode("utf-8-sig"))))[1:]
    assert row[0].startswith("'")


def test_numbers_of_a_table_stay_numbers() -> None:
    assert [harmless(cell) for cell in (-1.5, 2, None, "Phường A")] == [-1.5, 2, None, "Phường A"]


def test_the_demonstration_says_that_it_is_one(app: Flask, sqlite_settings: Settings, edition: Edition) -> None:
    shown = create_app(replace(sqlite_settings, is_demonstration=True))
    for address in ("/results", ROUND, f"{ROUND}/{SHOWN}"):
        assert "Đây là bản trình diễn" in PageClient(shown).get(address).text
        assert "Đây là bản trình diễn" not in PageClient(app).get(address).text
    services_of(shown).stores.close()


def test_the_method_of_a_round_has_a_page_with_its_accounting(app: Flask, sqlite_settings: Settings) -> None:
    edition = sipas_edition()
    rows = [PublicAccountingRow(unit.code, "all", None, 500, 300, 298, 2) for unit in edition.units[:-1]]
    rows.append(PublicAccountingRow(edition.units[-1].code, "all", None, 500, None, None, None))
    rows.append(PublicAccountingRow("all", "all", None, 4500, 1850, 1822, 28))
    publish_by_hand(sqlite_settings, services_of(app).stores, replace(edition, accounting=tuple(rows)))
    client = PageClient(app)
    page = client.get(f"{ROUND}/method")
    assert "Phụ lục phương pháp" in page.text
    lines = rows_of(page)
    assert lines[edition.units[0].name.vi].endswith("500 300 298 2 412")
    assert lines[edition.units[-1].name.vi].count("không nêu") == 3
    assert "1.850 trên 4.500 mã đã phát, 41,1%" in page.text
    english = client.get(f"{ROUND}/method?lang=en")
    assert "Response accounting" in english.text
    assert f"{ROUND}/method" in client.get(ROUND).root.xpath("//main//a/@href")
    table = client.raw.get(f"{ROUND}/accounting.csv")
    assert table.status_code == 200
    assert table.data.startswith(b"unit,channel,eligible,issued,spent,sealed,rejected")


def test_a_simulated_round_says_so_on_every_page(app: Flask, sqlite_settings: Settings) -> None:
    edition = sipas_edition()
    simulated = replace(edition, facts=replace(edition.facts, collected="simulated"))
    publish_by_hand(sqlite_settings, services_of(app).stores, simulated)
    client = PageClient(app)
    for address in ("/results", ROUND, f"{ROUND}/{SHOWN}", f"{ROUND}/{HIDDEN}", f"{ROUND}/method"):
        assert "Số liệu mô phỏng, không phải kết quả khảo sát" in client.get(address).text
        assert "Simulated figures, not the results of a survey" in client.get(f"{address}?lang=en").text


def test_a_round_of_firms_shows_bands_modules_ratings_and_both_scales(
    app: Flask, sqlite_settings: Settings, tmp_path: Path
) -> None:
    drawn = compute_edition(rated_archive(tmp_path / "archive"), published_on=date(2026, 11, 23), public_url=None)
    edition = replace(drawn, facts=replace(drawn.facts, slug="sipas-2026"))
    publish_by_hand(sqlite_settings, services_of(app).stores, edition)
    client = PageClient(app)
    page = client.get(ROUND)
    assert "Năng lực cạnh tranh theo mô hình DDCI" in page.text
    assert "Xếp loại" in page.text
    assert "Lượt đánh giá" in page.text
    module = page.root.xpath("//section[h2/@id='module-brand']")[0].text_content()
    assert f"{edition.row('all', 'brand.index').low:.1f}".replace(".", ",") in module
    unit = client.get(f"{ROUND}/d1")
    assert "Xếp loại theo mô hình DDCI: " in unit.text
    assert f"{edition.row('d1').n}" in unit.text
    assert "ngược" in unit.text
    assert "Điểm chỉ dùng để so sánh các đơn vị trong cùng một khối" in unit.text
    method = client.get(f"{ROUND}/method")
    assert "Mức 1 và mức 10" in method.text
    assert "Bands in words" in client.get(f"{ROUND}/method?lang=en").text
