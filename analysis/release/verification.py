"""Checking what was sealed and published: hashes, signatures, and every number computed once more from the archive."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from analysis.archive import MANIFEST as ARCHIVE_MANIFEST
from analysis.archive import Archive, examine_archive, module_file
from analysis.errors import AnalysisError, EditionError
from analysis.release.computing import compute_edition, wants_hard_data
from analysis.release.context import with_context_of
from analysis.release.disclosure_audit import audit
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.disclosure_reading import Weights
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import Edition
from analysis.release.edition_folder import FORMAT, HARD_CSV, edition_findings, load_edition, read_edition
from analysis.release.edition_folder import MANIFEST as EDITION_MANIFEST
from analysis.release.edition_tables import (
    DIFFERENCES_CSV,
    ESTIMATES_CSV,
    ESTIMATES_JSON,
    ESTIMATES_PARQUET,
    HISTORY_CSV,
    RANKS_CSV,
    TABLES,
    TableRow,
)
from analysis.release.fieldwork import Fieldwork
from analysis.release.hard_data import parse_hard_data
from analysis.release.history import strange_history
from analysis.release.row_files import cell_text, column_names, rows_from_csv, rows_from_json, rows_from_parquet
from analysis.release.rows import EstimateRow
from analysis.sealed_folders import Finding, manifest_bytes, read_manifest, sha256_hex
from analysis.signatures import fingerprint, public_key_of

# Another machine adds up in another order; a change that somebody made is larger than this.
RELATIVE_TOLERANCE = 1e-9
MOST_FINDINGS = 200

_KEYS = {table.kind: table.key for table in TABLES}


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, everything that is not as it should be, and what a reader should know beside that."""

    kind: str
    path: Path
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def is_sound(self) -> bool:
        """True when nothing was found wrong."""
        return not self.findings


def verify(path: Path, archive_path: Path | None = None, trusted_key: bytes | None = None) -> list[Finding]:
    """Everything that is wrong with an archive, an edition or a scorecard; see `examine`."""
    return list(examine(path, archive_path, trusted_key).findings)


def examine(
    path: Path,
    archive_path: Path | None = None,
    trusted_key: bytes | None = None,
    earlier: Sequence[Path] = (),
) -> Verification:
    """The verification of an archive (a folder), an edition (a folder) or one of an edition's files, such as a PDF.

    With `archive_path` every figure of an edition is computed once more from its archive, and its history is held
    against those of the `earlier` editions (folders) that it names. `trusted_key` is the public key that must have
    signed; without it a signature shows only that nothing was changed after signing. Raises ArchiveError or
    EditionError when there is nothing of the kind at `path`.
    """
    if path.is_dir() and (path / ARCHIVE_MANIFEST).exists():
        return _examine_archive(path, trusted_key)
    if path.is_dir():
        return _examine_edition(path, archive_path, trusted_key, earlier)
    return _examine_document(path, trusted_key)


def _examine_archive(path: Path, trusted_key: bytes | None) -> Verification:
    archive, findings = examine_archive(path, trusted_key)
    if archive is None:
        return Verification("archive", path, tuple(findings))
    notes = [_signed_by(archive.manifest)]
    if archive.comments == "erased":
        notes.append("the free texts were erased; everything else can be checked without them")
    if archive.questionnaire.index is not None:
        try:
            if wants_hard_data(archive):
                notes.append("no figure was computed: they rest on hard data, which lie in the editions")
            else:
                compute_edition(archive, published_on=archive.contents.facts.closes_on, public_url=None)
                notes.append("every figure was computed from it once")
        except AnalysisError as complaint:
            findings.append(Finding("the plan and the design", str(complaint), "an archive that can be analysed"))
    return Verification("archive", path, tuple(findings), tuple(notes))


def _examine_edition(
    path: Path, archive_path: Path | None, trusted_key: bytes | None, earlier: Sequence[Path]
) -> Verification:
    manifest = read_manifest(path, EDITION_MANIFEST, EditionError)
    findings = edition_findings(path, manifest, trusted_key)
    notes = [_signed_by(manifest)]
    forms = dict(_read_forms(path, findings))
    findings.extend(_differences_between_forms(forms, {finding.place for finding in findings}))
    edition = _loaded(path, manifest, findings)
    if edition is not None:
        findings.extend(_strange_history(edition, earlier, notes))
    if archive_path is not None and edition is not None:
        findings.extend(_recomputed_differences(edition, forms, archive_path, notes))
    elif archive_path is None:
        findings.extend(() if edition is None else _exposures(edition, None))
        notes.append("the figures were not computed again: the archive is not at hand")
    return Verification("edition", path, tuple(_without_repetition(findings)), tuple(notes))


