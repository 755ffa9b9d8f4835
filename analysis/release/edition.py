"""An edition: what is published of a round, as one value, and as a signed folder.

`analysis.release.computing` makes one out of an archive; pages, scorecards and verification read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from analysis.archive import (
    ArchiveUnit,
    Counts,
    RoundFacts,
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
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.fieldwork import Fieldwork, fieldwork_from_json, fieldwork_to_json
from analysis.release.plan import Plan, parse_plan
from analysis.release.row_files import rows_from_csv, rows_to_csv, rows_to_json, rows_to_parquet
from analysis.release.rows import (
    ROOT,
    DifferenceRow,
    DistributionRow,
    EstimateRow,
    FormulaRow,
    OpenLinkRow,
    PublicAccountingRow,
    RankRow,
)
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
from questionnaires.model import Band, Profile, Questionnaire
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire

__all__ = [
    "DifferenceRow",
    "DistributionRow",
    "Edition",
    "EstimateRow",
    "FormulaRow",
    "PublicAccountingRow",
    "RankRow",
    "read_edition",
    "write_edition",
]

# Editions of the first format have no modules, no hard data, no accounting and no English names of blocs. Those of the
# second have ranks by Holm's method without a unit's own set, no differences and no other formulas.
FORMAT = 3
READABLE_FORMATS = (1, 2, 3)
MANIFEST = "edition.json"
ESTIMATES_CSV = "estimates.csv"
ESTIMATES_PARQUET = "estimates.parquet"
ESTIMATES_JSON = "estimates.json"
RANKS_CSV = "ranks.csv"
DIFFERENCES_CSV = "differences.csv"
FORMULAS_CSV = "formulas.csv"
OPEN_LINK_CSV = "open_link.csv"
DISTRIBUTIONS_CSV = "distributions.csv"
ACCOUNTING_CSV = "accounting.csv"
HARD_CSV = "hard.csv"
# What stands between a module's name and the code of one of its nodes.
MODULE_SEPARATOR = "."
STANDARDISED_RANGE = (1.0, 10.0)


@dataclass(frozen=True)
class Edition:
    """Everything that pages and scorecards may say of a round. A correction is a new edition with a reason.

    `coverage` gives, for each bloc (`bloc:CODE`) and for `all`, the share of the population whose strata have
    responses; it is empty where the population is not known. `manifest` is `edition.json` as it was read, or empty
    before it is written.

    `questionnaire` is the host with its modules; `questionnaire_source` the host's file and `module_sources` theirs, in
    the same order. `hard_source` is the file of hard data that the figures rest on, or None. `accounting` has a row for
    each unit and one for the round (`all`); it is empty where invitations were not accounted for. `fieldwork` is None
    in editions that a former version wrote, and these have neither `differences` nor `formulas`. `open_link` is what
    was answered over an open link, which enters no other table; it is empty where nobody did.
    """

    facts: RoundFacts
    number: int
    reason: str | None
    published_on: date
    public_url: str | None
    questionnaire: Questionnaire
    questionnaire_source: bytes = field(repr=False)
    plan: Plan
    plan_source: bytes = field(repr=False)
    profile: str
    units: tuple[ArchiveUnit, ...]
    estimates: tuple[EstimateRow, ...]
    ranks: tuple[RankRow, ...]
    distributions: tuple[DistributionRow, ...]
    counts: Counts
    coverage: Mapping[str, float]
    archive_manifest_sha256: str
    manifest: Mapping[str, object] = field(default_factory=dict)
    module_sources: tuple[bytes, ...] = field(default=(), repr=False)
    hard_source: bytes | None = field(default=None, repr=False)
    accounting: tuple[PublicAccountingRow, ...] = ()
    fieldwork: Fieldwork | None = None
    differences: tuple[DifferenceRow, ...] = ()
    formulas: tuple[FormulaRow, ...] = ()
    open_link: tuple[OpenLinkRow, ...] = ()
    disclosure_rules: int = FIRST_RULES

    @property
    def blocs(self) -> tuple[tuple[str, str], ...]:
        """The code and the Vietnamese name of each bloc that has units, in the order of the units."""
        return tuple({unit.bloc_code: unit.bloc_name for unit in self.units}.items())

    def display_name(self, language: str) -> str:
        """What the index may be called: the model's own name only under a confirmed profile."""
        return self.questionnaire.display_name(self.profile, language)

    def profile_of(self, node_code: str) -> Profile:
        """The profile that scores a node: the edition's, or for a node of a module (`NAME.CODE`) that module's default.

        Raises KeyError when there is no module of this name.
        """
        module, separator, _ = node_code.partition(MODULE_SEPARATOR)
        if not separator:
            return self.questionnaire.profile(self.profile)
        for questionnaire in self.questionnaire.modules:
            if questionnaire.name == module:
                return questionnaire.profile(questionnaire.default_profile)
        raise KeyError(module)

    def scale_of(self, node_code: str = ROOT) -> tuple[float, float]:
        """The smallest and the largest value that a node can have: 0 to 100, or for a standardised one 1 to 10 and for
        its index a tenth of the points to all of them.
        """
        profile = self.profile_of(node_code)
        is_root = node_code.rpartition(MODULE_SEPARATOR)[2] == ROOT
        if profile.formula == "standardised" and not is_root:
            return STANDARDISED_RANGE
        return profile.lowest_points, profile.highest_points

    def band_of(self, value: float, node_code: str = ROOT) -> Band | None:
        """What an index of so many points is called, by the value as it is printed; None where its profile has no
        bands.
        """
        return self.profile_of(node_code).band_of(round(value, self.plan.decimals))

    def unit(self, code: str) -> ArchiveUnit:
        """The unit of this code; raises KeyError when the edition has none."""
        for unit in self.units:
            if unit.code == code:
                return unit
        raise KeyError(code)

    def units_of(self, bloc: str) -> tuple[ArchiveUnit, ...]:
        """The units of a bloc, in the order of the archive."""
        return tuple(unit for unit in self.units if unit.bloc_code == bloc)

    def rows_of(self, unit: str, module: str = "") -> tuple[EstimateRow, ...]:
        """The rows of a unit's code, of `bloc:CODE` or of `all`, parents before their children; empty for any
        other.

        They are those of the questionnaire's own index, or of the module of this name.
        """
        return tuple(row for (owner, node), row in self._rows.items() if owner == unit and _module_of(node) == module)

    def row(self, unit: str, node: str = ROOT) -> EstimateRow:
        """The row of a unit and a node; raises KeyError when there is none."""
        return self._rows[unit, node]

    def rank_of(self, unit: str) -> RankRow | None:
        """The unit's rank, or None when it has none."""
        return next((row for row in self.ranks if row.unit == unit), None)

    def ranks_of(self, bloc: str) -> tuple[RankRow, ...]:
        """The ranks of a bloc, best first."""
        return tuple(row for row in self.ranks if row.bloc == bloc)

    def difference_of(self, unit: str, node: str = ROOT) -> DifferenceRow | None:
        """How the unit differs from the others of its bloc at a node; None in editions of former formats."""
        return self._differences.get((unit, node))

    def distribution_of(self, unit: str, item: str) -> tuple[DistributionRow, ...]:
        """The shares of an item's options in a unit, in a bloc or in all, in the order of the options."""
        return self._distributions.get((unit, item), ())

    @cached_property
    def _rows(self) -> dict[tuple[str, str], EstimateRow]:
        return {(row.unit, row.node): row for row in self.estimates}

    @cached_property
    def _differences(self) -> dict[tuple[str, str], DifferenceRow]:
        return {(row.unit, row.node): row for row in self.differences}

    @cached_property
    def _distributions(self) -> dict[tuple[str, str], tuple[DistributionRow, ...]]:
        grouped: dict[tuple[str, str], list[DistributionRow]] = {}
        for row in self.distributions:
            grouped.setdefault((row.unit, row.item), []).append(row)
        return {key: tuple(rows) for key, rows in grouped.items()}


