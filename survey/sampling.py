"""From a frame to a list of selected people: the use case behind `hailong sample`."""

import csv
import io
import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from analysis.errors import DesignError
from analysis.estimation.sample_drawing import DrawnSample, draw_sample
from analysis.estimation.sample_facts import group_facts, sample_warnings
from analysis.exporting.safe_cells import safe_text
from analysis.release.round_design import RoundDesign, parse_design
from analysis.sealed_folders import sha256_hex
from survey.code_files import BATCH_COLUMNS, read_batch
from survey.errors import BadInput
from survey.labels import check_label
from survey.plain_files import read_plain_file
from survey.sample_plan_files import SampleFile, parse_sample_plan
from survey.sampling_frame_files import composed, read_frame

SELECTED, BATCH, DESIGN, PLAN, FACTS = "selected.csv", "batch.csv", "design.yaml", "sample.yaml", "sample.json"
ADDED_COLUMNS = ("order", "unit", "stratum", "psu", "probability", "weight")
# What stands before a column of the frame that is called like one of these and is another thing.
FRAME_PREFIX = "frame_"
GENERATOR = "PCG64, raw bits"
LARGEST_PLAN = 1024 * 1024
# The one stratum of a frame that has neither units nor strata.
WHOLE_FRAME = "all"

_SEED_BITS = 53


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was written: the files by name with their bytes, and `sample.json` as a value."""

    files: Mapping[str, bytes]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SampleFinding:
    """One thing in which a sample is not what its frame, its plan and its seed give."""

    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: found {self.found}, expected {self.expected}"


def sample_frame(frame: Path, plan: Path, seed: int | None = None) -> Sampled:
    """The sample of a frame under a plan, with everything that a round needs of it; nothing is written.

    The seed is the argument, else the plan's, else drawn here; `sample.json` keeps it. Raises BadInput or DesignError.
    """
    source = read_plain_file(plan, LARGEST_PLAN)
    file = parse_sample_plan(source, plan.name)
    if seed is not None and file.seed is not None and seed != file.seed:
        raise BadInput(f"--seed: found {seed}, expected {file.seed} as {plan.name} has it, or none")
    if seed is not None and not 0 <= seed < 2**_SEED_BITS:
        raise BadInput(f"--seed: found {seed}, expected a whole number from 0 to {2**_SEED_BITS - 1}")
    given = file.seed if seed is None else seed
    chosen = secrets.randbits(_SEED_BITS) if given is None else given
    return _sampled(frame, source, file, chosen, is_given=given is not None)


def write_sample(sampled: Sampled, out: Path) -> None:
    """Write the files into a new folder, all or none, readable by its owner alone: a frame names people.

    Raises BadInput when something other than an empty folder is there.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise BadInput(f"--out: {out}: found something there already, expected a new folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # The folder is filled beside its place and renamed: nobody ever sees half a sample.
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as problem:
        raise BadInput(f"--out: {out}: {problem.strerror}") from None
    try:
        for name, content in sampled.files.items():
            (draft / name).touch(mode=0o600)
            (draft / name).write_bytes(content)
        draft.rename(out)
    except BaseException as problem:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(problem, OSError):
            raise BadInput(f"--out: {out}: {problem.strerror}") from None
        raise


def check_sample(folder: Path, frame: Path) -> list[SampleFinding]:
    """In what a written sample differs from what its frame, its plan and its seed give; empty where in nothing.

    Raises BadInput when the folder is no sample, or the frame or the plan cannot be used.
    """
    facts = _read_facts(folder)
    source = read_plain_file(folder / PLAN, LARGEST_PLAN)
    file = parse_sample_plan(source, f"{folder.name}/{PLAN}")
    again = _sampled(frame, source, file, facts["seed"], is_given=bool(facts.get("seed_was_given")))
    findings = []
    for name, about in (("frame", facts.get("frame")), ("plan", facts.get("plan"))):
        stated = about.get("sha256") if isinstance(about, dict) else None
        computed = again.facts[name]["sha256"]
        if stated != computed:
            findings.append(SampleFinding(f"{name}", f"the SHA-256 {computed}", f"{stated}, as {FACTS} has it"))
    for name, content in again.files.items():
        path = folder / name
        found = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if found is None:
            findings.append(SampleFinding(name, "no file", "the one that was drawn"))
        elif name == FACTS:
            findings.extend(_different_facts(facts, again.facts))
        elif found != content:
            findings.append(
                SampleFinding(name, _first_difference(found, content), "what the frame, plan and seed give")
            )
    return findings


def _sampled(frame_path: Path, source: bytes, file: SampleFile, seed: int, *, is_given: bool) -> Sampled:
    frame, content = read_frame(frame_path)
    about = {"name": frame_path.name, "sha256": sha256_hex(content), "rows": frame.num_rows}
    return sample_table(frame, source, file, seed, is_given=is_given, about=about, origin=str(frame_path))


def sample_table(
    frame: pa.Table,
    source: bytes,
    file: SampleFile,
    seed: int,
    *,
    is_given: bool,
    about: Mapping[str, object],
    origin: str,
) -> Sampled:
    """The sample of a table in which every cell is text, under the plan in `source`, which `file` was read from.

    `about` is what `sample.json` says of the frame, `origin` what complaints call it. Raises BadInput or DesignError.
    """
    plan = file.plan
    columns = plan.columns
    labelled = [columns.key, columns.unit, columns.stratum, *(stage.column for stage in plan.stages)]
    frame = composed(frame, [name for name in labelled if name is not None])
    try:
        sample = draw_sample(frame, plan, seed)
    except DesignError as complaint:
        # Whoever draws has one frame before them and several files.
        said = str(complaint)
        raise DesignError(origin + said[5:] if said.startswith("frame") else said) from None
    facts = group_facts(sample, plan)
    files = {
        SELECTED: _selected(frame, sample, file),
        BATCH: _batch(sample, file),
        DESIGN: _design(sample, file, seed),
        PLAN: source,
    }
    _refuse_unusable(files, sample, file)
    told: dict[str, Any] = {
        "sample": 1,
        "label": file.label,
        "seed": seed,
        "seed_was_given": is_given,
        "generator": GENERATOR,
        "frame": dict(about),
        "plan": {"sha256": sha256_hex(source)},
        "files": {name: sha256_hex(written) for name, written in files.items()},
        "asked": len(sample.rows),
        "size": {"for": plan.sizes.level, "rule": plan.sizes.rule, **asdict(plan.sizes.precision)},
        "sizes": [asdict(group) for group in facts],
        "allocation": [{**asdict(part), "certain": list(part.certain)} for part in sample.parts],
        "warnings": sample_warnings(sample, plan, facts),
    }
    files[FACTS] = (json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    return Sampled(files, told)


def _selected(frame: pa.Table, sample: DrawnSample, file: SampleFile) -> bytes:
    """The frame's rows that were drawn, after the columns that say how.

    A column of the frame that plays the part it is called by is not repeated; another of the same name is called
    `frame_…`.
    """
    columns = file.plan.columns
    stages = file.plan.stages
    repeated = {("unit", columns.unit), ("stratum", columns.stratum)}
    if len(stages) == 1:
        repeated.add(("psu", stages[0].column))
    kept = [name for name in frame.column_names if (name, name) not in repeated]
    names = [FRAME_PREFIX + name if name in ADDED_COLUMNS else name for name in kept]
    chosen = frame.select(kept).take(pa.array(sample.rows))
    texts = [[_cell(text) for text in chosen[name].to_pylist()] for name in kept]
    strata = _strata(sample, file)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*ADDED_COLUMNS, *map(_cell, names)])
    numbers = zip(sample.probabilities.tolist(), sample.weights.tolist(), strict=True)
    for order, (unit, stratum, psu, (probability, weight), *own) in enumerate(
        zip(sample.units, strata, sample.psus, numbers, *texts, strict=True), start=1
    ):
        writer.writerow([order, unit, stratum, psu, repr(probability), repr(weight), *own])
    return stream.getvalue().encode()


