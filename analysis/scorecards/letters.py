"""How much room words take: widths of letters, and how many lines a text fills.

The PDF engine breaks lines itself; who plans a page has to know beforehand what it will do, and asking the engine would
mean to lay every page out twice. Widths are those of Be Vietnam Pro, in hundredths of the size of the letters.
"""

import unicodedata
from functools import lru_cache

# Letters by their width, Regular and SemiBold; a letter with marks is as wide as the one without, up to a hundredth.
_WIDTHS = {
    18: "'", 23: " `", 26: "il·", 27: "jI", 28: "!", 29: ".:", 30: ",;", 32: '"', 37: "“", 38: "1", 39: "fr", 41: "|”",
    43: "t{}", 44: "()", 46: "J[]", 47: "~", 50: "*/z\\", 51: "s", 56: "<>^kx", 57: "?nu≥", 58: "hvy×", 59: "7",
    60: "e", 61: "+-c", 62: "EL", 63: "8F", 65: "$PSago−", 66: "2Tbdpq", 67: "35YZ÷", 68: "BR", 69: "069K–", 70: "_",
    71: "4HV", 72: "UX", 73: "=DN…", 74: "&A", 78: "CG", 81: "#", 82: "Q", 83: "O", 85: "%M", 87: "w", 89: "m",
    100: "@W",
}  # fmt: skip
_WIDTH_OF = {letter: width / 100 for width, letters in _WIDTHS.items() for letter in letters}
_WIDEST_MARKED = {"đ": 0.67, "Đ": 0.79, "ơ": 0.65, "Ơ": 0.83, "ư": 0.58, "Ư": 0.74}
_UNKNOWN = 0.7
_SEMI_BOLD = 1.035


def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """How wide a text is on one line, in points; a little more rather than less."""
    return sum(_letter_width(letter) for letter in text) * size * (_SEMI_BOLD if is_bold else 1.0)


def n_lines(text: str, width: float, size: float, *, is_bold: bool = False) -> int:
    """How many lines of `width` points the words of a text fill, one at least. A word wider than a line is broken."""
    space, lines, filled = text_width(" ", size, is_bold=is_bold), 1, 0.0
    for word in text.split():
        needed = text_width(word, size, is_bold=is_bold)
        if filled and filled + space + needed > width:
            lines, filled = lines + 1, 0.0
        filled += needed + (space if filled else 0.0)
        if filled > width:
            lines, filled = lines + int(filled // width), filled % width
    return lines


def clipped(text: str, width: float, size: float, *, most_lines: int = 2) -> str:
    """The text as it is where it fills at most so many lines, otherwise as many of its words as do, and an ellipsis."""
    if n_lines(text, width, size, is_bold=True) <= most_lines:
        return text
    words = text.split()
    while len(words) > 1 and n_lines(f"{' '.join(words)}…", width, size, is_bold=True) > most_lines:
        words.pop()
    return f"{' '.join(words).rstrip(',;:')}…"


@lru_cache(maxsize=2048)
def _letter_width(letter: str) -> float:
    base = unicodedata.normalize("NFD", letter)[:1]
    known = _WIDEST_MARKED.get(letter) or _WIDTH_OF.get(letter) or _WIDTH_OF.get(base)
    return _UNKNOWN if known is None else known + (0.01 if base != letter else 0.0)
