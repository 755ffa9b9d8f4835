"""A round's draft is changed until it opens: what is asked, about whom, when, by which design and plan."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete

from questionnaires.model import Questionnaire, Text
from survey.errors import BadInput, NotFound, WrongState
from survey.notices import Notice, one_line
from survey.round_records import RoundRecord, find_round, questionnaire_with_modules
from survey.round_sources import SourceFile, checked_design, checked_plan
from survey.rounds import MOST_A_DAY
from survey.storage.audit import record_event
from survey.storage.office import Round, RoundUnit
from survey.storage.sessions import writing
from survey.storage.stores import Stores
from survey.units import units_on


@dataclass(frozen=True, slots=True)
class DraftChange:
    """What is to be different in a draft; what is None stays as it is.

    A `design` or `plan` is checked against the questionnaire that the draft has after the change. `open_link_cap` is
    how many answers without a code one unit takes a day, 0 for none.
    """

    title: Text | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    questionnaire: str | None = None
    modules: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    notice: Notice | None = None
    design: SourceFile | None = None
    plan: SourceFile | None = None
    open_link_cap: int | None = None


def change_draft(stores: Stores, slug: str, change: DraftChange, *, actor: str) -> RoundRecord:
    """The draft as it is after a change; nothing is changed where anything in it does not hold.

    Another questionnaire, or other modules, brings the default plan and design where none are given. Raises NotFound,
    WrongState when the round is no draft, BadInput or AnalysisError for what does not hold.
    """
    record = find_round(stores, slug)
    _refuse_late(record)
    reference = change.questionnaire or record.questionnaire_reference
    modules = record.module_references if change.modules is None else change.modules
    questionnaire = questionnaire_with_modules(stores, reference, modules)
    is_other = questionnaire.content_hash != record.questionnaire_hash
    values = _dates(record, change) | _sources(record, change, questionnaire, is_other=is_other)
    values |= _texts(change)
    if is_other:
        values |= {
            "questionnaire_name": questionnaire.name,
            "questionnaire_version": questionnaire.version,
            "questionnaire_hash": questionnaire.content_hash,
            "modules": ",".join(module.reference for module in questionnaire.modules),
        }
    if change.open_link_cap is not None:
        _refuse_odd_cap(change.open_link_cap, questionnaire)
        values["open_link_cap"] = change.open_link_cap or None
    first_day = change.opens_on or record.opens_on
    units = None if change.units is None else _units(stores, change.units, first_day)
    with writing(stores.office) as session:
        row = session.get_one(Round, slug, with_for_update=True)
        if row.state != "draft":
            raise WrongState(f"the round {slug} was opened meanwhile; expected a draft")
        for name, value in values.items():
            setattr(row, name, value)
        if units is not None:
            session.execute(delete(RoundUnit).where(RoundUnit.round_slug == slug))
            session.add_all(RoundUnit(round_slug=slug, unit_code=code) for code in units)
        told = sorted(values) + ([] if units is None else [f"{len(units)} units"])
        record_event(session, actor, "round.changed", f"{slug}: {', '.join(told)}")
    return find_round(stores, slug)


def _refuse_late(record: RoundRecord) -> None:
    if record.state != "draft" or record.is_imported:
        found = "imported" if record.is_imported else record.state
        raise WrongState(f"the round {record.slug} is {found}; it is changed while it is a draft")


def _dates(record: RoundRecord, change: DraftChange) -> dict[str, object]:
    opens, closes = change.opens_on or record.opens_on, change.closes_on or record.closes_on
    if closes < opens:
        raise BadInput(f"found the last day {closes}, expected one not before the first, {opens}")
    return {"opens_on": opens, "closes_on": closes} if (opens, closes) != (record.opens_on, record.closes_on) else {}


def _texts(change: DraftChange) -> dict[str, object]:
    values: dict[str, object] = {}
    if change.title is not None:
        values |= {"title_vi": one_line("title", change.title.vi), "title_en": one_line("title", change.title.en)}
    if change.notice is not None:
        values |= {
            "issuer_vi": one_line("issuer", change.notice.issuer.vi),
            "issuer_en": one_line("issuer", change.notice.issuer.en),
            "decision": one_line("decision", change.notice.decision),
            "hotline": one_line("hotline", change.notice.hotline, longest=100),
        }
    return values


def _sources(
    record: RoundRecord, change: DraftChange, questionnaire: Questionnaire, *, is_other: bool
) -> dict[str, object]:
    if not is_other and change.design is None and change.plan is None:
        return {}
    old_design = None if is_other else SourceFile(record.design_source, "design")
    source, design = checked_design(change.design or old_design, questionnaire)
    # A plan stays with its questionnaire; whether a bloc's figure is its people's follows the design otherwise.
    old_plan = None if is_other else SourceFile(record.plan_source, "plan")
    plan, _ = checked_plan(change.plan or old_plan, questionnaire, has_counts=design.has_counts)
    return {"design_yaml": source.decode("utf-8"), "plan_yaml": plan.decode("utf-8")}


def _refuse_odd_cap(cap: int, questionnaire: Questionnaire) -> None:
    if not 0 <= cap <= MOST_A_DAY:
        raise BadInput(f"open link: found {cap} answers a unit and day, expected a whole number from 0 to {MOST_A_DAY}")
    if cap and questionnaire.rates_several_units:
        raise BadInput(f"open link: found {questionnaire.reference}, whose forms rate several units")


def _units(stores: Stores, codes: tuple[str, ...], on: date) -> tuple[str, ...]:
    known = {unit.code for unit in units_on(stores, on)}
    strange = sorted(set(codes) - known)
    if strange:
        raise NotFound(f"found the unit {strange[0][:40]!r}, expected units that exist on {on}")
    if not codes:
        raise BadInput("found no unit, expected at least one")
    return tuple(sorted(set(codes)))
