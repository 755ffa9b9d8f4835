"""Designs that count cells: what they say, and how a mistake in them is named with its line and key."""

import pytest

from analysis.errors import DesignError
from analysis.release.round_design import (
    DEFAULT_DESIGN_SOURCE,
    SEVERAL_UNITS_DESIGN_SOURCE,
    DesignCell,
    DesignMargin,
    RoundDesign,
    default_design_source,
    parse_design,
)
from support.designed_archives import DESIGNED, SEVERAL, designed_questionnaire

ONE_UNIT, SEVERAL_UNITS = designed_questionnaire(DESIGNED), designed_questionnaire(SEVERAL)
CELLS = """\
design: 1
strata: [unit, stratum]
clusters: [psu]
household: adults
cells:
  - {unit: "u1", stratum: urban, psu: "Khu 1", population: 812, probability: 0.25}
  - {unit: "u1", stratum: urban, psu: "Khu 2", population: 500}
  - {unit: "u1", stratum: rural, psu: "Thôn 1", population: 90, probability: 0.5}
  - {unit: "u2", stratum: rural, psu: "Thôn 1", population: 70}
margins:
  - {item: sex, unit: "u1", totals: {female: 2100, male: 1900}}
  - {item: age, totals: {"18": 1500, "35": 1500, "55": 1200}}
"""
FIRMS = "design: 1\nclusters: [ballot]\ncells:\n  - {stratum: small, population: 900}\n"


def design_of(source: str) -> RoundDesign:
    return parse_design(source.encode(), "d", ONE_UNIT)


def test_cells_household_and_margins_read_as_they_are_written() -> None:
    design = design_of(CELLS)
    assert design.cells[:2] == (
        DesignCell("u1", "urban", "Khu 1", 812, 0.25),
        DesignCell("u1", "urban", "Khu 2", 500),
    )
    assert design.household == "adults"
    assert design.margins == (
        DesignMargin("sex", "u1", {"female": 2100, "male": 1900}),
        DesignMargin("age", "", {"18": 1500, "35": 1500, "55": 1200}),
    )
    assert design.columns == ("unit", "stratum", "psu")
    assert design.has_counts
    assert not design.crosses_units


def test_a_drawn_psu_stands_for_those_that_were_not_drawn() -> None:
    design = design_of(CELLS)
    assert design.cells[0].expanded == 812 / 0.25
    assert design.stratum_people == {"u1/urban": 812 / 0.25 + 500, "u1/rural": 180, "u2/rural": 70}


def test_an_invitation_belongs_to_a_cell_or_to_none() -> None:
    design = design_of(CELLS)
    assert design.knows_cell("u1", "urban", "Khu 1")
    assert not design.knows_cell("u2", "rural", "Khu 1")
    assert not design.knows_cell("u1", "", "")
    assert design.population_of("u1", "rural", "Thôn 1") == 90
    assert design.population_of("u2", "urban", "Thôn 1") is None
    assert design.eligible_of_unit("u1") == 812 + 500 + 90
    assert design.eligible_of_unit("") == 812 + 500 + 90 + 70


def test_a_design_without_cells_knows_every_label() -> None:
    design = parse_design(DEFAULT_DESIGN_SOURCE, "d")
    assert design.knows_cell("anything", "goes", "here")
    assert design.population_of("u", "", "") is None
    assert design.eligible_of_unit("u") is None
    counted = design_of("design: 1\nstrata: [unit, stratum]\npopulation: {u1/a: 10, u1/b: 5, u2/a: 7}\n")
    assert counted.eligible_of_unit("u1") == 15
    assert counted.eligible_of_unit("") == 22


def test_strata_that_a_design_with_psus_does_not_know_are_no_cells_of_it() -> None:
    design = design_of('design: 1\nclusters: [psu]\ncells:\n  - {unit: "u1", psu: p, population: 9}\n')
    assert design.knows_cell("u1", "", "p")
    assert not design.knows_cell("u1", "urban", "p")
    without_psus = design_of('design: 1\ncells:\n  - {unit: "u1", population: 9}\n')
    assert without_psus.knows_cell("u1", "urban", "p")