def _examine_document(path: Path, trusted_key: bytes | None) -> Verification:
    folder = path.parent
    if path.is_symlink() or not path.is_file():
        raise EditionError(f"{path}: found no file, expected an archive, an edition or a document of an edition")
    manifest = read_manifest(folder, EDITION_MANIFEST, EditionError)
    findings = [finding for finding in edition_findings(folder, manifest, trusted_key) if _concerns(finding, path.name)]
    return Verification("document", path, tuple(_without_repetition(findings)), (_signed_by(manifest),))


def _concerns(finding: Finding, name: str) -> bool:
    # The tables are what the document says in other words, so a changed table speaks against the document too.
    about = finding.place.split(",", 1)[0]
    return about in {
        name,
        EDITION_MANIFEST,
        ESTIMATES_CSV,
        ESTIMATES_JSON,
        ESTIMATES_PARQUET,
        RANKS_CSV,
        DIFFERENCES_CSV,
    }


def _loaded(path: Path, manifest: Mapping[str, object], findings: list[Finding]) -> Edition | None:
    try:
        return load_edition(path, manifest)
    except EditionError as complaint:
        if not findings:
            findings.append(Finding(str(path), str(complaint), "an edition"))
        return None


def _read_forms(path: Path, findings: list[Finding]) -> Iterator[tuple[str, Sequence[TableRow]]]:
    """The rows of each table as far as they can be read; what cannot is added to the findings."""
    readers: dict[str, Callable[[bytes], Sequence[TableRow]]] = {
        ESTIMATES_PARQUET: partial(rows_from_parquet, kind=EstimateRow, name=ESTIMATES_PARQUET),
        ESTIMATES_JSON: partial(rows_from_json, kind=EstimateRow, name=ESTIMATES_JSON),
        **{table.name: partial(rows_from_csv, kind=table.kind, name=table.name) for table in TABLES},
    }
    for name, reader in readers.items():
        place = path / name
        if place.is_symlink() or not place.is_file():
            continue
        try:
            yield name, reader(place.read_bytes())
        except EditionError as complaint:
            findings.append(Finding(name, str(complaint), "a table of an edition"))


def _differences_between_forms(forms: Mapping[str, Sequence[TableRow]], suspected: set[str]) -> Iterator[Finding]:
    """Where the three forms of the estimates differ, told against the one that its hash or another form bears out."""
    names = [name for name in (ESTIMATES_PARQUET, ESTIMATES_CSV, ESTIMATES_JSON) if name in forms]
    agreeing = {name: sum(forms[name] == forms[other] for other in names) for name in names}
    names.sort(key=lambda name: (name in suspected, -agreeing[name]))
    for name in names[1:]:
        yield from compare_rows(name, forms[name], forms[names[0]], f" as in {names[0]}", tolerance=0.0)


def _recomputed_differences(
    edition: Edition, forms: Mapping[str, Sequence[TableRow]], archive_path: Path, notes: list[str]
) -> Iterator[Finding]:
    archive, archive_findings = examine_archive(archive_path)
    for finding in archive_findings:
        yield Finding(f"archive, {finding.place}", finding.found, finding.expected)
    if archive is None:
        return
    if archive.manifest_sha256 != edition.archive_manifest_sha256:
        yield Finding(
            f"{EDITION_MANIFEST}, archive",
            f"the archive {edition.archive_manifest_sha256}",
            f"{archive.manifest_sha256}, the archive at hand",
        )
    if public_key_of(archive.manifest) != public_key_of(edition.manifest):
        notes.append("the edition was signed with another key than its archive")
    try:
        recomputed = _compute_again(archive, edition)
    except AnalysisError as complaint:
        yield Finding("archive, the plan and the design", str(complaint), "an archive that can be analysed")
        return
    expected: dict[str, Sequence[TableRow]] = {
        **{table.name: table.rows_of(recomputed) for table in TABLES},
        ESTIMATES_JSON: recomputed.estimates,
        ESTIMATES_PARQUET: recomputed.estimates,
    }
    for name, rows in forms.items():
        yield from compare_rows(name, rows, expected[name], " as computed from the archive", RELATIVE_TOLERANCE)
    yield from _other_differences(edition, recomputed)
    yield from _exposures(edition, weights_in_totals(archive))
    notes.append("every figure was computed again from the archive")


def _exposures(edition: Edition, weights: Weights | None) -> Sequence[Finding]:
    """What an edition tells of what it hides; those of former rules are what they are."""
    return () if edition.disclosure_rules == FIRST_RULES else audit(edition, (), weights).findings


