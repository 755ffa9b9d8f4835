"""Indices that others published: shown as they were printed, with sources and breaks, and computed by nobody (S5)."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from support.pages import PageClient
from support.published import PUBLISHED_INDICES
from survey.application import create_app, services_of
from survey.errors import BadInput
from survey.published_scores import BREAK_COLUMNS, SCORE_COLUMNS, import_published, published_indices
from survey.settings import Settings
from survey.web.public.published import sections_of

HEADER, BREAKS = ",".join(SCORE_COLUMNS), ",".join(BREAK_COLUMNS)
ROW = "SIPAS,2023,Tỉnh Quảng Ninh,Tỉnh,90.61,100,1,nhadautu.vn d85209"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[Flask]:
    opened = create_app(sqlite_settings)
    yield opened
    services_of(opened).stores.close()


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_score_and_rank_stands_with_its_source_as_it_was_printed(app: Flask, sqlite_settings: Settings) -> None:
    import_published(sqlite_settings.instance, *PUBLISHED_INDICES)
    page, english = PageClient(app).get("/results/published"), PageClient(app).get("/results/published?lang=en")
    with PUBLISHED_INDICES[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 80
    lines = [" ".join(line.text_content().split()) for line in page.root.xpath("//main//tbody/tr")]
    for row in rows:
        found = [line for line in lines if row["source"] in line and row["year"] in line]
        assert found, row
        assert any(row["score"].replace(".", ",") in line for line in found), row
    assert {row["index"] for row in rows} == {
        heading.text.strip() for heading in page.root.xpath("//main//h2[starts-with(@id, 'index-')]")
    }
    assert "Không con số nào do hệ thống này tính" in page.text
    assert "None of them was computed here" in english.text
    assert "Ha Long City" in english.text
    assert PageClient(app).raw.get("/results/published.csv").data == PUBLISHED_INDICES[0].read_bytes()
    assert "/results/published" in PageClient(app).get("/results").root.xpath("//main//a/@href")


def test_a_break_stands_between_the_years_and_no_line_is_drawn_over_it(app: Flask, sqlite_settings: Settings) -> None:
    import_published(sqlite_settings.instance, *PUBLISHED_INDICES)
    found = published_indices(sqlite_settings.instance)
    assert found is not None
    sipas = next(section for section in sections_of(found) if section.index == "SIPAS")
    province = sipas.blocs[0]
    assert province.is_one_unit
    assert [line.breaks_before[0].year for line in province.years if line.breaks_before] == [2022]
    assert province.chart is not None
    joined = {dot.year for dot in province.chart.dots if dot.is_joined}
    assert joined == {2020, 2023}, "not 2022, where the method changed"
    assert len(province.chart.breaks) == 1
    localities = next(bloc for bloc in sipas.blocs if bloc.bloc_vi == "Khối địa phương")
    assert [found.year for found in localities.breaks_since] == [2025]
    text = PageClient(app).get("/results/published").text
    assert text.index("Ngắt chuỗi tại năm 2022") > 0


def test_without_any_there_is_no_page_and_no_link(app: Flask) -> None:
    client = PageClient(app)
    assert client.get("/results/published").status == 404
    assert client.raw.get("/results/published.csv").status_code == 404
    assert "/results/published" not in client.get("/results").root.xpath("//main//a/@href")


def test_a_file_that_was_spoilt_is_not_shown(app: Flask, sqlite_settings: Settings) -> None:
    import_published(sqlite_settings.instance, *PUBLISHED_INDICES)
    (sqlite_settings.instance / "published" / "scores.csv").write_text("index,year\n", encoding="utf-8")
    client = PageClient(app)
    assert client.get("/results/published").status == 503
    assert client.get("/results").status == 200


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("SIPAS,23,Tỉnh,Tỉnh,90.61,100,1,báo", "column year: found '23', expected a year"),
        ('SIPAS,2023,Tỉnh,Tỉnh,"90,61",100,1,báo', "column score: found '90,61', expected a number"),
        ("SIPAS,2023,Tỉnh,Tỉnh,,100,,báo", "column score: found nothing, expected a score, or a rank"),
        ("SIPAS,2023,Tỉnh,Tỉnh,90.61,100,0,báo", "column rank: found '0', expected a rank from 1"),
        ("SIPAS,2023,Tỉnh,Tỉnh,90.61,100,1,", "column source: found nothing, expected a name"),
        ("SIPAS,2023,,Tỉnh,90.61,100,1,báo", "column unit_name: found nothing"),
        ("SIPAS,2023,Tỉnh,Tỉnh,90.61,100,1", "found 7 columns, expected 8"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path: Path, row: str, complaint: str) -> None:
    instance = tmp_path / "var"
    with pytest.raises(BadInput, match=r"scores\.csv:3") as refused:
        import_published(instance, write(tmp_path / "scores.csv", HEADER, ROW, row))
    assert complaint in str(refused.value)
    assert not instance.exists()


def test_a_second_import_takes_the_place_of_the_first(tmp_path: Path) -> None:
    import_published(tmp_path, *PUBLISHED_INDICES)
    scores = write(tmp_path / "scores.csv", HEADER, ROW)
    breaks = write(tmp_path / "breaks.csv", BREAKS, ",2025,,Không còn cấp huyện,No districts,NQ 1679")
    assert len(import_published(tmp_path, scores, breaks).breaks) == 1
    assert len(import_published(tmp_path, scores).scores) == 1
    found = published_indices(tmp_path)
    assert found is not None
    assert (len(found.scores), found.breaks) == (1, ())
    assert found.scores[0].unit_name.en == "Tỉnh Quảng Ninh", "where nobody gave an English name"


def test_hostile_names_and_sources_are_text(app: Flask, sqlite_settings: Settings, tmp_path: Path) -> None:
    row = 'SIPAS,2023,<script>alert(1)</script>,Tỉnh,90.61,100,1,"><img src=x onerror=alert(1)>'
    import_published(sqlite_settings.instance, write(tmp_path / "scores.csv", HEADER, row.replace('"', "'")))
    page = PageClient(app).get("/results/published")
    assert "<script>alert(1)</script>" in page.text
    assert not page.root.xpath("//main//script | //main//img")
