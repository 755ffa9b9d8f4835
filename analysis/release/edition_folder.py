"""An edition as a signed folder: its tables, the sources they rest on, the printed documents and `edition.json`."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from analysis.archive import (
    counts_from_json,
    counts_to_json,
    facts_from_json,
    facts_to_json,
    manifest_bytes,
    module_file,
    units_from_csv,
    units_to_csv,
)
from analysis.errors import EditionError
from analysis.release.context_rows import EarlierEdition
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.earlier_editions import earlier_from_json, earlier_to_json
from analysis.release.edition import Edition
from analysis.release.edition_tables import ESTIMATES_JSON, ESTIMATES_PARQUET, TABLES
from analysis.release.fieldwork import fieldwork_from_json, fieldwork_to_json
from analysis.release.plan import parse_plan
from analysis.release.row_files import rows_from_csv, rows_to_csv, rows_to_json, rows_to_parquet
from analysis.release.rows import EstimateRow
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
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire

# Editions of the first format have no modules, no hard data, no accounting and no English names of blocs. Those of the
# second have ranks by Holm's method without a unit's own set, no differences and no other formulas. Those of the third
# stand alone: they say nothing of importance, subgroups, earlier rounds and what people wrote.
FORMAT = 4
READABLE_FORMATS = (1, 2, 3, 4)
MANIFEST = "edition.json"
HARD_CSV = "hard.csv"


def edition_tables(edition: Edition) -> dict[str, bytes]:
    """The files that hold an edition's numbers, by name."""
    tables = {
        table.name: rows_to_csv(rows, table.kind)
        for table in TABLES
        if (rows := table.rows_of(edition)) or table.is_always_there
    }
    return {
        **tables,
        ESTIMATES_PARQUET: rows_to_parquet(edition.estimates, EstimateRow),
        ESTIMATES_JSON: rows_to_json(edition.estimates, EstimateRow),
    }


