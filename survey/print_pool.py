"""Many documents printed side by side in worker processes: each stands alone, and a failing one is named at the end."""

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from analysis.scorecards.attached import Attached

if TYPE_CHECKING:
    # The PDF engine is imported by the workers alone: an office that publishes from a page prints in other processes.
    from analysis.scorecards.render import Printer

# A scorecard takes about a second; what takes a minute never ends.
SECONDS_PER_DOCUMENT = 60.0
# The memory of the PDF engine grows a little with every document.
DOCUMENTS_PER_WORKER = 200
DIED = "the process that printed it died"
# Takes a second to import, which the server of forks does once for all workers.
_PDF_ENGINE = "analysis.scorecards.render"

MakePrinter = Callable[[], "Printer"]


@dataclass(frozen=True, slots=True)
class Page:
    """A document to print: the name of its file, what composes its HTML, and what gives the files inside it."""

    name: str
    html: Callable[[], str]
    attached: Callable[[], Sequence[Attached]] = tuple

    def composed(self) -> "Composed":
        """The document as a worker needs it."""
        return Composed(self.name, self.html(), tuple(self.attached()))


@dataclass(frozen=True, slots=True)
class Composed:
    """A document whose HTML was composed, with the files inside it."""

    name: str
    html: str
    attached: tuple[Attached, ...]

    def printed_by(self, printer: "Printer") -> bytes:
        """Its PDF."""
        return printer.pdf(self.html, self.attached)


@dataclass(frozen=True, slots=True)
class Printed:
    """A document that was printed, or why it was not: exactly one of `pdf` and `failure` is set."""

    name: str
    pdf: bytes | None
    failure: str | None


def default_workers() -> int:
    """How many documents are printed at the same time when nobody says: one for each core this process may use."""
    return len(os.sched_getaffinity(0))


def print_pages(
    pages: Iterable[Page], make_printer: MakePrinter, *, workers: int, seconds: float = SECONDS_PER_DOCUMENT
) -> Iterator[Printed]:
    """Every page printed or with its failure, in the order in which they are done.

    `make_printer` is a function of a module, called once in each worker. A page that takes longer than `seconds` fails.
    When a worker process dies, the pages it may have died of are tried again, each alone, and fail if it dies again.
    """
    waiting = iter(pages)
    suspects: list[Composed] = []
    is_done = False
    while not is_done:
        is_done = yield from _print_side_by_side(waiting, suspects, make_printer, workers, seconds)
    for composed in suspects:
        with _pool(make_printer, 1) as pool:
            try:
                yield _outcome(composed.name, pool.submit(_print, composed, seconds))
            except BrokenProcessPool:
                yield Printed(composed.name, None, DIED)


def _print_side_by_side(
    waiting: Iterator[Page],
    suspects: list[Composed],
    make_printer: MakePrinter,
    workers: int,
    seconds: float,
) -> Generator[Printed, None, bool]:
    """Prints until no page waits (returns true) or a worker dies (returns false, pages under way become suspects)."""
    flying: dict[Future[tuple[bytes | None, str]], Composed] = {}
    with _pool(make_printer, workers) as pool:
        try:
            while True:
                # Twice as many pages as workers are under way: nobody waits, and few HTML texts lie in memory.
                while len(flying) < 2 * workers and (page := next(waiting, None)) is not None:
                    try:
                        composed = page.composed()
                    except Exception as problem:
                        # Whatever one unit's page stumbles over, the other units get theirs.
                        yield Printed(page.name, None, _named(problem))
                        continue
                    # Under suspicion until it is under way: a dead pool refuses it, and it must not be lost.
                    suspects.append(composed)
                    future = pool.submit(_print, composed, seconds)
                    flying[future] = suspects.pop()
                if not flying:
                    return True
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    printed = _outcome(flying[future].name, future)
                    del flying[future]
                    yield printed
        except BrokenProcessPool:
            suspects.extend(flying.values())
            return False


def _outcome(name: str, future: "Future[tuple[bytes | None, str]]") -> Printed:
    pdf, failure = future.result()
    return Printed(name, pdf, None if pdf is not None else failure)


@contextlib.contextmanager
def _pool(make_printer: MakePrinter, workers: int) -> Iterator[ProcessPoolExecutor]:
    # A fork of this process would copy the locks of its threads, held or not; the server of forks has no other thread.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([make_printer.__module__, _PDF_ENGINE])
    pool = ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_start_worker,
        initargs=(make_printer,),
        max_tasks_per_child=DOCUMENTS_PER_WORKER,
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


_printer: "Printer | None" = None


def _start_worker(make_printer: MakePrinter) -> None:
    # Ctrl-C reaches every process of the terminal; the parent ends the pool in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _run_out)
    # A worker process has one printer for its whole life.
    global _printer
    _printer = make_printer()
    # What lives as long as the worker is not searched for garbage after every document.
    gc.collect()
    gc.freeze()


def _print(composed: Composed, seconds: float) -> tuple[bytes | None, str]:
    if _printer is None:
        raise RuntimeError("the worker was not started")
    # The alarm ends Python code; should a library hang beneath it, the process itself is ended a little later.
    faulthandler.dump_traceback_later(2 * seconds, exit=True)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return composed.printed_by(_printer), ""
    except Exception as problem:
        return None, _named(problem) if not isinstance(problem, TimeoutError) else f"not done after {seconds:g} seconds"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
        faulthandler.cancel_dump_traceback_later()


def _run_out(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def _named(problem: Exception) -> str:
    message = " ".join(str(problem).split())
    return message or type(problem).__name__