def test_with_ballots_as_clusters_strata_are_those_of_the_frame() -> None:
    design = parse_design(FIRMS.encode(), "d", SEVERAL_UNITS)
    assert (design.strata, design.clusters, design.columns) == (("stratum",), ("ballot",), ("stratum",))
    assert design.crosses_units
    assert design.rates_several_units
    assert design.knows_cell("", "small", "")
    assert design.population_of("", "small", "") == 900
    assert design.eligible_of_unit("") == 900
    assert design.eligible_of_unit("u1") is None


def test_a_round_that_brings_no_design_has_the_one_that_suits_its_ballots() -> None:
    assert default_design_source(rates_several_units=False) == DEFAULT_DESIGN_SOURCE
    assert default_design_source(rates_several_units=True) == SEVERAL_UNITS_DESIGN_SOURCE
    assert parse_design(SEVERAL_UNITS_DESIGN_SOURCE, "d", SEVERAL_UNITS).clusters == ("ballot",)


ONE_CELL = 'design: 1\nclusters: [psu]\ncells:\n  - {unit: "u1", psu: p, population: 90}\n'


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("design: 1\ncells: []\n", "d:2: cells: found a list of 0, expected a list of 1 to"),
        ("design: 1\ncells: many\n", "d:2: cells: found “many”"),
        ("design: 1\ncells:\n  - u1\n", "d:3: cells[0]: found “u1”, expected fields"),
        ("design: 1\ncells:\n  - {unit: u1}\n", "d:3: cells[0].population: found no “population”"),
        ("design: 1\ncells:\n  - {unit: u1, population: 0}\n", "d:3: cells[0].population: found the number 0"),
        ("design: 1\ncells:\n  - {unit: u1, population: 9.5}\n", "d:3: cells[0].population: found the number 9.5"),
        ("design: 1\ncells:\n  - {unit: u1, population: all}\n", "d:3: cells[0].population: found “all”"),
        ("design: 1\ncells:\n  - {population: 9}\n", "d:3: cells[0].unit: found no “unit”, expected a label in quotes"),
        ("design: 1\ncells:\n  - {unit: 06673, population: 9}\n", "d:3: cells[0].unit: found “06673”, which YAML"),
        ("design: 1\ncells:\n  - {unit: a/b, population: 9}\n", "d:3: cells[0].unit: found “a/b”"),
        ("design: 1\ncells:\n  - {unit: u, psu: p, population: 9}\n", "d:3: cells[0].psu: found the unknown key “psu”"),
        ("design: 1\ncells:\n  - {unit: u, weight: 2, population: 9}\n", "d:3: cells[0].weight: found the unknown key"),
        (ONE_CELL + '  - {unit: "u1", psu: p, population: 8}\n', "d:5: cells[1]: found the cell u1/p twice"),
        (ONE_CELL.replace("90", "90, probability: 0"), "d:4: cells[0].probability: found the number 0"),
        (ONE_CELL.replace("90", "90, probability: 1.5"), "d:4: cells[0].probability: found the number 1.5"),
        (ONE_CELL.replace("90", "90, probability: half"), "d:4: cells[0].probability: found “half”"),
        (ONE_CELL.replace("90", "90, issued: 5"), "d:4: cells[0].issued: found it in a design that is not sealed"),
        (ONE_CELL.replace("90", "90, returned: 5"), "d:4: cells[0].returned: found it in a design that is not sealed"),
        (
            "design: 1\ncells:\n  - {unit: u1, population: 9, probability: 0.5}\n",
            "d:3: cells[0].probability: found it without the cluster psu",
        ),
        (ONE_CELL + "population: {u1: 90}\n", "d:5: population: found it beside “cells”"),
        (ONE_CELL + "fpc: true\n", "d:5: fpc: found true beside clusters"),
        (ONE_CELL + "household: grown\n", "d:5: household: found “grown”, expected an item of small/1"),
        (ONE_CELL + "household: 4\n", "d:5: household: found the number 4"),
        (ONE_CELL + "household: sex\n", "d:5: household: found sex, which is no number"),
        (ONE_CELL + "household: days\n", "d:5: household: found days, which may be below 1"),
        ("design: 1\nclusters: [ballot]\n", "d:2: clusters: found ballot, expected psu or none: with small/1"),
        ("design: 1\nclusters: [village]\n", "d:2: clusters[0]: found “village”, expected psu or ballot"),
        (
            "design: 1\nstrata: [stratum]\ncells:\n  - {stratum: s, population: 9}\n",
            "d:2: strata: found no unit beside cells",
        ),
    ],
)
def test_a_mistake_in_cells_is_named_with_its_line(source: str, complaint: str) -> None:
    with pytest.raises(DesignError) as refusal:
        parse_design(source.encode(), "d", ONE_UNIT)
    assert str(refusal.value).startswith(complaint)


