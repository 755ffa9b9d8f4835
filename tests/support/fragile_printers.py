"""A printer whose process dies when a page says so, for tests of the pool; workers import it by name."""

import os

from analysis.scorecards.render import Printer
from survey.printing import make_printer

DEADLY = "<p>this page ends its process</p>"


class FragilePrinter:
    """Prints as the real one does, except for the deadly page."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def pdf(self, html: str) -> bytes:
        if html == DEADLY:
            os._exit(1)
        return self._printer.pdf(html)


def make_fragile_printer() -> FragilePrinter:
    """What a worker prints with in those tests."""
    return FragilePrinter(make_printer())
