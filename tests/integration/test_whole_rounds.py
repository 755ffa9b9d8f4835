"""Rounds with modules, with cells, and simulated ones: from the command line and from the use cases."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.errors import ArchiveError
from analysis.release.round_design import parse_design
from questionnaires.modules import attach
from support.command_line import RunHailong
from support.rounds import DESIGN as PLAIN_DESIGN
from support.rounds import SLUG as PLAIN_SLUG
from support.rounds import open_collection, planned_collection
from support.several_units import DESIGN, HOST, MODULE, PSUS, SLUG, TODAY, UNITS, UNITS_CSV, Firms
from survey.accounting import round_accounting
from survey.archiving import archive_units
from survey.errors import BadInput, NotFound, WrongState
from survey.questionnaire_library import find_questionnaire, publish_questionnaire
from survey.round_records import units_of_round
from survey.rounds import (
    RoundRequest,
    SourceFile,
    close_round,
    create_round,
    find_round,
    load_questionnaire_of,
    mark_sealed,
    mark_simulated,
)
from survey.sealing import seal_round
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import import_units

# Each computes editions of standardised or several-unit rounds, which takes seconds.
pytestmark = pytest.mark.slow


@pytest.fixture
def firms(settings: Settings, stores: Stores, tmp_path: Path) -> Firms:
    return Firms(settings, stores, tmp_path)


def test_a_round_asks_its_questionnaire_with_its_modules(firms: Firms) -> None:
    record = firms.record
    assert (record.questionnaire_reference, record.module_references) == ("firms/2", ("name/1",))
    host, module = (find_questionnaire(firms.stores, reference) for reference in ("firms/2", "name/1"))
    asked = load_questionnaire_of(firms.stores, record)
    assert asked == attach(host, [module])
    assert record.questionnaire_hash == asked.content_hash != host.content_hash
    with reading(firms.stores.office) as session:
        created = next(event for event in list_events(session) if event.action == "round.created")
    assert created.subject == f"{SLUG} with firms/2 and name/1 for 4 units"


@pytest.mark.parametrize(
    ("modules", "complaint", "kind"),
    [
        (("name/1", "name/1"), "modules: .*twice", BadInput),
        (("firms/2",), "modules: ", BadInput),
        (("name/9",), "found no published questionnaire 'name/9'", NotFound),
        (("",), "found no published questionnaire ''", NotFound),
    ],
)
def test_modules_that_cannot_be_asked_along_make_no_round(
    firms: Firms, modules: tuple[str, ...], complaint: str, kind: type[Exception]
) -> None:
    record = firms.record
    request = RoundRequest("another", "firms/2", "code=so-a", record.opens_on, record.closes_on, modules=modules)
    with pytest.raises(kind, match=complaint):
        create_round(firms.stores, request, record.opens_on)
    with pytest.raises(NotFound):
        find_round(firms.stores, "another")


def test_a_round_without_a_design_gets_one_that_suits_its_ballots(firms: Firms) -> None:
    record = firms.record
    request = RoundRequest("another", "firms/2", "code=so-a", record.opens_on, record.closes_on)
    created = create_round(firms.stores, request, record.opens_on)
    assert parse_design(created.design_source, "design").clusters == ("ballot",)
    unit_design = SourceFile(PLAIN_DESIGN, "design.yaml")
    wrong = RoundRequest("third", "firms/2", "code=so-a", record.opens_on, record.closes_on, design=unit_design)
    with pytest.raises(Exception, match="expected ballot: with firms/2 a ballot rates several units"):
        create_round(firms.stores, wrong, record.opens_on)


def test_a_simulated_round_says_so_for_good(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    collection = open_collection(settings, stores, tmp_path)
    assert collection.record.collected == "here"
    marked = mark_simulated(stores, PLAIN_SLUG)
    assert (marked.is_simulated, marked.collected) == (True, "simulated")
    assert mark_simulated(stores, PLAIN_SLUG) == marked
    with reading(stores.office) as session:
        assert [event.action for event in list_events(session)].count("round.simulated") == 1
    for code in collection.codes("xa-b", 10):
        collection.send("xa-b", code.qr)
    close_round(stores, PLAIN_SLUG)
    sealed = seal_round(stores, collection.secrets, collection.vault, settings, PLAIN_SLUG)
    assert read_archive(sealed.path).contents.facts.collected == "simulated"
    with pytest.raises(WrongState, match="found answers"):
        mark_simulated(stores, PLAIN_SLUG)


def test_answers_of_people_are_never_mixed_with_a_simulation(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(settings, stores, tmp_path)
    (code,) = collection.codes("xa-b", 1)
    assert collection.send("xa-b", code.qr) == "received"
    with pytest.raises(WrongState, match="found answers, expected none"):
        mark_simulated(stores, PLAIN_SLUG)
    assert not collection.record.is_simulated


def test_a_round_that_is_over_is_not_simulated(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    collection = open_collection(settings, stores, tmp_path)
    close_round(stores, PLAIN_SLUG)
    with pytest.raises(WrongState, match="is closed; to be simulated"):
        mark_simulated(stores, PLAIN_SLUG)
    with pytest.raises(NotFound):
        mark_simulated(stores, "nowhere")
    assert not collection.record.is_simulated


def test_an_archive_keeps_the_english_names_of_blocs(firms: Firms) -> None:
    units = archive_units(units_of_round(firms.stores, firms.record))
    assert {unit.code: unit.bloc_name_en for unit in units}["xa-d"] == "Communes"


@pytest.fixture
def files(tmp_path: Path, stores: Stores) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "design.yaml").write_text(DESIGN, encoding="utf-8")
    (folder / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    (folder / "succession.csv").write_text(
        "predecessor_code,successor_code,effective_date,relation,source\n", encoding="utf-8"
    )
    for source in (HOST, MODULE):
        publish_questionnaire(stores, source.encode(), "form.yaml", TODAY)
    return folder


def test_the_commands_make_a_round_with_modules_and_issue_codes_for_its_cells(
    run_hailong: RunHailong, files: Path, stores: Stores
) -> None:
    assert run_hailong("units", "import", files / "units.csv", files / "succession.csv").exit_code == 0
    create = [
        "round", "create", SLUG, "--questionnaire", "firms/2", "--module", "name/1",
        "--units", f"code={','.join(UNITS)}",
        "--opens", "2026-11-01", "--closes", "2099-12-31", "--design", files / "design.yaml",
    ]  # fmt: skip
    done = run_hailong(*create)
    assert done.exit_code == 0, done.errors
    assert find_round(stores, SLUG).module_references == ("name/1",)
    batch, out = files / "batch.csv", files / "codes.csv"
    header = "unit,stratum,psu,channel,count\n"
    for row, complaint in (
        ("so-a,lớn,Khu Zkqx Một,,5", f"{batch}:2: column unit: found “so-a”, expected nothing"),
        (",lớn,Khu Zkqx Ba,,5", f"{batch}:2: found stratum “lớn”, psu “Khu Zkqx Ba”, expected a cell of the design"),
        (",nhỏ,Khu Zkqx Ba,,31", f"{batch}:2: found 31 codes for stratum “nhỏ”, psu “Khu Zkqx Ba”, expected at most"),
    ):
        batch.write_text(f"{header}{row}\n", encoding="utf-8")
        refused = run_hailong("round", "codes", SLUG, "--batch", batch, "--out", out)
        assert (refused.exit_code, refused.errors.count("\n")) == (2, 1), refused.errors
        assert complaint in refused.errors
        assert not out.exists()
    named = run_hailong("round", "codes", SLUG, "--unit", "so-a", "--count", 5, "--out", out)
    assert (named.exit_code, out.exists()) == (2, False)
    assert "found --unit, expected none" in named.errors
    single = ["round", "codes", SLUG, "--count", 2, "--stratum", "nhỏ", "--psu", PSUS[2], "--out", out]
    done = run_hailong(*single)
    assert done.exit_code == 0, done.errors
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["unit"] for row in rows] == ["", ""]
    assert all(f"/r/{SLUG}#" in row["url"] for row in rows)
    status = run_hailong("round", "status", SLUG, "--json")
    said = json.loads(status.output)
    assert (said["modules"], said["simulated"]) == (["name/1"], False)
    assert said["accounting"][-1] == {
        "unit": "all", "channel": "all", "eligible": 130, "issued": 2, "spent": 0, "sealed": None, "rejected": None,
    }  # fmt: skip


@pytest.mark.parametrize("module", ["firms/2", "nowhere/1", "name"])
def test_a_module_that_cannot_be_is_one_line_and_exit_2(
    run_hailong: RunHailong, files: Path, stores: Stores, module: str
) -> None:
    assert run_hailong("units", "import", files / "units.csv", files / "succession.csv").exit_code == 0
    done = run_hailong(
        "round", "create", SLUG, "--questionnaire", "firms/2", "--module", module, "--units", "code=so-a",
        "--opens", "2026-11-01", "--closes", "2099-12-31",
    )  # fmt: skip
    assert (done.exit_code, done.errors.count("\n")) == (2, 1), done.errors
    with pytest.raises(NotFound):
        find_round(stores, SLUG)


IMPORT = """\
import:
  units: units.csv
  opens_on: "2026-03-01"
  respondent: firm
  columns: {unit: agency, stratum: size, psu: area}
  items: {say: remark}
  ignore: [years, land, why]
