"""The page of indices that others published: grouped by index and bloc, newest first, with the breaks between years."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.scorecards.charts import Scale, Tick, nice_bounds
from survey.published_scores import PublishedIndices, PublishedScore, SeriesBreak

# A chart of fewer years says no more than the table.
LEAST_YEARS = 3
MANY_TICKS = 6
_TOP, _BOTTOM = 22.0, 140.0
# Percent of the width; the labels of the axis stand at the left.
_LEFT, _RIGHT = 9.0, 99.0


@dataclass(frozen=True, slots=True)
class YearDot:
    """A score of a year: its place from the left in percent, from the top in points, and how it was printed."""

    x: float
    y: float
    year: int
    score: str
    is_joined: bool
    before: "tuple[float, float] | None"


@dataclass(frozen=True, slots=True)
class YearChart:
    """One unit's scores by year; years next to each other are joined unless the series breaks between them."""

    years: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    dots: tuple[YearDot, ...]
    breaks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class YearLines:
    """The lines of one year, and the breaks that lie between it and the years before."""

    year: int
    scores: tuple[PublishedScore, ...]
    breaks_before: tuple[SeriesBreak, ...]


@dataclass(frozen=True, slots=True)
class YearTable:
    """A bloc of an index: its years newest first, the breaks after its last year, a chart where it is one unit's."""

    bloc_vi: str
    bloc_en: str
    breaks_since: tuple[SeriesBreak, ...]
    years: tuple[YearLines, ...]
    chart: YearChart | None
    has_scores: bool
    is_one_unit: bool


@dataclass(frozen=True, slots=True)
class IndexSection:
    """All that is known of one index."""

    index: str
    key: str
    blocs: tuple[YearTable, ...]


def sections_of(published: PublishedIndices) -> tuple[IndexSection, ...]:
    """The indices in the order in which they first appear, those of which there is a chart before the others; so are
    the blocs of each.
    """
    sections = []
    for index in dict.fromkeys(score.index for score in published.scores):
        of_index = [score for score in published.scores if score.index == index]
        tables = [
            _table([score for score in of_index if score.bloc.vi == bloc], published.breaks)
            for bloc in dict.fromkeys(score.bloc.vi for score in of_index)
        ]
        tables.sort(key=lambda table: (table.chart is None, -sum(len(year.scores) for year in table.years)))
        sections.append(IndexSection(index, f"published_{index.lower().replace('-', '_')}", tuple(tables)))
    return tuple(sorted(sections, key=lambda section: section.blocs[0].chart is None))


def _table(scores: Sequence[PublishedScore], breaks: Sequence[SeriesBreak]) -> YearTable:
    index, bloc = scores[0].index, scores[0].bloc
    years = sorted({score.year for score in scores}, reverse=True)
    ours = [found for found in breaks if found.concerns(index, bloc.vi)]
    lines = []
    for place, year in enumerate(years):
        earlier = years[place + 1] if place + 1 < len(years) else None
        between = tuple(found for found in ours if earlier is not None and earlier < found.year <= year)
        lines.append(YearLines(year, tuple(score for score in scores if score.year == year), between))
    is_one_unit = len(scores) >= LEAST_YEARS and len({score.unit_name.vi for score in scores}) == 1
    return YearTable(
        bloc_vi=bloc.vi,
        bloc_en=bloc.en,
        breaks_since=tuple(found for found in ours if found.year > years[0]),
        years=tuple(lines),
        chart=_chart(scores, ours) if is_one_unit else None,
        has_scores=any(score.score is not None for score in scores),
        is_one_unit=is_one_unit,
    )


def _chart(scores: Sequence[PublishedScore], breaks: Sequence[SeriesBreak]) -> YearChart | None:
    known = sorted((score for score in scores if score.score is not None), key=lambda score: score.year)
    if len(known) < LEAST_YEARS:
        return None
    values = [float(score.score or 0) for score in known]
    # Scores of a hundred points that lie within ten of each other would be a flat line on the whole scale; dots, not
    # bars, may leave nought out.
    bounds = nice_bounds(values, floor_at=0.0, ceiling_at=max(100.0, *values))
    vertical = Scale(bounds[0], bounds[-1], _BOTTOM, _TOP)
    first, last = known[0].year, known[-1].year
    across = Scale(first - 0.5, last + 0.5, _LEFT, _RIGHT)
    broken = sorted({found.year for found in breaks if first < found.year <= last})
    dots: list[YearDot] = []
    for score, value in zip(known, values, strict=True):
        x, y = across.at(score.year), vertical.at(value)
        before = dots[-1] if dots else None
        is_joined = before is not None and before.year == score.year - 1 and score.year not in broken
        joined_to = (before.x, before.y) if before is not None and is_joined else None
        dots.append(YearDot(x, y, score.year, score.score or "", is_joined, joined_to))
    return YearChart(
        years=tuple(Tick(float(year), across.at(year)) for year in range(first, last + 1)),
        # Half the labels are enough where there would be many, and keep their distance.
        ticks=tuple(Tick(bound, vertical.at(bound)) for bound in bounds[:: 1 if len(bounds) < MANY_TICKS else 2]),
        dots=tuple(dots),
        breaks=tuple(across.at(year - 0.5) for year in broken),
    )
