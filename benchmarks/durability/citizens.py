"""Citizens who press "send" again until they are told that their answers were received, or who give up."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.durability.rounds import SLUG, Submission

RECEIVED = "received"
# What a citizen is told: the page that says "received", another page, or nothing because the connection broke.
Told = str
_ANSWER_S = 30.0


@dataclass(slots=True)
class Habits:
    """What citizens do: how many give up after a first failure, and how many send a received form again."""

    giving_up: float = 0.0
    sending_again: float = 0.0
    patience_s: float = 120.0
    pause_s: float = 0.05


class Browser:
    """One connection at a time, opened again when it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None
        self.page = b""

    def send(self, submission: Submission) -> Told:
        """What came back: "received", a status, or the name of the failure."""
        submission.n_attempts += 1
        body = urlencode(submission.form())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, location = self._ask("POST", f"/r/{SLUG}/{submission.unit}", body, headers)
        if status == "303" and location.partition("?")[0].endswith("/received"):
            submission.is_acknowledged = True
            return RECEIVED
        return status

    def get(self, path: str) -> Told:
        """The status of a page, or the name of the failure; the page itself is in `page`."""
        return self._ask("GET", path)[0]

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[str, str]:
        self.page = b""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_S)
        try:
            self._connection.request(method, path, body, headers or {})
            answer = self._connection.getresponse()
            self.page = answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.close()
            return type(failure).__name__, ""
        if answer.will_close:
            self.close()
        return str(answer.status), answer.headers.get("Location", "")

    def close(self) -> None:
        """Leave the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def send_all(
    port: int,
    submissions: Sequence[Submission],
    *,
    habits: Habits | None = None,
    n_browsers: int = 6,
    seed: int = 0,
    on_attempt: Callable[[int], None] | None = None,
) -> Counter[Told]:
    """Every form sent, from as many browsers side by side; what they were told, counted.

    `on_attempt` is handed the number of forms that have been begun.
    """
    manners = habits or Habits()
    waiting = iter(list(submissions))
    lock = threading.Lock()
    told: Counter[Told] = Counter()
    n_begun = 0

    def sit(number: int) -> None:
        nonlocal n_begun
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable, and no secret
        browser = Browser(port)
        while True:
            with lock:
                submission = next(waiting, None)
                n_begun += 1
                begun = n_begun
            if submission is None:
                break
            if on_attempt is not None:
                on_attempt(begun)
            said = _insist(browser, submission, manners, chance)
            with lock:
                told.update(said)
        browser.close()

    run_together([lambda number=number: sit(number) for number in range(n_browsers)])  # type: ignore[misc]
    return told


def _insist(browser: Browser, submission: Submission, habits: Habits, chance: random.Random) -> list[Told]:
    said = []
    gives_up = chance.random() < habits.giving_up
    deadline = time.monotonic() + habits.patience_s
    while not submission.is_acknowledged:
        said.append(browser.send(submission))
        if submission.is_acknowledged or gives_up or time.monotonic() > deadline:
            break
        time.sleep(habits.pause_s)
    if submission.is_acknowledged and chance.random() < habits.sending_again:
        said.append(browser.send(submission))
    return said


def run_together(tasks: Iterable[Callable[[], None]]) -> None:
    """Run tasks in threads side by side; the first failure is raised when all have ended."""
    failures: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
