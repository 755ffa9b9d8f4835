"""A two-stage sample with unequal probabilities, played over HTTP, against `hailong estimate` on the same answers (W2).

The answers that the test sends are kept beside the weights that the frame gives each person; what the round publishes,
which knows neither persons nor the names of villages, has to be the same.
"""

import csv
import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.round_design import RoundDesign, parse_design
from questionnaires.library import load_bundled
from support.command_line import environment_of_settings, run
from support.played import PlainBrowser, nonce_of
from support.server import running_server
from support.stores import Templates, opened
from survey.invitations import CodeRequest, issue_invitations
from survey.rounds import RoundRequest, SourceFile, close_round, create_round, open_round
from survey.sealing import archive_path, seal_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

pytestmark = pytest.mark.slow

SLUG = "hai-giai-doan"
REFERENCE = "sipas/2023.1"
UNITS = ("06652", "06673", "06685")
FRAME = Path(__file__).parents[2] / "survey" / "demonstration" / "quang_ninh"
SATISFIED = ("4", "5")
# Two strata a unit and three villages in each; drawn with chances that have nothing to do with how many answer.
VILLAGES_A_STRATUM = 3


def design_source() -> str:
    random = np.random.default_rng(20261123)
    lines = ["design: 1", "strata: [unit, stratum]", "clusters: [psu]", "household: adults", "cells:"]
    for unit in UNITS:
        for stratum in ("trung-tam", "ngoai-vi"):
            for village in range(1, VILLAGES_A_STRATUM + 1):
                people, chance = int(random.integers(90, 900)), float(random.uniform(0.05, 0.9))
                lines.append(
                    f'  - {{unit: "{unit}", stratum: {stratum}, psu: "Xóm Giếng {village}", '
                    f"population: {people}, probability: {chance:.6f}}}"
                )
    return "\n".join(lines) + "\n"


def answers_of(random: np.random.Generator, liking: float) -> dict[str, str]:
    """What one person answers: everything on the scale of satisfaction, some of it left out."""
    answers = {"adults": str(random.integers(1, 5)), "age": str(random.integers(18, 80))}
    for item in load_bundled(REFERENCE).items:
        if item.code in ("did_procedure", "sex"):
            answers[item.code] = item.options[0].code
        elif item.scale == "satisfaction" and random.random() > 0.08:
            answers[item.code] = str(int(np.clip(np.round(random.normal(3.6 + liking, 1)), 1, 5)))
        elif item.required and item.options:
            answers[item.code] = item.options[0].code
    return answers


