"""The reader refuses with the place of every mistake, and keeps everything that is written."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Source, Text
from questionnaires.reading import parse_questionnaire
from support.questionnaire_files import behaviour, behaviour_source, behaviours, expected_complaints, mistakes

SCHEMA = json.loads(files("questionnaires").joinpath("schema.json").read_text("utf-8"))
EVERYTHING = behaviour_source("everything")


def schema_accepts(source: bytes) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(source))


def complaints_about(source: bytes, origin: str = "form.yaml") -> list[tuple[int, str, str]]:
    with pytest.raises(QuestionnaireError) as refusal:
        parse_questionnaire(source, origin)
    assert refusal.value.complaints
    assert str(refusal.value).count("\n") == 0
    return [(complaint.line, complaint.key, complaint.message) for complaint in refusal.value.complaints]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", behaviours())
def test_reader_and_schema_accept_every_behaviour(name):
    assert behaviour(name).name == name
    assert schema_accepts(behaviour_source(name))


@pytest.mark.parametrize("path", mistakes("bad_form"), ids=lambda path: path.stem)
def test_reader_and_schema_refuse_a_wrong_form(path):
    found = complaints_about(path.read_bytes(), path.name)
    assert sorted((line, key) for line, key, _ in found) == expected_complaints(path)
    assert not schema_accepts(path.read_bytes())


@pytest.mark.parametrize("path", mistakes("bad_meaning"), ids=lambda path: path.stem)
def test_the_reader_refuses_a_wrong_meaning_in_the_right_form(path):
    found = complaints_about(path.read_bytes(), path.name)
    assert sorted((line, key) for line, key, _ in found) == expected_complaints(path)
    assert schema_accepts(path.read_bytes())


def test_every_complaint_says_what_was_found_and_what_was_expected():
    for folder in ("bad_form", "bad_meaning"):
        for path in mistakes(folder):
            for _, _, message in complaints_about(path.read_bytes(), path.name):
                assert message.startswith("found "), (path.name, message)
                assert "expected" in message, (path.name, message)


def test_a_refusal_names_file_line_and_key_and_counts_the_rest():
    several = next(path for path in mistakes("bad_form") if path.stem == "several_complaints")
    with pytest.raises(QuestionnaireError) as refusal:
        parse_questionnaire(several.read_bytes(), "form.yaml")
    assert str(refusal.value) == (
        "form.yaml:7: name: found “Bad”, expected a code of a–z, 0–9 and _ that begins with a letter, at most 40 long "
        "(and 4 more complaints)"
    )


def test_a_misspelt_key_is_told_the_nearest_one():
    (_, _, message) = complaints_about(EVERYTHING.replace(b"longest:", b"longst:"))[-1]
    assert "did you mean “longest”?" in message


def test_nothing_is_complained_of_twice_when_a_referred_item_is_wrong_itself():
    source = EVERYTHING.replace(b"code: first\n        kind: single", b"code: first\n        kind: singel")
    assert [key for _, key, _ in complaints_about(source)] == ["sections[0].items[0].kind"]


def test_broken_encoding_is_named_with_its_byte():
    broken = EVERYTHING.index("Thử".encode()) + 2
    source = EVERYTHING[:broken] + b"\xff" + EVERYTHING[broken:]
    ((line, _, message),) = complaints_about(source)
    assert line == 4
    assert message == f"found the byte 0xFF at byte position {broken}, expected UTF-8"


def test_decomposed_letters_are_refused():
    ((line, _, message),) = complaints_about(EVERYTHING.replace("Thử".encode(), b"Thu\xcc\x89"))
    assert line == 4
    assert "NFC" in message


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\u00ad", "\x07", "\x85", "\u2028", "\ufeff", "\t"]
)
def test_characters_that_cannot_be_seen_are_refused(character):
    ((line, _, message),) = complaints_about(EVERYTHING.replace("Thử".encode(), f"Th{character}ử".encode()))
    assert line == 4
    assert f"U+{ord(character):04X}" in message


def test_characters_that_cannot_be_seen_are_refused_when_they_are_escaped():
    found = complaints_about(EVERYTHING.replace("vi: Thử".encode(), b'vi: "Th\\u202Eu"'))
    assert [(line, key) for line, key, _ in found] == [(4, "title.vi")]


def test_an_escape_that_names_no_character_is_refused():
    assert complaints_about(EVERYTHING.replace("vi: Thử".encode(), b'vi: "Th\\UFFFFFFFFu"'))


def test_half_a_character_is_refused():
    found = complaints_about(EVERYTHING.replace("vi: Thử".encode(), b'vi: "Th\\uD800u"'))
    assert [line for line, _, _ in found] == [4]


def test_a_byte_order_mark_and_windows_line_ends_are_forgiven():
    source = b"\xef\xbb\xbf" + EVERYTHING.replace(b"\n", b"\r\n")
    assert parse_questionnaire(source, "form.yaml").items == behaviour("everything").items


def test_a_key_that_stands_twice_is_refused_with_both_lines():
    ((line, key, message),) = complaints_about(EVERYTHING.replace(b'version: "1.0"', b'version: "1.0"\nname: again'))
    assert (line, key) == (4, "")
    assert "twice (first in line 2)" in message


def test_aliases_anchors_tags_and_merge_keys_are_refused_and_never_expanded():
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(5))
    assert {message.split()[2] for _, _, message in complaints_about(bomb.encode())} == {"anchor", "alias"}
    ((_, key, message),) = complaints_about(EVERYTHING.replace(b"vi: Th", b"vi: !!python/name:os.system Th"))
    assert key == "title.vi"
    assert "tag" in message
    found = complaints_about(EVERYTHING.replace(b"model_name:", b"<<: {about: x}\nmodel_name:"))
    assert "merge key" in found[0][2]


@pytest.mark.parametrize("bracket", [b"[", b"{a: ", b"- ", b"? "])
def test_deep_nesting_is_refused(bracket):
    assert complaints_about(bracket * 20_000)


def test_a_large_file_is_refused_before_it_is_read():
    ((_, _, message),) = complaints_about(b"#" * (1024 * 1024 + 1))
    assert message == "found 1,048,577 bytes, expected at most 1,048,576"


@pytest.mark.parametrize(
    "source",
    [b"", b"# only a comment\n", b"just words", b"- a\n- list", b"a: [", b"a: b: c", b"--- {}\n--- {}\n", b"%X\n"],
)
def test_what_is_no_questionnaire_is_refused(source):
    assert complaints_about(source)


def test_a_file_full_of_mistakes_gives_a_list_of_bounded_length():
    assert len(complaints_about(b"".join(b"key%d: 1\n" % n for n in range(5000)))) == 100


def test_the_hash_is_of_the_bytes():
    changed = parse_questionnaire(EVERYTHING + b"# a comment\n", "form.yaml")
    assert changed.items == behaviour("everything").items
    assert changed.content_hash != behaviour("everything").content_hash


def scoring_tree() -> Questionnaire:
    return behaviour("scoring_tree")


def test_the_tree_is_kept_with_weights_labels_and_sources():
    nodes = {node.code: node for node in scoring_tree().nodes()}
    assert list(nodes) == ["index", "speed", "fast", "on_time", "care", "kind_words"]
    assert [nodes[code].weight for code in ("speed", "care", "fast", "on_time")] == [2, 1, 1, 0.5]
    assert nodes["fast"].label == Text("Làm nhanh", "It is fast") == nodes["fast"].short_label
    assert nodes["on_time"].item == "prompt"
    assert nodes["on_time"].source == Source(False, "Quyết định 1", "12")
    assert nodes["care"].source == Source(True)
    assert nodes["speed"].source is None
    assert nodes["kind_words"].short_label.in_language("en") == "Words"


def test_profiles_are_kept_with_their_formulas():
    share, mean, points = scoring_tree().profiles
    assert (share.formula, share.threshold, share.confirmed) == ("share", 3, False)
    assert (mean.formula, mean.threshold, mean.confirmed) == ("mean_of_maximum", None, True)
    assert points.formula == "rescaled"
    assert scoring_tree().default_profile == "share"


def test_a_score_carries_the_models_name_only_under_a_confirmed_profile():
    questionnaire = scoring_tree()
    assert questionnaire.display_name("mean", "vi") == "Behaviour"
    assert questionnaire.display_name("share", "vi") == "theo mô hình Behaviour"
    assert questionnaire.display_name("share", "en") == "after the Behaviour model"


def test_a_criterion_may_be_hard_or_reversed():
    nodes = {node.code: node for node in behaviour("standardised").nodes()}
    assert [code for code, node in nodes.items() if node.hard] == ["pages_up_to_date", "complaints"]
    assert [code for code, node in nodes.items() if node.reversed] == ["bribes", "complaints"]
    assert nodes["complaints"].item is None
    assert nodes["complaints"].short_label.en == "Letters"
    assert nodes["pages_up_to_date"].weight == 3
    assert nodes["bribes"].item == "gifts"


def test_a_profile_that_uses_no_hard_data_sees_a_tree_without_it():
    questionnaire = behaviour("standardised")
    assert questionnaire.nodes("survey_and_hard") == questionnaire.nodes()
    nodes = questionnaire.nodes("survey_alone")
    assert [node.code for node in nodes] == ["index", "openness", "posted", "informal", "bribes"]
    assert [child.code for child in nodes[1].children] == ["posted"]
    assert questionnaire.tree("survey_alone") == nodes[0]
    assert scoring_tree().tree("share") is scoring_tree().index
    assert behaviour("number").nodes() == ()
    with pytest.raises(KeyError):
        questionnaire.nodes("nowhere")


def test_a_standardised_profile_says_how_far_its_points_go():
    alone, both = behaviour("standardised").profiles
    assert (alone.points, alone.uses_hard, alone.same_extremes, alone.bands) == (100, False, "missing", ())
    assert (both.points, both.uses_hard, both.same_extremes) == (1000, True, "midpoint")
    assert [(profile.lowest_points, profile.highest_points) for profile in (alone, both)] == [(10, 100), (100, 1000)]
    (share,) = behaviour("bands").profiles
    assert (share.lowest_points, share.highest_points) == (0, 100)


@pytest.mark.parametrize(
    ("points", "word"), [(100, "Poor"), (549.99, "Poor"), (550, "Fair"), (775.5, "Good"), (1000, "Good")]
)
def test_a_score_is_called_after_the_band_it_lies_in(points: float, word: str):
    band = behaviour("standardised").profile("survey_and_hard").band_of(points)
    assert band is not None
    assert band.label.en == word


def test_a_score_below_all_bands_or_without_any_has_no_word():
    assert behaviour("standardised").profile("survey_and_hard").band_of(99.9) is None
    assert behaviour("standardised").profile("survey_alone").band_of(50) is None


def test_bands_of_a_number_are_kept():
    items = {item.code: item.bands for item in behaviour("bands").items}
    assert items == {"speed": (), "age": (18, 35, 55), "hours": (-1.5, 0.5)}


def test_what_is_asked_once_and_what_is_asked_of_each_unit_are_told_apart():
    questionnaire = behaviour("several_units")
    assert (questionnaire.most_units, questionnaire.rates_several_units) == (3, True)
    assert [section.code for section in questionnaire.common_sections] == ["firm", "last"]
    assert [section.code for section in questionnaire.per_unit_sections] == ["contact", "judgement"]
    assert (scoring_tree().most_units, scoring_tree().rates_several_units) == (1, False)
    assert scoring_tree().common_sections == scoring_tree().sections


def test_items_of_a_shared_scale_carry_its_options():
    first, second = behaviour("shared_scale").items
    assert first.scale == "three"
    assert first.options == second.options == behaviour("shared_scale").scales["three"]
    assert [option.value for option in first.options] == [1, 2, 3]


def test_what_is_not_there_is_told_as_a_missing_key():
    questionnaire = behaviour("everything")
    with pytest.raises(KeyError):
        questionnaire.item("nowhere")
    with pytest.raises(KeyError):
        questionnaire.profile("nowhere")


def test_intro_and_hint_are_kept():
    (section,) = behaviour("section_intro_and_hint").sections
    assert section.intro == Text("Lời dẫn, ngắn", "An introduction")
    assert section.items[0].hint == Text("Gợi ý", "A hint")
    assert section.items[0].longest == 1500


def test_the_questionnaire_in_the_guide_is_one():
    guide = (Path(__file__).parents[3] / "docs" / "questionnaires.md").read_text("utf-8")
    source = guide.split("```yaml\n")[1].split("```")[0].encode()
    assert parse_questionnaire(source, "guide").reference == "counter/2026.1"
    assert schema_accepts(source)
