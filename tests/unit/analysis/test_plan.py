"""Plans and designs as files: what they say, and how a mistake in them is named."""

import pytest

from analysis.errors import DesignError, PlanError
from analysis.release.plan import Plan, Standardisation, default_plan, parse_plan, plan_source
from analysis.release.release_plan import ReleasePlan
from analysis.release.round_design import DEFAULT_DESIGN_SOURCE, RoundDesign, parse_design
from questionnaires.library import load_bundled
from questionnaires.reading import parse_questionnaire
from support.archives import QUESTIONNAIRE


def test_what_a_plan_leaves_out_has_its_default() -> None:
    assert parse_plan(b'plan: 1\nversion: "1"\n', "plan.yaml") == Plan()


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan("2026.1", "share", "units", 0.9, 12, 40, 15, ("channel",), 2, "average"),
        Plan(coarsening_steps=()),
        Plan(release=ReleasePlan(embargo_days=7, approvals=2)),
        Plan(standardisation=Standardisation(500, 7, {"a": (1.5, 4.25), "h": (-3.0, 12.0)})),
    ],
)
def test_a_plan_survives_its_file(plan: Plan) -> None:
    assert parse_plan(plan_source(plan), "plan.yaml") == plan


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('plan: 2\nversion: "1"\n', "plan.yaml:1: plan: found the number 2"),
        ("plan: 1\n", "plan.yaml:1: version: found no “version”"),
        ('plan: 1\nversion: "1"\nlevel: 95\n', "plan.yaml:3: level: found the number 95"),
        ('plan: 1\nversion: "1"\nlevel: 0.3\n', "plan.yaml:3: level: found the number 0.3"),
        ('plan: 1\nversion: "1"\nlevle: 0.9\n', "plan.yaml:3: levle: found the unknown key “levle”"),
        ('plan: 1\nversion: "1"\naggregate: people\n', "plan.yaml:3: aggregate: found “people”, expected persons or"),
        ('plan: 1\nversion: "1"\nsuppress_below: 9.5\n', "plan.yaml:3: suppress_below: found the number 9.5"),
        (
            'plan: 1\nversion: "1"\nrelease: {embargo_days: 91}\n',
            "plan.yaml:3: release.embargo_days: found the number 91",
        ),
        ('plan: 1\nversion: "1"\nrelease: {approvals: 1.5}\n', "plan.yaml:3: release.approvals: found the number 1.5"),
        ('plan: 1\nversion: "1"\nsuppress_below: 0\n', "plan.yaml:3: suppress_below: found the number 0"),
        (
            'plan: 1\nversion: "1"\ncoarsening:\n  steps: [village]\n',
            "plan.yaml:4: coarsening.steps[0]: found “village”",
        ),
        (
            'plan: 1\nversion: "1"\nstandardisation: {draws: 10}\n',
            "plan.yaml:3: standardisation.draws: found the number 10",
        ),
        (
            'plan: 1\nversion: "1"\nstandardisation:\n  earlier: {a: [4, 2]}\n',
            "plan.yaml:4: standardisation.earlier.a: found 4 before 2",
        ),
        (
            'plan: 1\nversion: "1"\nstandardisation:\n  earlier: {a: [4]}\n',
            "plan.yaml:4: standardisation.earlier.a: found a list of 1",
        ),
        ("", "plan.yaml:1: found an empty file, expected a plan"),
        ("- 1\n", "plan.yaml:1: found a list, expected fields"),
    ],
)
def test_a_mistake_in_a_plan_is_named_with_its_line(source: str, complaint: str) -> None:
    with pytest.raises(PlanError) as refusal:
        parse_plan(source.encode(), "plan.yaml")
    assert str(refusal.value).startswith(complaint)


def test_an_unknown_profile_is_named_beside_the_known_ones() -> None:
    small = parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")
    with pytest.raises(PlanError, match="profile: found 'sahre', expected one of rescaled, share, of_five of small/1"):
        Plan(profile="sahre").profile_for(small)


def test_without_people_behind_them_blocs_are_means_of_units() -> None:
    sipas = load_bundled("sipas/2017.1")
    assert default_plan(sipas).aggregate == "units"
    assert default_plan(sipas, has_population=True).aggregate == "persons"
    assert default_plan(sipas).profile_for(sipas) == sipas.default_profile


def test_a_standardised_bloc_is_the_mean_of_its_units_whatever_is_known_of_their_people() -> None:
    assert default_plan(load_bundled("ddci/departments-2024.1"), has_population=True).aggregate == "units"


def test_extremes_of_earlier_years_belong_to_a_standardised_profile() -> None:
    small = parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")
    with pytest.raises(PlanError, match=r"standardisation.earlier: found extremes beside the profile rescaled"):
        Plan(standardisation=Standardisation(earlier={"a": (1, 5)})).profile_for(small)


def test_the_default_design_is_units_as_strata_without_population() -> None:
    assert parse_design(DEFAULT_DESIGN_SOURCE, "design") == RoundDesign()


def test_a_design_reads_as_it_is_written() -> None:
    source = b"design: 1\nstrata: [unit, stratum]\nclusters: [psu]\npopulation:\n  u1/a: 100\n  u1/b: 250\n"
    design = parse_design(source, "design.yaml")
    assert design.strata == ("unit", "stratum")
    assert design.clusters == ("psu",)
    assert design.population == {"u1/a": 100, "u1/b": 250}
    assert design.labels_of("u1/a") == {"unit": "u1", "stratum": "a"}
    assert design.imported is None


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("design: 1\nstrata: [village]\n", "d:2: strata[0]: found “village”"),
        ("design: 1\nfpc: true\n", "d:2: fpc: found true without “population”"),
        ("design: 1\nclusters: [psu]\nfpc: true\npopulation: {u: 5}\n", "d:3: fpc: found true beside clusters"),
        ("design: 1\npopulation: {u: 0}\n", "d:2: population.u: found the number 0"),
        ("design: 1\npopulation: {u: 10.5}\n", "d:2: population.u: found the number 10.5"),
        ("design: 1\npopulation: {u: many}\n", "d:2: population.u: found “many”"),
        ("design: 1\nstrata: [unit, stratum]\npopulation: {u: 5}\n", "d:3: population.u: found the stratum 'u'"),
        ("design: 1\nimport: {columns: {channel: m}}\n", "d:2: import.columns: found no “unit”"),
        ("design: 1\nimport: {columns: {unit: d, village: v}}\n", "d:2: import.columns: found the attribute “village”"),
        ('design: 1\nimport: {columns: {unit: d}, opens_on: "2021-02-30"}\n', "d:2: import.opens_on: found 2021-02-30"),
        ("design: 1\nweights: {}\n", "d:2: weights: found the unknown key “weights”"),
    ],
)
def test_a_mistake_in_a_design_is_named_with_its_line(source: str, complaint: str) -> None:
    with pytest.raises(DesignError) as refusal:
        parse_design(source.encode(), "d")
    assert str(refusal.value).startswith(complaint)
