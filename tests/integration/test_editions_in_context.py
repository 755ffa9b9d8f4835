"""What an instance, or the command line, hands to an edition beside its archive (issue 6, S1)."""

import datetime as dt
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from analysis.archive import Archive, read_archive, write_archive
from analysis.errors import AnalysisError
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import MANIFEST, read_edition, write_edition
from analysis.release.lineage import Succession
from support.command_line import RunHailong, environment_of_settings, run
from support.published import publish_by_hand, sipas_edition
from support.small_archives import REFERENCE, SIGNER, WARDS, write_small_archive
from survey.edition_context import context_of_edition, context_of_round
from survey.errors import HailongError
from survey.rounds import RoundRequest, create_round, find_round
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

pytestmark = pytest.mark.slow
TWO = {code: WARDS[code] for code in ("06652", "06658")}
YEAR = dt.timedelta(days=365)


def earlier_archive(path: Path) -> Archive:
    """The small archive of a year before."""
    contents = write_small_archive(path.with_name("as-it-is"), wards=TWO).contents
    facts = replace(
        contents.facts,
        slug="thu-2025",
        opens_on=contents.facts.opens_on - YEAR,
        closes_on=contents.facts.closes_on - YEAR,
    )
    write_archive(replace(contents, facts=facts), path, SIGNER)
    return read_archive(path)


@pytest.fixture
def run_embedded(sqlite_settings: Settings) -> RunHailong:
    """Runs the command line on a fresh embedded instance."""
    return partial(run, environment_of_settings(sqlite_settings.instance, None))


def test_an_archive_is_set_beside_the_editions_that_the_command_names(tmp_path: Path, run_embedded: RunHailong) -> None:
    archive = earlier_archive(tmp_path / "a25")
    earlier = compute_edition(archive, published_on=dt.date(2025, 12, 1), public_url=None)
    write_edition(earlier, tmp_path / "e25", {}, SIGNER)
    write_small_archive(tmp_path / "a26", wards=TWO)
    base = (
        "scorecards",
        tmp_path / "a26",
        "--out",
        tmp_path / "e26",
        "--unit",
        "06652",
        "--published-on",
        "2026-11-23",
    )
    done = run_embedded(*base, "--earlier", tmp_path / "e25")
    assert done.exit_code == 0, done.errors
    edition = read_edition(tmp_path / "e26")
    assert [one.slug for one in edition.earlier] == ["thu-2025"]
    # The same answers a year later: nothing changed, and nothing is said to have changed.
    changes = {row.verdict for row in edition.changes if row.change is not None}
    assert (changes, {row.change for row in edition.changes} - {None}) == ({"not_different"}, {0.0})
    checked = run_embedded(
        "verify", tmp_path / "e26", "--archive", tmp_path / "a26", "--earlier", tmp_path / "e25", "--json"
    )
    assert json.loads(checked.output)["findings"] == []
    assert not any("not at hand" in note for note in json.loads(checked.output)["notes"])
    refused = run_embedded("scorecards", "thu-2026", "--out", tmp_path / "x", "--earlier", tmp_path / "e25")
    assert (refused.exit_code, "expected it beside an archive only" in refused.errors) == (2, True)


def test_an_instance_hands_over_its_earlier_rounds_and_who_became_whom(
    sqlite_settings: Settings, sqlite_stores: Stores
) -> None:
    drawn = sipas_edition((120, 90), slug="sipas-2025")
    facts = replace(drawn.facts, opens_on=dt.date(2025, 9, 1), closes_on=dt.date(2025, 10, 15))
    folder = publish_by_hand(sqlite_settings, sqlite_stores, replace(drawn, facts=facts))
    first, second = (unit.code for unit in drawn.units)
    succession = sqlite_settings.instance / "succession.csv"
    succession.write_text(
        f"predecessor_code,successor_code,effective_date,relation,source\n{first},{second},2026-07-01,merge,thử\n",
        encoding="utf-8",
    )
    import_units(sqlite_stores, sqlite_settings.instance / "units-of-test.csv", succession)
    request = RoundRequest(
        slug="sipas-2026",
        questionnaire=REFERENCE,
        units=f"code={second}",
        opens_on=dt.date(2026, 9, 1),
        closes_on=dt.date(2026, 9, 30),
    )
    create_round(sqlite_stores, request, dt.date(2026, 8, 1))
    record = find_round(sqlite_stores, "sipas-2026")
    context = context_of_round(sqlite_stores, sqlite_settings, record)
    assert [(one.facts.slug, one.number) for one in context.earlier_rounds] == [("sipas-2025", 1)]
    assert context.registry.successions == (Succession(first, second, dt.date(2026, 7, 1), "merge"),)
    again = context_of_edition(sqlite_stores, sqlite_settings, context.earlier_rounds[0])
    assert again.earlier_rounds == ()
    # What is said of a later round rests on what was published, byte for byte.
    manifest = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(manifest + b" ")
    with pytest.raises(AnalysisError, match="found sha256"):
        context_of_round(sqlite_stores, sqlite_settings, record)
    (folder / MANIFEST).unlink()
    with pytest.raises(HailongError, match="the round sipas-2025 was published and is part of"):
        context_of_round(sqlite_stores, sqlite_settings, record)
