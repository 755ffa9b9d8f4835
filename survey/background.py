"""Work in the background: a process of its own, which gives signs of life to its row in the office store.

What a kind of work does, and the row that it tells, are its own module's; this one has what they share.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar, cast

from sqlalchemy.orm import Session

from analysis.errors import AnalysisError
from questionnaires.errors import QuestionnaireError
from survey.errors import HailongError, StoreUnavailable, WrongState
from survey.services import STORE_FAILURES
from survey.storage.office import Round
from survey.storage.releases import AnalysisRun, Job
from survey.storage.sessions import writing
from survey.storage.stores import Stores

# What is written of a work: a row for each round.
Work = TypeVar("Work", Job, AnalysisRun)

WorkState = Literal["running", "done", "failed", "died"]

# What a use case says no with; anything else is a mistake of ours.
REFUSALS: tuple[type[Exception], ...] = (HailongError, AnalysisError, QuestionnaireError, *STORE_FAILURES)
UNSEEN_FOR = timedelta(seconds=60)
SECONDS_BETWEEN_SIGNS = 5.0
# What is said at the end of work is said again until the store takes it; what is said on the way can be lost.
N_TRIES_AT_THE_END = 20
# What a process for work imports once, for all that come after it.
_PRELOADED = ("survey.jobs", "survey.analysis_runs")


def start_process(work: Callable[..., None], *arguments: object) -> None:
    """Have a function of a module run in a process of its own, which goes on when the one that started it is replaced.

    A fork of this process would copy the locks of its threads, held or not; the server of forks has no other thread,
    and has imported what the work needs.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    context.Process(target=work, args=arguments).start()


def state_of_work(state: str, seen: datetime, moment: datetime) -> WorkState:
    """The state that a row tells of, as it is at this moment: what was not seen for a minute has died."""
    if state == "running" and moment - seen > UNSEEN_FOR:
        return "died"
    return cast(WorkState, state)


def make_room(session: Session, table: type[Work], slug: str, moment: datetime) -> None:
    """Take away what is written of a round's former work of this kind, in the caller's transaction.

    Raises WrongState when that work goes on. Two officers who press at once are told apart by the round, which one of
    them locks first.
    """
    session.get(Round, slug, with_for_update=True)
    row = session.get(table, slug)
    if row is None:
        return
    if state_of_work(row.state, row.seen, moment) == "running":
        raise WrongState(f"the round {slug}: {row.started_by} has started this already; wait until it is done")
    session.delete(row)
    session.flush()


def kind_of_complaint(complaint: Exception) -> str:
    """The name by which a page knows what stopped the work: the nearest kind of ours, at most 40 letters."""
    if isinstance(complaint, STORE_FAILURES):
        return StoreUnavailable.__name__
    # A library's own kind of ours says less to a page than the one it is a kind of.
    ours = (kind.__name__ for kind in type(complaint).__mro__ if kind.__module__.endswith(".errors"))
    return next(ours, type(complaint).__name__)[:40]


def tell(stores: Stores, write: Callable[[Session], None], *, is_the_end: bool = False) -> None:
    """Write to the office store; a store that is busy or down for a moment does not end the work."""
    n_tries = N_TRIES_AT_THE_END if is_the_end else 1
    for attempt in range(n_tries):
        try:
            with writing(stores.office) as session:
                write(session)
        except STORE_FAILURES:
            if attempt + 1 < n_tries:
                threading.Event().wait(1)
        else:
            return


@contextmanager
def giving_signs(sign: Callable[[], None]) -> Iterator[None]:
    """Within this block, `sign` is called every few seconds from a thread of its own."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(SECONDS_BETWEEN_SIGNS):
            sign()

    signs = threading.Thread(target=go_on, daemon=True)
    signs.start()
    try:
        yield
    finally:
        is_over.set()
        signs.join()


def now() -> datetime:
    """The moment it is, with its zone."""
    return datetime.now(UTC)
