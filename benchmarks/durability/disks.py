"""A disk that loses what was not synced: the files of a traced server as a power cut may leave them.

Each file has what was synced, and the changes since. What a cut leaves of those changes is drawn at random: nothing,
all but a last torn write, any of them, or any sector of any of them. A name that was made, moved or removed is kept
only when its folder was synced since; of the later changes of names the first few are kept, in their order, as file
systems with a journal keep them.
"""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from benchmarks.durability.syncs import SYNCS, WRITES
from benchmarks.durability.traces import Call

SECTOR = 512

Loss = Literal["everything", "a torn end", "some writes", "some sectors"]
LOSSES: tuple[Loss, ...] = ("everything", "a torn end", "some writes", "some sectors")


@dataclass(slots=True)
class Write:
    """Bytes that were written at a place, and between which positions of the record."""

    offset: int
    content: bytes
    ended: int


@dataclass(slots=True)
class Resize:
    """A file that was cut or lengthened to a size."""

    size: int
    ended: int


@dataclass(slots=True)
class FileOnDisk:
    """A file: what is certain of it, and what came after."""

    certain: bytearray
    later: list[Write | Resize] = field(default_factory=list)
    is_touched: bool = False

    def sync(self, began: int) -> None:
        """Everything that had ended when the sync began is certain now."""
        kept = []
        for change in self.later:
            if change.ended < began:
                _apply(self.certain, change)
            else:
                kept.append(change)
        self.later = kept

    def size(self) -> int:
        """The size as the running system sees it."""
        size = len(self.certain)
        for change in self.later:
            size = change.size if isinstance(change, Resize) else max(size, change.offset + len(change.content))
        return size

    def after_cut(self, loss: Loss, chance: random.Random) -> bytes:
        """What a power cut may leave of it."""
        content = bytearray(self.certain)
        if loss == "everything":
            return bytes(content)
        for number, change in enumerate(self.later):
            is_last = number == len(self.later) - 1
            if isinstance(change, Resize):
                if loss == "a torn end" or chance.random() < 0.5:
                    _apply(content, change)
            elif loss == "some sectors" or (loss == "a torn end" and is_last):
                for start in range(0, len(change.content), SECTOR):
                    if chance.random() < 0.5:
                        piece = change.content[start : start + SECTOR]
                        _apply(content, Write(change.offset + start, piece, change.ended))
            elif loss == "a torn end" or chance.random() < 0.5:
                _apply(content, change)
        return bytes(content)


