"""The summary of a whole round for the province: its blocs beside each other, what stands out, what other indices take.

A pure function of the edition, as values; the sentences stand in templates.
"""

from dataclasses import dataclass

from analysis.release.edition import Edition
from analysis.release.points import Points, points_of
from analysis.release.rows import ALL, BLOC_PREFIX, ROOT, ChangeRow
from analysis.scorecards.cards import League, Member
from analysis.scorecards.charts import nice_bounds
from analysis.scorecards.content import Composer, bloc_names
from analysis.scorecards.figures import ABSENT, Figure, Range, figure_of, numbered
from analysis.scorecards.priorities import importances, telling
from questionnaires.model import Text

TIERS = ("above", "not_different", "below")
N_HIGHLIGHTS = 5
N_FIRST = 3


@dataclass(frozen=True, slots=True)
class BlocLine:
    """A bloc in the province: its index and how its units stand to each other.

    `first` are the criteria that promise most in the bloc: importance times what the score lacks; empty where the
    edition knows no importance of all its criteria.
    """

    code: str
    name: Text
    figure: Figure
    n_units: int
    above: tuple[Member, ...]
    not_different: tuple[Member, ...]
    below: tuple[Member, ...]
    unranked: tuple[Member, ...]
    change: ChangeRow | None
    first: tuple["ProvinceLine", ...]


@dataclass(frozen=True, slots=True)
class ProvinceLine:
    """A factor or a criterion: the figure of all, where there is one, and of each bloc in the order of the blocs."""

    code: str
    number: str
    kind: str
    label: Text
    figure: Figure
    blocs: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Province:
    """What the summary of a round holds.

    `index` is that of all units together, absent where it is not known whom all are. `strongest` and `weakest` are
    criteria by the score of all, or of the one bloc there is. `points` are those of the whole round, by rule.
    """

    edition: Edition
    scale: Range
    index: Figure
    change: ChangeRow | None
    blocs: tuple[BlocLine, ...]
    lines: tuple[ProvinceLine, ...]
    strongest: tuple[ProvinceLine, ...]
    weakest: tuple[ProvinceLine, ...]
    points: tuple[Points, ...]

    @property
    def factors(self) -> tuple[ProvinceLine, ...]:
        """The factors, or where the tree has none its criteria."""
        return tuple(line for line in self.lines if line.kind == "factor") or self.lines

    @property
    def n_shown(self) -> int:
        """How many units have a published index."""
        return sum(bloc.n_units - len(bloc.unranked) for bloc in self.blocs)

    def n_in(self, tier: str) -> int:
        """How many units stand in a tier of their bloc: above, not_different or below."""
        return sum(len(getattr(bloc, tier)) for bloc in self.blocs if tier in TIERS)

    @property
    def earlier_title(self) -> Text | None:
        """The title of the round that the change of the index is held against, where the edition knows it."""
        slug = None if self.change is None else self.change.earlier
        return next((one.title for one in self.edition.earlier if one.slug == slug), None)

    @property
    def has_shown_index(self) -> bool:
        """True when there is an index of all units together."""
        return self.index.is_shown

    @property
    def bounds(self) -> tuple[float, ...]:
        """The ticks of an axis that holds every index that the summary draws, with its interval."""
        figures = (self.index, *(bloc.figure for bloc in self.blocs))
        ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end is not None]
        return nice_bounds(ends, floor_at=self.scale[0], ceiling_at=self.scale[1])


def compose_province(composer: Composer) -> Province:
    """The summary of the composer's edition."""
    edition = composer.edition
    lines = _lines(edition)
    changes = {row.unit: row for row in edition.changes if row.node == ROOT and row.change is not None}
    blocs = tuple(
        _bloc(composer.league(code), lines, place, changes.get(BLOC_PREFIX + code))
        for place, code in enumerate(bloc_names(edition))
    )
    strongest, weakest = _extremes(lines)
    return Province(
        edition=edition,
        scale=edition.scale_of(),
        index=_figure(edition, ALL, ROOT),
        change=changes.get(ALL),
        blocs=blocs,
        lines=lines,
        strongest=strongest,
        weakest=weakest,
        points=tuple(points_of(edition, rule) for rule in edition.plan.points if rule.counts == "all"),
    )


def unit_points(edition: Edition, code: str) -> tuple[Points, ...]:
    """The points of one unit, by the rules of the plan that count each unit's own index."""
    return tuple(points_of(edition, rule, code) for rule in edition.plan.points if rule.counts == "units")


def _bloc(league: League, lines: tuple[ProvinceLine, ...], place: int, change: ChangeRow | None) -> BlocLine:
    return BlocLine(
        code=league.bloc_code,
        name=league.bloc_name,
        figure=league.bloc_index,
        n_units=len(league.ranked) + len(league.unranked),
        above=league.in_tier("above"),
        not_different=league.in_tier("not_different"),
        below=league.in_tier("below"),
        unranked=league.unranked,
        change=change,
        first=_first(league.edition, league.bloc_code, lines, place),
    )


def _first(edition: Edition, bloc: str, lines: tuple[ProvinceLine, ...], place: int) -> tuple[ProvinceLine, ...]:
    known = importances(telling([row for row in edition.importance if row.bloc == bloc]))
    criteria = [line for line in lines if line.kind == "criterion" and line.blocs[place].value is not None]
    if not criteria or any(line.code not in known for line in criteria):
        return ()

    def worth(line: ProvinceLine) -> float:
        missing = edition.scale_of(line.code)[1] - (line.blocs[place].value or 0.0)
        return -known[line.code].value * missing

    return tuple(sorted(criteria, key=worth)[:N_FIRST])


def _lines(edition: Edition) -> tuple[ProvinceLine, ...]:
    root = edition.questionnaire.tree(edition.profile)
    codes = [code for code, _ in edition.blocs]
    return tuple(
        ProvinceLine(
            code=node.code,
            number=number,
            kind=node.kind,
            label=node.label,
            figure=_figure(edition, ALL, node.code),
            blocs=tuple(_figure(edition, BLOC_PREFIX + code, node.code) for code in codes),
        )
        for number, node in numbered(() if root is None else root.children)
    )


def _extremes(lines: tuple[ProvinceLine, ...]) -> tuple[tuple[ProvinceLine, ...], tuple[ProvinceLine, ...]]:
    def score(line: ProvinceLine) -> float | None:
        if line.figure.value is not None:
            return line.figure.value
        return line.blocs[0].value if len(line.blocs) == 1 else None

    known = [(value, line) for line in lines if line.kind == "criterion" and (value := score(line)) is not None]
    count = min(N_HIGHLIGHTS, len(known) // 2)
    descending = [line for _, line in sorted(known, key=lambda pair: -pair[0])]
    return tuple(descending[:count]), tuple(reversed(descending[len(descending) - count :]))


def _figure(edition: Edition, owner: str, node: str) -> Figure:
    try:
        return figure_of(edition.row(owner, node))
    except KeyError:
        return ABSENT
