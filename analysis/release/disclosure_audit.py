"""The auditor: an edition looked at as a reader would, for anything that should not have left.

It reads the tables that are published, and what earlier editions of the same answers showed, and knows nothing of what
was hidden by which rule. A finding stops the publication.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.errors import AnalysisError
from analysis.release.context_audit import context_findings
from analysis.release.disclosure_reading import (
    STANDARDISED,
    HiddenFigure,
    ReadTree,
    Weights,
    hidden_figures,
    trees_of,
)
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST
from analysis.release.edition_tables import (
    ACCOUNTING_CSV,
    DIFFERENCES_CSV,
    DISTRIBUTIONS_CSV,
    ESTIMATES_CSV,
    FORMULAS_CSV,
    OPEN_LINK_CSV,
    RANKS_CSV,
)
from analysis.release.public_accounting import unsure_counts
from analysis.release.rows import ALL, BLOC_PREFIX, HARD, NO_ANSWERS, ROOT, EstimateRow
from analysis.sealed_folders import Finding

_AT_END = 1e-9
_NUMBERS = ("estimate", "se", "low", "high", "df", "n_effective", "deff")


class DisclosureError(AnalysisError):
    """An edition would tell what it hides."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an auditor found, and how far each hidden figure can be told."""

    findings: tuple[Finding, ...]
    figures: tuple[HiddenFigure, ...]


def audit(
    edition: Edition, earlier: Sequence[Edition] = (), weights: Weights | None = None, *, exactly: bool = False
) -> Audit:
    """Everything in an edition that a reader should not have, with what is known of each hidden figure.

    `earlier` are the editions that came before, of this round or others. What they gave away by themselves cannot be
    taken back and is no finding. `weights`, which follow from the archive, are what totals take of units; without them
    the reader guesses what the totals of persons take of each unit, and ranges that rest on guesses are no findings.
    With `exactly` each range is followed to its ends.
    """
    figures = hidden_figures(edition, earlier, weights, exactly=exactly)
    findings = [
        *_small_figures(edition),
        *_alike(edition),
        *_shown_beside_hidden(edition),
        *_spreads(edition),
        *_comparisons(edition),
        *_counts(edition),
        *_digits(edition),
        *_open_link(edition),
        *context_findings(edition),
        *(_ranges(figures, _given_away(edition, earlier, weights)) if _are_known(edition, weights) else ()),
    ]
    return Audit(tuple(findings), figures)


def refuse_exposures(edition: Edition, earlier: Sequence[Edition] = (), weights: Weights | None = None) -> None:
    """Raise DisclosureError with the first finding where an edition would tell what it hides."""
    findings = audit(edition, earlier, weights).findings
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise DisclosureError(f"disclosure: {findings[0]}{more}; nothing was published")


def _are_known(edition: Edition, weights: Weights | None) -> bool:
    return weights is not None or edition.plan.aggregate == "units"


def _place(table: str, *key: str) -> str:
    return f"{table}, {', '.join(part for part in key if part)}"


def _small_figures(edition: Edition) -> Iterator[Finding]:
    smallest = edition.plan.suppress_below
    for row in edition.estimates:
        place = _place(ESTIMATES_CSV, f"unit {row.unit}", f"node {row.node}")
        if row.n is not None and row.n < smallest and (row.n > 0 or row.estimate is not None):
            yield Finding(place, f"n {row.n}", f"none, or at least {smallest}")
        if row.estimate is not None and row.n is None and row.method != HARD:
            yield Finding(place, "a figure without the number of its answers", f"at least {smallest} of them")
        shown = [name for name in _NUMBERS if row.suppressed and getattr(row, name) is not None]
        if shown:
            yield Finding(place, f"{shown[0]} of a hidden figure", "nothing")


def _alike(edition: Edition) -> Iterator[Finding]:
    """Figures of few people that stand at the end of their scale, which everybody's answer does then."""
    plan = edition.plan
    for read in trees_of(edition):
        if read.profile.formula == STANDARDISED:
            continue
        for row in edition.estimates:
            if row.estimate is None or row.node not in read.scales or (row.n or 0) >= plan.caution_below:
                continue
            low, high = read.scales[row.node]
            is_at_end = row.estimate <= low + _AT_END
            if is_at_end or (plan.disclosure.unanimity == "both" and row.estimate >= high - _AT_END):
                place = _place(ESTIMATES_CSV, f"unit {row.unit}", f"node {row.node}")
                yield Finding(place, f"{row.estimate:g} of {row.n} answers", "nothing: it is everybody's answer")


