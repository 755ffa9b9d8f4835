"""The province's instruments (W1): what is known of their shape is kept, and everything else is marked ours."""

import re
from collections import Counter
from itertools import combinations

import pytest

from questionnaires.library import bundled_references, load_bundled
from questionnaires.model import Item, Node, Questionnaire, Text
from questionnaires.modules import attach

SIPAS = "sipas/2023.2"
DEPARTMENTS, COMMUNES = "ddci/departments-2024.2", "ddci/communes-2024.2"
BRAND = "brand/2026.2"
NEW = (SIPAS, DEPARTMENTS, COMMUNES, BRAND)
OTHER_SPELLING = re.compile(r"(o[áàảãạéèẻẽẹ]|(?<![qQ])u[ýỳỷỹỵ])\b")
CONTENTS = ("information", "voice", "quality", "results")


def index_of(reference: str) -> Node:
    index = load_bundled(reference).index
    assert index is not None
    return index


def factor(reference: str, code: str) -> Node:
    return next(node for node in index_of(reference).children if node.code == code)


def texts_of(questionnaire: Questionnaire) -> list[Text]:
    texts = [questionnaire.title]
    for section in questionnaire.sections:
        texts += [section.title, *((section.intro,) if section.intro else ())]
        for item in section.items:
            texts += [item.text, *((item.hint,) if item.hint else ()), *(option.label for option in item.options)]
    for node in questionnaire.nodes():
        texts += [node.label, node.short_label]
    for profile in questionnaire.profiles:
        texts += [profile.label, *(band.label for band in profile.bands)]
    return texts


@pytest.mark.parametrize("reference", NEW)
def test_every_node_has_a_label_and_a_short_one_that_fits_a_chart(reference: str):
    for node in load_bundled(reference).nodes():
        for language in ("vi", "en"):
            assert node.label.in_language(language)
            assert 0 < len(node.short_label.in_language(language)) <= 30


@pytest.mark.parametrize("reference", NEW)
def test_questions_and_answers_are_short_enough_for_a_phone(reference: str):
    for item in load_bundled(reference).items:
        assert len(item.text.vi) <= 80
        assert len(item.text.en) <= 95
        assert all(len(option.label.vi) <= 40 for option in item.options)


@pytest.mark.parametrize("reference", NEW)
def test_vietnamese_is_spelt_in_one_way_and_never_left_in_english(reference: str):
    for text in texts_of(load_bundled(reference)):
        assert not OTHER_SPELLING.search(text.vi), "khóa, hủy and khỏe, not khoá, huỷ and khoẻ"
        assert text.vi != text.en


@pytest.mark.parametrize("reference", NEW)
def test_only_a_gate_must_be_answered_and_nobody_is_asked_who_they_are(reference: str):
    questionnaire = load_bundled(reference)
    assert {item.code for item in questionnaire.items if item.required} <= {"did_procedure"}
    assert {item.code for item in questionnaire.items if item.kind == "text"} <= {"comment"}


def test_sipas_asks_nine_policies_in_four_contents_each_and_five_factors_of_service():
    factors = index_of(SIPAS).children
    policies = [node for node in factors if node.code.startswith("policy_")]
    service = [node for node in factors if node not in policies]
    assert len(policies) == 9
    for policy in policies:
        group = policy.code.removeprefix("policy_")
        assert [criterion.item for criterion in policy.children] == [f"{group}_{content}" for content in CONTENTS]
    assert [node.code for node in service] == ["access", "procedures", "officials", "results", "feedback"]
    assert len(factor(SIPAS, "access").children) == 3
    assert len(factor(SIPAS, "procedures").children) == 4


def test_policy_counts_nine_parts_of_fourteen_in_sipas():
    weights = {node.code: node.weight for node in index_of(SIPAS).children}
    policy = sum(weight for code, weight in weights.items() if code.startswith("policy_"))
    assert policy / sum(weights.values()) == pytest.approx(9 / 14, abs=1e-15)


