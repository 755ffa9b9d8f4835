"""Two thousand hostile texts go through every output and nothing of them is run (criterion 19).

Pages are made by the real application and opened in Chromium without their policy, so that escaping is judged by
itself; CSV and XLSX are read cell by cell; PDF is searched for anything active; JSON is read back.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import html
from playwright.sync_api import Browser
from sqlalchemy import update

from analysis.release.edition import Edition
from analysis.release.row_files import rows_from_json, rows_to_json
from analysis.release.rows import EstimateRow
from analysis.scorecards.content import Composer
from support.citizens import Asked, add_round
from support.editions import make_edition
from support.hostile import hostile_texts, named, with_hostile_words
from support.hostile_stage import Stage, hostile_stage
from support.judging import active_parts, judged
from support.pages import page_complaints
from support.published import publish_by_hand, sipas_edition
from support.stores import Templates
from survey.printing import make_printer
from survey.questionnaire_library import publish_questionnaire
from survey.services import today
from survey.storage.office import Unit
from survey.storage.sessions import writing
from survey.units import import_units
from survey.web.public.presenting import rows_csv
from survey.web.spreadsheets import csv_bytes, xlsx_bytes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

TEXTS = hostile_texts()
A_FORM = 60
N_UNITS = 100


def form_questionnaire() -> bytes:
    """A form of many questions that are answered in words."""
    items = "\n".join(
        f"      - {{code: say{number}, kind: text, longest: 1500, text: {{vi: Câu {number}, en: Question {number}}}}}"
        for number in range(A_FORM)
    )
    return f"""\
