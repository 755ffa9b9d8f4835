"""Rounds whose ballots rate several units: one row a rating, nothing that leads back to a PSU, a ballot or a code."""

import json
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from analysis.accounting import AccountingRow
from analysis.archive import read_archive
from analysis.release.round_design import parse_design
from support.several_units import DESIGN, PSUS, SLUG, TODAY, UNITS, Firms
from survey.accounting import round_accounting
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.codes import read_code
from survey.envelopes import open_comments, seal_ballot
from survey.errors import BadInput, HailongError
from survey.intake import round_open_on
from survey.invitations import find_invitation
from survey.rounds import close_round
from survey.sealing import SealedRound, archive_path, seal_round
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

HERE = Origin("", "lớn", PSUS[0], "slip")


@pytest.fixture
def firms(settings: Settings, stores: Stores, tmp_path: Path) -> Firms:
    return Firms(settings, stores, tmp_path)


def answer_all(firms: Firms, *, say: bool = True) -> list[str]:
    """Thirty-six firms answer, twelve of each PSU; each rates one unit, two or three. Returns the codes."""
    used = []
    for psu, stratum in zip(PSUS, ("lớn", "lớn", "nhỏ"), strict=True):
        for number, code in enumerate(firms.codes(15, psu, stratum)[:12]):
            ratings = dict.fromkeys(UNITS[: 1 + number % 3], "5" if number % 2 else "1")
            common = {"say": f"lời {psu[:3]} {number}"} if say else {}
            assert firms.send(code, ratings, years=str(number), knows="3", **common) == "received"
            used += [code.qr, code.typed]
    return used


def seal(firms: Firms) -> SealedRound:
    return seal_round(firms.stores, firms.secrets, firms.vault, firms.settings, SLUG)


def put_ballot(firms: Firms, plaintext: bytes) -> None:
    """A ballot in the place of one firm's, as somebody who may write to the store and knows the key could put it."""
    (code,) = firms.codes(1)
    found = find_invitation(firms.stores, firms.secrets, SLUG, code.qr)
    assert found is not None
    record = firms.record
    assert record.ballot_public_key is not None
    envelope = seal_ballot(
        record.ballot_public_key, SLUG, record.questionnaire_hash, plaintext, padded_size_of(firms.questionnaire)
    )
    nullifier = firms.secrets.nullifier(SLUG, found.id)
    with writing(firms.stores.intake) as session:
        session.execute(insert(SpentInvitation).values(round_slug=SLUG, nullifier=nullifier, nonce_tag=bytes(32)))
        tag = firms.secrets.ballot_tag(SLUG, found.id, envelope)
        session.execute(insert(Ballot).values(id=found.id, round_slug=SLUG, envelope=envelope, tag=tag))


def test_each_rating_is_a_row_of_its_ballot(firms: Firms) -> None:
    answer_all(firms)
    close_round(firms.stores, SLUG)
    sealed = seal(firms)
    archive = read_archive(sealed.path)
    rows = archive.contents.responses.to_pylist()
    assert len(rows) == 3 * 4 * (1 + 2 + 3)
    assert (sealed.counts.issued, sealed.counts.spent, sealed.counts.sealed) == (45, 36, 36)
    ballots = Counter(row["ballot"] for row in rows)
    assert Counter(ballots.values()) == {1: 12, 2: 12, 3: 12}
    assert all(len(ballot) == 32 and int(ballot, 16) >= 0 for ballot in ballots)
    assert Counter(row["unit"] for row in rows) == {"so-a": 36, "so-b": 24, "so-c": 12}
    # What was asked once is the same in all rows of a ballot; numbers are kept in their bands.
    for name in ("stratum", "psu", "channel", "has_land", "years", "knows"):
        assert len({(row["ballot"], row[name]) for row in rows}) == 36
    assert {row["years"] for row in rows} == {0.0, 5.0, 10.0}
    assert [module.reference for module in archive.questionnaire.modules] == ["name/1"]
    assert sorted(path.name for path in sealed.path.glob("module-*")) == ["module-name.yaml"]
    assert archive.manifest["bands"] == {"years": [0, 5, 10]}
    assert {unit.bloc_name_en for unit in archive.contents.units} == {"Departments", "Communes"}


