"""Cases whose answers R's survey gave, and the comparison with an answer of ours."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"
# Zero standard errors are numbers near 1e-15 in R; this share of the estimate is zero too.
NOTHING = 1e-12
# What no case of its own asks: who made it, and words.
_SAID = ("note", "psych", "metafor", "vcov_is", "error")


def cases(folder: str) -> list[Path]:
    """The case files of a folder of expected results."""
    return sorted((GOLDEN / folder / "expected").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """A case."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


def differences(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """What an answer and a case disagree about, one line each."""
    tolerance = case["tolerance"]
    found = {_key(row): row for row in answer["results"]}
    if sorted(map(_key, answer["results"])) != sorted(_key(row) for row in case["results"]):
        yield f"rows: {sorted(found)}"
        return
    for row in case["results"]:
        ours = found[_key(row)]
        size = abs(row["estimate"] or 1.0)
        for name in row:
            if name in ("domain", "statistic", "method", "note"):
                continue
            if row.get("note") and (name == "ci" or row[name] is None):
                # Where R has no interval, or ends with an error, we have a rule of our own.
                continue
            floor = NOTHING * size if name in ("estimate", "se", "ci", "ci_normal") else NOTHING
            if name not in ours or not _agree(ours[name], row[name], tolerance, floor):
                yield f"{_key(row)} {name}: {ours.get(name)} against {row[name]}"
        if any(ours[name] is None for name in ours if name not in ("reason", "note")) and not ours["reason"]:
            yield f"{_key(row)}: something is missing without a reason"
    if case["vcov"] is not None:
        yield from _covariance_differences(case, answer)
    if case["extra"] is not None:
        yield from _extra_differences(case["extra"], answer["extra"] or {}, tolerance, "extra")


def _covariance_differences(case: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    if answer["vcov"] is None:
        yield "vcov: none"
        return
    # The covariance of a difference's means, or of an index's items, is in an order of its own.
    places = list(range(len(case["vcov"])))
    if case["kind"] not in ("domain_difference", "composite_index"):
        keys = [_key(row) for row in answer["results"]]
        places = [keys.index(_key(row)) for row in case["results"]]
    size = max((abs(value) for row in case["vcov"] for value in row if value is not None), default=0.0)
    # What calibration holds fast has in R the variance of rounding.
    estimates = max((abs(row["estimate"]) for row in case["results"] if row["estimate"] is not None), default=0.0)
    floor = max(NOTHING * size, (NOTHING * estimates) ** 2)
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            ours, theirs = answer["vcov"][p][q], case["vcov"][i][j]
            if not _agree(ours, theirs, case["tolerance"], floor):
                yield f"vcov[{i}][{j}]: {ours} against {theirs}"


def _extra_differences(theirs: Any, ours: Any, tolerance: float, place: str) -> Iterator[str]:
    if isinstance(theirs, Mapping):
        for key, value in theirs.items():
            if key in _SAID:
                continue
            if not isinstance(ours, Mapping) or key not in ours:
                yield f"{place}.{key}: nothing against {value}"
            else:
                yield from _extra_differences(value, ours[key], tolerance, f"{place}.{key}")
    elif isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            yield f"{place}: {ours} against {theirs}"
        else:
            for i, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from _extra_differences(other, mine, tolerance, f"{place}[{i}]")
    elif isinstance(theirs, str):
        if ours != theirs:
            yield f"{place}: {ours} against {theirs}"
    elif not _agree(ours, theirs, tolerance, NOTHING):
        yield f"{place}: {ours} against {theirs}"


def _key(row: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], str, str]:
    return tuple(row["domain"].items()), row["statistic"], row.get("method") or ""


def _agree(ours: Any, theirs: Any, tolerance: float, floor: float) -> bool:
    if isinstance(theirs, Mapping):
        return isinstance(ours, Mapping) and all(_agree(ours.get(k), theirs[k], tolerance, floor) for k in theirs)
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, list):
        return all(_agree(a, b, tolerance, floor) for a, b in zip(ours, theirs, strict=True))
    return bool(abs(ours - theirs) <= max(tolerance * abs(theirs), floor))