questionnaire: 1
name: words
version: "1"
title: {{vi: Phiếu nhiều lời, en: A form of words}}
model_name: Words
sections:
  - code: all
    title: {{vi: Câu hỏi, en: Questions}}
    items:
{items}
""".encode()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Stage]:
    """Units with hostile names, a round of theirs and an edition."""
    with hostile_stage(tmp_path_factory.mktemp("hostile"), store_templates, name_units) as made:
        yield made


def name_units(asked: Asked) -> None:
    stores, instance = asked.stores, asked.settings.instance
    publish_questionnaire(stores, form_questionnaire(), "words.yaml", today())
    codes = [f"u{number:04d}" for number in range(N_UNITS)]
    registry = instance / "many.csv"
    head = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    registry.write_text(
        head + "".join(f"{code},Phường {code},Ward {code},ward,Khối thử,,2025-07-01,,1000,1,thử\n" for code in codes),
        encoding="utf-8",
    )
    import_units(stores, registry)
    add_round(asked, "loi", questionnaire="words/1", units=codes)
    publish_by_hand(asked.settings, stores, sipas_edition())
    # Names that the registry would refuse are written past it: whatever a table holds, a page may show.
    with writing(stores.office) as session:
        for number, code in enumerate(codes):
            vi, en = named(TEXTS[::2], number, N_UNITS), named(TEXTS[1::2], number, N_UNITS)
            session.execute(update(Unit).where(Unit.code == code).values(name_vi=vi, name_en=en, bloc_name=vi[:200]))


def hostile_edition() -> Edition:
    return with_hostile_words(make_edition(40))


def test_the_browser_would_run_them(browser: Browser) -> None:
    raw = {f"/raw{part}": "<p>" + "\n".join(TEXTS[part::40]) for part in range(3)}
    assert len(judged(browser, raw)) >= 20


def test_a_citizens_words_come_back_as_words(stage: Stage, browser: Browser) -> None:
    client, pages = stage.office.app.test_client(), {}
    for start in range(0, len(TEXTS), A_FORM):
        typed = {f"say{place}": text[:1400] for place, text in enumerate(TEXTS[start : start + A_FORM])}
        head = {"code": TEXTS[start], "nonce": TEXTS[start + 1], "lang": "vi", "form-part": TEXTS[start + 2]}
        response = client.post("/r/loi/u0001", data=head | typed)
        assert response.status_code in (413, 422, 429), response.status_code
        if response.status_code != 413:
            pages[f"/form{start}"] = response.text
        root = html.document_fromstring(response.get_data())
        assert [
            complaint
            for complaint in page_complaints(root)
            if " in the text" not in complaint and "NFC" not in complaint
        ] == []
    assert len(pages) > len(TEXTS) // A_FORM - 6
    assert judged(browser, pages) == []


def test_names_are_names_on_every_page_that_shows_them(stage: Stage, browser: Browser) -> None:
    pages = {}
    for language in ("vi", "en"):
        for address in (
            "/r/loi",
            "/r/loi/u0007",
            "/r/loi/u0007/kiosk",
            "/r/loi/u0007/kiosk/form",
            "/r/loi/u0007/kiosk/form/received",
            "/office/units",
            "/office/rounds/loi/import",
            "/office/rounds/loi/kiosk",
            "/office/rounds/loi",
            "/office/rounds/loi/codes",
            "/office/rounds/loi/accounting",
            "/office/rounds/loi/close",
        ):
            response = stage.office.client.get(f"{address}?lang={language}")
            assert response.status_code == 200, address
            pages[f"{address}-{language}"] = response.text
    assert judged(browser, pages) == []


def test_published_names_are_names(stage: Stage, browser: Browser) -> None:
    composer, printer = Composer(hostile_edition()), make_printer()
    pages = {}
    for language in ("vi", "en"):
        for bloc, _ in hostile_edition().blocs:
            pages[f"/league-{language}"] = printer.html(composer.league(bloc), language)
    assert judged(browser, pages) == []


def test_no_cell_of_a_table_is_a_formula(stage: Stage) -> None:
    rows = [[text, 1, -1.5] for text in TEXTS]
    complaints = raw_cells(csv_bytes(("a", "b", "c"), rows))
    labelled = [replace(row, label=text) for row, text in zip(_many_rows(), TEXTS, strict=False)]
    complaints += raw_cells(rows_csv(labelled))
    complaints += raw_cells(stage.office.client.get("/office/rounds/loi/accounting.csv").get_data())
    for book in (
        xlsx_bytes("a", ("a", "b", "c"), [[text[:30_000], 1, -1.5] for text in TEXTS]),
        stage.office.client.get("/office/rounds/loi/accounting.xlsx").get_data(),
    ):
        with zipfile.ZipFile(io.BytesIO(book)) as workbook:
            for name in workbook.namelist():
                sheet = workbook.read(name)
                complaints += [
                    name for sign in (b"<f>", b"<f ", b"hyperlink", b"externalLink", b"ddeLink") if sign in sheet
                ]
    assert complaints == []


def raw_cells(table: bytes) -> list[str]:
    """The cells that a spreadsheet would run: they begin like a formula and are no number."""
    text = table.decode("utf-8-sig")
    found = []
    for line in csv.reader(io.StringIO(text, newline="")):
        for cell in line:
            if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠") and not _is_number(cell):
                found.append(cell[:60])
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    # A text that looks like a number may stay one; a formula never does.
    return not cell.startswith(("+", "=", "@"))


def _many_rows() -> list[EstimateRow]:
    return [*hostile_edition().estimates] * 4


def test_json_gives_back_what_went_in() -> None:
    rows = [replace(row, label=text) for row, text in zip(_many_rows(), TEXTS, strict=False)]
    source = rows_to_json(rows, EstimateRow)
    assert [row["label"] for row in json.loads(source)["rows"]] == [row.label for row in rows]
    assert [row.label for row in rows_from_json(source, EstimateRow, "estimates.json")] == [row.label for row in rows]


def test_a_printed_league_has_nothing_active() -> None:
    printer = make_printer()
    ((bloc, _),) = hostile_edition().blocs
    page = printer.html(Composer(hostile_edition()).league(bloc), "vi")
    assert "<script" not in page
    assert "\N{NOT GREATER-THAN}" not in page, "no name melts into a tag"
    assert active_parts(printer.pdf(page)) == set()