def _module_of(node_code: str) -> str:
    return node_code.partition(MODULE_SEPARATOR)[0] if MODULE_SEPARATOR in node_code else ""


def edition_tables(edition: Edition) -> dict[str, bytes]:
    """The files that hold an edition's numbers, by name."""
    accounting = {ACCOUNTING_CSV: rows_to_csv(edition.accounting, PublicAccountingRow)} if edition.accounting else {}
    open_link = {OPEN_LINK_CSV: rows_to_csv(edition.open_link, OpenLinkRow)} if edition.open_link else {}
    return {
        ESTIMATES_CSV: rows_to_csv(edition.estimates, EstimateRow),
        ESTIMATES_PARQUET: rows_to_parquet(edition.estimates, EstimateRow),
        ESTIMATES_JSON: rows_to_json(edition.estimates, EstimateRow),
        RANKS_CSV: rows_to_csv(edition.ranks, RankRow),
        DIFFERENCES_CSV: rows_to_csv(edition.differences, DifferenceRow),
        FORMULAS_CSV: rows_to_csv(edition.formulas, FormulaRow),
        DISTRIBUTIONS_CSV: rows_to_csv(edition.distributions, DistributionRow),
        **accounting,
        **open_link,
    }


def write_edition(
    edition: Edition,
    out: Path,
    documents: Mapping[str, bytes],
    signer: Signer,
    rendered_with: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Write the edition and its documents into a new folder, all or nothing, and return its signed manifest.

    `documents` are files by name, such as the scorecards; `rendered_with` names the programs that made them and their
    versions. Raises EditionError when something is at `out` or a document has the name of a table.
    """
    files = {
        **edition_tables(edition),
        "questionnaire.yaml": edition.questionnaire_source,
        "plan.yaml": edition.plan_source,
        "units.csv": units_to_csv(edition.units),
        **{
            module_file(module.name): source
            for module, source in zip(edition.questionnaire.modules, edition.module_sources, strict=True)
        },
    }
    if edition.hard_source is not None:
        files[HARD_CSV] = edition.hard_source
    for name in documents:
        if name in files or name == MANIFEST or Path(name).name != name:
            raise EditionError(f"documents: found the name {name!r}, expected a plain file name of its own")
    files.update(documents)
    manifest = signed(
        {
            "edition": FORMAT,
            "number": edition.number,
            "reason": edition.reason,
            "published_on": edition.published_on.isoformat(),
            "public_url": edition.public_url,
            "round": facts_to_json(edition.facts),
            "questionnaire": {
                "reference": edition.questionnaire.reference,
                "sha256": edition.questionnaire.content_hash,
            },
            "modules": [
                {"name": module.name, "reference": module.reference, "sha256": module.content_hash}
                for module in edition.questionnaire.modules
            ],
            "plan_version": edition.plan.version,
            **({} if edition.disclosure_rules == FIRST_RULES else {"disclosure": {"rules": edition.disclosure_rules}}),
            "profile": edition.profile,
            "display_name": {language: edition.display_name(language) for language in ("vi", "en")},
            "counts": counts_to_json(edition.counts),
            "coverage": dict(edition.coverage),
            "archive": {"manifest_sha256": edition.archive_manifest_sha256},
            **({} if edition.fieldwork is None else {"fieldwork": fieldwork_to_json(edition.fieldwork)}),
            **({} if edition.hard_source is None else {"hard_data": {"sha256": sha256_hex(edition.hard_source)}}),
            "rendered_with": dict(rendered_with or {}),
            "files": describe_files(files),
        },
        signer,
    )
    write_sealed_folder(out, {**files, MANIFEST: manifest_bytes(manifest)}, EditionError)
    return manifest


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

    def table(name: str) -> bytes:
        return (path / name).read_bytes()

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
        estimates=tuple(rows_from_csv(table(ESTIMATES_CSV), EstimateRow, ESTIMATES_CSV)),
        ranks=tuple(rows_from_csv(table(RANKS_CSV), RankRow, RANKS_CSV)),
        distributions=tuple(rows_from_csv(table(DISTRIBUTIONS_CSV), DistributionRow, DISTRIBUTIONS_CSV)),
        counts=counts_from_json(_mapping(manifest["counts"])),
        coverage={str(name): float(str(share)) for name, share in coverage.items()},
        archive_manifest_sha256=str(archive["manifest_sha256"]),
        manifest=manifest,
        module_sources=module_sources,
        hard_source=table(HARD_CSV) if HARD_CSV in files else None,
        accounting=tuple(rows_from_csv(table(ACCOUNTING_CSV), PublicAccountingRow, ACCOUNTING_CSV))
        if ACCOUNTING_CSV in files
        else (),
        fieldwork=fieldwork_from_json(_mapping(manifest["fieldwork"])) if "fieldwork" in manifest else None,
        differences=tuple(rows_from_csv(table(DIFFERENCES_CSV), DifferenceRow, DIFFERENCES_CSV))
        if DIFFERENCES_CSV in files
        else (),
        formulas=tuple(rows_from_csv(table(FORMULAS_CSV), FormulaRow, FORMULAS_CSV)) if FORMULAS_CSV in files else (),
        open_link=tuple(rows_from_csv(table(OPEN_LINK_CSV), OpenLinkRow, OPEN_LINK_CSV))
        if OPEN_LINK_CSV in files
        else (),
        disclosure_rules=int(str(_mapping(manifest.get("disclosure", {})).get("rules", FIRST_RULES))),
    )


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
