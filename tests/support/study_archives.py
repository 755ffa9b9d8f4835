"""An archive of the bundled SIPAS questionnaire under a design with strata, clusters, unequal weights and margins."""

import datetime as dt
from pathlib import Path

import numpy as np

from analysis.archive import Archive, ArchiveContents, ArchiveUnit, Counts, RoundFacts, read_archive, write_archive
from analysis.release.plan import Plan, plan_source
from analysis.responses import AnswerValue, tabulate_responses
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Item, Text

REFERENCE = "sipas/2023.1"
WARDS = {"06652": "Hà Tu", "06658": "Cao Xanh", "06661": "Việt Hưng", "06673": "Bãi Cháy", "06676": "Hồng Hải"}
STRATA = ("trung-tam", "ven")
N_PSUS, N_ANSWERS = 4, 9
_BLOC = ("khoi-phuong", "Khối phường")
_SIGNER = PrivateKeySigner.from_seed(bytes(range(32)))


def write_study_archive(path: Path) -> Archive:
    """Five wards of two strata with four PSUs of nine answers each; the answers are always the same."""
    questionnaire = load_bundled(REFERENCE)
    random = np.random.default_rng(20261123)
    records, cells = [], []
    for place, ward in enumerate(WARDS):
        for stratum in STRATA:
            for number in range(1, N_PSUS + 1):
                origin = {"unit": ward, "stratum": stratum, "psu": f"p{number}", "channel": "slip"}
                people, chance = int(random.integers(300, 900)), float(random.choice([0.2, 0.35, 0.5]))
                cells.append(
                    f'  - {{unit: "{ward}", stratum: {stratum}, psu: p{number}, population: {people}, '
                    f"probability: {chance}}}"
                )
                lean = 0.25 * place + 0.5 * random.normal()
                records += [
                    (
                        origin,
                        {
                            item.code: _answer(item, lean, random)
                            for item in questionnaire.items
                            if _is_kept(item, random)
                        },
                    )
                    for _ in range(N_ANSWERS)
                ]
    design = (
        "design: 1\nstrata: [unit, stratum]\nclusters: [psu]\nhousehold: adults\ncells:\n" + "\n".join(cells) + "\n"
    )
    n = len(records)
    write_archive(
        ArchiveContents(
            facts=RoundFacts(
                slug="thu-2026",
                title=Text("Khảo sát thử năm 2026", "Trial survey 2026"),
                opens_on=dt.date(2026, 9, 1),
                closes_on=dt.date(2026, 10, 15),
                issuer=Text("Sở Nội vụ", "Department of Home Affairs"),
                decision="",
                hotline="",
                collected="here",
            ),
            questionnaire_source=bundled_source(REFERENCE),
            plan_source=plan_source(Plan(profile=questionnaire.default_profile, aggregate="persons")),
            design_source=design.encode(),
            units=tuple(
                ArchiveUnit(code, Text(f"Phường {name}", f"{name} Ward"), "ward", *_BLOC, 10_000)
                for code, name in WARDS.items()
            ),
            responses=tabulate_responses(questionnaire, records),
            comments=None,
            comment_count=0,
            counts=Counts(2 * n, n, n, n, {}),
            coarsening={},
            previous_manifest=None,
        ),
        path,
        _SIGNER,
    )
    return read_archive(path)


def _is_kept(item: Item, random: np.random.Generator) -> bool:
    return item.kind != "text" and (item.code in ("sex", "adults") or bool(random.random() > 0.04))


def _answer(item: Item, lean: float, random: np.random.Generator) -> AnswerValue:
    if item.kind == "number":
        return float(random.integers(1, 6)) if item.code == "adults" else float(random.integers(18, 80))
    codes = [option.code for option in item.options]
    if item.kind == "multiple":
        return tuple(code for code in codes if random.random() < 0.3)
    if item.reserved_codes and random.random() < 0.05:
        return item.reserved_codes[0]
    place = np.clip(np.rint((len(codes) - 1) / 2 + lean + random.normal()), 0, len(codes) - 1)
    return codes[int(place)]
