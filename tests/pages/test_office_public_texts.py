"""Every sentence of the office and of the public pages is used, and every sentence they use is there."""

import re

import pytest

from survey.resources import bundled_dir
from survey.texts import Catalogue

WEB = bundled_dir("templates").parent / "survey" / "web"
# A key in quotes, or the beginning of one that a value completes: t('state_' ~ round.state), f"kind_{kind}".
WHOLE = re.compile(r"""["']([a-z][a-z0-9_]*[a-z0-9])["']""")
BEGUN = re.compile(r"""["']([a-z][a-z0-9_]*_)(?:["'] ~|\{)""")
CALLED = re.compile(r"""\bt\(["']([a-z0-9_]*[a-z0-9])["'][,)]""")


def sources(area: str) -> tuple[str, str]:
    templates = "\n".join(path.read_text("utf-8") for path in sorted((bundled_dir("templates") / area).glob("*.html")))
    views = "\n".join(path.read_text("utf-8") for path in sorted((WEB / area).glob("*.py")))
    return templates, views


@pytest.mark.parametrize("area", ["office", "public"])
def test_every_sentence_is_used(area: str) -> None:
    text = "\n".join(sources(area))
    whole, begun = set(WHOLE.findall(text)), tuple(BEGUN.findall(text))
    catalogue = Catalogue.load(bundled_dir("templates") / area)
    assert [key for key in catalogue.sentences if key not in whole and not key.startswith(begun)] == []


@pytest.mark.parametrize("area", ["office", "public"])
def test_every_sentence_a_template_asks_for_is_there(area: str) -> None:
    templates, _ = sources(area)
    catalogue = Catalogue.load(bundled_dir("templates") / "components", bundled_dir("templates") / area)
    asked = set(CALLED.findall(templates))
    assert len(asked) > 30
    assert asked - set(catalogue.sentences) == set()
