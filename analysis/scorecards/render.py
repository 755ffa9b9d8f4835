"""Scorecards, leagues and method annexes as HTML and as PDF: the only module that knows the PDF engine.

It is handed the Jinja environment, the fonts and the style sheet, and finds no files itself. A document that could not
be printed exactly as it was meant is refused: a missing letter, a strange font or a fetch of anything but our own fonts
is an error and never a page that looks almost right.
"""

import hashlib
import io
import logging
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fontTools  # type: ignore[import-untyped]
import jinja2
import weasyprint
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from weasyprint import CSS, HTML
from weasyprint.text.ffi import pango
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from analysis.errors import AnalysisError
from analysis.scorecards import charts, drawing, layout
from analysis.scorecards.annex import Annex
from analysis.scorecards.content import League, Scorecard, is_equally_weighted

_PDF_VARIANT = "pdf/ua-1"
_TEMPLATES: Mapping[type, str] = {Scorecard: "scorecard", League: "league", Annex: "method"}


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
        self._environment = environment
        self._texts: Mapping[str, Callable[..., str]] = environment.globals["texts"]  # type: ignore[assignment]
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

    def html(self, document: Scorecard | League | Annex, language: str) -> str:
        """The document as HTML in one language: all text NFC, everything that comes from the edition escaped.

        A letter that the fonts lack is shown as `?`, so that one unit's odd name does not take its bloc along; only the
        unit's own scorecard is refused for it, with a PrintingError.
        """
        name = _TEMPLATES[type(document)]
        if isinstance(document, Scorecard):
            self._refuse_unknown_letters(unicodedata.normalize("NFC", document.member.name.in_language(language)))
        questionnaire = document.edition.questionnaire
        index_name = "" if questionnaire.index is None else questionnaire.index.short_label.in_language(language)
        return self.page(
            f"{name}.html.jinja",
            language,
            card=document,
            edition=document.edition,
            is_equally_weighted=is_equally_weighted(questionnaire, document.edition.profile),
            is_several=questionnaire.rates_several_units,
            index_name=index_name,
            charts=charts,
            drawing=drawing,
            layout=layout,
        )

    def page(self, template: str, language: str, **values: object) -> str:
        """The HTML of any template of the environment, which finds `t`, `language` and these values in it.

        All text is NFC; a letter that the fonts lack is shown as `?`.
        """
        html = self._environment.get_template(template).render(language=language, t=self._texts[language], **values)
        # Piece by piece: a name that begins with a combining stroke must not melt into the end of the tag before it.
        html = ">".join(unicodedata.normalize("NFC", piece) for piece in html.split(">"))
        return html.translate(dict.fromkeys((ord(letter) for letter in self._unknown_letters(html)), "?"))

    def pdf(self, html: str) -> bytes:
        """The PDF of a page made by `html`: the same page gives the same bytes, tagged after PDF/UA-1.

        Raises PrintingError when a letter is in none of the fonts, when another font than ours was embedded, when the
        page asks for anything but our fonts, or when the engine complains of anything at all.
        """
        self._refuse_unknown_letters(html)
        base_fonts: set[str] = set()

        def note_fonts(_: Any, pdf: Any) -> None:
            entries = (entry for entry in pdf.objects if isinstance(entry, dict) and "BaseFont" in entry)
            base_fonts.update(_text(entry["BaseFont"]) for entry in entries)

        target = io.BytesIO()
        with self._without_complaints("the page"):
            HTML(string=html, url_fetcher=self._fetcher, base_url="asset:").write_pdf(
                target,
                stylesheets=[self._stylesheet],
                font_config=self._font_configuration,
                pdf_variant=_PDF_VARIANT,
                pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
                finisher=note_fonts,
            )
        self._refuse_foreign_fonts(base_fonts)
        return target.getvalue()

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


def _read_font(name: str, source: bytes | Path) -> _Font:
    data = source.read_bytes() if isinstance(source, Path) else source
    with TTFont(io.BytesIO(data)) as font:
        return _Font(name, data, str(font["name"].getBestFamilyName()), frozenset(font.getBestCmap()))
