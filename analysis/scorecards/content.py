"""What stands on a scorecard and in a league: values and keys drawn from one edition, no sentences and no layout.

Everything here is a pure function of the edition. A composer reads the edition's rows once; composing each of its units
then costs no more than the rows of that unit and its bloc.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.errors import EditionError
from analysis.release.edition import MODULE_SEPARATOR, Edition
from analysis.release.edition_folder import HARD_CSV
from analysis.release.hard_data import HardValue, parse_hard_data
from analysis.release.rows import ALL, BLOC_PREFIX, ROOT, DifferenceRow, DistributionRow, EstimateRow, RankRow
from analysis.scorecards.cards import (
    Distribution,
    DistributionGroup,
    League,
    Member,
    Participation,
    Scorecard,
    Tier,
)
from analysis.scorecards.comparison import Comparison, difference_of, former_comparisons, verdict_of
from analysis.scorecards.context import Surroundings
from analysis.scorecards.figures import ABSENT, Figure, ModuleBlock, NodeLine, figure_of, numbered
from questionnaires.model import Band, Option, Questionnaire, Text

__all__ = [
    "Composer",
    "Distribution",
    "DistributionGroup",
    "League",
    "Member",
    "Participation",
    "Scorecard",
    "Tier",
    "bloc_names",
    "compose_league",
    "compose_scorecard",
    "highlights",
    "is_equally_weighted",
]

N_HIGHLIGHTS = 4
MOST_FIRST_PAGE_LINES = 16
STANDARDISED = "standardised"


class Composer:
    """Composes the scorecards and leagues of one edition, whose rows it has sorted by unit, bloc and item."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._rows: dict[str, dict[str, EstimateRow]] = defaultdict(dict)
        for row in edition.estimates:
            self._rows[row.unit][row.node] = row
        self._differences: dict[str, list[DifferenceRow]] = defaultdict(list)
        for found in edition.differences:
            self._differences[found.unit].append(found)
        self._ranks: dict[str, RankRow] = {row.unit: row for row in edition.ranks}
        self._units = {unit.code: unit for unit in edition.units}
        self._bloc_names = bloc_names(edition)
        self._root = edition.questionnaire.tree(edition.profile)
        hard = () if edition.hard_source is None else parse_hard_data(edition.hard_source, HARD_CSV).rows
        self._hard: dict[tuple[str, str], HardValue] = {(row.unit, row.indicator): row for row in hard}
        self._members = {code: self._members_of(code) for code, _ in edition.blocs}
        self._distributions: dict[str, dict[str, list[DistributionRow]]] = defaultdict(lambda: defaultdict(list))
        for share in edition.distributions:
            self._distributions[share.unit][share.item].append(share)
        self._surroundings = Surroundings(edition)

    def scorecard(self, unit_code: str, *, with_comments: bool = False) -> Scorecard:
        """The scorecard of one unit; raises EditionError when the edition has no such unit.

        Only the unit itself and the office are shown what people wrote: `with_comments` is theirs to ask for.
        """
        unit = self._units.get(unit_code)
        if unit is None:
            raise EditionError(f"the edition of {self.edition.facts.slug} holds no unit {unit_code}")
        members = self._members[unit.bloc_code]
        ranked = tuple(member for member in members if member.figure.is_shown)
        member = self._alone(next(member for member in members if member.code == unit_code))
        lines = self._lines(unit_code, unit.bloc_code)
        # Beside itself alone a unit would differ from its bloc by nothing, which looks like a finding.
        is_compared = member.figure.is_shown and len(ranked) > 1
        strongest, weakest = highlights(lines, by_difference=is_compared)
        card = Scorecard(
            edition=self.edition,
            member=member,
            bloc_code=unit.bloc_code,
            bloc_name=self._bloc_names[unit.bloc_code],
            scale=self.edition.scale_of(),
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
            modules=self.modules_of(unit_code, BLOC_PREFIX + unit.bloc_code),
        )
        return replace(card, context=self._surroundings.of(card, with_comments=with_comments))

    def has_comments(self, unit_code: str) -> bool:
        """True when released comments on the unit are part of the edition."""
        return self._surroundings.has_comments(unit_code)

    def league(self, bloc_code: str) -> League:
        """The league of one bloc; raises EditionError when the edition has no such bloc."""
        if bloc_code not in self._bloc_names:
            raise EditionError(f"the edition of {self.edition.facts.slug} holds no bloc {bloc_code}")
        members = self._members[bloc_code]
        return League(
            edition=self.edition,
            bloc_code=bloc_code,
            bloc_name=self._bloc_names[bloc_code],
            scale=self.edition.scale_of(),
            bloc_index=self._figure(BLOC_PREFIX + bloc_code, ROOT),
            ranked=tuple(member for member in members if member.figure.is_shown),
            unranked=tuple(member for member in members if not member.figure.is_shown),
            modules=self.modules_of(BLOC_PREFIX + bloc_code),
        )

    def modules_of(self, owner: str, beside: str | None = None) -> tuple[ModuleBlock, ...]:
        """What the modules found for a unit, `bloc:CODE` or `all`, and for another such owner beside it.

        In a round whose sheets rate several units there are figures of the whole round alone, and these are given.
        """
        return tuple(self._module(module, owner, beside) for module in self.edition.questionnaire.modules)

    def _figure(self, unit: str, node: str) -> Figure:
        row = self._rows.get(unit, {}).get(node)
        return ABSENT if row is None else figure_of(row)

    def _bands(self, figure: Figure) -> tuple[Band | None, Band | None, Band | None]:
        value, low, high = (
            None if end is None else self.edition.band_of(end) for end in (figure.value, figure.low, figure.high)
        )
        return value, low, high

    def _module(self, module: Questionnaire, owner: str, beside: str | None) -> ModuleBlock:
        prefix = module.name + MODULE_SEPARATOR
        is_known = prefix + ROOT in self._rows.get(owner, {})
        owner, beside = (owner, beside) if is_known else (ALL, None)
        root = module.tree(module.default_profile)
        if root is None:
            raise EditionError(f"the module {module.reference} has no tree, expected one to show")
        nodes = [("", root), *numbered(root.children)]
        lines = [
            NodeLine(
                code=prefix + node.code,
                number=number,
                kind=node.kind,
                label=node.label,
                short_label=node.short_label,
                weight=node.weight,
                figure=self._figure(owner, prefix + node.code),
                bloc=ABSENT if beside is None else self._figure(beside, prefix + node.code),
                difference=None,
                verdict="not_tested",
                scale=self.edition.scale_of(prefix + node.code),
                is_reversed=node.reversed,
            )
            for number, node in nodes
        ]
        model = Text(*(module.display_name(module.default_profile, language) for language in ("vi", "en")))
        return ModuleBlock(module.name, module.title, model, root.label, lines[0], tuple(lines[1:]), beside is not None)

    def _members_of(self, bloc_code: str) -> tuple[Member, ...]:
        members = []
        for unit in self.edition.units:
            if unit.bloc_code != bloc_code:
                continue
            figure, rank = self._figure(unit.code, ROOT), self._ranks.get(unit.code)
            bands = self._bands(figure)
            if rank is None or not figure.is_shown:
                members.append(Member(unit.code, unit.name, figure, None, None, None, None, *bands))
            else:
                places = rank.rank, rank.rank_low, rank.rank_high
                members.append(Member(unit.code, unit.name, figure, *places, _tier(rank.tier), *bands))
        # Equal values stand in the order of their codes, so that the same edition always prints the same page.
        return tuple(
            sorted(
                members, key=lambda member: (member.figure.value is None, -(member.figure.value or 0.0), member.code)
            )
        )

    def _alone(self, member: Member) -> Member:
        """The unit with the ranks it may hold when it is looked at alone; editions of former formats do not know."""
        rank = self._ranks.get(member.code)
        if member.rank is None or rank is None or rank.own_low is None or rank.own_high is None:
            return member
        return replace(member, rank_low=rank.own_low, rank_high=rank.own_high)

    def _lines(self, unit_code: str, bloc_code: str) -> tuple[NodeLine, ...]:
        nodes = [] if self._root is None else list(numbered(self._root.children))
        unit_rows, bloc_rows = self._rows.get(unit_code, {}), self._rows.get(BLOC_PREFIX + bloc_code, {})
        pairs = {node.code: (unit_rows.get(node.code), bloc_rows.get(node.code)) for _, node in nodes}
        if sum(unit.bloc_code == bloc_code for unit in self.edition.units) < 2:
            pairs = {}
        found = {row.node: row for row in self._differences.get(unit_code, ())}
        if self.edition.differences:
            verdicts = {
                node: Comparison(difference_of(*pair), verdict_of(found.get(node))) for node, pair in pairs.items()
            }
        else:
            verdicts = former_comparisons(
                pairs,
                groups=[[node.code for _, node in nodes if node.kind == kind] for kind in ("factor", "criterion")],
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
                scale=self.edition.scale_of(node.code),
                is_reversed=node.reversed,
                hard_value=self._hard[unit_code, node.code].value if (unit_code, node.code) in self._hard else None,
                hard_source=self._hard[unit_code, node.code].source if (unit_code, node.code) in self._hard else "",
            )
            for number, node in nodes
        )

    def _distributions_of(self, unit_code: str) -> tuple[DistributionGroup, ...]:
        questionnaire = self.edition.questionnaire
        by_item = self._distributions.get(unit_code, {})
        groups: dict[tuple[Option, ...], list[Distribution]] = {}
        for number, node in () if self._root is None else numbered(self._root.children):
            rows = by_item.get(node.item, []) if node.item is not None else []
            if node.item is None or not rows or any(row.suppressed or row.share is None for row in rows):
                continue
            shares = {row.option: row.share for row in rows}
            options = tuple(
                sorted(
                    (option for option in questionnaire.item(node.item).options if option.value is not None),
                    key=lambda option: option.value or 0.0,
                    reverse=node.reversed,
                )
            )
            n_answers = max(row.n or 0 for row in rows)
            counted = tuple(shares.get(option.code) or 0.0 for option in options)
            groups.setdefault(options, []).append(Distribution(number, node.short_label, counted, n_answers))
        return tuple(DistributionGroup(options, tuple(members)) for options, members in groups.items())

    def _participation(self, figure: Figure) -> Participation:
        counts, is_ours = self.edition.counts, self.edition.facts.collected != "elsewhere"
        return Participation(figure.n, counts.sealed, counts.issued if is_ours else None)


def compose_scorecard(edition: Edition, unit_code: str) -> Scorecard:
    """The scorecard of one unit; who composes many of one edition keeps a Composer."""
    return Composer(edition).scorecard(unit_code)


def compose_league(edition: Edition, bloc_code: str) -> League:
    """The league of one bloc."""
    return Composer(edition).league(bloc_code)


def bloc_names(edition: Edition) -> dict[str, Text]:
    """The name of each bloc by its code, in the order of the units; Vietnamese where no English one was given."""
    return {unit.bloc_code: Text(unit.bloc_name, unit.bloc_name_en or unit.bloc_name) for unit in edition.units}


def is_equally_weighted(questionnaire: Questionnaire, profile: str | None = None) -> bool:
    """True when the children of every node that the profile counts weigh the same."""
    return all(len({child.weight for child in node.children}) <= 1 for node in questionnaire.nodes(profile))


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


def _tier(tier: str) -> Tier | None:
    known: Mapping[str, Tier] = {"above": "above", "not_different": "not_different", "below": "below"}
    return known.get(tier)
