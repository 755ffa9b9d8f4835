"""A sealed round, written and read: the de-identified responses with everything that is needed to compute from them.

An archive is a folder in the layout of a Frictionless Data Package (https://datapackage.org, version 1) with a signed
manifest. It is microdata for the office's statisticians and auditors and is never published.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.data_package import DATA_PACKAGE, data_package, package_findings
from analysis.errors import ArchiveError
from analysis.responses import response_schema, units_without_place
from analysis.sealed_folders import (
    Finding,
    describe_files,
    folder_findings,
    read_manifest,
    sha256_hex,
    write_sealed_folder,
)
from analysis.signatures import Signer, signature_complaint, signed
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Text
from questionnaires.reading import parse_questionnaire

FORMAT = 1
MANIFEST = "manifest.json"
COMMENTS = "comments.enc"
UNIT_COLUMNS = ("code", "name_vi", "name_en", "kind", "bloc_code", "bloc_name", "population")


@dataclass(frozen=True, slots=True)
class ArchiveUnit:
    """A unit as it was when the round was sealed. `population` is None where it is not known."""

    code: str
    name: Text
    kind: str
    bloc_code: str
    bloc_name: str
    population: int | None


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """What the round's notice said: who asked, when, by which decision. Empty strings mean that nothing was said."""

    slug: str
    title: Text
    opens_on: date
    closes_on: date
    issuer: Text
    decision: str
    hotline: str
    collected: Literal["here", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there were on each step; `rejected` by reason. spent = spooled = sealed + rejected."""

    issued: int
    spent: int
    spooled: int
    sealed: int
    rejected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """Everything that goes into an archive. The responses are shuffled and coarsened by whoever seals.

    `comments` is the encrypted container of the free texts, or None; `coarsening` is the record that `coarsen` gives;
    `previous_manifest` is the SHA-256 of the manifest that this archive replaces or follows, or None.
    """

    facts: RoundFacts
    questionnaire_source: bytes
    plan_source: bytes
    design_source: bytes
    units: tuple[ArchiveUnit, ...]
    responses: pa.Table
    comments: bytes | None
    comment_count: int
    counts: Counts
    coarsening: Mapping[str, object]
    previous_manifest: str | None


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was read and found whole. `comments` tells whether the free texts are still there."""

    contents: ArchiveContents
    questionnaire: Questionnaire
    manifest: Mapping[str, object]
    manifest_sha256: str
    comments: Literal["none", "present", "erased"]


def write_archive(contents: ArchiveContents, path: Path, signer: Signer) -> dict[str, object]:
    """Write the archive into a new folder, all or nothing, and return its signed manifest.

    Raises ArchiveError when something is at `path`, when the responses do not have the questionnaire's columns, name a
    unit that is not listed, or when the counts do not add up.
    """
    questionnaire = parse_questionnaire(contents.questionnaire_source, "questionnaire.yaml")
    for finding in _content_findings(contents, questionnaire):
        raise ArchiveError(str(finding))
    files = {
        "responses.parquet": _parquet_bytes(contents.responses),
        "questionnaire.yaml": contents.questionnaire_source,
        "plan.yaml": contents.plan_source,
        "design.yaml": contents.design_source,
        "units.csv": units_to_csv(contents.units),
    }
    files[DATA_PACKAGE] = data_package(
        contents.facts.slug,
        contents.facts.title.vi,
        contents.responses.schema,
        UNIT_COLUMNS,
        questionnaire,
        files,
    )
    if contents.comments is not None:
        files[COMMENTS] = contents.comments
    manifest = signed(
        {
            "archive": FORMAT,
            "round": facts_to_json(contents.facts),
            "questionnaire": {"reference": questionnaire.reference, "sha256": questionnaire.content_hash},
            "counts": counts_to_json(contents.counts),
            "comments": contents.comment_count,
            "coarsening": dict(contents.coarsening),
            "previous_manifest": contents.previous_manifest,
            "files": describe_files(files),
        },
        signer,
    )
    write_sealed_folder(path, {**files, MANIFEST: manifest_bytes(manifest)}, ArchiveError)
    return manifest


def read_archive(path: Path) -> Archive:
    """The archive at `path`, after every hash, the signature and the contents were checked.

    The comments may have been erased; the archive is whole without them. Raises ArchiveError with the first finding.
    """
    archive, findings = examine_archive(path)
    if archive is None or findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise ArchiveError(f"{path}: {findings[0]}{more}")
    return archive


def examine_archive(path: Path, trusted_key: bytes | None = None) -> tuple[Archive | None, list[Finding]]:
    """The archive as far as it can be read, and everything that is wrong with it.

    Raises ArchiveError when there is no archive to examine: no folder, no manifest.
    """
    manifest = read_manifest(path, MANIFEST, ArchiveError)
    if manifest.get("archive") != FORMAT:
        raise ArchiveError(f"{path / MANIFEST}: found `archive: {manifest.get('archive')}`, expected {FORMAT}")
    findings = []
    complaint = signature_complaint(manifest, trusted_key)
    if complaint:
        findings.append(Finding(f"{MANIFEST}, signature", complaint, "the signature of the office that sealed it"))
    findings.extend(folder_findings(path, manifest, MANIFEST, erasable=(COMMENTS,)))
    findings.extend(package_findings(path))
    try:
        archive = _read(path, manifest)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, QuestionnaireError) as complaint_of_reader:
        findings.append(Finding(str(path), f"unreadable contents ({complaint_of_reader!s:.200})", "an archive"))
        return None, findings
    findings.extend(_content_findings(archive.contents, archive.questionnaire))
    stated = manifest.get("questionnaire")
    if isinstance(stated, Mapping) and stated.get("sha256") != archive.questionnaire.content_hash:
        findings.append(
            Finding(
                "questionnaire.yaml", archive.questionnaire.content_hash, f"{stated.get('sha256')} as in {MANIFEST}"
            )
        )
    return archive, findings


