"""What is sent of styles and scripts: smaller than the source, and the same to a browser."""

from importlib import resources

import pytest
import tinycss2

from survey.web.static_files import FOREIGN, OVER, TOGETHER, small, static_files

STATIC = resources.files("survey.web").joinpath("static")
STYLES = sorted(entry.name for entry in STATIC.iterdir() if entry.name.endswith(".css"))


def written(style: str) -> str:
    """The style as its tokens, without comments and with one spelling of space."""
    rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
    assert not [rule for rule in rules if rule.type == "error"]
    return small("a.css", tinycss2.serialize(rules).encode()).decode()


@pytest.mark.parametrize("name", STYLES)
def test_a_style_that_is_sent_says_what_its_source_says(name: str) -> None:
    source, sent = STATIC.joinpath(name).read_text(encoding="utf-8"), static_files()[name].content.decode()
    assert written(source) == written(sent)
    assert len(sent) < len(source)
    assert "/*" not in sent
    assert "\n" not in sent


def test_a_space_that_means_something_is_kept() -> None:
    source = b'a :hover > b , i { color : red; content: ": ; {x}" ; margin: 0 -1px }\n/* why */\n.a .b { top: 0; }'
    assert small("a.css", source) == b'a :hover > b,i{color :red;content:": ; {x}";margin:0 -1px}.a .b{top:0}'


def test_scripts_lose_comments_and_indentation_alone() -> None:
    assert small("a.js", b'// why\nif (a) {\n  // how\n  b("// c");\n}\n') == b'if (a) {\nb("// c");\n}\n'
    (foreign,) = FOREIGN
    assert static_files()[foreign].content == STATIC.joinpath(foreign).read_bytes()


@pytest.mark.parametrize(("folder", "beneath"), OVER.items())
def test_a_folder_that_stands_over_another_has_its_files_in_place_of_the_others(folder: str, beneath: str) -> None:
    script, other = (static_files()[f"{name}.js"].content.decode() for name in (folder, beneath))
    own, theirs = (
        {entry.name: small(entry.name, entry.read_bytes()).decode() for entry in STATIC.joinpath(name).iterdir()}
        for name in (folder, beneath)
    )
    assert own.keys() & theirs.keys()
    for name, source in (theirs | own).items():
        assert source.strip() in script
        assert (source.strip() in other) == (name not in own)


@pytest.mark.parametrize(("name", "parts"), TOGETHER.items())
def test_what_a_page_needs_at_once_is_one_file(name: str, parts: tuple[str, ...]) -> None:
    files = static_files()
    assert files[name].content == b"".join(files[part].content for part in parts)
