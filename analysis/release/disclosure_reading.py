"""An edition as a reader with a linear program has it: what each total says of the figures that it hides.

This is the attack, not the defence: it reads published tables alone and knows nothing of how they were made safe. The
reader knows the tree, how totals are made, how many people a unit has, and what every edition of the same answers ever
showed. What totals take of each unit may be handed in by who holds the archive; then the reader knows it exactly.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.indices.profiles import score_range
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.disclosure_linear import Range, Statement, feasible_ranges
from analysis.release.edition import MODULE_SEPARATOR, Edition
from analysis.release.rows import ALL, BLOC_PREFIX, EstimateRow
from questionnaires.model import Profile, Questionnaire

STANDARDISED = "standardised"
# What a total takes of a unit at a criterion, by the codes of both.
Weights = Mapping[tuple[str, str], float]
# A unit and the code of a criterion.
Cell = tuple[str, str]

# Figures are computed from sums of many numbers, so their last digits say nothing.
_EXACT = 1e-7
# A reader who guesses what a unit weighs believes no total more than this part of its scale.
_GUESSED = 0.01


@dataclass(frozen=True, slots=True)
class HiddenFigure:
    """A hidden figure of a criterion: a reader knows that it lies in `low`..`high`, and `needed` is how wide that has
    to be. `shown_in` is the number of an earlier edition that shows it, and then there is nothing left to hide.
    """

    unit: str
    node: str
    reason: str
    low: float
    high: float
    needed: float
    shown_in: int | None = None

    @property
    def width(self) -> float:
        """How wide the range is."""
        return self.high - self.low

    @property
    def is_exposed(self) -> bool:
        """True when the range is narrower than it has to be, and no earlier edition showed the figure."""
        return self.shown_in is None and self.width < self.needed - 1e-6


@dataclass(frozen=True, slots=True)
class ReadTree:
    """One tree of an edition with what a reader needs to know of it."""

    tree: IndexTree
    profile: Profile
    scales: Mapping[str, Range]

    @property
    def criteria(self) -> tuple[str, ...]:
        """The codes of the criteria that the survey asks for; of two that count the same item the first."""
        first: dict[str, str] = {}
        for node in self.tree.nodes:
            if node.item is not None:
                first.setdefault(node.item, node.code)
        return tuple(first[item] for item in self.tree.items)

    def below(self, position: int) -> dict[str, float]:
        """The criteria under a node, each with what it counts for in it."""
        parts = self.tree.survey_coefficients[position].tolist()
        return {code: part for code, part in zip(self.criteria, parts, strict=True) if part}


def trees_of(edition: Edition) -> tuple[ReadTree, ...]:
    """The tree of the edition's own index and those of its modules."""
    host = edition.questionnaire
    profile = host.profile(edition.profile)
    own = [_read(host, profile, "")] if host.index is not None else []
    modules = [_read(one, one.profile(one.default_profile), one.name + MODULE_SEPARATOR) for one in host.modules]
    return (*own, *modules)


def hidden_figures(
    edition: Edition, earlier: Sequence[Edition] = (), weights: Weights | None = None, *, exactly: bool = False
) -> tuple[HiddenFigure, ...]:
    """The hidden figures of units, with the range that the edition leaves to each of them.

    `earlier` are editions of the same answers; others say nothing of these people and are passed over. Ranges that are
    wide enough are not followed to their ends unless they are wanted `exactly`. Nothing follows from the totals of a
    standardised profile, which hold shown units alone.
    """
    editions = [edition, *(other for other in earlier if _is_same_round(other, edition))]
    tables = [{(row.unit, row.node): row for row in one.estimates} for one in editions]
    known = {cell: row.estimate for rows in reversed(tables) for cell, row in rows.items() if row.estimate is not None}
    found: list[HiddenFigure] = []
    for read in trees_of(edition):
        found.extend(_Reader(tuple(editions), tuple(tables), known, read, weights).figures(exactly=exactly))
    return tuple(found)


