"""Invitations: issued all or none, found by either spelling, and never stored as a code."""

from pathlib import Path

import pytest
from sqlalchemy import select

from support.rounds import SLUG, Collection, open_collection, planned_collection
from survey.errors import BadInput, NotFound, WrongState
from survey.invitations import CodeRequest, IssuedCode, find_invitation, issue_invitations
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.frame import Invitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(settings, stores, tmp_path)


def stored(collection: Collection) -> list[Invitation]:
    with reading(collection.stores.frame) as session:
        return list(session.scalars(select(Invitation)))


def test_both_spellings_lead_to_the_same_invitation(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1, stratum="tổ 1", psu="p1", channel="post")
    by_qr = find_invitation(collection.stores, collection.secrets, SLUG, code.qr)
    by_typing = find_invitation(collection.stores, collection.secrets, SLUG, code.typed.lower().replace("-", " "))
    assert by_qr is not None
    assert by_qr == by_typing
    assert (by_qr.origin.unit, by_qr.origin.stratum, by_qr.origin.psu, by_qr.origin.channel) == (
        "phuong-a",
        "tổ 1",
        "p1",
        "post",
    )
    assert len(by_qr.id) == 16


def test_an_invitation_is_of_its_round_alone(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    assert find_invitation(collection.stores, collection.secrets, "another", code.qr) is None
    for text in ("", "00000-00000-0000", "A" * 22, "x" * 500, "\ud800", code.typed[:-1]):
        assert find_invitation(collection.stores, collection.secrets, SLUG, text) is None


def test_codes_come_in_the_order_they_were_asked_for_and_are_all_different(collection: Collection) -> None:
    requests = [CodeRequest("xa-b", 3, channel="post"), CodeRequest("phuong-a", 2)]
    codes = issue_invitations(collection.stores, collection.secrets, SLUG, requests)
    assert [(code.unit, code.channel) for code in codes] == [("xa-b", "post")] * 3 + [("phuong-a", "slip")] * 2
    assert len({code.typed for code in codes} | {code.qr for code in codes}) == 10
    assert len(stored(collection)) == 5


def test_no_code_and_no_time_is_stored(collection: Collection) -> None:
    codes = collection.codes("phuong-a", 20)
    columns = {column.name for column in Invitation.__table__.columns}
    assert columns == {"id", "round_slug", "unit_code", "stratum", "psu", "channel", "qr_tag", "typed_tag"}
    rows = stored(collection)
    values = {value for row in rows for value in (row.id, row.qr_tag, row.typed_tag)}
    assert len(values) == 60
    written = " ".join(repr(getattr(row, name)) for row in rows for name in columns)
    assert not any(code.typed in written or code.qr in written for code in codes)


def test_issuing_is_an_audit_event_that_names_no_code(collection: Collection) -> None:
    codes = collection.codes("phuong-a", 3)
    with reading(collection.stores.office) as session:
        event = list_events(session, newest=1)[0]
    assert (event.actor, event.action, event.subject) == (
        "command line",
        "invitations.issued",
        f"{SLUG}: 3 for 1 units",
    )
    assert not any(code.typed in event.subject for code in codes)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (CodeRequest("xa-c", 1), "unit: found “xa-c”, expected a unit of the round"),
        (CodeRequest("nowhere\n", 1), "unit: found “nowhere�”"),
        (CodeRequest("phuong-a", 0), "count: found 0"),
        (CodeRequest("phuong-a", -1), "count: found -1"),
        (CodeRequest("phuong-a", 1_000_001), "count: found 1000001"),
        (CodeRequest("phuong-a", 1, stratum="s" * 81), "stratum: found 81 characters"),
        (CodeRequest("phuong-a", 1, psu="=1+1"), "psu: found “=1\\+1”"),
        (CodeRequest("phuong-a", 1, channel="a\tb"), "channel: found “a�b”"),
        (CodeRequest("phuong-a", 1, channel="@x"), "channel: found “@x”"),
    ],
)
def test_one_bad_request_issues_nothing(collection: Collection, request_: CodeRequest, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        issue_invitations(collection.stores, collection.secrets, SLUG, [CodeRequest("xa-b", 1), request_])
    assert stored(collection) == []


def test_no_request_at_all_is_refused(collection: Collection) -> None:
    with pytest.raises(BadInput, match="no request"):
        issue_invitations(collection.stores, collection.secrets, SLUG, [])


def test_an_unknown_round_is_not_found(collection: Collection) -> None:
    with pytest.raises(NotFound):
        issue_invitations(collection.stores, collection.secrets, "nowhere", [CodeRequest("xa-b", 1)])


def test_a_closed_round_issues_no_codes(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    collection = open_collection(settings, stores, tmp_path)
    collection.codes("xa-b", 1)
    close_round(stores, SLUG)
    with pytest.raises(WrongState, match="closed"):
        collection.codes("xa-b", 1)
    assert len(stored(collection)) == 1


def test_when_the_codes_cannot_be_kept_none_is_issued(collection: Collection) -> None:
    def keep(codes: list[IssuedCode]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        issue_invitations(collection.stores, collection.secrets, SLUG, [CodeRequest("xa-b", 5)], keep=keep)
    assert stored(collection) == []
    with reading(collection.stores.office) as session:
        assert list_events(session, newest=1)[0].action == "round.created"


def test_the_code_rides_in_the_fragment_of_its_address() -> None:
    code = IssuedCode("đợt 1", "a/b", "00000-00000-0000", "Q" * 22, "slip")
    assert code.address("https://hailong.example.vn") == (
        f"https://hailong.example.vn/r/%C4%91%E1%BB%A3t%201/a%2Fb#{'Q' * 22}"
    )
    assert code.address(None).startswith("/r/")
    assert "Q" not in repr(code)


CELLS = b"""\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: phuong-a, psu: "Khu 1", population: 30, probability: 0.5}
  - {unit: phuong-a, psu: "Khu 2", population: 20}
  - {unit: xa-b, psu: "Th\xc3\xb4n 1", population: 15}
"""
POPULATION = b"design: 1\nstrata: [unit]\npopulation: {phuong-a: 50, xa-b: 15}\n"


@pytest.fixture
def designed(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(settings, stores, tmp_path, design=CELLS)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (CodeRequest("phuong-a", 1, psu="Khu 3"), "found unit “phuong-a”, psu “Khu 3”, expected a cell of the design"),
        (CodeRequest("phuong-a", 1), "found unit “phuong-a”, expected a cell of the design"),
        (CodeRequest("phuong-a", 1, psu="Thôn 1"), "expected a cell of the design"),
        (CodeRequest("phuong-a", 1, stratum="t", psu="Khu 1"), "stratum “t”, psu “Khu 1”, expected a cell"),
        (CodeRequest("phuong-a", 31, psu="Khu 1"), "found 31 codes for .*, expected at most the 30 people"),
        (
            CodeRequest("xa-b", 15, psu="Thôn 1"),
            "found 15 codes for .* after 10 issued before, expected at most the 15",
        ),
        (CodeRequest("xa-b", 6, psu="Thôn 1", place="batch.csv:7"), "^batch.csv:7: found 6 codes"),
    ],
)
def test_codes_are_for_the_people_of_the_design(designed: Collection, request_: CodeRequest, complaint: str) -> None:
    designed.codes("xa-b", 10, psu="Thôn 1")
    good = CodeRequest("phuong-a", 20, psu="Khu 2")
    with pytest.raises(BadInput, match=complaint):
        issue_invitations(designed.stores, designed.secrets, SLUG, [good, request_])
    assert len(stored(designed)) == 10


def test_one_batch_may_ask_for_a_cell_twice_as_long_as_there_are_people(designed: Collection) -> None:
    slips, mails = (CodeRequest("xa-b", 8, psu="Thôn 1", channel=channel) for channel in ("slip", "post"))
    with pytest.raises(BadInput, match=r"found 8 codes for .* after 8 issued before, expected at most the 15"):
        issue_invitations(designed.stores, designed.secrets, SLUG, [slips, mails])
    assert stored(designed) == []


def test_a_population_limits_the_codes_of_a_unit(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    collection = planned_collection(settings, stores, tmp_path, design=POPULATION)
    assert len(collection.codes("xa-b", 15, psu="any", stratum="label")) == 15
    with pytest.raises(BadInput, match="found 1 codes for unit “xa-b” after 15 issued before, expected at most the 15"):
        collection.codes("xa-b", 1)


@pytest.mark.slow
def test_many_codes_are_issued_in_one_transaction(collection: Collection) -> None:
    codes = collection.codes("xa-b", 12_000)
    assert len({code.qr for code in codes}) == len(stored(collection)) == 12_000
