"""Microdata for other tools: what is read back is what was sealed, with labels, and no cell is a formula (W7)."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pyreadstat
import pytest
from lxml import etree

from analysis.archive import Archive
from analysis.errors import AnalysisError
from analysis.exporting import tables
from analysis.exporting.codebook import COLUMNS, codebook_csv, codebook_of, codebook_rows
from analysis.exporting.ddi import NAMESPACE, codebook_xml
from analysis.exporting.estimates_book import estimates_xlsx
from analysis.exporting.labelling import Microdata, microdata_of
from analysis.exporting.statistical_files import short_names, write_dta, write_sav
from analysis.exporting.tables import write_csv, write_labelled_csv, write_parquet, write_xlsx
from analysis.release.computing import compute_edition
from questionnaires.model import Text
from questionnaires.reading import parse_questionnaire
from support.archives import archive_at, contents_of, tabulated
from support.designed_archives import DESIGNED, SEVERAL, responses_of

ANSWERS = (
    {"a": "1", "b": "na", "c": "5", "ways": ("desk", "web"), "days": 3.0, "sex": "female", "age": 41.0, "adults": 2.0},
    {"a": "dk", "b": "2", "c": None, "ways": None, "days": None, "sex": "male", "age": 70.0, "adults": 4.0},
    {"a": None, "b": "3", "c": "4", "ways": ("web",), "days": 0.5, "sex": None, "age": None, "adults": None},
)
DESIGN = "design: 1\nstrata: [unit]\nhousehold: adults\ncells:\n  - {unit: u1, population: 90}\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Three responses under a design with counts, in a unit and a stratum whose names begin like formulas."""
    rows = [
        (
            {"unit": "u1", "stratum": "=2+3", "psu": "p1", "channel": "web"},
            {code: answer for code, answer in answers.items() if answer is not None},
        )
        for answers in ANSWERS
    ]
    contents = contents_of(responses_of(rows), blocs={"u1": "east"}, design=DESIGN, questionnaire_source=DESIGNED)
    units = (replace(contents.units[0], name=Text("=Phường một", "+Ward one")),)
    return archive_at(tmp_path_factory.mktemp("exports") / "archive", replace(contents, units=units))


@pytest.fixture(scope="module")
def microdata(archive: Archive) -> Microdata:
    return microdata_of(archive)


