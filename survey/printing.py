"""Printers with what they need: the bundled templates, the sentences and the fonts of a package."""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from analysis.scorecards.html import Writer
from survey.compiled_templates import CompiledOnce
from survey.resources import bundled_dir
from survey.texts import LANGUAGES, Catalogue, Translate, install_filters

if TYPE_CHECKING:
    # The PDF engine is imported by who prints: pages of the web are written without it.
    from analysis.scorecards.render import Printer

FONT_FILES = ("BeVietnamPro-Regular.ttf", "BeVietnamPro-SemiBold.ttf")
_COMPILED = CompiledOnce()


# What scorecards share with pages, and what reports of the whole round add to them.
_SHARED = ("annex", "report")


def make_printer() -> "Printer":
    """A printer of scorecards, leagues, provincial summaries and method annexes. Making one takes about a second: keep
    it.
    """
    return _printer("scorecard", shared=_SHARED)


def make_writer() -> Writer:
    """A writer of the same documents as HTML, which needs no PDF engine."""
    return Writer(_environment("scorecard", _SHARED))


def make_slip_printer() -> "Printer":
    """A printer of slips and stands."""
    return _printer("slips")


# The hints of a question and the notice are those of the citizen's page.
_OF_FORMS = ("citizen",)


def make_form_printer() -> "Printer":
    """A printer of forms that are answered on paper."""
    return _printer("forms", _OF_FORMS)


def form_texts(language: str) -> Translate:
    """The sentences of forms on paper in one language."""
    templates = bundled_dir("templates")
    return Catalogue.load(*(templates / name for name in ("forms", *_OF_FORMS))).translator(language)


def _printer(area: str, shared: Sequence[str] = ()) -> "Printer":
    from analysis.scorecards.render import Printer

    sheets = [bundled_dir("templates") / name / f"{name}.css" for name in (area, *shared)]
    stylesheet = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
    return Printer(_environment(area, shared), bundled_fonts(), stylesheet)


def _environment(area: str, shared: Sequence[str]) -> jinja2.Environment:
    templates = bundled_dir("templates")
    return printing_environment(templates / area, *(templates / name for name in shared))


def rendering_versions() -> dict[str, str]:
    """The versions of everything that decides how a page looks, for the manifest of an edition."""
    from analysis.scorecards.render import engine_versions

    return {**engine_versions(), "be-vietnam-pro": importlib.metadata.version("fontpkg-be-vietnam-pro")}


def printing_environment(folder: Path, *shared: Path) -> jinja2.Environment:
    """The Jinja environment of printed pages: everything escaped, and an unknown name stops the page.

    Templates of a `shared` folder, which pages use too, are called by its name: `annex/sections.html.jinja`.
    """
    prefixed = {other.name: jinja2.FileSystemLoader(other) for other in shared}
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), jinja2.PrefixLoader(prefixed)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
    )
    install_filters(environment)
    catalogue = Catalogue.load(folder, *shared)
    environment.globals["texts"] = {language: catalogue.translator(language) for language in LANGUAGES}
    return environment


def bundled_fonts() -> dict[str, bytes | Path]:
    """The font files of printed pages, by file name, from the package that carries them."""
    import fontpkg_be_vietnam_pro

    return {name: Path(fontpkg_be_vietnam_pro.ROOT) / "files" / name for name in FONT_FILES}
