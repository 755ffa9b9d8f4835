"""An archive of firms that rate several units each under the bundled questionnaire, with a module asked along."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from analysis.archive import Archive, Counts
from analysis.responses import tabulate_responses
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Item
from questionnaires.modules import attach
from support.archives import archive_at, contents_of

HOST, MODULE = "ddci/departments-2024.1", "brand/2026.1"
DEPARTMENTS = tuple(f"d{number}" for number in range(1, 8))
FIRMS = {"large": 180, "small": 1490, "household": 5200}
PLAN = 'plan: 1\nversion: "1"\naggregate: units\n'


def rated_archive(path: Path, n_ballots: int = 150) -> Archive:
    """Two blocs, three strata of firms, one to five ratings a ballot; the answers are always the same."""
    asked = attach(load_bundled(HOST), [load_bundled(MODULE)])
    rng = random.Random(5)  # noqa: S311 — answers for a test, not secrets

    def answers(items: Iterable[Item], level: float) -> dict[str, str]:
        found = {}
        for item in items:
            if item.kind != "single" or rng.random() < 0.05:
                continue
            codes = [option.code for option in item.options]
            near = min(len(codes) - 1, max(0, round(level * (len(codes) - 1) + rng.gauss(0, 0.5))))
            found[item.code] = rng.choice([*codes, *item.reserved_codes]) if rng.random() < 0.5 else codes[near]
        return found

    common = [item for section in asked.common_sections for item in section.items]
    per_unit = [item for section in asked.per_unit_sections for item in section.items]
    rows = []
    for number in range(n_ballots):
        origin = {"stratum": rng.choice(list(FIRMS)), "psu": "", "channel": "web", "ballot": f"{number:032x}"}
        of_firm = answers(common, rng.random())
        for unit in rng.sample(DEPARTMENTS, rng.randint(1, 5)):
            level = 0.3 + 0.08 * DEPARTMENTS.index(unit) + rng.gauss(0, 0.1)
            rows.append(({**origin, "unit": unit}, {**of_firm, **answers(per_unit, level)}))
    rng.shuffle(rows)
    cells = "".join(f"  - {{stratum: {name}, population: {firms}}}\n" for name, firms in FIRMS.items())
    contents = contents_of(
        tabulate_responses(asked, rows),
        blocs={unit: "agencies" if unit < "d6" else "branches" for unit in DEPARTMENTS},
        plan=PLAN,
        design=f"design: 1\nstrata: [stratum]\nclusters: [ballot]\ncells:\n{cells}",
        questionnaire_source=bundled_source(HOST).decode(),
    )
    counts = Counts(n_ballots + 5, n_ballots, n_ballots, n_ballots, {})
    return archive_at(path, replace(contents, module_sources=(bundled_source(MODULE),), counts=counts))
