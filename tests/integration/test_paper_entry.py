"""Forms on paper are keyed twice, and what they become is what the citizen's form would have become (issue 7, O6)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.keying import KeyedForm, check_keys
from support.command_line import environment_of_settings, run
from support.game.schema_rules import broken_rules
from support.rounds import LAST_DAY, SLUG, TODAY, Collection, open_collection
from support.several_units import Firms
from survey.envelopes import open_ballot
from survey.errors import WrongState
from survey.intake import new_nonce, receive_ballot
from survey.paper_entry import (
    Desk,
    Difference,
    FoundForm,
    Waiting,
    differing_pair,
    discard_entries,
    enter_form,
    find_form,
    list_differences,
    round_on_paper,
    settle_form,
    waiting_forms,
)
from survey.paper_tallies import PAPER_ENTERED, PAPER_ERASED, Counted, forms_counted
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.settings import Settings
from survey.storage.audit import find_events
from survey.storage.frame import PaperEntry
from survey.storage.intake import Ballot
from survey.storage.paper import PaperTally
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

AS_ON_PAPER = {"1": "1", "2": "2", "3": "12", "4": "3", "5": "  Xếp hàng\n lâu "}


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def desk_of(collection: Collection, login: str, **given: object) -> Desk:
    return Desk(
        collection.stores, collection.secrets, collection.open_round, collection.questionnaire, login, TODAY, **given
    )


def keyed(collection: Collection, **typed: str) -> KeyedForm:
    found = check_keys(collection.questionnaire, {name.lstrip("k"): value for name, value in typed.items()})
    assert found.answers is not None, found.problems
    return found


def ballots(collection: Collection) -> list[dict[str, object]]:
    """What every ballot of the round says, opened with the round's key."""
    key = collection.vault.unwrap(SLUG)
    with reading(collection.stores.intake) as session:
        envelopes = session.scalars(select(Ballot.envelope)).all()
    record = collection.record
    return [json.loads(open_ballot(key, SLUG, record.questionnaire_hash, envelope)) for envelope in envelopes]


def n_rows(collection: Collection) -> int:
    with reading(collection.stores.frame) as session:
        return len(session.scalars(select(PaperEntry.tag)).all())


def test_what_two_people_key_alike_is_the_ballot_that_the_citizen_would_have_sent(collection: Collection) -> None:
    on_paper, online = collection.codes("phuong-a", 2, channel="paper")
    form = check_keys(collection.questionnaire, AS_ON_PAPER)
    assert enter_form(desk_of(collection, "lan"), on_paper.typed, form) == "kept"
    assert ballots(collection) == []
    other = check_keys(collection.questionnaire, {**AS_ON_PAPER, "3": "2 1", "5": "Xếp hàng lâu"})
    assert enter_form(desk_of(collection, "hoa"), on_paper.typed, other) == "received"
    citizens = {"q1": ["s1"], "q2": ["s5"], "why": ["rude", "slow"], "visits": ["3"], "say": ["Xếp hàng lâu"]}
    answers = check_answers(collection.questionnaire, citizens)
    assert isinstance(answers, CheckedAnswers)
    sent = receive_ballot(
        collection.stores, collection.secrets, collection.open_round, "phuong-a", online.typed, new_nonce(), answers
    )
    assert sent == "received"
    keyed_ballot, sent_ballot = ballots(collection)
    assert keyed_ballot == sent_ballot
    assert keyed_ballot["channel"] == "paper"
    assert n_rows(collection) == 0


