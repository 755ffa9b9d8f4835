"""Every case of the shared oracle, and further ones, is reproduced at its own tolerance, through the command."""

import json
from collections import Counter
from pathlib import Path

import pytest

from support.command_line import run
from support.oracle import GOLDEN, cases, differences, read

# Means, totals and ratios stand in the gate; the other kinds run with the whole suite.
QUICK = ("svymean", "svytotal", "svyratio", "svyby_svymean", "svyby_svytotal", "expected_error")
ORACLE = cases("oracle")
REFUSED = [path for path in ORACLE if read(path)["kind"] == "expected_error"]
PARAMETERS = [
    pytest.param(path, id=path.stem, marks=() if read(path)["kind"] in QUICK else pytest.mark.slow)
    for path in ORACLE
    if path not in REFUSED
]
EXTRA = cases("extra")


def test_the_oracle_holds_as_many_cases_as_it_says() -> None:
    kinds = Counter(read(path)["kind"] for path in ORACLE)
    assert (kinds.total(), len(kinds)) == (361, 31)
    assert {kind: kinds[kind] for kind in QUICK} == {
        "svymean": 76,
        "svytotal": 44,
        "svyratio": 16,
        "svyby_svymean": 54,
        "svyby_svytotal": 8,
        "expected_error": 2,
    }


@pytest.mark.parametrize("path", PARAMETERS)
def test_a_case_of_the_oracle_is_reproduced(path: Path) -> None:
    found = run({}, "estimate", path, "--data", GOLDEN / "oracle")
    assert (found.exit_code, found.errors) == (0, "")
    assert list(differences(read(path), json.loads(found.output))) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", EXTRA, ids=lambda path: path.stem)
def test_a_further_case_is_reproduced(path: Path) -> None:
    found = run({}, "estimate", path, "--data", GOLDEN / "extra")
    assert (found.exit_code, found.errors) == (0, "")
    assert list(differences(read(path), json.loads(found.output))) == []


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_lonely_stratum_is_refused_by_its_name(path: Path) -> None:
    stratum = read(path)["extra"]["error"].split("(")[1].split(")")[0]
    found = run({}, "estimate", path, "--data", GOLDEN / "oracle")
    assert found.exit_code == 2
    assert f"stratum {stratum}: found one PSU" in found.errors
