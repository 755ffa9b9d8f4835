"""A sealed round, written and read: the de-identified responses with everything that is needed to compute from them.

An archive is a folder in the layout of a Frictionless Data Package (https://datapackage.org, version 1) with a signed
manifest. It is microdata for the office's statisticians and auditors and is never published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.accounting import OPEN_LINK, AccountingRow, accounting_from_csv, accounting_to_csv
from analysis.archive_records import (
    UNIT_COLUMNS,
    ArchiveUnit,
    Counts,
    RoundFacts,
    counts_from_json,
    counts_to_json,
    facts_from_json,
    facts_to_json,
    units_from_csv,
    units_to_csv,
)
from analysis.data_package import DATA_PACKAGE, data_package, package_findings
from analysis.errors import ArchiveError
from analysis.responses import BALLOT, bands_of, response_schema, units_without_place
from analysis.sealed_folders import (
    Finding,
    describe_files,
    folder_findings,
    manifest_bytes,
    read_manifest,
    sha256_hex,
    write_sealed_folder,
)
from analysis.signatures import Signer, signature_complaint, signed
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire

__all__ = [
    "AccountingRow",
    "Archive",
    "ArchiveContents",
    "ArchiveUnit",
    "Counts",
    "RoundFacts",
    "counts_from_json",
    "counts_to_json",
    "examine_archive",
    "facts_from_json",
    "facts_to_json",
    "manifest_bytes",
    "module_file",
    "questionnaire_of",
    "read_accounting",
    "read_archive",
    "units_from_csv",
    "units_to_csv",
    "write_archive",
]

# Archives of the first format have no modules, no accounting, no recompute.R and no English names of blocs.
FORMAT = 2
READABLE_FORMATS = (1, 2)
MANIFEST = "manifest.json"
COMMENTS = "comments.enc"
ACCOUNTING = "accounting.csv"
RECOMPUTE = "recompute.R"


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    """Everything that goes into an archive. The responses are shuffled and coarsened by whoever seals.

    `comments` is the encrypted container of the free texts, or None; `coarsening` is the record that `coarsen` gives;
    `previous_manifest` is the SHA-256 of the manifest that this archive replaces or follows, or None.
    `module_sources` are the modules that were asked along, in the order of their questions. `accounting` is empty where
    nobody counted, and `recompute` where no script computes the figures again. `custody` says who held the key that the
    ballots were sealed to and how it ends; it is empty where there was none. `decisions` are those that somebody
    answered for by name: what was decided, by whom, on which day and why.
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
    module_sources: tuple[bytes, ...] = ()
    accounting: tuple[AccountingRow, ...] = ()
    recompute: bytes = b""
    custody: Mapping[str, object] = field(default_factory=dict)
    decisions: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was read and found whole.

    `questionnaire` is what was asked: the round's questionnaire with its modules attached. `comments` tells whether the
    free texts are still there.
    """

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
    questionnaire = questionnaire_of(contents)
    for finding in _content_findings(contents, questionnaire):
        raise ArchiveError(str(finding))
    files = {
        "responses.parquet": _parquet_bytes(contents.responses),
        "questionnaire.yaml": contents.questionnaire_source,
        **{
            module_file(module.name): source
            for module, source in zip(questionnaire.modules, contents.module_sources, strict=True)
        },
        "plan.yaml": contents.plan_source,
        "design.yaml": contents.design_source,
        "units.csv": units_to_csv(contents.units),
    }
    if contents.accounting:
        files[ACCOUNTING] = accounting_to_csv(contents.accounting)
    if contents.recompute:
        files[RECOMPUTE] = contents.recompute
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
            "modules": [
                {"name": module.name, "reference": module.reference, "sha256": module.content_hash}
                for module in questionnaire.modules
            ],
            "counts": counts_to_json(contents.counts),
            "comments": contents.comment_count,
            "coarsening": dict(contents.coarsening),
            "bands": bands_of(questionnaire),
            **({"custody": dict(contents.custody)} if contents.custody else {}),
            **({"decisions": [dict(decision) for decision in contents.decisions]} if contents.decisions else {}),
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
    _refuse_other_formats(path, manifest)
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


def read_accounting(path: Path, manifest_sha256: str) -> tuple[AccountingRow, ...]:
    """The accounting of the archive at `path` without its microdata; empty where a former version kept none.

    Raises ArchiveError when the archive's manifest is not the one of that hash, or the file not the one it names.
    """
    manifest = read_manifest(path, MANIFEST, ArchiveError)
    _refuse_other_formats(path, manifest)
    found = sha256_hex((path / MANIFEST).read_bytes())
    if found != manifest_sha256:
        raise ArchiveError(f"{path / MANIFEST}: found SHA-256 {found}, expected {manifest_sha256} as it was sealed")
    files = manifest["files"]
    if not isinstance(files, Mapping) or ACCOUNTING not in files:
        return ()
    place = path / ACCOUNTING
    source = place.read_bytes() if place.is_file() and not place.is_symlink() else b""
    facts = files[ACCOUNTING]
    if not isinstance(facts, Mapping) or sha256_hex(source) != facts.get("sha256"):
        raise ArchiveError(f"{place}: found another file or none, expected the one that {MANIFEST} names")
    return accounting_from_csv(source)


def questionnaire_of(contents: ArchiveContents) -> Questionnaire:
    """What was asked: the questionnaire with its modules attached; raises QuestionnaireError where a text is none."""
    questionnaire = parse_questionnaire(contents.questionnaire_source, "questionnaire.yaml")
    modules = [
        parse_questionnaire(source, f"module {position}")
        for position, source in enumerate(contents.module_sources, start=1)
    ]
    return attach(questionnaire, modules)


def module_file(name: str) -> str:
    """The file of an archive that holds the module of this name."""
    return f"module-{name}.yaml"


def _refuse_other_formats(path: Path, manifest: Mapping[str, object]) -> None:
    if manifest.get("archive") not in READABLE_FORMATS:
        expected = " or ".join(str(number) for number in READABLE_FORMATS)
        raise ArchiveError(f"{path / MANIFEST}: found `archive: {manifest.get('archive')}`, expected {expected}")


def _read(path: Path, manifest: Mapping[str, object]) -> Archive:
    comments = path / COMMENTS
    files, counts, round_ = manifest["files"], manifest["counts"], manifest["round"]
    coarsening, custody = manifest["coarsening"], manifest.get("custody")
    decisions = _list_of(manifest, "decisions")
    if not (isinstance(files, Mapping) and isinstance(counts, Mapping) and isinstance(round_, Mapping)):
        raise TypeError(f"{MANIFEST} lacks files, counts or round")
    previous = manifest["previous_manifest"]
    sealed_comments = comments.read_bytes() if comments.is_file() and not comments.is_symlink() else None
    contents = ArchiveContents(
        facts=facts_from_json(round_),
        questionnaire_source=(path / "questionnaire.yaml").read_bytes(),
        plan_source=(path / "plan.yaml").read_bytes(),
        design_source=(path / "design.yaml").read_bytes(),
        units=units_from_csv((path / "units.csv").read_bytes()),
        responses=pq.read_table(pa.BufferReader((path / "responses.parquet").read_bytes())),
        comments=sealed_comments,
        comment_count=int(str(manifest["comments"])),
        counts=counts_from_json(counts),
        coarsening=coarsening if isinstance(coarsening, Mapping) else {},
        previous_manifest=None if previous is None else str(previous),
        module_sources=tuple((path / name).read_bytes() for name in _module_files(manifest)),
        accounting=accounting_from_csv((path / ACCOUNTING).read_bytes()) if ACCOUNTING in files else (),
        recompute=(path / RECOMPUTE).read_bytes() if RECOMPUTE in files else b"",
        custody=custody if isinstance(custody, Mapping) else {},
        decisions=tuple(decision for decision in decisions if isinstance(decision, Mapping)),
    )
    return Archive(
        contents=contents,
        questionnaire=questionnaire_of(contents),
        manifest=manifest,
        manifest_sha256=sha256_hex((path / MANIFEST).read_bytes()),
        comments="none" if COMMENTS not in files else "erased" if sealed_comments is None else "present",
    )


def _list_of(manifest: Mapping[str, object], name: str) -> list[Any]:
    found = manifest.get(name, [])
    if not isinstance(found, list):
        raise TypeError(f"found {name}: {found!r}, expected a list")
    return found


def _module_files(manifest: Mapping[str, object]) -> list[str]:
    """The files of the modules in the order they were asked; none in an archive of the first format."""
    names = [module_file(str(module["name"])) for module in _list_of(manifest, "modules")]
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"found the module file {name!r}, expected a plain name")
    return names


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
    n_ballots, what = contents.responses.num_rows, "rows"
    if BALLOT in contents.responses.schema.names:
        # One ballot rates several units, a row each.
        n_ballots, what = pc.count_distinct(contents.responses[BALLOT]).as_py(), "ballots"
    if counts.sealed != n_ballots:
        findings.append(Finding("responses.parquet", f"{n_ballots} {what}", f"{counts.sealed} as counted at sealing"))
    findings.extend(_accounting_findings(contents))
    if counts.complaint:
        findings.append(Finding(f"{MANIFEST}, counts", counts.complaint, "spent = spooled = sealed + rejected"))
    return findings


def _accounting_findings(contents: ArchiveContents) -> Iterator[Finding]:
    for row in contents.accounting:
        if row.complaint:
            yield Finding(
                f"{ACCOUNTING}, unit {row.unit!r}, channel {row.channel!r}",
                row.complaint,
                "eligible ≥ issued ≥ spent = sealed + rejected",
            )
    counts = contents.counts
    # The manifest counts everybody, and the round's row those who were invited.
    apart = [row for row in contents.accounting if row.channel == OPEN_LINK]
    for row in contents.accounting[-1:]:
        together = [row, *apart]
        found = (
            sum(one.issued for one in together),
            sum(one.spent for one in together),
            sum(one.sealed or 0 for one in together),
            sum(one.rejected or 0 for one in together),
        )
        # A ballot whose mark was taken away is proof of its invitation's use, where it says which it came with.
        spent = min(max(found[1], counts.spent), counts.spent + counts.unmarked)
        expected = (counts.issued, spent, counts.sealed, spent - counts.sealed)
        if found != expected:
            yield Finding(
                f"{ACCOUNTING}, the round's row{' and open links' if apart else ''}",
                f"{found}",
                f"{expected} as {MANIFEST} counts",
            )


def _parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # The schema's metadata may tell of the machine or the program that made the table.
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return bytes(sink.getvalue())
