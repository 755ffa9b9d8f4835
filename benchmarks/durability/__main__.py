"""Attempts to lose an acknowledged answer, to count one twice, or to change one that was sealed.

    make kills          criteria 5, 8, 9, 10, 11: kills, three at once, full disks and lost databases, killed sealings
    make durability     criteria 6, 7: the order of syncs and acknowledgements; power cuts
    make tampering      criterion 12: a thousand edits of a sealed round
    make migrating      criterion 32: up and down under load with a million rows

Run: PYTHONPATH=.:tests python -m benchmarks.durability [kills concurrent faults sealings durability tampering
     migrating] [--engines sqlite,postgresql] [--share 1.0] [--seed 1] [--write]

Each prints a table; with --write its row in docs/trust.md has the new figure and the day. `--share 0.01` tries it with
a hundredth of everything. Exit 1 when a criterion does not hold.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.durability.figures import Figure, write_figures
from benchmarks.durability.rounds import ENGINES, EngineName


@dataclass(frozen=True, slots=True)
class Scale:
    """On which engines, with what share of the full numbers, from which seed."""

    engines: tuple[EngineName, ...]
    share: float
    seed: int

    def of(self, full: int, least: int = 1) -> int:
        """So many of the full number."""
        return max(least, round(full * self.share))


def kills(scale: Scale) -> list[Figure]:
    """Criterion 5, and 11 for the rounds it leaves."""
    from benchmarks.durability.kills import kill_again_and_again

    words, holds = [], True
    for engine in scale.engines:
        killed = kill_again_and_again(engine, scale.of(10_000, 60), scale.of(50, 4), scale.seed)
        holds = holds and killed.verdict.is_sound
        deaths = ", ".join(f"{kind} {count}" for kind, count in sorted(killed.kills.items()))
        words.append(f"{engine}: {killed.verdict.words()}; killed: {deaths}; sealed {killed.counts['sealed']}")
    return [Figure(5, holds, "; ".join(words))]


def concurrent(scale: Scale) -> list[Figure]:
    """Criterion 8."""
    from benchmarks.durability.concurrent import send_each_three_times

    words, holds = [], True
    for engine in scale.engines:
        met = send_each_three_times(engine, scale.of(1_000, 20), scale.seed)
        holds = holds and met.verdict.is_sound and not met.n_received_by_nobody and not met.n_shown_later
        words.append(
            f"{engine}: {met.verdict.n_stored} rows of {met.verdict.n_attempted} codes, "
            f"{met.n_shown_later} answers shown after Back, refresh and sending again"
        )
    return [Figure(8, holds, "; ".join(words))]


def faults(scale: Scale) -> list[Figure]:
    """Criterion 9."""
    from benchmarks.durability.faults import FAULTS, OUTAGES, suffer_failing_calls, suffer_outages

    words, holds = [], True
    for engine in scale.engines:
        recoveries = []
        for suffered in suffer_outages(engine, OUTAGES[engine], scale.of(300, 12), 60 * scale.share):
            recovery_s = suffered.recovery_s or 0.0
            holds = holds and suffered.verdict.is_sound and recovery_s < 10
            holds = holds and suffered.told["meanwhile: received"] == 0
            recoveries.append(
                f"{suffered.fault} {recovery_s:.1f} s ({suffered.n_kept} of {suffered.n_sent_meanwhile // 2} kept)"
            )
        for fault in FAULTS[engine]:
            suffered = suffer_failing_calls(engine, fault, scale.of(300, 20))
            holds = holds and suffered.verdict.is_sound
        words.append(f"{engine}: 0 acknowledged without a row; recovery from {', '.join(recoveries)}")
    return [Figure(9, holds, "; ".join(words))]


def sealings(scale: Scale) -> list[Figure]:
    """Criterion 10."""
    from benchmarks.durability.sealings import kill_sealings

    words, holds = [], True
    for engine in scale.engines:
        found = kill_sealings(engine, 200, scale.of(20, 6), scale.seed)
        holds = holds and found.n_alike == found.n_single == found.n_kills and not found.n_bad_when_killed
        words.append(f"{engine}: the same rows {found.n_alike}, one archive {found.n_single} of {found.n_kills}")
    return [Figure(10, holds, "; ".join(words))]


def durability(scale: Scale) -> list[Figure]:
    """Criteria 6 and 7."""
    from benchmarks.durability.powercuts import record_and_cut

    synced, cut = [], []
    all_synced = all_whole = True
    for engine in scale.engines:
        found = record_and_cut(engine, scale.of(1_000, 20), scale.of(50, 4), scale.seed)
        n_told, n_unsynced = found.synced.n_acknowledged, len(found.synced.unsynced)
        all_synced = all_synced and n_told > 0 and not n_unsynced
        synced.append(f"{engine}: {n_told - n_unsynced} of {n_told}")
        n_sound = sum(one.is_sound for one in found.cuts)
        all_whole = all_whole and n_sound == len(found.cuts) and bool(found.control.verdict.lost)
        n_lost = sum(len(one.verdict.lost) for one in found.cuts)
        cut.append(
            f"{engine}: {n_lost} lost, whole {sum(one.is_whole for one in found.cuts)} of "
            f"{len(found.cuts)} (without the syncs {len(found.control.verdict.lost)} would be lost)"
        )
    return [Figure(6, all_synced, "; ".join(synced)), Figure(7, all_whole, "; ".join(cut))]


def tampering(scale: Scale) -> list[Figure]:
    """Criterion 12."""
    from benchmarks.durability.tampering import tamper

    found = tamper(scale.of(1_000, 18), scale.seed)
    n_made = found.made.total()
    for one in found.unnoticed:
        print(f"not noticed: {one}")
    words = f"{n_made - len(found.unnoticed)} of {n_made}: {found.made['one byte']} bytes, the others rows and answers"
    return [Figure(12, not found.unnoticed, words)]


def migrating(scale: Scale) -> list[Figure]:
    """Criterion 32."""
    from benchmarks.durability.migrating import migrate

    words, holds = [], True
    for engine in scale.engines:
        found = migrate(engine, scale.of(1_000_000, 1_000))
        holds = holds and found.verdict.is_sound and max(found.up_s, found.down_s) < 1
        words.append(
            f"{engine}: {found.n_rows} rows, {len(found.verdict.lost)} of {found.verdict.n_acknowledged} lost, stall "
            f"{found.up_s:.2f} s up, {found.down_s:.2f} s down, {found.calm_s:.2f} s without"
        )
    return [Figure(32, holds, "; ".join(words))]


ATTEMPTS: dict[str, Callable[[Scale], list[Figure]]] = {
    "kills": kills,
    "concurrent": concurrent,
    "faults": faults,
    "sealings": sealings,
    "durability": durability,
    "tampering": tampering,
    "migrating": migrating,
}


def main() -> None:
    """Parse the command line, try, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attempts", nargs="*", default=list(ATTEMPTS), metavar="|".join(ATTEMPTS))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--share", type=float, default=1.0, help="of the full numbers, above 0 and at most 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/trust.md")
    chosen = parser.parse_args()
    strange = [name for name in chosen.attempts if name not in ATTEMPTS]
    engines = tuple(engine for engine in ENGINES if engine in chosen.engines.split(","))
    if strange or not engines or not 0 < chosen.share <= 1:
        parser.error(f"found {strange or chosen.engines or chosen.share}, expected {', '.join(ATTEMPTS)}")
    # Whoever ends this by force still wants no server of it to stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    figures = []
    for name in chosen.attempts:
        start = time.monotonic()
        found = ATTEMPTS[name](Scale(engines, chosen.share, chosen.seed))
        figures += found
        for figure in found:
            verdict = "holds" if figure.holds else "NOT MET"
            print(f"criterion {figure.criterion:>2}  {verdict:8} {time.monotonic() - start:6.0f} s  {figure.words}")
        sys.stdout.flush()
    if chosen.write:
        write_figures(figures)
    if not all(figure.holds for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