def facts_to_json(facts: RoundFacts) -> dict[str, object]:
    """The facts of a round as a manifest carries them."""
    return {
        "slug": facts.slug,
        "title": {"vi": facts.title.vi, "en": facts.title.en},
        "opens_on": facts.opens_on.isoformat(),
        "closes_on": facts.closes_on.isoformat(),
        "issuer": {"vi": facts.issuer.vi, "en": facts.issuer.en},
        "decision": facts.decision,
        "hotline": facts.hotline,
        "collected": facts.collected,
    }


def facts_from_json(stored: Mapping[str, object]) -> RoundFacts:
    """The facts of a round from a manifest; raises KeyError, TypeError or ValueError when they are not all there."""
    return RoundFacts(
        slug=str(stored["slug"]),
        title=_text(stored["title"]),
        opens_on=date.fromisoformat(str(stored["opens_on"])),
        closes_on=date.fromisoformat(str(stored["closes_on"])),
        issuer=_text(stored["issuer"]),
        decision=str(stored["decision"]),
        hotline=str(stored["hotline"]),
        collected="elsewhere" if stored["collected"] == "elsewhere" else "here",
    )


def counts_to_json(counts: Counts) -> dict[str, object]:
    """The counts as a manifest carries them."""
    return {
        "issued": counts.issued,
        "spent": counts.spent,
        "spooled": counts.spooled,
        "sealed": counts.sealed,
        "rejected": dict(counts.rejected),
    }


def counts_from_json(stored: Mapping[str, object]) -> Counts:
    """The counts from a manifest; raises KeyError, TypeError or ValueError when they are not all there."""
    rejected = stored["rejected"]
    if not isinstance(rejected, Mapping):
        raise TypeError(f"found rejected: {rejected!r}, expected counts by reason")
    numbers = {name: int(str(stored[name])) for name in ("issued", "spent", "spooled", "sealed")}
    return Counts(**numbers, rejected={str(reason): int(count) for reason, count in rejected.items()})


