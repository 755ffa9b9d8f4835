"""Every case of the shared oracle, and further ones, is reproduced at its own tolerance."""

import json
from pathlib import Path

import pytest

from analysis.errors import DesignError
from analysis.estimation.answers import answer_of
from analysis.estimation.spec import parse_specification
from support.oracle import GOLDEN, KINDS, cases, differences

ORACLE = cases("oracle", *KINDS)
EXTRA = cases("extra", *KINDS)
REFUSED = cases("oracle", "expected_error")


def test_the_oracle_holds_as_many_cases_as_it_says() -> None:
    kinds = [json.loads(path.read_text(encoding="utf-8"))["kind"] for path in ORACLE]
    assert {kind: kinds.count(kind) for kind in KINDS} == {
        "svymean": 76,
        "svytotal": 44,
        "svyratio": 16,
        "svyby_svymean": 54,
        "svyby_svytotal": 8,
    }


@pytest.mark.parametrize("path", ORACLE, ids=lambda path: path.stem)
def test_a_case_of_the_oracle_is_reproduced(path: Path) -> None:
    answer = answer_of(parse_specification(path.read_bytes(), path.name), GOLDEN / "oracle")
    assert list(differences(json.loads(path.read_text(encoding="utf-8")), answer)) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", EXTRA, ids=lambda path: path.stem)
def test_a_further_case_is_reproduced(path: Path) -> None:
    answer = answer_of(parse_specification(path.read_bytes(), path.name), GOLDEN / "extra")
    assert list(differences(json.loads(path.read_text(encoding="utf-8")), answer)) == []


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_lonely_stratum_is_refused_by_its_name(path: Path) -> None:
    stratum = json.loads(path.read_text(encoding="utf-8"))["extra"]["error"].split("(")[1].split(")")[0]
    with pytest.raises(DesignError, match=rf"stratum {stratum}: found one PSU"):
        answer_of(parse_specification(path.read_bytes(), path.name), GOLDEN / "oracle")
