"""What changed between two rounds: archives, successions and a mix of channels in, tables out."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.archive import read_archive
from analysis.release.changes import change_rows, pooled_rows
from analysis.release.lineage import Succession
from analysis.release.round_pairs import Registry
from analysis.release.row_files import rows_to_csv
from analysis.release.rows import ChangeRow, PooledRow
from analysis.sealed_folders import replace_files
from survey.errors import BadInput
from survey.plain_files import read_plain_file
from survey.unit_files import read_succession, read_units

CHANGES_CSV, POOLED_CSV = "changes.csv", "pooled.csv"
LARGEST_MIX = 100_000
# The registry that comes with this copy.
SHIPPED = Path(__file__).parent / "demonstration" / "quang_ninh"


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows of a comparison of two rounds, and the file they were written into, if any."""

    rows: tuple[ChangeRow, ...] | tuple[PooledRow, ...]
    file: Path | None


def compare_rounds(
    earlier: Path,
    later: Path,
    *,
    succession: Path | None = None,
    mode_mix: Path | None = None,
    pool: bool = False,
    out: Path | None = None,
) -> Changes:
    """The changes from an archive to a later one or, with `pool`, the means of both; written into `out` where it is
    given.

    Without a succession file the one that comes with this copy is taken, and so is what lies above a unit. Raises
    BadInput or AnalysisError when an archive or a file is not what it should be; nothing is written then.
    """
    if pool and mode_mix is not None:
        raise BadInput(f"{mode_mix}: found a mix of channels beside --pool, expected it with changes only")
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput(f"{out}: found a file, expected a folder or nothing")
    registry = read_registry(succession)
    mix = None if mode_mix is None else read_mode_mix(mode_mix)
    first, second = read_archive(earlier), read_archive(later)
    if pool:
        pooled = pooled_rows(first, second, registry)
        return Changes(tuple(pooled), _written(out, POOLED_CSV, rows_to_csv(pooled, PooledRow)))
    changed = change_rows(first, second, registry, mix)
    return Changes(tuple(changed), _written(out, CHANGES_CSV, rows_to_csv(changed, ChangeRow)))


def read_registry(succession: Path | None = None) -> Registry:
    """The successions of a file, or those that come with this copy, and what lies above each unit."""
    rows = read_succession(SHIPPED / "succession.csv" if succession is None else succession)
    found = (Succession(r.predecessor_code, r.successor_code, r.effective_date, r.relation) for r in rows)
    parents = {unit.code: unit.parent_code for unit in read_units(SHIPPED / "units.csv") if unit.parent_code}
    return Registry(tuple(found), parents)


def read_mode_mix(path: Path) -> Mapping[str, float]:
    """The share of each channel in a CSV file with the columns channel and share; the shares add up to 1.

    Raises BadInput with the file, the line, what was found and what was expected.
    """
    try:
        lines = list(csv.reader(io.StringIO(read_plain_file(path, LARGEST_MIX).decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as complaint:
        raise BadInput(f"{path}: found no CSV in UTF-8 ({complaint}), expected channels and shares") from None
    if not lines or [cell.strip() for cell in lines[0]] != ["channel", "share"]:
        raise BadInput(
            f"{path}, line 1: found {','.join(lines[0])[:80] if lines else 'nothing'}, expected channel,share"
        )
    mix: dict[str, float] = {}
    for number, line in enumerate(lines[1:], start=2):
        channel, share = (line[0].strip(), _share(line[1])) if len(line) == 2 else ("", None)
        if not channel or channel in mix or share is None:
            found = ",".join(line)[:80]
            raise BadInput(
                f"{path}, line {number}: found {found!r}, expected a channel of its own and a share from 0 to 1"
            )
        mix[channel] = share
    if abs(sum(mix.values()) - 1) > 1e-6:
        raise BadInput(f"{path}: found shares that add up to {sum(mix.values()):g}, expected 1")
    return mix


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _written(out: Path | None, name: str, table: bytes) -> Path | None:
    if out is None:
        return None
    replace_files(out, {name: table})
    return out / name