def _other_differences(edition: Edition, recomputed: Edition) -> Iterator[Finding]:
    modules = [module_file(module.name) for module in recomputed.questionnaire.modules]
    sources = [
        ("questionnaire.yaml", edition.questionnaire_source, recomputed.questionnaire_source),
        ("plan.yaml", edition.plan_source, recomputed.plan_source),
        *zip(modules, edition.module_sources, recomputed.module_sources, strict=False),
    ]
    for name, source, wanted_source in sources:
        if source != wanted_source:
            yield Finding(name, f"SHA-256 {sha256_hex(source)}", f"{sha256_hex(wanted_source)} as in the archive")
    for place, found, wanted in (
        (f"{EDITION_MANIFEST}, counts", edition.counts, recomputed.counts),
        (f"{EDITION_MANIFEST}, round", edition.facts, recomputed.facts),
        (f"{EDITION_MANIFEST}, profile", edition.profile, recomputed.profile),
        (f"{EDITION_MANIFEST}, coverage", edition.coverage, recomputed.coverage),
        (
            f"{EDITION_MANIFEST}, questionnaire",
            edition.questionnaire.content_hash,
            recomputed.questionnaire.content_hash,
        ),
        ("units.csv", edition.units, recomputed.units),
        (f"{EDITION_MANIFEST}, fieldwork", edition.fieldwork, _fieldwork_to_tell(edition, recomputed)),
    ):
        if found != wanted:
            yield Finding(place, f"{found!s:.200}", f"{wanted!s:.200} as in the archive")


def _fieldwork_to_tell(edition: Edition, recomputed: Edition) -> Fieldwork | None:
    """The recomputed fieldwork, as far as the edition's version told it."""
    if edition.fieldwork is None or recomputed.fieldwork is None or edition.fieldwork.weighting is not None:
        return None if edition.fieldwork is None else recomputed.fieldwork
    return replace(recomputed.fieldwork, weighting=None)


def _compute_again(archive: Archive, edition: Edition) -> Edition:
    recomputed = compute_edition(
        archive,
        number=edition.number,
        published_on=edition.published_on,
        public_url=edition.public_url,
        reason=edition.reason,
        edition_format=int(str(edition.manifest.get("edition", FORMAT))),
        disclosure_rules=edition.disclosure_rules,
        hard_data=None if edition.hard_source is None else parse_hard_data(edition.hard_source, HARD_CSV),
    )
    # No archive holds what was published before or what people wrote.
    return with_context_of(recomputed, edition)


def _strange_history(edition: Edition, earlier: Sequence[Path], notes: list[str]) -> Iterator[Finding]:
    """Where the history differs from the earlier editions that are at hand."""
    wanted = {one.manifest_sha256: one for one in edition.earlier}
    for path in earlier:
        manifest_sha256 = sha256_hex(manifest_bytes(read_manifest(path, EDITION_MANIFEST, EditionError)))
        if manifest_sha256 not in wanted:
            continue
        del wanted[manifest_sha256]
        for row, expected in strange_history(edition, read_edition(path)):
            place = f"{HISTORY_CSV}, unit {row.unit}, node {row.node}, round {row.round}"
            yield Finding(place, _said(row.estimate), f"{_said(expected.estimate)} as in {path}")
    notes.extend(f"the earlier edition {one.slug}, {one.number} was not at hand" for one in wanted.values())


def compare_rows(
    name: str, found: Sequence[TableRow], expected: Sequence[TableRow], source: str, tolerance: float
) -> Iterator[Finding]:
    """Each cell in which two tables differ, by its row and column; numbers may differ by the relative tolerance.

    `source` is said after what was expected: " as computed from the archive".
    """
    rows_found, rows_expected = _by_key(found), _by_key(expected)
    for key in [*rows_expected, *(key for key in rows_found if key not in rows_expected)]:
        place = f"{name}, {', '.join(f'{part} {value}' for part, value in key)}"
        if key not in rows_found:
            yield Finding(place, "no row", f"one{source}")
        elif key not in rows_expected:
            yield Finding(place, "a row", f"none{source}")
        else:
            row, wanted = rows_found[key], rows_expected[key]
            for column in column_names(type(row)):
                one, other = getattr(row, column), getattr(wanted, column)
                if not _is_same(one, other, tolerance):
                    yield Finding(f"{place}, column {column}", _said(one), f"{_said(other)}{source}")


def _by_key(rows: Sequence[TableRow]) -> dict[tuple[tuple[str, str], ...], TableRow]:
    return {tuple((part, getattr(row, part)) for part in _KEYS[type(row)]): row for row in rows}


def _is_same(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float) and tolerance:
        return abs(one - other) <= tolerance * max(abs(one), abs(other), 1e-6)
    return one == other


def _said(value: object) -> str:
    return cell_text(value) or "nothing"


def _signed_by(manifest: Mapping[str, object]) -> str:
    key = public_key_of(manifest)
    return "not signed" if key is None else f"signed with the key {fingerprint(key)}"


def _without_repetition(findings: Sequence[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))[:MOST_FINDINGS]
