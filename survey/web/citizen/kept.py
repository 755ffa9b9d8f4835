"""What was drawn lately and will be asked for again: pages, and the questions that pages are made of."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Drawn = TypeVar("Drawn")


class Kept(Generic[Drawn]):
    """So many things that were asked for last, each by a key that says all that it depends on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Hashable, draw: Callable[[], Drawn]) -> Drawn:
        """The thing under this key, drawn when it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        # Two readers who come first may both draw it; they draw the same.
        drawn = draw()
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return drawn