def rows_of_csv(path: Path) -> list[list[str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.reader(stream))


def test_the_last_column_is_the_weight_that_the_design_gives(microdata: Microdata) -> None:
    # 30 people each; who did not say how many adults there are counts like the mean of the others, 3.
    assert microdata.table["weight"].to_pylist() == pytest.approx([60, 120, 90])


def test_a_csv_file_gives_the_responses_back(microdata: Microdata, tmp_path: Path) -> None:
    write_csv(microdata, tmp_path / "r.csv")
    options = pa_csv.ConvertOptions(
        column_types={field.name: field.type for field in microdata.table.schema},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    assert rows_of_csv(tmp_path / "r.csv")[0] == microdata.table.column_names
    found = pa_csv.read_csv(tmp_path / "r.csv", convert_options=options)
    assert found.equals(microdata.table.replace_schema_metadata(None).cast(found.schema))


def test_people_read_labels_and_no_cell_is_a_formula(microdata: Microdata, tmp_path: Path) -> None:
    write_labelled_csv(microdata, tmp_path / "r.csv", "vi")
    names, first, second, third = rows_of_csv(tmp_path / "r.csv")
    row = dict(zip(names, first, strict=True))
    assert row["unit: Đơn vị được đánh giá"] == "'=Phường một"
    assert row["stratum: Tầng của mẫu"] == "'=2+3"
    assert row["a: Câu a"] == "Rất không hài lòng"
    assert row["b: Câu b"] == "Không áp dụng"
    assert row["ways_desk: Ông/bà nộp hồ sơ cách nào? – Tại quầy"] == "Có"
    assert row["age: Tuổi"] == "từ 35 đến 54"
    assert dict(zip(names, second, strict=True))["age: Tuổi"] == "từ 55 trở lên"
    assert dict(zip(names, third, strict=True))["a: Câu a"] == ""
    for cells in (first, second, third):
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_the_codebook_names_every_code_in_both_languages(microdata: Microdata) -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in codebook_rows(microdata.variables)]
    of_a = [row for row in rows if row["column"] == "a"]
    assert [(row["code"], row["number"], row["label_en"], row["value"]) for row in of_a] == [
        ("1", 1, "Very dissatisfied", 1),
        ("2", 2, "Dissatisfied", 2),
        ("3", 3, "Neutral", 3),
        ("4", 4, "Satisfied", 4),
        ("5", 5, "Very satisfied", 5),
        ("dk", 99, "Don't know", None),
    ]
    # Codes that are no numbers are counted.
    assert [row["number"] for row in rows if row["column"] == "sex"] == [1, 2]
    assert {row["column"] for row in rows} == set(microdata.table.column_names)
    assert b"'=Ph" in codebook_csv(microdata.variables)


def test_a_question_that_not_everybody_is_asked_says_so() -> None:
    item = "      - {code: c, kind: single, scale: five, text: {vi: Câu c, en: Item c}}\n"
    conditional = item.replace("scale: five,", 'scale: five, show_if: {item: a, any_of: ["1", "2"]},')
    assert item in DESIGNED
    asked = parse_questionnaire(DESIGNED.replace(item, conditional).encode(), "q.yaml")
    variable = next(one for one in codebook_of(asked, (), has_counts=False) if one.name == "c")
    assert variable.asked_if == Text(
        "Câu a: Rất không hài lòng hoặc Không hài lòng", "Item a: Very dissatisfied or Dissatisfied"
    )


def test_parquet_carries_the_labels(microdata: Microdata, tmp_path: Path) -> None:
    write_parquet(microdata, tmp_path / "r.parquet")
    found = pq.read_table(tmp_path / "r.parquet")
    assert found.equals(microdata.table.cast(found.schema))
    metadata = found.schema.field("a").metadata
    assert metadata[b"label_vi"].decode() == "Câu a"
    assert json.loads(metadata[b"categories"])[0]["label_vi"] == "Rất không hài lòng"
    assert found.schema.metadata[b"round"] == b"small-2026"


def test_a_workbook_has_codes_labels_and_codebook(microdata: Microdata, tmp_path: Path) -> None:
    write_xlsx(microdata, tmp_path / "r.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["responses", "labelled", "codebook"]
    assert [cell.value for cell in book["responses"][1]] == microdata.table.column_names
    assert book["responses"].max_row == book["labelled"].max_row == 4
    assert book["labelled"]["A2"].value == "+Ward one"
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds


def test_a_sheet_that_is_too_small_is_refused(
    microdata: Microdata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS_OF_A_SHEET", 2)
    with pytest.raises(AnalysisError, match="found 3 responses, expected at most 2 in a workbook"):
        write_xlsx(microdata, tmp_path / "r.xlsx", "vi")


def test_spss_reads_numbers_labels_and_missing_answers(microdata: Microdata, tmp_path: Path) -> None:
    write_sav(microdata, tmp_path / "r.sav", "vi")
    frame, facts = pyreadstat.read_sav(tmp_path / "r.sav", user_missing=True)
    assert frame["a"].tolist()[:2] == [1, 99]
    assert facts.variable_value_labels["a"][1] == "Rất không hài lòng"
    assert facts.missing_ranges["a"] == [{"lo": 99.0, "hi": 99.0}]
    assert facts.column_names_to_labels["a"] == "Câu a"
    assert frame["unit"].tolist() == ["u1"] * 3
    assert frame["unit_name"].tolist() == ["=Phường một"] * 3
    assert facts.variable_value_labels["age"] == {18: "từ 18 đến 34", 35: "từ 35 đến 54", 55: "từ 55 trở lên"}
    assert frame["weight"].tolist() == pytest.approx([60, 120, 90])
    hidden, _ = pyreadstat.read_sav(tmp_path / "r.sav")
    assert hidden["a"].isna().tolist() == [False, True, True]


def test_stata_reads_numbers_labels_and_missing_answers(microdata: Microdata, tmp_path: Path) -> None:
    write_dta(microdata, tmp_path / "r.dta", "en")
    frame, facts = pyreadstat.read_dta(tmp_path / "r.dta", user_missing=True)
    assert frame["a"].tolist()[:2] == [1.0, "b"]
    assert frame["b"].tolist() == ["a", 2.0, 3.0]
    assert facts.variable_value_labels["a"] == {
        1: "Very dissatisfied", 2: "Dissatisfied", 3: "Neutral", 4: "Satisfied", 5: "Very satisfied", "b": "Don't know",
    }  # fmt: skip
    assert frame["ways_desk"].tolist()[::2] == [1, 0]
    assert facts.file_label == "Small survey"


@pytest.mark.parametrize("longest", [32, 64])
def test_long_names_are_cut_and_none_clashes(longest: int) -> None:
    names = ["unit", "with", "a" * 70 + "1", "a" * 70 + "2", "a" * longest, "unit_name", "short"]
    found = short_names(names, longest, frozenset({"with"}))
    assert list(found) == names
    assert len({name.lower() for name in found.values()}) == len(names)
    assert max(map(len, found.values())) <= longest
    assert found["short"] == "short"
    assert found["a" * longest] == "a" * longest
    assert found["with"] == "with_"
    # That name is the column of the units' names.
    assert found["unit_name"] != "unit_name"


def test_a_ddi_codebook_describes_columns_categories_and_weights(microdata: Microdata) -> None:
    root = etree.fromstring(codebook_xml(microdata, "responses.csv"))
    place = {"d": NAMESPACE}
    assert root.findtext("d:stdyDscr/d:citation/d:titlStmt/d:titl", namespaces=place) == "Khảo sát nhỏ"
    variables = {var.get("name"): var for var in root.iterfind("d:dataDscr/d:var", place)}
    assert list(variables) == microdata.table.column_names
    labels = [one.findtext("d:labl", namespaces=place) for one in variables["a"].iterfind("d:catgry", place)]
    assert labels[0] == "Rất không hài lòng"
    assert [one.get("missing") for one in variables["a"].iterfind("d:catgry", place)][-1] == "Y"
    assert variables["weight"].get("wgt") == "wgt"
    assert variables["a"].get("wgt-var") == variables["weight"].get("ID")
    weighting = root.findtext("d:stdyDscr/d:method/d:dataColl/d:weight", namespaces=place)
    assert weighting is not None
    assert "adults" in weighting


def test_a_simulated_round_says_so_in_every_title(archive: Archive, tmp_path: Path) -> None:
    facts = replace(archive.contents.facts, collected="simulated")
    simulated = microdata_of(archive_at(tmp_path / "archive", replace(archive.contents, facts=facts)))
    assert simulated.title("vi") == "Số liệu mô phỏng: Khảo sát nhỏ"
    assert "Simulated data" in codebook_xml(simulated, "responses.csv").decode()
    write_sav(simulated, tmp_path / "r.sav", "en")
    assert "Simulated data: " in pyreadstat.read_sav(tmp_path / "r.sav", metadataonly=True)[1].file_label


def test_ratings_keep_their_ballot(tmp_path: Path) -> None:
    rows = [
        ({"unit": unit, "stratum": "", "channel": "web", "ballot": ballot}, {"a": "4", "sex": "male"})
        for ballot, unit in (("x", "u1"), ("x", "u2"), ("y", "u1"))
    ]
    contents = contents_of(
        responses_of(rows, SEVERAL),
        blocs={"u1": "east", "u2": "east"},
        design="design: 1\nclusters: [ballot]\n",
        questionnaire_source=SEVERAL,
    )
    counts = replace(contents.counts, issued=2, spent=2, spooled=2, sealed=2)
    found = microdata_of(archive_at(tmp_path / "archive", replace(contents, counts=counts)))
    write_csv(found, tmp_path / "r.csv")
    names, *cells = rows_of_csv(tmp_path / "r.csv")
    assert [row[names.index("ballot")] for row in cells] == ["x", "x", "y"]


def test_a_round_that_nobody_answered_is_a_table_without_rows(tmp_path: Path) -> None:
    contents = contents_of(responses_of([]), blocs={"u1": "east"}, questionnaire_source=DESIGNED)
    empty = microdata_of(archive_at(tmp_path / "archive", contents))
    write_csv(empty, tmp_path / "r.csv")
    write_parquet(empty, tmp_path / "r.parquet")
    write_sav(empty, tmp_path / "r.sav", "vi")
    write_dta(empty, tmp_path / "r.dta", "vi")
    assert rows_of_csv(tmp_path / "r.csv") == [empty.table.column_names]
    assert pc.count(empty.table["unit"]).as_py() == 0


def test_estimates_are_a_workbook_with_names(tmp_path: Path) -> None:
    rows = [("u1", "4", "3", "2")] * 12 + [("u2", "1", "5", None)] * 4
    archive = archive_at(tmp_path / "archive", contents_of(tabulated(rows), blocs={"u1": "east", "u2": "east"}))
    edition = compute_edition(archive, published_on=date(2026, 4, 1), public_url=None)
    book = openpyxl.load_workbook(io.BytesIO(estimates_xlsx(edition)))
    assert book.sheetnames == ["estimates", "ranks"]
    names, first, *others = [[cell.value for cell in row] for row in book["estimates"].iter_rows()]
    found = dict(zip(names, first, strict=True))
    assert (found["unit"], found["name_vi"], found["name_en"]) == ("u1", "Phường u1", "Ward u1")
    assert (found["label"], found["label_en"]) == ("Chỉ số", "Index")
    assert found["estimate"] == pytest.approx(edition.row("u1").estimate)
    assert len(others) + 1 == len(edition.estimates)
    # What is hidden in the edition is hidden here.
    hidden = [dict(zip(names, row, strict=True)) for row in others if row[names.index("suppressed")]]
    assert hidden
    assert {row["estimate"] for row in hidden} == {None}
