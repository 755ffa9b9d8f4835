"""The processor time of a server with all processes that it started."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(root: int) -> float:
    """User and system seconds of a process, of its descendants, and of those that ended and were waited for."""
    ticks = 0
    for process in _tree(root):
        fields = _stat(process)
        if fields:
            # Own time and that of ended children: fields 14 to 17 of proc(5).
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def resident_megabytes(root: int) -> float:
    """The proportional memory of the tree: a page that several processes share is counted once."""
    total = 0
    for process in _tree(root):
        try:
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1024


def _tree(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += parents.get(process, [])
    return found


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces; none when the process is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
