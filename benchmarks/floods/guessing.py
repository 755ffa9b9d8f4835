"""Criterion 30: a million guesses at codes, the fifty-first fruitless sending of a second, what an answer tells."""

import asyncio
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle

from benchmarks.collection import driver, servers
from survey.codes import N_TYPED, spell_typed
from survey.guessing import FRUITLESS_A_SECOND
from survey.invitations import find_invitation
from survey.secrets import Secrets
from survey.storage.stores import open_stores

N_LIVE = 100_000
PATH = f"/r/{servers.SLUG}/{servers.UNIT}"


@dataclass(slots=True)
class Guessing:
    """What came of it. Times are milliseconds at the median; `most_in_a_second` are answers other than 429."""

    engine: str
    n_guesses: int = 0
    n_hits: int = 0
    first_refused: int = 0
    most_in_a_second: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    unknown_ms: float = 0.0
    used_ms: float = 0.0
    told_apart: set[int] = field(default_factory=set)


def guess(instance: servers.Instance, serving: servers.Serving, n_guesses: int, seconds: float) -> Guessing:
    """All three parts, one after the other."""
    found = Guessing(instance.engine)
    used = instance.codes(400)
    instance.codes(N_LIVE)
    _look_up(instance, n_guesses, found)
    form = asyncio.run(_form(serving))
    asyncio.run(_burst(serving, form, seconds, found))
    time.sleep(3)
    asyncio.run(_compare(serving, form, used, found))
    return found


def _random_code() -> str:
    while (code := spell_typed(secrets.randbelow(N_TYPED))) is None:
        continue
    return code


def _look_up(instance: servers.Instance, n_guesses: int, found: Guessing) -> None:
    """Guesses straight at the store, where no limit holds them back."""
    stores, keys = open_stores(instance.settings), Secrets(instance.settings.secret_key)
    try:
        for _ in range(n_guesses):
            found.n_hits += find_invitation(stores, keys, servers.SLUG, _random_code()) is not None
    finally:
        stores.close()
    found.n_guesses = n_guesses


async def _form(serving: servers.Serving) -> driver.Form:
    connection = driver.Connection(serving.address)
    _, headers, body = await connection.request(b"GET", PATH)
    connection.close()
    return driver.Form(driver.text_of(headers, body))


async def _send(serving: servers.Serving, body: bytes) -> tuple[int, float]:
    connection = driver.Connection(serving.address)
    began = time.perf_counter()
    status, _, _ = await connection.request(b"POST", PATH, body)
    took = time.perf_counter() - began
    connection.close()
    return status, took


async def _burst(serving: servers.Serving, form: driver.Form, seconds: float, found: Guessing) -> None:
    """Wrong codes one after another on eight connections at a time, without a pause."""
    draw = random.Random(1)  # noqa: S311 - answers, no secrets
    answered: list[tuple[float, int]] = []
    ends = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < ends:
            status, _ = await _send(serving, form.filled("", _random_code(), draw))
            answered.append((time.perf_counter(), status))

    await asyncio.gather(*(one() for _ in range(8)))
    answered.sort()
    found.statuses = Counter(status for _, status in answered)
    passed = [moment for moment, status in answered if status != 429]
    found.first_refused = next((place for place, (_, status) in enumerate(answered, 1) if status == 429), 0)
    found.most_in_a_second = max(
        (sum(moment <= other < moment + 1 for other in passed) for moment in passed), default=0
    )


async def _compare(serving: servers.Serving, form: driver.Form, used: list[str], found: Guessing) -> None:
    """Codes that were used and codes that nobody was given, in turn and slowly enough to be answered."""
    draw = random.Random(2)  # noqa: S311
    for code in used:
        status, _ = await _send(serving, form.filled("", code, draw))
        if status != 303:
            raise RuntimeError(f"a code that is to be used up first got {status}")
    times: dict[bool, list[float]] = {True: [], False: []}
    for is_used, code in zip(cycle((True, False)), (code for known in used for code in (known, _random_code()))):
        status, took = await _send(serving, form.filled("", code, draw))
        found.told_apart.add(status)
        times[is_used].append(took)
        await asyncio.sleep(1.2 / FRUITLESS_A_SECOND)
    found.used_ms, found.unknown_ms = (1000 * sorted(part)[len(part) // 2] for part in (times[True], times[False]))
