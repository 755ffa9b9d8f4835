"""A question in a file becomes an answer in a file: the use case behind `hailong estimate`."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from survey.errors import BadInput
from survey.plain_files import read_plain_file


def estimate_file(spec: Path, data: Path | None = None, out: Path | None = None) -> str:
    """The answer to a specification, as JSON text that ends with a newline.

    Arguments:
        spec: a JSON or YAML file.
        data: the folder below which its data lie, by default the folder of `spec`.
        out: where the answer is also written; it appears whole or not at all.

    Raises BadInput, SpecError and DesignError, and writes nothing then.
    """
    from analysis.estimation.answers import answer_of
    from analysis.estimation.spec import LARGEST_SPEC, parse_specification

    folder = spec.parent if data is None else data
    if not folder.is_dir():
        raise BadInput(f"--data: found no folder {folder}, expected the folder of the data")
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise BadInput(f"--out: found no folder for {out}, expected a file name in a folder that exists")
    answer = answer_of(
        parse_specification(read_plain_file(spec, LARGEST_SPEC), spec.name, (spec.parent, folder)), folder
    )
    text = "".join(_lines(answer))
    if out is not None:
        _write_whole(out, text)
    return text


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """JSON with an estimate, and a row of the covariance, on a line of its own: short, and read by eye as well."""
    before = "{\n  "
    for key, value in answer.items():
        yield f"{before}{json.dumps(key)}: "
        before = ",\n  "
        if isinstance(value, list) and value:
            yield "[\n    "
            yield ",\n    ".join(_json(item) for item in value)
            yield "\n  ]"
        else:
            yield _json(value)
    yield "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as complaint:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise BadInput(f"--out: {path}: {complaint.strerror}") from None
