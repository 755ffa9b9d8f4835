"""Comments: opened by the office's key, decided one by one, and released in groups of ten people (issue 6, S8)."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.office import LOGIN, PASSWORD
from support.rounds import SLUG, TODAY, Collection, open_collection
from survey.comment_themes import OWN_LIST, themes_of
from survey.comments import Comment, Decision, has_comments, open_comments_of, review_comments, voices_of
from survey.edition_context import context_of_round
from survey.errors import BadInput, HailongError, WrongState
from survey.officers import OfficerRecord, create_officer
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.releases import CommentReview
from survey.storage.sessions import reading
from survey.storage.stores import Stores


@pytest.fixture
def sealed(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    """A round with twelve comments on one unit and ten on another."""
    collection = open_collection(settings, stores, tmp_path)
    for unit, count in (("phuong-a", 12), ("xa-b", 10)):
        for number, code in enumerate(collection.codes(unit, count)):
            say = f"Chị Lan {unit} \u202e{number:02} 👍"
            assert collection.send(unit, code.qr, say=say) == "received"
    close_round(stores, SLUG)
    seal_round(stores, collection.secrets, collection.vault, settings, SLUG)
    return collection


@pytest.fixture
def officer(stores: Stores) -> OfficerRecord:
    return create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")


def opened(sealed: Collection, officer: OfficerRecord) -> tuple[Comment, ...]:
    return open_comments_of(sealed.stores, sealed.vault, sealed.settings, sealed.record, officer=officer, today=TODAY)


def decide(sealed: Collection, officer: OfficerRecord, *decisions: Decision) -> int:
    comments = {comment.place: comment for comment in opened(sealed, officer)}
    themes = themes_of(sealed.settings)
    return review_comments(sealed.stores, sealed.record, comments, decisions, themes, officer=officer, today=TODAY)


def texts_in(stores: Stores) -> list[str]:
    with reading(stores.office) as session:
        return sorted(row.text for row in session.query(CommentReview))


def test_comments_are_opened_decided_and_released_in_groups(sealed: Collection, officer: OfficerRecord) -> None:
    themes = themes_of(sealed.settings)
    comments = opened(sealed, officer)
    assert len(comments) == 22
    assert {comment.state for comment in comments} == {"waiting"}
    assert all(comment.original.startswith("Chị Lan") and "\u202e" not in comment.original for comment in comments)
    ours = [comment for comment in comments if comment.unit_code == "phuong-a"]

    def released(comment: Comment, theme: str = "staff") -> Decision:
        return Decision(comment.place, "released", theme, comment.original.replace("Lan", "[tên]"))

    # Nine of one theme are no group, and who counts a withheld tenth sees a count and no text.
    assert decide(sealed, officer, *map(released, ours[:9])) == 9
    assert voices_of(sealed.stores, SLUG, themes).themes == ()
    assert decide(sealed, officer, Decision(ours[9].place, "withheld", "staff", "Chị Lan")) == 1
    voices = voices_of(sealed.stores, SLUG, themes)
    assert [(row.unit, row.theme, row.n) for row in voices.themes] == [("phuong-a", "staff", 10)]
    assert voices.comments == ()
    assert decide(sealed, officer, released(ours[10]), released(ours[11], "waiting")) == 2
    voices = voices_of(sealed.stores, SLUG, themes)
    assert [(row.theme, row.n) for row in voices.themes] == [("staff", 11)]
    shown = [row.text for row in voices.comments]
    assert len(shown) == 10
    assert all(text.startswith("Chị [tên] phuong-a") and text.endswith("[biểu tượng]") for text in shown)
    assert shown != sorted(shown), "one chance in millions"
    assert voices_of(sealed.stores, SLUG, themes) == voices
    assert context_of_round(sealed.stores, sealed.settings, sealed.record).voices == voices
    # Nothing of what was withheld or not looked at is in the office store.
    assert texts_in(sealed.stores).count("") == 1
    assert len(texts_in(sealed.stores)) == 12
    assert decide(sealed, officer, released(ours[0])) == 0, "the same decision again is none"
    with reading(sealed.stores.office) as session:
        events = [(event.action, event.actor) for event in list_events(session)]
    assert events.count(("comments.opened", LOGIN)) == 1, "once a day"
    assert events.count(("comment.released", LOGIN)) == 11
    assert events.count(("comment.withheld", LOGIN)) == 1


def test_a_decision_that_says_more_than_the_citizen_is_refused_whole(
    sealed: Collection, officer: OfficerRecord
) -> None:
    good, bad = opened(sealed, officer)[:2]
    for wrong, complaint in (
        (Decision(bad.place, "released", "staff", "Rất hài lòng"), "words that the comment does not have"),
        (Decision(bad.place, "released", "strange", bad.original), "found the theme 'strange'"),
        (Decision(999, "released", "staff", "x"), "found a decision on comment 999"),
        (replace(Decision(bad.place, "withheld", "staff"), state="waiting"), "expected released or withheld"),
    ):
        with pytest.raises(BadInput, match=complaint):
            decide(sealed, officer, Decision(good.place, "released", "staff", good.original), wrong)
    assert texts_in(sealed.stores) == []


def test_comments_that_were_erased_or_changed_are_not_opened(sealed: Collection, officer: OfficerRecord) -> None:
    file = archive_path(sealed.settings, SLUG) / "comments.enc"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(HailongError, match="does not open with this key"):
        opened(sealed, officer)
    file.unlink()
    assert not has_comments(sealed.settings, sealed.record)
    with pytest.raises(WrongState, match="found no comments"):
        opened(sealed, officer)


def test_two_questions_of_one_person_count_once(sealed: Collection, officer: OfficerRecord) -> None:
    # Five people who answered two questions each are no ten.
    rows = [
        CommentReview(
            round_slug=SLUG,
            place=place,
            unit_code="xa-b",
            item=("say", "why")[place % 2],
            theme="staff",
            state="released",
            text=str(place),
            reviewed_by="Lan",
            reviewed_on=TODAY,
        )
        for place in range(18)
    ]
    from survey.storage.sessions import writing

    with writing(sealed.stores.office) as session:
        session.add_all(rows)
    assert voices_of(sealed.stores, SLUG, themes_of(sealed.settings)).themes == ()


def test_an_instance_may_have_its_own_themes(sqlite_settings: Settings) -> None:
    assert themes_of(sqlite_settings)[-1].code == "other"
    own = sqlite_settings.instance / OWN_LIST
    own.write_text("only: {vi: Một, en: One, words: []}\n", encoding="utf-8")
    assert [theme.code for theme in themes_of(sqlite_settings)] == ["only"]
    own.write_text("only: 1\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"comment-themes\.yaml: only"):
        themes_of(sqlite_settings)
