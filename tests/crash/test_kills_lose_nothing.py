"""Criteria 5, 8 and 11 in small: kills among submissions, and three sendings of one code at once."""

import pytest

from benchmarks.durability.concurrent import send_each_three_times
from benchmarks.durability.kills import kill_again_and_again
from benchmarks.durability.rounds import EngineName

pytestmark = pytest.mark.slow


def test_kills_of_the_application_and_the_database_lose_and_double_nothing(engine_name: EngineName) -> None:
    killed = kill_again_and_again(engine_name, n_submissions=80, n_kills=2 if engine_name == "sqlite" else 4, seed=5)
    assert all(count == 1 for count in killed.kills.values())
    assert killed.verdict.is_sound, killed.verdict.words()
    # Who gives up at a failure may have been received all the same; everybody else has been told so.
    assert killed.verdict.n_acknowledged > 60
    assert killed.counts["spent"] == killed.counts["sealed"] + killed.counts["rejected"] == killed.verdict.n_stored


def test_three_sendings_of_a_code_at_once_are_one_row_and_no_later_page_shows_an_answer(
    engine_name: EngineName,
) -> None:
    met = send_each_three_times(engine_name, n_codes=20, seed=5)
    assert met.verdict.is_sound, met.verdict.words()
    assert met.verdict.n_stored == met.verdict.n_acknowledged == met.counts["sealed"] == 20
    assert (met.n_received_by_nobody, met.n_shown_later) == (0, 0)
    assert set(met.told) <= {"received", "422", "429", "again: received"}
