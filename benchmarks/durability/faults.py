"""Criterion 9: a disk that is full, read-only or failing, and a database that is down.

Outages begin and end while citizens send: whoever sends meanwhile is told so, on a page that still holds the answers,
and nothing is acknowledged; afterwards everything works again without anybody touching the application. Failing calls
are injected by strace into the server itself (SQLite) or into PostgreSQL: there citizens send again until they are told
that their answers were received.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.durability.citizens import RECEIVED, Browser, Habits, send_all
from benchmarks.durability.clusters import Cluster
from benchmarks.durability.rounds import SLUG, EngineName, Submission, Trial, Verdict, judge, seal_and_count, trial
from benchmarks.durability.servers import Server, serving
from benchmarks.durability.traced import traced
from support.postgres import account

# What the operating system answers to a write or a sync: no space, a read-only file system, a broken disk.
# PostgreSQL ends on a failed sync of its log and mends itself; its full disk is an outage, below, since a checkpoint
# that can never be written would end it for good.
FAULTS: dict[EngineName, dict[str, str]] = {
    "sqlite": {
        "no space": "pwrite64:error=ENOSPC:when=12..14",
        "read-only": "pwrite64:error=EROFS:when=12..14",
        "sync fails": "fdatasync:error=EIO:when=3..4",
    },
    "postgresql": {"sync fails": "fdatasync:error=EIO:when=5"},
}
OUTAGES: dict[EngineName, tuple[str, ...]] = {
    "sqlite": ("full",),
    "postgresql": ("full", "read-only", "down"),
}
# Files may be as long as this and no longer while the disk is said to be full: less than any of the stores.
_FULL_BYTES = 4096
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Suffered:
    """What became of the answers, and what citizens were told while the fault lasted.

    `n_kept` counts the pages of the outage that still held what was typed; `recovery_s` is the time from the end of the
    outage to the next acknowledgement.
    """

    engine: EngineName
    fault: str
    verdict: Verdict
    counts: dict[str, int]
    told: Counter[str]
    n_sent_meanwhile: int = 0
    n_kept: int = 0
    recovery_s: float | None = None


def suffer_failing_calls(engine: EngineName, fault: str, n_submissions: int, workers: int = 2) -> Suffered:
    """Submissions while some calls of each thread, or of each of PostgreSQL's processes, fail."""
    with trial(engine) as attacked:
        submissions = attacked.submissions(n_submissions)
        injected = ["-e", f"inject={FAULTS[engine][fault]}"]
        with traced(attacked, attacked.folder / "record", injected, workers=workers) as server:
            told = send_all(server.port, submissions, habits=Habits(sending_again=0.1), n_browsers=4)
        verdict = judge(attacked.asked, attacked.asked.stores, submissions)
        return Suffered(engine, fault, verdict, seal_and_count(attacked), told)


def suffer_outages(
    engine: EngineName, outages: Sequence[str], n_submissions: int, seconds: float, workers: int = 2
) -> list[Suffered]:
    """Submissions before, during and after outages of so many seconds each, one after another in one round.

    The verdict and the counts are those of the round, after the last outage.
    """
    with trial(engine) as attacked, serving(attacked.settings, workers=workers) as server:
        everybody: list[Submission] = []
        found = []
        for outage in outages:
            submissions = attacked.submissions(n_submissions)
            everybody += submissions
            found.append((outage, *_suffer(attacked, server, outage, submissions, seconds)))
            # Our own connections were cut off, too.
            attacked.asked.stores.close()
        server.stop()
        verdict = judge(attacked.asked, attacked.asked.stores, everybody)
        counts = seal_and_count(attacked)
        return [Suffered(engine, outage, verdict, counts, *measured) for outage, *measured in found]


def _suffer(
    attacked: Trial, server: Server, outage: str, submissions: Sequence[Submission], seconds: float
) -> tuple[Counter[str], int, int, float]:
    before, meanwhile, after = (submissions[start::3] for start in range(3))
    told = send_all(server.port, before, n_browsers=2)
    begin, end = _switches(attacked, server, outage)
    begin()
    began = time.monotonic()
    during, n_kept = _send_in_vain(server, meanwhile)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    end()
    recovery_s = _seconds_until_received(server, after[0])
    told += send_all(server.port, [*meanwhile, *after], n_browsers=2)
    told += Counter({f"meanwhile: {answer}": count for answer, count in during.items()})
    return told, during.total(), n_kept, recovery_s


def _send_in_vain(server: Server, submissions: Sequence[Submission]) -> tuple[Counter[str], int]:
    """Each form opened and sent once during an outage: the answers, and how many pages kept what was typed."""
    told: Counter[str] = Counter()
    n_kept = 0
    browser = Browser(server.port)
    for one in submissions:
        told[f"form {browser.get(f'/r/{SLUG}/{one.unit}')}"] += 1
        answer = browser.send(one)
        told[answer] += 1
        n_kept += answer != RECEIVED and one.marker.encode() in browser.page
    browser.close()
    return told, n_kept


def _seconds_until_received(server: Server, submission: Submission) -> float:
    start = time.monotonic()
    browser = Browser(server.port)
    while browser.send(submission) != RECEIVED and time.monotonic() < start + _PATIENCE_S:
        time.sleep(0.05)
    browser.close()
    return time.monotonic() - start


def _switches(attacked: Trial, server: Server, outage: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """What begins an outage and what ends it."""
    cluster = attacked.cluster
    if cluster is None:
        pids = [server.pid, *server.workers()]
        return lambda: _limit(pids, f"{_FULL_BYTES}:"), lambda: _limit(pids, "unlimited:")
    if outage == "full":
        return lambda: _fill(cluster), lambda: _free(cluster)
    if outage == "down":
        return cluster.stop, cluster.start
    return lambda: _read_only(cluster, "on"), lambda: _read_only(cluster, "off")


def _limit(pids: Sequence[int], limit: str, **owner: object) -> None:
    """Let processes write no further into any file, or let them again."""
    for pid in pids:
        done = subprocess.run(
            ["prlimit", "--pid", str(pid), f"--fsize={limit}"],
            check=False,
            capture_output=True,
            **owner,  # type: ignore[call-overload]
        )
        if done.returncode and b"No such process" not in done.stderr:
            raise RuntimeError(done.stderr.decode())


def _fill(cluster: Cluster) -> None:
    _limit(cluster.all_processes(), f"{_FULL_BYTES}:", **account())


def _free(cluster: Cluster) -> None:
    # A server that could not write its log has ended by itself; its service manager starts it again.
    _limit(cluster.all_processes(), "unlimited:", **account())
    cluster.start_if_ended()


def _read_only(cluster: Cluster, state: str) -> None:
    """As a standby is that nobody has promoted."""
    cluster.execute(
        f"ALTER SYSTEM SET default_transaction_read_only = {state}",
        "SELECT pg_reload_conf()",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hailong'",
    )
