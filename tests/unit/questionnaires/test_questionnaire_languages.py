"""A questionnaire is asked in five languages, each of them completely (issue 5, C5)."""

import pytest
import yaml

from questionnaires.compatibility import comparability_note, compare
from questionnaires.errors import QuestionnaireError
from questionnaires.library import bundled_references, bundled_source, load_bundled
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES, Text
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from support.scripts import complaints_about

ALL = (*LANGUAGES, *FURTHER_LANGUAGES)
SMALL = """
questionnaire: 1
name: small
version: "1"
languages: [vi, ko, en]
title: {vi: Khảo sát, en: Survey, ko: 조사}
model_name: M
sections:
  - code: one
    title: {vi: Một, en: One, ko: 하나}
    items:
      - code: overall
        kind: single
        text: {vi: Chung, en: Overall, ko: 전반}
        options:
          - {code: "1", label: {vi: Kém, en: Bad, ko: 나쁨}}
          - {code: "2", label: {vi: Tốt, en: Good, ko: 좋음}}
"""
IN_FIVE = [reference for reference in bundled_references() if load_bundled(reference).languages == ALL]
PAIRS = [
    ("brand/2026.1", "brand/2026.2"),
    ("ddci/communes-2024.1", "ddci/communes-2024.2"),
    ("ddci/departments-2024.1", "ddci/departments-2024.2"),
    ("sipas/2017.1", "sipas/2017.2"),
    ("sipas/2023.1", "sipas/2023.2"),
]


def complaints(source: str) -> str:
    with pytest.raises(QuestionnaireError) as caught:
        parse_questionnaire(source.encode(), "small.yaml")
    return str(caught.value)


def test_every_model_that_is_asked_here_has_a_version_in_five_languages():
    assert {reference for _, reference in PAIRS} == set(IN_FIVE)


@pytest.mark.parametrize("reference", IN_FIVE)
def test_no_text_is_missing_in_a_language_or_written_in_another(reference: str):
    wrong = [
        (place, language, text.in_language(language), complaint)
        for place, text in load_bundled(reference).asked_texts()
        for language in ALL
        for complaint in complaints_about(text.in_language(language), language)
    ]
    assert not wrong
    assert all(text.languages == ALL for _, text in load_bundled(reference).asked_texts())


@pytest.mark.parametrize("reference", IN_FIVE)
def test_one_vietnamese_word_is_one_word_in_every_language_of_a_scale(reference: str):
    for options in load_bundled(reference).scales.values():
        for language in ALL:
            labels = [option.label.in_language(language) for option in options]
            assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_the_version_in_five_languages_asks_and_scores_as_the_one_in_two(earlier: str, later: str):
    before, after = load_bundled(earlier), load_bundled(later)
    (difference,) = compare(before, after)
    assert (difference.kind, difference.breaks_trend) == ("languages_changed", False)
    assert difference.after == "vi, en, ko, zh, ja"
    assert "can be compared" in comparability_note([difference]).en


def test_languages_are_kept_in_one_order_and_two_when_nothing_is_said():
    assert parse_questionnaire(SMALL.encode(), "small.yaml").languages == ("vi", "en", "ko")
    assert load_bundled("sipas/2017.1").languages == LANGUAGES


def test_a_text_falls_back_to_english_in_a_third_language_and_to_vietnamese_elsewhere():
    text = Text("Một", "One", ko="하나")
    assert [text.in_language(language) for language in ("vi", "en", "ko", "ja", "fr")] == [
        "Một", "One", "하나", "One", "Một",
    ]  # fmt: skip
    assert text.languages == ("vi", "en", "ko")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", ko: 좋음", "", "sections[0].items[0].options[1].label: found no “ko”"),
        ("ko: 전반", "ko: 전반, ja: 全般", "sections[0].items[0].text.ja: found the language “ja”"),
        ("ko: 전반", "fr: tout", "found the unknown key “fr”"),
        ("ko: 전반", 'ko: ""', "found an empty text"),
        ("[vi, ko, en]", "[vi, ko]", "found no “en”, expected it"),
        ("[vi, ko, en]", "[vi, en, fr]", "expected vi, en, ko, zh or ja"),
        ("[vi, ko, en]", "[vi, en, ko, ko]", "found “ko” twice"),
    ],
)
def test_a_language_is_there_completely_or_not_at_all(old: str, new: str, said: str):
    assert old in SMALL
    assert said in complaints(SMALL.replace(old, new))


def test_the_scoring_tree_stays_in_the_two_languages_of_those_who_read_it():
    source = bundled_source("sipas/2017.2").decode()
    label = "label: {vi: Tiếp cận dịch vụ, en: Access to services"
    assert "found the unknown key “ko”" in complaints(source.replace(label, f"{label}, ko: 접근"))


def test_a_module_is_asked_in_the_languages_it_shares_with_its_host():
    host, module = load_bundled("sipas/2023.2"), load_bundled("brand/2026.2")
    assert attach(host, [module]).languages == ALL
    assert attach(host, [load_bundled("brand/2026.1")]).languages == LANGUAGES
    assert attach(load_bundled("sipas/2023.1"), [module]).languages == LANGUAGES


def test_a_changed_word_in_a_shared_third_language_is_a_changed_wording():
    before = parse_questionnaire(SMALL.encode(), "small.yaml")
    after = parse_questionnaire(SMALL.replace("전반", "전체").encode(), "small.yaml")
    assert [difference.key for difference in compare(before, after)] == ["items.overall.text"]


def test_the_new_files_are_read_by_others_in_the_same_order():
    named = yaml.safe_load(bundled_source("sipas/2023.2"))
    assert named["languages"] == list(ALL)
    assert list(named["sections"][0]["title"]) == list(ALL)
