"""What comes with the program is fine, frozen, and what it says it is."""

import json
import unicodedata
from collections import Counter
from importlib.resources import files

import jsonschema
import pytest
import yaml

from questionnaires.errors import QuestionnaireError
from questionnaires.library import bundled_references, bundled_source, load_bundled, sort_key
from questionnaires.model import Questionnaire

SCHEMA = json.loads(files("questionnaires").joinpath("schema.json").read_text("utf-8"))
LEDGER = yaml.safe_load(files("questionnaires").joinpath("published.yaml").read_text("utf-8"))
MAJOR_SERVICES = {f"q3_{number:02}" for number in range(1, 17)}


@pytest.mark.parametrize("reference", bundled_references())
def test_a_published_file_never_changes(reference: str):
    questionnaire = load_bundled(reference)
    assert questionnaire.reference == reference
    assert LEDGER[reference] == questionnaire.content_hash, "give the changed text a new version"


def test_the_ledger_and_the_files_are_the_same_versions():
    assert set(LEDGER) == set(bundled_references())


@pytest.mark.parametrize("reference", bundled_references())
def test_the_schema_accepts_it(reference: str):
    jsonschema.validate(yaml.safe_load(bundled_source(reference)), SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("reference", bundled_references())
def test_every_criterion_says_where_it_comes_from_and_no_formula_claims_to_be_confirmed(reference: str):
    questionnaire = load_bundled(reference)
    criteria = [node for node in questionnaire.nodes() if node.kind == "criterion"]
    assert criteria
    assert all(node.source is not None for node in criteria)
    assert all(profile.source is not None for profile in questionnaire.profiles)
    assert not any(profile.confirmed for profile in questionnaire.profiles)


@pytest.mark.parametrize("reference", bundled_references())
def test_both_languages_are_there_and_the_vietnamese_is_composed(reference: str):
    for item in load_bundled(reference).items:
        texts = [item.text, *(option.label for option in item.options), *((item.hint,) if item.hint else ())]
        for text in texts:
            assert unicodedata.is_normalized("NFC", text.vi + text.en)
            assert text.vi.strip()
            assert text.en.strip()


def test_the_form_after_sipas_has_five_factors_and_twenty_two_criteria():
    questionnaire = load_bundled("sipas/2017.1")
    assert questionnaire.index is not None
    assert [len(factor.children) for factor in questionnaire.index.children] == [4, 5, 6, 3, 4]
    scored = [questionnaire.item(node.item) for node in questionnaire.nodes() if node.item]
    assert {item.scale for item in scored} == {"satisfaction"}
    assert questionnaire.default_profile == "share_satisfied"
    assert questionnaire.display_name("share_satisfied", "vi") == "theo mô hình SIPAS"


def test_the_form_after_sipas_asks_for_no_identity():
    questionnaire = load_bundled("sipas/2017.1")
    kinds = Counter(item.kind for item in questionnaire.items)
    assert kinds == {"single": 26, "text": 1}
    assert [item.code for item in questionnaire.sections[-1].items] == ["sex", "age_band"]
    assert not any(item.required for item in questionnaire.sections[-1].items)


def test_the_form_after_sipas_fits_a_phone():
    for item in load_bundled("sipas/2017.1").items:
        assert len(item.text.vi) <= 80
        assert all(len(option.label.vi) <= 40 for option in item.options)


def kansas_city() -> Questionnaire:
    return load_bundled("kansas_city/2021.1")


def test_the_kansas_city_index_is_the_plain_mean_of_sixteen_items():
    index = kansas_city().index
    assert index is not None
    total = sum(factor.weight for factor in index.children)
    shares = {
        criterion.item: factor.weight / total * criterion.weight / sum(other.weight for other in factor.children)
        for factor in index.children
        for criterion in factor.children
    }
    assert set(shares) == MAJOR_SERVICES
    assert all(share == pytest.approx(1 / 16, abs=1e-15) for share in shares.values())
    assert kansas_city().profile(kansas_city().default_profile).formula == "rescaled"


def test_the_kansas_city_items_take_the_codes_of_the_file():
    ratings = [item for item in kansas_city().items if item.code.startswith("q")]
    assert len(ratings) == 99
    for item in ratings:
        assert item.dont_know
        expected = ("1", "2") if item.code.startswith("q31_") else ("1", "2", "3", "4", "5")
        assert tuple(option.code for option in item.options) == expected


def test_an_unknown_reference_is_told_what_there_is():
    with pytest.raises(QuestionnaireError, match=r"no bundled questionnaire “\.\./x”.*sipas/2017\.1"):
        bundled_source("../x")


def test_versions_are_sorted_as_numbers():
    assert sorted(["b/1", "a/2026.10", "a/2026.9"], key=sort_key) == ["a/2026.9", "a/2026.10", "b/1"]


def test_the_forms_of_one_model_stay_together():
    forms = ["a/firms-2026.10", "a/farms-2027.1", "a/2028.1", "a/firms-2026.9"]
    assert sorted(forms, key=sort_key) == ["a/2028.1", "a/farms-2027.1", "a/firms-2026.9", "a/firms-2026.10"]
