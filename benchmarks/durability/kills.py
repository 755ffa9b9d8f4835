"""Criterion 5: submissions while the application and the database are killed with `kill -9` again and again.

Every kill falls at a random moment among the submissions. A killed worker or backend is replaced by its own server; a
killed server is started again as a service manager does. Citizens send the same form again until they are told that it
was received; a few give up at the first failure, and a few send a received form once more.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.durability.citizens import Habits, run_together, send_all
from benchmarks.durability.rounds import EngineName, Trial, Verdict, judge, seal_and_count, trial
from benchmarks.durability.servers import Server, serving

HABITS = Habits(giving_up=0.05, sending_again=0.05)


@dataclass(frozen=True, slots=True)
class Killed:
    """What a run came to: the verdict on the stores, the sealed counts, the kills by kind, what citizens were told."""

    engine: EngineName
    verdict: Verdict
    counts: dict[str, int]
    kills: Counter[str]
    told: Counter[str]


def kill_again_and_again(engine: EngineName, n_submissions: int, n_kills: int, seed: int) -> Killed:
    """A round of so many submissions with so many kills, half of the application and half of the database.

    SQLite lives in the processes of the application: there the database's kills are those of single workers, in the
    middle of their transactions, and the application's are those of the whole server.
    """
    chance = random.Random(f"{engine} {seed}")  # noqa: S311 - repeatable, and no secret
    with trial(engine) as attacked, serving(attacked.settings) as server:
        submissions = attacked.submissions(n_submissions)
        plan = _plan(attacked, server, n_kills, chance)
        moments = sorted(chance.sample(range(1, n_submissions + 1), n_kills))
        kills: Counter[str] = Counter()
        progress = threading.Condition()
        begun = 0
        is_over = False

        def note(number: int) -> None:
            nonlocal begun
            with progress:
                begun = max(begun, number)
                progress.notify_all()

        def wait_until(is_reached: Callable[[], bool]) -> None:
            # A server gives up some time after its workers died: until then there is nothing to start again.
            while True:
                with progress:
                    if progress.wait_for(is_reached, timeout=0.5):
                        return
                server.start_if_ended()

        def attack() -> None:
            for moment, (kind, kill) in zip(moments, plan, strict=True):
                wait_until(lambda until=moment: is_over or begun >= until)  # type: ignore[misc]
                threading.Event().wait(chance.random() * 0.03)
                kill()
                kills[kind] += 1
                server.start_if_ended()
            wait_until(lambda: is_over)

        told: Counter[str] = Counter()

        def answer() -> None:
            nonlocal is_over
            try:
                told.update(send_all(server.port, submissions, habits=HABITS, seed=seed, on_attempt=note))
            finally:
                with progress:
                    is_over = True
                    progress.notify_all()

        run_together([attack, answer])
        server.stop()
        verdict = judge(attacked.asked, attacked.asked.stores, submissions)
        return Killed(engine, verdict, seal_and_count(attacked), kills, told)


def _plan(attacked: Trial, server: Server, n_kills: int, chance: random.Random) -> list[tuple[str, Callable[[], None]]]:
    cluster = attacked.cluster
    kinds: list[tuple[str, Callable[[], None]]] = [
        ("the whole server", server.kill),
        ("one worker", lambda: server.kill_worker(chance.randrange(100))),
    ]
    if cluster is not None:
        kinds += [
            ("all of PostgreSQL", cluster.kill),
            ("one backend", lambda: cluster.kill_backend(chance.randrange(100))),
        ]
    plan = [kinds[number % len(kinds)] for number in range(n_kills)]
    chance.shuffle(plan)
    return plan
