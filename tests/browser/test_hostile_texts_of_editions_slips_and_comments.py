"""The hostile texts on the pages of published units, on scorecards, slips and stands, and in comments (criterion 19).

What a page or a document shows is judged as in test_hostile_texts_run_nowhere. A comment leaves the installation in one
way alone, the sealed container of an archive: it holds each text as it was typed, and no other file holds any.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from playwright.sync_api import Browser
from sqlalchemy import update

from analysis.archive import read_archive
from analysis.release.edition import Edition
from analysis.scorecards.content import Composer
from analysis.scorecards.render import PrintingError
from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.model import Text
from support.citizens import UNIT, Asked, add_round
from support.hostile import hostile_texts, named, with_hostile_words
from support.hostile_stage import Stage, hostile_stage
from support.judging import active_parts, judged
from support.published import publish_by_hand, sipas_edition
from support.stores import Templates
from survey.envelopes import open_comments
from survey.exporting import export_archive
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.printing import make_printer, make_slip_printer
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.services import today
from survey.slips import Heading, Leaf, draw_qr
from survey.storage.office import Round
from survey.storage.sessions import writing

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

TEXTS = hostile_texts()
SLUG = "hostile-2026"
A_FORM = 120
# Of forty units; the last has too few answers to be shown.
SHEETS = (*range(60, 99), 7)
LONGEST = 1500
N_STANDS = 60
QUESTIONS = "\n".join(
    f"      - {{code: say{number}, kind: text, longest: {LONGEST}, text: {{vi: Câu {number}, en: Question {number}}}}}"
    for number in range(A_FORM)
)
WORDS = f"""\
questionnaire: 1
name: comments
version: "1"
title: {{vi: Phiếu nhiều lời, en: A form of words}}
model_name: Words
sections:
  - code: all
    title: {{vi: Câu hỏi, en: Questions}}
    items:
      - code: visited
        kind: single
        text: {{vi: Có đến không, en: Did you go}}
        options: [{{code: "yes", label: {{vi: Có, en: "Yes"}}}}, {{code: "no", label: {{vi: Không, en: "No"}}}}]
{QUESTIONS}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Stage]:
    """An instance that shows an edition in which every name is hostile."""
    with hostile_stage(tmp_path_factory.mktemp("hostile-edition"), store_templates, publish) as made:
        yield made


@cache
def hostile_edition() -> Edition:
    return replace(with_hostile_words(sipas_edition(SHEETS, slug=SLUG)), number=2, reason=TEXTS[9])


def publish(asked: Asked) -> None:
    publish_by_hand(asked.settings, asked.stores, sipas_edition(SHEETS, slug=SLUG))
    publish_by_hand(asked.settings, asked.stores, hostile_edition())
    # A title that no form would take is written past it: whatever a table holds, a page may show.
    with writing(asked.stores.office) as session:
        session.execute(
            update(Round)
            .where(Round.slug == SLUG)
            .values(title_vi=TEXTS[3], title_en=TEXTS[4], issuer_vi=TEXTS[5], issuer_en=TEXTS[6], decision=TEXTS[7])
        )


def test_units_of_a_hostile_edition_are_pages_of_words(published: Stage, browser: Browser) -> None:
    pages = {}
    addresses = ["/results", f"/results/{SLUG}", f"/results/{SLUG}/method", "/office/", f"/office/rounds/{SLUG}"]
    addresses += [f"/results/{SLUG}/{unit.code}" for unit in hostile_edition().units]
    for place, address in enumerate(addresses):
        language = ("vi", "en")[place % 2]
        response = published.office.client.get(f"{address}?lang={language}")
        assert response.status_code == 200, address
        pages[f"{address}-{language}"] = response.text
    assert judged(browser, pages) == []


def test_no_cell_of_a_units_table_is_a_formula(published: Stage) -> None:
    for unit in hostile_edition().units:
        response = published.office.client.get(f"/results/{SLUG}/{unit.code}.csv")
        assert response.status_code == 200
        rows = list(csv.reader(io.StringIO(response.get_data().decode("utf-8-sig"), newline="")))
        assert len(rows) > 1
        assert [cell for row in rows for cell in row if cell[:1] in "=+@\t\r＝＋＠" and cell] == []