def _read(questionnaire: Questionnaire, profile: Profile, prefix: str) -> ReadTree:
    tree = index_tree(questionnaire, profile).named(prefix)
    standardised = profile.formula == STANDARDISED
    scales = {
        node.code: (1.0, 10.0) if standardised else score_range([questionnaire.item(node.item)], profile)
        for node in tree.nodes
        if node.item is not None
    }
    return ReadTree(tree, profile, scales)


def _is_same_round(other: Edition, edition: Edition) -> bool:
    return other.archive_manifest_sha256 == edition.archive_manifest_sha256 and other.profile == edition.profile


@dataclass(frozen=True, slots=True)
class _Reader:
    """A reader of one tree's figures in an edition and in earlier ones of the same answers, with the `known` values."""

    editions: tuple[Edition, ...]
    tables: tuple[Mapping[Cell, EstimateRow], ...]
    known: Mapping[Cell, float]
    read: ReadTree
    weights: Weights | None

    def figures(self, *, exactly: bool) -> Iterator[HiddenFigure]:
        edition, rows = self.editions[0], self.tables[0]
        cells = [(unit.code, node) for unit in edition.units for node in self.read.criteria]
        hidden = {cell: row for cell in cells if (row := rows.get(cell)) is not None and row.suppressed}
        secret = {cell: self.read.scales[cell[1]] for cell in hidden if cell not in self.known}
        share = edition.plan.disclosure.protection / 100
        needed = {cell: (high - low) * share for cell, (low, high) in secret.items()}
        statements = list(self._statements(secret)) if secret else []
        ranges = feasible_ranges(secret, statements, None if exactly else needed)
        for cell, row in hidden.items():
            value = self.known.get(cell, 0.0)
            low, high = ranges.get(cell, (value, value))
            yield HiddenFigure(*cell, row.reason, low, high, needed.get(cell, 0.0), self._shown_in(cell))

    def _shown_in(self, cell: Cell) -> int | None:
        for edition, rows in zip(self.editions, self.tables, strict=True):
            if cell in rows and rows[cell].estimate is not None:
                return edition.number
        return None

    def _statements(self, secret: Mapping[Cell, Range]) -> Iterator[Statement]:
        # Scores that are mapped between extremes hang on shown units alone, and a hidden one has hidden parents.
        if self.read.profile.formula == STANDARDISED:
            return
        for edition, rows in zip(self.editions, self.tables, strict=True):
            yield from self._of_units(edition, rows, secret)
            yield from self._of_totals(edition, rows, secret)

    def _of_units(
        self, edition: Edition, rows: Mapping[Cell, EstimateRow], secret: Mapping[Cell, Range]
    ) -> Iterator[Statement]:
        """A unit's shown factor or index over hidden criteria."""
        for position, node in enumerate(self.read.tree.nodes):
            below = self.read.below(position)
            for unit in edition.units:
                row = rows.get((unit.code, node.code))
                if row is not None and row.estimate is not None and node.item is None:
                    parts = {(unit.code, code): part for code, part in below.items()}
                    yield from self._statement(row.estimate, parts, secret, _EXACT)

    def _of_totals(
        self, edition: Edition, rows: Mapping[Cell, EstimateRow], secret: Mapping[Cell, Range]
    ) -> Iterator[Statement]:
        counts_persons = edition.plan.aggregate == "persons"
        for owner in (*(BLOC_PREFIX + code for code, _ in edition.blocs), ALL):
            units = [unit.code for unit in edition.units if owner in (ALL, BLOC_PREFIX + unit.bloc_code)]
            trust = self._trust(owner, units, rows) if counts_persons and self.weights is None else 0.0
            members = {code: [unit for unit in units if _has_figure(rows, unit, code)] for code in self.read.criteria}
            for position, node in enumerate(self.read.tree.nodes):
                row, below = rows.get((owner, node.code)), self.read.below(position)
                if row is None or row.estimate is None or not below:
                    continue
                together = [unit for unit in units if all(_has_figure(rows, unit, code) for code in below)]
                if node.item is None and (counts_persons or self._is_implied(owner, rows, below, members, together)):
                    continue
                taken = self._taken(together, node.code, rows, counts_persons=counts_persons)
                parts = {(unit, code): taken[unit] * part for unit in together for code, part in below.items()}
                slack = max(_rounding(row, edition.plan.decimals), trust)
                yield from self._statement(row.estimate, parts, secret, slack)

    def _is_implied(
        self,
        owner: str,
        rows: Mapping[Cell, EstimateRow],
        below: Mapping[str, float],
        members: Mapping[str, Sequence[str]],
        together: Sequence[str],
    ) -> bool:
        """Whether a total follows from those of its criteria, which are shown and of the same units."""
        return all(rows[owner, code].estimate is not None and members[code] == together for code in below)

    def _statement(
        self, value: float, parts: Mapping[Cell, float], secret: Mapping[Cell, Range], slack: float
    ) -> Iterator[Statement]:
        """What a shown sum says of the hidden cells in it, if there are any."""
        inside: dict[Hashable, float] = {cell: part for cell, part in parts.items() if cell in secret and part}
        if inside:
            rest = value - sum(part * self.known.get(cell, 0.0) for cell, part in parts.items())
            yield Statement(inside, rest - slack, rest + slack)

    def _taken(
        self, members: Sequence[str], node: str, rows: Mapping[Cell, EstimateRow], *, counts_persons: bool
    ) -> dict[str, float]:
        """What a total takes of each unit; together one."""
        raw = dict.fromkeys(members, 1.0)
        if counts_persons and self.weights is not None:
            raw = {unit: self.weights.get((unit, node), 0.0) for unit in members}
        elif counts_persons:
            raw = self._guessed(members, node, rows)
        together = sum(raw.values())
        return {unit: weight / together if together else 0.0 for unit, weight in raw.items()}

    def _guessed(self, members: Sequence[str], node: str, rows: Mapping[Cell, EstimateRow]) -> dict[str, float]:
        """A unit's people, as far as they answered; where its people are not known, its respondents."""
        root = self.read.tree.codes[0]
        people = {unit.code: unit.population for unit in self.editions[0].units}
        are_known = all(people[unit] for unit in members)
        found = {}
        for unit in members:
            row, index = rows[unit, node], rows.get((unit, root))
            answered = row.n or self.editions[0].plan.suppress_below / 2
            asked = (index.n if index is not None else None) or answered
            found[unit] = (people[unit] or 0) * answered / asked if are_known else float(answered)
        return found

    def _trust(self, owner: str, units: Sequence[str], rows: Mapping[Cell, EstimateRow]) -> float:
        """How far such guesses are off where nothing is hidden, or what a careful reader would allow."""
        errors: list[float] = []
        for node in self.read.criteria:
            row = rows.get((owner, node))
            members = [unit for unit in units if _has_figure(rows, unit, node)]
            values = [self.known.get((unit, node)) for unit in members]
            if row is None or row.estimate is None or any(value is None for value in values):
                continue
            taken = self._taken(members, node, rows, counts_persons=True)
            mean = sum(taken[unit] * (value or 0.0) for unit, value in zip(members, values, strict=True))
            errors.append(abs(row.estimate - mean))
        low, high = next(iter(self.read.scales.values()), (0.0, 1.0))
        return max(errors, default=(high - low) * _GUESSED)


def _has_figure(rows: Mapping[Cell, EstimateRow], unit: str, node: str) -> bool:
    row = rows.get((unit, node))
    return row is not None and (row.estimate is not None or row.suppressed)


def _rounding(row: EstimateRow, decimals: int) -> float:
    """By how much the published figure may be off for its digits."""
    value = row.estimate or 0.0
    is_rounded = row.n_effective is None and row.deff is None and round(value, decimals) == value
    return 0.5 * 10.0**-decimals + _EXACT if is_rounded else _EXACT
