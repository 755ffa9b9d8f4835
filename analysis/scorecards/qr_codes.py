"""A QR code as the path of one drawing."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class QrCode:
    """The modules of a code with the quiet zone around them: `path` has a stroke of width 1 for each run of a row."""

    n_modules: int
    path: str


@lru_cache(maxsize=256)
def qr_code(address: str, quiet_zone: int = 2) -> QrCode:
    """The code of an address, readable when a seventh of it is damaged (level M)."""
    import segno

    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix]
    steps = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            start = x
            while x < len(row) and row[x]:
                x += 1
            steps.append(f"M{start + quiet_zone} {y + quiet_zone + 0.5}h{x - start}")
    return QrCode(len(rows) + 2 * quiet_zone, "".join(steps))
