"""A round's life: created, opened, closed, sealed, published. Each step is one transaction and one audit event."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from questionnaires.model import Questionnaire, Text
from survey.errors import BadInput, NotFound, WrongState
from survey.notices import NO_NOTICE, Notice, one_line
from survey.round_records import (
    EditionRecord,
    RoundRecord,
    RoundState,
    editions_of,
    find_round,
    list_rounds,
    load_questionnaire_of,
    questionnaire_with_modules,
    units_of_round,
)
from survey.round_sources import SourceFile, checked_design, checked_plan, read_source
from survey.round_status import RoundStatus, StatusCell, round_status
from survey.storage.audit import record_event
from survey.storage.intake import SpentInvitation
from survey.storage.office import Edition, Round, RoundUnit
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.units import select_units

__all__ = [
    "EditionRecord",
    "RoundRecord",
    "RoundStatus",
    "SourceFile",
    "StatusCell",
    "close_round",
    "create_round",
    "editions_of",
    "find_round",
    "limit_open_link",
    "list_rounds",
    "load_questionnaire_of",
    "mark_published",
    "mark_sealed",
    "mark_simulated",
    "open_round",
    "read_source",
    "round_status",
    "units_of_round",
]

# Which state each step leads from and to: the whole life of a round.
STEPS: dict[str, tuple[tuple[RoundState, ...], RoundState]] = {
    "open": (("draft",), "open"),
    "close": (("open",), "closed"),
    "seal": (("closed",), "sealed"),
    "publish": (("sealed", "published"), "published"),
}
SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?")
# The vault keeps the installation's own key beside those of the rounds.
RESERVED_SLUGS = frozenset({"published", "signing"})
COMMAND_LINE = "command line"
# Answers without a code that one unit takes a day: the most that may be asked for, and what it is without a number.
MOST_A_DAY = 10_000
DEFAULT_CAP = 200


class KeyMaker(Protocol):
    """What opening a round needs of the vault."""

    def create_pair(self, name: str) -> bytes:
        """The public key of the pair of that name, made now if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What a round is to be. `units` is a selector; a design or plan that is None is the default one.

    `open_link_cap` is how many answers without a code one unit takes a day; None where every answer needs a code.
    """

    slug: str
    questionnaire: str
    units: str
    opens_on: date
    closes_on: date
    title: Text | None = None
    notice: Notice = NO_NOTICE
    design: SourceFile | None = None
    plan: SourceFile | None = None
    is_imported: bool = False
    modules: tuple[str, ...] = ()
    open_link_cap: int | None = None


def create_round(stores: Stores, request: RoundRequest, today: date, *, actor: str = COMMAND_LINE) -> RoundRecord:
    """A new round in draft, for the units that exist on its first day.

    Raises BadInput, NotFound or AnalysisError for whatever in the request does not hold; nothing is written then.
    """
    _refuse_bad_slug(request.slug)
    _refuse_bad_dates(request, today)
    questionnaire = questionnaire_with_modules(stores, request.questionnaire, request.modules)
    design, parsed = checked_design(request.design, questionnaire)
    plan, _ = checked_plan(request.plan, questionnaire, has_counts=parsed.has_counts)
    _refuse_odd_cap(request.open_link_cap, questionnaire)
    units = select_units(stores, request.units, request.opens_on)
    title = request.title or request.notice.title or questionnaire.title
    with writing(stores.office) as session:
        if session.get(Round, request.slug) is not None:
            raise BadInput(f"found a round {request.slug} already, expected a name that no round has")
        session.add(
            Round(
                slug=request.slug,
                title_vi=one_line("title", title.vi),
                title_en=one_line("title", title.en),
                questionnaire_name=questionnaire.name,
                questionnaire_version=questionnaire.version,
                questionnaire_hash=questionnaire.content_hash,
                opens_on=request.opens_on,
                closes_on=request.closes_on,
                state="draft",
                design_yaml=design.decode("utf-8"),
                plan_yaml=plan.decode("utf-8"),
                issuer_vi=request.notice.issuer.vi,
                issuer_en=request.notice.issuer.en,
                decision=request.notice.decision,
                hotline=request.notice.hotline,
                imported=request.is_imported,
                modules=",".join(module.reference for module in questionnaire.modules),
                open_link_cap=request.open_link_cap,
            )
        )
        session.flush()
        session.add_all(RoundUnit(round_slug=request.slug, unit_code=unit.code) for unit in units)
        asked = " and ".join((questionnaire.reference, *request.modules))
        subject = f"{request.slug} with {asked} for {len(units)} units"
        record_event(session, actor, "round.created", subject)
    return find_round(stores, request.slug)


def open_round(stores: Stores, vault: KeyMaker, slug: str, today: date, *, actor: str = COMMAND_LINE) -> RoundRecord:
    """The round with its keys, open: citizens can answer from its first day to its last.

    Raises NotFound, or WrongState when the round is no draft or its last day is over, or when its key is in custody and
    nobody has tried the shares.
    """
    from survey.custody import refuse_untried
    from survey.vault import fingerprint

    planned = find_round(stores, slug)
    refuse_step(planned, "open")
    refuse_untried(planned)
    if today > planned.closes_on:
        raise WrongState(f"the round {slug} ended on {planned.closes_on}; expected a round whose last day is to come")
    # The keys come first: a pair without an open round harms nobody, an open round without its pair loses ballots.
    entrusted = planned.ballot_public_key if planned.custody else None
    ballot_key = entrusted or vault.create_pair(slug)
    comments_key = vault.create_pair(f"{slug}.comments")
    with writing(stores.office) as session:
        row = _step(session, slug, "open")
        if row.ballot_public_key != entrusted:
            raise WrongState(f"the round {slug} was given custodians meanwhile; try their shares, then open it")
        row.ballot_public_key = ballot_key
        row.comments_public_key = comments_key
        row.key_fingerprint = fingerprint(ballot_key)
        record_event(session, actor, "round.opened", f"{slug} key {row.key_fingerprint}")
    return find_round(stores, slug)


def close_round(stores: Stores, slug: str, *, actor: str = COMMAND_LINE) -> RoundRecord:
    """The round closed: no answer is taken any more, whatever its last day was. Raises NotFound or WrongState."""
    with writing(stores.office) as session:
        _step(session, slug, "close")
        record_event(session, actor, "round.closed", slug)
    return find_round(stores, slug)


def limit_open_link(stores: Stores, slug: str, cap: int | None, *, actor: str = COMMAND_LINE) -> RoundRecord:
    """The round taking so many answers without a code a unit and day from now on; none where `cap` is None.

    Raises NotFound, BadInput, or WrongState when the round takes no answers any more or its forms rate several units.
    """
    record = find_round(stores, slug)
    _refuse_odd_cap(cap, load_questionnaire_of(stores, record))
    with writing(stores.office) as session:
        row = _locked(session, slug)
        if row.imported or row.state not in ("draft", "open"):
            found = "imported" if row.imported else row.state
            raise WrongState(f"the round {slug} is {found}; its open link is changed while it is draft or open")
        row.open_link_cap = cap
        record_event(session, actor, "round.open_link", f"{slug} {'off' if cap is None else f'{cap} a unit and day'}")
    return find_round(stores, slug)


def mark_simulated(stores: Stores, slug: str, *, actor: str = COMMAND_LINE) -> RoundRecord:
    """The round as one whose answers are made up; every page and PDF of it says so from now on.

    Raises NotFound, or WrongState when it is over, imported, or somebody has answered it: answers of people and of a
    simulation are never mixed.
    """
    if _has_answers(stores, slug):
        raise WrongState(f"the round {slug}: found answers, expected none: a round is simulated from its beginning")
    with writing(stores.office) as session:
        row = _locked(session, slug)
        if row.imported or row.state not in ("draft", "open"):
            found = "imported" if row.imported else row.state
            raise WrongState(f"the round {slug} is {found}; to be simulated it has to be draft or open")
        if not row.is_simulated:
            row.is_simulated = True
            record_event(session, actor, "round.simulated", slug)
    return find_round(stores, slug)


def mark_sealed(
    stores: Stores, slug: str, *, archive_hash: str, n_sealed: int, n_rejected: int, actor: str = COMMAND_LINE
) -> RoundRecord:
    """The round sealed, with the hash of its archive's manifest. An imported round goes there from its draft."""
    with writing(stores.office) as session:
        row = _locked(session, slug)
        if not (row.imported and row.state == "draft"):
            row = _step(session, slug, "seal")
        row.state = "sealed"
        row.archive_hash = archive_hash
        row.n_sealed = n_sealed
        row.n_rejected = n_rejected
        record_event(session, actor, "round.sealed", f"{slug} archive {archive_hash}")
    return find_round(stores, slug)