class Disk:
    """The folder that a traced server worked in, call by call, beginning with a copy of it from before."""

    def __init__(self, folder: Path, before: Path, ignored: Callable[[str], bool]) -> None:
        self._folder, self._before, self._ignored = str(folder), before, ignored
        self._files: dict[str, FileOnDisk | None] = {}
        self._certain_names: dict[str, FileOnDisk | None] = {}
        self._name_changes: list[tuple[str, FileOnDisk | None, int]] = []
        self._offsets: dict[tuple[int, int], int] = {}
        opening = dict.fromkeys(("openat", "open", "creat"), self._open)
        naming = dict.fromkeys(
            ("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat"), self._change_names
        )
        sizing = {"ftruncate": self._ftruncate, "fallocate": self._fallocate, "lseek": self._lseek}
        self._others: dict[str, Callable[[Call], None]] = {**opening, **naming, **sizing}

    def apply(self, call: Call) -> None:
        """What one call did; raises ValueError for one that this disk does not know."""
        if call.result is None or call.result < 0:
            return
        if call.name in WRITES:
            self._write(call)
        elif call.name in SYNCS:
            self._sync(call)
        elif call.name in self._others:
            self._others[call.name](call)
        elif not call.name.startswith(("send", "recv", "mkdir", "rmdir")):
            raise ValueError(f"{call.name} is a call that this disk does not know")

    def after_cut(self, target: Path, loss: Loss, chance: random.Random) -> None:
        """Write into `target` the folder as a power cut at this moment may leave it."""
        shutil.copytree(self._before, target, symlinks=True)
        kept = 0 if loss == "everything" else chance.randint(0, len(self._name_changes))
        names = self._certain_names | {name: file for name, file, _ in self._name_changes[:kept]}
        for name in self._files.keys() | names.keys():
            place = target / name
            file = names[name] if name in names else self._files[name]
            if file is None and place.is_file():
                place.unlink()
            elif file is not None and (file.is_touched or name in names):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.after_cut(loss, chance))

    def _name(self, path: str) -> str | None:
        if not path.startswith(f"{self._folder}/"):
            return None
        name = path[len(self._folder) + 1 :]
        return None if self._ignored(name) else name

    def _file(self, name: str) -> FileOnDisk | None:
        if name not in self._files:
            original = self._before / name
            self._files[name] = FileOnDisk(bytearray(original.read_bytes())) if original.is_file() else None
        return self._files[name]

    def _existing(self, name: str, call: Call) -> FileOnDisk:
        file = self._file(name)
        if file is None:
            raise ValueError(f"{call.name} of {name}, which is not there")
        file.is_touched = True
        return file

    def _rebind(self, name: str, file: FileOnDisk | None, ended: int) -> None:
        self._file(name)
        if name not in self._certain_names:
            self._certain_names[name] = self._files[name]
        self._files[name] = file
        self._name_changes.append((name, file, ended))

    def _open(self, call: Call) -> None:
        words = call.arguments
        texts = call.texts()
        if not texts:
            return
        path = texts[-1].decode("utf-8", "surrogateescape")
        if not path.startswith("/"):
            path = str(PurePosixPath(call.target or self._folder) / path)
        name = self._name(path)
        self._offsets.pop((call.pid, call.result or 0), None)
        if name is None:
            return
        if self._file(name) is None and "O_CREAT" in words:
            self._rebind(name, FileOnDisk(bytearray(), is_touched=True), call.ended)
        file = self._file(name)
        if file is None:
            return
        if "O_TRUNC" in words and file.size():
            file.is_touched = True
            file.later.append(Resize(0, call.ended))
        self._offsets[call.pid, call.result or 0] = file.size() if "O_APPEND" in words else 0

    def _write(self, call: Call) -> None:
        name = self._name(call.target)
        if name is None or call.is_of_a_removed_file:
            return
        file = self._existing(name, call)
        content = b"".join(call.texts())[: call.result]
        if call.name in ("write", "writev"):
            key = (call.pid, call.descriptor)
            if key not in self._offsets:
                raise ValueError(f"{call.name} of {name} by a process that did not open it")
            offset = self._offsets[key]
            self._offsets[key] = offset + len(content)
        else:
            offset = call.numbers()[-1]
        file.later.append(Write(offset, content, call.ended))

    def _lseek(self, call: Call) -> None:
        if (call.pid, call.descriptor) in self._offsets:
            self._offsets[call.pid, call.descriptor] = call.result or 0

    def _ftruncate(self, call: Call) -> None:
        name = self._name(call.target)
        if name is not None and not call.is_of_a_removed_file:
            self._existing(name, call).later.append(Resize(call.numbers()[-1], call.ended))

    def _fallocate(self, call: Call) -> None:
        name = self._name(call.target)
        if name is None:
            return
        start, length = call.numbers()[-2:]
        file = self._existing(name, call)
        if start + length > file.size():
            file.later.append(Resize(start + length, call.ended))

    def _sync(self, call: Call) -> None:
        if call.target == self._folder:
            self._sync_names("", call.began)
            return
        name = self._name(call.target)
        if name is None:
            return
        if (self._before / name).is_dir():
            self._sync_names(name, call.began)
        elif not call.is_of_a_removed_file:
            self._existing(name, call).sync(call.began)

    def _sync_names(self, folder: str, began: int) -> None:
        kept = []
        for name, file, ended in self._name_changes:
            if ended < began and str(PurePosixPath(name).parent) == (folder or "."):
                self._certain_names[name] = file
            else:
                kept.append((name, file, ended))
        self._name_changes = kept

    def _change_names(self, call: Call) -> None:
        names = [self._name(self._absolute(text)) for text in call.texts()]
        if call.name.startswith("unlink"):
            if names and names[-1] is not None:
                self._rebind(names[-1], None, call.ended)
            return
        source, target = names[-2:]
        if source is not None and target is not None:
            self._rebind(target, self._file(source), call.ended)
            if call.name.startswith("rename"):
                self._rebind(source, None, call.ended)

    def _absolute(self, text: bytes) -> str:
        path = text.decode("utf-8", "surrogateescape")
        return path if path.startswith("/") else str(PurePosixPath(self._folder) / path)


def _apply(content: bytearray, change: Write | Resize) -> None:
    if isinstance(change, Resize):
        if change.size <= len(content):
            del content[change.size :]
        else:
            content.extend(bytes(change.size - len(content)))
        return
    if change.offset > len(content):
        content.extend(bytes(change.offset - len(content)))
    content[change.offset : change.offset + len(change.content)] = change.content
