"""Answers that were collected elsewhere become a sealed archive, treated from there on like any other.

Everything is read and checked before anything is written. The archive is written first and the round is recorded when
it stands; a failure in between takes the archive away again.
"""

import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from analysis.archive import Archive, ArchiveContents, ArchiveUnit, Counts, RoundFacts, read_archive, write_archive
from analysis.release.design_weights import weigh_responses
from analysis.release.open_link import drawn_responses
from analysis.release.plan import Plan, default_plan, parse_plan, plan_source, refuse_indiscreet
from analysis.release.recompute import recompute_script
from analysis.release.round_design import ImportMapping, RoundDesign, parse_design
from analysis.release.sealed_design import sealed_design_source
from analysis.signatures import public_key_of
from questionnaires.model import Questionnaire, Text
from survey.accounting import sealed_accounting
from survey.answer_columns import map_answers
from survey.answer_files import read_answer_table
from survey.archiving import (
    SealedRows,
    archive_units,
    by_place,
    count_origins,
    previous_manifest,
    seal_rows,
    sealed_comments,
)
from survey.ballots import Origin
from survey.errors import BadInput, NotFound, WrongState
from survey.notices import NO_NOTICE, Notice, read_notice
from survey.questionnaire_library import questionnaire_source
from survey.round_records import questionnaire_with_modules
from survey.rounds import (
    RESERVED_SLUGS,
    SLUG,
    RoundRequest,
    SourceFile,
    create_round,
    find_round,
    mark_sealed,
    read_source,
)
from survey.settings import Settings
from survey.spool import SpooledComments
from survey.storage.stores import Stores
from survey.unit_files import UnitRow, read_units
from survey.units import import_units, units_on
from survey.vault import KeyVault


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is imported and how it reads: answers as CSV or Parquet, a design with an `import` part, and a plan."""

    slug: str
    questionnaire: str
    answers: Path
    design: Path
    plan: Path | None = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedRound:
    """An imported round: where its archive is, and how many responses were sealed and withheld.

    Where a respondent rated several units, all of it is one response.
    """

    slug: str
    archive: Path
    manifest_sha256: str
    n_sealed: int
    n_withheld: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything that is known before anything is written."""

    questionnaire: Questionnaire
    design_source: SourceFile
    plan_source: SourceFile
    design: RoundDesign
    plan: Plan
    notice: Notice
    opens_on: date
    closes_on: date
    units_file: Path | None
    units: tuple[ArchiveUnit, ...]
    origins: Counter[Origin]
    sealed: SealedRows
    comments: list[bytes]


@dataclass(slots=True)
class _Collected:
    """What is known of a table of answers beside its rows: free texts, where they come from, who is rated."""

    known_units: tuple[ArchiveUnit, ...]
    comments: SpooledComments = field(default_factory=SpooledComments)
    origins: Counter[Origin] = field(default_factory=Counter)
    answered_units: set[str] = field(default_factory=set)


def import_round(
    stores: Stores, vault: KeyVault, settings: Settings, request: ImportRequest, today: date
) -> ImportedRound:
    """A round in the state `sealed` with an archive of the answers: shuffled, coarsened by the plan, signed.

    Where the design names no days the round is dated today. Raises BadInput, NotFound or an error of the files that
    are read, each naming the file, the place, what was found and what was expected; nothing is written then. Raises
    WrongState when the round or its archive exists already.
    """
    path = settings.instance / "archives" / request.slug
    if _has_begun(stores, vault, request.slug, path):
        return _record(stores, request.slug, path, read_archive(path))
    prepared = _prepare(stores, request, today)
    contents = _contents(stores, request, prepared)
    _refuse_what_cannot_be_analysed(contents, prepared)
    if prepared.comments:
        key = vault.create_pair(f"{request.slug}.comments")
        sealed = sealed_comments(prepared.comments, key, request.slug)
        contents = replace(contents, comments=sealed, comment_count=len(prepared.comments))
    if prepared.units_file is not None:
        import_units(stores, prepared.units_file)
    write_archive(contents, path, vault.signer())
    try:
        archive = read_archive(path)
        create_round(
            stores,
            RoundRequest(
                slug=request.slug,
                questionnaire=request.questionnaire,
                units="code=" + ",".join(unit.code for unit in prepared.units),
                opens_on=prepared.opens_on,
                closes_on=prepared.closes_on,
                title=contents.facts.title,
                notice=prepared.notice,
                design=prepared.design_source,
                plan=prepared.plan_source,
                is_imported=True,
                modules=request.modules,
            ),
            today,
        )
    except BaseException:
        shutil.rmtree(path)
        raise
    return _record(stores, request.slug, path, archive)


