"""What the expressions of an XLSForm say, as far as a questionnaire can say it: conditions on answers, and limits."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from questionnaires.draft_trees import Tree

_QUOTED = r"""['"‘’“”](?P<code>[^'"‘’“”]*)['"‘’“”]"""
_EQUAL = re.compile(rf"\$\{{\s*(?P<item>[^}}]+?)\s*\}}\s*(?P<sign>!?=)\s*(?:{_QUOTED}|(?P<bare>-?[0-9]+))")
_SELECTED = re.compile(
    rf"(?P<sign>not\s*\(\s*)?selected\s*\(\s*\$\{{\s*(?P<item>[^}}]+?)\s*\}}\s*,\s*{_QUOTED}\s*\)\s*\)?"
)
_LIMIT = re.compile(r"\.\s*(?P<sign>>=|<=|>|<)\s*(?P<number>-?[0-9]+(?:\.[0-9]+)?)")
_LENGTH = re.compile(r"string-length\s*\(\s*\.\s*\)\s*(?P<sign><=|<)\s*(?P<number>[0-9]+)")
_ALONE = re.compile(
    rf"not\s*\(\s*selected\s*\(\s*\.\s*,\s*{_QUOTED}\s*\)\s*and\s+count-selected\s*\(\s*\.\s*\)\s*>\s*1\s*\)"
)
# What only a file beside the form could answer.
OUTSIDE = re.compile(r"\b(pulldata|instance|search|once)\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a constraint says: ends of a number as typed, the longest text, answers that stand alone; the rest of it."""

    minimum: str = ""
    maximum: str = ""
    longest: str = ""
    alone: tuple[str, ...] = ()
    rest: str = ""


def condition_of(relevant: str, codes_of: Callable[[str], Sequence[str]]) -> Tree | None:
    """The condition that an expression is, None where a questionnaire cannot say it.

    :param relevant: such as "${came} = 'yes' or ${came} = 'later'".
    :param codes_of: the answers of an item by its name in the form, which "not this one" is taken from.
    """
    item, codes = "", []
    for part in re.split(r"\s+or\s+", _unwrapped(relevant), flags=re.IGNORECASE):
        found = _EQUAL.fullmatch(part.strip()) or _SELECTED.fullmatch(part.strip())
        if found is None or (item and found["item"] != item):
            return None
        item, groups = found["item"], found.groupdict()
        code = groups.get("code") or groups.get("bare") or ""
        if groups.get("sign") in (None, "="):
            codes.append(code)
            continue
        others = [one for one in codes_of(item) if one != code]
        if not others or " or " in relevant.lower():
            return None
        codes.extend(others)
    return {"item": item, "any_of": list(dict.fromkeys(codes))} if item and all(codes) else None


def limits_of(constraint: str, *, is_whole: bool = False) -> Limits:
    """What a constraint says of the answer; what a questionnaire cannot say is the `rest`."""
    found: dict[str, str] = {}
    rest = _unwrapped(constraint)
    alone = [match["code"] for match in _ALONE.finditer(rest)]
    rest = _ALONE.sub("", rest)
    for match in _LENGTH.finditer(rest):
        found["longest"] = str(int(match["number"]) - (match["sign"] == "<"))
    rest = _LENGTH.sub("", rest)
    for match in _LIMIT.finditer(rest):
        is_strict = match["sign"] in (">", "<")
        if is_strict and not is_whole:
            continue
        step = (1 if match["sign"] == ">" else -1) if is_strict else 0
        number = str(int(float(match["number"])) + step) if is_strict else match["number"]
        found["minimum" if match["sign"].startswith(">") else "maximum"] = number
        rest = rest.replace(match[0], "")
    rest = re.sub(r"\band\b|[()\s]", "", rest, flags=re.IGNORECASE)
    limits: Mapping[str, str] = found
    return Limits(limits.get("minimum", ""), limits.get("maximum", ""), limits.get("longest", ""), tuple(alone), rest)


def _unwrapped(expression: str) -> str:
    text = expression.strip()
    while text.startswith("(") and text.endswith(")") and _closes_at_the_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_the_end(text: str) -> bool:
    depth = 0
    for place, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return place == len(text) - 1
    return False
