"""Criterion 29: respondents with codes beside twenty times as many sendings without one and 500 slow connections."""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from benchmarks.collection import driver, ledger, servers

NORMAL, TIMES = 10.0, 20.0
N_SLOW = 500
# A slow sender gives away a byte this often: seldom enough to hold a connection, often enough not to be idle.
PAUSE_SECONDS = 2.0
_HEAD = b"POST /r/%b/%b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Siege:
    """What came of it: latencies and answers, how many slow connections there were on average, and what was lost."""

    engine: str
    minutes: float
    tally: driver.Tally
    held: float
    lost: int


def besiege(instance: servers.Instance, serving: servers.Serving, minutes: float) -> Siege:
    """Everybody at once, for that many minutes."""
    seconds = 60 * minutes
    codes = driver.one_after_another(instance.codes(int(1.5 * NORMAL * seconds) + 200))
    crowd = driver.Crowd(serving.address, f"/r/{servers.SLUG}/{servers.UNIT}", codes, random.Random(SEED))  # noqa: S311
    tally, held = driver.Tally(), Held()

    async def all_of_them() -> None:
        slow = [asyncio.ensure_future(_creep(serving.address, place % 2 == 0, held)) for place in range(N_SLOW)]
        watch = asyncio.ensure_future(held.watch())
        await asyncio.sleep(5)

        async def intrude(tally: driver.Tally, ends: float) -> None:
            await crowd.intrude(tally)

        await asyncio.gather(
            driver.paced(NORMAL, seconds, crowd.respond, tally, random.Random(SEED + 1)),  # noqa: S311
            driver.paced(NORMAL * TIMES, seconds, intrude, tally, random.Random(SEED + 2)),  # noqa: S311
        )
        for task in (*slow, watch):
            task.cancel()
        await asyncio.gather(*slow, watch, return_exceptions=True)

    asyncio.run(all_of_them())
    return Siege(instance.engine, minutes, tally, held.mean(), ledger.lost(instance, tally.acknowledged))


class Held:
    """How many slow connections are open, looked at once a second."""

    def __init__(self) -> None:
        self.now = 0
        self.seen: list[int] = []

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.seen.append(self.now)

    def mean(self) -> float:
        """The average of all looks."""
        return sum(self.seen) / max(1, len(self.seen))


async def _creep(address: tuple[str, int], in_head: bool, held: Held) -> None:
    """One connection that sends its head, or its body, a byte at a time, and begins again when it is hung up on."""
    head = _HEAD % (servers.SLUG.encode(), servers.UNIT.encode())
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(*address)
            held.now += 1
            try:
                writer.write(head if in_head else head + b"Content-Length: 9000\r\n\r\n")
                while not reader.at_eof():
                    writer.write(b"X")
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        if not await asyncio.wait_for(reader.read(1024), PAUSE_SECONDS):
                            break
            finally:
                held.now -= 1
                writer.close()
        await asyncio.sleep(0.2)