def _cell(text: str) -> str:
    try:
        float(text)
    except ValueError:
        return safe_text(text)
    return text


def _strata(sample: DrawnSample, file: SampleFile) -> Sequence[str]:
    if file.plan.columns.unit is None and file.plan.columns.stratum is None:
        return (WHOLE_FRAME,) * len(sample.rows)
    return sample.strata


def _batch(sample: DrawnSample, file: SampleFile) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(BATCH_COLUMNS)
    for cell in sample.cells:
        writer.writerow([cell.unit, _stratum(cell.stratum, file), cell.psu, file.channel, cell.count])
    return stream.getvalue().encode()


def _design(sample: DrawnSample, file: SampleFile, seed: int) -> bytes:
    """The design.yaml of a round that asks this sample: its cells, so that who answers weighs what was drawn."""
    columns = file.plan.columns
    used = _design_columns(file)
    clusters = ["psu"] if file.plan.stages else [] if columns.unit is not None else ["ballot"]
    lines = [
        f"# Drawn by hailong sample with the seed {seed}; selected.csv has the people, sample.json how.",
        "design: 1",
        *([f"label: {_quoted(file.label)}"] if file.label else []),
        f"strata: [{', '.join(name for name in used if name != 'psu')}]",
        f"clusters: [{', '.join(clusters)}]",
        f"fpc: {str(file.fpc).lower()}",
        *([f"household: {file.household}"] if file.household else []),
        "cells:",
    ]
    for cell in sample.cells:
        labels = {"unit": cell.unit, "stratum": _stratum(cell.stratum, file), "psu": cell.psu}
        fields = [f"{name}: {_quoted(labels[name])}" for name in used]
        fields.append(f"population: {cell.population}")
        if cell.probability < 1:
            fields.append(f"probability: {Decimal(cell.probability):.15f}")
        lines.append(f"  - {{{', '.join(fields)}}}")
    return ("\n".join(lines) + "\n").encode()


