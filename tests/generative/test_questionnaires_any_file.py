"""Whatever a file holds, the reader gives a questionnaire or complaints with places.

What the reader takes, the published schema takes too.
"""

import json
from importlib.resources import files

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.errors import QuestionnaireError
from questionnaires.reading import parse_questionnaire
from support.questionnaire_files import behaviour_source

pytestmark = pytest.mark.slow

SCHEMA = jsonschema.Draft202012Validator(json.loads(files("questionnaires").joinpath("schema.json").read_text("utf-8")))
GOOD_FILES = [
    behaviour_source(name).splitlines(keepends=True)
    for name in ("everything", "several_units", "standardised", "bands")
]
SIGNS = [b"{", b"}", b"[", b"]", b": ", b"- ", b"? ", b"|", b">", b"'", b'"', b"#", b"@", b"`", b"\n", b"\n  ", b"\t"]
WORDS = [b"null", b"yes", b"1e9", b".nan", b"0x1F", b"2020-01-01", b"12:30:45", b"name", b"sections", b"items"]
DANGERS = [b"&a ", b"*a", b"!!int ", b"<<: ", b"---\n", b"%YAML 1.2\n", b"\xff", b"\xe1\xbb\xad", b'"\\UFFFFFFFF"']
YAML_PIECES = SIGNS + WORDS + DANGERS


def reads_or_complains(source: bytes) -> bool:
    """True when it reads."""
    refusal = None
    try:
        parse_questionnaire(source, "form.yaml")
    except QuestionnaireError as error:
        refusal = error
    if refusal is not None:
        n_lines = source.count(b"\n") + source.count(b"\r") + 2
        assert refusal.complaints
        assert "\n" not in str(refusal)
        for complaint in refusal.complaints:
            assert 1 <= complaint.line <= n_lines
            assert str(complaint).startswith(f"form.yaml:{complaint.line}: ")
    return refusal is None


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes(source: bytes):
    reads_or_complains(source)


@given(st.lists(st.sampled_from(YAML_PIECES), max_size=40).map(b"".join))
@settings(max_examples=150, deadline=None)
def test_any_pieces_of_yaml(source: bytes):
    reads_or_complains(source)


@given(
    st.sampled_from(GOOD_FILES),
    st.integers(0, 99),
    st.sampled_from(["drop", "repeat", "swap", "insert", "cut"]),
    st.sampled_from(YAML_PIECES),
)
@settings(max_examples=250, deadline=None)
def test_any_damage_to_a_good_file(good: list[bytes], place: int, damage: str, piece: bytes):
    lines = list(good)
    place %= len(lines)
    line = lines[place]
    lines[place] = {
        "drop": b"",
        "repeat": line * 2,
        "swap": lines[place - 1],
        "insert": line[: len(line) // 2] + piece + line[len(line) // 2 :],
        "cut": line.split(b":")[0] + b": " + piece + b"\n",
    }[damage]
    source = b"".join(lines)
    if reads_or_complains(source):
        assert SCHEMA.is_valid(yaml.safe_load(source))
