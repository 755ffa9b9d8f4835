"""The styles and scripts of the pages: read once, made small, compressed, and named by what they hold."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

CONTENT_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
# Each further file before the first paint costs a phone on a slow network its latency once more.
TOGETHER = {"results.css": ("page.css", "public.css")}
# A folder of scripts that another one's stand beneath: a file takes the place of the other's of its name.
OVER = {"kiosk": "citizen"}
# What others wrote is sent as they wrote it.
FOREIGN = frozenset({"altcha-pbkdf2.js"})
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING_OR_SPACE = re.compile(r'("[^"]*")|\s*([{};,])\s*|:\s+|\s+')


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A static file, read and compressed once; its digest is in its address, so that caches may keep it for good."""

    content: bytes
    compressed: bytes
    digest: str
    content_type: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """The files of `survey/web/static` by their names; a folder of scripts is one file of the folder's name, and the
    styles that a page needs at once are one file besides.
    """
    contents = {}
    for entry in resources.files("survey.web").joinpath("static").iterdir():
        name, content = (f"{entry.name}.js", _joined(entry)) if entry.is_dir() else (entry.name, entry.read_bytes())
        contents[name] = content if name in FOREIGN else small(name, content)
    for name, parts in TOGETHER.items():
        contents[name] = b"".join(contents[part] for part in parts)
    return {
        name: StaticFile(content, gzip.compress(content, 9, mtime=0), hashlib.sha256(content).hexdigest()[:10], kind)
        for name, content in contents.items()
        if (kind := CONTENT_TYPES.get(name.rpartition(".")[2])) is not None
    }


def small(name: str, content: bytes) -> bytes:
    """The file without what only readers of the source need: comments, indentation, and in styles all needless space.

    No script has a string of several lines.
    """
    if name.endswith(".css"):
        bare = _COMMENT.sub("", content.decode())
        return _STRING_OR_SPACE.sub(_kept, bare).replace(";}", "}").strip().encode()
    if name.endswith(".js"):
        lines = (line.strip() for line in content.decode().splitlines())
        return "".join(f"{line}\n" for line in lines if line and not line.startswith("//")).encode()
    return content


def _kept(found: re.Match[str]) -> str:
    # A colon before a space stands in a declaration alone; in `a :hover` the space comes first and is kept.
    return found[1] or found[2] or (":" if found[0].startswith(":") else " ")


def _joined(folder: Traversable) -> bytes:
    """The scripts of a folder in the order of their names, as one that leaves no name behind."""
    beneath = OVER.get(folder.name)
    folders = ([resources.files("survey.web").joinpath("static", beneath)] if beneath else []) + [folder]
    scripts = {entry.name: entry for one in folders for entry in one.iterdir() if entry.name.endswith(".js")}
    bodies = [scripts[name].read_text(encoding="utf-8") for name in sorted(scripts)]
    return "\n".join(["(() => {", '"use strict";', *bodies, "})();", ""]).encode()
