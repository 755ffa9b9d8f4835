"""What takes two people: asked by one, approved by another, done once (issue 7, O1)."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from support.rounds import SLUG, planned_collection
from survey.approvals import (
    approvals_of,
    ask_for_codes,
    ask_to_seal,
    decide,
    mark_sealed,
    open_approval,
    rounds_that_wait,
    used,
)
from survey.errors import NotFound, SamePerson, WrongState
from survey.invitations import CodeRequest
from survey.officers import OfficerRecord, create_officer
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.office import Round
from survey.storage.people import Approval
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
WANTED = [CodeRequest("xa-b", 30, channel="post"), CodeRequest("xa-a", 20)]


def two_officers(settings: Settings, stores: Stores) -> tuple[OfficerRecord, OfficerRecord]:
    planned_collection(settings, stores, settings.instance)
    return (
        create_officer(stores, "lan", "Nguyễn Thị Lan", "bốn từ chọn bừa", actor="command line", roles=["officer"]),
        create_officer(stores, "binh", "Trần Văn Bình", "bốn từ khác hẳn", actor="command line", roles=["custodian"]),
    )


def test_codes_are_asked_for_by_one_approved_by_another_and_made_once(settings: Settings, stores: Stores) -> None:
    lan, binh = two_officers(settings, stores)
    asked = ask_for_codes(stores, SLUG, WANTED, officer=lan, now=NOW)
    assert rounds_that_wait(stores, binh) == {SLUG: 1}
    assert rounds_that_wait(stores, lan) == {}
    with pytest.raises(SamePerson, match="Nguyễn Thị Lan asked for it; expected the decision of somebody else"):
        decide(stores, SLUG, asked.number, "approve", officer=lan, now=NOW)
    with pytest.raises(WrongState, match="not approved"), used(stores, asked, actor="lan"):
        raise AssertionError("nothing is done before it is approved")
    approved = decide(stores, SLUG, asked.number, "approve", officer=binh, now=NOW)
    assert (approved.state, approved.decided_by) == ("approved", "Trần Văn Bình")
    assert approved.requests == tuple(WANTED), "exactly what was asked is what was approved"
    with pytest.raises(WrongState, match="approved already"):
        decide(stores, SLUG, asked.number, "approve", officer=binh, now=NOW)
    with pytest.raises(ZeroDivisionError), used(stores, approved, actor="lan"):
        raise ZeroDivisionError
    with used(stores, approved, actor="lan"), pytest.raises(WrongState), used(stores, approved, actor="binh"):
        raise AssertionError("two who begin at once are one")
    with reading(stores.office) as session:
        actions = [event.action for event in list_events(session) if event.action.startswith("approval.")]
    assert actions[::-1] == [
        "approval.asked",
        "approval.approved",
        "approval.used",
        "approval.approved",
        "approval.used",
    ]


def test_a_round_is_sealed_after_one_request_that_somebody_else_approved(settings: Settings, stores: Stores) -> None:
    lan, binh = two_officers(settings, stores)
    with pytest.raises(WrongState, match="expected it to be closed"):
        ask_to_seal(stores, SLUG, officer=lan, now=NOW)
    with writing(stores.office) as session:
        session.get_one(Round, SLUG).state = "closed"
    first = ask_to_seal(stores, SLUG, officer=lan, now=NOW)
    with pytest.raises(WrongState, match="asked for already"):
        ask_to_seal(stores, SLUG, officer=binh, now=NOW)
    with pytest.raises(WrongState, match="only whoever asked"):
        decide(stores, SLUG, first.number, "withdraw", officer=binh, now=NOW)
    decide(stores, SLUG, first.number, "refuse", officer=binh, now=NOW)
    assert open_approval(stores, SLUG, "seal") is None
    second = ask_to_seal(stores, SLUG, officer=lan, now=NOW)
    assert decide(stores, SLUG, second.number, "withdraw", officer=lan, now=NOW).state == "withdrawn"
    third = ask_to_seal(stores, SLUG, officer=binh, now=NOW)
    decide(stores, SLUG, third.number, "approve", officer=lan, now=NOW)
    mark_sealed(stores, SLUG, actor="binh")
    assert [found.state for found in approvals_of(stores, SLUG)] == ["used", "withdrawn", "refused"]
    with pytest.raises(WrongState):
        ask_for_codes(stores, SLUG, WANTED, officer=lan, now=NOW)


def test_the_store_itself_takes_nobody_twice(settings: Settings, stores: Stores) -> None:
    lan, _ = two_officers(settings, stores)
    asked = ask_for_codes(stores, SLUG, WANTED, officer=lan, now=NOW)
    with pytest.raises(IntegrityError), writing(stores.office) as session:
        session.execute(update(Approval).where(Approval.id == asked.number).values(decided_by=lan.id))


def test_a_request_of_another_round_or_none_is_not_found(settings: Settings, stores: Stores) -> None:
    lan, binh = two_officers(settings, stores)
    asked = ask_for_codes(stores, SLUG, WANTED, officer=lan, now=NOW)
    for slug, number in (("khac", asked.number), (SLUG, 999)):
        with pytest.raises(NotFound):
            decide(stores, slug, number, "approve", officer=binh, now=NOW)
    with pytest.raises(NotFound):
        ask_for_codes(stores, "khong-co", WANTED, officer=lan, now=NOW)
