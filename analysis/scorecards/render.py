"""Scorecards, leagues and method annexes as PDF: this module and `archival_pdf` alone know the PDF engine.

It is handed the Jinja environment, the fonts and the style sheet, and finds no files itself. A document that could not
be printed exactly as it was meant is refused: a missing letter, a strange font or a fetch of anything but our own fonts
is an error and never a page that looks almost right.
"""

import gc
import hashlib
import io
import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fontTools  # type: ignore[import-untyped]
import jinja2
import weasyprint
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from weasyprint import CSS
from weasyprint.text.ffi import pango
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from analysis.errors import AnalysisError
from analysis.scorecards.archival_pdf import write_archival_pdf
from analysis.scorecards.attached import Attached
from analysis.scorecards.cards import Scorecard
from analysis.scorecards.html import Document, Writer

__all__ = ["Attached", "Printer", "PrintingError", "engine_versions"]

_REFERENCE = re.compile(r"<use\b", re.IGNORECASE)


class PrintingError(AnalysisError):
    """A document that cannot be printed as it was meant; the message names the letter, the font or the address."""


@dataclass(frozen=True, slots=True)
class _Font:
    name: str
    data: bytes
    family: str
    letters: frozenset[int]


class Printer:
    """Prints the documents of any edition; the style sheet is parsed and the fonts are read once for all of them."""

    def __init__(self, environment: jinja2.Environment, fonts: Mapping[str, bytes | Path], stylesheet: str) -> None:
        """Reads the fonts and the style sheet.

        Arguments: environment, with the templates of the documents and the global `texts`, which maps a language to the
        function `t`; fonts, file name → TrueType file, which the style sheet names as `asset:<file name>`; stylesheet,
        CSS text.
        """
        self._writer = Writer(environment)
        self._fonts = {name: _read_font(name, source) for name, source in fonts.items()}
        self._letters = frozenset.intersection(*(font.letters for font in self._fonts.values()))
        self._fetcher = _AssetFetcher({name: font.data for name, font in self._fonts.items()})
        self._font_configuration = FontConfiguration()
        with self._without_complaints("the style sheet"):
            self._stylesheet = CSS(
                string=stylesheet,
                font_config=self._font_configuration,
                url_fetcher=self._fetcher,
                base_url="asset:",
            )

    def html(self, document: Document, language: str) -> str:
        """The document as HTML in one language: all text NFC, everything that comes from the edition escaped.

        A letter that the fonts lack is shown as `?`, so that one unit's odd name does not take its bloc along; only the
        unit's own scorecard is refused for it, with a PrintingError.
        """
        if isinstance(document, Scorecard):
            self._refuse_unknown_letters(unicodedata.normalize("NFC", document.member.name.in_language(language)))
        return self._with_known_letters(self._writer.html(document, language))

    def page(self, template: str, language: str, **values: object) -> str:
        """The HTML of any template of the environment, which finds `t`, `language` and these values in it.

        All text is NFC; a letter that the fonts lack is shown as `?`.
        """
        return self._with_known_letters(self._writer.page(template, language, **values))

    def pdf(self, html: str, attached: Sequence[Attached] = ()) -> bytes:
        """The PDF of a page made by `html`: the same page gives the same bytes, tagged after PDF/UA-1 and, with what is
        attached, to be kept after PDF/A-3a.

        Raises PrintingError when a letter is in none of the fonts, when another font than ours was embedded, when the
        page asks for anything but our fonts, when a drawing refers to another, or when the engine complains of anything
        at all.
        """
        self._refuse_unknown_letters(html)
        # A few lines of drawings that use each other in turn keep an engine busy for hours; ours never do.
        if _REFERENCE.search(html):
            raise PrintingError("found a drawing that uses another one, expected drawings of lines and numbers alone")
        base_fonts: set[str] = set()

        def note_fonts(_: Any, pdf: Any) -> None:
            entries = (entry for entry in pdf.objects if isinstance(entry, dict) and "BaseFont" in entry)
            base_fonts.update(_text(entry["BaseFont"]) for entry in entries)

        identifier = hashlib.sha256(html.encode())
        for one in attached:
            identifier.update(one.name.encode() + one.content)
        with self._without_complaints("the page"), _collecting_no_garbage():
            pdf = write_archival_pdf(
                html,
                attached,
                fetcher=self._fetcher,
                stylesheet=self._stylesheet,
                font_configuration=self._font_configuration,
                identifier=identifier.digest()[:16],
                finisher=note_fonts,
            )
        self._refuse_foreign_fonts(base_fonts)
        return pdf

    def _with_known_letters(self, html: str) -> str:
        return html.translate(dict.fromkeys((ord(letter) for letter in self._unknown_letters(html)), "?"))

    def _unknown_letters(self, text: str) -> list[str]:
        return sorted(letter for letter in set(text) if letter not in "\t\n\r" and ord(letter) not in self._letters)

    def _refuse_unknown_letters(self, text: str) -> None:
        unknown = self._unknown_letters(text)
        if unknown:
            listed = ", ".join(f"{letter!r} (U+{ord(letter):04X})" for letter in unknown[:5])
            raise PrintingError(
                f"found the letters {listed}, expected only letters that every font of the document has"
            )

    def _refuse_foreign_fonts(self, base_fonts: set[str]) -> None:
        families = tuple(font.family.replace(" ", "-") for font in self._fonts.values())
        for base_font in sorted(base_fonts):
            # /ABCDEF+Family or /ABCDEF+Family-Weight, with the six letters that mark a subset.
            _, _, name = base_font.partition("+")
            if not any(name == family or name.startswith(f"{family}-") for family in families):
                raise PrintingError(f"found the font {base_font}, expected only {', '.join(sorted(set(families)))}")

    @contextmanager
    def _without_complaints(self, place: str) -> Iterator[None]:
        listener = _Listener()
        logger = logging.getLogger("weasyprint")
        logger.addHandler(listener)
        self._fetcher.refused.clear()
        try:
            yield
        finally:
            logger.removeHandler(listener)
        if self._fetcher.refused:
            raise PrintingError(f"{place} asks for {self._fetcher.refused[0]}, expected nothing but its own fonts")
        if listener.complaints:
            raise PrintingError(f"{place} cannot be printed as it was meant: {listener.complaints[0]}")


