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


def main() -> None:
    plan = json.loads(sys.argv[1])
    database = None
    if plan["database"]:
        with Path(plan["log"]).open("ab") as log:
            database = subprocess.Popen(
                plan["database"],
                cwd=plan["home"],
                env=plan["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **plan["account"],
            )
        while not Path(plan["ready"]).exists() or database.poll() is not None:
            time.sleep(0.02)
    server = subprocess.Popen(plan["server"], env=dict(os.environ))
    # Whoever ends this process ends the server first: it may still have answers to give.
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    status = server.wait()
    if database is not None:
        database.send_signal(signal.SIGINT)
        database.wait()
    sys.exit(status)


if __name__ == "__main__":
    main()
