"""Work that may not be done in the thread that asks for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_own_thread(work: Callable[[], Result]) -> Result:
    """What `work` returns or raises, done in a thread of its own.

    pyHanko starts an event loop, and a thread that runs one already refuses a second.
    """
    with ThreadPoolExecutor(max_workers=1) as one:
        return one.submit(work).result()
