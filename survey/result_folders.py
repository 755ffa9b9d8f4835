"""Folders that results are written into: what is replaced there has to be ours."""

from pathlib import Path

from survey.analysing import WRITTEN
from survey.errors import BadInput
from survey.exporting import FORMATS

OWN_NAMES = frozenset(WRITTEN).union(*FORMATS.values())


def refuse_foreign(out: Path) -> None:
    """Raise BadInput when `out` holds a file that no analysis and no export writes.

    Results are replaced when they are written again. Beside files of somebody else, one of the same name may be theirs.
    """
    if not out.is_dir():
        return
    files = (path.name for path in out.iterdir() if path.is_file() and not path.name.startswith("."))
    foreign = sorted(name for name in files if name not in OWN_NAMES)
    if foreign:
        raise BadInput(
            f"{out}: found {foreign[0]!r}, which no analysis and no export writes, "
            "expected a new folder or one of theirs"
        )