def engine_versions() -> dict[str, str]:
    """The programs that decide how a page looks, with their versions: the same ones print the same bytes."""
    return {
        "weasyprint": weasyprint.__version__,
        "pango": ".".join(str(part) for part in _pango_version(pango.pango_version())),
        "fonttools": fontTools.version,
        "jinja2": jinja2.__version__,
    }


def _pango_version(number: int) -> tuple[int, int, int]:
    return number // 10000, number // 100 % 100, number % 100


class _AssetFetcher(URLFetcher):  # type: ignore[misc]
    """Hands out the fonts and what a page carries in itself; every other address is refused and remembered."""

    def __init__(self, assets: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)
        self._assets = assets
        self.refused: list[str] = []

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        scheme, _, name = url.partition(":")
        if scheme == "asset" and name in self._assets:
            return URLFetcherResponse(url, self._assets[name], {"Content-Type": "font/ttf"})
        if scheme == "data":
            return super().fetch(url, headers)
        self.refused.append(url)
        raise ValueError(f"{url} is not among the assets")


class _Listener(logging.Handler):
    """Collects what the engine would otherwise only log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.complaints: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.complaints.append(record.getMessage())


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """No search for cycles while a document is made: it would go over the whole of it again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_font(name: str, source: bytes | Path) -> _Font:
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
        font = TTFont(io.BytesIO(data))
    except (OSError, TTLibError) as problem:
        raise PrintingError(f"the font {name} cannot be read ({problem}), expected a TrueType file") from problem
    with font:
        return _Font(name, data, str(font["name"].getBestFamilyName()), frozenset(font.getBestCmap()))