def _shown_beside_hidden(edition: Edition) -> Iterator[Finding]:
    rows = {(row.unit, row.node): row for row in edition.estimates}
    owners = list(dict.fromkeys(row.unit for row in edition.estimates))
    for read in trees_of(edition):
        for position, node in enumerate(read.tree.nodes):
            if node.item is not None:
                continue
            for owner in owners:
                row = rows.get((owner, node.code))
                if row is not None:
                    below = [found for code in read.below(position) if (found := rows.get((owner, code))) is not None]
                    yield from _of_parent(row, below, read)


def _of_parent(row: EstimateRow, below: Sequence[EstimateRow], read: ReadTree) -> Iterator[Finding]:
    place = _place(ESTIMATES_CSV, f"unit {row.unit}", f"node {row.node}")
    hidden = [child.node for child in below if child.suppressed]
    if row.estimate is not None and hidden:
        yield Finding(place, f"a figure over the hidden {hidden[0]}", "none: with its neighbours it gives that back")
    # Scores of hard data are shown wherever there is one, and the criteria of the survey alone do not make a sum. What
    # the totals of criteria say of a total above them is no secret: it is hidden where other units are in it.
    is_whole = not read.tree.hard and below and all(child.estimate is not None for child in below)
    if row.suppressed and is_whole and row.unit != ALL and not row.unit.startswith(BLOC_PREFIX):
        yield Finding(place, "hidden over criteria that are shown", "a hidden criterion: these give it back")


def _spreads(edition: Edition) -> Iterator[Finding]:
    plan = edition.plan
    rows = {(row.unit, row.node): row for row in edition.estimates}
    criteria = {read.tree.items[k]: code for read in trees_of(edition) for k, code in enumerate(read.criteria)}
    kept_back: dict[str, set[str]] = {}
    for spread in edition.distributions:
        if spread.suppressed:
            kept_back.setdefault(spread.item, set()).add(spread.unit)
    hold_hidden = edition.profile_of("index").formula != STANDARDISED
    for spread in edition.distributions:
        if spread.share is None:
            continue
        place = _place(DISTRIBUTIONS_CSV, f"unit {spread.unit}", f"item {spread.item}")
        row = rows.get((spread.unit, criteria.get(spread.item, "")))
        if row is None or row.estimate is None:
            yield Finding(place, "shares", "nothing: the criterion has no figure")
        elif spread.n is None or spread.n < plan.suppress_below:
            yield Finding(place, f"shares of {spread.n or 'too few'} answers", f"at least {plan.suppress_below}")
        elif spread.n < plan.caution_below and spread.share > plan.disclosure.alike:
            yield Finding(place, f"a share of {spread.share:g} of {spread.n} answers", "nothing: it is everybody's")
        elif hold_hidden and spread.unit.startswith(BLOC_PREFIX) | (spread.unit == ALL):
            inside = {unit.code for unit in edition.units if spread.unit in (ALL, BLOC_PREFIX + unit.bloc_code)}
            within = sorted(inside & kept_back.get(spread.item, set()))
            if within:
                yield Finding(
                    place, f"shares over the hidden ones of {within[0]}", "none: a share of nothing is theirs"
                )


def _comparisons(edition: Edition) -> Iterator[Finding]:
    """Ranks, differences and other formulas of what is hidden."""
    rows = {(row.unit, row.node): row for row in edition.estimates}

    def is_shown(unit: str, node: str) -> bool:
        row = rows.get((unit, node))
        return row is not None and row.estimate is not None

    for rank in edition.ranks:
        if not is_shown(rank.unit, "index"):
            yield Finding(_place(RANKS_CSV, f"unit {rank.unit}"), "a rank", "none: the index is hidden")
    for row in edition.differences:
        if row.difference is not None and not is_shown(row.unit, row.node):
            place = _place(DIFFERENCES_CSV, f"unit {row.unit}", f"node {row.node}")
            yield Finding(place, "a difference", "none: the figure is hidden")
    for formula in edition.formulas:
        if formula.estimate is not None and not is_shown(formula.unit, "index"):
            place = _place(FORMULAS_CSV, f"unit {formula.unit}", f"formula {formula.formula}")
            yield Finding(place, "an index", "none: the index is hidden")


