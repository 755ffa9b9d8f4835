"""What stands on a scorecard and in a league: values and keys drawn from one edition, no sentences and no layout.

Everything here is a pure function of the edition. A composer reads the edition's rows once; composing each of its units
then costs no more than the rows of that unit and its bloc.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.rows import BLOC_PREFIX, NO_ANSWERS, ROOT, DistributionRow, EstimateRow, RankRow
from analysis.scorecards.comparison import Verdict, compare_with_bloc
from questionnaires.model import Node, Option, Questionnaire, Text

N_HIGHLIGHTS = 4
MOST_FIRST_PAGE_LINES = 9

State = Literal["shown", "caution", "suppressed", "absent"]
Tier = Literal["above", "not_different", "below"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One estimate as far as it may be shown: without a value unless `state` is "shown" or "caution" (few answers)."""

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    state: State
    reason: str

    @property
    def is_shown(self) -> bool:
        """True when there is a value to print."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A factor or a criterion of one unit beside its bloc; `difference` is unit minus bloc where both are shown."""

    code: str
    number: str
    kind: str
    label: Text
    short_label: Text
    weight: float
    figure: Figure
    bloc: Figure
    difference: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Member:
    """A unit in its bloc. Without a rank it was not ranked: its index is not shown, or it is alone."""

    code: str
    name: Text
    figure: Figure
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the answers to the item of one criterion spread over the options of its scale, worst first."""

    number: str
    short_label: Text
    shares: tuple[float, ...]
    n: int


@dataclass(frozen=True, slots=True)
class DistributionGroup:
    """The distributions that share one scale."""

    options: tuple[Option, ...]
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True)
class Participation:
    """How many took part: sheets of the unit, and sheets sealed and invitations issued of the whole round.

    Invitations are counted for the round alone, because an archive says no more; `n_issued` is None when the round was
    collected elsewhere.
    """

    n_unit: int | None
    n_sealed: int
    n_issued: int | None

    @property
    def rate(self) -> float | None:
        """Sheets sealed for each invitation issued in the round, or None where invitations were not counted here."""
        return self.n_sealed / self.n_issued if self.n_issued else None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What one unit is shown about itself."""

    edition: Edition
    member: Member
    bloc_code: str
    bloc_name: str
    n_members: int
    participation: Participation
    members: tuple[Member, ...]
    n_hidden_members: int
    bloc_index: Figure
    factors: tuple[NodeLine, ...]
    lines: tuple[NodeLine, ...]
    strongest: tuple[NodeLine, ...]
    weakest: tuple[NodeLine, ...]
    is_compared: bool
    distributions: tuple[DistributionGroup, ...]

    @property
    def n_ranked(self) -> int:
        """How many units of the bloc hold a rank."""
        return sum(member.rank is not None for member in self.members)

    @property
    def has_caution(self) -> bool:
        """True when any figure printed rests on few answers."""
        return any(figure.state == "caution" for figure in (self.member.figure, *(line.figure for line in self.lines)))


@dataclass(frozen=True, slots=True)
class League:
    """What is shown of a bloc: its ranked units from the first rank to the last, and those that could not be ranked."""

    edition: Edition
    bloc_code: str
    bloc_name: str
    bloc_index: Figure
    ranked: tuple[Member, ...]
    unranked: tuple[Member, ...]

    @property
    def has_caution(self) -> bool:
        """True when the index of a ranked unit rests on few answers."""
        return any(member.figure.state == "caution" for member in self.ranked)

    def in_tier(self, tier: str) -> tuple[Member, ...]:
        """The ranked units of one tier, in the order of their ranks."""
        return tuple(member for member in self.ranked if member.tier == tier)


