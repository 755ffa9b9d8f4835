"""Exports of ODK Central and KoboToolbox become ballots of an open round, once each, however they were exported."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from questionnaires.model import Questionnaire
from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.firms import DEPARTMENTS, SLUG, add_firm_round, firm_codes, import_firms
from support.tablets import central_csv, kobo_csv, labelled_csv, submission
from survey.collected_answers import CollectedLook, CollectedOutcome, look_at_collected, receive_collected
from survey.collected_tables import ForeignExportError
from survey.errors import BadInput, WrongState
from survey.fieldwork_days import DayBook
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores

GOOD = {"overall": "1", "why": "slow rude", "how_slow": "3", "paid": "12.5", "main": 'Chờ lâu; rất "mệt",\nhai dòng'}


@pytest.fixture
def asked(settings: Settings, stores: Stores, tmp_path: Path) -> Asked:
    return ask(settings, stores, tmp_path, questionnaire="kinds/1")


def questionnaire_of(asked: Asked) -> Questionnaire:
    return load_questionnaire_of(asked.stores, find_round(asked.stores, asked.slug))


def look(asked: Asked, content: bytes, name: str = "export.csv") -> CollectedLook:
    record = find_round(asked.stores, asked.slug)
    return look_at_collected(asked.stores, asked.secrets, record, content, name, today())


def take(asked: Asked, content: bytes, name: str = "export.csv") -> CollectedOutcome:
    record = find_round(asked.stores, asked.slug)
    found = look(asked, content, name)
    return receive_collected(asked.stores, asked.secrets, DayBook(asked.stores), record, found, today(), actor="lan")


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def sent(asked: Asked, count: int, unit: str = UNIT, **answers: str) -> list[dict[str, str]]:
    questionnaire = questionnaire_of(asked)
    return [
        submission(asked.slug, questionnaire, code.typed, n, **(answers or GOOD))
        for n, code in enumerate(asked.codes(unit, count), 1)
    ]


@pytest.mark.parametrize("way", ["kobo both", "kobo summary", "kobo details", "kobo alone", "central", "split", "bare"])
def test_every_way_of_exporting_reads_alike(asked: Asked, way: str) -> None:
    questionnaire, rows = questionnaire_of(asked), sent(asked, 2)
    content = {
        "kobo both": lambda: kobo_csv(questionnaire, rows),
        "kobo summary": lambda: kobo_csv(questionnaire, rows, "summary"),
        "kobo details": lambda: kobo_csv(questionnaire, rows, "details"),
        "kobo alone": lambda: kobo_csv(questionnaire, rows, groups=""),
        "central": lambda: central_csv(questionnaire, rows),
        "split": lambda: central_csv(questionnaire, rows, is_split=True),
        "bare": lambda: central_csv(questionnaire, rows, has_groups=False),
    }[way]()
    found = look(asked, content)
    assert found.refused == ()
    assert [dict(row.answers.values) for row in found.ready] == [
        {"overall": "1", "why": ("slow", "rude"), "how_slow": 3.0, "paid": 12.5, "main": GOOD["main"]}
    ] * 2
    assert {row.unit for row in found.ready} == {UNIT}
    assert n_ballots(asked) == 0, "a look stores nothing"
    assert take(asked, content).n_received == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_a_spreadsheet_saved_anew_reads_alike(asked: Asked, encoding: str) -> None:
    content = kobo_csv(questionnaire_of(asked), sent(asked, 2)).decode().encode(encoding)
    assert len(look(asked, content).ready) == 2


def test_the_same_file_twice_adds_nothing_and_a_later_one_adds_what_is_new(asked: Asked) -> None:
    questionnaire, rows = questionnaire_of(asked), sent(asked, 3)
    first = take(asked, kobo_csv(questionnaire, rows[:2]))
    assert (first.n_received, first.n_repeated, first.refused) == (2, 0, ())
    again = take(asked, kobo_csv(questionnaire, rows))
    assert (again.n_received, again.n_repeated, again.refused) == (1, 2, ())
    assert n_ballots(asked) == 3
    with reading(asked.stores.office) as session:
        events = [event for event in list_events(session) if event.action == "answers.imported"]
    assert {(event.actor, event.subject) for event in events} == {
        ("lan", "hai-long: 2 received, 0 there before, 0 refused"),
        ("lan", "hai-long: 1 received, 2 there before, 0 refused"),
    }


def test_what_was_scanned_is_read_out_of_its_address(asked: Asked) -> None:
    (code,) = asked.codes()
    row = submission(asked.slug, questionnaire_of(asked), "", 1, **GOOD)
    row["hailong_scan"] = code.address("https://hailong.example")
    assert take(asked, central_csv(questionnaire_of(asked), [row])).n_received == 1


def test_a_code_that_was_used_in_the_browser_is_refused_when_it_is_received_and_not_before(asked: Asked) -> None:
    rows = sent(asked, 1)
    asked_again = kobo_csv(questionnaire_of(asked), [rows[0] | {"identity": "another"}])
    assert take(asked, kobo_csv(questionnaire_of(asked), rows)).n_received == 1
    assert len(look(asked, asked_again).ready) == 1, "who holds a list of codes cannot ask which of them were used"
    outcome = take(asked, asked_again)
    assert [(one.line, one.reason) for one in outcome.refused] == [(2, "code_refused")]
    assert n_ballots(asked) == 1


@pytest.mark.parametrize(
    ("changes", "reason", "item", "problem"),
    [
        ({"hailong_code": ""}, "code_missing", "", None),
        ({"hailong_code": "2ZFK8-N0XV3-N07N"}, "code_mistyped", "", None),
        ({"hailong_form": "hai-long/kinds-1-000000000000"}, "version", "", None),
        ({"hailong_form": ""}, "version", "", None),
        ({"identity": ""}, "no_identity", "", None),
        ({"review": "rejected"}, "rejected", "", None),
        ({"review": "validation_status_not_approved"}, "rejected", "", None),
        ({"review": "hasIssues"}, "held", "", None),
        ({"review": "validation_status_on_hold"}, "held", "", None),
        ({"overall": ""}, "answer", "overall", "required"),
        ({"overall": "9"}, "answer", "overall", "unknown_option"),
        ({"overall": "Rất hài lòng"}, "answer", "overall", "unknown_option"),
        ({"why": "slow nothing"}, "answer", "why", "unknown_option"),
        ({"why": "slow none"}, "answer", "why", "exclusive"),
        ({"how_slow": "61"}, "answer", "how_slow", "out_of_range"),
        ({"how_slow": "2.5"}, "answer", "how_slow", "not_whole"),
        ({"how_slow": "ba"}, "answer", "how_slow", "not_a_number"),
        ({"how_slow__or": "dk"}, "answer", "how_slow", "several_answers"),
        ({"main": "x" * 201}, "answer", "main", "too_long"),
        ({"overall": "5", "how_slow": ""}, "not_asked", "why", None),
        ({"overall": "na", "why": "", "how_slow": ""}, "not_asked", "paid", None),
    ],
)
def test_each_row_that_is_wrong_is_refused_with_its_reason(
    asked: Asked, changes: dict[str, str], reason: str, item: str, problem: str | None
) -> None:
    good, bad = sent(asked, 2)
    content = kobo_csv(questionnaire_of(asked), [good, bad | changes])
    found = look(asked, content)
    assert [(one.line, one.reason, one.item, one.problem) for one in found.refused] == [(3, reason, item, problem)]
    assert [row.line for row in found.ready] == [2]
    outcome = take(asked, content)
    assert (outcome.n_received, len(outcome.refused)) == (1, 1)
    assert bad["hailong_code"] not in repr(found)


def test_a_number_that_is_unknown_is_taken_as_such(asked: Asked) -> None:
    rows = sent(asked, 1, **(GOOD | {"how_slow": "", "how_slow__or": "dk"}))
    (row,) = look(asked, central_csv(questionnaire_of(asked), rows)).ready
    assert row.answers.values["how_slow"] == "dk"


def test_a_row_of_another_version_is_named_with_the_version_it_has(asked: Asked) -> None:
    rows = sent(asked, 1)
    content = central_csv(questionnaire_of(asked), rows, version="kinds-0-aaaaaaaaaaaa")
    found = look(asked, content)
    assert found.version.startswith("kinds-1-")
    assert [one.version for one in found.refused] == ["kinds-0-aaaaaaaaaaaa"]


def test_one_invitation_spelled_in_two_ways_counts_once_in_a_file(asked: Asked) -> None:
    (code,) = asked.codes()
    questionnaire = questionnaire_of(asked)
    rows = [submission(asked.slug, questionnaire, spelled, n, **GOOD) for n, spelled in ((1, code.typed), (2, code.qr))]
    found = look(asked, kobo_csv(questionnaire, rows))
    assert [(one.line, one.reason) for one in found.refused] == [(3, "code_twice")]


def test_a_code_of_another_round_is_unknown(asked: Asked) -> None:
    add_round(asked, "khac", questionnaire="kinds/1")
    (code,) = replace(asked, slug="khac").codes()
    row = submission(asked.slug, questionnaire_of(asked), code.typed, 1, **GOOD)
    found = look(asked, kobo_csv(questionnaire_of(asked), [row]))
    assert [one.reason for one in found.refused] == ["code_unknown"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("hailong_form", "form"), "no_mark"),
        (lambda text: text.replace('"_uuid"', '"uid"'), "no_identity"),
        (lambda text: text.replace("first/overall", "first/other"), "lacking"),
        (lambda text: text.replace("first/overall", "paid"), "twice"),
    ],
)
def test_a_file_that_is_not_of_the_rounds_form_is_refused_whole(asked: Asked, change, why: str) -> None:  # type: ignore[no-untyped-def]
    content = change(kobo_csv(questionnaire_of(asked), sent(asked, 1)).decode()).encode()
    with pytest.raises(ForeignExportError) as caught:
        look(asked, content)
    assert caught.value.why == why
    assert "export.csv" in str(caught.value)


def test_an_export_with_labels_is_told_apart(asked: Asked) -> None:
    with pytest.raises(ForeignExportError) as caught:
        look(asked, labelled_csv(questionnaire_of(asked), sent(asked, 1)))
    assert caught.value.why == "labels"


@pytest.mark.parametrize("content", [b"", b"\x00" * 60, b"a;b\n", b"PK\x03\x04" + b"\x00" * 60])
def test_what_is_no_table_is_refused(asked: Asked, content: bytes) -> None:
    with pytest.raises(BadInput, match="export"):
        look(asked, content)


def test_times_devices_and_people_are_dropped_and_named(asked: Asked) -> None:
    questionnaire = questionnaire_of(asked)
    found = look(asked, kobo_csv(questionnaire, sent(asked, 1)))
    assert {"start", "deviceid", "_submission_time", "_submitted_by", "__version__"} <= set(found.dropped)
    found = look(asked, central_csv(questionnaire, sent(asked, 1)))
    assert {"SubmissionDate", "SubmitterName", "DeviceID", "meta-instanceID"} <= set(found.dropped)


def test_a_round_that_takes_no_answers_takes_no_file(asked: Asked) -> None:
    content = kobo_csv(questionnaire_of(asked), sent(asked, 1))
    close_round(asked.stores, asked.slug)
    with pytest.raises(WrongState, match="closed"):
        look(asked, content)


def test_what_tablets_collected_is_sealed_like_any_other_answer(asked: Asked) -> None:
    questionnaire = questionnaire_of(asked)
    rows = [*sent(asked, 12), *sent(asked, 12, OTHER_UNIT, overall="5")]
    assert (
        take(asked, central_csv(questionnaire, [row | {"identity": str(n)} for n, row in enumerate(rows)])).n_received
        == 24
    )
    close_round(asked.stores, asked.slug)
    sealed = seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, asked.slug)
    assert (sealed.counts.sealed, sealed.counts.rejected) == (24, {})


@pytest.fixture
def firms(asked: Asked, tmp_path: Path) -> Asked:
    import_firms(asked.stores, tmp_path)
    add_firm_round(asked, SLUG)
    return replace(asked, slug=SLUG)


def rated(firms: Asked, n: int = 1, **answers: str) -> dict[str, str]:
    (code,) = firm_codes(firms, slug=SLUG)
    return submission(SLUG, questionnaire_of(firms), code.typed, n, has_land="yes", **answers)


def test_a_form_that_rates_several_units_is_one_ballot(firms: Asked) -> None:
    row = rated(
        firms, hailong_unit__1=DEPARTMENTS[0], clear__1="4", hailong_unit__2=DEPARTMENTS[1], clear__2="2", unclear__2=""
    )
    content = central_csv(questionnaire_of(firms), [row])
    (ready,) = look(firms, content).ready
    assert ready.unit == ""
    assert {unit: rating["clear"] for unit, rating in ready.answers.ratings.items()} == {
        DEPARTMENTS[0]: "4",
        DEPARTMENTS[1]: "2",
    }
    assert take(firms, content).n_received == 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "units_missing"),
        ({"hailong_unit__1": "so-la", "clear__1": "4"}, "unit_unknown"),
        ({"hailong_unit__1": "so-y-te", "clear__1": "4", "hailong_unit__2": "so-y-te", "clear__2": "4"}, "unit_twice"),
        ({"hailong_unit__1": "so-y-te", "clear__1": "4", "clear__2": "4"}, "not_asked"),
        ({"hailong_unit__1": "so-y-te"}, "answer"),
    ],
)
def test_units_are_checked_row_by_row(firms: Asked, answers: dict[str, str], reason: str) -> None:
    found = look(firms, kobo_csv(questionnaire_of(firms), [rated(firms, **answers)]))
    assert [one.reason for one in found.refused] == [reason]
