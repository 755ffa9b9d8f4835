"""The unlinkability game (criteria 1 to 4): one round a database here, five seeds and all ten units in `make game`.

A hostile issuer knows every code and who came when, and gets dumps, files, logs, backups. What such an adversary says
about who answered what must be no better than guessing within the unit. The same adversaries win where there is
something to win: on careless recorders, and on the application itself after a careless change.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.game.battery import BACKUP_AND_KEY, EVERYTHING_AND_KEY, Findings, play_round
from support.game.cast import Cast, make_cast
from support.game.leaks import LEAKS, Leak, careless
from support.game.mutants import MUTANTS
from support.game.play import SLUG, Table
from support.game.scoring import WON
from support.game.searching import answer_needles, code_needles, device_needles, sought
from support.game.views import VIEWS, play_adversaries
from support.postgres import Server, shared_server
from support.stores import settings_in
from survey.codes import new_code
from survey.invitations import IssuedCode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A cluster of this module's own: the game reads its log from end to end."""
    with shared_server(tmp_path_factory.mktemp("game-cluster")) as server:
        yield server


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nobody_links_a_person_to_an_answer_and_nothing_is_left_lying_about(engine: str, tmp_path: Path):
    found = play_round(tmp_path / "round", engine, units=6, k=120, days=2, full_journeys=200)
    assert found.n_arrived == 720
    assert found.complaints() == []
    assert set(VIEWS) < set(found.scores)
    if engine == "postgresql":
        # The adversaries do reach the sealed ballots: with the ballot key, which sealing destroys, they would win.
        score = found.scores[EVERYTHING_AND_KEY]["same transaction (xmin)"]
        assert score is not None
        assert score.rate >= WON


def cast_for(leak: Leak, seed: int) -> Cast:
    units, k = (60, 1) if leak.is_one_a_unit else (3, 30)
    return make_cast([f"u{number}" for number in range(units)], k, seed)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_every_adversary_wins_where_its_own_leak_is(engine: str, tmp_path: Path, own_cluster: Server):
    rates = {}
    for seed, (name, leak) in enumerate(LEAKS.items()):
        if engine not in leak.engines:
            continue
        server = own_cluster if engine == "postgresql" else None
        with careless(tmp_path / str(seed), cast_for(leak, seed), server, leak) as recorder:
            evidence = recorder.evidence()
            known, truth = recorder.knowledge(evidence, seed)
            score = play_adversaries(evidence, known, truth)[leak.adversary]
        rates[name] = 0.0 if score is None else score.rate
    assert {name: rate for name, rate in rates.items() if rate < WON} == {}
    assert len(rates) >= 13


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_adversary_wins_against_a_careful_recorder(engine: str, tmp_path: Path, own_cluster: Server):
    cast = make_cast(["u1", "u2", "u3"], 40, 99)
    with careless(tmp_path / "careful", cast, own_cluster if engine == "postgresql" else None, None) as recorder:
        evidence = recorder.evidence()
        known, truth = recorder.knowledge(evidence, 99)
        scores = play_adversaries(evidence, known, truth)
    assert {name: score.rate for name, score in scores.items() if score is not None and score.rate > 0.2} == {}


def right(found: Findings, view: str, adversary: str) -> float:
    score = found.scores[view][adversary]
    return 0.0 if score is None else score.rate


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_careless_change_of_the_application_turns_the_game_red(mutant: str, tmp_path: Path):
    found = play_round(tmp_path / "round", "sqlite", units=2, k=30, days=0, full_journeys=0, mutant=mutant)
    assert found.complaints() != []
    if mutant == "created_at":
        assert right(found, BACKUP_AND_KEY, "timestamps") >= WON
        assert "intake: ballot.created_at is a column that nobody judged" in found.schema
    elif mutant == "serial key":
        assert right(found, BACKUP_AND_KEY, "order of keys") >= WON
        assert "intake: ballot.serial is a column that nobody judged" in found.schema
    elif mutant == "log line with the code":
        assert len({hit.label for hit in found.traces}) >= found.n_arrived
    elif mutant == "draft table":
        assert right(found, "V1", "joined rows (drafts, sessions)") >= WON
        assert any(hit.label.startswith("answer of") for hit in found.canaries)
    else:
        assert mutant == "no shuffle"
        assert right(found, "V2", "replay of the write-ahead log") >= WON


def test_canaries_are_found_in_whatever_they_are_written(tmp_path: Path):
    import zipfile

    cast = make_cast(["u1"], 20, 3)
    table = Table(tmp_path, settings_in(tmp_path / "var"), cast, None)
    for person in cast.respondents:
        code = new_code()
        table.codes[person.number] = IssuedCode(SLUG, "u1", code.typed, code.qr, "slip")
    people = cast.respondents
    needles = answer_needles(people) | code_needles(table, people) | device_needles(people)
    places = [tmp_path / name for name in ("text", "bytes.db", "backups")]
    places[2].mkdir()
    places[0].write_text("".join(f"{person.answers.as_json()} {person.address}\n" for person in people))
    places[1].write_bytes(b"\0\xff".join(table.codes[person.number].qr.encode() for person in people))
    with zipfile.ZipFile(places[2] / "backup.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("typed", " ".join(table.codes[person.number].typed for person in people))
    hits = {(hit.label.rpartition(" ")[0], hit.file.name) for hit in sought(needles, places, tmp_path / "scratch")}
    assert hits == {("answer of", "text"), ("device of", "text"), ("code of", "bytes.db"), ("code of", "0")}
    assert {hit.label for hit in sought(needles, places, tmp_path / "scratch")} == set(needles.values())
