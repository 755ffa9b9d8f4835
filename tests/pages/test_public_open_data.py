"""Open data: every table in every format with every column explained, and nothing that is not for everybody (S5)."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from flask import Flask

from analysis.release.edition import Edition
from analysis.release.edition_folder import write_edition
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow
from analysis.scorecards.content import Composer
from analysis.sealed_folders import sha256_hex
from support.pages import PageClient
from support.published import SIGNER, corrected, publish_by_hand, sipas_edition
from survey.application import create_app, services_of
from survey.editions import OpenEdition
from survey.rounds import mark_published
from survey.services import Services
from survey.settings import Settings
from survey.web.public import open_data

pytestmark = pytest.mark.slow

ROUND = "/results/sipas-2026"
UNIT = "06652"
SECRET = "Ông Nguyễn Văn A nói rằng"
PROMISE = "Thêm ghế ở phòng chờ"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[Flask]:
    opened = create_app(sqlite_settings)
    yield opened
    services_of(opened).stores.close()


@pytest.fixture
def edition(app: Flask, sqlite_settings: Settings) -> Edition:
    drawn = sipas_edition()
    node = drawn.questionnaire.nodes()[1].code
    made = replace(
        drawn,
        themes=(ThemeRow(UNIT, "waiting", "Thời gian chờ", "Waiting", 12),),
        comments=(CommentRow(UNIT, "waiting", SECRET),),
        promises=(PromiseRow(UNIT, node, PROMISE, "2027-01-31", "2026-11-23", "planned"),),
    )
    publish_by_hand(sqlite_settings, services_of(app).stores, made)
    return made


@pytest.fixture
def client(app: Flask, edition: Edition) -> PageClient:
    return PageClient(app)


def read(client: PageClient, name: str, kind: str) -> list[dict[str, str]]:
    """The rows of a file, each cell as text."""
    content = client.raw.get(f"{ROUND}/{name}.{kind}").data
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    if kind == "json":
        rows = json.loads(content)["rows"]
    elif kind == "parquet":
        rows = pq.read_table(io.BytesIO(content)).to_pylist()
    else:
        header, *lines = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
        rows = [dict(zip(header, line, strict=True)) for line in lines]
    return [{name: spelled(value) for name, value in row.items()} for row in rows]


def spelled(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def numbers(rows: list[dict[str, str]]) -> list[list[object]]:
    """The rows with numbers as numbers of twelve digits: a workbook has no integers, and fifteen digits at most."""

    def number(cell: str) -> object:
        try:
            return float(f"{float(cell):.12g}")
        except ValueError:
            return cell

    return [[number(cell) for cell in row.values()] for row in rows]


@pytest.mark.parametrize("name", ["units", "nodes", "estimates", "ranks", "distributions", "themes", UNIT])
def test_a_table_is_the_same_in_every_format(client: PageClient, name: str) -> None:
    rows = read(client, name, "csv")
    assert rows
    for kind in ("json", "parquet", "xlsx"):
        found = read(client, name, kind)
        assert [*found[0]] == [*rows[0]], kind
        assert numbers(found) == numbers(rows), kind


def test_the_same_edition_gives_the_same_files(client: PageClient, edition: Edition) -> None:
    again = PageClient(create_app(services_of_client(client).settings))
    for kind in open_data.FORMATS:
        address = f"{ROUND}/ranks.{kind}"
        assert client.raw.get(address).data == again.raw.get(address).data, kind
        assert client.raw.get(address).headers["Cache-Control"] == "public, max-age=60"
    services_of_client(again).stores.close()


def services_of_client(client: PageClient) -> Services:
    return services_of(client.raw.application)


def test_every_column_of_every_table_is_explained_in_both_languages() -> None:
    kinds = [("units", open_data.UnitLine), ("nodes", open_data.NodeEntry)]
    kinds += [(table.name.removesuffix(".csv"), table.kind) for table in open_data.OPEN_TABLES]
    for name, kind in kinds:
        columns = open_data.columns_of(name, kind)
        assert [column.name for column in columns] == [field.name for field in fields(kind)]
        for column in columns:
            assert column.meaning.vi.strip(), (name, column.name)
            assert column.meaning.en.strip(), (name, column.name)
            assert column.meaning.vi != column.meaning.en, (name, column.name)
    assert set(open_data.file_titles()) > {"estimates.csv", "importance.csv", "subgroups.csv", "history.csv"}


def test_the_page_lists_each_table_with_its_files_and_columns(client: PageClient, edition: Edition) -> None:
    for language in ("vi", "en"):
        page = client.get(f"{ROUND}/data?lang={language}")
        links = list(page.root.xpath("//p[@class='formats']/a/@href"))
        assert len(links) == 4 * len(page.root.xpath("//section[@class='dataset']"))
        for link in links:
            assert client.raw.get(link).status_code == 200, link
        assert f"{ROUND}/estimates.csv?edition=1" in page.root.xpath("//main//a/@href")
    said = client.get(f"{ROUND}/data?lang=en").text
    assert "Standard error under the sampling design." in said
    assert "fewer than 10 answers" in said


def test_the_description_for_programs_has_the_hashes_of_the_files(client: PageClient) -> None:
    package = json.loads(client.raw.get(f"{ROUND}/datapackage.json").data)
    assert package["name"] == "sipas-2026"
    hashed = 0
    for resource in package["resources"]:
        content = client.raw.get(f"{ROUND}/{resource['path']}").data
        if "hash" in resource:
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
            hashed += 1
        header = content.decode("utf-8-sig").splitlines()[0]
        assert header == ",".join(field["name"] for field in resource["schema"]["fields"])
    assert hashed >= 4


def test_the_signed_list_leaves_as_it_was_signed(client: PageClient) -> None:
    address = client.get(f"{ROUND}/data").root.xpath("//a[contains(@href, '/edition.json')]/@href")
    assert address == [f"{ROUND}/edition.json?edition=1"]
    content = client.raw.get(address[0]).data
    assert hashlib.sha256(content).hexdigest() in client.get(f"{ROUND}/verify").text
    manifest = json.loads(content)
    assert manifest["signature"]["algorithm"] == "Ed25519"
    for name in ("estimates.csv", "ranks.csv", "differences.csv", "formulas.csv"):
        content = client.raw.get(f"{ROUND}/{name}").data
        assert hashlib.sha256(content).hexdigest() == manifest["files"][name]["sha256"], name


def test_what_people_wrote_is_in_no_public_file(client: PageClient, sqlite_settings: Settings) -> None:
    folder = sqlite_settings.instance / "editions" / "sipas-2026" / "1"
    assert SECRET in (folder / "comments.csv").read_text(encoding="utf-8")
    for name in ("comments", "open_link", "plan", "questionnaire", "manifest"):
        for kind in open_data.FORMATS:
            assert client.raw.get(f"{ROUND}/{name}.{kind}").status_code == 404, (name, kind)
    page = client.get(f"{ROUND}/data")
    for link in page.root.xpath("//main//a/@href"):
        if link.startswith("/results") and "." in link:
            assert SECRET.encode() not in client.raw.get(link).data, link
    comments = "comments.csv"
    assert comments in open_data.KEPT_BACK


def test_what_units_promise_is_open_as_it_is_on_their_pages(client: PageClient) -> None:
    assert PROMISE in client.raw.get(f"{ROUND}/promises.csv").data.decode()
    assert PROMISE in client.get(f"{ROUND}/{UNIT}").text


def test_only_public_documents_leave_as_pdf(app: Flask, sqlite_settings: Settings) -> None:
    edition = sipas_edition()
    stores = services_of(app).stores
    publish_by_hand(sqlite_settings, stores, edition)
    second = corrected(edition, "Thêm tài liệu")
    out = sqlite_settings.instance / "editions" / "sipas-2026" / "2"
    public = (UNIT, f"{UNIT}.en", "league-khoi-dia-phuong", "method", "method.en", "province")
    kept = (f"{UNIT}.unit", f"{UNIT}.unit.en", "notes", "league-unknown")
    write_edition(second, out, {f"{name}.pdf": b"%PDF-1.7 " + name.encode() for name in (*public, *kept)}, SIGNER)
    mark_published(
        stores, "sipas-2026", number=2, manifest_hash=sha256_hex((out / "edition.json").read_bytes()),
        published_on=second.published_on, reason=second.reason,
    )  # fmt: skip
    client = PageClient(app)
    assert [client.raw.get(f"{ROUND}/{name}.pdf").status_code for name in public] == [200] * len(public)
    assert [client.raw.get(f"{ROUND}/{name}.pdf").status_code for name in kept] == [404] * len(kept)


def test_no_cell_of_a_workbook_is_a_formula(app: Flask, sqlite_settings: Settings) -> None:
    edition = sipas_edition()
    themed = replace(edition, themes=(ThemeRow(UNIT, "x", "=HYPERLINK(1)", "#N/A", 12),))
    publish_by_hand(sqlite_settings, services_of(app).stores, themed)
    workbook = openpyxl.load_workbook(io.BytesIO(PageClient(app).raw.get(f"{ROUND}/themes.xlsx").data))
    cells = [cell for sheet in workbook.worksheets for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type in ("f", "e")] == []
    assert "=HYPERLINK(1)" in [cell.value for cell in cells]
    assert len(workbook.sheetnames) == 2


def test_a_table_too_long_for_a_spreadsheet_is_offered_otherwise() -> None:
    edition = sipas_edition((30, 30))
    rows = edition.estimates * (open_data.MOST_SHEET_ROWS // len(edition.estimates) + 1)
    assert "xlsx" not in open_data.made_table("estimates", type(rows[0]), rows).formats
    assert open_data.unit_table(edition, UNIT).formats == open_data.FORMATS


def test_files_that_were_made_are_kept_within_bounds(tmp_path: Path) -> None:
    edition = sipas_edition((30, 30))
    opened = OpenEdition(edition, Composer(edition), tmp_path, {})
    made = open_data.MadeFiles(n_kept=2)
    table = open_data.unit_table(edition, UNIT)
    first = made.of(opened, table, "json", "unit a")
    assert made.of(opened, table, "json", "unit a") is first
    for part in ("unit b", "unit c", "unit d"):
        made.of(opened, table, "json", part)
    assert made.of(opened, table, "json", "unit a") is not first