def test_a_form_of_several_units_is_the_ballot_that_the_citizen_would_have_sent(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    firms = Firms(settings, stores, tmp_path)
    (code,) = firms.codes(1)
    form = check_keys(
        firms.questionnaire,
        {"1": "2", "2": "7", "1.unit": "SO-B", "1.3": "2", "1.5": "Rõ", "2.unit": "xa-d Xã D", "2.3": "1", "6": "Hết"},
        firms.record.unit_codes,
    )
    assert form.problems == ()
    assert form.answers is not None
    assert dict(form.answers.values) == {"has_land": "no", "years": 7.0, "say": "Hết"}
    assert {unit: dict(given) for unit, given in form.answers.ratings.items()} == {
        "so-b": {"clear": "5", "why": "Rõ"},
        "xa-d": {"clear": "1"},
    }
    open_round = round_on_paper(firms.record, firms.questionnaire, TODAY)
    lan = Desk(stores, firms.secrets, open_round, firms.questionnaire, "lan", TODAY)
    hoa = Desk(stores, firms.secrets, open_round, firms.questionnaire, "hoa", TODAY)
    assert enter_form(lan, code.typed, form) == "kept"
    assert enter_form(hoa, code.typed, form) == "received"
    assert find_form(lan, code.typed) == "used"


def test_the_same_person_makes_no_second_entry(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    lan = desk_of(collection, "lan")
    assert enter_form(lan, code.typed, keyed(collection, k1="1")) == "kept"
    assert find_form(lan, code.typed) == "own"
    assert enter_form(lan, code.typed, keyed(collection, k1="1")) == "own"
    assert find_form(desk_of(collection, "hoa"), code.typed) == FoundForm("phuong-a", "second")
    assert ballots(collection) == []


def test_an_office_of_one_keys_each_form_once(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    lan = desk_of(collection, "lan", needs_two=False)
    assert enter_form(lan, code.typed, keyed(collection, k1="1")) == "received"
    assert enter_form(lan, code.typed, keyed(collection, k1="1")) == "used"
    assert forms_counted(collection.stores, SLUG) == Counted(alone=1)


def test_forms_that_differ_wait_with_the_questions_and_are_settled_by_what_the_paper_says(
    collection: Collection,
) -> None:
    codes = collection.codes("phuong-a", 2)
    lan, hoa = desk_of(collection, "lan"), desk_of(collection, "hoa")
    for code in codes:
        assert enter_form(lan, code.typed, keyed(collection, k1="1", k2="1", k4="3")) == "kept"
        assert enter_form(hoa, code.typed, keyed(collection, k1="1", k2="2", k4="8")) == "differs"
    assert ballots(collection) == []
    assert waiting_forms(collection.stores, SLUG) == Waiting(0, 2)
    listed = list_differences(collection.stores, collection.secrets, SLUG)
    assert listed == [Difference("phuong-a", ("2", "4"))] * 2
    assert find_form(lan, codes[0].typed) == FoundForm("phuong-a", "settle")
    pair = differing_pair(lan, codes[0].typed)
    assert pair is not None
    assert (pair.first["2"], pair.second["2"], pair.fields) == ("1", "2", ("2", "4"))
    # A third reading that does not hold comes back, and nothing is lost.
    wrong = settle_form(lan, codes[0].typed, {"2": "2", "4": "99"}, ["phuong-a"])
    assert isinstance(wrong, KeyedForm)
    assert [(problem.field, problem.reason) for problem in wrong.problems] == [("4", "out_of_range")]
    assert settle_form(lan, codes[0].typed, {"2": "2", "4": "5"}, ["phuong-a"]) == "received"
    (ballot,) = ballots(collection)
    assert ballot["answers"] == {"q1": "s1", "q2": "s5", "visits": 5}
    assert discard_entries(lan, codes[1].typed)
    assert find_form(hoa, codes[1].typed) == FoundForm("phuong-a", "first")
    counted = forms_counted(collection.stores, SLUG)
    assert counted == Counted(first=2, second=2, settled=1, items=10, differing=4)
    assert counted.per_thousand == 400.0


def test_a_used_code_and_a_code_of_nobody_are_told_and_leave_nothing(collection: Collection) -> None:
    used, waiting = collection.codes("phuong-a", 2)
    assert collection.send("phuong-a", used.typed) == "received"
    lan = desk_of(collection, "lan")
    assert find_form(lan, used.typed) == "used"
    assert enter_form(lan, used.typed, keyed(collection, k1="1")) == "used"
    assert find_form(lan, "0000-0000") == "unknown"
    # The long spelling is for machines: a form is known by what is printed on it.
    assert find_form(lan, waiting.qr) == "unknown"
    assert enter_form(lan, waiting.typed, keyed(collection, k1="1")) == "kept"
    assert collection.send("phuong-a", waiting.typed) == "received"
    assert find_form(desk_of(collection, "hoa"), waiting.typed) == "used"
    assert n_rows(collection) == 0


def test_between_two_entries_the_databases_say_nothing(collection: Collection) -> None:
    codes = collection.codes("phuong-a", 3)
    for code, said in zip(codes, ("Một câu", "Một câu dài hơn nhiều " * 9, ""), strict=True):
        assert enter_form(desk_of(collection, "lan"), code.typed, keyed(collection, k1="1", k5=said)) == "kept"
    with reading(collection.stores.frame) as session:
        rows = session.scalars(select(PaperEntry)).all()
        names = set(PaperEntry.__table__.columns.keys())
        seen = b"".join(row.tag + row.sealed + row.note + row.state.encode() for row in rows)
        assert len({(len(row.sealed), len(row.note)) for row in rows}) == 1
    assert names == {"tag", "round_slug", "state", "sealed", "note"}
    for word in ("Một câu".encode(), b"entries", b"phuong-a", *(code.typed.encode() for code in codes)):
        assert word not in seen
    assert broken_rules(collection.stores) == []
    # The audit log has no line for a form.
    with reading(collection.stores.office) as session:
        assert [event for _, event in find_events(session, action="paper")] == []
    # What somebody changed in the store is in nobody's way.
    with writing(collection.stores.frame) as session:
        session.execute(update(PaperEntry).values(sealed=b"\0" * 64))
    assert find_form(desk_of(collection, "hoa"), codes[0].typed) == FoundForm("phuong-a", "first")
    assert enter_form(desk_of(collection, "hoa"), codes[0].typed, keyed(collection, k1="2")) == "kept"


def test_the_audit_log_is_told_who_keyed_how_many_when_the_day_is_over(collection: Collection) -> None:
    codes = collection.codes("phuong-a", 3)
    yesterday = desk_of(collection, "lan")
    for code in codes[:2]:
        enter_form(yesterday, code.typed, keyed(collection, k1="1"))
    with writing(collection.stores.office) as session:
        session.execute(update(PaperTally).values(day=TODAY - timedelta(days=1)))
    enter_form(desk_of(collection, "lan"), codes[2].typed, keyed(collection, k1="1"))
    with reading(collection.stores.office) as session:
        told = [(event.actor, event.subject) for _, event in find_events(session, action=PAPER_ENTERED)]
    assert told == [("lan", f"{SLUG}: {TODAY - timedelta(days=1)}: 2 first, 0 second, 0 settled, 0 alone")]


def test_sealing_erases_what_was_not_finished_and_says_how_many(collection: Collection) -> None:
    first, second = collection.codes("phuong-a", 2)
    assert collection.send("phuong-a", second.typed) == "received"
    enter_form(desk_of(collection, "lan"), first.typed, keyed(collection, k1="1"))
    close_round(collection.stores, SLUG)
    seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)
    assert archive_path(collection.settings, SLUG).exists()
    assert n_rows(collection) == 0
    with reading(collection.stores.office) as session:
        erased = [event.subject for _, event in find_events(session, action=PAPER_ERASED)]
        told = [event.subject for _, event in find_events(session, action=PAPER_ENTERED)]
    assert erased == [f"{SLUG}: 1 forms keyed and not received"]
    assert told == [f"{SLUG}: {TODAY}: 1 first, 0 second, 0 settled, 0 alone"]


def test_forms_of_the_last_day_are_keyed_until_the_round_is_closed(collection: Collection) -> None:
    late = LAST_DAY + timedelta(days=9)
    assert round_on_paper(collection.record, collection.questionnaire, late).slug == SLUG
    close_round(collection.stores, SLUG)
    with pytest.raises(WrongState):
        round_on_paper(collection.record, collection.questionnaire, late)


def test_the_command_that_closes_a_round_says_what_is_left_unfinished(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    (code,) = collection.codes("phuong-a", 1)
    enter_form(desk_of(collection, "lan"), code.typed, keyed(collection, k1="1"))
    done = run(environment_of_settings(sqlite_settings.instance, None), "round", "close", SLUG)
    assert done.exit_code == 0
    assert "1 forms on paper were keyed and not received; sealing erases them" in done.errors