def _design_columns(file: SampleFile) -> list[str]:
    columns = file.plan.columns
    names = ["unit"] if columns.unit is not None else []
    if columns.stratum is not None or columns.unit is None:
        names.append("stratum")
    return [*names, "psu"] if file.plan.stages else names


def _stratum(label: str, file: SampleFile) -> str:
    return label or (WHOLE_FRAME if file.plan.columns.unit is None else "")


def _quoted(text: str) -> str:
    # A JSON string is a string of YAML too, and never anything else.
    return json.dumps(text, ensure_ascii=False)


def _refuse_unusable(files: Mapping[str, bytes], sample: DrawnSample, file: SampleFile) -> None:
    """Raise BadInput or DesignError where a round would not take these files: labels too long, too many cells."""
    for cell in sample.cells:
        for name, label in (("unit", cell.unit), ("stratum", cell.stratum), ("psu", cell.psu)):
            if check_label(name, label) != label:
                raise BadInput(f"frame, {name}: found {label[:60]!r}, expected a label without blanks around it")
    design: RoundDesign = parse_design(files[DESIGN], DESIGN)
    for request in read_batch(files[BATCH], BATCH, sorted({cell.unit for cell in sample.cells})):
        if not design.knows_cell(request.unit, request.stratum, request.psu):
            raise DesignError(f"{DESIGN}: found no cell for {request.unit}/{request.stratum}/{request.psu}")


def _read_facts(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise BadInput(f"--check: found no folder {folder}, expected one that `hailong sample` wrote")
    try:
        facts = json.loads(read_plain_file(folder / FACTS, 256 * 1024 * 1024))
    except ValueError:
        facts = None
    seed = facts.get("seed") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or type(seed) is not int or not 0 <= seed < 2**_SEED_BITS:
        raise BadInput(f"{folder / FACTS}: found no seed, expected what `hailong sample` wrote")
    return facts


def _different_facts(stated: Mapping[str, Any], again: Mapping[str, Any]) -> list[SampleFinding]:
    # What is said of the frame and the files is compared with these themselves; its name may have changed.
    names = [name for name in {**stated, **again} if name not in ("frame", "plan", "files")]
    return [
        SampleFinding(f"{FACTS}, {name}", "another value", "what the frame, plan and seed give")
        for name in names
        if stated.get(name) != again.get(name)
    ]


def _first_difference(found: bytes, expected: bytes) -> str:
    lines = zip(found.split(b"\n"), expected.split(b"\n"), strict=False)
    number = next((n for n, (one, other) in enumerate(lines, start=1) if one != other), None)
    return f"another line {number}" if number else f"{found.count(10)} lines instead of {expected.count(10)}"
