"""What officers hand in is given to nobody as a file, so that no page can hand on a virus (ASVS 5.3.1, 5.4.3).

The string that every scanner takes for a virus when a file begins with it is handed in wherever an office takes a
file; then every file that the instance keeps is asked for by its name, and every download is looked at. Of all that is
handed in, hard data alone are published: as a table that is written anew from codes, numbers and a line of text each.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from analysis.release.edition_folder import HARD_CSV
from support.hard_rounds import SLUG, UNITS, WITH_HARD, sealed_round
from support.keys import lay_keys
from support.office import Office, add_units, open_office
from support.pages import checked_page
from survey.settings import Settings

pytestmark = pytest.mark.slow

# In two parts, so that no scanner stumbles over this file.
VIRUS = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
PLAN = b"# " + VIRUS + b"\n" + WITH_HARD
DESIGN = b"# " + VIRUS + b"\ndesign: 1\nstrata: [unit]\npopulation: {phuong-a: 900, xa-b: 900, xa-c: 900}\n"
ROWS = "".join(f'"{unit}", h, 10,"{VIRUS.decode()}"\r\n' for unit in UNITS)
FIGURES = f"unit,indicator,value,source\r\n{ROWS}".encode()
PUBLISHED_FIGURES = f"/results/{SLUG}/{HARD_CSV}"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    """An office that has published a round with all that can be handed in."""
    opened = open_office(sqlite_settings)
    add_units(opened)
    lay_keys(sqlite_settings, SLUG)
    opened.sign_in()
    sealed_round(opened.services.settings, opened.services.stores, plan=PLAN, design=DESIGN)
    publish = f"/office/rounds/{SLUG}/publish"
    shown = checked_page(opened.hand_in(publish, {"figures": (FIGURES, "số liệu.csv")}), publish)
    assert shown.status == 200
    assert opened.client.post(publish, data=shown.fields(1)).status_code == 303
    assert opened.finished(SLUG).status_code == 303
    yield opened
    opened.services.stores.close()


def kept_files(office: Office) -> dict[str, bytes]:
    instance = office.services.settings.instance
    return {
        path.name: path.read_bytes()
        for folder in ("archives", "editions")
        for path in (instance / folder).rglob("*")
        if path.is_file()
    }


def addresses(names: set[str]) -> Iterator[str]:
    for name in sorted(names | {Path(name).stem for name in names}):
        for ending in ("", ".csv", ".pdf"):
            yield f"/results/{SLUG}/{name}{ending}"
    for path in (
        "hard-data.csv",
        "accounting.csv",
        "accounting.xlsx",
        "design.yaml",
        "plan.yaml",
        "questionnaire.yaml",
    ):
        yield f"/office/rounds/{SLUG}/{path}"


def test_nothing_that_was_handed_in_comes_out_as_a_file(office: Office) -> None:
    kept = kept_files(office)
    # They are kept, with their comments, for whoever verifies an archive or an edition in its folder.
    assert {name for name, content in kept.items() if VIRUS in content} == {"plan.yaml", "design.yaml", HARD_CSV}
    for client in (office.client, office.app.test_client()):
        files = downloads(client, set(kept))
        assert len(files) > 5
        assert not {PLAN, DESIGN, FIGURES} & set(files.values())
        assert [address for address, content in files.items() if content.startswith(VIRUS)] == []
        assert [address for address, content in files.items() if VIRUS in content] == [PUBLISHED_FIGURES]
        lines = files[PUBLISHED_FIGURES].decode().splitlines()
        assert lines[0] == "unit,indicator,value,source"
        assert all(re.fullmatch(r"[a-z-]+,h,10,\S+", line) for line in lines[1:])


def downloads(client: FlaskClient, names: set[str]) -> dict[str, bytes]:
    """Each file that the client gets, by its address."""
    answers = {address: client.get(address) for address in addresses(names)}
    return {
        address: answer.data
        for address, answer in answers.items()
        if answer.status_code == 200 and answer.mimetype != "text/html"
    }
