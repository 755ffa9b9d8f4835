"""The design of an archive: the frame's counts under new labels, and nothing of the old ones."""

import pytest

from analysis.coarsening import coarsen, coarsen_ballots, redraw_psus
from analysis.errors import DesignError
from analysis.release.round_design import DesignCell, RoundDesign, parse_design
from analysis.release.sealed_design import sealed_design_source
from support.designed_archives import SEVERAL, framed_under, responses_of

SOURCE = """\
design: 1
label: Mẫu hai giai đoạn
strata: [unit, stratum]
clusters: [psu]
household: adults
cells:
  - {unit: "u1", stratum: urban, psu: "Khu 1", population: 100, probability: 0.5}
  - {unit: "u1", stratum: urban, psu: "Khu 2", population: 300, probability: 0.25}
  - {unit: "u1", stratum: urban, psu: "Khu 3", population: 400, probability: 0.8}
  - {unit: "u1", stratum: urban, psu: "Khu 4", population: 50}
  - {unit: "u1", stratum: urban, psu: "Khu 5", population: 70, probability: 0.7}
  - {unit: "u1", stratum: rural, psu: "Thôn 1", population: 90}
margins:
  - {item: sex, unit: "u1", totals: {female: 2100, male: 1900}}
import:
  columns: {unit: u}
  codes: {psu: {"1": "Khu 1"}}
"""
PLACES = [("urban", "Khu 1", 6), ("urban", "Khu 2", 5), ("urban", "Khu 3", 12)]


def rows_at(places: list[tuple[str, str, int]]):
    return [
        ({"unit": "u1", "stratum": stratum, "psu": psu, "channel": "web"}, {"a": str(1 + j % 5), "b": "3", "c": "4"})
        for stratum, psu, n in places
        for j in range(n)
    ]


def sealed(source: str = SOURCE, places: list[tuple[str, str, int]] | None = None) -> tuple[bytes, object]:
    coarsened = redraw_psus(coarsen(responses_of(rows_at(places or PLACES))), lambda labels: labels[::-1])
    counts = {("u1", stratum, psu): n for stratum, psu, n in places or PLACES}
    issued = {place: n + 2 for place, n in counts.items()} | {("u1", "urban", "Khu 4"): 8}
    design = parse_design(source.encode(), "design.yaml")
    return sealed_design_source(design, source.encode(), coarsened, issued, counts), coarsened.table


def read(source: bytes) -> RoundDesign:
    return parse_design(source, "design.yaml")


def test_merged_cells_are_one_and_stand_for_as_many_people() -> None:
    merged = next(cell for cell in read(sealed()[0]).cells if cell.key == ("u1", "urban", "p2"))
    assert (merged.population, merged.issued, merged.returned) == (400, 15, 11)
    assert merged.expanded == pytest.approx(100 / 0.5 + 300 / 0.25)


def test_cells_that_nobody_answered_are_one_in_their_stratum() -> None:
    cells = read(sealed()[0]).cells
    assert DesignCell("u1", "rural", "nobody", 90, 1.0, 0, 0) in cells
    unanswered = next(cell for cell in cells if cell.key == ("u1", "urban", "nobody"))
    assert (unanswered.population, unanswered.issued, unanswered.returned) == (120, 8, 0)
    assert unanswered.expanded == pytest.approx(150)


def test_everything_else_of_the_design_stays() -> None:
    before, after = read(SOURCE.encode()), read(sealed()[0])
    for name in ("strata", "clusters", "household", "margins", "label", "fpc"):
        assert getattr(after, name) == getattr(before, name)
    assert after.stratum_people == pytest.approx(before.stratum_people)


def test_no_old_label_of_a_psu_is_left() -> None:
    text = sealed()[0].decode()
    assert "Khu" not in text
    assert "Thôn" not in text


