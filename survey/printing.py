"""Printers with what they need: the bundled templates, the sentences and the fonts of a package."""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import jinja2

from analysis.scorecards.render import Printer, engine_versions
from survey.resources import bundled_dir
from survey.texts import LANGUAGES, Catalogue, install_filters

FONT_FILES = ("BeVietnamPro-Regular.ttf", "BeVietnamPro-SemiBold.ttf")


def make_printer() -> Printer:
    """A printer of scorecards, leagues and method annexes. Making one takes about a second: keep it."""
    return _printer("scorecard", shared=("annex",))


def make_slip_printer() -> Printer:
    """A printer of slips and stands."""
    return _printer("slips")


def _printer(area: str, shared: Sequence[str] = ()) -> Printer:
    folder = bundled_dir("templates") / area
    stylesheet = (folder / f"{area}.css").read_text(encoding="utf-8")
    environment = printing_environment(folder, *(bundled_dir("templates") / name for name in shared))
    return Printer(environment, bundled_fonts(), stylesheet)


def rendering_versions() -> dict[str, str]:
    """The versions of everything that decides how a page looks, for the manifest of an edition."""
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
    )
    install_filters(environment)
    catalogue = Catalogue.load(folder, *shared)
    environment.globals["texts"] = {language: catalogue.translator(language) for language in LANGUAGES}
    return environment


def bundled_fonts() -> dict[str, bytes | Path]:
    """The font files of printed pages, by file name, from the package that carries them."""
    import fontpkg_be_vietnam_pro

    return {name: Path(fontpkg_be_vietnam_pro.ROOT) / "files" / name for name in FONT_FILES}
