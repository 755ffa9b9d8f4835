"""The printer of scorecards with what it needs: the bundled templates, the sentences and the fonts of a package."""

import importlib.metadata
from pathlib import Path

import jinja2

from analysis.scorecards.render import Printer, engine_versions
from survey.resources import bundled_dir
from survey.texts import LANGUAGES, Catalogue, install_filters

FONT_FILES = ("BeVietnamPro-Regular.ttf", "BeVietnamPro-SemiBold.ttf")


def make_printer() -> Printer:
    """A printer of scorecards and leagues in both languages. Making one takes about a second: keep it."""
    folder = bundled_dir("templates") / "scorecard"
    return Printer(
        scorecard_environment(folder), bundled_fonts(), (folder / "scorecard.css").read_text(encoding="utf-8")
    )


def rendering_versions() -> dict[str, str]:
    """The versions of everything that decides how a page looks, for the manifest of an edition."""
    return {**engine_versions(), "be-vietnam-pro": importlib.metadata.version("fontpkg-be-vietnam-pro")}


def scorecard_environment(folder: Path) -> jinja2.Environment:
    """The Jinja environment of the scorecards: everything escaped, and an unknown name stops the page."""
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
    """The font files of the scorecards, by file name, from the package that carries them."""
    import fontpkg_be_vietnam_pro

    return {name: Path(fontpkg_be_vietnam_pro.ROOT) / "files" / name for name in FONT_FILES}