def write_edition(
    edition: Edition,
    out: Path,
    documents: Mapping[str, bytes],
    signer: Signer,
    rendered_with: Mapping[str, str] | None = None,
    printed: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Write the edition and its documents into a new folder, all or nothing, and return its signed manifest.

    `documents` are files by name, such as the scorecards; `rendered_with` names the programs that made them and their
    versions; `printed` is what else the manifest tells of them: `documents`, each before it was signed, and
    `pdf_signature`, by which certificate. Raises EditionError when something is at `out` or a document has the name
    of a table.
    """
    files = {**edition_tables(edition), **_sources(edition)}
    for name in documents:
        if name in files or name == MANIFEST or Path(name).name != name:
            raise EditionError(f"documents: found the name {name!r}, expected a plain file name of its own")
    files.update(documents)
    manifest = signed(
        {
            **_facts(edition),
            "rendered_with": dict(rendered_with or {}),
            **(printed or {}),
            "files": describe_files(files),
        },
        signer,
    )
    write_sealed_folder(out, {**files, MANIFEST: manifest_bytes(manifest)}, EditionError)
    return manifest


def _sources(edition: Edition) -> dict[str, bytes]:
    """The files that an edition's numbers rest on, as they were handed in, by name."""
    files = {
        "questionnaire.yaml": edition.questionnaire_source,
        "plan.yaml": edition.plan_source,
        "units.csv": units_to_csv(edition.units),
    }
    for module, source in zip(edition.questionnaire.modules, edition.module_sources, strict=True):
        files[module_file(module.name)] = source
    if edition.hard_source is not None:
        files[HARD_CSV] = edition.hard_source
    return files


def _facts(edition: Edition) -> dict[str, object]:
    """What `edition.json` says of an edition beside its files; what an edition does not have is left out."""
    rules, fieldwork, hard_source = edition.disclosure_rules, edition.fieldwork, edition.hard_source
    return {
        "edition": FORMAT,
        "number": edition.number,
        "reason": edition.reason,
        "published_on": edition.published_on.isoformat(),
        "public_url": edition.public_url,
        "round": facts_to_json(edition.facts),
        "questionnaire": {"reference": edition.questionnaire.reference, "sha256": edition.questionnaire.content_hash},
        "modules": [
            {"name": module.name, "reference": module.reference, "sha256": module.content_hash}
            for module in edition.questionnaire.modules
        ],
        "plan_version": edition.plan.version,
        **({} if rules == FIRST_RULES else {"disclosure": {"rules": rules}}),
        "profile": edition.profile,
        "display_name": {language: edition.display_name(language) for language in ("vi", "en")},
        "counts": counts_to_json(edition.counts),
        "coverage": dict(edition.coverage),
        "archive": {"manifest_sha256": edition.archive_manifest_sha256},
        **({} if fieldwork is None else {"fieldwork": fieldwork_to_json(fieldwork)}),
        **({} if hard_source is None else {"hard_data": {"sha256": sha256_hex(hard_source)}}),
        **({"earlier": [earlier_to_json(one) for one in edition.earlier]} if edition.earlier else {}),
    }


def read_edition(path: Path) -> Edition:
    """The edition at `path`, after its signature and the hashes of all its files were checked.

    Raises EditionError with the first finding.
    """
    manifest = read_manifest(path, MANIFEST, EditionError)
    findings = edition_findings(path, manifest)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise EditionError(f"{path}: {findings[0]}{more}")
    return load_edition(path, manifest)


def edition_findings(path: Path, manifest: Mapping[str, object], trusted_key: bytes | None = None) -> list[Finding]:
    """What is wrong with the signature and the files of an edition, without reading what they say."""
    findings = []
    complaint = signature_complaint(manifest, trusted_key)
    if complaint:
        findings.append(Finding(f"{MANIFEST}, signature", complaint, "the signature of the office that published it"))
    findings.extend(folder_findings(path, manifest, MANIFEST))
    return findings


def load_edition(path: Path, manifest: Mapping[str, object]) -> Edition:
    """The edition as its files have it, unchecked; raises EditionError when they cannot be read."""
    if manifest.get("edition") not in READABLE_FORMATS:
        expected = " or ".join(str(number) for number in READABLE_FORMATS)
        raise EditionError(f"{path / MANIFEST}: found `edition: {manifest.get('edition')}`, expected {expected}")
    try:
        return _load(path, manifest)
    except (OSError, ValueError, KeyError, TypeError, QuestionnaireError) as complaint:
        raise EditionError(f"{path}: found unreadable contents ({complaint!s:.200}), expected an edition") from None


def _load(path: Path, manifest: Mapping[str, object]) -> Edition:
    archive, coverage = _mapping(manifest["archive"]), _mapping(manifest["coverage"])
    questionnaire_source = (path / "questionnaire.yaml").read_bytes()
    plan_source = (path / "plan.yaml").read_bytes()
    module_files = _module_files(manifest)
    module_sources = tuple((path / name).read_bytes() for name in module_files)
    modules = [
        parse_questionnaire(source, str(path / name)) for name, source in zip(module_files, module_sources, strict=True)
    ]
    files = _mapping(manifest["files"])

    tables: dict[str, Any] = {
        table.attribute: tuple(rows_from_csv((path / table.name).read_bytes(), table.kind, table.name))
        for table in TABLES
        if table.name in files or (table.is_always_there and table.since == 1)
    }
    return Edition(
        facts=facts_from_json(_mapping(manifest["round"])),
        number=int(str(manifest["number"])),
        reason=None if manifest["reason"] is None else str(manifest["reason"]),
        published_on=date.fromisoformat(str(manifest["published_on"])),
        public_url=None if manifest["public_url"] is None else str(manifest["public_url"]),
        questionnaire=attach(parse_questionnaire(questionnaire_source, str(path / "questionnaire.yaml")), modules),
        questionnaire_source=questionnaire_source,
        plan=parse_plan(plan_source, str(path / "plan.yaml")),
        plan_source=plan_source,
        profile=str(manifest["profile"]),
        units=units_from_csv((path / "units.csv").read_bytes()),
        counts=counts_from_json(_mapping(manifest["counts"])),
        coverage={str(name): float(str(share)) for name, share in coverage.items()},
        archive_manifest_sha256=str(archive["manifest_sha256"]),
        manifest=manifest,
        module_sources=module_sources,
        hard_source=(path / HARD_CSV).read_bytes() if HARD_CSV in files else None,
        fieldwork=fieldwork_from_json(_mapping(manifest["fieldwork"])) if "fieldwork" in manifest else None,
        disclosure_rules=int(str(_mapping(manifest.get("disclosure", {})).get("rules", FIRST_RULES))),
        earlier=_earlier(manifest),
        **tables,
    )


def _earlier(manifest: Mapping[str, object]) -> tuple[EarlierEdition, ...]:
    stored = manifest.get("earlier", [])
    if not isinstance(stored, list):
        raise TypeError(f"found earlier: {stored!r:.80}, expected a list")
    return tuple(earlier_from_json(_mapping(one)) for one in stored)


def _module_files(manifest: Mapping[str, object]) -> list[str]:
    """The files of the modules in the order they were asked; none in an edition of the first format."""
    modules = manifest.get("modules", [])
    if not isinstance(modules, list):
        raise TypeError(f"found modules: {modules!r:.80}, expected a list")
    names = [module_file(str(_mapping(module)["name"])) for module in modules]
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"found the module file {name!r:.80}, expected a plain name")
    return names


def _mapping(stored: object) -> Mapping[str, object]:
    if not isinstance(stored, Mapping):
        raise TypeError(f"found {stored!r:.80}, expected fields")
    return stored