def test_a_hostile_name_is_printed_on_a_scorecard_or_refused(browser: Browser) -> None:
    composer, printer = Composer(hostile_edition()), make_printer()
    pages, refused = {}, 0
    for unit in hostile_edition().units:
        for language in ("vi", "en"):
            try:
                pages[f"/{unit.code}-{language}"] = printer.html(composer.scorecard(unit.code), language)
            except PrintingError:
                refused += 1
    assert len(pages) + refused == 2 * len(hostile_edition().units)
    # Letters that no font has stand in some of each forty names here; names without them are printed.
    plain = tuple(text for text in TEXTS if text.isprintable() and text.isascii() and len(text) < 400)
    names = [Text(named(plain[::2], unit, 9), named(plain[1::2], unit, 9)) for unit in range(9)]
    units = tuple(
        replace(unit, name=name) for unit, name in zip(hostile_edition().units[: len(names)], names, strict=True)
    )
    edition = replace(hostile_edition(), units=units + hostile_edition().units[len(names) :])
    for unit in units:
        pages[f"/plain-{unit.code}"] = printer.html(Composer(edition).scorecard(unit.code), "vi")
    assert judged(browser, pages) == []
    assert active_parts(printer.pdf(pages[f"/plain-{units[0].code}"])) == set()


def test_slips_and_stands_carry_hostile_words_as_words(browser: Browser) -> None:
    printer = make_slip_printer()
    heading = Heading(Text(TEXTS[0], TEXTS[1]), Text(TEXTS[2], TEXTS[3]), TEXTS[4], TEXTS[5],
                      Text("31/12/2026", "31 December 2026"), is_simulated=True, made_on="2026-11-23")  # fmt: skip
    address = "https://hailong.example.vn/r/a/b"
    leaves = [
        Leaf(
            Text(named(TEXTS[::2], number, N_STANDS), named(TEXTS[1::2], number, N_STANDS)),
            address,
            draw_qr(address),
            ("7K3M9", "QXC2P", "RT4V"),
        )
        for number in range(N_STANDS)
    ]
    sheets = [leaves[start : start + 8] for start in range(0, N_STANDS, 8)]
    pages = {
        "/slips": printer.page("slips.html.jinja", "vi", heading=heading, sheets=sheets),
        "/stands": printer.page("stands.html.jinja", "vi", heading=heading, stands=leaves),
    }
    assert judged(browser, pages) == []
    printed = printer.page("slips.html.jinja", "vi", heading=heading, sheets=sheets[:1])
    assert active_parts(printer.pdf(printed)) == set()


def test_comments_leave_as_they_were_typed_and_nowhere_else(published: Stage) -> None:
    asked = published.asked
    slug = "loi-dan"
    publish_questionnaire(asked.stores, WORDS.encode(), "comments.yaml", today())
    add_round(asked, slug, questionnaire="comments/1", units=(UNIT,))
    typed = [text for text in TEXTS if len(text) <= LONGEST]
    sent = _send(asked, slug, typed)
    close_round(asked.stores, slug)
    path = seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, slug).path
    opened_lines = open_comments(asked.vault.unwrap(f"{slug}.comments"), slug, (path / "comments.enc").read_bytes())
    found = [json.loads(line) for line in opened_lines.removesuffix(b"\n").split(b"\n")]
    assert sorted(comment["text"] for comment in found) == sorted(sent)
    assert {comment["unit"] for comment in found} == {UNIT}
    out = asked.settings.instance / "exported"
    for kind in ("csv", "ddi"):
        export_archive(path, kind, out / kind)
    assert not any(name.startswith("say") for name in read_archive(path).contents.responses.column_names)
    told = [text.encode() for text in sent if "pwn" in text or "calc" in text]
    files = [file for folder in (path, out) for file in folder.rglob("*") if file.is_file()]
    assert [file.name for file in files if any(text in file.read_bytes() for text in told)] == []


def _send(asked: Asked, slug: str, typed: list[str]) -> list[str]:
    """Send the texts, as many in a form as it has questions; what each is once it was checked."""
    record = find_round(asked.stores, slug)
    questionnaire = load_questionnaire_of(asked.stores, record)
    sent: list[str] = []
    starts = range(0, len(typed), A_FORM)
    for start, code in zip(starts, asked.codes(count=len(starts), slug=slug), strict=True):
        form = {f"say{place}": [text] for place, text in enumerate(typed[start : start + A_FORM])}
        answers = check_answers(questionnaire, form | {"visited": ["yes"]})
        assert isinstance(answers, CheckedAnswers), answers
        sent += [answer for item, answer in answers.values.items() if item != "visited" and isinstance(answer, str)]
        opened_round = round_open_on(record, questionnaire, today())
        assert (
            receive_ballot(asked.stores, asked.secrets, opened_round, UNIT, code.typed, new_nonce(), answers)
            == "received"
        )
    return sent