def test_a_round_over_http_estimates_what_the_frames_weights_estimate(
    tmp_path: Path, store_templates: Templates
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    secrets = Secrets(settings.secret_key)
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    import_units(stores, FRAME / "units.csv", FRAME / "succession.csv")
    source = design_source()
    create_round(
        stores,
        RoundRequest(
            slug=SLUG,
            questionnaire=REFERENCE,
            units="code=" + ",".join(UNITS),
            opens_on=today(),
            closes_on=today() + dt.timedelta(days=30),
            design=SourceFile(source.encode(), "design.yaml"),
        ),
        today(),
    )
    open_round(stores, vault, SLUG, today())
    design = parse_design(source.encode(), "design.yaml")

    rows = _play(settings, stores, secrets, design)
    close_round(stores, SLUG)
    seal_round(stores, secrets, vault, settings, SLUG)
    stores.close()
    archive = read_archive(archive_path(settings, SLUG))
    assert archive.contents.counts.sealed == len(rows)
    assert archive.contents.counts.rejected == {}
    sealed_bytes = b"".join(file.read_bytes() for file in archive_path(settings, SLUG).iterdir())
    assert "Xóm Giếng".encode() not in sealed_bytes, "the names of the villages are redrawn"

    edition = compute_edition(archive, published_on=today(), public_url=None)
    expected = _estimated_with_the_frames_weights(tmp_path, settings.instance, rows)
    questionnaire = load_bundled(REFERENCE)
    criteria = {node.code: node.item for node in questionnaire.nodes() if node.item is not None}
    n_compared = 0
    for row in edition.estimates:
        item = criteria.get(row.node)
        if row.unit not in UNITS or item is None:
            continue
        wanted = expected[row.unit, item]
        assert (row.estimate, row.se, row.df) == pytest.approx(
            (wanted["estimate"], wanted["se"], wanted["df"]), rel=1e-9
        )
        n_compared += 1
    assert n_compared == len(UNITS) * len(criteria)

    # An index is the weighted mean of its criteria, so equal criteria make it equal too.
    for unit in UNITS:
        factors = [row for row in edition.rows_of(unit) if row.node in {f.code for f in questionnaire.index.children}]  # type: ignore[union-attr]
        share = np.array([factor.weight for factor in factors])
        assert edition.row(unit).estimate == pytest.approx(share @ [factor.estimate or 0 for factor in factors])


def _play(settings: Settings, stores: Stores, secrets: Secrets, design: RoundDesign) -> list[dict[str, object]]:
    """Everybody who was drawn and answers, over HTTP; the rows hold what they sent and the frame's weight of each."""
    random = np.random.default_rng(1)
    rows: list[dict[str, object]] = []
    with running_server(settings) as server:
        browser = PlainBrowser(server.address)
        for cell in design.cells:
            n_issued = int(random.integers(18, 24))
            n_answering = int(random.integers(11, 17))
            liking = float(random.normal(0.3, 0.4))
            codes = issue_invitations(
                stores,
                secrets,
                SLUG,
                [CodeRequest(cell.unit, n_issued, cell.stratum, cell.psu)],
            )
            for code in codes[:n_answering]:
                answers = answers_of(random, liking)
                page = browser.get(f"/r/{SLUG}/{cell.unit}")
                form = {"code": [code.typed], "nonce": [nonce_of(page)], **{k: [v] for k, v in answers.items()}}
                browser.send(f"/r/{SLUG}/{cell.unit}", form)
                # 1 / (chance of the village x share of its households that answered), times the adults behind the door.
                weight = cell.population / cell.probability / n_answering * int(answers["adults"])
                rows.append({"unit": cell.unit, "stratum": cell.stratum, "psu": cell.psu, "w": weight, **answers})
        browser.close()
        assert not re.search("|".join(code.typed for code in codes), server.said())
    return rows


def _estimated_with_the_frames_weights(
    folder: Path, instance: Path, rows: list[dict[str, object]]
) -> Mapping[tuple[str, str], Mapping[str, float]]:
    """The share of the satisfied by unit and item, from `hailong estimate` on the answers as they were sent."""
    items = sorted(item.code for item in load_bundled(REFERENCE).items if item.scale == "satisfaction")
    with (folder / "answers.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["unit", "stratum", "village", "w", *items])
        for row in rows:
            scores = [("" if row.get(i) is None else 100 * (row[i] in SATISFIED)) for i in items]
            place = f"{row['unit']}/{row['stratum']}"
            # A code with a leading nought is a number to a reader of CSV, and units are no numbers.
            writer.writerow([f"u{row['unit']}", place, row["psu"], repr(row["w"]), *scores])
    found: dict[tuple[str, str], Mapping[str, float]] = {}
    for item in items:
        spec = {
            "data": ["answers.csv"],
            "design": {"ids": ["village"], "strata": ["stratum"], "weights": "w", "nest": True, "lonely_psu": "fail"},
            "estimator": {"type": "svymean", "variables": [item], "by": ["unit"], "na_rm": True},
        }
        (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        done = run(environment_of_settings(instance, None), "estimate", folder / "spec.json", "--data", folder)
        assert done.exit_code == 0, done.errors
        for result in json.loads(done.output)["results"]:
            found[result["domain"]["unit"].removeprefix("u"), item] = result
    return found
