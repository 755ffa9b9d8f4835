"""Canaries: texts that nobody else would write are sought in every byte that a round left behind."""

import base64
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.game.cast import NUMBER, Respondent
from support.game.play import Table, headers_of
from survey.codes import read_code

# What a pattern of grep cannot hold.
_UNSEARCHABLE = (b"\n", b"\0")


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary that was found: whose it is, what it is, where."""

    label: str
    file: Path

    def __str__(self) -> str:
        return f"{self.label} in {self.file}"


def answer_needles(people: Iterable[Respondent]) -> dict[bytes, str]:
    """What would be found of each person's answers, written by a program in the clear, whatever way it writes them."""
    found = {}
    for person in people:
        number, comment = person.answers.vector[-1], person.answers.say[:12].encode()
        spelled = [f'"{NUMBER}":{number}', f'"{NUMBER}": {number}', f'"{NUMBER}":"{number}"', f'"{NUMBER}": "{number}"']
        spelled.append(f"{NUMBER}={number}")
        for needle in (comment, comment.hex().encode(), *(text.encode() for text in spelled)):
            found[needle] = f"answer of {person.number}"
    return found


def code_needles(table: Table, people: Iterable[Respondent], *, raw: bool = True) -> dict[bytes, str]:
    """What would be found of each person's code, as it is typed, printed, or held in memory."""
    found = {}
    for person in people:
        code = table.codes[person.number]
        plain = code.typed.replace("-", "")
        needles = [text.encode() for text in (code.typed, plain, code.typed.lower(), plain.lower(), code.qr)]
        if raw:
            for read in (read_code(code.typed), read_code(code.qr)):
                if read is not None:
                    needles += [read[1], read[1].hex().encode(), base64.b64encode(read[1]).rstrip(b"=")]
        for needle in needles:
            if not any(sign in needle for sign in _UNSEARCHABLE):
                found[needle] = f"code of {person.number}"
    return found


def device_needles(people: Iterable[Respondent]) -> dict[bytes, str]:
    """What would be found of each person's address and browser."""
    found = {}
    for person in people:
        headers = headers_of(person)
        for text in (person.address, headers["X-Forwarded-For"], headers["X-Real-IP"], headers["User-Agent"][-11:]):
            found[text.encode()] = f"device of {person.number}"
    return found


def sought(needles: Mapping[bytes, str], places: Sequence[Path], scratch: Path) -> list[Hit]:
    """Every canary that is found in the files below the places, in compressed backups too; each once a file."""
    scratch.mkdir(parents=True)
    try:
        unpacked = scratch / "unpacked"
        for place in places:
            for file in [place] if place.is_file() else place.rglob("*.zip"):
                if file.suffix == ".zip":
                    _unpack(file, unpacked / file.parent.name)
        patterns = scratch / "patterns"
        patterns.write_bytes(b"\n".join(needles))
        done = subprocess.run(
            [
                "grep",
                "-r",
                "-a",
                "-o",
                "-F",
                "-H",
                "-Z",
                "-f",
                patterns,
                *places,
                *([unpacked] if unpacked.exists() else []),
            ],
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        # Files that vanish while they are read are the servers' own temporary ones.
        assert done.returncode in (0, 1) or b"No such file" in done.stderr, done.stderr[-500:]
    finally:
        shutil.rmtree(scratch)
    hits = {}
    for line in done.stdout.split(b"\n"):
        name, _, needle = line.partition(b"\0")
        if needle in needles:
            hits[needles[needle], name] = Hit(needles[needle], Path(os.fsdecode(name)))
    return list(hits.values())


def _unpack(file: Path, target: Path) -> None:
    """The entries of a compressed file, and beside them what stands there in Base64."""
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file) as archive:
        for number, name in enumerate(archive.namelist()):
            content = archive.read(name)
            (target / f"{number}").write_bytes(content)
            if name.endswith(".jsonl"):
                (target / f"{number}.decoded").write_bytes(b"\n".join(_decoded(content)))


def _decoded(lines: bytes) -> list[bytes]:
    found = []
    for line in lines.splitlines():
        for value in json.loads(line).values():
            if isinstance(value, str) and len(value) % 4 == 0:
                try:
                    found.append(base64.b64decode(value, validate=True))
                except ValueError:
                    continue
    return found
