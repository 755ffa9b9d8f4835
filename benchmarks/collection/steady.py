"""Respondents who arrive at a steady rate for minutes, alone or beside intruders; what is acknowledged must be stored.

Run: python -m benchmarks.collection.steady [--minutes 10] [--write]      criterion 27: 100/s PostgreSQL, 30/s SQLite
     python -m benchmarks.collection.steady --mixed [--minutes 10] [--write]   30/s valid beside 200/s without a code

Arrivals are at random moments. A response is the page, the sending and the thank-you page, on a connection of its own.
Intruders send a filled form with a code that nobody was given, spelled as codes are, each on a new connection.
"""

import argparse
import asyncio
import random
from dataclasses import dataclass

from benchmarks.collection import driver, ledger, tables
from benchmarks.collection.__main__ import SEED, Bench, bench, processor_times, warm_up

RATES = {"PostgreSQL": 100.0, "SQLite": 30.0}
VALID, INTRUDING = 30.0, 200.0
COLUMNS = (
    "engine",
    "arrivals",
    "minutes",
    "acknowledged",
    "page p50 / p99 ms",
    "sending p50 / p99 ms",
    "response p99 ms",
    "intruders' answers",
    "intruders p99 ms",
    "CPU in use (server + database)",
    "driver",
    "failures",
    "lost",
)


@dataclass(frozen=True, slots=True)
class Steady:
    """What came of one run."""

    engine: str
    arrivals: str
    minutes: float
    tally: driver.Tally
    server: float
    database: float
    driver: float
    lost: int


def main() -> None:
    """Parse the command line, run, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--mixed", action="store_true", help="respondents with codes beside intruders without")
    parser.add_argument("--engines", default="", help="PostgreSQL,SQLite; of the mixed load PostgreSQL alone")
    parser.add_argument("--rate", type=float, default=0.0, help="respondents a second, where not the bar's")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks/collection.md")
    chosen = parser.parse_args()
    engines = (chosen.engines or ("PostgreSQL" if chosen.mixed else ",".join(RATES))).split(",")
    done = []
    for engine in engines:
        rate = chosen.rate or (VALID if chosen.mixed else RATES[engine])
        with bench(engine, chosen.workers) as made:
            warm_up(made)
            done.append(run(made, rate, INTRUDING if chosen.mixed else 0.0, chosen.minutes))
            print(_line(done[-1]), flush=True)
    text = f"{tables.taken()}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n" + "\n".join(map(_line, done))
    print(text)
    if chosen.write:
        tables.write("mixed" if chosen.mixed else "steady", text)


def run(made: Bench, rate: float, intruding: float, minutes: float) -> Steady:
    """Respondents at a rate, and intruders at theirs, for that many minutes."""
    seconds = 60 * minutes
    crowd = made.crowd(int(1.2 * rate * seconds) + 200)
    tally = driver.Tally()
    before = processor_times(made)

    async def both() -> None:
        respondents = driver.paced(rate, seconds, crowd.respond, tally, random.Random(SEED))  # noqa: S311
        if not intruding:
            await respondents
            return

        async def intrude(tally: driver.Tally, ends: float) -> None:
            await crowd.intrude(tally)

        strangers = driver.paced(intruding, seconds, intrude, tally, random.Random(SEED + 1))  # noqa: S311
        await asyncio.gather(respondents, strangers)

    asyncio.run(both())
    used = [(after - earlier) / seconds for after, earlier in zip(processor_times(made), before, strict=True)]
    arrivals = f"{rate:.0f}/s" + (f" beside {intruding:.0f}/s without a code" if intruding else "")
    lost = ledger.lost(made.instance, tally.acknowledged)
    return Steady(made.instance.engine, arrivals, minutes, tally, *used, lost)


def _line(run: Steady) -> str:
    t = run.tally

    def pair(kind: str) -> str:
        return f"{t.quantile(kind, 0.5):.0f} / {t.quantile(kind, 0.99):.0f}"

    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(t.statuses.items()))
    cells = (
        run.engine,
        run.arrivals,
        f"{run.minutes:g}",
        f"{len(t.acknowledged):,}",
        pair("page"),
        pair("sending"),
        f"{t.quantile('response', 0.99):.0f}",
        answers,
        f"{t.quantile('intruder', 0.99):.0f}" if answers else "",
        f"{run.server + run.database:.2f} ({run.server:.2f} + {run.database:.2f})",
        f"{run.driver:.2f}",
        ", ".join(f"{kind}: {count}" for kind, count in t.failures.items()) or "0",
        str(run.lost),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