def test_the_design_is_sealed_with_what_was_issued_and_returned_under_new_labels(firms: Firms) -> None:
    answer_all(firms)
    close_round(firms.stores, SLUG)
    contents = read_archive(seal(firms).path).contents
    design = parse_design(contents.design_source, "design.yaml")
    counted = {(cell.stratum, cell.population, round(cell.probability, 6)) for cell in design.cells}
    assert counted == {("lớn", 40, 0.5), ("lớn", 60, 0.25), ("nhỏ", 30, 1)}
    assert {(cell.issued, cell.returned) for cell in design.cells} == {(15, 12)}
    assert {cell.psu for cell in design.cells if cell.stratum == "lớn"} == {"p1", "p2"}
    rows = contents.responses.to_pylist()
    assert {(row["stratum"], row["psu"]) for row in rows} == {(cell.stratum, cell.psu) for cell in design.cells}
    assert contents.coarsening["psus"] == "redrawn"


def test_no_psu_no_code_and_no_number_of_the_stores_is_in_the_archive(firms: Firms) -> None:
    codes = answer_all(firms)
    with reading(firms.stores.frame) as session:
        invitations = session.execute(select(Invitation.id, Invitation.qr_tag, Invitation.typed_tag)).all()
    with reading(firms.stores.intake) as session:
        marks = session.execute(select(SpentInvitation.nullifier, SpentInvitation.nonce_tag)).all()
        ballots = session.execute(select(Ballot.id, Ballot.envelope)).all()
    close_round(firms.stores, SLUG)
    path = seal(firms).path
    archived = {file.name: file.read_bytes() for file in path.iterdir()}
    # Parquet is compressed, so its cells are looked at as texts too.
    archived["cells"] = json.dumps(read_archive(path).contents.responses.to_pylist(), ensure_ascii=False).encode()
    secrets = [psu.encode() for psu in (*PSUS, "Zkqx", json.dumps(PSUS[0])[1:-1])]
    secrets += [code.encode() for code in codes]
    for value in (value for row in (*invitations, *marks, *ballots) for value in row):
        secrets += [value, value.hex().encode()]
    for name, content in archived.items():
        assert [secret for secret in secrets if secret in content] == [], name


def test_comments_on_a_unit_name_it_and_others_name_none(firms: Firms) -> None:
    answer_all(firms)
    close_round(firms.stores, SLUG)
    path = seal(firms).path
    private_key = firms.vault.unwrap(f"{SLUG}.comments")
    lines = open_comments(private_key, SLUG, (path / "comments.enc").read_bytes()).decode().splitlines()
    comments = [json.loads(line) for line in lines]
    assert Counter((comment["item"], comment["unit"]) for comment in comments) == {
        ("say", ""): 36, ("why", "so-a"): 36, ("why", "so-b"): 24, ("why", "so-c"): 12,
    }  # fmt: skip
    assert all(comment["text"].startswith(f"vì {comment['unit']} ") for comment in comments if comment["unit"])


def test_cells_count_ballots_and_not_their_ratings(firms: Firms) -> None:
    # Six firms with three ratings each are eighteen rows and six people.
    for code in firms.codes(6, PSUS[2], "nhỏ"):
        assert firms.send(code, dict.fromkeys(UNITS[:3], "5"), say="không được thấy") == "received"
    for code in firms.codes(12):
        assert firms.send(code, {"so-a": "5"}, say="được thấy") == "received"
    close_round(firms.stores, SLUG)
    sealed = seal(firms)
    contents = read_archive(sealed.path).contents
    assert (contents.counts.sealed, contents.counts.rejected, contents.comment_count) == (18, {}, 48)
    found = {(row["ballot"], row["stratum"], row["psu"], row["channel"]) for row in contents.responses.to_pylist()}
    assert Counter(cell[1:] for cell in found) == {("lớn+nhỏ", "p1", "slip"): 18}


