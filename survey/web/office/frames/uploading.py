"""How lists come in and go: read into memory alone, and erased on their day."""

import io
from datetime import date
from typing import IO, Any

from flask import Blueprint
from werkzeug.formparser import FormDataParser

from survey.frames import erase_due_frames
from survey.services import Services, today

# The largest list that is handed in here; half a million rows have some sixty megabytes.
LARGEST_LIST = 100_000_000


class InMemoryForms(FormDataParser):
    """Reads a form without ever writing what is uploaded to a file, whatever its size."""

    def __init__(self, stream_factory: Any = None, *arguments: Any, **options: Any) -> None:
        super().__init__(_in_memory, *arguments, **options)


def _in_memory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> IO[bytes]:
    return io.BytesIO()


def erase_daily(blueprint: Blueprint, services: Services) -> None:
    """Have the lists whose day has come erased before the first request of each day, in every process that serves."""
    looked_on: list[date] = []

    @blueprint.before_request
    def erase() -> None:
        day = today()
        if looked_on[-1:] != [day]:
            looked_on[:] = [day]
            erase_due_frames(services, day)
