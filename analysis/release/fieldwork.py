"""How a round was sampled, collected and coarsened, as far as an edition tells it: rules and counts, none small."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from analysis.archive import ArchiveContents
from analysis.release.plan import Plan
from analysis.release.round_design import RoundDesign
from analysis.release.weight_adjustments import Weighting
from analysis.responses import BALLOT
from analysis.row_groups import first_rows

# Decimals of a published extreme: other machines add up in another order.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Extreme:
    """Between which values of an indicator the units of a bloc were standardised; None where no unit has any."""

    bloc: str
    code: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Fieldwork:
    """What an edition says of the way to its figures.

    `strata` and `clusters` are the design's columns; `n_strata` and `n_psus` count those that answers came from
    (`n_psus` None where there are no PSUs), `n_cells` the cells of the design (None without). `people` are those that
    the design's strata hold, None where nobody counted them. `household` is the item that tells how many people a
    respondent speaks for, `calibrated` the items whose totals the weights were calibrated to. `channels` are the ways
    in which answers came, with their sheets, the most used first; empty where one of them is too small to be told.

    `smallest_cell` to `n_withheld` are what coarsening did before sealing: fewer than so many sheets of one unit,
    stratum, PSU and channel were merged, in so many places, or withheld. `extremes` are those of a standardised
    profile, bloc by bloc. `weighting` tells how the weights came about, None in editions that a former version wrote.
    """

    strata: tuple[str, ...]
    clusters: tuple[str, ...]
    fpc: bool
    n_strata: int
    n_psus: int | None
    n_cells: int | None
    people: float | None
    household: str | None
    calibrated: tuple[str, ...]
    channels: tuple[tuple[str, int], ...]
    smallest_cell: int
    n_merged: int
    n_withheld: int
    has_redrawn_psus: bool
    extremes: tuple[Extreme, ...] = ()
    weighting: Weighting | None = None


def fieldwork_of(
    contents: ArchiveContents,
    design: RoundDesign,
    plan: Plan,
    extremes: Sequence[Extreme] = (),
    weighting: Weighting | None = None,
) -> Fieldwork:
    """The fieldwork of a round from its archive, its design and its plan."""
    responses = contents.responses
    if BALLOT in responses.column_names:
        responses = responses.take(pa.array(first_rows(responses, BALLOT)))
    coarsening: Mapping[str, Any] = contents.coarsening
    counted = "withheld_ballots" if "withheld_ballots" in coarsening else "withheld_rows"
    psu_columns = [name for name in design.columns if name in design.strata or name == "psu"]
    return Fieldwork(
        strata=design.strata,
        clusters=design.clusters,
        fpc=design.fpc,
        n_strata=_n_groups(contents, list(design.strata)),
        n_psus=_n_groups(contents, psu_columns) if "psu" in design.clusters else None,
        n_cells=len(design.cells) or None,
        people=sum(design.stratum_people.values()) if design.has_counts else None,
        household=design.household,
        calibrated=tuple(dict.fromkeys(margin.item for margin in design.margins)),
        channels=_channels(responses["channel"].value_counts().to_pylist(), plan.suppress_below),
        smallest_cell=int(coarsening.get("k", plan.coarsening_k)),
        n_merged=sum(int(count) for count in coarsening.get("changed_cells", {}).values()),
        n_withheld=int(coarsening.get(counted, 0)),
        has_redrawn_psus=coarsening.get("psus") == "redrawn",
        extremes=tuple(extremes),
        weighting=weighting,
    )


def extreme(bloc: str, code: str, low: float, high: float) -> Extreme:
    """The extremes of an indicator as they are published; NaN is none."""
    # What is not a number is not equal to itself.
    return Extreme(
        bloc, code, round(low, _DECIMALS) if low == low else None, round(high, _DECIMALS) if high == high else None
    )


def fieldwork_to_json(fieldwork: Fieldwork) -> dict[str, object]:
    """The fieldwork as `edition.json` carries it."""
    # As it will be read back, with lists where there were tuples.
    stored: dict[str, object] = json.loads(json.dumps(asdict(fieldwork)))
    return stored


def fieldwork_from_json(stored: Mapping[str, Any]) -> Fieldwork:
    """The fieldwork that `edition.json` carries; raises KeyError, TypeError or ValueError when it carries none."""
    values = dict(stored)
    for name in ("strata", "clusters", "calibrated"):
        values[name] = tuple(str(value) for value in values[name])
    values["channels"] = tuple((str(name), int(count)) for name, count in values["channels"])
    values["extremes"] = tuple(Extreme(**one) for one in values["extremes"])
    if values.get("weighting") is not None:
        factors = values["weighting"]["factors"]
        values["weighting"] = Weighting(
            **{**values["weighting"], "factors": None if factors is None else (float(factors[0]), float(factors[1]))}
        )
    return Fieldwork(**values)


def _n_groups(contents: ArchiveContents, columns: list[str]) -> int:
    return int(contents.responses.select(columns).group_by(columns).aggregate([]).num_rows) if columns else 1


def _channels(counts: Sequence[Mapping[str, Any]], smallest: int) -> tuple[tuple[str, int], ...]:
    found = sorted(((str(row["values"]), int(row["counts"])) for row in counts), key=lambda pair: (-pair[1], pair[0]))
    # One small way could be told from the round's own count, so that none is given then.
    return () if any(count < smallest for _, count in found) else tuple(found)
