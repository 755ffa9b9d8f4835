"""Cases whose answers R's survey gave, and the comparison with an answer of ours."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = ("svymean", "svytotal", "svyratio", "svyby_svymean", "svyby_svytotal")
# Zero standard errors are numbers near 1e-15 in R; this share of the estimate is zero too.
NOTHING = 1e-12


def cases(folder: str, *kinds: str) -> list[Path]:
    """The case files of a folder of expected results, of the kinds that are named."""
    found = sorted((GOLDEN / folder / "expected").glob("*.json"))
    return [path for path in found if json.loads(path.read_text(encoding="utf-8"))["kind"] in kinds]


def differences(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """What an answer and a case disagree about, one line each."""
    tolerance = case["tolerance"]
    found = {_key(row): row for row in answer["results"]}
    if sorted(found) != sorted(_key(row) for row in case["results"]):
        yield f"rows: {sorted(found)}"
        return
    for row in case["results"]:
        ours = found[_key(row)]
        size = abs(row["estimate"] or 1.0)
        for name in ("estimate", "se", "ci", "ci_normal", "df", "df_design", "deff", "deff_replace", "n"):
            floor = NOTHING * size if name in ("estimate", "se", "ci", "ci_normal") else NOTHING
            if not _agree(ours[name], row[name], tolerance, floor):
                yield f"{_key(row)} {name}: {ours[name]} against {row[name]}"
        if any(ours[name] is None for name in ours if name != "reason") and not ours["reason"]:
            yield f"{_key(row)}: something is missing without a reason"
    if case["vcov"] is not None:
        yield from _covariance_differences(case, answer)


def _covariance_differences(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    if answer["vcov"] is None:
        yield "vcov: none"
        return
    keys = [_key(row) for row in answer["results"]]
    places = [keys.index(_key(row)) for row in case["results"]]
    size = max((abs(value) for row in case["vcov"] for value in row if value is not None), default=0.0)
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            ours, theirs = answer["vcov"][p][q], case["vcov"][i][j]
            if not _agree(ours, theirs, case["tolerance"], NOTHING * size):
                yield f"vcov[{i}][{j}]: {ours} against {theirs}"


def _key(row: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], str]:
    return tuple(row["domain"].items()), row["statistic"]


def _agree(ours: Any, theirs: Any, tolerance: float, floor: float) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, list):
        return all(_agree(a, b, tolerance, floor) for a, b in zip(ours, theirs, strict=True))
    return bool(abs(ours - theirs) <= max(tolerance * abs(theirs), floor))
