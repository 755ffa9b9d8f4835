"""What the public pages show of an edition, beside what its composer already says."""

from collections.abc import Iterable, Sequence

from analysis.release.edition import Edition
from analysis.release.row_files import cell_text, column_names
from analysis.release.rows import EstimateRow
from analysis.scorecards.charts import nice_bounds
from analysis.scorecards.content import Composer, League, Scorecard
from analysis.scorecards.drawing import whole_scale
from analysis.scorecards.figures import NodeLine
from survey.texts import date, number, percent
from survey.web.pages import catalogue_of
from survey.web.spreadsheets import csv_bytes

# The printed document that tells how an edition came about.
METHOD_ANNEX = "method"
# The one that sums a round up for the province.
PROVINCE = "province"
# What is said of answers that did not come from people who answered here.
COLLECTED = {"elsewhere": "elsewhere_text", "simulated": "simulated_text"}
KNOWN_REASONS = frozenset(
    {
        "too_few_respondents", "too_few_answers", "dominance", "answers_alike", "complementary",
        "no_answers", "one_cluster", "no_population", "no_hard_data", "one_unit", "same_extremes", "no_units",
    }
)  # fmt: skip

# The key of the title, the key of the first column, the lines, and the ticks of the charts.
UnitTable = tuple[str, str, tuple[NodeLine, ...], tuple[float, ...]]


def leagues_of(composer: Composer) -> tuple[League, ...]:
    """The league of each bloc, in the order of the edition."""
    return tuple(composer.league(code) for code, _ in composer.edition.blocs)


def unit_tables(card: Scorecard) -> tuple[UnitTable, ...]:
    """The tables of a unit's page, none when no line of them is shown; the charts of a table share one scale."""
    if not any(line.figure.is_shown for line in card.lines):
        return ()
    has_factors = any(line.kind == "factor" for line in card.lines)
    tables: list[tuple[str, str, tuple[NodeLine, ...]]] = [("criteria_title", "col_criterion", card.lines)]
    if has_factors:
        tables.insert(0, ("factors_title", "col_factor", card.factors))
    return tuple((title, column, lines, bounds_of(lines)) for title, column, lines in tables)


def highlights(card: Scorecard) -> tuple[tuple[str, NodeLine], ...]:
    """The criteria that a test found to differ most from the bloc: (key of the sentence, line), at most one each way.

    The largest difference of a unit may be chance, so a criterion that was not found to differ is never pointed at.
    """
    found = [line for line in card.lines if line.kind == "criterion" and line.difference is not None]
    higher = [line for line in found if line.verdict == "higher"]
    lower = [line for line in found if line.verdict == "lower"]
    chosen = []
    if higher:
        chosen.append(("verdict_strongest", max(higher, key=lambda line: line.difference or 0.0)))
    if lower:
        chosen.append(("verdict_weakest", min(lower, key=lambda line: line.difference or 0.0)))
    return tuple(chosen)


def level_text(edition: Edition, language: str) -> str:
    """The confidence level as people write it, 95% or 97,5%."""
    level = edition.plan.level
    return percent(level, 0 if abs(level * 100 - round(level * 100)) < 1e-9 else 1, language)


def facts_of(edition: Edition, language: str) -> tuple[tuple[str, str], ...]:
    """Who asked, when and how many answered: (key of the label, what it is)."""
    facts, counts = edition.facts, edition.counts
    rows: list[tuple[str, str]] = [
        ("issuer_label", facts.issuer.in_language(language)),
        ("decision_label", facts.decision),
        ("fieldwork_label", f"{date(facts.opens_on, language)} – {date(facts.closes_on, language)}"),
        ("hotline_label", facts.hotline),
    ]
    rows.append(("answers_label", number(counts.sealed, 0, language)))
    if facts.collected != "elsewhere" and counts.issued:
        rows.append(("invited_label", number(counts.issued, 0, language)))
        rows.append(("rate_label", percent(counts.spent / counts.issued, 1, language)))
    if facts.collected in COLLECTED:
        rows.append(("elsewhere_label", catalogue_of("public").text(COLLECTED[facts.collected], language)))
    rows += [
        ("questionnaire_label", ", ".join([edition.questionnaire.reference, *_modules_of(edition)])),
        ("published_label", date(edition.published_on, language)),
        ("edition_label", str(edition.number)),
        ("archive_label", edition.archive_manifest_sha256),
    ]
    return tuple((key, value) for key, value in rows if value)


def rows_csv(rows: Iterable[EstimateRow]) -> bytes:
    """The rows as a CSV file for people: the columns of `estimates.csv`, a byte order mark, nothing that is run."""
    names = column_names(EstimateRow)
    return csv_bytes(names, ([_cell(getattr(row, name)) for name in names] for row in rows))


def _modules_of(edition: Edition) -> list[str]:
    return [module.reference for module in edition.questionnaire.modules]


def _cell(value: object) -> str | int | float | None:
    # The spelling of the published table; a number stays one, so that no apostrophe is put in front of it.
    return value if isinstance(value, int | float) and not isinstance(value, bool) else cell_text(value)


def bounds_of(lines: Sequence[NodeLine]) -> tuple[float, ...]:
    """The ticks of an axis that holds all of these lines, beside their bloc's."""
    low, high = lines[0].scale if lines else (0.0, 100.0)
    if low > 0:
        return whole_scale(lines)
    figures = [figure for line in lines for figure in (line.figure, line.bloc)]
    ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end is not None]
    return nice_bounds(ends, floor_at=low, ceiling_at=high)
