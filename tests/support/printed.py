"""Printed pages, looked at as a reader or a telephone does: rendered, and their QR codes decoded."""

import subprocess
from pathlib import Path

import numpy as np
import zxingcpp

DOTS_PER_INCH = 150


def qr_texts(pdf: bytes, folder: Path) -> list[list[str]]:
    """What the QR codes of each page say, sorted, as a decoder reads them from the rendered page."""
    source = folder / "printed.pdf"
    source.write_bytes(pdf)
    subprocess.run(["pdftoppm", "-gray", "-r", str(DOTS_PER_INCH), source, folder / "printed"], check=True, timeout=120)
    pages = sorted(folder.glob("printed-*.pgm"))
    found = [sorted(code.text for code in zxingcpp.read_barcodes(_greys(page))) for page in pages]
    for page in pages:
        page.unlink()
    return found


def inked_millimetres(pdf: bytes, folder: Path) -> list[np.ndarray]:
    """Which square millimetres of each page bear ink, as rows from the top: truth where anything is not white."""
    source = folder / "inked.pdf"
    source.write_bytes(pdf)
    # 25.4 × 4 dots an inch are four dots a millimetre.
    subprocess.run(["pdftoppm", "-gray", "-r", "101.6", source, folder / "inked"], check=True, timeout=120)
    pages = []
    for path in sorted(folder.glob("inked-*.pgm")):
        dots = _greys(path) < 250
        height, width = (side // 4 for side in dots.shape)
        pages.append(dots[: height * 4, : width * 4].reshape(height, 4, width, 4).any(axis=(1, 3)))
        path.unlink()
    return pages


def _greys(path: Path) -> np.ndarray:
    kind, size, _, dots = path.read_bytes().split(b"\n", 3)
    assert kind == b"P5"
    width, height = map(int, size.split())
    return np.frombuffer(dots, np.uint8).reshape(height, width)