def manifest_bytes(manifest: Mapping[str, object]) -> bytes:
    """The manifest as a file that people can read; its signature is over the canonical form and not over these
    bytes.
    """
    return (json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def units_to_csv(units: tuple[ArchiveUnit, ...]) -> bytes:
    """The units as the `units.csv` of an archive or an edition."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(UNIT_COLUMNS)
    for unit in units:
        population = "" if unit.population is None else unit.population
        writer.writerow((unit.code, unit.name.vi, unit.name.en, unit.kind, unit.bloc_code, unit.bloc_name, population))
    return stream.getvalue().encode()


def units_from_csv(source: bytes) -> tuple[ArchiveUnit, ...]:
    """The units of an archive's or an edition's `units.csv`; raises KeyError or ValueError when a column is
    missing.
    """
    rows = csv.DictReader(io.StringIO(source.decode()))
    return tuple(
        ArchiveUnit(
            code=row["code"],
            name=Text(vi=row["name_vi"], en=row["name_en"]),
            kind=row["kind"],
            bloc_code=row["bloc_code"],
            bloc_name=row["bloc_name"],
            population=int(row["population"]) if row["population"] else None,
        )
        for row in rows
    )


def _read(path: Path, manifest: Mapping[str, object]) -> Archive:
    questionnaire_source = (path / "questionnaire.yaml").read_bytes()
    comments = path / COMMENTS
    files, counts, round_ = manifest["files"], manifest["counts"], manifest["round"]
    coarsening = manifest["coarsening"]
    if not (isinstance(files, Mapping) and isinstance(counts, Mapping) and isinstance(round_, Mapping)):
        raise TypeError(f"{MANIFEST} lacks files, counts or round")
    previous = manifest["previous_manifest"]
    sealed_comments = comments.read_bytes() if comments.is_file() and not comments.is_symlink() else None
    contents = ArchiveContents(
        facts=facts_from_json(round_),
        questionnaire_source=questionnaire_source,
        plan_source=(path / "plan.yaml").read_bytes(),
        design_source=(path / "design.yaml").read_bytes(),
        units=units_from_csv((path / "units.csv").read_bytes()),
        responses=pq.read_table(pa.BufferReader((path / "responses.parquet").read_bytes())),
        comments=sealed_comments,
        comment_count=int(str(manifest["comments"])),
        counts=counts_from_json(counts),
        coarsening=coarsening if isinstance(coarsening, Mapping) else {},
        previous_manifest=None if previous is None else str(previous),
    )
    return Archive(
        contents=contents,
        questionnaire=parse_questionnaire(questionnaire_source, str(path / "questionnaire.yaml")),
        manifest=manifest,
        manifest_sha256=sha256_hex((path / MANIFEST).read_bytes()),
        comments="none" if COMMENTS not in files else "erased" if sealed_comments is None else "present",
    )


def _content_findings(contents: ArchiveContents, questionnaire: Questionnaire) -> list[Finding]:
    findings = []
    expected = response_schema(questionnaire)
    found = contents.responses.schema
    if not found.equals(expected):
        odd = sorted({f"{f.name}: {f.type}" for f in found} ^ {f"{f.name}: {f.type}" for f in expected})
        findings.append(
            Finding("responses.parquet", f"other columns ({', '.join(odd[:5]) or 'order'})", "the questionnaire's")
        )
    else:
        strangers = units_without_place(contents.responses, [unit.code for unit in contents.units])
        if strangers:
            findings.append(Finding("responses.parquet, column unit", f"{strangers[0]!r}", "a unit of units.csv"))
    counts = contents.counts
    if counts.sealed != contents.responses.num_rows:
        findings.append(
            Finding(
                "responses.parquet", f"{contents.responses.num_rows} rows", f"{counts.sealed} as counted at sealing"
            )
        )
    if not counts.spent == counts.spooled == counts.sealed + sum(counts.rejected.values()):
        findings.append(
            Finding(
                f"{MANIFEST}, counts",
                f"spent {counts.spent}, spooled {counts.spooled}, sealed {counts.sealed}, "
                f"rejected {sum(counts.rejected.values())}",
                "spent = spooled = sealed + rejected",
            )
        )
    return findings


def _parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # The schema's metadata may tell of the machine or the program that made the table.
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return bytes(sink.getvalue())


def _text(stored: object) -> Text:
    if not isinstance(stored, Mapping):
        raise TypeError(f"found {stored!r}, expected a text in vi and en")
    return Text(vi=str(stored["vi"]), en=str(stored["en"]))
