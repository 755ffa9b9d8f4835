"""Drafts of questionnaires on both engines: kept at each step, by several writers at once, published once."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from questionnaires.draft_trees import Tree
from questionnaires.library import bundled_source
from survey.errors import NotFound, WrongState
from survey.questionnaire_drafts import (
    MOST_REVISIONS,
    DraftRecord,
    Writer,
    change_draft,
    discard_draft,
    find_draft,
    list_drafts,
    list_revisions,
    publish_draft,
    restore_revision,
    start_from_version,
)
from survey.questionnaire_library import find_questionnaire, publish_questionnaire
from survey.storage.stores import Stores

LAN, HA = Writer("lan", "Nguyễn Thị Lan"), Writer("ha", "Trần Thu Hà")
BEGAN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)


@pytest.fixture
def number(stores: Stores) -> int:
    publish_questionnaire(stores, bundled_source("sipas/2017.1"), "sipas/2017.1.yaml", TODAY)
    return start_from_version(stores, "sipas/2017.1", LAN, BEGAN)


def says(words: str, place: int = 0) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        tree["sections"][0]["items"][place]["text"]["vi"] = words

    return change


def words_of(draft: DraftRecord, place: int = 0) -> str:
    return str(draft.tree["sections"][0]["items"][place]["text"]["vi"])


def test_a_draft_is_kept_as_typed_and_how_it_stood_can_be_had_back(stores: Stores, number: int) -> None:
    first = words_of(find_draft(stores, number))
    change_draft(stores, number, says("một"), LAN, BEGAN + timedelta(minutes=1))
    change_draft(stores, number, says("hai"), LAN, BEGAN + timedelta(minutes=2))
    change_draft(stores, number, says("ba"), HA, BEGAN + timedelta(minutes=3))
    found = find_draft(stores, number)
    assert (words_of(found), found.revision, found.saved_by) == ("ba", 4, HA.name)
    kept = list_revisions(stores, number)
    assert (kept[0].revision, kept[0].saved_by) == (3, LAN.name), "as it stood before somebody else went on"
    restored = restore_revision(stores, number, kept[0].revision, LAN, BEGAN + timedelta(minutes=4))
    assert words_of(restored) == "hai"
    assert list_revisions(stores, number)[0].saved_by == HA.name
    assert first != "hai"


def test_no_more_revisions_are_kept_than_anybody_looks_through(stores: Stores, number: int) -> None:
    for step in range(MOST_REVISIONS + 5):
        writer = (LAN, HA)[step % 2]
        change_draft(stores, number, says(f"lần {step}"), writer, BEGAN + timedelta(minutes=step))
    assert len(list_revisions(stores, number)) == MOST_REVISIONS


def test_changes_of_many_at_once_are_made_one_after_another_and_none_is_lost(stores: Stores, number: int) -> None:
    n_writers, failures = 8, []
    begin = threading.Barrier(n_writers)

    def write(place: int) -> None:
        begin.wait()
        try:
            change_draft(stores, number, says(f"của {place}", place % 2), Writer(f"w{place}", f"W{place}"), BEGAN)
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(n_writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = find_draft(stores, number)
    assert found.revision == 1 + n_writers
    assert {words_of(found, place)[:4] for place in range(2)} == {"của "}


def test_a_draft_is_published_as_it_was_read_and_then_it_is_gone(stores: Stores, number: int) -> None:
    change_draft(stores, number, says("Bản mới"), LAN, BEGAN)
    change_draft(stores, number, says("Bản mới nhất"), HA, BEGAN)
    with pytest.raises(WrongState, match=HA.name):
        publish_draft(stores, number, 2, LAN, TODAY)
    published = publish_draft(stores, number, 3, LAN, TODAY)
    assert find_questionnaire(stores, published.reference).items[0].text.vi == "Bản mới nhất"
    assert list_drafts(stores) == ()
    with pytest.raises(NotFound):
        change_draft(stores, number, says("muộn"), HA, BEGAN)


def test_a_draft_that_is_discarded_leaves_no_revision(stores: Stores, number: int) -> None:
    change_draft(stores, number, says("x"), HA, BEGAN)
    discard_draft(stores, number, LAN)
    with pytest.raises(NotFound):
        list_revisions(stores, number)
