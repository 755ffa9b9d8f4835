"""The files inside a PDF, for whoever composes a page and prints none."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside a PDF: the data that its pages show. `day` is when it was published."""

    name: str
    content: bytes
    description: str
    day: dt.date
