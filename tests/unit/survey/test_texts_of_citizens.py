"""What citizens read is there in five languages, and none lacks a text (issue 5, C5)."""

import datetime as dt
from pathlib import Path

import pytest

from support.scripts import complaints_about
from survey.errors import BadInput
from survey.resources import bundled_dir
from survey.texts import CITIZEN_LANGUAGES, LANGUAGES, Catalogue, date, number

FOLDERS = ("citizen", "components")
# A language is called by its own name on every page.
OWN_NAMES = {f"language_{language}" for language in CITIZEN_LANGUAGES}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_language_lacks_a_text_and_none_has_another_languages_script(folder: str):
    catalogue = Catalogue.load(bundled_dir("templates") / folder)
    assert catalogue.languages == CITIZEN_LANGUAGES
    wrong = [
        (key, language, complaint)
        for key, by_language in catalogue.sentences.items()
        for language, sentence in by_language.items()
        for form in (sentence.one, sentence.other)
        for complaint in complaints_about(form, language)
        if key not in OWN_NAMES
    ]
    assert not wrong


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_text_was_left_in_english(folder: str):
    sentences = Catalogue.load(bundled_dir("templates") / folder).sentences
    left = [
        (key, language)
        for key, by_language in sentences.items()
        for language in CITIZEN_LANGUAGES
        if language != "en" and by_language[language].other == by_language["en"].other
    ]
    assert {key for key, _ in left} <= OWN_NAMES | {"quoted"}


def test_every_language_is_called_by_its_own_name():
    sentences = Catalogue.load(bundled_dir("templates") / "components").sentences
    names = [{sentence.other for sentence in sentences[key].values()} for key in sorted(OWN_NAMES)]
    assert names == [{"English"}, {"日本語"}, {"한국어"}, {"Tiếng Việt"}, {"中文"}]


def test_an_area_speaks_the_languages_that_all_its_folders_have(tmp_path: Path):
    two, five = tmp_path / "two", tmp_path / "five"
    two.mkdir()
    five.mkdir()
    (two / "texts.yaml").write_text("a: {vi: v, en: e}", encoding="utf-8")
    (five / "texts.yaml").write_text("b: {vi: v, en: e, ko: 가, zh: 甲, ja: あ}", encoding="utf-8")
    assert Catalogue.load(five).languages == CITIZEN_LANGUAGES
    both = Catalogue.load(five, two)
    assert both.languages == LANGUAGES
    assert Catalogue.load(five).text("b", "ja") == "あ"
    with pytest.raises(KeyError, match="written in vi, en"):
        both.translator("ko")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a: {vi: v, en: e, ko: 가, zh: 甲}", "1: a: found en, ko, vi, zh, expected vi and en and ko and zh and ja"),
        ("a: {vi: v, en: e, ko: 가, zh: 甲, ja: あ}\nb: {vi: v, en: e}", "2: b: found en, vi"),
        ("a: {vi: v, en: e}\nb: {vi: v, en: e, ko: 가, zh: 甲, ja: あ}", "2: b: found en, ja, ko, vi, zh"),
        ('a: {vi: "{x}", en: "{x}", ko: "{x}", zh: "{x}", ja: "{y}"}', "found {x} in vi and {y} in ja"),
    ],
)
def test_a_file_has_the_same_languages_under_every_key(tmp_path: Path, source: str, message: str):
    (tmp_path / "texts.yaml").write_text(source, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        Catalogue.load(tmp_path)
    assert message in str(caught.value)


def test_days_and_numbers_are_written_as_each_language_writes_them():
    day = dt.date(2026, 3, 5)
    assert [date(day, language) for language in CITIZEN_LANGUAGES] == [
        "05/03/2026", "5 March 2026", "2026년 3월 5일", "2026年3月5日", "2026年3月5日",
    ]  # fmt: skip
    assert [number(1234.5, 1, language) for language in CITIZEN_LANGUAGES] == ["1.234,5", *["1,234.5"] * 4]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("접수되었습니다", "vi"),
        ("Received", "ko"),
        ("답변을 보내 주세요.", "ko"),
        ("答卷已收到", "ko"),
        ("問卷已收到", "zh"),
        ("您好,请提交", "zh"),
        ("你好", "zh"),
        ("受け付けた", "zh"),
        ("问卷", "ja"),
        ("受け付けたのである。", "ja"),
        ("Đã nhận 접수", "ko"),
    ],
)
def test_a_text_of_another_language_or_in_a_familiar_form_is_seen(text: str, language: str):
    assert list(complaints_about(text, language))