def mark_published(
    stores: Stores,
    slug: str,
    *,
    number: int,
    manifest_hash: str,
    published_on: date,
    reason: str | None = None,
    actor: str = COMMAND_LINE,
) -> RoundRecord:
    """The round published with one more edition. A number that exists, or that leaves a gap, is a WrongState."""
    with writing(stores.office) as session:
        row = _step(session, slug, "publish")
        numbers = session.scalars(select(Edition.number).where(Edition.round_slug == slug)).all()
        if number != max(numbers, default=0) + 1:
            raise WrongState(
                f"the round {slug}: found edition {number}, expected edition {max(numbers, default=0) + 1}"
            )
        session.add(
            Edition(
                round_slug=slug, number=number, reason=reason, published_on=published_on, manifest_hash=manifest_hash
            )
        )
        record_event(session, actor, "round.published", f"{slug} edition {number} manifest {manifest_hash}")
        row.state = "published"
    return find_round(stores, slug)


def refuse_step(record: RoundRecord, step: str) -> None:
    """Raise WrongState when a round's state does not allow this step of `STEPS`."""
    _refuse_state(record.slug, record.state, step)
    _refuse_halted(record.slug, is_halted=record.is_halted)


def _step(session: Session, slug: str, step: str) -> Round:
    row = _locked(session, slug)
    _refuse_state(slug, row.state, step)
    _refuse_halted(slug, is_halted=row.is_halted)
    row.state = STEPS[step][1]
    return row


