"""Every case of the shared oracle, and further ones, is reproduced at its own tolerance, through the command."""

import json
from collections import Counter
from pathlib import Path

import pytest

from support.command_line import run
from support.oracle import GOLDEN, cases, differences, read

ORACLE = cases("oracle")
REFUSED = [path for path in ORACLE if read(path)["kind"] == "expected_error"]
ANSWERED = sorted((path for path in ORACLE if path not in REFUSED), key=lambda path: (read(path)["kind"], path.stem))
# One case in six stands in the gate, some of every large kind; all of them run with the whole suite.
PARAMETERS = [
    pytest.param(path, id=path.stem, marks=() if place % 6 == 0 else pytest.mark.slow)
    for place, path in enumerate(ANSWERED)
]
FURTHER = [*cases("extra"), *cases("further")]


def test_the_oracle_holds_as_many_cases_as_it_says() -> None:
    kinds = Counter(read(path)["kind"] for path in ORACLE)
    assert (kinds.total(), len(kinds)) == (361, 31)
    assert kinds["svymean"] == 76
    assert kinds["svyquantile"] == 28
    assert kinds["svyglm"] == 11
    assert kinds["expected_error"] == 2


@pytest.mark.parametrize("path", PARAMETERS)
def test_a_case_of_the_oracle_is_reproduced(path: Path) -> None:
    found = run({}, "estimate", path, "--data", GOLDEN / "oracle")
    assert (found.exit_code, found.errors) == (0, "")
    assert list(differences(read(path), json.loads(found.output))) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", FURTHER, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_a_further_case_is_reproduced(path: Path) -> None:
    found = run({}, "estimate", path, "--data", path.parents[1])
    assert (found.exit_code, found.errors) == (0, "")
    assert list(differences(read(path), json.loads(found.output))) == []


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_lonely_stratum_is_refused_by_its_name(path: Path) -> None:
    stratum = read(path)["extra"]["error"].split("(")[1].split(")")[0]
    found = run({}, "estimate", path, "--data", GOLDEN / "oracle")
    assert found.exit_code == 2
    assert f"stratum {stratum}: found one PSU" in found.errors
