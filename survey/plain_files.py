"""Reads a file that somebody hands over: an ordinary file of a bounded size, and no link to another."""

import os
import stat
from pathlib import Path

from survey.errors import BadInput

_LEAST = 1 << 20


def read_plain_file(path: Path, largest: int) -> bytes:
    """The bytes of an ordinary file of at most so many bytes; a link, a folder or a device is refused as BadInput."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as refusal:
        what = "a symbolic link" if path.is_symlink() else f"no readable file ({refusal.strerror})"
        raise BadInput(f"{path}: found {what}, expected a file") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise BadInput(f"{path}: found a folder or a device, expected a file")
    with os.fdopen(descriptor, "rb") as file:
        # Memory is taken for as much as is asked for. A file of the kernel's has no size.
        content = file.read(min(largest, max(found.st_size, _LEAST)) + 1)
    if len(content) > largest:
        raise BadInput(f"{path}: found more than {largest:,} bytes, expected at most that many")
    return content