def forged(ratings: object, answers: object = None, **changes: object) -> bytes:
    ballot = {
        "v": 2, "round": SLUG, "stratum": "lớn", "psu": PSUS[0], "channel": "slip",
        "answers": {"has_land": "no"} if answers is None else answers, "ratings": ratings,
    }  # fmt: skip
    return json.dumps(ballot | changes).encode()


GOOD = {"clear": "5"}
FORGERIES = {
    "more units than may be rated": (forged([[unit, GOOD] for unit in UNITS]), "invalid_ratings"),
    "six units": (forged([[f"so-{n}", GOOD] for n in range(6)]), "invalid_ratings"),
    "a unit twice": (forged([["so-a", GOOD], ["so-a", GOOD]]), "invalid_ratings"),
    "no unit": (forged([]), "invalid_ratings"),
    "ratings that are no list": (forged({"so-a": GOOD}), "invalid_ratings"),
    "a rating that is no pair": (forged([["so-a", GOOD, GOOD]]), "invalid_ratings"),
    "a unit that is no text": (forged([[["so-a"], GOOD]]), "invalid_ratings"),
    "a rating that is a text": (forged([["so-a", "5"]]), "invalid_ratings"),
    "a unit outside the round": (forged([["xa-e", GOOD]]), "wrong_round"),
    "an answer on a unit in the common part": (
        forged([["so-a", GOOD]], {"has_land": "no", "clear": "1"}),
        "invalid_ratings",
    ),
    "an answer on another unit in the common part": (
        forged([["so-a", GOOD]], {"has_land": "no", "so-b.clear": "1"}),
        "invalid_ratings",
    ),
    "a common answer in a rating": (forged([["so-a", {**GOOD, "has_land": "yes"}]]), "invalid_ratings"),
    "an answer that is no option": (forged([["so-a", {"clear": "9"}]]), "invalid_answers"),
    "a rating without what is required": (forged([["so-a", {}]]), "invalid_answers"),
    "a ballot of the first version": (write_ballot(SLUG, Origin("so-a"), {"has_land": "no"}), "invalid_answers"),
    "another round's ballot": (forged([["so-a", GOOD]], round="other"), "wrong_round"),
    "a cell that nobody was invited from": (forged([["so-a", GOOD]], psu="Khu Khác"), "unknown_cell"),
    "a channel that nobody was invited through": (forged([["so-a", GOOD]], channel="web"), "unknown_cell"),
}


def test_forged_ballots_are_rejected_with_their_reason(firms: Firms) -> None:
    answer_all(firms, say=False)
    for plaintext, _ in FORGERIES.values():
        put_ballot(firms, plaintext)
    close_round(firms.stores, SLUG)
    counts = read_archive(seal(firms).path).contents.counts
    assert counts.rejected == Counter(reason for _, reason in FORGERIES.values())
    assert counts.sealed == 36


@pytest.mark.parametrize("name", FORGERIES)
def test_each_forgery_is_rejected_for_itself(name: str) -> None:
    from questionnaires.modules import attach
    from questionnaires.reading import parse_questionnaire
    from support.several_units import HOST, MODULE
    from survey.ballots import OpenedBallot, read_ballot

    questionnaire = attach(parse_questionnaire(HOST.encode(), "host"), [parse_questionnaire(MODULE.encode(), "module")])
    plaintext, reason = FORGERIES[name]
    found = read_ballot(plaintext, SLUG, UNITS, questionnaire)
    if reason == "unknown_cell":
        # Only sealing knows from where people were invited.
        assert isinstance(found, OpenedBallot)
    else:
        assert found == reason


