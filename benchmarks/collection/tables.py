"""The figures as tables, and the place in the documentation that each of them has."""

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.collection.__main__ import Load

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "collection.md"


COLUMNS = (
    "engine",
    "respondents",
    "responses/s",
    "bare INSERT+COMMIT/s",
    "ratio",
    "CPU ms a response (server + database)",
    "driver's CPU ms",
    "page p50 / p99 ms",
    "sending p50 / p99 ms",
    "MB",
    "failures",
    "lost",
)


def progress(load: "Load") -> str:
    """One line while it runs."""
    return (
        f"{load.engine}, {load.what}: {load.rate:.1f}/s, {load.server_ms + load.database_ms:.2f} ms "
        f"(server {load.server_ms:.2f}, database {load.database_ms:.2f}), driver {load.driver_ms:.2f} ms, "
        f"bare {load.bare:.0f}/s, failures {dict(load.tally.failures)}, lost {load.lost}"
    )


def load_table(loads: Sequence["Load"]) -> str:
    """One line a measurement."""
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        f"|---|---|{'---:|' * (len(COLUMNS) - 2)}",
    ]
    for load in loads:
        t = load.tally
        ratio = f"{load.rate / load.bare:.2f}" if load.bare else ""
        lines.append(
            f"| {load.engine} | {load.what} | {load.rate:.0f} | {load.bare:.0f} | {ratio} | "
            f"{load.server_ms + load.database_ms:.1f} ({load.server_ms:.1f} + {load.database_ms:.1f}) | "
            f"{load.driver_ms:.1f} | {t.quantile('page', 0.5):.0f} / {t.quantile('page', 0.99):.0f} | "
            f"{t.quantile('sending', 0.5):.0f} / {t.quantile('sending', 0.99):.0f} | {load.megabytes:.0f} | "
            f"{t.failures.total()} | {load.lost} |"
        )
    return f"{taken()}\n\n" + "\n".join(lines)


def taken() -> str:
    """When, at which commit, on what."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    day = dt.datetime.now(dt.UTC).date()
    return (
        f"{day}, commit `{commit}`, {os.cpu_count()} processors shared with the driver, load average "
        f"{os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}."
    )


def write(name: str, text: str) -> None:
    """Put a table between its two marks on the page."""
    begins, ends = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(begins)
    _, found, tail = rest.partition(ends)
    if not found:
        raise ValueError(f"{PAGE}: found no place for {name}, expected {begins} … {ends}")
    PAGE.write_text(f"{head}{begins}\n{text}\n{ends}{tail}", encoding="utf-8")