def test_sipas_names_its_sources_and_marks_what_is_ours():
    for node in index_of(SIPAS).children:
        assert node.source is not None
        assert not node.source.ours
    is_ours = {
        node.code: {criterion.source.ours for criterion in node.children if criterion.source}
        for node in index_of(SIPAS).children
    }
    assert all(marks == {False} for code, marks in is_ours.items() if code.startswith("policy_") or code == "access")
    assert all(is_ours[code] == {True} for code in ("procedures", "officials", "results", "feedback"))


def test_sipas_can_be_answered_on_a_phone():
    questionnaire = load_bundled(SIPAS)
    assert len(questionnaire.items) <= 60
    for section in questionnaire.sections:
        assert len(section.items) <= 4
    policy_items = [item for item in questionnaire.items if item.code.endswith(CONTENTS) and item.scale]
    assert len(policy_items) == 36
    assert all(item.dont_know for item in policy_items)


def test_sipas_rates_the_service_only_by_those_who_used_it():
    questionnaire = load_bundled(SIPAS)
    scored = {criterion.item for node in index_of(SIPAS).children[9:] for criterion in node.children}
    service = [section for section in questionnaire.sections if scored & {item.code for item in section.items}]
    assert len(service) == 5
    for section in service:
        assert section.show_if is not None
        assert (section.show_if.item, section.show_if.any_of) == ("did_procedure", ("yes",))


def test_perception_and_wishes_stand_outside_the_index_of_sipas():
    questionnaire = load_bundled(SIPAS)
    scored = {node.item for node in questionnaire.nodes() if node.item}
    assert {item.code for item in questionnaire.items} - scored == {
        "interest", "channels", "did_procedure", "harassment", "extra_money", "wishes", "comment",
        "sex", "age", "adults",
    }  # fmt: skip
    assert [len(questionnaire.item(code).options) for code in ("harassment", "extra_money")] == [3, 3]


def test_sipas_asks_the_household_and_keeps_bands_alone():
    age, adults = (load_bundled(SIPAS).item(code) for code in ("age", "adults"))
    assert (age.kind, age.minimum, age.bands) == ("number", 18, (18, 35, 55))
    assert (adults.kind, adults.minimum, adults.bands) == ("number", 1, (1, 2, 3, 4))
    assert load_bundled(SIPAS).sections[-1].items[0].code == "sex"


@pytest.mark.parametrize("reference", [SIPAS, BRAND])
def test_formulas_of_shares_and_means_are_offered_and_none_is_confirmed(reference: str):
    profiles = load_bundled(reference).profiles
    assert [profile.formula for profile in profiles] == ["share", "mean_of_maximum", "rescaled"]
    assert profiles[0].threshold == 4
    assert all(profile.source is not None and profile.source.ours for profile in profiles)


@pytest.mark.parametrize(("reference", "n_components"), [(DEPARTMENTS, 8), (COMMUNES, 9)])
def test_ddci_has_its_components_and_three_to_five_criteria_each(reference: str, n_components: int):
    components = index_of(reference).children
    assert len(components) == n_components
    assert {component.weight for component in components} == {1.0}
    for component in components:
        assert component.source is not None
        assert not component.source.ours
        assert 3 <= len(component.children) <= 5


def test_communes_are_rated_on_land_and_security_beside_what_departments_are_rated_on():
    items = {
        reference: {item.code: item for section in load_bundled(reference).per_unit_sections for item in section.items}
        for reference in (DEPARTMENTS, COMMUNES)
    }
    assert items[DEPARTMENTS].keys() <= items[COMMUNES].keys()
    assert items[COMMUNES].keys() - items[DEPARTMENTS].keys() == {
        "land_plans", "land_procedures", "land_stable", "law_security",
    }  # fmt: skip

    def asked(item: Item) -> tuple[object, ...]:
        return item.kind, item.text, item.scale, item.dont_know, item.not_applicable

    ratings = [code for code, item in items[DEPARTMENTS].items() if item.scale]
    assert [asked(items[DEPARTMENTS][code]) for code in ratings] == [asked(items[COMMUNES][code]) for code in ratings]