def test_more_ballots_of_a_cell_than_were_invited_there_stop_the_sealing(firms: Firms) -> None:
    answer_all(firms, say=False)
    firms.codes(1, channel="web")
    put_ballot(firms, forged([["so-a", GOOD]], psu=PSUS[1]))
    close_round(firms.stores, SLUG)
    with pytest.raises(
        HailongError, match=f"found 13 ballots and 12 used invitations of stratum “lớn”, psu “{PSUS[1]}”"
    ):
        seal(firms)
    assert not archive_path(firms.settings, SLUG).exists()
    assert firms.vault.unwrap(SLUG) is not None


def test_intake_refuses_ratings_that_no_page_lets_through(firms: Firms) -> None:
    (code,) = firms.codes(1)
    from dataclasses import replace

    from survey.intake import new_nonce, receive_ballot

    open_today = round_open_on(firms.record, firms.questionnaire, TODAY)
    good = firms.answers({"so-a": "5"})
    for unit, ratings in (
        ("", {}),
        ("", dict.fromkeys(UNITS, GOOD)),
        ("", {"xa-e": GOOD}),
        ("so-a", {"so-a": GOOD}),
    ):
        answers = replace(good, ratings=ratings)
        with pytest.raises(BadInput, match="expected 1 to 3 units of the round"):
            receive_ballot(firms.stores, firms.secrets, open_today, unit, code.qr, new_nonce(), answers)
    assert firms.send(code, {"so-a": "5"}) == "received"


def test_every_envelope_has_one_size_however_many_units_are_rated(firms: Firms) -> None:
    codes = firms.codes(3)
    firms.send(codes[0], {"so-a": "1"})
    firms.send(codes[1], dict.fromkeys(UNITS[:3], "5"), has_land="yes", say="ý" * 40)
    with reading(firms.stores.intake) as session:
        sizes = {len(envelope) for envelope in session.scalars(select(Ballot.envelope))}
    assert len(sizes) == 1


def test_the_accounting_adds_up_before_and_after_sealing(firms: Firms) -> None:
    answer_all(firms)
    put_ballot(firms, forged([]))
    firms.codes(4, channel="web")

    def rows() -> tuple[AccountingRow, ...]:
        return round_accounting(firms.stores, firms.secrets, firms.settings, SLUG)

    assert rows() == (
        AccountingRow("", "slip", None, 46, 37, None, None),
        AccountingRow("", "web", None, 4, 0, None, None),
        AccountingRow("", "all", 130, 50, 37, None, None),
        AccountingRow("all", "all", 130, 50, 37, None, None),
    )
    close_round(firms.stores, SLUG)
    sealed = seal(firms)
    assert rows() == (
        AccountingRow("", "slip", None, 46, 37, 36, 1),
        AccountingRow("", "web", None, 4, 0, 0, 0),
        AccountingRow("", "all", 130, 50, 37, 36, 1),
        AccountingRow("all", "all", 130, 50, 37, 36, 1),
    )
    assert read_archive(sealed.path).contents.accounting == rows()
    assert all(not row.complaint for row in rows())


def test_a_round_without_a_design_samples_ballots(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    firms = Firms(settings, stores, tmp_path, design=None)
    for code in firms.codes(12, "", ""):
        assert firms.send(code, {"so-a": "5", "xa-d": "1"}) == "received"
    close_round(stores, SLUG)
    contents = read_archive(seal(firms).path).contents
    assert parse_design(contents.design_source, "design.yaml").clusters == ("ballot",)
    assert contents.responses.num_rows == 24
    assert DESIGN.encode() != contents.design_source == firms.record.design_source


def test_codes_of_such_rounds_lead_to_the_round_and_name_no_unit(firms: Firms) -> None:
    (code,) = firms.codes(1)
    assert code.address("https://x.vn") == f"https://x.vn/r/{SLUG}#{code.qr}"
    assert read_code(code.typed) is not None
    found = find_invitation(firms.stores, firms.secrets, SLUG, code.typed)
    assert found is not None
    assert found.origin == HERE
