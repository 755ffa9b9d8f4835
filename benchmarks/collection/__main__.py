"""Complete responses a second, their processor time and their latency, beside a bare Flask INSERT+COMMIT.

Run: python -m benchmarks.collection [--seconds 20] [--engines PostgreSQL,SQLite] [--respondents 8,32] [--write]

A response is what a citizen without script does: the page with 31 questions, the sending (checked, sealed, committed
to the disk), the thank-you page. Everything runs on this machine; the driver shares its processors, and its own time is
told apart. The bare endpoint is measured before and after each measurement of ours, so that a ratio is of one minute.
"""

import argparse
import asyncio
import contextlib
import random
import resource
import tempfile
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.collection import driver, ledger, servers, tables
from benchmarks.collection.processes import processor_seconds, resident_megabytes

SEED = 20261123
BARE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Load:
    """One measurement of ours. Rates are a second; processor times are milliseconds for one response."""

    engine: str
    what: str
    rate: float
    bare: float
    tally: driver.Tally
    server_ms: float
    database_ms: float
    driver_ms: float
    megabytes: float
    lost: int


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements of one engine share."""

    instance: servers.Instance
    serving: servers.Serving
    home: servers.Cluster
    bare: servers.Serving
    draw: random.Random

    def crowd(self, count: int) -> driver.Crowd:
        """Respondents with that many new codes."""
        codes = driver.one_after_another(self.instance.codes(count))
        return driver.Crowd(self.serving.address, f"/r/{servers.SLUG}/{servers.UNIT}", codes, self.draw)

    def bare_rate(self, respondents: int) -> float:
        """Requests a second of the bare endpoint."""
        tally = driver.Tally()

        async def act(tally: driver.Tally, ends: float) -> None:
            await driver.fetch_again_and_again(self.bare.address, "/insert", tally, ends)

        asyncio.run(driver.together(respondents, BARE_SECONDS, act, tally))
        return tally.in_time / BARE_SECONDS


def main() -> None:
    """Parse the command line, measure, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--engines", default="PostgreSQL,SQLite")
    parser.add_argument("--respondents", default="8,32")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks/collection.md")
    chosen = parser.parse_args()
    loads = []
    for engine in chosen.engines.split(","):
        with bench(engine, chosen.workers) as made:
            warm_up(made)
            for respondents in (int(number) for number in chosen.respondents.split(",")):
                loads.append(closed_loop(made, respondents, chosen.seconds))
                print(tables.progress(loads[-1]), flush=True)
            loads.append(half_load(made, max(load.rate for load in loads if load.engine == engine) / 2, chosen.seconds))
            print(tables.progress(loads[-1]), flush=True)
    text = tables.load_table(loads)
    print(text)
    if chosen.write:
        tables.write("load", text)


@contextlib.contextmanager
def bench(engine: str, workers: int) -> Iterator[Bench]:
    """Our server on a new instance, a PostgreSQL cluster, and the bare endpoint on that."""
    with tempfile.TemporaryDirectory() as name, servers.cluster() as home:
        url = home.url(servers.new_database(home)) if engine == "PostgreSQL" else None
        instance = servers.make_instance(Path(name), url)
        dsn = home.dsn(servers.new_database(home))
        servers.make_bare_table(dsn)
        with (
            servers.hailong_server(instance, workers) as serving,
            servers.bare_server(dsn, "sync", workers, 1) as bare,
        ):
            yield Bench(instance, serving, home, bare, random.Random(SEED))  # noqa: S311 - answers, no secrets


def warm_up(made: Bench) -> None:
    """A second of respondents whom nobody counts."""
    asyncio.run(driver.together(4, 1.0, made.crowd(2_000).respond, driver.Tally()))


def closed_loop(made: Bench, respondents: int, seconds: float) -> Load:
    """So many respondents at a time, as fast as they are served."""
    crowd = made.crowd(int(400 * seconds) + 100)
    before = made.bare_rate(respondents)
    tally = driver.Tally()
    load = _measured(
        made, f"{respondents} at a time", tally, seconds, driver.together(respondents, seconds, crowd.respond, tally)
    )
    return replace(load, bare=(before + made.bare_rate(respondents)) / 2)


def half_load(made: Bench, rate: float, seconds: float) -> Load:
    """Respondents who arrive at random moments, half as many a second as can be served."""
    crowd = made.crowd(int(2 * rate * seconds) + 100)
    tally = driver.Tally()
    return _measured(made, "half of that", tally, seconds, driver.paced(rate, seconds, crowd.respond, tally, made.draw))


def _measured(made: Bench, what: str, tally: driver.Tally, seconds: float, work: Coroutine[None, None, None]) -> Load:
    server, database, own = processor_times(made)
    began = time.perf_counter()
    asyncio.run(work)
    took = max(seconds, time.perf_counter() - began)
    times = [after - before for after, before in zip(processor_times(made), (server, database, own), strict=True)]
    n = max(1, len(tally.acknowledged))
    return Load(
        engine=made.instance.engine,
        what=what,
        rate=(tally.in_time / seconds) if "time" in what else len(tally.acknowledged) / took,
        bare=0.0,
        tally=tally,
        server_ms=1000 * times[0] / n,
        database_ms=1000 * times[1] / n,
        driver_ms=1000 * times[2] / n,
        megabytes=resident_megabytes(made.serving.process),
        lost=ledger.lost(made.instance, tally.acknowledged),
    )


def processor_times(made: Bench) -> tuple[float, float, float]:
    """The seconds of processor time so far: of our server, of its database, of this driver."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    database = processor_seconds(made.home.process) if made.instance.engine == "PostgreSQL" else 0.0
    return processor_seconds(made.serving.process), database, own.ru_utime + own.ru_stime


if __name__ == "__main__":
    main()