def test_the_responses_have_weights_under_the_sealed_design() -> None:
    source, table = sealed()
    framed = framed_under(source, table, ["u1"])
    assert framed.covered == {"u1/urban": (2050, True), "u1/rural": (90, False)}
    # Nobody said how many adults there are, nor the sex. Cells of 1,400 and of 500 people answered, and share 150 more.
    weights = [1400 * 2050 / 1900 / 11] * 11 + [500 * 2050 / 1900 / 12] * 12
    assert framed.weights.tolist() == pytest.approx(weights)


def test_joined_strata_take_their_unanswered_cells_along() -> None:
    places = [("urban", "Khu 1", 20), ("urban", "Khu 2", 20), ("rural", "Thôn 1", 4)]
    cells = read(sealed(SOURCE, places)[0]).cells
    assert {(cell.stratum, cell.psu) for cell in cells} == {("rural+urban", psu) for psu in ("p1", "p2", "nobody")}
    assert sum(cell.returned or 0 for cell in cells) == 44


def test_a_design_without_cells_is_kept_byte_for_byte() -> None:
    source = b"design: 1  # ours\npopulation: {u1: 500}\n"
    coarsened = redraw_psus(coarsen(responses_of(rows_at(PLACES))), sorted)
    assert sealed_design_source(read(source), source, coarsened, {}, {}) is source


def test_a_design_of_strata_has_one_cell_a_stratum() -> None:
    source = 'design: 1\nstrata: [unit, stratum]\ncells:\n  - {unit: "u1", stratum: urban, population: 500}\n'
    text = sealed(source)[0].decode()
    assert text.splitlines()[-1] == '  - {unit: "u1", stratum: "urban", population: 500, issued: 37, returned: 23}'


def test_what_comes_from_no_cell_is_refused() -> None:
    with pytest.raises(DesignError, match="found no cell u1/urban/Khu 9, expected it: 14 came from there"):
        sealed(places=[("urban", "Khu 9", 12)])
    design = read(SOURCE.encode())
    coarsened = coarsen(responses_of(rows_at([("urban", "Khu 9", 12)])))
    with pytest.raises(DesignError, match="found no cell u1/urban/Khu 9, expected it: responses came from there"):
        sealed_design_source(design, SOURCE.encode(), coarsened, {}, {})


def test_the_cells_of_ballots_are_joined_for_the_whole_round() -> None:
    rows = [
        ({"unit": unit, "stratum": stratum, "psu": psu, "channel": "web", "ballot": f"{stratum}{j}"}, {"a": "3"})
        for stratum, psu, n in (("large", "Hạ Long", 12), ("small", "Cẩm Phả", 6), ("micro", "Uông Bí", 7))
        for j in range(n)
        for unit in ("d1", "d2")
    ]
    source = """\
design: 1
strata: [stratum]
clusters: [psu]
cells:
  - {stratum: large, psu: "Hạ Long", population: 40, probability: 0.5}
  - {stratum: large, psu: "Móng Cái", population: 30, probability: 0.5}
  - {stratum: small, psu: "Cẩm Phả", population: 300}
  - {stratum: micro, psu: "Uông Bí", population: 900}
"""
    coarsened = redraw_psus(coarsen_ballots(responses_of(rows, SEVERAL)), lambda labels: labels, crosses_units=True)
    counts = {("", "large", "Hạ Long"): 12, ("", "small", "Cẩm Phả"): 6, ("", "micro", "Uông Bí"): 7}
    sealed_source = sealed_design_source(read(source.encode()), b"", coarsened, counts, counts)
    assert read(sealed_source).cells == (
        DesignCell("", "large", "p1", 40, 0.5, 12, 12),
        DesignCell("", "large", "nobody", 30, 0.5, 0, 0),
        DesignCell("", "micro+small", "", 1200, 1.0, 13, 13),
    )
    framed = framed_under(sealed_source, coarsened.table, ["d1", "d2"], source=SEVERAL)
    assert framed.weights.tolist() == pytest.approx([140 / 12] * 24 + [1200 / 13] * 26)
