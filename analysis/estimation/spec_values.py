"""Values of a specification read one by one, each refused with its place where it is not what is expected.

What is wrong raises SpecError: the place, what was found, what was expected.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.errors import SpecError


def mapping_of(value: Any, place: str) -> Mapping[str, Any]:
    """A value that has keys which are text."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise SpecError(f"{place}: found {shown(value)}, expected keys with values")
    return value


def known_keys(mapping: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    """Nothing, where every key is one of the known ones; SpecError with the first that is not."""
    for key in mapping:
        if key not in known:
            raise SpecError(f"{place}: found the unknown key {key}, expected one of {', '.join(known)}")


def names_at(mapping: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """A list of column names, one name or nothing, each name once."""
    value = mapping.get(key)
    listed = [] if value is None else value if isinstance(value, list) else [value]
    # R's formula ~1 is written as the number 1 by some hands.
    names = tuple(str(name) if key == "ids" and name in (0, 1) else name for name in listed)
    if not all(isinstance(name, str) and name for name in names):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected a list of column names")
    if len(set(names)) != len(names):
        raise SpecError(f"{place}.{key}: found a column twice in {shown(value)}, expected each once")
    return names


def some_names_at(mapping: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """At least one column name."""
    names = names_at(mapping, key, place)
    if not names:
        raise SpecError(f"{place}.{key}: found nothing, expected one column or more")
    return names


def name_at(mapping: Mapping[str, Any], key: str, place: str) -> str:
    """Exactly one column name."""
    names = names_at(mapping, key, place)
    if len(names) != 1:
        raise SpecError(f"{place}.{key}: found {shown(mapping.get(key))}, expected one column name")
    return names[0]


def text_at(mapping: Mapping[str, Any], key: str, place: str) -> str | None:
    """Text that is not empty, or None where the key is missing or null."""
    value = mapping.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected text or null")
    return value


def choice_at(mapping: Mapping[str, Any], key: str, place: str, choices: Sequence[str], default: str) -> str:
    """One of some words; the default where the key is missing or null."""
    value = mapping.get(key)
    if value is None:
        return default
    if value not in choices:
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected one of {', '.join(choices)}")
    return str(value)


def flag_at(mapping: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
    """True or false; the default where the key is missing or null."""
    value = mapping.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected true or false")
    return value


def number_at(mapping: Mapping[str, Any], key: str, place: str) -> float | None:
    """A finite number, or None where the key is missing or null."""
    value = mapping.get(key)
    if value is None:
        return None
    if not is_number(value):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected a number")
    return float(value)


def numbers_at(mapping: Mapping[str, Any], key: str, place: str) -> tuple[float, ...]:
    """A list of finite numbers, one number or nothing."""
    value = mapping.get(key)
    listed = [] if value is None else value if isinstance(value, list) else [value]
    if not all(is_number(number) for number in listed):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected numbers")
    return tuple(float(number) for number in listed)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, which truth is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """Whether a value is a finite number above 0."""
    return is_number(value) and value > 0


def shown(value: Any) -> str:
    """A value as JSON, cut to what fits into a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
