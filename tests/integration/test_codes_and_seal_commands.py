"""`hailong round codes` and `hailong round seal`, as an operator types them."""

import csv
import json
import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from support.rounds import SLUG, Collection, open_collection
from survey.cli import main
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores

PUBLIC_URL = "https://hailong.example.vn"


class Shell:
    """Runs the command line in this process and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("HAILONG_INSTANCE", str(settings.instance))
        monkeypatch.setenv("HAILONG_PUBLIC_URL", PUBLIC_URL)
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["hailong", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def collection(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(sqlite_settings, sqlite_stores, tmp_path)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_settings: Settings) -> Shell:
    return Shell(monkeypatch, capsys, sqlite_settings)


def n_invitations(collection: Collection) -> int:
    with reading(collection.stores.frame) as session:
        return session.scalars(select(func.count()).select_from(Invitation)).one()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_codes_for_a_unit_go_into_a_private_file_and_work(collection: Collection, shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    code, said, complaint = shell("round", "codes", SLUG, "--unit", "xa-b", "--count", 3, "--out", out)
    assert (code, complaint) == (0, "")
    assert "3 codes in" in said
    rows = rows_of(out)
    assert [list(row) for row in rows] == [["unit", "code", "url", "channel"]] * 3
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    address, _, fragment = rows[0]["url"].partition("#")
    assert address == f"{PUBLIC_URL}/r/{SLUG}/xa-b"
    assert collection.send("xa-b", fragment) == "received"
    assert collection.send("xa-b", rows[0]["code"]) == "refused"
    assert collection.send("xa-b", rows[1]["code"]) == "received"
    assert {row["channel"] for row in rows} == {"slip"}


def test_a_batch_issues_for_many_units_and_channels(collection: Collection, shell: Shell, tmp_path: Path) -> None:
    batch, out = tmp_path / "batch.csv", tmp_path / "codes.csv"
    batch.write_text("unit,stratum,psu,channel,count\nxa-b,,,post,2\nphuong-a,t,p,,1\n", encoding="utf-8")
    assert shell("round", "codes", SLUG, "--batch", batch, "--out", out)[0] == 0
    assert [(row["unit"], row["channel"]) for row in rows_of(out)] == [
        ("xa-b", "post"),
        ("xa-b", "post"),
        ("phuong-a", "slip"),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--unit", "xa-b"], "found neither --batch nor --count"),
        (["--count", "3"], "found --count without --unit"),
        (["--unit", "xa-b", "--count", "3", "--batch", "b.csv"], "expected one way"),
        (["--unit", "xa-c", "--count", "3"], "expected a unit of the round"),
        (["--unit", "xa-b", "--count", "-3"], "count: found -3"),
        (["--unit", "xa-b", "--count", "x"], "not a valid integer"),
        (["--unit", "xa-b", "--count", "99999999"], "count: found 99999999"),
        (["--batch", "nowhere.csv"], "nowhere.csv: found no readable file"),
    ],
)
def test_bad_usage_is_one_line_exit_2_and_nothing_issued(
    collection: Collection, shell: Shell, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    out = tmp_path / "codes.csv"
    code, said, err = shell("round", "codes", SLUG, *arguments, "--out", out)
    assert (code, said) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
    assert n_invitations(collection) == 0
    assert sorted(found.name for found in tmp_path.iterdir()) == ["units.csv", "var"]


def test_a_bad_batch_names_its_line_and_issues_nothing(collection: Collection, shell: Shell, tmp_path: Path) -> None:
    batch, out = tmp_path / "batch.csv", tmp_path / "codes.csv"
    batch.write_text("unit,stratum,psu,channel,count\nxa-b,,,,2\nxa-b,,,post,-1\n", encoding="utf-8")
    code, _, err = shell("round", "codes", SLUG, "--batch", batch, "--out", out)
    assert code == 2
    assert f"{batch}:3: column count: found -1" in err
    assert n_invitations(collection) == 0
    assert not out.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00\x01" * 50, b"%PDF-1.7\n1 0 obj\n", b"a,b\n1,2\n", None, "link"], ids=str
)
def test_a_file_that_is_no_batch_is_named_and_issues_nothing(
    collection: Collection, shell: Shell, tmp_path: Path, content: bytes | str | None
) -> None:
    batch, out = tmp_path / "batch.csv", tmp_path / "codes.csv"
    if isinstance(content, bytes):
        batch.write_bytes(content)
    elif content == "link":
        (tmp_path / "good.csv").write_text("unit,stratum,psu,channel,count\nxa-b,,,,2\n", encoding="utf-8")
        batch.symlink_to(tmp_path / "good.csv")
    code, said, err = shell("round", "codes", SLUG, "--batch", batch, "--out", out)
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert "batch.csv" in err
    assert n_invitations(collection) == 0
    assert not out.exists()


def test_a_file_of_codes_is_never_written_over(collection: Collection, shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    out.write_text("older")
    code, _, err = shell("round", "codes", SLUG, "--unit", "xa-b", "--count", 1, "--out", out)
    assert code == 2
    assert "is there already" in err
    assert out.read_text() == "older"
    assert n_invitations(collection) == 0


def test_without_a_public_address_the_file_holds_paths_and_a_warning_says_so(
    collection: Collection, shell: Shell, tmp_path: Path
) -> None:
    shell.monkeypatch.delenv("HAILONG_PUBLIC_URL")
    out = tmp_path / "codes.csv"
    code, _, err = shell("round", "codes", SLUG, "--unit", "xa-b", "--count", 1, "--out", out)
    assert code == 0
    assert "slips cannot be printed" in err
    assert rows_of(out)[0]["url"].startswith(f"/r/{SLUG}/xa-b#")
    (collection.settings.instance / "demonstration").touch()
    second = tmp_path / "more.csv"
    code, _, err = shell("round", "codes", SLUG, "--unit", "xa-b", "--count", 1, "--out", second)
    assert (code, err) == (0, "")
    assert rows_of(second)[0]["url"].startswith(f"http://127.0.0.1:8000/r/{SLUG}/xa-b#")


def test_a_round_is_sealed_and_the_result_is_json_where_asked(
    collection: Collection, shell: Shell, tmp_path: Path
) -> None:
    for issued in collection.codes("xa-b", 12):
        collection.send("xa-b", issued.qr)
    code, said, err = shell("round", "seal", SLUG)
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert "is open" in err
    close_round(collection.stores, SLUG)
    elsewhere = tmp_path / "passphrase"
    elsewhere.write_bytes(collection.settings.passphrase_file.read_bytes())
    code, said, err = shell("round", "seal", SLUG, "--passphrase-file", elsewhere, "--json")
    assert code == 0
    result = json.loads(said)
    assert (result["sealed"], result["spent"], result["rejected"]) == (12, 12, {})
    assert "opening the ballots: 12" in err
    code, said, err = shell("round", "seal", SLUG)
    assert code == 0
    assert "was sealed already" in said


def test_a_wrong_passphrase_is_one_line_and_exit_2(collection: Collection, shell: Shell, tmp_path: Path) -> None:
    close_round(collection.stores, SLUG)
    wrong = tmp_path / "wrong"
    wrong.write_text("a passphrase of another office")
    code, said, err = shell("round", "seal", SLUG, "--passphrase-file", wrong)
    assert (code, said) == (2, "")
    assert "the passphrase does not open the key" in err
    assert "another office" not in err
    assert collection.record.state == "closed"
