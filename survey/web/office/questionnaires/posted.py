"""The fields of a posted part, nested by their names: `options[0].label.vi` is a language of a label of an answer."""

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"[a-z_]+(\[[0-9]{1,3}\])?(\.[a-z_]+(\[[0-9]{1,3}\])?){0,4}")
_STEP = re.compile(r"[a-z_]+|[0-9]+")
# Fields that may come several times; of any other the last one counts.
SEVERAL = frozenset({"any_of", "languages"})


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields as dictionaries in each other; a name that no form of ours has is passed over."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            continue
        steps = _STEP.findall(name)
        place = root
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = place[step] = {}
            place = inner
        last = steps[-1]
        if last not in SEVERAL:
            place[last] = value
        elif isinstance(place.setdefault(last, []), list):
            place[last].append(value)
    return root
