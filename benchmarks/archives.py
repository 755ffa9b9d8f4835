"""Archives of practice people for measurements."""

import datetime as dt
from pathlib import Path

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


def write_practice_archive(folder: Path, n: int, n_units: int, reference: str = "sipas/2017.1", seed: int = 1) -> Path:
    """An archive of n responses to a bundled questionnaire, with the units as strata and PSUs as clusters."""
    units = [f"U{number:03d}" for number in range(1, n_units + 1)]
    source = "design: 1\nstrata: [unit]\nclusters: [psu]\npopulation:\n" + "".join(
        f"  {unit}: 90000\n" for unit in units
    )
    questionnaire = load_bundled(reference)
    population, _ = population_of(questionnaire, units, parse_design(source.encode(), "design.yaml"), seed, Manners())
    plan = Plan(profile=questionnaire.default_profile)
    answered = responses_of(population, draw_answers(population, issue_counts(population, n), n))
    coarsened = coarsen(answered, k=plan.coarsening_k, steps=plan.coarsening_steps)
    sealed = coarsened.table.num_rows
    facts = RoundFacts(
        slug="practice", title=Text("Thử", "Trial"), opens_on=DAY, closes_on=DAY, issuer=Text("Thử", "Trial"),
        decision="", hotline="", collected="simulated",
    )  # fmt: skip
    contents = ArchiveContents(
        facts=facts,
        questionnaire_source=bundled_source(reference),
        plan_source=plan_source(plan),
        design_source=source.encode(),
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
