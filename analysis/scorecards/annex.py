"""The method annex of an edition: how its figures came about, as values, and how many people stand behind each unit."""

from dataclasses import dataclass
from typing import Any

from analysis.accounting import ALL
from analysis.release.context_rows import EarlierEdition
from analysis.release.edition import Edition
from analysis.release.edition_folder import HARD_CSV
from analysis.release.fieldwork import Fieldwork
from analysis.release.hard_data import HardValue, parse_hard_data
from analysis.release.rows import BLOC_PREFIX, ROOT, PublicAccountingRow
from analysis.scorecards.content import STANDARDISED, bloc_names
from analysis.scorecards.figures import most_decimals, numbered
from questionnaires.model import Band, Node, Profile, Questionnaire, Text


@dataclass(frozen=True, slots=True)
class AccountingLine:
    """What is published of one unit's counts: `counts` as invitations were accounted for, None where a unit has none of
    its own, and `n_counted`, the sheets or ratings behind its index, None where they are hidden.
    """

    code: str
    name: Text
    counts: PublicAccountingRow | None
    n_counted: int | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values a criterion was standardised in a bloc, in the criterion's own unit; None where none was."""

    number: str
    label: Text
    low: float | None
    high: float | None
    is_reversed: bool
    is_hard: bool


@dataclass(frozen=True, slots=True)
class HardTable:
    """The hard data of one indicator: each unit's figure with its source, in the order of the units."""

    number: str
    label: Text
    figures: tuple[tuple[Text, HardValue], ...]

    @property
    def common_source(self) -> str:
        """The source that all figures share, or nothing."""
        sources = {figure.source for _, figure in self.figures}
        return sources.pop() if len(sources) == 1 else ""

    @property
    def decimals(self) -> int:
        """How many decimals show every figure as it was written, so that they stand under each other."""
        return most_decimals(figure.value for _, figure in self.figures)


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """What of an edition sets its figures in context, for the annex to tell how it was made.

    `outcome` is the question of overall satisfaction that importance is measured by, None for the index itself;
    `n_importance` the fewest answers it rests on in a bloc, None where no importance is told. `subgroups` are the
    questions that split figures. `earlier` are the editions that this one is held against; `breaks` why a line through
    them is broken somewhere. `n_comments` texts of people are released.
    """

    outcome: Text | None
    n_importance: int | None
    subgroups: tuple[Text, ...]
    earlier: tuple[EarlierEdition, ...]
    breaks: tuple[str, ...]
    has_themes: bool
    n_comments: int

    @property
    def is_told(self) -> bool:
        """True when any of it is in the edition."""
        return bool(self.n_importance or self.subgroups or self.earlier or self.has_themes)


@dataclass(frozen=True, slots=True)
class Annex:
    """What the method annex says beside the edition's own facts.

    `lines` are the units', `total` the counts of the round; `coverage` the share of the people whose strata have
    answers, by bloc and (None) for all. `bounds` are those of each bloc under a standardised profile. `fieldwork` is
    None in editions that a former version wrote.
    """

    edition: Edition
    profile: Profile
    fieldwork: Fieldwork | None
    lines: tuple[AccountingLine, ...]
    total: PublicAccountingRow | None
    coverage: tuple[tuple[Text | None, float], ...]
    bounds: tuple[tuple[Text, tuple[Bounds, ...]], ...]
    bands: tuple[Band, ...]
    hard: tuple[HardTable, ...]
    household: Text | None
    calibrated: tuple[Text, ...]
    modules: tuple[Questionnaire, ...]
    context: ContextFacts

    @property
    def has_unit_counts(self) -> bool:
        """True when invitations were counted for each unit."""
        return any(line.counts is not None for line in self.lines)

    @property
    def has_eligible(self) -> bool:
        """True when the people who could be asked are known, of a unit or of the round."""
        rows = [self.total, *(line.counts for line in self.lines)]
        return any(row is not None and row.eligible is not None for row in rows)

    @property
    def is_standardised(self) -> bool:
        """True when units were mapped between the extremes of their bloc."""
        return self.profile.formula == STANDARDISED