@pytest.mark.parametrize("reference", [DEPARTMENTS, COMMUNES])
def test_a_business_rates_five_units_at_most_in_at_most_thirty_questions_each(reference: str):
    questionnaire = load_bundled(reference)
    assert questionnaire.most_units == 5
    assert 25 <= sum(len(section.items) for section in questionnaire.per_unit_sections) <= 30
    assert [section.code for section in questionnaire.common_sections] == ["about_business"]
    assert questionnaire.sections[-1].code == "about_business"
    assert {item.kind for item in questionnaire.sections[-1].items} == {"single"}


@pytest.mark.parametrize("reference", [DEPARTMENTS, COMMUNES])
def test_how_often_something_bad_happens_is_turned_round(reference: str):
    questionnaire = load_bundled(reference)
    criteria = [node for node in questionnaire.nodes() if node.item]
    for criterion in criteria:
        assert criterion.item is not None
        is_frequency = questionnaire.item(criterion.item).scale == "frequency"
        assert criterion.reversed == (is_frequency or criterion.item == "fair_favours")
    assert sum(criterion.reversed for criterion in criteria) == 8


@pytest.mark.parametrize("reference", [DEPARTMENTS, COMMUNES])
def test_hard_criteria_count_in_the_profile_that_asks_for_them_alone(reference: str):
    questionnaire = load_bundled(reference)
    hard = {
        profile.name: [node.code for node in questionnaire.nodes(profile.name) if node.hard]
        for profile in questionnaire.profiles
    }
    assert hard == {"ddci": [], "ddci_with_hard": ["online_share", "on_time_share"], "ddci_1000": []}
    assert questionnaire.default_profile == "ddci"


@pytest.mark.parametrize("reference", [DEPARTMENTS, COMMUNES])
def test_bands_in_words_begin_at_the_least_score_and_change_where_ha_tinh_changed_them(reference: str):
    questionnaire = load_bundled(reference)
    for profile in questionnaire.profiles:
        assert profile.formula == "standardised"
        share = profile.points / 100
        assert [band.low / share for band in profile.bands] == [10, 50, 60, 70, 80]
        words = {score: profile.band_of(score * share) for score in (13.77, 54.52, 68.85, 73.07, 80.03)}
        assert [band.label.en for band in words.values() if band] == ["Low", "Average", "Fair", "Good", "Very good"]


@pytest.mark.parametrize("reference", [DEPARTMENTS, COMMUNES])
def test_business_pushed_elsewhere_is_the_criterion_of_quang_ninh(reference: str):
    sourced = [
        node
        for node in load_bundled(reference).nodes()
        if node.kind == "criterion" and node.source and not node.source.ours
    ]
    assert [node.code for node in sourced] == ["time_pushed"]
    assert sourced[0].source is not None
    assert "Quảng Ninh 2020" in str(sourced[0].source.document)


def test_brand_is_a_module_of_recognition_and_satisfaction():
    questionnaire = load_bundled(BRAND)
    assert 6 <= len(questionnaire.items) <= 8
    assert [len(node.children) for node in index_of(BRAND).children] == [2, 5]
    codes = [
        *(item.code for item in questionnaire.items),
        *(section.code for section in questionnaire.sections),
        *(node.code for node in index_of(BRAND).children),
    ]
    assert all(code.startswith("brand_") for code in codes)


@pytest.mark.parametrize("reference", [other for other in bundled_references() if not other.startswith("brand/")])
def test_brand_can_be_asked_along_with_every_other_questionnaire(reference: str):
    host, module = load_bundled(reference), load_bundled(BRAND)
    both = attach(host, [module])
    assert len(both.items) == len(host.items) + len(module.items)
    assert both.index == host.index
    assert Counter(item.code for item in both.items).most_common(1)[0][1] == 1


def test_different_forms_never_give_one_code_two_meanings_inside_a_model():
    for one, other in combinations((DEPARTMENTS, COMMUNES), 2):
        shared = {node.code: node.label for node in load_bundled(one).nodes() if node.kind != "index"}
        for node in load_bundled(other).nodes():
            if node.code in shared:
                assert node.label == shared[node.code]
