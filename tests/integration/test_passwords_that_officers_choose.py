"""Whoever sets a password, on the console or in the browser, is held to the same rules (ASVS 6.2.4, 6.2.11, 6.2.12)."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha1
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from support.command_line import run
from support.office import LOGIN, PASSWORD, Office, open_office
from support.rounds import UNITS_CSV
from survey.officers import list_officers
from survey.passwords import FEWEST_GUESSES, OWN_WORDS, n_guesses
from survey.settings import Settings
from survey.units import import_units

pytestmark = pytest.mark.slow

# Known to the file of this installation alone.
OURS = "con mèo ngủ trên ghế đá"
REFUSED = {
    "units of this office": ("HongGaiThuong2026", "easy to guess", "dễ đoán"),
    "a stolen one that no estimate calls easy": ("siemprecontigo", "stolen elsewhere", "đã bị lộ"),
    "one of the operator's file": (OURS, "stolen elsewhere", "đã bị lộ"),
}
UNITS = UNITS_CSV.replace("Phường A", "Phường Hồng Gai Thượng").replace("Xã B", "Xã Đông Ngũ Hạ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stolen.txt"
    path.write_text(f"{sha1(OURS.encode()).hexdigest().upper()}:12\n")  # noqa: S324 — the file's own
    return path


@pytest.fixture
def office(sqlite_settings: Settings, tmp_path: Path, file: Path) -> Iterator[Office]:
    opened = open_office(replace(sqlite_settings, breached_passwords=file))
    units = tmp_path / "units.csv"
    units.write_text(UNITS, encoding="utf-8")
    import_units(opened.services.stores, units)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def test_it_is_the_units_that_make_it_easy() -> None:
    assert n_guesses(REFUSED["units of this office"][0], OWN_WORDS) > FEWEST_GUESSES


@pytest.mark.parametrize("name", REFUSED)
def test_the_browser_refuses_it_in_the_readers_language(office: Office, name: str) -> None:
    password, _, reason = REFUSED[name]
    page = "/office/account/password"
    refused = office.send(page, password=PASSWORD, new_password=password, again=password)
    assert refused.status_code == 400
    assert reason in refused.text
    assert password not in refused.text


@pytest.mark.parametrize("name", REFUSED)
def test_the_console_refuses_it_in_one_line(
    office: Office, file: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, reason, _ = REFUSED[name]
    environment = {
        "HAILONG_INSTANCE": str(office.services.settings.instance),
        "HAILONG_BREACHED_PASSWORDS": str(file),
    }
    for arguments in (("create", "minh", "--name", "Trần Văn Minh"), ("password", LOGIN)):
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(f"{password}\n".encode()), encoding="utf-8"))
        refused = run(environment, "officer", *arguments, "--password-stdin")
        assert (refused.exit_code, refused.errors.count("\n")) == (2, 1)
        assert reason in refused.errors
        assert password not in refused.errors
    assert [officer.login for officer in list_officers(office.services.stores)] == [LOGIN]
