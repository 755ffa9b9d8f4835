"""What a traced server asked of the operating system: strace's record of it, read back call by call.

One strace watches the server and its database, so the order of its lines is an order in which things did happen: a call
that had returned before another began stands before it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,ftruncate,fallocate,lseek,"
    "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,copy_file_range"
)
SOCKET_CALLS = "sendto,sendmsg,recvfrom,recvmsg"

_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
_UNFINISHED = " <unfinished ...>"
_RESULT = re.compile(r"^(.*)\) += (-?\d+|\?|0x[0-9a-f]+)(?:<.*)?(?: .*)?$")
_DESCRIPTOR = re.compile(r"^(-?\d+|AT_FDCWD)<(.*?)>(?:\(deleted\))?(?=, |$)")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who made it, between which two lines of the record it ran, and what came of it.

    `began` and `ended` are positions in the record; a call that never returned has a result of None.
    """

    pid: int
    name: str
    arguments: str
    began: int
    ended: int
    result: int | None

    @property
    def target(self) -> str:
        """The file or socket that the first argument names; empty where it names none."""
        found = _DESCRIPTOR.match(self.arguments)
        return _plain(found.group(2)) if found else ""

    @property
    def is_of_a_removed_file(self) -> bool:
        """Whether the file of the first argument has no name any more."""
        found = _DESCRIPTOR.match(self.arguments)
        return found is not None and found.group(0).endswith("(deleted)")

    @property
    def descriptor(self) -> int:
        """The number of the descriptor in the first argument."""
        return int(self.arguments.partition("<")[0])

    def texts(self) -> list[bytes]:
        """The quoted strings among the arguments, as bytes, without those in the names of files."""
        rest = _DESCRIPTOR.sub("", self.arguments)
        return [bytes.fromhex(text.replace("\\x", "")) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', rest)]

    def numbers(self) -> list[int]:
        """The plain numbers that end the arguments, in order."""
        words = self.arguments.rsplit('"', 1)[-1].rsplit("]", 1)[-1].split(", ")
        return [int(word) for word in words if re.fullmatch(r"-?\d+", word)]


def tracing(record: Path) -> list[str]:
    """What stands before a command so that strace records it in full, with every process it starts."""
    what = ["-e", f"trace={FILE_CALLS},{SOCKET_CALLS}", "-e", "signal=none"]
    # The longest write is a new segment of PostgreSQL's log, 16 MB.
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-yy", "-xx", "-s", "40000000", *what, "-o", str(record)]


def read_calls(record: Path) -> Iterator[Call]:
    """The calls of a record in the order in which they ended; raises ValueError for a line that is none."""
    open_calls: dict[int, tuple[str, str, int]] = {}
    with record.open(encoding="ascii", errors="replace") as lines:
        for position, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                if "+++" in line or "---" in line:
                    continue
                raise ValueError(f"{record}: line {position + 1} is no call: {line[:120]!r}")
            pid = int(found.group(1))
            if found.group(4) and line.rstrip("\n").endswith(_UNFINISHED):
                begun = found.group(5).removesuffix(_UNFINISHED)
                open_calls[pid] = (found.group(4), begun, position)
                continue
            if found.group(4):
                name, text, began = found.group(4), found.group(5), position
            else:
                name, text, began = open_calls.pop(pid)
                text += found.group(3)
            result = _RESULT.match(text)
            if result is None:
                continue
            number = result.group(2)
            yield Call(pid, name, result.group(1), began, position, None if number == "?" else int(number, 0))
    for pid, (name, text, began) in open_calls.items():
        yield Call(pid, name, text, began, 1 << 60, None)


def _plain(text: str) -> str:
    if not text.startswith("\\x"):
        return text
    # A device's number stands behind its name, in brackets of its own.
    return bytes.fromhex(text.partition("<")[0].replace("\\x", "")).decode("utf-8", "surrogateescape")
