"""Every sentence of the office, the portal and the public pages is used, and every sentence they use is there."""

import re

import pytest

from survey.resources import bundled_dir
from survey.texts import Catalogue
from survey.web.pages import SHARED_FOLDERS

WEB = bundled_dir("templates").parent / "survey" / "web"
# A key in quotes, or the beginning of one that a value completes: t('state_' ~ round.state), f"kind_{kind}".
WHOLE = re.compile(r"""["']([a-z][a-z0-9_]*[a-z0-9])["']""")
BEGUN = re.compile(r"""["']([a-z][a-z0-9_]*_)(?:["'] ~|\{)""")
CALLED = re.compile(r"""\bt\(["']([a-z0-9_]*[a-z0-9])["'][,)]""")


USERS = {
    "verify": ("public",),
    "release": ("office",),
    "accounts": ("accounts", "office", "unit"),
    "office": ("office", *SHARED_FOLDERS["office"]),
    "unit": ("unit", "accounts"),
    # Parts of the office have folders of their own; their views stand below the office's.
    **{
        part: (part, "office", "accounts")
        for part in ("staff", "fieldwork", "analysis", "questionnaires", "setup", "frames", "tablets", "paper")
    },
}

# The phone beside the editor shows the citizens' sentences.
AS_CITIZENS_READ = (bundled_dir("templates") / "questionnaires" / "preview.html",)


def sources(area: str) -> tuple[str, str]:
    pages = sorted((bundled_dir("templates") / area).glob("*.html"))
    templates = "\n".join(path.read_text("utf-8") for path in pages if path not in AS_CITIZENS_READ)
    views = "\n".join(path.read_text("utf-8") for path in sorted((WEB / area).rglob("*.py")))
    return templates, views


@pytest.mark.parametrize("area", sorted({"public", *USERS}))
def test_every_sentence_is_used(area: str) -> None:
    text = "\n".join(part for user in USERS.get(area, (area,)) for part in sources(user))
    whole, begun = set(WHOLE.findall(text)), tuple(BEGUN.findall(text))
    catalogue = Catalogue.load(bundled_dir("templates") / area)
    assert [key for key in catalogue.sentences if key not in whole and not key.startswith(begun)] == []


@pytest.mark.parametrize("area", ["office", "unit", "public"])
def test_every_sentence_a_template_asks_for_is_there(area: str) -> None:
    templates = "\n".join(sources(folder)[0] for folder in (area, *SHARED_FOLDERS[area]))
    folders = ("components", area, *SHARED_FOLDERS[area])
    catalogue = Catalogue.load(*(bundled_dir("templates") / folder for folder in folders))
    asked = set(CALLED.findall(templates))
    assert len(asked) > 30
    assert asked - set(catalogue.sentences) == set()


def test_the_method_annex_uses_every_sentence_it_has_and_has_every_one_it_uses() -> None:
    folder = bundled_dir("templates") / "annex"
    templates = "".join(path.read_text("utf-8") for path in folder.glob("*.jinja"))
    around = (bundled_dir("templates") / "scorecard" / "method.html.jinja").read_text("utf-8")
    whole, begun = set(WHOLE.findall(templates + around)), tuple(BEGUN.findall(templates))
    keys = set(Catalogue.load(folder).sentences)
    assert {key for key in keys if key not in whole and not key.startswith(begun)} == set()
    assert {key for key in CALLED.findall(templates) if key.startswith("annex_")} - keys == set()
