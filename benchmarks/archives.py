"""Archives of practice people for measurements."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from analysis.archive import ArchiveContents, ArchiveUnit, Counts, RoundFacts, write_archive
from analysis.coarsening import coarsen
from analysis.release.plan import Plan, plan_source
from analysis.release.round_design import parse_design
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Text
from survey.demonstration.practice_design import population_of
from survey.demonstration.practice_frame import Manners
from survey.demonstration.practice_people import draw_answers, issue_counts
from survey.demonstration.practice_table import responses_of

DAY = dt.date(2026, 7, 1)


def practice_units(n_units: int) -> list[str]:
    """The codes of so many units."""
    return [f"U{number:03d}" for number in range(1, n_units + 1)]


def practice_design(units: Sequence[str]) -> str:
    """A design with the units as strata and PSUs as clusters."""
    return "design: 1\nstrata: [unit]\nclusters: [psu]\npopulation:\n" + "".join(f"  {unit}: 90000\n" for unit in units)


def practice_responses(reference: str, units: Sequence[str], n: int, seed: int = 1) -> pa.Table:
    """What n practice people answered to a bundled questionnaire about these units, before anything is coarsened."""
    questionnaire, design = load_bundled(reference), parse_design(practice_design(units).encode(), "design.yaml")
    population, _ = population_of(questionnaire, units, design, seed, Manners())
    return responses_of(population, draw_answers(population, issue_counts(population, n), n))


def write_practice_archive(folder: Path, n: int, n_units: int, reference: str = "sipas/2017.1", seed: int = 1) -> Path:
    """An archive of n responses to a bundled questionnaire, with the units as strata and PSUs as clusters."""
    units = practice_units(n_units)
    return write_archive_of(practice_responses(reference, units, n, seed), folder, reference, units)


def write_archive_of(responses: pa.Table, folder: Path, reference: str, units: Sequence[str]) -> Path:
    """The archive of these responses, as many invitations as twice their number having been issued."""
    plan = Plan(profile=load_bundled(reference).default_profile)
    coarsened = coarsen(responses, k=plan.coarsening_k, steps=plan.coarsening_steps)
    n, sealed = responses.num_rows, coarsened.table.num_rows
    facts = RoundFacts(
        slug="practice", title=Text("Thử", "Trial"), opens_on=DAY, closes_on=DAY, issuer=Text("Thử", "Trial"),
        decision="", hotline="", collected="simulated",
    )  # fmt: skip
    contents = ArchiveContents(
        facts=facts,
        questionnaire_source=bundled_source(reference),
        plan_source=plan_source(plan),
        design_source=practice_design(units).encode(),
        units=tuple(
            ArchiveUnit(unit, Text(f"Phường {unit}", f"{unit} Ward"), "ward", "khoi-thu", "Khối thử", None)
            for unit in units
        ),
        responses=coarsened.table,
        comments=None,
        comment_count=0,
        counts=Counts(2 * n, n, n, sealed, {"cell_too_small": n - sealed} if n > sealed else {}),
        coarsening=coarsened.record,
        previous_manifest=None,
    )
    write_archive(contents, folder, PrivateKeySigner.from_seed(bytes(range(32))))
    return folder
