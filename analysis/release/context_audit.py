"""The auditor's look at what sets figures in context: importance, subgroups, changes, and what people wrote.

As the rest of the audit it reads published tables as a reader does, and knows nothing of the rules that made them.
"""

from collections.abc import Iterator
from itertools import groupby

from analysis.release.edition import Edition
from analysis.release.edition_tables import CHANGES_CSV, COMMENTS_CSV, IMPORTANCE_CSV, SUBGROUPS_CSV, THEMES_CSV
from analysis.release.rows import ALL, BLOC_PREFIX, EstimateRow
from analysis.sealed_folders import Finding

# So many comments stand behind a theme, and so many respondents behind an importance, at least.
FEWEST_COMMENTS, FEWEST_FOR_IMPORTANCE = 10, 100
_NUMBERS = ("estimate", "se", "low", "high", "df", "n")


def context_findings(edition: Edition) -> Iterator[Finding]:
    """Everything in these tables that a reader should not have."""
    yield from _importance(edition)
    rows = {(row.unit, row.node): row for row in edition.estimates}
    yield from _subgroups(edition, rows)
    yield from _remainders(edition, rows)
    yield from _changes(edition, rows)
    yield from _voices(edition)


def _importance(edition: Edition) -> Iterator[Finding]:
    for row in edition.importance:
        place = f"{IMPORTANCE_CSV}, bloc {row.bloc}, node {row.node}"
        if row.n is not None and row.n < edition.plan.suppress_below:
            yield Finding(place, f"n {row.n}", f"none, or at least {edition.plan.suppress_below}")
        if row.importance is not None and (row.n or 0) < FEWEST_FOR_IMPORTANCE:
            yield Finding(place, f"a share of {row.n} respondents", f"one of {FEWEST_FOR_IMPORTANCE} at least")


def _subgroups(edition: Edition, rows: dict[tuple[str, str], EstimateRow]) -> Iterator[Finding]:
    smallest, decimals = edition.plan.suppress_below, edition.plan.decimals
    for row in edition.subgroups:
        place = f"{SUBGROUPS_CSV}, unit {row.unit}, item {row.item}, option {row.option}, node {row.node}"
        if row.n is not None and row.n < smallest:
            yield Finding(place, f"n {row.n}", f"none, or at least {smallest}")
        shown = [name for name in _NUMBERS if row.suppressed and getattr(row, name) is not None]
        if shown:
            yield Finding(place, f"{shown[0]} of a hidden figure", "nothing")
        if row.estimate is None:
            continue
        if row.n is None:
            yield Finding(place, "a figure without the number of its people", f"at least {smallest} of them")
        if round(row.estimate, decimals) != row.estimate:
            yield Finding(place, f"{row.estimate!r}", f"{decimals} decimals")
        whole = rows.get((row.unit, row.node))
        if whole is None or whole.estimate is None:
            yield Finding(place, "a figure", f"none: that of {row.unit} is hidden")


def _remainders(edition: Edition, rows: dict[tuple[str, str], EstimateRow]) -> Iterator[Finding]:
    """Few people of a unit beside its shown groups: what its own figure and theirs tell of those.

    The reader takes everybody in a unit to weigh alike.
    """
    smallest = edition.plan.suppress_below
    half = 0.5 * 10.0**-edition.plan.decimals
    units = [row for row in edition.subgroups if row.unit != ALL and not row.unit.startswith(BLOC_PREFIX)]
    units.sort(key=lambda row: (row.unit, row.item, row.node))
    for (unit, item, node), members in groupby(units, key=lambda row: (row.unit, row.item, row.node)):
        whole = rows.get((unit, node))
        shown = [row for row in members if row.estimate is not None]
        if whole is None or whole.estimate is None or whole.n is None or not shown:
            continue
        n_shown = sum(row.n or 0 for row in shown)
        n_rest = whole.n - n_shown
        if not 0 < n_rest < smallest:
            continue
        low, high = edition.scale_of(node)
        rest = whole.estimate * whole.n - sum((row.estimate or 0.0) * (row.n or 0) for row in shown)
        slack = half * n_shown
        width = min((rest + slack) / n_rest, high) - max((rest - slack) / n_rest, low)
        needed = (high - low) * edition.plan.disclosure.protection / 100
        # People who weigh differently, or who left out single questions, lead such a reader off the scale.
        if 0 <= width < needed - 1e-6:
            yield Finding(
                f"{SUBGROUPS_CSV}, unit {unit}, item {item}, node {node}",
                f"{n_rest} people whose figure can be told to within {width:.2f}",
                f"a range of {needed:g} at least",
            )


def _changes(edition: Edition, rows: dict[tuple[str, str], EstimateRow]) -> Iterator[Finding]:
    for row in edition.changes:
        now = rows.get((row.unit, row.node))
        if row.change is not None and (now is None or now.estimate is None):
            place = f"{CHANGES_CSV}, unit {row.unit}, node {row.node}, since {row.earlier}"
            yield Finding(place, "a change", "none: the figure is hidden")


def _voices(edition: Edition) -> Iterator[Finding]:
    themes = {(row.unit, row.theme) for row in edition.themes}
    for theme in edition.themes:
        if theme.n < FEWEST_COMMENTS:
            place = f"{THEMES_CSV}, unit {theme.unit}, theme {theme.theme}"
            yield Finding(place, f"{theme.n} comments", f"{FEWEST_COMMENTS} at least")
    for unit, theme_code in dict.fromkeys((row.unit, row.theme) for row in edition.comments):
        if (unit, theme_code) not in themes:
            place = f"{COMMENTS_CSV}, unit {unit}, theme {theme_code}"
            yield Finding(place, "comments", f"none of fewer than {FEWEST_COMMENTS}")
