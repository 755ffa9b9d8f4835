"""The design of a practice round, drawn from the practice frame, and the population that stands behind any design."""

from collections.abc import Sequence

import numpy as np

from analysis.release.round_design import RoundDesign
from questionnaires.model import Questionnaire
from survey.demonstration.practice_frame import (
    DRAW,
    FRAME,
    Manners,
    PracticePsus,
    draw_psus,
    practice_psus,
    stream_of,
)
from survey.demonstration.practice_people import Population, PracticeCells
from survey.demonstration.practice_truth import Everybody

PSUS_A_UNIT = 10
# What a design without cells is given: as many clusters a unit, where it has clusters at all.
OWN_PSUS = 10


def practice_design(
    units: Sequence[str], seed: int, psus_a_unit: int = PSUS_A_UNIT, household: str | None = None, draw: int = 0
) -> bytes:
    """The design.yaml of a two-stage sample: in each unit some quarters and villages, drawn by size from an old list.

    `draw` tells samples of the same frame apart. The cells count households where the design has a `household` item.
    """
    lines = [
        "# A practice design: quarters and villages are made up and drawn with chances that follow an old count.",
        "design: 1",
        f'label: "Danh sách giả định (practice frame), seed {seed}"',
        "strata: [unit, stratum]",
        "clusters: [psu]",
        *([f"household: {household}"] if household else []),
        "cells:",
    ]
    for unit in units:
        psus = practice_psus(unit, seed, Manners())
        places, chances = draw_psus(psus, psus_a_unit, stream_of(seed, DRAW, f"{unit}/{draw}"))
        lines.extend(
            f'  - {{unit: "{unit}", stratum: {psus.strata[place]}, psu: "{psus.labels[place]}", '
            f"population: {psus.households[place]}, probability: {chance:.9f}}}"
            for place, chance in zip(places, chances, strict=True)
        )
    return ("\n".join(lines) + "\n").encode()


def population_of(
    questionnaire: Questionnaire, units: Sequence[str], design: RoundDesign, seed: int, manners: Manners
) -> tuple[Population, Everybody]:
    """The practice people behind a design, and whom a true index is about.

    Where all cells of the design are of the practice frame of this seed, everybody is the whole frame, also the PSUs
    that were not drawn; for any other design everybody lives in its cells, as often as these count.
    """
    place_of = {unit: place for place, unit in enumerate(units)}
    cells = [
        (place_of.get(cell.unit, -1), cell.stratum, cell.psu, cell.population, cell.expanded)
        for cell in design.cells
        if cell.unit in place_of or not cell.unit
    ] or _own_cells(questionnaire, units, design)
    frame = _frame_behind(design, units, seed, manners)
    if frame is not None:
        effect_of = {
            (psus.unit, stratum, label): float(effect)
            for psus in frame
            for stratum, label, effect in zip(psus.strata, psus.labels, psus.effects, strict=True)
        }
        effects = [effect_of[units[unit], stratum, psu] for unit, stratum, psu, _, _ in cells]
        everybody = Everybody(
            unit=np.repeat(np.arange(len(frame)), [len(psus.labels) for psus in frame]),
            people=np.concatenate([psus.households for psus in frame]).astype(np.float64),
            effects=np.concatenate([psus.effects for psus in frame]),
            is_frame=True,
        )
    else:
        effects = [
            float(stream_of(seed, FRAME, f"{units[unit] if unit >= 0 else ''}/{stratum}/{psu}").normal())
            * manners.psu_spread
            for unit, stratum, psu, _, _ in cells
        ]
        everybody = Everybody(
            unit=np.array([cell[0] for cell in cells], dtype=np.int64),
            people=np.array([cell[4] for cell in cells], dtype=np.float64),
            effects=np.array(effects),
        )
    population = Population(
        questionnaire=questionnaire,
        units=tuple(units),
        cells=PracticeCells(
            unit=np.array([cell[0] for cell in cells], dtype=np.int64),
            strata=tuple(cell[1] for cell in cells),
            psus=tuple(cell[2] for cell in cells),
            people=np.array([cell[3] for cell in cells], dtype=np.int64),
            effects=np.array(effects),
        ),
        household=design.household,
        seed=seed,
        manners=manners,
    )
    return population, everybody


def _frame_behind(design: RoundDesign, units: Sequence[str], seed: int, manners: Manners) -> list[PracticePsus] | None:
    """The practice frame that all cells of a design come from; None where they come from elsewhere."""
    if not design.cells or "psu" not in design.columns or design.crosses_units:
        return None
    frame = [practice_psus(unit, seed, manners) for unit in units]
    known = {
        (psus.unit, stratum, label, int(households))
        for psus in frame
        for stratum, label, households in zip(psus.strata, psus.labels, psus.households, strict=True)
    }
    return frame if all((*cell.key, cell.population) in known for cell in design.cells) else None


def _own_cells(
    questionnaire: Questionnaire, units: Sequence[str], design: RoundDesign
) -> list[tuple[int, str, str, int, float]]:
    """Equal cells for a design that counts no cells: its strata, or one in each unit, with PSUs where it has them."""
    psus = [f"Khu {number}" for number in range(1, OWN_PSUS + 1)] if "psu" in design.clusters else [""]
    places = [-1] if questionnaire.rates_several_units else list(range(len(units)))
    found: list[tuple[int, str, str, int, float]] = []
    for place in places:
        strata = {"": 0.0}
        if design.stratum_people:
            labels = [(design.labels_of(name), people) for name, people in design.stratum_people.items()]
            own = [pair for pair in labels if place < 0 or pair[0].get("unit", units[place]) == units[place]]
            strata = {labels.get("stratum", ""): people for labels, people in own}
        for stratum, people in strata.items():
            share = int(people / len(psus))
            found.extend((place, stratum, psu, share, people / len(psus) if people else 1.0) for psu in psus)
    return found
