"""Passwords that were stolen elsewhere, looked up in a file of their hashes on this machine; nobody is asked.

The file is what the downloader of Pwned Passwords writes: a line for each password, its SHA-1 in hexadecimal, a colon
and how often it was seen, in the order of the hashes. It has some forty gigabytes; a look-up reads a few dozen lines.
"""

import os
import re
from hashlib import sha1
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from survey.errors import BadInput, HailongError

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]+)?")
# A line has 41 characters and a count; a place in the file is never further than this from its line's end.
LONGEST_LINE = 80
# The places at which a file is looked at before it is used: its order there tells a sorted file from another one.
N_PLACES = 64


def is_breached(file: Path, password: str) -> bool:
    """Whether the hash of the password, as it is in UTF-8, stands in the file.

    Raises HailongError where the file is no longer what it was at the start: nothing is known of the password then.
    """
    wanted = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        return _holds(file, wanted)
    except BadInput as complaint:
        raise HailongError(str(complaint)) from None
    except OSError as refusal:
        raise HailongError(f"{file}: the stolen passwords cannot be looked up: {refusal.strerror}") from None


def _holds(file: Path, wanted: bytes) -> bool:
    with file.open("rb") as lines:
        low, high = 0, os.fstat(lines.fileno()).st_size
        # The line sought begins at `low` or later and before `high`.
        while low < high:
            middle = (low + high) // 2
            start, end, found = _line_at(lines, middle, file)
            if found == wanted:
                return True
            low, high = (end, high) if found < wanted else (low, start)
    return False


def refuse_odd_file(file: Path) -> None:
    """Raise BadInput when the file is not there, or not lines of hashes in their order as far as a quick look tells."""
    try:
        with file.open("rb") as lines:
            size = os.fstat(lines.fileno()).st_size
            if size == 0:
                raise BadInput(f"{file}: found an empty file, expected lines of SHA-1 hashes")
            places = sorted({size * number // N_PLACES for number in range(N_PLACES)} | {size - 1})
            # Neighbouring places of a short file are in one line.
            found = dict(_line_at(lines, place, file)[::2] for place in places)
    except OSError as refusal:
        raise BadInput(f"{file}: found no readable file ({refusal.strerror}), expected SHA-1 hashes") from None
    hashes = list(found.values())
    if any(first >= second for first, second in pairwise(hashes)):
        raise BadInput(f"{file}: found hashes that are not in their order, expected a file sorted by hash")


def _line_at(lines: BinaryIO, place: int, file: Path) -> tuple[int, int, bytes]:
    """Where the line around a place begins and the next one begins, and its hash in capital letters."""
    before = max(0, place - LONGEST_LINE)
    lines.seek(before)
    around = lines.read(place - before + LONGEST_LINE)
    start = around.rfind(b"\n", 0, place - before) + 1
    end = around.find(b"\n", place - before)
    end = len(around) if end < 0 else end + 1
    line = _LINE.fullmatch(around[start:end].rstrip(b"\r\n"))
    if line is None:
        raise BadInput(f"{file}: found no hash in the line around byte {place}, expected HASH:COUNT in each line")
    return before + start, before + end, line[1].upper()