class Composer:
    """Composes the scorecards and leagues of one edition, whose rows it has sorted by unit, bloc and item."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._rows: dict[str, dict[str, EstimateRow]] = defaultdict(dict)
        for row in edition.estimates:
            self._rows[row.unit][row.node] = row
        self._ranks: dict[str, RankRow] = {row.unit: row for row in edition.ranks}
        self._units = {unit.code: unit for unit in edition.units}
        self._members = {code: self._members_of(code) for code, _ in edition.blocs}
        self._distributions: dict[str, dict[str, list[DistributionRow]]] = defaultdict(lambda: defaultdict(list))
        for share in edition.distributions:
            self._distributions[share.unit][share.item].append(share)

    def scorecard(self, unit_code: str) -> Scorecard:
        """The scorecard of one unit; raises EditionError when the edition has no such unit."""
        unit = self._units.get(unit_code)
        if unit is None:
            raise EditionError(f"the edition of {self.edition.facts.slug} holds no unit {unit_code}")
        members = self._members[unit.bloc_code]
        ranked = tuple(member for member in members if member.figure.is_shown)
        member = next(member for member in members if member.code == unit_code)
        lines = self._lines(unit_code, unit.bloc_code)
        # Beside itself alone a unit would differ from its bloc by nothing, which looks like a finding.
        is_compared = member.figure.is_shown and len(ranked) > 1
        strongest, weakest = highlights(lines, by_difference=is_compared)
        return Scorecard(
            edition=self.edition,
            member=member,
            bloc_code=unit.bloc_code,
            bloc_name=unit.bloc_name,
            n_members=len(members),
            participation=self._participation(member.figure),
            members=ranked,
            n_hidden_members=len(members) - len(ranked),
            bloc_index=self._figure(BLOC_PREFIX + unit.bloc_code, ROOT),
            factors=_first_page_lines(lines),
            lines=lines,
            strongest=strongest,
            weakest=weakest,
            is_compared=is_compared,
            distributions=self._distributions_of(unit_code),
        )

    def league(self, bloc_code: str) -> League:
        """The league of one bloc; raises EditionError when the edition has no such bloc."""
        names = dict(self.edition.blocs)
        if bloc_code not in names:
            raise EditionError(f"the edition of {self.edition.facts.slug} holds no bloc {bloc_code}")
        members = self._members[bloc_code]
        return League(
            edition=self.edition,
            bloc_code=bloc_code,
            bloc_name=names[bloc_code],
            bloc_index=self._figure(BLOC_PREFIX + bloc_code, ROOT),
            ranked=tuple(member for member in members if member.figure.is_shown),
            unranked=tuple(member for member in members if not member.figure.is_shown),
        )

    def _figure(self, unit: str, node: str) -> Figure:
        row = self._rows.get(unit, {}).get(node)
        return Figure(None, None, None, None, "absent", NO_ANSWERS) if row is None else figure_of(row)

    def _members_of(self, bloc_code: str) -> tuple[Member, ...]:
        members = []
        for unit in self.edition.units:
            if unit.bloc_code != bloc_code:
                continue
            figure, rank = self._figure(unit.code, ROOT), self._ranks.get(unit.code)
            if rank is None or not figure.is_shown:
                members.append(Member(unit.code, unit.name, figure, None, None, None, None))
            else:
                members.append(
                    Member(unit.code, unit.name, figure, rank.rank, rank.rank_low, rank.rank_high, _tier(rank.tier))
                )
        # Equal values stand in the order of their codes, so that the same edition always prints the same page.
        return tuple(
            sorted(
                members, key=lambda member: (member.figure.value is None, -(member.figure.value or 0.0), member.code)
            )
        )

    def _lines(self, unit_code: str, bloc_code: str) -> tuple[NodeLine, ...]:
        root = self.edition.questionnaire.index
        nodes = list(_numbered(root.children)) if root is not None else []
        unit_rows, bloc_rows = self._rows.get(unit_code, {}), self._rows.get(BLOC_PREFIX + bloc_code, {})
        n_members = sum(unit.bloc_code == bloc_code for unit in self.edition.units)
        verdicts = compare_with_bloc(
            {node.code: (unit_rows.get(node.code), bloc_rows.get(node.code)) for _, node in nodes if n_members > 1},
            groups=[[node.code for _, node in nodes if node.kind == kind] for kind in ("factor", "criterion")],
            member_share=1 / n_members if self.edition.plan.aggregate == "units" else 0.0,
            level=self.edition.plan.level,
        )
        return tuple(
            NodeLine(
                code=node.code,
                number=number,
                kind=node.kind,
                label=node.label,
                short_label=node.short_label,
                weight=node.weight,
                figure=self._figure(unit_code, node.code),
                bloc=self._figure(BLOC_PREFIX + bloc_code, node.code),
                difference=verdicts[node.code].difference if node.code in verdicts else None,
                verdict=verdicts[node.code].verdict if node.code in verdicts else "not_tested",
            )
            for number, node in nodes
        )

    def _distributions_of(self, unit_code: str) -> tuple[DistributionGroup, ...]:
        questionnaire = self.edition.questionnaire
        root = questionnaire.index
        by_item = self._distributions.get(unit_code, {})
        groups: dict[tuple[Option, ...], list[Distribution]] = {}
        for number, node in _numbered(root.children) if root is not None else ():
            rows = by_item.get(node.item, []) if node.item is not None else []
            if node.item is None or not rows or any(row.suppressed or row.share is None for row in rows):
                continue
            shares = {row.option: row.share for row in rows}
            options = tuple(
                sorted(
                    (option for option in questionnaire.item(node.item).options if option.value is not None),
                    key=lambda option: option.value or 0.0,
                )
            )
            n_answers = max(row.n or 0 for row in rows)
            counted = tuple(shares.get(option.code) or 0.0 for option in options)
            groups.setdefault(options, []).append(Distribution(number, node.short_label, counted, n_answers))
        return tuple(DistributionGroup(options, tuple(members)) for options, members in groups.items())

    def _participation(self, figure: Figure) -> Participation:
        counts, is_ours = self.edition.counts, self.edition.facts.collected == "here"
        return Participation(figure.n, counts.sealed, counts.issued if is_ours else None)


def compose_scorecard(edition: Edition, unit_code: str) -> Scorecard:
    """The scorecard of one unit; who composes many of one edition keeps a Composer."""
    return Composer(edition).scorecard(unit_code)


def compose_league(edition: Edition, bloc_code: str) -> League:
    """The league of one bloc."""
    return Composer(edition).league(bloc_code)


def figure_of(row: EstimateRow) -> Figure:
    """What may be printed of a row: no value where it was suppressed or could not be computed."""
    if row.suppressed:
        return Figure(None, None, None, row.n, "suppressed", row.reason)
    if row.estimate is None:
        return Figure(None, None, None, row.n, "absent", row.reason)
    return Figure(row.estimate, row.low, row.high, row.n, "caution" if row.caution else "shown", row.reason)


def is_equally_weighted(questionnaire: Questionnaire) -> bool:
    """True when the children of every node count the same."""
    return all(len({child.weight for child in node.children}) <= 1 for node in questionnaire.nodes())


def highlights(lines: Sequence[NodeLine], *, by_difference: bool) -> tuple[tuple[NodeLine, ...], tuple[NodeLine, ...]]:
    """The highest and the lowest criteria, at most four each and none in both: relative to the bloc, or by
    score alone.

    The highest come best first, the lowest come worst first; equal ones stand in the order of the questionnaire.
    """

    def key(line: NodeLine) -> float:
        return (line.difference if by_difference else line.figure.value) or 0.0

    candidates = [
        line
        for line in lines
        if line.kind == "criterion" and (line.difference if by_difference else line.figure.value) is not None
    ]
    count = min(N_HIGHLIGHTS, len(candidates) // 2)
    descending = sorted(candidates, key=lambda line: -key(line))
    return tuple(descending[:count]), tuple(sorted(descending[len(descending) - count :], key=key))


def _first_page_lines(lines: Sequence[NodeLine]) -> tuple[NodeLine, ...]:
    # A tree without factors shows its criteria instead; what is too long for the first page stands on the second alone.
    factors = tuple(line for line in lines if line.kind == "factor")
    shown = factors or tuple(lines)
    return shown if len(shown) <= MOST_FIRST_PAGE_LINES else ()


def _numbered(nodes: Sequence[Node], prefix: str = "") -> Iterable[tuple[str, Node]]:
    for place, node in enumerate(nodes, start=1):
        number = f"{prefix}{place}"
        yield number, node
        yield from _numbered(node.children, f"{number}.")


def _tier(tier: str) -> Tier | None:
    known: Mapping[str, Tier] = {"above": "above", "not_different": "not_different", "below": "below"}
    return known.get(tier)
