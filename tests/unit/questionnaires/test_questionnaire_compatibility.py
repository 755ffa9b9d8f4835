"""A change to what is scored breaks the trend; other changes are told and do not."""

from questionnaires.compatibility import Difference, comparability_note, compare
from questionnaires.reading import parse_questionnaire
from support.questionnaire_files import behaviour, behaviour_source


def differences(*changes: tuple[str, str], name: str = "scoring_tree") -> list[Difference]:
    source = behaviour_source(name).decode()
    for before, after in changes:
        assert before in source
        source = source.replace(before, after, 1)
    return compare(behaviour(name), parse_questionnaire(source.encode(), "after.yaml"))


def kinds(found: list[Difference]) -> list[tuple[str, str, bool]]:
    return [(one.key, one.kind, one.breaks_trend) for one in found]


def test_a_version_does_not_differ_from_itself():
    assert differences() == []
    assert "có thể so sánh" in comparability_note([]).vi


def test_new_words_of_a_scored_item_break_the_trend():
    found = differences(("en: Kind words", "en: Kinder words"))
    assert ("items.kind_words.text", "wording_changed", True) in kinds(found)
    assert found[0].before == "Lời nói / Kind words"
    assert "không nên so sánh" in comparability_note(found).vi


def test_a_new_scale_breaks_the_trend_of_every_item_on_it():
    found = differences(("vi: Được", "vi: Tạm được"))
    assert kinds(found) == [
        (f"items.{code}.options", "scale_changed", True) for code in ("fast", "kind_words", "prompt")
    ]


def test_a_new_weight_breaks_the_trend_and_the_same_shares_do_not():
    assert ("index.speed.weight", "weight_changed", True) in kinds(differences(("weight: 2", "weight: 3")))
    assert (
        differences(("weight: 2", "weight: 4"), ("vi: Tận tình, en: Care}", "vi: Tận tình, en: Care}\n      weight: 2"))
        == []
    )


def test_a_criterion_that_went_breaks_the_trend_and_is_told_once():
    found = differences(("        - {item: fast, source: ours}\n", ""))
    assert kinds(found) == [("index.fast", "node_removed", True)]


def test_a_scored_item_that_went_breaks_the_trend():
    source = behaviour_source("scoring_tree").decode()
    item = source[source.index("      - code: fast") : source.index("      - code: prompt")]
    found = differences((item, ""), ("        - {item: fast, source: ours}\n", ""))
    assert kinds(found) == [("index.fast", "node_removed", True), ("items.fast", "item_removed", True)]


def test_a_criterion_that_moved_or_changed_its_item_breaks_the_trend():
    moved = differences(
        ("        - {item: fast, source: ours}\n", ""),
        ("        - {item: kind_words,", "        - {item: fast, source: ours}\n        - {item: kind_words,"),
    )
    assert ("index.fast.parent", "node_moved", True) in kinds(moved)
    exchanged = differences(("{item: fast,", "{code: x, item: fast,"), ("{code: on_time, item", "{code: fast, item"))
    assert ("index.fast.item", "item_exchanged", True) in kinds(exchanged)


def test_new_formulas_and_defaults_break_the_trend_and_a_confirmation_does_not():
    assert kinds(differences(("threshold: 3", "threshold: 2"))) == [("profiles.share", "formula_changed", True)]
    assert kinds(differences(("default_profile: share", "default_profile: mean"))) == [
        ("default_profile", "default_profile_changed", True)
    ]
    assert kinds(differences(("threshold: 3, confirmed: false", "threshold: 3, confirmed: true"))) == [
        ("profiles.share.confirmed", "confirmation_changed", False)
    ]


def test_changes_to_what_is_not_scored_do_not_break_the_trend():
    found = differences(("longest: 100", "longest: 200"), ("code: fourth", "code: fourth_b"), name="everything")
    assert kinds(found) == [
        ("items.fifth.rules", "rules_changed", False),
        ("items.fourth", "item_removed", False),
        ("items.fourth_b", "item_added", False),
    ]
    assert "có thể so sánh" in comparability_note(found).vi


def test_who_is_asked_a_scored_item_matters():
    found = differences(("        scale: three", "        not_applicable: true\n        scale: three"))
    assert kinds(found) == [("items.fast.rules", "rules_changed", True)]


def test_another_questionnaire_is_told_first_of_all():
    found = compare(behaviour("scoring_tree"), behaviour("everything"))
    assert ("name", "another_questionnaire", True) in kinds(found)


def test_a_changed_condition_and_a_changed_order_are_told():
    found = differences(('any_of: ["yes"]', 'any_of: ["no"]'), name="item_shown_if")
    assert kinds(found) == [("items.detail.show_if", "routing_changed", False)]
    source = behaviour_source("shared_scale").decode()
    first, second = source.index("      - code: first"), source.index("      - code: second")
    swapped = source[:first] + source[second:] + source[first:second]
    found = compare(behaviour("shared_scale"), parse_questionnaire(swapped.encode(), "after.yaml"))
    assert kinds(found) == [("items", "order_changed", False)]


def test_another_direction_or_hard_data_instead_of_a_question_break_the_trend():
    turned = differences((", reversed: true, source", ", source"), name="standardised")
    assert kinds(turned) == [("index.bribes.reversed", "direction_changed", True)]
    assert (turned[0].before, turned[0].after) == ("a high value is bad", "a high value is good")
    exchanged = differences(
        ("{code: bribes, item: gifts,", "{hard: bribes, label: {vi: Phải trả thêm tiền, en: Extra money is paid},"),
        ("same_extremes: missing", "hard: true"),
        name="standardised",
    )
    assert ("index.bribes.hard", "item_exchanged", True) in kinds(exchanged)


def test_other_points_extremes_or_data_break_the_trend_and_other_words_for_bands_do_not():
    (found,) = differences(("points: 1000", "points: 1000\n    same_extremes: missing"), name="standardised")
    assert (found.key, found.kind, found.breaks_trend) == ("profiles.survey_and_hard", "formula_changed", True)
    assert found.before == "standardised to 1,000 points, with hard data, the midpoint where all units are the same"
    assert found.after == "standardised to 1,000 points, with hard data, no score where all units are the same"
    assert kinds(differences(("low: 550", "low: 600"), name="standardised")) == [
        ("profiles.survey_and_hard.bands", "bands_changed", False)
    ]


def test_other_bands_of_a_number_and_another_number_of_units_are_told():
    assert kinds(differences(("[18, 35, 55]", "[18, 30, 55]"), name="bands")) == [
        ("items.age.bands", "bands_changed", False)
    ]
    assert kinds(differences(("most_units: 3", "most_units: 5"), name="several_units")) == [
        ("most_units", "most_units_changed", False)
    ]


def test_an_item_that_is_now_asked_of_each_unit_is_told():
    found = differences(
        ("    title: {vi: Tiếp xúc, en: Contact}\n    per_unit: true", "    title: {vi: Tiếp xúc, en: Contact}"),
        name="several_units",
    )
    assert kinds(found) == [(f"items.{code}.per_unit", "asking_changed", False) for code in ("dealt", "ways")]