def compose_annex(edition: Edition) -> Annex:
    """The method annex of an edition: a function of the edition alone."""
    questionnaire, fieldwork = edition.questionnaire, edition.fieldwork
    profile = questionnaire.profile(edition.profile)
    counts = {row.unit: row for row in edition.accounting}
    root_n = {row.unit: row.n for row in edition.estimates if row.node == ROOT}
    names = bloc_names(edition)
    tree = questionnaire.tree(edition.profile)
    nodes = [] if tree is None else [(number, node) for number, node in numbered(tree.children) if not node.children]
    coverage: list[tuple[Text | None, float]] = [
        (name, edition.coverage[BLOC_PREFIX + code])
        for code, name in names.items()
        if BLOC_PREFIX + code in edition.coverage
    ]
    if ALL in edition.coverage:
        coverage.append((None, edition.coverage[ALL]))
    return Annex(
        edition=edition,
        profile=profile,
        fieldwork=fieldwork,
        lines=tuple(
            AccountingLine(unit.code, unit.name, counts.get(unit.code), root_n.get(unit.code)) for unit in edition.units
        ),
        total=counts.get(ALL),
        coverage=tuple(coverage),
        bounds=_bounds(fieldwork, names, nodes),
        bands=profile.bands,
        hard=_hard_tables(edition, nodes),
        household=_item_text(questionnaire, fieldwork.household if fieldwork else None),
        calibrated=tuple(
            text for item in (fieldwork.calibrated if fieldwork else ()) if (text := _item_text(questionnaire, item))
        ),
        modules=questionnaire.modules,
        context=_context(edition),
    )


def _context(edition: Edition) -> ContextFacts:
    told = [row for row in edition.importance if row.importance is not None and row.n is not None]
    outcomes = {row.outcome for row in told}
    return ContextFacts(
        outcome=_item_text(edition.questionnaire, next(iter(outcomes))) if len(outcomes) == 1 else None,
        n_importance=min((row.n for row in told if row.n is not None), default=None),
        subgroups=tuple(
            text
            for item in dict.fromkeys(row.item for row in edition.subgroups)
            if (text := _item_text(edition.questionnaire, item))
        ),
        earlier=edition.earlier,
        breaks=tuple(sorted({row.break_reason for row in edition.history if row.break_reason})),
        has_themes=bool(edition.themes),
        n_comments=len(edition.comments),
    )


def _bounds(
    fieldwork: Fieldwork | None, names: dict[str, Text], nodes: list[tuple[str, Node]]
) -> tuple[tuple[Text, tuple[Bounds, ...]], ...]:
    if fieldwork is None or not fieldwork.extremes:
        return ()
    known = {(extreme.bloc, extreme.code): extreme for extreme in fieldwork.extremes}

    def one(bloc: str, number: str, node: Node) -> Bounds:
        found = known.get((bloc, node.item or node.code))
        ends: tuple[Any, Any] = (None, None) if found is None else (found.low, found.high)
        return Bounds(number, node.label, *ends, node.reversed, node.hard)

    return tuple((name, tuple(one(code, number, node) for number, node in nodes)) for code, name in names.items())


def _hard_tables(edition: Edition, nodes: list[tuple[str, Node]]) -> tuple[HardTable, ...]:
    if edition.hard_source is None:
        return ()
    rows = {(row.unit, row.indicator): row for row in parse_hard_data(edition.hard_source, HARD_CSV).rows}
    return tuple(
        HardTable(
            number,
            node.label,
            tuple((unit.name, rows[unit.code, node.code]) for unit in edition.units if (unit.code, node.code) in rows),
        )
        for number, node in nodes
        if node.hard
    )


def _item_text(questionnaire: Questionnaire, code: str | None) -> Text | None:
    return next((item.text for item in questionnaire.items if item.code == code), None)
