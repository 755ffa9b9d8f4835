"""What a person types by mistake to the commands of the portal and of published scores: exit 2, one helpful line."""

from pathlib import Path

import pytest

from support.command_line import environment_of_settings, run
from survey.settings import Settings
from survey.storage.stores import Stores

COLUMNS = "index,year,unit_name,bloc,score,scale,rank,source\n"
FILES = {
    "letters.csv": COLUMNS + "PAPI,abc,Quảng Ninh,tỉnh,44,80,1,nguồn\n",
    "columns.csv": "index,year\nPAPI,2020\n",
    "rank.csv": COLUMNS + "PAPI,2020,Quảng Ninh,tỉnh,44,80,0,nguồn\n",
    "number.csv": COLUMNS + "PAPI,2020,Quảng Ninh,tỉnh,nan,80,1,nguồn\n",
    "twice.csv": COLUMNS + "PAPI,2020,Quảng Ninh,tỉnh,44,80,1,nguồn\n" * 2,
    "good.csv": COLUMNS + "PAPI,2020,Quảng Ninh,tỉnh,44,80,1,nguồn\n",
}
MISTAKES = {
    ("unit-account", "invite", "not-an-address", "--unit", "06652", "--name", "Hà"): "expected an e-mail address",
    ("unit-account", "invite", "a@b.vn\r\nBcc: x@y.z", "--unit", "06652", "--name", "Hà"): "expected an e-mail address",
    ("unit-account", "invite", "a@b.vn", "--unit", "nowhere", "--name", "Hà"): "hailong units list",
    ("unit-account", "invite", "a@b.vn", "--unit", "06652"): "--name",
    ("unit-account", "disable", "nobody@x.vn"): "hailong unit-account list",
    ("unit-account", "enable", "nobody@x.vn"): "hailong unit-account list",
    ("unit-account", "notify", "nowhere-2026"): "hailong round status",
    ("unit-account", "reset", "a@b.vn"): "No such command 'reset'",
    ("published", "import"): "SCORES_CSV",
    ("published", "import", "gone.csv"): "gone.csv: found no readable file",
    ("published", "import", "."): "expected a file",
    ("published", "import", "columns.csv"): "columns.csv:1: found the columns index, year, expected",
    ("published", "import", "letters.csv"): "letters.csv:2: column year: found 'abc'",
    ("published", "import", "rank.csv"): "rank.csv:2: column rank: found '0'",
    ("published", "import", "number.csv"): "number.csv:2: column score: found 'nan'",
    ("published", "import", "twice.csv"): "twice.csv:3: column unit_name: found 'Quảng Ninh', expected each unit once",
    ("published", "import", "good.csv", "good.csv"): "good.csv:1: found the columns",
}


@pytest.mark.parametrize(("typed", "said"), MISTAKES.items(), ids=[" ".join(typed) for typed in MISTAKES])
def test_a_mistake_is_said_in_one_line_and_changes_nothing(
    sqlite_settings: Settings,
    sqlite_stores: Stores,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: tuple[str, ...],
    said: str,
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in sqlite_settings.instance.rglob("*"))
    done = run(environment_of_settings(sqlite_settings.instance, None), *typed)
    assert (done.exit_code, done.output) == (2, ""), done
    (line,) = done.errors.splitlines()
    assert line.startswith("hailong: ")
    assert said in line
    assert sorted(path.name for path in sqlite_settings.instance.rglob("*")) == before
