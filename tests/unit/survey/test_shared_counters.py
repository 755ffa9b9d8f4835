"""Counters of what happened lately: criteria 29, 30 and 34 rest on them, channel L13 is what they must not become."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.limits import Counters


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_beyond_the_limit_is_refused_until_time_has_passed() -> None:
    clock = Clock()
    counters = Counters.private(clock)
    assert [counters.allow("code", "", 50, 1) for _ in range(52)] == [True] * 50 + [False] * 2
    clock.now += 0.9
    assert not counters.allow("code", "", 50, 1)
    clock.now += 0.3
    assert sum(counters.allow("code", "", 50, 1) for _ in range(60)) == 50
    clock.now += 10
    assert counters.allow("code", "", 50, 1)


def test_no_second_has_more_than_the_limit_whenever_it_begins() -> None:
    clock = Clock()
    counters = Counters.private(clock)
    draw = random.Random(30)  # noqa: S311 - arrivals, no secrets
    allowed = []
    for _ in range(4_000):
        clock.now += draw.expovariate(130)
        if counters.allow("code", "", 50, 1):
            allowed.append(clock.now)
    most = max(sum(moment <= other < moment + 1 for other in allowed[place:]) for place, moment in enumerate(allowed))
    assert most == 50
    assert len(allowed) > 0.8 * 50 * (allowed[-1] - allowed[0])


def test_a_look_counts_nothing() -> None:
    counters = Counters.private()
    assert not any(counters.is_exhausted("code", "a", 1, 3600) for _ in range(5))
    assert counters.allow("code", "a", 1, 3600)
    assert counters.is_exhausted("code", "a", 1, 3600)


def test_keys_and_purposes_are_counted_apart_and_can_be_forgotten() -> None:
    counters = Counters.private()
    for purpose, key in (("a", "x"), ("a", "y"), ("b", "x")):
        assert counters.allow(purpose, key, 1, 60)
        assert not counters.allow(purpose, key, 1, 60)
    counters.forget("a", "x")
    assert counters.allow("a", "x", 1, 60)
    assert not counters.allow("a", "y", 1, 60)


def test_processes_that_were_forked_count_in_the_same_memory() -> None:
    counters = Counters.shared()

    def attempts() -> int:
        return sum(counters.allow("code", "", 90, 3600) for _ in range(60))

    assert sum(_in_children(4, attempts)) == 90


def test_a_process_that_is_killed_while_it_counts_stops_nobody_else() -> None:
    counters = Counters.shared()
    child = os.fork()
    if child == 0:
        with counters._locked(counters._place("code", "")[1]):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert counters.allow("code", "", 1, 60)


def test_with_a_new_day_the_key_and_every_count_are_gone() -> None:
    clock = Clock()
    counters = Counters.private(clock)
    tag, _ = counters._place("address", "203.0.113.0")
    assert counters.allow("address", "203.0.113.0", 1, 86_400)
    assert not counters.allow("address", "203.0.113.0", 1, 86_400)
    before = bytes(counters._memory)
    clock.now += 86_400
    assert counters.allow("address", "203.0.113.0", 1, 86_400)
    assert tag in before
    assert tag not in bytes(counters._memory)
    assert before[8:40] not in bytes(counters._memory)


def test_no_key_is_in_the_memory_and_no_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    counters = Counters.shared()
    for place in range(500):
        counters.allow("address", f"203.0.{place}.0/24", 10, 60)
    assert b"203.0." not in bytes(counters._memory)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_flood_of_keys_does_not_push_out_the_count_that_matters() -> None:
    counters = Counters.private()
    assert sum(counters.allow("code", "", 50, 3600) for _ in range(60)) == 50
    for place in range(100_000):
        counters.allow("address", str(place), 10, 3600)
    assert not counters.allow("code", "", 50, 3600)


def test_a_window_is_from_a_second_to_a_day() -> None:
    for window in (0, 86_401):
        with pytest.raises(ValueError, match="window"):
            Counters.private().allow("code", "", 1, window)


def _in_children(n_children: int, work: Callable[[], int]) -> list[int]:
    children = []
    for _ in range(n_children):
        child = os.fork()
        if child == 0:
            os._exit(work())
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