def _record(stores: Stores, slug: str, path: Path, archive: Archive) -> ImportedRound:
    counts = archive.contents.counts
    n_withheld = sum(counts.rejected.values())
    mark_sealed(stores, slug, archive_hash=archive.manifest_sha256, n_sealed=counts.sealed, n_rejected=n_withheld)
    return ImportedRound(slug, path, archive.manifest_sha256, counts.sealed, n_withheld)


def _has_begun(stores: Stores, vault: KeyVault, slug: str, path: Path) -> bool:
    """Whether an import that was cut off has left its round and its archive, and only the last step is missing.

    An archive of ours that it left without a round is taken away. Raises BadInput for a name that no round can have,
    and WrongState when a round of that name, or something else in its place, is there for good.
    """
    if not SLUG.fullmatch(slug) or slug in RESERVED_SLUGS:
        raise BadInput(f"found the round name {slug[:80]!r}, expected small letters, digits and hyphens")
    is_there = path.exists() or path.is_symlink()
    is_ours = False
    if is_there:
        archive = read_archive(path)
        is_ours = archive.contents.facts.slug == slug and public_key_of(archive.manifest) == vault.signer().public_key
    try:
        record = find_round(stores, slug)
    except NotFound:
        if is_there and not is_ours:
            raise WrongState(f"{path}: found an archive that is not this office's, expected nothing there") from None
        if is_there:
            shutil.rmtree(path)
        return False
    if record.is_imported and record.state == "draft" and is_ours:
        return True
    raise WrongState(f"the round {slug} exists already; expected a name that no round has")


def _prepare(stores: Stores, request: ImportRequest, today: date) -> _Prepared:
    questionnaire = questionnaire_with_modules(stores, request.questionnaire, request.modules)
    design_source = read_source(request.design)
    design = parse_design(design_source.content, str(request.design), questionnaire)
    mapping = _mapping_of(design, request.design)
    plan_file = _plan_source(request, questionnaire, design)
    plan = parse_plan(plan_file.content, plan_file.origin)
    refuse_indiscreet(plan, plan_file.origin)
    notice = read_notice(_beside(request.design, mapping.notice)) if mapping.notice else NO_NOTICE
    opens_on = mapping.opens_on or mapping.closes_on or today
    closes_on = mapping.closes_on or opens_on
    if closes_on < opens_on:
        raise BadInput(f"{request.design}, import.closes_on: found {closes_on}, expected a day not before {opens_on}")
    units_file = _beside(request.design, mapping.units) if mapping.units else None
    units = (
        _units_of_file(units_file, opens_on) if units_file is not None else archive_units(units_on(stores, opens_on))
    )
    collected = _Collected(known_units=units)
    # The table is handed on and not kept here: sealing copies it, and it may have a million rows.
    sealed = seal_rows(
        _collected_rows(request, questionnaire, design, mapping, collected),
        design,
        plan.coarsening_k,
        plan.coarsening_steps,
    )
    if not sealed.returned:
        raise BadInput(
            f"{request.answers}: found {collected.origins.total()} answers, none in a cell of at least "
            f"{plan.coarsening_k}, expected more"
        )
    if units_file is None:
        units = tuple(unit for unit in units if unit.code in collected.answered_units)
    return _Prepared(
        questionnaire=questionnaire,
        design_source=design_source,
        plan_source=plan_file,
        design=design,
        plan=plan,
        notice=notice,
        opens_on=opens_on,
        closes_on=closes_on,
        units_file=units_file,
        units=units,
        origins=collected.origins,
        sealed=sealed,
        comments=sealed.kept_comments(collected.comments),
    )


def _collected_rows(
    request: ImportRequest,
    questionnaire: Questionnaire,
    design: RoundDesign,
    mapping: ImportMapping,
    collected: _Collected,
) -> pa.Table:
    """The responses of the table, before anything is coarsened; what else is known of them goes into `collected`."""
    units = [unit.code for unit in collected.known_units]
    table = read_answer_table(request.answers)
    mapped = map_answers(table, questionnaire, design, mapping, units, request.answers, request.design)
    collected.comments = mapped.comments
    collected.origins = count_origins(mapped.responses)
    collected.answered_units = set(mapped.responses["unit"].unique().to_pylist())
    return mapped.responses


