"""What a statistician should look at before approving figures: each in a sentence, with the page that shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from analysis.release.quality_rows import ANY, CHANGES, GAP, UNUSUAL
from analysis.release.rows import ALL, BLOC_PREFIX, ROOT, EstimateRow
from survey.analysis_runs import Results
from survey.web.office.analysis.lines import FormulaBloc, ResponseLine

# From where on a figure asks for a look. They decide nothing: nothing is hidden or changed because of them.
LARGE_DEFF = 2.0
LARGE_KISH = 1.5
LOW_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence by the key of its text (`analysis_found_…`) and its values; `is_notable` where somebody should look,
    at the page `part`.
    """

    key: str
    part: str
    is_notable: bool
    values: dict[str, object] = field(default_factory=dict)


def findings_of(
    results: Results,
    response: Sequence[ResponseLine],
    whole: ResponseLine | None,
    formulas: Sequence[FormulaBloc],
) -> tuple[Finding, ...]:
    """What there is to say of the results, in the order of the pages."""
    return (
        *_of_units(results),
        *_of_weights(results),
        *_of_response(response, whole),
        *_of_quality(results),
        *_of_formulas(formulas),
    )


def _of_units(results: Results) -> Iterator[Finding]:
    edition = results.edition
    roots = _roots(results)
    n_hidden = sum(row.estimate is None for row in roots)
    n_caution = sum(row.caution and row.estimate is not None for row in roots)
    n_wide = sum((row.deff or 0.0) > LARGE_DEFF for row in roots)
    yield Finding("hidden", "units", n_hidden > 0, {"count": n_hidden, "least": edition.plan.suppress_below})
    yield Finding("caution", "units", n_caution > 0, {"count": n_caution, "least": edition.plan.caution_below})
    yield Finding("deff", "units", n_wide > 0, {"count": n_wide})
    share = edition.coverage.get(ALL)
    if share is not None:
        yield Finding("coverage", "units", share < 1.0, {"share": share})


def _of_weights(results: Results) -> Iterator[Finding]:
    weighting = None if results.edition.fieldwork is None else results.edition.fieldwork.weighting
    if weighting is None or weighting.kish is None:
        return
    yield Finding("kish", "weights", weighting.kish > LARGE_KISH, {"kish": weighting.kish})
    if weighting.n_trimmed:
        yield Finding("trimmed", "weights", True, {"count": weighting.n_trimmed})


def _of_response(response: Sequence[ResponseLine], whole: ResponseLine | None) -> Iterator[Finding]:
    if whole is None or whole.rate is None:
        return
    n_low = sum(line.rate is not None and line.rate < LOW_RATE * whole.rate for line in response)
    yield Finding("rate", "response", n_low > 0, {"rate": whole.rate, "count": n_low})


def _of_quality(results: Results) -> Iterator[Finding]:
    quality = results.quality
    unusual = {row.unit for row in quality.rows if row.verdict == UNUSUAL}
    yield Finding("unusual", "flags", bool(unusual), {"count": len(unusual)})
    if quality.control:
        standing_out = {row.unit for row in quality.gaps if row.excess_verdict == GAP and row.unit != ALL}
        yield Finding("gaps", "flags", bool(standing_out), {"count": len(standing_out)})
    elif quality.lost_control:
        yield Finding("lost_control", "flags", True)
    changing = {row.unit for row in quality.sensitivity if row.verdict == CHANGES}
    largest = max(
        (abs(row.difference) for row in quality.sensitivity if row.left_out == ANY and row.difference is not None),
        default=0.0,
    )
    yield Finding("sensitivity", "flags", bool(changing), {"count": len(changing), "largest": largest})


def _of_formulas(formulas: Sequence[FormulaBloc]) -> Iterator[Finding]:
    n_compared = sum(bool(line.places) for bloc in formulas for line in bloc.lines)
    if n_compared:
        n_moved = sum(not line.is_steady for bloc in formulas for line in bloc.lines)
        yield Finding("formulas", "formulas", n_moved > 0, {"count": n_moved})


def _roots(results: Results) -> list[EstimateRow]:
    """The index of each unit, of none that stands for several."""
    return [
        row
        for row in results.edition.estimates
        if row.node == ROOT and row.unit != ALL and not row.unit.startswith(BLOC_PREFIX)
    ]
