"""A printer whose process dies when a page says so, for tests of the pool; workers import it by name."""

import os
from collections.abc import Sequence
from typing import cast

from analysis.scorecards.attached import Attached
from analysis.scorecards.render import Printer, PrintingError
from survey.printing import make_printer

DEADLY = "<p>this page ends its process</p>"


class FragilePrinter:
    """Prints as the real one does, except for the deadly page."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def pdf(self, html: str, attached: Sequence[Attached] = ()) -> bytes:
        if html == DEADLY:
            os._exit(1)
        return self._printer.pdf(html, attached)


def make_fragile_printer() -> FragilePrinter:
    """What a worker prints with in those tests."""
    return FragilePrinter(make_printer())


class RefusingPrinter:
    """Prints nothing."""

    def pdf(self, html: str, attached: Sequence[Attached] = ()) -> bytes:
        raise PrintingError(f"refused {len(html)} letters and {len(attached)} files")


def make_refusing_printer() -> Printer:
    """What a worker has where nothing is to be printed anew."""
    return cast(Printer, RefusingPrinter())
