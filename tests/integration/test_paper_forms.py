"""Forms on paper as they come out of the printer: whole, in order, and telling which version they are (issue 7, O6)."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from questionnaires.keying import asked_sections, item_numbers, keys_of
from questionnaires.library import load_bundled
from questionnaires.reading import parse_questionnaire
from support.citizens import ALL_KINDS
from support.command_line import environment_of_settings, run
from support.pdf_checks import structural_findings
from support.printed import inked_millimetres, qr_texts
from support.rounds import SLUG, Collection, planned_collection
from support.several_units import Firms
from survey.code_files import issued_codes_csv
from survey.paper_forms import PaperForm, compose_parts, print_blank_form, print_coded_forms
from survey.paper_versions import fingerprint_of, read_fingerprint, version_of, version_on_paper
from survey.printing import form_texts
from survey.round_records import units_of_round
from survey.settings import Settings
from survey.storage.stores import Stores

PUBLIC_URL = "https://hailong.example.vn"


@pytest.fixture
def collection(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(sqlite_settings, sqlite_stores, tmp_path)


def pages_of(pdf: bytes) -> list[str]:
    """The words of each page, with one space between them."""
    return [re.sub(r"\s+", " ", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("reference", ["sipas/2017.2", "sipas/2023.2"])
def test_every_question_is_printed_in_order_with_its_boxes_and_every_page_says_its_version(
    collection: Collection, language: str, reference: str, tmp_path: Path
) -> None:
    questionnaire = load_bundled(reference)
    record = replace(
        collection.record, questionnaire_reference=reference, questionnaire_hash=questionnaire.content_hash
    )
    units = units_of_round(collection.stores, record)
    printed = print_blank_form(PaperForm(record, questionnaire, units, language), units[0])
    assert printed.failure is None
    assert printed.pdf is not None
    assert structural_findings(printed.pdf) == []
    pages = pages_of(printed.pdf)
    fingerprint = fingerprint_of(questionnaire.content_hash)
    word = {"vi": "Trang", "en": "Page"}[language]
    for number, said in enumerate(pages, start=1):
        for expected in (SLUG, reference, fingerprint, f"{word} {number}/{len(pages)}"):
            assert expected in said
    whole = " ".join(pages)
    assert {"phuong-a": {"vi": "Phường A", "en": "Ward A"}}[units[0].code][language] in whole
    place = 0
    for section in asked_sections(questionnaire):
        for item in section.items:
            start = f"{item_numbers(questionnaire)[item.code]}. {item.text.in_language(language)}"
            place = whole.index(re.sub(r"\s+", " ", start), place)
    # Black on white: no page is without ink, and the margins of any office printer are kept.
    for ink in inked_millimetres(printed.pdf, tmp_path):
        assert ink.any()
        assert not ink[:6].any()
        assert not ink[:, :6].any()
        assert not ink[:, -6:].any()


def test_routing_is_said_in_plain_words() -> None:
    questionnaire = parse_questionnaire(ALL_KINDS.encode(), "kinds.yaml")
    (part,) = compose_parts(questionnaire, "vi", form_texts("vi"), 1)
    items = {item.number: item for section in part.sections for block in section.blocks for item in block.items}
    (skip,) = items[1].skips
    assert skip.startswith(
        "Nếu chọn “Bình thường”, “Hài lòng”, “Rất hài lòng”, “Không áp dụng với tôi” hoặc “Không biết"
    )
    assert skip.endswith(", chuyển sang câu 3.")
    assert items[2].only_if == (
        "Chỉ trả lời nếu ở câu 1 ông/bà chọn “Rất không hài lòng” hoặc “Không hài lòng”. Nếu không, chuyển sang câu 3."
    )
    assert part.sections[1].only_if.endswith("Nếu không, chuyển sang câu 5.")
    assert [choice.key for choice in items[1].choices] == list(keys_of(questionnaire.item("overall")).values())
    (part,) = compose_parts(load_bundled("sipas/2023.2"), "en", form_texts("en"), 1)
    skips = [
        skip for section in part.sections for block in section.blocks for item in block.items for skip in item.skips
    ]
    assert skips == ["If you chose “No”, go to question 56."]


@pytest.mark.slow
def test_forms_with_codes_count_their_own_pages_and_bear_the_code_in_both_spellings(
    collection: Collection, tmp_path: Path
) -> None:
    codes = [*collection.codes("phuong-a", 2, channel="paper"), *collection.codes("xa-b", 1, channel="paper")]
    units = units_of_round(collection.stores, collection.record)
    form = PaperForm(collection.record, load_bundled("sipas/2017.2"), units, "vi", needs_two=False)
    (printed,) = print_coded_forms(form, codes, PUBLIC_URL)
    assert printed.pdf is not None
    assert structural_findings(printed.pdf) == []
    pages = pages_of(printed.pdf)
    counted = [match[0] for said in pages for match in re.findall(r"Trang (\d+/\d+)()", said)]
    n_pages = len(pages) // len(codes)
    assert counted == [f"{page}/{n_pages}" for _ in codes for page in range(1, n_pages + 1)]
    firsts = pages[::n_pages]
    assert [texts for texts in qr_texts(printed.pdf, tmp_path) if texts] == [
        [code.address(PUBLIC_URL)] for code in codes
    ]
    assert "Cán bộ khảo sát nhập phiếu này" in firsts[0]
    assert "Hai người nhập phiếu này" not in firsts[0]
    for code, said, name in zip(codes, firsts, ("Phường A", "Phường A", "Xã B"), strict=True):
        assert name in said
        assert code.typed.replace("-", "") in re.sub(r"[\s–-]", "", said)
        assert code.qr not in said


@pytest.mark.slow
def test_a_form_of_several_units_has_places_for_them_and_lists_them(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    firms = Firms(sqlite_settings, sqlite_stores, tmp_path)
    units = units_of_round(firms.stores, firms.record)
    printed = print_blank_form(PaperForm(firms.record, firms.questionnaire, units, "vi", n_places=2), None)
    assert printed.pdf is not None
    assert structural_findings(printed.pdf) == []
    whole = " ".join(pages_of(printed.pdf))
    assert "Cơ quan thứ 2: Phục vụ" in whole
    assert "Cơ quan thứ 3" not in whole
    for unit in units:
        assert f"{unit.code} {unit.name_vi}" in whole
    # The module that is asked along is in the version, and in its fingerprint.
    assert version_of(firms.record) == "firms/2 + name/1"
    fingerprint = fingerprint_of(firms.questionnaire.content_hash)
    assert fingerprint in whole
    assert version_on_paper(firms.stores, fingerprint) == "firms/2 + name/1"
    alone = fingerprint_of(load_bundled("sipas/2017.1").content_hash)
    assert version_on_paper(firms.stores, alone) == "sipas/2017.1"
    assert version_on_paper(firms.stores, "0000-0001") == ""


def test_a_fingerprint_is_read_however_its_digits_are_parted() -> None:
    assert fingerprint_of("00000000000000ff" + "0" * 48) == "0000-0255"
    assert {read_fingerprint(typed) for typed in ("00000255", "0000-0255", " 0000 0255 ", "OOOO.0255")} == {"0000-0255"}
    assert {read_fingerprint(typed) for typed in ("", "1234567", "123456789", "abcdefgh", "１２３４５６７８")} == {None}


@pytest.mark.slow
def test_the_command_prints_a_form_for_each_code_into_a_new_private_file(
    collection: Collection, tmp_path: Path
) -> None:
    environment = environment_of_settings(collection.settings.instance, None)
    codes = collection.codes("phuong-a", 2, channel="paper")
    listed, out = tmp_path / "codes.csv", tmp_path / "forms.pdf"
    listed.write_bytes(issued_codes_csv(codes, PUBLIC_URL))
    words = ("round", "forms", SLUG, "--codes", listed, "--out", out, "--language", "en", "--workers", "1")
    refused = run({**environment, "HAILONG_PUBLIC_URL": ""}, *words)
    assert refused.exit_code == 2
    assert "HAILONG_PUBLIC_URL: found nothing" in refused.errors
    done = run({**environment, "HAILONG_PUBLIC_URL": PUBLIC_URL}, *words)
    assert done.exit_code == 0, done.errors
    assert "2 forms in" in done.output
    assert out.stat().st_mode & 0o777 == 0o600
    assert [texts for texts in qr_texts(out.read_bytes(), tmp_path) if texts] == [
        [code.address(PUBLIC_URL)] for code in codes
    ]
    again = run({**environment, "HAILONG_PUBLIC_URL": PUBLIC_URL}, *words)
    assert again.exit_code == 2
    assert "is there already" in again.errors
