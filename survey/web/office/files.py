"""Files that an officer hands in: read in memory, and what is wrong in one told by file, line and key."""

import re
import unicodedata
from dataclasses import dataclass

from werkzeug.datastructures import FileStorage

from survey.texts import Translate

LONGEST_NAME = 80
# What our readers of files complain with: FILE:LINE: KEY: … of YAML, FILE, line LINE, KEY: … of tables.
_PLACE = re.compile(r"(?::(?P<line>[0-9]+)|, line (?P<row>[0-9]+))?(?:, (?P<column>[a-z_]+))?: (?P<rest>.*)", re.DOTALL)
_KEY = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_]*(?:\[[0-9]+\]|\.[^:\s]{1,80})*): (?P<message>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileComplaint:
    """What is wrong in a file: where it stands, in the page's words, and the reader's own line about it."""

    place: str
    message: str


def is_chosen(upload: object) -> bool:
    """Whether a file was chosen: a browser sends an empty part without a name where none was."""
    return isinstance(upload, FileStorage) and bool(upload.filename)


def name_of(upload: FileStorage) -> str:
    """The name of an uploaded file as a page can show it: one short line of composed letters."""
    name = unicodedata.normalize("NFC", (upload.filename or "").replace("\\", "/").rpartition("/")[2])
    shown = "".join(letter for letter in name if letter.isprintable() and letter != "\N{REPLACEMENT CHARACTER}")
    return shown[-LONGEST_NAME:].strip() or "file"


def complaint_about(message: str, origin: str, translate: Translate) -> FileComplaint:
    """A reader's complaint about the file `origin`, its place taken out of it and said in the page's language."""
    line, key, rest = "", "", message
    found = _PLACE.fullmatch(message.removeprefix(origin)) if message.startswith(origin) else None
    if found is not None:
        line = found["line"] or found["row"] or ""
        key, rest = found["column"] or "", found["rest"]
    named = None if key else _KEY.fullmatch(rest)
    if named is not None:
        key, rest = named["key"], named["message"]
    parts = [translate("place_file", file=origin)]
    if line:
        parts.append(translate("place_line", line=line))
    if key:
        parts.append(translate("place_key", entry=key))
    return FileComplaint(", ".join(parts), rest)
