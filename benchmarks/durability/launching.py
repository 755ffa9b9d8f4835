"""Run as a process of its own, under strace: starts PostgreSQL, where there is one, and the server, and ends both.

One tracer over both keeps one order of what they do.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    plan = json.loads(sys.argv[1])
    database = start_database(plan) if plan["database"] else None
    while database is not None and not Path(plan["ready"]).exists():
        time.sleep(0.02)
    server = subprocess.Popen(plan["server"], env=dict(os.environ))
    # Whoever ends this process ends the server first: it may still have answers to give.
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    while (status := server.poll()) is None:
        if database is not None and database.poll() is not None:
            database = start_database(plan)
        time.sleep(0.05)
    if database is not None:
        database.send_signal(signal.SIGINT)
        database.wait()
    sys.exit(status)


def start_database(plan: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """PostgreSQL, for the first time or again as its service manager would."""
    with Path(plan["log"]).open("ab") as log:
        return subprocess.Popen(
            plan["database"],
            cwd=plan["home"],
            env=plan["environment"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **plan["account"],
        )


if __name__ == "__main__":
    main()