@pytest.mark.parametrize(
    ("margins", "complaint"),
    [
        ("{}", "d:5: margins: found fields"),
        ("[]", "d:5: margins: found a list of 0"),
        ("[{totals: {female: 5, male: 4}}]", "d:5: margins[0].item: found no “item”"),
        ("[{item: sex}]", "d:5: margins[0].totals: found none, expected people by answer"),
        ("[{item: sex, totals: [5, 4]}]", "d:5: margins[0].totals: found a list"),
        ("[{item: sex, totals: {female: 0, male: 4}}]", "d:5: margins[0].totals.female: found the number 0"),
        ("[{item: sex, totals: {female: 5.5, male: 4}}]", "d:5: margins[0].totals.female: found the number 5.5"),
        ("[{item: sex, totals: {female: 5, males: 4}}]", "d:5: margins[0].totals: found “males”, expected the answers"),
        ("[{item: sex, totals: {female: 5}}]", "d:5: margins[0].totals: found no people for male"),
        ('[{item: age, totals: {"18": 5, "35": 4, "60": 2}}]', "d:5: margins[0].totals: found “60”, expected the"),
        ("[{item: gender, totals: {female: 5}}]", "d:5: margins[0].item: found “gender”, expected an item of small/1"),
        ("[{item: adults, totals: {one: 5}}]", "d:5: margins[0].item: found adults, expected an item with one choice"),
        ("[{item: ways, totals: {desk: 5}}]", "d:5: margins[0].item: found ways, expected an item with one choice"),
        ("[{item: sex, unit: u9, totals: {female: 5, male: 4}}]", "d:5: margins[0].unit: found “u9”, whose people"),
        (
            "[{item: sex, totals: {female: 5, male: 4}}, {item: sex, totals: {female: 4, male: 5}}]",
            "d:5: margins[1].item: found a second margin of sex there",
        ),
        (
            '[{item: sex, totals: {female: 5, male: 4}}, {item: age, totals: {"18": 5, "35": 4, "55": 2}}]',
            "d:5: margins[1].totals: found 11 people in all, expected 9 as in the margin before",
        ),
    ],
)
def test_a_mistake_in_margins_is_named_with_its_line(margins: str, complaint: str) -> None:
    with pytest.raises(DesignError) as refusal:
        parse_design(f"{ONE_CELL}margins: {margins}\n".encode(), "d", ONE_UNIT)
    assert str(refusal.value).startswith(complaint)


def test_margins_without_anybody_counted_are_refused() -> None:
    with pytest.raises(DesignError, match="margins: found them without “population” or “cells”"):
        design_of("design: 1\nmargins: [{item: sex, totals: {female: 5, male: 4}}]\n")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("design: 1\nstrata: [stratum]\n", "d:1: clusters: found none, expected ballot: with small/1"),
        ("design: 1\nclusters: [ballot]\nstrata: [unit]\n", "d:3: strata: found unit beside the cluster ballot"),
        ("design: 1\nclusters: [psu]\n", "d:1: strata: found unit, expected stratum: with small/1"),
        (FIRMS + "household: a\n", "d:5: household: found “a”, expected an item that is asked once a ballot of small"),
        (
            FIRMS + "margins: [{item: sex, unit: u1, totals: {female: 500, male: 400}}]\n",
            "d:5: margins[0].unit: found it beside strata without unit",
        ),
    ],
)
def test_a_design_for_one_unit_is_refused_where_ballots_rate_several(source: str, complaint: str) -> None:
    with pytest.raises(DesignError) as refusal:
        parse_design(source.encode(), "d", SEVERAL_UNITS)
    assert str(refusal.value).startswith(complaint)
