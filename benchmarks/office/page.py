"""Figures with their bars, and the place in docs/benchmarks/office.md that each measurement has."""

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "office.md"
CHROMIUM = "/usr/bin/chromium-headless-shell"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure may be at most, in its own unit, and whether it must stay below."""

    most: float
    is_strict: bool = False

    def verdict(self, figure: float) -> str:
        """Whether a figure meets it, in a word, with the bar beside it."""
        met = figure < self.most if self.is_strict else figure <= self.most
        return f"{'met' if met else 'not met'} ({'<' if self.is_strict else '≤'} {self.most:g})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns but the first are figures."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def quantile(figures: Sequence[float], share: float) -> float:
    """The figure that this part of all does not exceed; 0 where there is none."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def taken(load_before: float, *, with_libraries: Sequence[str] = (), has_chromium: bool = False) -> str:
    """When, at which commit, on what, and how busy the machine was before and after."""
    commit = _said("git", "rev-parse", "--short", "HEAD")
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in with_libraries)]
    if has_chromium:
        versions.append(_said(CHROMIUM, "--version") or "Chromium")
    now = dt.datetime.now(dt.UTC)
    return (
        f"{now:%Y-%m-%d %H:%M} UTC, commit `{commit}`, {os.cpu_count()} processors, load average {load_before:.1f} "
        f"before and {os.getloadavg()[0]:.1f} after, {', '.join(versions)}."
    )


def write(name: str, text: str) -> None:
    """Put what was measured between its two marks on the page."""
    begins, ends = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(begins)
    _, found, tail = rest.partition(ends)
    if not found:
        raise ValueError(f"{PAGE}: found no place for {name}, expected {begins} … {ends}")
    PAGE.write_text(f"{head}{begins}\n{text}\n{ends}{tail}", encoding="utf-8")


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
