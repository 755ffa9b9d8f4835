"""Strangers in numbers: slow connections (criterion 29), guessed codes (30), scripts on an open link (34).

Run: python -m benchmarks.floods [slow] [guessing] [link] [--minutes 10] [--write]

Everything stays on this machine; the driver shares its processors. With --write the tables go into
docs/benchmarks/floods.md.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.collection import servers, tables  # noqa: E402
from benchmarks.floods import guessing, link, slow  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks" / "floods.md"
PARTS = ("slow", "guessing", "link")


def main() -> None:
    """Parse the command line, run the parts that are wanted, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", default=[], help="slow, guessing, link; all where none is named")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the siege")
    parser.add_argument("--engines", default="PostgreSQL,SQLite")
    parser.add_argument("--guesses", type=int, default=1_000_000)
    parser.add_argument("--sendings", type=int, default=10_000, help="to the open link")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks/floods.md")
    chosen = parser.parse_args()
    wanted = chosen.parts or list(PARTS)
    if set(wanted) - set(PARTS):
        parser.error(f"found {' '.join(wanted)}, expected some of {', '.join(PARTS)}")
    for part in wanted:
        text = _table(part, chosen)
        print(text, flush=True)
        if chosen.write:
            _write(part, text)


def _table(part: str, chosen: argparse.Namespace) -> str:
    if part == "link":
        return f"{tables.taken()}\n\n{_link(link.pour(chosen.sendings, cap=200, n_proofs=260))}"
    rows = []
    for engine in chosen.engines.split(","):
        with _served(engine) as (instance, serving):
            if part == "slow":
                rows.append(_siege(slow.besiege(instance, serving, chosen.minutes)))
            else:
                rows.append(_guessing(guessing.guess(instance, serving, chosen.guesses, seconds=20)))
    return f"{tables.taken()}\n\n{(SLOW_HEAD if part == 'slow' else GUESSING_HEAD)}\n" + "\n".join(rows)


@contextlib.contextmanager
def _served(engine: str) -> Iterator[tuple[servers.Instance, servers.Serving]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = None
        if engine == "PostgreSQL":
            home = stack.enter_context(servers.cluster())
            url = home.url(servers.new_database(home))
        instance = servers.make_instance(folder, url)
        yield instance, stack.enter_context(servers.hailong_server(instance, 2))


SLOW_HEAD = (
    "| engine | minutes | slow connections held | acknowledged | page p99 ms | sending p99 ms | response p99 ms | "
    "answers to the others | failures | lost |\n|---|---:|---:|---:|---:|---:|---:|---|---|---:|"
)


def _siege(siege: slow.Siege) -> str:
    t = siege.tally
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(t.statuses.items()))
    failures = ", ".join(f"{kind}: {count}" for kind, count in t.failures.items()) or "0"
    return (
        f"| {siege.engine} | {siege.minutes:g} | {siege.held:.0f} | {len(t.acknowledged):,} | "
        f"{t.quantile('page', 0.99):.0f} | {t.quantile('sending', 0.99):.0f} | {t.quantile('response', 0.99):.0f} | "
        f"{answers} | {failures} | {siege.lost} |"
    )


GUESSING_HEAD = (
    "| engine | guesses at 100,000 live codes | hits | first 429 | most answered in any second | answers | "
    "unknown p50 ms | used p50 ms | apart ms | statuses |\n|---|---:|---:|---:|---:|---|---:|---:|---:|---|"
)


def _guessing(found: guessing.Guessing) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items()))
    return (
        f"| {found.engine} | {found.n_guesses:,} | {found.n_hits} | try {found.first_refused} | "
        f"{found.most_in_a_second} | {answers} | {found.unknown_ms:.1f} | {found.used_ms:.1f} | "
        f"{abs(found.unknown_ms - found.used_ms):.2f} | {', '.join(map(str, sorted(found.told_apart)))} |"
    )


def _link(flood: link.Flood) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(flood.statuses.items()))
    return (
        "| sendings | answers | cap a unit and day | stored | with a code, in the index | without, in the index |\n"
        "|---:|---|---:|---:|---:|---:|\n"
        f"| {flood.n_sent:,} | {answers} | {flood.cap} | {flood.n_stored} | {flood.n_honest} | {flood.n_in_index} |"
    )


def _write(part: str, text: str) -> None:
    begins, ends = f"<!-- {part} begins -->", f"<!-- {part} ends -->"
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(begins)
    _, found, tail = rest.partition(ends)
    if not found:
        raise ValueError(f"{PAGE}: found no place for {part}, expected {begins} … {ends}")
    PAGE.write_text(f"{head}{begins}\n{text}\n{ends}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
