"""The list that a round's people are drawn from: uploaded, cleaned, drawn from, and erased on its day.

It lies apart from the ballots and from the invitations, and nothing says which code went to whom.
"""

import hashlib
import json
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal, cast, get_args

import pyarrow as pa
from sqlalchemy import select

from survey.errors import BadInput, NotFound, WrongState
from survey.frame_cleaning import CleanedFrame, CleaningRules, Reason, clean_frame
from survey.frame_files import table_of_texts
from survey.frame_shelf import FrameShelf, Part, erase_files, new_sealed_key
from survey.round_drafts import DraftChange, change_draft
from survey.round_records import RoundRecord, find_round, units_of_round
from survey.round_sources import SourceFile
from survey.sample_plan_files import parse_sample_plan
from survey.sampling import BATCH, DESIGN, SELECTED, sample_table
from survey.services import Services
from survey.storage.audit import record_event
from survey.storage.sessions import reading, writing
from survey.storage.setups import RoundFrame
from survey.storage.stores import Stores

Kind = Literal["transactions", "firms", "households"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# A list is erased so many days after the last day of its round at the latest.
LONGEST_AFTER = 180
USUAL_AFTER = 30
_SEED_BITS = 53


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """A round's list. `rules` and `report` are there once it was cleaned, `facts` once people were drawn from it;
    `file_sha256` is that of the file as it was handed in. After erasing, the numbers are all that is left.
    """

    slug: str
    kind: Kind
    file_name: str
    file_sha256: str
    encoding: str
    state: Literal["uploaded", "cleaned", "drawn", "erased"]
    n_rows: int
    uploaded_by: str
    uploaded_on: date
    erase_on: date
    erased_on: date | None
    rules: CleaningRules | None
    report: Mapping[str, Any] | None
    sample_plan: str
    facts: Mapping[str, Any] | None
    batch: str
    sealed_key: bytes | None


def frame_of(stores: Stores, slug: str) -> FrameRecord | None:
    """The list of a round; None where there never was one."""
    with reading(stores.office) as session:
        row = session.get(RoundFrame, slug)
        return None if row is None else _record_of(row)


def upload_frame(
    services: Services,
    record: RoundRecord,
    kind: str,
    content: bytes,
    name: str,
    erase_on: date,
    *,
    actor: str,
    by: str,
    today: date,
) -> FrameRecord:
    """A new list in place of the round's last one. Raises BadInput, or WrongState when the round is no draft."""
    _refuse_late(record)
    if kind not in KINDS:
        raise BadInput(f"found the kind {kind[:40]!r}, expected one of {', '.join(KINDS)}")
    latest = record.closes_on + timedelta(days=LONGEST_AFTER)
    if not today < erase_on <= latest:
        raise BadInput(f"found {erase_on} as the day on which the list is erased, expected one up to {latest}")
    found = table_of_texts(content, name)
    sealed_key = new_sealed_key(services.secrets, record.slug)
    erase_files(services.settings.instance, record.slug)
    shelf = FrameShelf(services.settings.instance, services.secrets, record.slug, sealed_key)
    shelf.put("uploaded", found.table)

    def fill(row: RoundFrame) -> None:
        row.kind, row.file_name, row.encoding = kind, name[:200], found.encoding
        row.sha256, row.state, row.sealed_key = hashlib.sha256(content).hexdigest(), "uploaded", sealed_key
        row.n_rows, row.uploaded_by, row.uploaded_on = found.table.num_rows, by[:200], today
        row.erase_on, row.erased_on = erase_on, None
        row.rules = row.report = row.sample_plan = row.sample_facts = row.batch = ""

    return _changed(services, record.slug, fill, actor, "frame.uploaded", f"{found.table.num_rows} rows")


def frame_table(services: Services, slug: str, part: Part) -> pa.Table:
    """A table of a round's list; raises NotFound where there is none, or it is erased."""
    return _shelf(services, slug).get(part)


def clean_uploaded(services: Services, record: RoundRecord, rules: CleaningRules, *, actor: str) -> CleanedFrame:
    """The list cleaned by these rules, kept with what was left out; an earlier draw from it is forgotten.

    Raises BadInput, MixedSpellingsError among them, NotFound or WrongState.
    """
    _refuse_late(record)
    shelf = _shelf(services, record.slug)
    names = {unit.code: unit.name_vi for unit in units_of_round(services.stores, record)}
    cleaned = clean_frame(shelf.get("uploaded"), rules, names)
    shelf.put("kept", cleaned.kept)
    shelf.put("left_out", cleaned.left_out)
    shelf.drop("selected")
    report = {**asdict(cleaned.report), "spellings": dict(cleaned.report.spellings.counts)}

    def fill(row: RoundFrame) -> None:
        row.state, row.rules, row.report = "cleaned", _rules_source(rules), json.dumps(report, ensure_ascii=False)
        row.sample_plan = row.sample_facts = row.batch = ""

    _changed(services, record.slug, fill, actor, "frame.cleaned", f"{cleaned.report.n_kept} rows stay")
    return cleaned


def draw_people(
    services: Services, record: RoundRecord, plan: bytes, *, actor: str, seed: int | None = None
) -> FrameRecord:
    """People drawn from the cleaned list by a sampling plan; the round's design is that of the sample from now on.

    The seed is the plan's, the one that is given, or a fresh one that is kept. Raises BadInput, DesignError, NotFound
    or WrongState.
    """
    _refuse_late(record)
    frame = _found(services.stores, record.slug)
    if frame.state not in ("cleaned", "drawn"):
        raise WrongState(f"the list of the round {record.slug} is {frame.state}; people are drawn once it is cleaned")
    shelf = _shelf(services, record.slug)
    kept = shelf.get("kept")
    file = parse_sample_plan(plan, "sample.yaml")
    given = file.seed if seed is None else seed
    chosen = randomness.randbits(_SEED_BITS) if given is None else given
    about = {"name": frame.file_name, "sha256": frame.file_sha256, "rows": kept.num_rows}
    sampled = sample_table(kept, plan, file, chosen, is_given=given is not None, about=about, origin=frame.file_name)
    change_draft(
        services.stores, record.slug, DraftChange(design=SourceFile(sampled.files[DESIGN], DESIGN)), actor=actor
    )
    shelf.put("selected", table_of_texts(sampled.files[SELECTED], SELECTED).table)

    def fill(row: RoundFrame) -> None:
        row.state, row.sample_plan = "drawn", plan.decode("utf-8")
        row.sample_facts = json.dumps(sampled.facts, ensure_ascii=False)
        row.batch = sampled.files[BATCH].decode("utf-8")

    return _changed(
        services, record.slug, fill, actor, "frame.drawn", f"{sampled.facts['asked']} people, seed {chosen}"
    )


def list_frames(stores: Stores) -> tuple[FrameRecord, ...]:
    """The lists of all rounds, by round."""
    with reading(stores.office) as session:
        return tuple(_record_of(row) for row in session.scalars(select(RoundFrame).order_by(RoundFrame.round_slug)))


def erase_frame(services: Services, slug: str, today: date, *, actor: str) -> FrameRecord:
    """The list with nobody in it any more: its files and their key are gone. Raises NotFound."""

    def fill(row: RoundFrame) -> None:
        row.state, row.sealed_key, row.erased_on = "erased", None, today
        # Labels that nobody knew may be anything that somebody typed.
        row.rules = row.report = ""

    _found(services.stores, slug)
    erase_files(services.settings.instance, slug)
    return _changed(services, slug, fill, actor, "frame.erased", "")


def erase_due_frames(services: Services, today: date, *, actor: str = "schedule") -> tuple[str, ...]:
    """The rounds whose lists were erased now, because their day has come."""
    with reading(services.stores.office) as session:
        query = select(RoundFrame.round_slug).where(RoundFrame.state != "erased", RoundFrame.erase_on <= today)
        due = tuple(session.scalars(query))
    for slug in due:
        erase_frame(services, slug, today, actor=actor)
    return due


def _changed(
    services: Services, slug: str, fill: Callable[[RoundFrame], None], actor: str, action: str, told: str
) -> FrameRecord:
    with writing(services.stores.office) as session:
        row = session.get(RoundFrame, slug, with_for_update=True)
        if row is None:
            row = RoundFrame(round_slug=slug)
        fill(row)
        session.add(row)
        record_event(session, actor, action, f"{slug} {told}".strip())
        session.flush()
        return _record_of(row)


def _shelf(services: Services, slug: str) -> FrameShelf:
    frame = _found(services.stores, slug)
    if frame.sealed_key is None:
        raise NotFound(f"the list of the round {slug} is erased")
    return FrameShelf(services.settings.instance, services.secrets, slug, frame.sealed_key)


def _found(stores: Stores, slug: str) -> FrameRecord:
    frame = frame_of(stores, slug)
    if frame is None:
        raise NotFound(f"found no list of people for the round {slug[:60]!r}, expected one that was uploaded")
    return frame


def _refuse_late(record: RoundRecord) -> None:
    if record.state != "draft" or record.is_imported:
        raise WrongState(f"the round {record.slug} is {record.state}; its list is changed while it is a draft")


def _rules_source(rules: CleaningRules) -> str:
    return json.dumps(asdict(rules), ensure_ascii=False, default=date.isoformat)


def _rules_of(source: str) -> CleaningRules:
    found = json.loads(source)
    for name in ("first_day", "last_day"):
        found[name] = date.fromisoformat(found[name]) if found[name] else None
    found["same_person"] = tuple(found["same_person"])
    return CleaningRules(**found)


def left_out_counts(report: Mapping[str, Any]) -> dict[Reason, int]:
    """How many rows were left out for which reason, as a report that was kept has it."""
    return cast(dict[Reason, int], report["left_out"])


def _record_of(row: RoundFrame) -> FrameRecord:
    return FrameRecord(
        slug=row.round_slug,
        kind=cast(Kind, row.kind),
        file_name=row.file_name,
        file_sha256=row.sha256,
        encoding=row.encoding,
        state=cast(Any, row.state),
        n_rows=row.n_rows,
        uploaded_by=row.uploaded_by,
        uploaded_on=row.uploaded_on,
        erase_on=row.erase_on,
        erased_on=row.erased_on,
        rules=_rules_of(row.rules) if row.rules else None,
        report=json.loads(row.report) if row.report else None,
        sample_plan=row.sample_plan,
        facts=json.loads(row.sample_facts) if row.sample_facts else None,
        batch=row.batch,
        sealed_key=row.sealed_key,
    )


def round_with_frame(services: Services, slug: str) -> tuple[RoundRecord, FrameRecord | None]:
    """A round, and its list where it has one; raises NotFound for an unknown round."""
    return find_round(services.stores, slug), frame_of(services.stores, slug)
