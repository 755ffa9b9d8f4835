"""Sealing: all or nothing, nobody in a small cell, and no key left when it is done."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import insert, select

from analysis.archive import read_archive
from questionnaires.answers import CheckedAnswers, check_answers
from support.rounds import SLUG, Collection, open_collection
from support.sealing import answer_all, ballot_row, put_ballot, refused, seal
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.envelopes import open_comments, seal_ballot
from survey.errors import WrongState
from survey.rounds import close_round
from survey.sealing import KEY_DESTROYED, archive_path, seal_round
from survey.settings import Settings
from survey.storage.audit import broken_links, list_events
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def test_a_round_is_sealed_whole_and_its_ballot_key_destroyed(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 12)
    answer_all(collection, "xa-b", 11)
    collection.codes("xa-b", 5)
    close_round(collection.stores, SLUG)
    sealed = seal(collection)
    archive = read_archive(archive_path(collection.settings, SLUG))
    counts = archive.contents.counts
    assert (counts.issued, counts.spent, counts.spooled, counts.sealed, counts.rejected) == (28, 23, 23, 23, {})
    responses = archive.contents.responses
    assert Counter(responses["unit"].to_pylist()) == {"phuong-a": 12, "xa-b": 11}
    assert Counter(responses["q1"].to_pylist()) == {"s5": 12, "s1": 11}
    assert Counter(responses["why_slow"].to_pylist()) == {None: 12, True: 11}
    assert set(responses["visits"].to_pylist()) == {2.0}
    assert "say" not in responses.column_names
    record = collection.record
    assert (record.state, record.archive_hash, record.n_sealed, record.n_rejected) == (
        "sealed",
        sealed.manifest_sha256,
        23,
        0,
    )
    assert archive.manifest_sha256 == sealed.manifest_sha256
    assert archive.contents.facts.collected == "here"
    assert {unit.code: unit.population for unit in archive.contents.units} == {"phuong-a": 1000, "xa-b": 2000}
    assert collection.vault.is_destroyed(SLUG)
    with pytest.raises(WrongState, match="destroyed"):
        collection.vault.unwrap(SLUG)
    with reading(collection.stores.office) as session:
        events = [event.action for event in list_events(session)]
        assert broken_links(session) == ()
    assert events[:2] == ["round.sealed", KEY_DESTROYED]


def test_the_free_texts_lie_apart_with_the_unit_alone_and_can_be_erased(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    answer_all(collection, "xa-b", 10, channel="post")
    close_round(collection.stores, SLUG)
    path = seal(collection).path
    sealed_comments = (path / "comments.enc").read_bytes()
    assert "lời".encode() not in sealed_comments
    private_key = collection.vault.unwrap(f"{SLUG}.comments")
    lines = open_comments(private_key, SLUG, sealed_comments).decode().splitlines()
    comments = [json.loads(line) for line in lines]
    assert all(set(comment) == {"unit", "item", "text"} for comment in comments)
    assert sorted(comment["text"] for comment in comments) == sorted(
        f"lời {unit} {number}" for unit in ("phuong-a", "xa-b") for number in range(10)
    )
    assert all(comment["unit"] in comment["text"] for comment in comments)
    (path / "comments.enc").unlink()
    assert read_archive(path).comments == "erased"
    for file in path.iterdir():
        assert "lời".encode() not in file.read_bytes()


def test_rows_and_comments_are_in_no_order_of_arrival(collection: Collection) -> None:
    for number, code in enumerate(collection.codes("phuong-a", 20)):
        assert collection.send("phuong-a", code.qr, visits=str(number + 1), say=f"{number:02}") == "received"
    close_round(collection.stores, SLUG)
    path = seal(collection).path
    arrived = [float(number) for number in range(1, 21)]
    found = read_archive(path).contents.responses["visits"].to_pylist()
    comments = open_comments(
        collection.vault.unwrap(f"{SLUG}.comments"), SLUG, (path / "comments.enc").read_bytes()
    ).decode()
    texts = [int(json.loads(line)["text"]) + 1.0 for line in comments.splitlines()]
    # One chance in 10¹⁸ each: a shuffle that did nothing would fail these.
    assert sorted(found) == sorted(texts) == arrived
    assert found not in (arrived, arrived[::-1], texts)
    assert texts not in (arrived, arrived[::-1])
    with reading(collection.stores.intake) as session:
        spool = session.scalars(select(Ballot.id).order_by(Ballot.id)).all()
    assert len(spool) == 20


def test_every_cell_that_is_left_holds_at_least_ten(collection: Collection) -> None:
    for labels, count in [
        ({"stratum": "t1", "psu": "p1", "channel": "slip"}, 6),
        ({"stratum": "t1", "psu": "p1", "channel": "post"}, 5),
        ({"stratum": "t1", "psu": "p2", "channel": "slip"}, 3),
        ({"stratum": "t2", "psu": "p1", "channel": "slip"}, 12),
    ]:
        answer_all(collection, "phuong-a", count, **labels)
    answer_all(collection, "xa-b", 9)
    close_round(collection.stores, SLUG)
    archive = read_archive(seal(collection).path)
    responses = archive.contents.responses
    cells = Counter(zip(*(responses[name].to_pylist() for name in ("unit", "stratum", "psu", "channel")), strict=True))
    assert min(cells.values()) >= 10
    assert archive.contents.counts.rejected == {"cell_too_small": 9}
    assert archive.contents.counts.sealed == responses.num_rows == 26
    comments = open_comments(
        collection.vault.unwrap(f"{SLUG}.comments"), SLUG, archive.contents.comments or b""
    ).decode()
    assert "xa-b" not in comments
    assert archive.contents.comment_count == 26


def test_a_plan_that_asks_for_less_than_ten_gets_ten(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    plan = b'plan: 1\nversion: "1"\ncoarsening:\n  k: 1\n  steps: [channel]\n'
    collection = open_collection(settings, stores, tmp_path, plan=plan)
    answer_all(collection, "phuong-a", 9)
    close_round(stores, SLUG)
    archive = read_archive(seal(collection).path)
    assert archive.contents.coarsening["k"] == 10
    assert archive.contents.counts.rejected == {"cell_too_small": 9}


def test_a_round_nobody_answered_is_sealed_empty(collection: Collection) -> None:
    collection.codes("xa-b", 2)
    close_round(collection.stores, SLUG)
    archive = read_archive(seal(collection).path)
    assert archive.contents.responses.num_rows == 0
    assert archive.comments == "none"
    assert archive.contents.counts.issued == 2
    assert collection.vault.is_destroyed(SLUG)


def test_ballots_that_are_not_in_order_are_rejected_with_their_reason(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    record, questionnaire = collection.record, collection.questionnaire
    public_key = record.ballot_public_key
    assert public_key is not None

    def envelope(plaintext: bytes, slug: str = SLUG) -> bytes:
        return seal_ballot(public_key, slug, record.questionnaire_hash, plaintext, padded_size_of(questionnaire))

    here = Origin("phuong-a")
    put_ballot(collection, b"garbage")
    put_ballot(collection, envelope(write_ballot("other", here, {"q1": "s5"}), slug="other"))
    put_ballot(collection, envelope(write_ballot("other", here, {"q1": "s5"})))
    put_ballot(collection, envelope(write_ballot(SLUG, Origin("xa-c"), {"q1": "s5"})))
    put_ballot(collection, envelope(write_ballot(SLUG, here, {"q1": "s9"})))
    put_ballot(collection, envelope(write_ballot(SLUG, here, {"q2": "s5"})))
    put_ballot(collection, envelope(b"{}"))
    put_ballot(collection, envelope(b"[" * 3000))
    put_ballot(collection, envelope(b'{"v":1,"round":"thu-2026","unit":["x"],"answers":{}}'))
    odd = b'{"v":1,"round":"thu-2026","unit":"phuong-a","stratum":"","psu":"","channel":"%s","answers":%s}'
    put_ballot(collection, envelope(odd % (b"\\ud800", b'{"q1":"s5"}')))
    put_ballot(collection, envelope(odd % (b"", b'{"q1":null}')))
    put_ballot(collection, envelope(odd % (b"", b'{"q1":"s5","visits":1e999}')))
    put_ballot(collection, envelope(odd % (b"", b"7")))
    # An answer to an item that was never asked is dropped, as it would be in a form.
    put_ballot(collection, envelope(odd % (b"slip", b'{"q1":"s5","why":["slow"],"unheard":"of"}')))
    close_round(collection.stores, SLUG)
    counts = read_archive(seal(collection).path).contents.counts
    assert counts.rejected == {"invalid_answers": 9, "undecryptable": 2, "wrong_round": 2}
    assert counts.sealed == 11
    assert counts.spent == counts.spooled == counts.sealed + sum(counts.rejected.values()) == 24


def test_a_round_of_which_no_ballot_opens_is_not_sealed_and_keeps_its_key(collection: Collection) -> None:
    put_ballot(collection, b"garbage")
    put_ballot(collection, b"garbage")
    close_round(collection.stores, SLUG)
    refused(collection, "none of its 2 ballots opens")


def test_a_ballot_of_ours_without_a_mark_of_use_stops_the_sealing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    with writing(collection.stores.intake) as session:
        session.execute(insert(Ballot).values(**ballot_row(collection, bytes(16), b"x")))
    close_round(collection.stores, SLUG)
    refused(
        collection, "10 used invitations and 11 ballots, .* 0 used invitations have no ballot and 1 ballots no used"
    )


def test_a_mark_of_use_without_an_invitation_counts_for_nothing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    with writing(collection.stores.intake) as session:
        session.execute(insert(SpentInvitation).values(round_slug=SLUG, nullifier=bytes(32), nonce_tag=bytes(32)))
    close_round(collection.stores, SLUG)
    counts = seal(collection).counts
    assert (counts.spent, counts.spooled, counts.sealed, counts.forged) == (10, 10, 10, {"forged_mark": 1})


def test_an_archive_follows_the_one_before_it(collection: Collection) -> None:
    from datetime import date

    from support.rounds import DESIGN, TODAY
    from survey.rounds import RoundRequest, SourceFile, create_round, open_round

    close_round(collection.stores, SLUG)
    first = seal(collection)
    design = SourceFile(DESIGN, "design.yaml")
    request = RoundRequest("sau", "tiny/1", "code=xa-b", date(2026, 11, 1), date(2027, 1, 31), design=design)
    create_round(collection.stores, request, TODAY)
    open_round(collection.stores, collection.vault, "sau", TODAY)
    close_round(collection.stores, "sau")
    second = seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, "sau")
    assert first.manifest["previous_manifest"] is None
    assert second.manifest["previous_manifest"] == first.manifest_sha256


def test_answers_are_sealed_as_they_were_checked(collection: Collection) -> None:
    form = {"q1": ["na"], "visits": ["20"], "say": ["  Đã\u202e   xong\r\n "]}
    checked = check_answers(collection.questionnaire, form)
    assert isinstance(checked, CheckedAnswers)
    for code in collection.codes("xa-b", 10):
        assert collection.send("xa-b", code.typed, q1="na", visits="20", say=form["say"][0]) == "received"
    close_round(collection.stores, SLUG)
    responses = read_archive(seal(collection).path).contents.responses
    assert responses.slice(0, 1).to_pylist() == [
        {"unit": "xa-b", "stratum": "", "psu": "", "channel": "slip", "q1": "na", "q2": None}
        | {"why_slow": None, "why_rude": None, "visits": 20.0}
    ]
    assert isinstance(responses, pa.Table)
