"""A server that answers under strace, together with its database, and what it then told whom."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from benchmarks.durability.clusters import children_of
from benchmarks.durability.rounds import MARKED_ITEM, Trial
from benchmarks.durability.servers import Server
from benchmarks.durability.traces import Call, tracing
from support.postgres import account

_RECEIVED = re.compile(rb"^HTTP/1\.1 303 .*?\r\nLocation: [^\r\n]*/received[?\r]", re.DOTALL | re.IGNORECASE)


class TracedServer(Server):
    """`hailong serve` and its PostgreSQL under one strace; the record is complete once it was stopped."""

    def __init__(self, attacked: Trial, record: Path, faults: Sequence[str] = (), *, workers: int = 2) -> None:
        super().__init__(attacked.settings, attacked.folder / "server.log", workers=workers)
        cluster = attacked.cluster
        plan = {
            "server": list(self._command),
            "database": cluster.command() if cluster else [],
            "home": str(cluster.home) if cluster else "",
            "log": str(cluster.home / "log") if cluster else "",
            "ready": str(cluster.home / ".s.PGSQL.5432") if cluster else "",
            "environment": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            "account": account(),
        }
        launch = [sys.executable, str(Path(__file__).with_name("launching.py")), json.dumps(plan)]
        self._command = [*tracing(record), *faults, *launch]

    def stop(self) -> None:
        """End the server and the database in good order, so that the record is whole."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        for launcher in children_of(process.pid):
            _terminate(launcher)
        process.wait(timeout=90)


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


@contextmanager
def traced(attacked: Trial, record: Path, faults: Sequence[str] = (), *, workers: int = 2) -> Iterator[TracedServer]:
    """The traced server from its first answer; a cluster that ran is stopped first and runs again afterwards."""
    if attacked.cluster is not None:
        attacked.asked.stores.close()
        attacked.cluster.stop()
    server = TracedServer(attacked, record, faults, workers=workers)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if attacked.cluster is not None:
            attacked.cluster.start()


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Between which two moments the server had a citizen's form and told them that the answers were received."""

    marker: str
    asked: Call
    told: Call


def acknowledgements(calls: Sequence[Call]) -> list[Acknowledgement]:
    """Every "received" that left the server, in the order of leaving."""
    requests: dict[str, tuple[bytes, Call]] = {}
    found = []
    for call in sorted(calls, key=lambda one: one.ended if one.name.startswith("recv") else one.began):
        if not call.target.startswith("TCP:"):
            continue
        if call.name in ("recvfrom", "recvmsg"):
            content = b"".join(call.texts())
            if content.startswith(b"POST "):
                requests[call.target] = (content, call)
            elif content and call.target in requests:
                begun, first = requests[call.target]
                requests[call.target] = (begun + content, first)
        elif call.target in requests and _RECEIVED.match(b"".join(call.texts())):
            content, first = requests.pop(call.target)
            fields = parse_qs(content.partition(b"\r\n\r\n")[2].decode())
            found.append(Acknowledgement(fields[MARKED_ITEM][0], first, call))
    return found
