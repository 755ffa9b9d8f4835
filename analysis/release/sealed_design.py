"""The design that an archive carries: the frame's counts under the labels that sealing left."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from analysis.coarsening import Coarsened
from analysis.errors import DesignError
from analysis.release.design_adjustments import adjustment_lines
from analysis.release.design_counts import Cell, DesignCell, DesignMargin
from analysis.release.round_design import FORMAT, RoundDesign

# The PSU of the people of a stratum from whose own PSUs no response is left; no redrawn label begins so.
NOBODY = "nobody"

Counts = Mapping[tuple[str, str, str], int]


def sealed_design_source(
    design: RoundDesign, source: bytes, coarsened: Coarsened, issued: Counts, returned: Counts
) -> bytes:
    """The `design.yaml` of an archive, with cells as the responses have them after coarsening and redrawing.

    Cells that were merged are one: its population is theirs together, and its probability such that it stands for as
    many people. Cells of which no response is left are one a stratum, with the PSU "nobody". `issued` and `returned`
    are invitations and ballots by unit, stratum and PSU as they were before coarsening. A design without cells is kept
    as it is in `source`.

    Raises DesignError where a response, an invitation or a ballot comes from no cell of the design.
    """
    if not design.cells:
        return source
    cells = {cell.key: cell for cell in design.cells}
    n_issued, n_returned = _by_cell(design, cells, issued), _by_cell(design, cells, returned)
    places = _new_places(design, cells, coarsened)
    merged: dict[Cell, list[DesignCell]] = defaultdict(list)
    for key, cell in cells.items():
        merged[places[key]].append(cell)
    sealed = [
        DesignCell(
            *place,
            population=sum(cell.population for cell in parts),
            probability=sum(cell.population for cell in parts) / sum(cell.expanded for cell in parts),
            issued=sum(n_issued[cell.key] for cell in parts),
            returned=sum(n_returned[cell.key] for cell in parts),
        )
        for place, parts in merged.items()
    ]
    return _written(design, sorted(sealed, key=lambda cell: (cell.unit, cell.stratum, len(cell.psu), cell.psu)))


def _by_cell(design: RoundDesign, cells: Mapping[Cell, DesignCell], counts: Counts) -> dict[Cell, int]:
    found = dict.fromkeys(cells, 0)
    for place, count in counts.items():
        key = design.cell_of(*place)
        if key not in found:
            raise DesignError(f"design, cells: found no cell {_named(key)}, expected it: {count} came from there")
        found[key] += count
    return found


def _new_places(design: RoundDesign, cells: Mapping[Cell, DesignCell], coarsened: Coarsened) -> dict[Cell, Cell]:
    """Where each cell of the design is after sealing."""
    places: dict[Cell, Cell] = {}
    strata: dict[tuple[str, str], str] = {}
    for old, new in coarsened.cells.items():
        key, place = design.cell_of(*old), design.cell_of(*new)
        if key not in cells:
            raise DesignError(f"design, cells: found no cell {_named(key)}, expected it: responses came from there")
        if places.setdefault(key, place) != place:
            raise DesignError(
                f"design, cells: found that the cell {_named(key)} was coarsened in two ways, expected one: "
                "its responses have strata that the design does not know"
            )
        strata[key[0], key[1]] = place[1]
    for unit, stratum, psu in cells:
        # The stratum as its other cells have it now, so that these can stand for the people of this one.
        left = (unit, strata.get((unit, stratum), stratum), NOBODY if "psu" in design.clusters else "")
        places.setdefault((unit, stratum, psu), left)
    return places


def _named(key: Cell) -> str:
    return "/".join(label for label in key if label) or "without labels"


def _written(design: RoundDesign, cells: Iterable[DesignCell]) -> bytes:
    lines = [f"design: {FORMAT}"]
    if design.label:
        lines.append(f"label: {_quoted(design.label)}")
    lines.append(f"strata: [{', '.join(design.strata)}]")
    lines.append(f"clusters: [{', '.join(design.clusters)}]")
    lines.append(f"fpc: {str(design.fpc).lower()}")
    if design.household is not None:
        lines.append(f"household: {design.household}")
    if design.same_psus_as:
        lines.append(f"same_psus_as: {_quoted(design.same_psus_as)}")
    lines.append("cells:")
    lines.extend(f"  - {{{_cell_fields(design, cell)}}}" for cell in cells)
    if design.margins:
        lines.append("margins:")
        lines.extend(f"  - {{{_margin_fields(margin)}}}" for margin in design.margins)
    lines.extend(adjustment_lines(design.adjustments))
    return ("\n".join(lines) + "\n").encode()


def _cell_fields(design: RoundDesign, cell: DesignCell) -> str:
    labels = dict(zip(("unit", "stratum", "psu"), cell.key, strict=True))
    fields = [f"{name}: {_quoted(labels[name])}" for name in design.columns]
    fields.append(f"population: {cell.population}")
    if cell.probability != 1:
        fields.append(f"probability: {Decimal(cell.probability):.15f}")
    return ", ".join([*fields, f"issued: {cell.issued}", f"returned: {cell.returned}"])


def _margin_fields(margin: DesignMargin) -> str:
    totals = ", ".join(f"{_quoted(name)}: {people}" for name, people in margin.totals.items())
    unit = f"unit: {_quoted(margin.unit)}, " if margin.unit else ""
    return f"item: {margin.item}, {unit}totals: {{{totals}}}"


def _quoted(text: str) -> str:
    # A JSON string is a string of YAML too, and never anything else.
    return json.dumps(text, ensure_ascii=False)
