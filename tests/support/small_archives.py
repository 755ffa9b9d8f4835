"""Small sealed archives with made-up answers to the bundled SIPAS questionnaire, for what prints and publishes."""

import datetime as dt
import random
from pathlib import Path

from analysis.archive import Archive, ArchiveContents, ArchiveUnit, Counts, RoundFacts, read_archive, write_archive
from analysis.release.plan import Plan, plan_source
from analysis.responses import tabulate_responses
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Text

REFERENCE = "sipas/2017.1"
SIGNER = PrivateKeySigner.from_seed(bytes(range(32)))
BLOC = ("khoi-dia-phuong", "Khối địa phương")
WARDS = {"06652": ("Hà Tu", 60), "06658": ("Cao Xanh", 45), "06661": ("Việt Hưng", 18), "06673": ("Bãi Cháy", 4)}


def write_small_archive(path: Path, *, slug: str = "thu-2026", wards: dict[str, tuple[str, int]] = WARDS) -> Archive:
    """An archive of four wards with 60, 45, 18 and 4 answer sheets; the answers are always the same."""
    questionnaire = load_bundled(REFERENCE)
    rng = random.Random(7)  # noqa: S311 — answers for a test, not secrets
    records = []
    for place, (code, (_, n_sheets)) in enumerate(wards.items()):
        for _ in range(n_sheets):
            answers = {
                item.code: rng.choices([option.code for option in item.options], weights=_weights(item.options, place))[
                    0
                ]
                for item in questionnaire.items
                if item.kind == "single"
            }
            records.append(({"unit": code, "stratum": code, "channel": "slip"}, answers))
    n_sealed = len(records)
    write_archive(
        ArchiveContents(
            facts=RoundFacts(
                slug=slug,
                title=Text("Khảo sát thử năm 2026", "Trial survey 2026"),
                opens_on=dt.date(2026, 9, 1),
                closes_on=dt.date(2026, 10, 15),
                issuer=Text("Sở Nội vụ", "Department of Home Affairs"),
                decision="Quyết định thử",
                hotline="1900 0000",
                collected="here",
            ),
            questionnaire_source=bundled_source(REFERENCE),
            plan_source=plan_source(Plan(profile=questionnaire.default_profile, aggregate="units")),
            design_source=b"design: 1\nstrata: [unit]\n",
            units=tuple(
                ArchiveUnit(code, Text(f"Phường {name}", f"{name} Ward"), "ward", *BLOC, 10_000)
                for code, (name, _) in wards.items()
            ),
            responses=tabulate_responses(questionnaire, records),
            comments=None,
            comment_count=0,
            counts=Counts(n_sealed * 2, n_sealed, n_sealed, n_sealed, {}),
            coarsening={},
            previous_manifest=None,
        ),
        path,
        SIGNER,
    )
    return read_archive(path)


def _weights(options: tuple[object, ...], place: int) -> list[float]:
    # Later wards lean towards the worse end, so that there is something to tell apart.
    return [1.0 + position * (2.0 - 0.5 * place) for position in range(len(options))]
