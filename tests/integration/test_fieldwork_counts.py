"""The monitor's counts are those of `round status`, whenever they are taken, and days are counted without a moment."""

import datetime as dt
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect

from support.rounds import SLUG, TODAY, UNITS, Collection, open_collection
from survey.errors import BadInput
from survey.fieldwork import EVERY_UNIT, fieldwork_of, plan_targets, set_targets, targets_of
from survey.fieldwork_counts import FieldworkWatch
from survey.fieldwork_days import DayBook, DayCounts, days_of
from survey.round_records import find_round
from survey.round_status import round_status
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def test_the_counts_are_those_of_the_stores_at_every_look(collection: Collection) -> None:
    watch = FieldworkWatch(collection.stores, collection.secrets)

    def agree() -> None:
        expected = round_status(collection.stores, collection.secrets, SLUG).cells
        assert watch.look(SLUG).cells == expected

    agree()
    first = collection.codes("phuong-a", 5, channel="post")
    agree()
    for code in first[:3]:
        collection.send("phuong-a", code.typed)
        agree()
    other = collection.codes("xa-b", 4)
    agree()
    more = collection.codes("phuong-a", 6, channel="post")
    collection.send("xa-b", other[0].qr)
    collection.send("phuong-a", more[5].typed)
    agree()
    assert {(cell.unit, cell.channel): cell.spent for cell in watch.look(SLUG).cells} == {
        ("phuong-a", "post"): 4,
        ("xa-b", "slip"): 1,
    }


def test_large_rounds_are_counted_beside_their_readers(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("survey.fieldwork_counts.LARGE", 0)
    moment = [1000.0]
    watch = FieldworkWatch(collection.stores, collection.secrets, clock=lambda: moment[0])
    codes = collection.codes("phuong-a", 3)
    assert watch.look(SLUG).cells[0].spent == 0
    collection.send("phuong-a", codes[0].typed)
    moment[0] += 60
    before = set(threading.enumerate())
    watch.look(SLUG)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert watch.look(SLUG).cells[0].spent == 1


def test_many_watchers_share_what_has_not_changed_and_nobody_sees_what_is_no_longer_so(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey.fieldwork_counts.LARGE", 0)
    stores, record = collection.stores, collection.record
    collection.codes("phuong-a", 3)
    # The first count took a while, so that the next one is not due before all of this is over.
    moments = iter([0.0, 1000.0])
    watch = FieldworkWatch(stores, collection.secrets, clock=lambda: next(moments, 1001.0))
    watch.look(SLUG)
    first = fieldwork_of(stores, watch, record, TODAY)
    assert fieldwork_of(stores, watch, record, TODAY) is first
    set_targets(stores, record, {"": 8}, actor="lan")
    second = fieldwork_of(stores, watch, record, TODAY)
    assert second.total.target == 16
    book = DayBook(stores)
    book.count(SLUG, "phuong-a", TODAY, "opened")
    book.write()
    third = fieldwork_of(stores, watch, record, TODAY)
    assert (third.total.opened, third.total.target) == (1, 16)
    book.count(SLUG, "phuong-a", TODAY, "received")
    book.write()
    assert fieldwork_of(stores, watch, record, TODAY).days["phuong-a"][TODAY] == DayCounts(1, 1)
    assert fieldwork_of(stores, watch, record, TODAY + dt.timedelta(days=1)).calendar != third.calendar


def test_what_moves_is_made_beside_its_readers_and_what_was_set_is_seen_at_once(collection: Collection) -> None:
    moment = [1000.0]
    watch = FieldworkWatch(collection.stores, collection.secrets, clock=lambda: moment[0])

    def made(moving: int, steady: str) -> str:
        return watch.once("page", (moving, steady), lambda: f"{moving} {steady}", steady=steady)

    assert made(1, "target 8") == "1 target 8"
    before = set(threading.enumerate())
    assert made(2, "target 8") == "1 target 8", "the last one is shown while the next is made"
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert made(2, "target 8") == "2 target 8"
    assert made(3, "target 9") == "3 target 9", "a new target is seen by whoever has set it"
    moment[0] += 60
    assert made(4, "target 9") == "4 target 9", "what was made a minute ago is not shown"
    assert watch.once("page", (5, ""), lambda: "5") == "5"


def test_days_are_written_down_together_and_add_up(collection: Collection) -> None:
    first, second = DayBook(collection.stores), DayBook(collection.stores)
    for book in (first, second):
        for what in ("opened", "opened", "received"):
            book.count(SLUG, "phuong-a", TODAY, what)
    first.count(SLUG, "xa-b", TODAY + dt.timedelta(days=1), "received")
    assert days_of(collection.stores, SLUG) == {}, "nothing is written when somebody comes"
    first.write()
    second.write()
    first.write()
    assert days_of(collection.stores, SLUG) == {
        "phuong-a": {TODAY: DayCounts(4, 2)},
        "xa-b": {TODAY + dt.timedelta(days=1): DayCounts(0, 1)},
    }


def test_what_is_kept_of_a_day_has_no_time(stores: Stores) -> None:
    kinds = {column["name"]: str(column["type"]) for column in inspect(stores.office).get_columns("fieldwork_day")}
    assert not [name for name, kind in kinds.items() if "TIME" in kind.upper()], kinds


def test_a_fieldwork_has_a_line_for_every_unit_and_its_target(collection: Collection) -> None:
    stores, record = collection.stores, collection.record
    codes = collection.codes("phuong-a", 10)
    collection.send("phuong-a", codes[0].typed)
    set_targets(stores, record, {"": 8}, actor="lan")
    set_targets(stores, record, {"xa-b": 3}, actor="lan")
    watch = FieldworkWatch(stores, collection.secrets)
    found = fieldwork_of(stores, watch, record, TODAY)
    assert [(one.unit, one.issued, one.spent, one.target) for one in found.units] == [
        ("phuong-a", 10, 1, 8),
        ("xa-b", 0, 0, 3),
    ]
    assert (found.total.issued, found.total.spent, found.total.target) == (10, 1, 11)
    set_targets(stores, record, {"xa-b": None}, actor="lan")
    assert targets_of(stores, SLUG) == {"": 8}
    with reading(stores.office) as session:
        actions = [event.action for event in list_events(session)]
    assert actions.count("fieldwork.targets_set") == 3
    with pytest.raises(BadInput, match="expected a unit of the round"):
        set_targets(stores, record, {"xa-c": 5}, actor="lan")
    with pytest.raises(BadInput, match="expected a whole number from 1"):
        set_targets(stores, record, {UNITS[0]: 0}, actor="lan")


def test_planned_sizes_take_the_place_of_the_units_own_targets_alone(collection: Collection) -> None:
    stores, record = collection.stores, find_round(collection.stores, SLUG)
    set_targets(stores, record, {EVERY_UNIT: 50, "phuong-a": 60}, actor="lan")
    plan_targets(stores, record, {"xa-b": 70}, actor="lan")
    assert targets_of(stores, SLUG) == {EVERY_UNIT: 50, "xa-b": 70}
    with pytest.raises(BadInput, match="xa-la"):
        plan_targets(stores, record, {"xa-la": 70}, actor="lan")
    assert targets_of(stores, SLUG) == {EVERY_UNIT: 50, "xa-b": 70}