def _locked(session: Session, slug: str) -> Round:
    row = session.get(Round, slug, with_for_update=True)
    if row is None:
        raise NotFound(f"found no round {slug[:60]!r}, expected one that `hailong round status` knows")
    return row


def _has_answers(stores: Stores, slug: str) -> bool:
    # The marks of use are what a server's own stores may read; there is one for every ballot.
    with reading(stores.intake) as session:
        query = select(SpentInvitation.nullifier).where(SpentInvitation.round_slug == slug).limit(1)
        return session.scalars(query).first() is not None


def _refuse_state(slug: str, state: str, step: str) -> None:
    allowed = STEPS[step][0]
    if state not in allowed:
        raise WrongState(f"the round {slug} is {state}; to {step} it, it has to be {' or '.join(allowed)}")


def _refuse_halted(slug: str, *, is_halted: bool) -> None:
    if is_halted:
        raise WrongState(
            f"the round {slug} is halted since a restore; who answers for its going on says so: "
            f"hailong round reconcile {slug} --decision TEXT --by NAME"
        )


def _refuse_bad_slug(slug: str) -> None:
    if not SLUG.fullmatch(slug) or slug in RESERVED_SLUGS:
        raise BadInput(
            f"found the round name {slug[:80]!r}, expected 1 to 60 small letters, digits and hyphens, "
            f"no hyphen at either end, and not {', '.join(sorted(RESERVED_SLUGS))}"
        )


def _refuse_odd_cap(cap: int | None, questionnaire: Questionnaire) -> None:
    if cap is None:
        return
    if not 1 <= cap <= MOST_A_DAY:
        raise BadInput(f"open link: found {cap} answers a unit and day, expected a whole number from 1 to {MOST_A_DAY}")
    if questionnaire.rates_several_units:
        raise BadInput(
            f"open link: found {questionnaire.reference}, whose forms rate several units, expected one about one unit"
        )


def _refuse_bad_dates(request: RoundRequest, today: date) -> None:
    if request.closes_on < request.opens_on:
        raise BadInput(f"found the last day {request.closes_on}, expected one not before the first, {request.opens_on}")
    if request.closes_on < today and not request.is_imported:
        raise BadInput(f"found the last day {request.closes_on}, expected one not before today, {today}")
