"""The factors of every unit of a league beside each other, each with what a test says of it."""

from dataclasses import dataclass

from analysis.release.edition import Edition
from analysis.scorecards.cards import League
from analysis.scorecards.comparison import Verdict, verdict_of
from analysis.scorecards.figures import ABSENT, Figure, figure_of, numbered
from questionnaires.model import Text

# More columns than these have no room on a page.
MOST_FACTORS = 8


@dataclass(frozen=True, slots=True)
class FactorHead:
    """The head of a column: a factor's number and short name."""

    number: str
    short_label: Text


@dataclass(frozen=True, slots=True)
class FactorScore:
    """A unit's score on a factor, and whether it was found above or below the others of its bloc."""

    figure: Figure
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LeagueFactors:
    """The columns, and a row for each ranked unit in the order of the league; both empty where there is no room."""

    factors: tuple[FactorHead, ...] = ()
    rows: tuple[tuple[Text, tuple[FactorScore, ...]], ...] = ()


def league_factors(league: League) -> LeagueFactors:
    """The factors of a league's ranked units; none where the tree has no factors, or more than a page holds."""
    edition = league.edition
    root = edition.questionnaire.tree(edition.profile)
    nodes = [
        (number, node) for number, node in numbered(() if root is None else root.children) if node.kind == "factor"
    ]
    if not 2 <= len(nodes) <= MOST_FACTORS or len(league.ranked) < 2:
        return LeagueFactors()
    heads = tuple(FactorHead(number, node.short_label) for number, node in nodes)
    codes = [node.code for _, node in nodes]
    rows = tuple((member.name, tuple(_score(edition, member.code, code) for code in codes)) for member in league.ranked)
    return LeagueFactors(heads, rows)


def _score(edition: Edition, unit: str, node: str) -> FactorScore:
    try:
        figure = figure_of(edition.row(unit, node))
    except KeyError:
        figure = ABSENT
    return FactorScore(figure, verdict_of(edition.difference_of(unit, node)))
