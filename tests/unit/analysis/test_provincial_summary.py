"""The provincial summary as values: blocs beside each other, tiers counted, no bloc ranked (issue 6, S2)."""

from dataclasses import replace

from analysis.release.context_rows import ImportanceRow
from analysis.release.edition import Edition
from analysis.release.rows import ALL, BLOC_PREFIX
from analysis.scorecards.content import Composer
from analysis.scorecards.league_factors import league_factors
from analysis.scorecards.province import N_FIRST, N_HIGHLIGHTS, compose_province
from support.editions import make_edition

BLOCS = {"phuong": ("Khối phường", "Wards"), "xa": ("Khối xã", "Communes")}


def two_blocs(n_units: int = 12, hidden: int = 1) -> Edition:
    """An edition of wards and communes; the first units have too few answers."""
    edition = make_edition(n_units, sheets=[7] * hidden + [150] * (n_units - hidden))
    half = n_units // 2
    units = tuple(
        replace(unit, bloc_code=code, bloc_name=BLOCS[code][0], bloc_name_en=BLOCS[code][1])
        for place, unit in enumerate(edition.units)
        for code in ("phuong" if place < half else "xa",)
    )
    bloc_of = {unit.code: unit.bloc_code for unit in units}
    of_bloc = [row for row in edition.estimates if row.unit.startswith(BLOC_PREFIX)]
    estimates = [row for row in edition.estimates if not row.unit.startswith(BLOC_PREFIX) and row.unit != ALL]
    for owner in (*(BLOC_PREFIX + code for code in BLOCS), ALL):
        estimates += [replace(row, unit=owner) for row in of_bloc]
    ranks = tuple(replace(row, bloc=bloc_of[row.unit]) for row in edition.ranks)
    return replace(edition, units=units, estimates=tuple(estimates), ranks=ranks)


def test_every_unit_stands_in_one_place_of_its_bloc() -> None:
    edition = two_blocs()
    province = compose_province(Composer(edition))
    assert [bloc.name.en for bloc in province.blocs] == ["Wards", "Communes"]
    for bloc in province.blocs:
        named = [*bloc.above, *bloc.not_different, *bloc.below, *bloc.unranked]
        assert sorted(member.code for member in named) == sorted(unit.code for unit in edition.units_of(bloc.code))
    assert province.n_shown == 11
    assert sum(province.n_in(tier) for tier in ("above", "not_different", "below")) == 11
    assert province.index.value == edition.row(ALL).estimate
    assert province.bounds[0] <= (province.index.low or 0.0)


def test_the_best_and_the_worst_criteria_follow_the_score_of_all() -> None:
    province = compose_province(Composer(two_blocs()))
    best = [line.figure.value or 0.0 for line in province.strongest]
    worst = [line.figure.value or 0.0 for line in province.weakest]
    assert len(best) == len(worst) == N_HIGHLIGHTS
    assert best == sorted(best, reverse=True)
    assert worst == sorted(worst)
    assert best[-1] >= worst[-1]


def test_what_to_do_first_is_importance_times_what_is_missing_and_nothing_without_importance() -> None:
    edition = two_blocs()
    assert all(bloc.first == () for bloc in compose_province(Composer(edition)).blocs)
    leaves = [node.code for node in edition.questionnaire.nodes(edition.profile) if not node.children]
    rows = tuple(
        ImportanceRow(
            edition.facts.slug, "phuong", code, "index", 0.5 if code == leaves[3] else 0.01, 0.01, 0.0, 0.6, 0.95,
            "relative_weights", 40.0, 800, 0.5, "",
        )
        for code in leaves
    )  # fmt: skip
    wards, communes = compose_province(Composer(replace(edition, importance=rows))).blocs
    assert wards.first[0].code == leaves[3]
    assert len(wards.first) == N_FIRST
    assert communes.first == ()


def test_a_league_has_every_units_factors_with_what_the_tests_say() -> None:
    edition = two_blocs()
    league = Composer(edition).league("xa")
    found = league_factors(league)
    assert [name for name, _ in found.rows] == [member.name for member in league.ranked]
    assert len(found.factors) == len(found.rows[0][1]) == 5
    first = league.ranked[0]
    assert found.rows[0][1][0].figure.value == edition.row(first.code, "f1").estimate
    assert league_factors(Composer(make_edition(1)).league("khoi-dia-phuong")).rows == ()
