"""From an archive to an edition's folder, and from a sealed round to a published one."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.errors import EditionError
from analysis.release.edition_folder import read_edition
from analysis.release.verification import verify
from questionnaires.model import Text
from support.command_line import RunHailong, environment_of_settings, run
from support.keys import lay_keys
from support.small_archives import REFERENCE, WARDS, write_small_archive
from support.stores import Templates, opened, settings_in
from survey.cli import main
from survey.errors import BadInput, HailongError, WrongState
from survey.notices import Notice
from survey.publishing import publish_round
from survey.rounds import RoundRequest, create_round, editions_of, find_round, mark_sealed
from survey.sealing import archive_path
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

pytestmark = pytest.mark.slow
TODAY = dt.date(2026, 11, 23)
SLUG = "thu-2026"
TWO = {code: WARDS[code] for code in ("06652", "06658")}
UNPRINTABLE = {**TWO, "06661": ("▲ Việt Hưng", 30)}


@pytest.fixture
def run_embedded(sqlite_settings: Settings) -> RunHailong:
    """Runs the command line on a fresh embedded instance."""
    return partial(run, environment_of_settings(sqlite_settings.instance, None))


def _command(*arguments: object) -> list[str]:
    return ["scorecards", *map(str, arguments), "--published-on", "2026-11-23", "--workers", "2"]


@pytest.fixture(scope="module")
def made_without_web(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An archive, and its edition, made where the web cannot be imported and in a folder that stays empty."""
    folder = tmp_path_factory.mktemp("without-web")
    archive, out = folder / "archive", folder / "out"
    write_small_archive(archive, wards=TWO)
    script = (
        "import sys\n"
        "for name in ('survey.web', 'flask', 'flask_wtf', 'werkzeug'):\n"
        "    sys.modules[name] = None\n"
        "from survey.cli import main\n"
        f"sys.argv = ['hailong', *{_command(archive, '--out', out)!r}]\n"
        "main()\n"
    )
    # Nothing of an instance is needed and none is made: the folder is empty before and after.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAILONG_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=elsewhere,
        env={**kept, "PYTHONPATH": str(Path(main.__code__.co_filename).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert list(elsewhere.iterdir()) == []
    return archive, out


def test_an_archive_becomes_scorecards_where_the_web_cannot_be_imported(made_without_web: tuple[Path, Path]) -> None:
    archive, out = made_without_web
    edition = read_edition(out)
    assert sorted(path.name for path in out.glob("*.pdf")) == [
        "06652.pdf",
        "06658.pdf",
        "league-khoi-dia-phuong.pdf",
        "method.pdf",
        "province.pdf",
    ]
    assert edition.archive_manifest_sha256 == read_archive(archive).manifest_sha256
    assert edition.published_on == TODAY
    assert set(edition.manifest["rendered_with"]) >= {"weasyprint", "pango", "be-vietnam-pro"}  # type: ignore[call-overload]
    assert verify(out, archive) == []


def test_the_same_archive_prints_the_same_bytes(
    made_without_web: tuple[Path, Path], tmp_path: Path, run_embedded: RunHailong
) -> None:
    archive, one = made_without_web
    assert run_embedded(*_command(archive, "--out", tmp_path / "two")).exit_code == 0
    ones = {path.name: path.read_bytes() for path in one.iterdir()}
    twos = {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    # The signature is by a key made for each folder; everything that is signed is the same.
    manifests = [json.loads(files.pop("edition.json")) for files in (ones, twos)]
    for manifest in manifests:
        del manifest["signature"]
    assert manifests[0] == manifests[1]
    assert ones == twos


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, run_embedded: RunHailong) -> None:
    write_small_archive(tmp_path / "archive", wards=TWO)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept", encoding="utf-8")
    done = run_embedded(*_command(tmp_path / "archive", "--out", tmp_path / "out"))
    assert done.exit_code == 2
    assert "found a folder that is not empty, expected a new or an empty folder" in done.errors
    assert len(done.errors.splitlines()) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--unit", "99999"), "found the unit '99999', expected one of the 2 units"),
        (("--workers", "0"), "workers"),
        (("--language", "fr"), "language"),
        (("--published-on", "yesterday"), "published-on"),
    ],
)
def test_bad_arguments_end_with_one_line_and_no_folder(
    tmp_path: Path, run_embedded: RunHailong, arguments: tuple[str, ...], complaint: str
) -> None:
    write_small_archive(tmp_path / "archive", wards=TWO)
    done = run_embedded("scorecards", tmp_path / "archive", "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert complaint in done.errors
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_one_unit_alone_is_printed_into_an_empty_folder_in_both_languages(
    tmp_path: Path, run_embedded: RunHailong
) -> None:
    write_small_archive(tmp_path / "archive", wards=TWO)
    (tmp_path / "out").mkdir()
    arguments = _command(
        tmp_path / "archive", "--out", tmp_path / "out", "--unit", "06658", "--language", "both", "--json"
    )
    done = run_embedded(*arguments)
    assert done.exit_code == 0
    assert json.loads(done.output)["documents"] == 2
    assert sorted(path.name for path in (tmp_path / "out").glob("*.pdf")) == ["06658.en.pdf", "06658.pdf"]


def test_a_unit_that_cannot_be_printed_is_named_and_stops_no_other(tmp_path: Path, run_embedded: RunHailong) -> None:
    write_small_archive(tmp_path / "archive", wards=UNPRINTABLE)
    done = run_embedded(*_command(tmp_path / "archive", "--out", tmp_path / "out"))
    assert done.exit_code == 1
    assert "hailong: 06661.pdf could not be printed: found the letters '▲' (U+25B2)" in done.errors
    printed = sorted(path.name for path in (tmp_path / "out").glob("*.pdf"))
    assert printed == ["06652.pdf", "06658.pdf", "league-khoi-dia-phuong.pdf", "method.pdf", "province.pdf"]
    assert read_edition(tmp_path / "out").facts.slug == SLUG


@dataclass(frozen=True, slots=True)
class _Sealed:
    settings: Settings
    stores: Stores
    vault: KeyVault


def _seal(settings: Settings, stores: Stores) -> _Sealed:
    """One sealed round of two wards in an empty instance."""
    lines = ["code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source"]
    for code, (name, _) in TWO.items():
        lines.append(f"{code},Phường {name},{name} Ward,ward,Khối địa phương,,2025-07-01,,10000,9,thử")
    units = settings.instance / "units.csv"
    units.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_units(stores, units)
    request = RoundRequest(
        slug=SLUG,
        questionnaire=REFERENCE,
        units="code=" + ",".join(TWO),
        opens_on=dt.date(2026, 9, 1),
        closes_on=dt.date(2026, 10, 15),
        title=Text("Khảo sát thử năm 2026", "Trial survey 2026"),
        notice=Notice(issuer=Text("Sở Nội vụ", "Home Affairs"), decision="", hotline=""),
        is_imported=True,
    )
    create_round(stores, request, dt.date(2026, 8, 1))
    archive = write_small_archive(archive_path(settings, SLUG), slug=SLUG, wards=TWO)
    mark_sealed(stores, SLUG, archive_hash=archive.manifest_sha256, n_sealed=105, n_rejected=0)
    return _Sealed(settings, stores, lay_keys(settings, SLUG))


@pytest.fixture
def sealed(sqlite_settings: Settings, sqlite_stores: Stores) -> _Sealed:
    """An instance with one sealed round of two wards."""
    return _seal(sqlite_settings, sqlite_stores)


@pytest.fixture(scope="module")
def published_instance(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Path:
    """Such an instance after its round was published, which is done once for all tests of this file."""
    settings = store_templates.new_instance("sqlite", tmp_path_factory.mktemp("published") / "var")
    stores = opened(settings)
    _publish(_seal(settings, stores))
    stores.close()
    return settings.instance


@pytest.fixture
def published(published_instance: Path, tmp_path: Path) -> Iterator[_Sealed]:
    """A copy of it for one test."""
    settings = settings_in(Path(shutil.copytree(published_instance, tmp_path / "published")))
    stores = opened(settings)
    yield _Sealed(settings, stores, lay_keys(settings, SLUG))
    stores.close()


def _publish(sealed: _Sealed, day: dt.date = TODAY, **options: str) -> Path:
    made = publish_round(sealed.stores, sealed.vault, sealed.settings, SLUG, day, workers=2, **options)  # type: ignore[arg-type]
    assert made.failures == ()
    return made.folder


def test_a_round_is_published_with_its_first_edition_and_corrected_with_a_second(published: _Sealed) -> None:
    assert read_edition(published.settings.instance / "editions" / SLUG / "1").number == 1
    assert find_round(published.stores, SLUG).state == "published"
    with pytest.raises(BadInput, match="a correction, edition 2, needs a reason"):
        _publish(published)
    second = _publish(published, TODAY + dt.timedelta(days=7), reason="nhập trùng phiếu")
    recorded = editions_of(published.stores, SLUG)
    assert [(known.number, known.reason, known.published_on) for known in recorded] == [
        (1, None, TODAY),
        (2, "nhập trùng phiếu", TODAY + dt.timedelta(days=7)),
    ]
    assert verify(second, archive_path(published.settings, SLUG)) == []
    with reading(published.stores.office) as session:
        actions = [event.action for event in list_events(session)]
    assert actions.count("round.published") == 2


def test_a_first_edition_takes_no_reason(sealed: _Sealed) -> None:
    with pytest.raises(BadInput, match="expected one for corrections only"):
        _publish(sealed, reason="vì sao")


def test_a_round_that_is_not_sealed_is_not_published(sealed: _Sealed) -> None:
    request = RoundRequest(
        slug="nhap-2026",
        questionnaire=REFERENCE,
        units="code=06652",
        opens_on=dt.date(2026, 12, 1),
        closes_on=dt.date(2026, 12, 31),
    )
    create_round(sealed.stores, request, TODAY)
    with pytest.raises(WrongState):
        publish_round(sealed.stores, sealed.vault, sealed.settings, "nhap-2026", TODAY)


def test_an_archive_that_is_not_the_sealed_one_is_not_published(sealed: _Sealed) -> None:
    folder = archive_path(sealed.settings, SLUG)
    folder.rename(folder.with_name("aside"))
    write_small_archive(folder, slug=SLUG, wards={"06652": ("Hà Tu", 50)})
    with pytest.raises(HailongError, match="as it was sealed"):
        _publish(sealed)
    assert find_round(sealed.stores, SLUG).state == "sealed"


def test_an_edition_that_was_written_but_not_recorded_is_recorded_as_it_is(
    sealed: _Sealed, published_instance: Path
) -> None:
    out = sealed.settings.instance / "editions" / SLUG / "1"
    shutil.copytree(published_instance / "editions" / SLUG / "1", out)
    manifest = (out / "edition.json").read_bytes()
    folder = _publish(sealed, TODAY + dt.timedelta(days=1))
    assert (folder / "edition.json").read_bytes() == manifest
    (known,) = editions_of(sealed.stores, SLUG)
    assert known.published_on == TODAY


def test_a_folder_of_something_else_in_the_place_of_an_edition_is_not_published(sealed: _Sealed) -> None:
    (sealed.settings.instance / "editions" / SLUG / "1").mkdir(parents=True)
    with pytest.raises(EditionError):
        _publish(sealed)
    assert find_round(sealed.stores, SLUG).state == "sealed"


def test_a_published_round_is_printed_again_with_its_own_date_and_bytes(published: _Sealed, tmp_path: Path) -> None:
    folder = published.settings.instance / "editions" / SLUG / "1"
    published.stores.close()
    environment = environment_of_settings(published.settings.instance, None)
    done = run(environment, "scorecards", SLUG, "--out", tmp_path / "again", "--workers", "2")
    assert done.exit_code == 0, done.errors
    printed = sorted(folder.glob("*.pdf"))
    assert len(printed) == 5
    for path in printed:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