"""
COLUMNS = ("firm", "agency", "size", "area", "has_land", "clear", "knows", "remark")


def ratings() -> list[list[str]]:
    """Forty firms of three PSUs; every third rates one unit, two or three."""
    rows = []
    for number in range(40):
        psu, size = PSUS[number % 3], ("lớn", "lớn", "nhỏ")[number % 3]
        for unit in UNITS[: 1 + number % 3]:
            rows.append([f"f{number}", unit, size, psu, "yes", "5", "1", f"ý {number}"])
    return rows


def import_of(files: Path, rows: list[list[str]], design: str = DESIGN + IMPORT) -> list[object]:
    lines = [COLUMNS, *rows]
    (files / "answers.csv").write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
    (files / "design.yaml").write_text(design, encoding="utf-8")
    return [
        "round", "import", SLUG, "--questionnaire", "firms/2", "--module", "name/1", "--answers", files / "answers.csv",
        "--design", files / "design.yaml", "--json",
    ]  # fmt: skip


def test_ratings_of_several_units_collected_elsewhere_become_an_archive(
    run_hailong: RunHailong, files: Path, stores: Stores, settings: Settings
) -> None:
    rows = ratings()
    done = run_hailong(*import_of(files, rows))
    assert done.exit_code == 0, done.errors
    assert (json.loads(done.output)["sealed"], json.loads(done.output)["withheld"]) == (40, 0)
    path = settings.instance / "archives" / SLUG
    contents = read_archive(path).contents
    assert contents.responses.num_rows == len(rows)
    assert contents.comment_count == 40
    assert len(set(contents.responses["ballot"].to_pylist())) == 40
    design = parse_design(contents.design_source, "design.yaml")
    assert (sum(cell.returned or 0 for cell in design.cells), design.imported) == (40, None)
    for file in path.iterdir():
        assert b"Zkqx" not in file.read_bytes(), file
    assert find_round(stores, SLUG).module_references == ("name/1",)
    assert contents.accounting[-1].sealed == 40
    assert round_accounting(stores, Secrets(settings.secret_key), settings, SLUG) == contents.accounting


def changed(rows: list[list[str]], position: int, column: str, value: str) -> list[list[str]]:
    rows[position][COLUMNS.index(column)] = value
    return rows


BAD_TABLES = {
    "a unit twice": (changed(ratings(), 2, "agency", "so-a"), "row 4, column firm: found a second rating of 'so-a'"),
    "four ratings": (
        [*ratings(), ["f2", "xa-d", "nhỏ", PSUS[2], "yes", "5", "1", "ý 2"]],
        "column firm: found 4 ratings of one respondent, expected at most 3",
    ),
    "two answers to what is asked once": (
        changed(ratings(), 2, "has_land", "no"),
        "row 4, column has_land: found 'no', expected 'yes' as in row 3: a respondent has one",
    ),
    "two answers to a module": (changed(ratings(), 2, "knows", "3"), "row 4, column knows: found '3', expected '1'"),
    "two places of one firm": (
        changed(ratings(), 2, "area", PSUS[0]),
        f"row 4, column area: found '{PSUS[0]}', expected '{PSUS[1]}' as in row 3",
    ),
    "no respondent": (changed(ratings(), 2, "firm", ""), "row 4, column firm: found nothing"),
    "a stranger's unit": (changed(ratings(), 2, "agency", "so-z"), "row 4, column agency: found 'so-z'"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_table_of_ratings_that_does_not_hold_is_named(
    run_hailong: RunHailong, files: Path, stores: Stores, settings: Settings, name: str
) -> None:
    rows, complaint = BAD_TABLES[name]
    done = run_hailong(*import_of(files, rows))
    assert (done.exit_code, done.errors.count("\n")) == (2, 1), done.errors
    assert complaint in done.errors
    assert not (settings.instance / "archives").exists()


@pytest.mark.parametrize(
    ("design", "complaint"),
    [
        ((DESIGN + IMPORT).replace("  respondent: firm\n", ""), "import.respondent: found none"),
        ((DESIGN + IMPORT).replace("psu: area", "channel: area"), "import.columns: found no 'psu'"),
        (
            "design: 1\nstrata: [stratum]\nclusters: [psu]\n" + IMPORT + '  codes: {psu: {"Khu Zkqx Một": k1}}\n',
            "import.codes: found “psu”, expected none",
        ),
        ((DESIGN + IMPORT).replace('psu: "Khu Zkqx Ba"', "psu: Ba"), "found no cell nhỏ/Khu Zkqx Ba"),
        ((DESIGN + IMPORT).replace("population: 30", "population: 3"), "found 3 people, expected at least the 13"),
    ],
)
def test_a_design_that_does_not_suit_ratings_is_named(
    run_hailong: RunHailong, files: Path, stores: Stores, settings: Settings, design: str, complaint: str
) -> None:
    arguments = import_of(files, ratings(), design.replace("ignore: [", "ignore: [firm, area, ", 1))
    done = run_hailong(*arguments)
    assert (done.exit_code, done.errors.count("\n")) == (2, 1), done.errors
    assert complaint in done.errors
    assert not (settings.instance / "archives").exists()


def test_planned_rounds_have_no_accounting_beyond_what_was_issued(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    collection = planned_collection(settings, stores, tmp_path)
    rows = round_accounting(stores, collection.secrets, settings, PLAIN_SLUG)
    assert [(row.unit, row.channel, row.issued, row.sealed) for row in rows] == [
        ("phuong-a", "all", 0, None),
        ("xa-b", "all", 0, None),
        ("all", "all", 0, None),
    ]


def test_a_sealed_round_of_the_first_format_still_has_the_rounds_own_row(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    former = Path(__file__).resolve().parents[1] / "golden" / "first_format" / "kansas-city-2021-09"
    archive = read_archive(former)
    header = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    units = tmp_path / "units.csv"
    lines = [
        f"{unit.code},{unit.name.vi},{unit.name.en},{unit.kind},{unit.bloc_name},,,,,,t\n"
        for unit in archive.contents.units
    ]
    units.write_text(header + "".join(lines), encoding="utf-8")
    import_units(stores, units)
    facts = archive.contents.facts
    request = RoundRequest(
        slug=facts.slug,
        questionnaire=archive.questionnaire.reference,
        units="code=" + ",".join(unit.code for unit in archive.contents.units),
        opens_on=facts.opens_on,
        closes_on=facts.closes_on,
        design=SourceFile(archive.contents.design_source, "design.yaml"),
        plan=SourceFile(archive.contents.plan_source, "plan.yaml"),
        is_imported=True,
    )
    create_round(stores, request, TODAY)
    shutil.copytree(former, settings.instance / "archives" / facts.slug)
    n_sealed = archive.contents.counts.sealed
    mark_sealed(stores, facts.slug, archive_hash=archive.manifest_sha256, n_sealed=n_sealed, n_rejected=0)
    rows = round_accounting(stores, Secrets(settings.secret_key), settings, facts.slug)
    assert (rows[-1].issued, rows[-1].spent, rows[-1].sealed, rows[-1].rejected) == (n_sealed, n_sealed, n_sealed, 0)
    assert all(row.sealed is None for row in rows[:-1])
    (settings.instance / "archives" / facts.slug / "manifest.json").write_text('{"archive": 1, "files": {}}')
    with pytest.raises(ArchiveError, match="as it was sealed"):
        round_accounting(stores, Secrets(settings.secret_key), settings, facts.slug)
