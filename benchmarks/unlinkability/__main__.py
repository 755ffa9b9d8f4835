"""The proof of unlinkability (criteria 1 to 4).

Run: PYTHONPATH=.:tests python -m benchmarks.unlinkability [--seeds N] [--units N] [--k N] [--write]
"""

import argparse
import datetime as dt
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.unlinkability.telling import FullGame, report
from support.game.battery import Findings, play_round
from support.game.cast import make_cast
from support.game.leaks import LEAKS, careless
from support.game.mutants import MUTANTS
from support.game.scoring import Score
from support.game.views import play_adversaries
from support.postgres import Server, shared_server

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"
BEGINS, ENDS = "<!-- the tables of make game begin -->", "<!-- the tables of make game end -->"
ENGINES = ("sqlite", "postgresql")


def main() -> None:
    """Play the rounds, the careless recorders and the careless changes; print the tables, write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unlinkability")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--units", type=int, default=10)
    parser.add_argument("--k", type=int, default=120)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/trust.md")
    given = parser.parse_args()
    begun = time.perf_counter()

    def tell(what: str) -> None:
        print(f"{time.perf_counter() - begun:6.0f} s  {what}", file=sys.stderr, flush=True)

    game = FullGame(given.seeds, given.units, given.k, dt.datetime.now(dt.UTC).date(), _commit())
    with tempfile.TemporaryDirectory(prefix="game") as place:
        folder = Path(place)
        game.rounds = list(_rounds(folder, given.engines, given.seeds, given.units, given.k, tell))
        with shared_server(folder) as server:
            for engine in given.engines:
                game.controls[engine] = _controls(folder / f"careless-{engine}", engine, server, given.k)
                tell(f"{engine}: careless recorders")
        for engine in given.engines:
            for mutant in MUTANTS:
                found = play_round(
                    folder / f"{mutant}-{engine}", engine, units=3, k=40, days=0, full_journeys=0, mutant=mutant
                )
                game.mutants[engine, mutant] = found
                tell(f"{engine}: {mutant}: {len(found.complaints())} complaints")
    tables = report(game)
    print(tables)
    if given.write:
        page = _filled(PAGE.read_text(encoding="utf-8"), tables)
        PAGE.write_text(_with_state(page, "holds" if game.holds else "not met"), encoding="utf-8")
    if not game.holds:
        raise SystemExit("the game is lost: see the tables")


def _rounds(
    folder: Path, engines: Sequence[str], seeds: int, units: int, k: int, tell: Callable[[str], None]
) -> Iterable[Findings]:
    for engine in engines:
        for seed in range(1, seeds + 1):
            found = play_round(folder / f"{engine}-{seed}", engine, units=units, k=k, seed=seed)
            tell(f"{engine}: round {seed} of {seeds}, {len(found.complaints())} complaints {found.complaints()[:3]}")
            yield found


def _controls(folder: Path, engine: str, server: Server, k: int) -> dict[str, Score | None]:
    """What each adversary gets on the recorder with its own leak."""
    won: dict[str, Score | None] = {}
    for seed, leak in enumerate(LEAKS.values(), start=101):
        if engine not in leak.engines:
            continue
        units, people = (120, 1) if leak.is_one_a_unit else (4, min(k, 60))
        cast = make_cast([f"u{number}" for number in range(units)], people, seed)
        with careless(folder / str(seed), cast, server if engine == "postgresql" else None, leak) as recorder:
            evidence = recorder.evidence()
            known, truth = recorder.knowledge(evidence, seed)
            won[leak.adversary] = play_adversaries(evidence, known, truth)[leak.adversary]
    return won


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _with_state(document: str, state: str) -> str:
    """The document with the state of criteria 1 to 4 in its table."""
    return re.sub(r"^(\| [1-4] \|[^|]*\|[^|]*\|) [a-z ]+ \|", rf"\1 {state} |", document, flags=re.MULTILINE)


def _filled(document: str, text: str) -> str:
    """The document with the text between its two marks."""
    before, _, rest = document.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    if not after:
        raise SystemExit(f"{PAGE}: found no place for the tables, expected it between {BEGINS} and {ENDS}")
    return f"{before}{BEGINS}\n{text}\n{ENDS}{after}"


if __name__ == "__main__":
    main()
