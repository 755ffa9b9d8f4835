"""Printers with what they need: the bundled templates, the sentences and the fonts of a package."""

import importlib.metadata
from pathlib import Path

import jinja2

from analysis.scorecards.render import Printer, engine_versions
from survey.resources import bundled_dir
from survey.texts import LANGUAGES, Catalogue, install_filters

FONT_FILES = ("BeVietnamPro-Regular.ttf", "BeVietnamPro-SemiBold.ttf")


def make_printer() -> Printer:
    """A printer of scorecards and leagues in both languages. Making one takes about a second: keep it."""
    return _printer("scorecard")


def make_slip_printer() -> Printer:
    """A printer of slips and stands."""
    return _printer("slips")


def _printer(area: str) -> Printer:
    folder = bundled_dir("templates") / area
    stylesheet = (folder / f"{area}.css").read_text(encoding="utf-8")
    return Printer(printing_environment(folder), bundled_fonts(), stylesheet)


def rendering_versions() -> dict[str, str]:
    """The versions of everything that decides how a page looks, for the manifest of an edition."""
    return {**engine_versions(), "be-vietnam-pro": importlib.metadata.version("fontpkg-be-vietnam-pro")}


def printing_environment(folder: Path) -> jinja2.Environment:
    """The Jinja environment of printed pages: everything escaped, and an unknown name stops the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install_filters(environment)
    catalogue = Catalogue.load(folder)
    environment.globals["texts"] = {language: catalogue.translator(language) for language in LANGUAGES}
    return environment


def bundled_fonts() -> dict[str, bytes | Path]:
    """The font files of printed pages, by file name, from the package that carries them."""
    import fontpkg_be_vietnam_pro

    return {name: Path(fontpkg_be_vietnam_pro.ROOT) / "files" / name for name in FONT_FILES}
