"""Criterion 8: each code is sent three times at once, and then the citizen goes back, refreshes and sends again.

Of every code one form is a double click (the same nonce) and one comes from another phone (a nonce of its own). However
they meet, there is one row; whoever was told "received" is in it, and no page that comes later shows an answer.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.durability.citizens import RECEIVED, Browser, run_together
from benchmarks.durability.rounds import SLUG, EngineName, Submission, Verdict, judge, seal_and_count, trial
from benchmarks.durability.servers import serving

AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Met:
    """The verdict on the stores, the answers to all sendings, and how often a later page showed what was answered."""

    engine: EngineName
    verdict: Verdict
    counts: dict[str, int]
    told: Counter[str]
    n_received_by_nobody: int
    n_shown_later: int


def send_each_three_times(engine: EngineName, n_codes: int, seed: int) -> Met:
    """So many codes, each sent by three connections at one moment, then Back, refresh and once more."""
    chance = random.Random(f"{engine} {seed}")  # noqa: S311 - repeatable, and no secret
    with trial(engine) as attacked, serving(attacked.settings) as server:
        submissions = attacked.submissions(n_codes)
        triples = [_triple(one, chance) for one in submissions]
        told: Counter[str] = Counter()
        lock = threading.Lock()
        barrier = threading.Barrier(AT_ONCE)

        def sit(seat: int) -> None:
            browser = Browser(server.port)
            for triple in triples:
                barrier.wait()
                answer = browser.send(triple[seat])
                with lock:
                    told[answer] += 1
            browser.close()

        run_together([lambda seat=seat: sit(seat) for seat in range(AT_ONCE)])  # type: ignore[misc]
        n_shown = _come_back(server.port, triples, told)
        server.stop()
        acknowledged = [_one_of(triple) for triple in triples]
        verdict = judge(attacked.asked, attacked.asked.stores, acknowledged)
        n_nobody = sum(not any(one.is_acknowledged for one in triple) for triple in triples)
        return Met(engine, verdict, seal_and_count(attacked), told, n_nobody, n_shown)


def _triple(submission: Submission, chance: random.Random) -> list[Submission]:
    from survey.intake import new_nonce

    triple = [submission, replace(submission), replace(submission, nonce=new_nonce())]
    chance.shuffle(triple)
    return triple


def _one_of(triple: Sequence[Submission]) -> Submission:
    """What is known of a code: attempted, and acknowledged when any of its forms was."""
    return replace(triple[0], is_acknowledged=any(one.is_acknowledged for one in triple))


def _come_back(port: int, triples: Sequence[Sequence[Submission]], told: Counter[str]) -> int:
    """Back to the form, a refresh of the last page, and the same form sent again; how many pages showed an answer."""
    browser = Browser(port)
    n_shown = 0
    for triple in triples:
        winner = next((one for one in triple if one.is_acknowledged), None)
        if winner is None:
            continue
        for path in (f"/r/{SLUG}/{winner.unit}", f"/r/{SLUG}/{winner.unit}/received"):
            browser.get(path)
            n_shown += winner.marker.encode() in browser.page
        again = browser.send(winner)
        told["again: " + again] += 1
        if again != RECEIVED:
            n_shown += winner.marker.encode() in browser.page
    browser.close()
    return n_shown
