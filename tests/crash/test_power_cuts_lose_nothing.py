"""Criteria 6 and 7 in small: acknowledgements come after their own sync, and power cuts lose none of them."""

import random
from pathlib import Path

import pytest

from benchmarks.durability.disks import Disk, FileOnDisk, Resize, Write
from benchmarks.durability.powercuts import record_and_cut
from benchmarks.durability.rounds import EngineName
from benchmarks.durability.traces import Call

CHANCE = random.Random(1)  # noqa: S311 - repeatable, and no secret


@pytest.mark.slow
def test_every_acknowledgement_has_a_sync_of_its_own_and_outlives_a_power_cut(engine_name: EngineName) -> None:
    recorded = record_and_cut(
        engine_name, n_submissions=24, n_cuts=4 if engine_name == "sqlite" else 2, seed=6, workers=1
    )
    assert recorded.synced.n_acknowledged == 24
    assert recorded.synced.unsynced == ()
    assert [cut.verdict.words() for cut in recorded.cuts if not cut.is_sound] == []
    # The same record without its syncs: a server that did not sync would be found out.
    assert recorded.control.verdict.lost


def call(name: str, arguments: str, at: int, result: int = 0) -> Call:
    return Call(1, name, arguments, at, at, result)


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def test_a_disk_keeps_what_was_synced_and_loses_what_was_not(tmp_path: Path) -> None:
    before, folder = tmp_path / "before", tmp_path / "folder"
    before.mkdir()
    (before / "log").write_bytes(b"old")
    disk = Disk(folder, before, lambda name: False)
    file = f"3<{hexed(str(folder / 'log'))}>"
    disk.apply(call("pwrite64", f'{file}, "{hexed("synced")}", 6, 0', 1, 6))
    disk.apply(call("fdatasync", file, 2))
    disk.apply(call("pwrite64", f'{file}, "{hexed("later")}", 5, 6', 3, 5))
    place = f"AT_FDCWD<{hexed(str(folder))}>"
    disk.apply(call("openat", f'{place}, "{hexed(str(folder / "new"))}", O_RDWR|O_CREAT, 0600', 4, 5))
    disk.after_cut(tmp_path / "after", "everything", CHANCE)
    assert (tmp_path / "after" / "log").read_bytes() == b"synced"
    assert not (tmp_path / "after" / "new").exists()
    disk.apply(call("fsync", f"6<{hexed(str(folder))}>", 5))
    disk.after_cut(tmp_path / "later", "everything", CHANCE)
    assert (tmp_path / "later" / "new").read_bytes() == b""


def test_a_write_that_overlaps_a_sync_is_not_certain() -> None:
    file = FileOnDisk(bytearray(b"....."))
    file.later = [Write(0, b"ab", 3), Write(2, b"cd", 8), Resize(4, 9)]
    file.sync(5)
    assert file.after_cut("everything", CHANCE) == b"ab..."
    assert file.size() == 4


def test_an_unknown_call_stops_the_disk_instead_of_being_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="copy_file_range"):
        Disk(tmp_path, tmp_path, lambda name: False).apply(call("copy_file_range", "3<\\x61>", 1, 5))