def _counts(edition: Edition) -> Iterator[Finding]:
    smallest, protection = edition.plan.suppress_below, edition.plan.disclosure.protection
    for row in edition.accounting:
        for column in ("eligible", "issued", "spent", "sealed"):
            count = getattr(row, column)
            if count is not None and 0 < count < smallest:
                place = _place(ACCOUNTING_CSV, f"unit {row.unit}", f"column {column}")
                yield Finding(place, str(count), f"nothing, or at least {smallest}")
    small = sum(row.spent is None for row in edition.accounting if row.unit != ALL)
    if small < sum(row.unit != ALL for row in edition.accounting):
        for (unit, column), (low, high) in unsure_counts(edition.accounting).items():
            if high - low < protection - 1e-6:
                place = _place(ACCOUNTING_CSV, f"unit {unit}", f"column {column}")
                yield Finding(place, f"a hidden count between {low:g} and {high:g}", f"{protection:g} apart at least")
    for channel, count in edition.fieldwork.channels if edition.fieldwork is not None else ():
        if count < smallest:
            yield Finding(_place(MANIFEST, "fieldwork", f"channel {channel}"), str(count), f"at least {smallest}")


def _digits(edition: Edition) -> Iterator[Finding]:
    """Totals that hidden units are in, with more digits than pages have: those tell which small counts make them up."""
    if edition.profile_of(ROOT).formula == STANDARDISED:
        return
    decimals = edition.plan.decimals
    bloc_of = {unit.code: BLOC_PREFIX + unit.bloc_code for unit in edition.units}
    over = {
        (owner, row.node)
        for row in edition.estimates
        if row.suppressed and row.unit in bloc_of and row.reason != NO_ANSWERS
        for owner in (bloc_of[row.unit], ALL)
    }
    told = [
        (_place(ESTIMATES_CSV, f"unit {r.unit}", f"node {r.node}"), r.estimate, (r.unit, r.node))
        for r in edition.estimates
    ]
    told += [
        (_place(FORMULAS_CSV, f"unit {r.unit}", f"formula {r.formula}"), r.estimate, (r.unit, ROOT))
        for r in edition.formulas
    ]
    for place, value, cell in told:
        if cell in over and value is not None and round(value, decimals) != value:
            yield Finding(place, f"{value!r} over hidden figures", f"{decimals} decimals")


def _open_link(edition: Edition) -> Iterator[Finding]:
    """Answers of an open link, which are counted by themselves."""
    smallest = edition.plan.suppress_below
    for row in edition.open_link:
        place = _place(OPEN_LINK_CSV, f"unit {row.unit}", f"node {row.node}")
        if row.n is not None and 0 < row.n < smallest:
            yield Finding(place, f"n {row.n}", f"none, or at least {smallest}")
        if row.mean is not None and row.n is None:
            yield Finding(place, "a figure of too few", f"one of {smallest} at least")


def _given_away(edition: Edition, earlier: Sequence[Edition], weights: Weights | None) -> set[tuple[str, str]]:
    """What earlier editions of the same answers tell without this one."""
    same = [one for one in earlier if one.archive_manifest_sha256 == edition.archive_manifest_sha256]
    if not same:
        return set()
    return {(figure.unit, figure.node) for figure in hidden_figures(same[-1], same[:-1], weights) if figure.is_exposed}


def _ranges(figures: Sequence[HiddenFigure], given_away: set[tuple[str, str]]) -> Iterator[Finding]:
    for figure in figures:
        if figure.is_exposed and (figure.unit, figure.node) not in given_away:
            yield Finding(
                _place(ESTIMATES_CSV, f"unit {figure.unit}", f"node {figure.node}"),
                f"a hidden figure that can be told to lie in {figure.low:.2f}..{figure.high:.2f}",
                f"a range of {figure.needed:g} at least",
            )