def _mapping_of(design: RoundDesign, path: Path) -> ImportMapping:
    if design.imported is None:
        raise BadInput(f"{path}: found no “import”, expected it to say which column is what")
    if "psu" in design.imported.codes and not design.cells:
        # The archive keeps a design without cells as it is, and no PSU's own label may be in an archive.
        raise BadInput(
            f"{path}, import.codes: found “psu”, expected none: PSUs are called anew, whatever the table calls them"
        )
    return design.imported


def _plan_source(request: ImportRequest, questionnaire: Questionnaire, design: RoundDesign) -> SourceFile:
    if request.plan is not None:
        return read_source(request.plan)
    plan = default_plan(questionnaire, has_population=design.has_counts)
    return SourceFile(plan_source(plan), "plan")


def _beside(design: Path, name: str) -> Path:
    if Path(name).name != name:
        raise BadInput(f"{design}, import: found the file {name!r}, expected the name of a file beside the design")
    return design.parent / name


def _contents(stores: Stores, request: ImportRequest, prepared: _Prepared) -> ArchiveContents:
    """The archive without its comments."""
    notice, sealed, collected = prepared.notice, prepared.sealed, prepared.origins
    n_collected, n_withheld = collected.total(), sealed.coarsened.dropped
    units = ("",) if prepared.questionnaire.rates_several_units else tuple(unit.code for unit in prepared.units)
    contents = ArchiveContents(
        facts=RoundFacts(
            slug=request.slug,
            title=notice.title or prepared.questionnaire.title,
            opens_on=prepared.opens_on,
            closes_on=prepared.closes_on,
            issuer=notice.issuer,
            decision=notice.decision,
            hotline=notice.hotline,
            collected="elsewhere",
        ),
        questionnaire_source=questionnaire_source(stores, request.questionnaire),
        plan_source=prepared.plan_source.content,
        design_source=sealed_design_source(
            prepared.design,
            prepared.design_source.content,
            sealed.coarsened,
            by_place(collected),
            by_place(sealed.returned),
        ),
        units=prepared.units,
        responses=sealed.coarsened.table,
        comments=None,
        comment_count=0,
        counts=Counts(
            issued=n_collected,
            spent=n_collected,
            spooled=n_collected,
            sealed=sealed.returned.total(),
            rejected={"cell_too_small": n_withheld} if n_withheld else {},
        ),
        coarsening=sealed.coarsened.record,
        previous_manifest=previous_manifest(stores, request.slug),
        module_sources=tuple(questionnaire_source(stores, module) for module in request.modules),
        accounting=sealed_accounting(units, prepared.design, collected, collected, sealed.returned),
    )
    return replace(contents, recompute=recompute_script(contents, prepared.questionnaire))


def _refuse_what_cannot_be_analysed(contents: ArchiveContents, prepared: _Prepared) -> None:
    """Raise when the design does not fit the answers, now that nothing is written yet."""
    if prepared.questionnaire.index is None:
        return
    origin = prepared.design_source.origin
    design = parse_design(contents.design_source, origin)
    weighted = weigh_responses(drawn_responses(contents.responses), design, contents.coarsening)
    for stratum, (people, has_answers) in weighted.covered.items():
        if not has_answers:
            raise BadInput(
                f"{origin}, {'cells' if design.cells else 'population'}.{stratum}: found {people} people and no "
                "answers, expected answers from every stratum; take it out of the design where it was not surveyed"
            )


def _units_of_file(path: Path, day: date) -> tuple[ArchiveUnit, ...]:
    units = read_units(path)
    for row in units:
        begins_later = row.valid_from is not None and row.valid_from > day
        if begins_later or (row.valid_to is not None and row.valid_to < day):
            raise BadInput(
                f"{row.place}: found a unit that did not exist on {day}, expected one valid on the first day"
            )
    return tuple(_archive_unit(row) for row in units)


def _archive_unit(row: UnitRow) -> ArchiveUnit:
    name = Text(row.name_vi, row.name_en)
    return ArchiveUnit(
        row.code, name, row.kind, row.bloc_code, row.bloc_name, row.population, bloc_name_en=row.bloc_name_en
    )
