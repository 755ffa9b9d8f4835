"""The server's log: a line of JSON for each thing an operator should know, and nothing about who did what.

A line has a time to the minute, because a finer one beside a network's own records would tell whose request failed. It
has no address, no path and no value that somebody sent: our own lines are written so, and of a library's lines only its
name and its level are kept unless they are known to be harmless.
"""

import datetime as dt
import json
import logging
import os
import sys

from survey.viet_nam import VIET_NAM

# Lines of libraries that name no reader; all others are told by their origin alone.
HARMLESS = (
    "Killing worker-",
    "Unexpected exit from worker-",
    "Worker crash loop detected",
    "Configured number of workers",
    "Application callable raised an exception",
)
_OURS = "survey"


class JsonLines(logging.Formatter):
    """One record as one line of JSON: time, level, process, where it comes from, what is said."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "time": dt.datetime.fromtimestamp(record.created, VIET_NAM).isoformat(timespec="minutes"),
            "level": record.levelname.lower(),
            "process": record.process,
            "from": record.name.strip("_"),
            "what": _said(record),
        }
        return json.dumps(line, ensure_ascii=False)


def _said(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == _OURS:
        return record.getMessage()
    said = str(record.msg)
    harmless = next((opening for opening in HARMLESS if said.startswith(opening)), "")
    # No argument goes along: it may be an address, a header or a traceback with values in it.
    return said.splitlines()[0][:120] if harmless and not record.args else harmless or "something that is not repeated"


def write_json_lines() -> None:
    """From now on this process logs warnings and worse as lines of JSON to its standard error, libraries included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # A message that cannot be put together must not print the values that it was about.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
