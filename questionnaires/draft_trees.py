"""A questionnaire that is still being written: its fields as they were typed, whether they fit or not.

A draft is a tree of plain dictionaries, lists, texts and truth values, so that it can be kept as JSON. It has the keys
of a questionnaire's file, with these differences: numbers are texts as somebody typed them; every part that is edited
by itself (section, item, scale, factor, profile) has an `id` that survives moving and renaming; `scales` are a list.
Functions here change the tree that they are given.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from questionnaires.marked_yaml import is_foreign
from questionnaires.model import LANGUAGES
from questionnaires.spelling import CODE

Tree = dict[str, Any]

LONGEST_TYPED = 2000
# The parts that have no id of their own, by the name that their address has.
ABOUT, INDEX = "about", "index"
_LONGEST_MADE_CODE = 24


def empty_text() -> Tree:
    """A text in no language yet."""
    return dict.fromkeys(LANGUAGES, "")


def empty_tree() -> Tree:
    """A draft with nothing in it."""
    return {
        "next_id": 1,
        "name": "",
        "version": "",
        "languages": list(LANGUAGES),
        "title": empty_text(),
        "model_name": "",
        "about": empty_text(),
        "most_units": "",
        "scales": [],
        "sections": [],
        "index": None,
        "profiles": [],
        "default_profile": "",
    }


def empty_item() -> Tree:
    """A question of which nothing is known yet but that one answer is chosen."""
    return {
        "code": "",
        "kind": "single",
        "text": empty_text(),
        "hint": empty_text(),
        "required": False,
        "not_applicable": False,
        "dont_know": False,
        "scale": "",
        "options": [],
        "minimum": "",
        "maximum": "",
        "whole": False,
        "bands": "",
        "longest": "",
        "show_if": None,
    }


def empty_section() -> Tree:
    """A section without a question."""
    return {"code": "", "title": empty_text(), "intro": empty_text(), "per_unit": False, "show_if": None, "items": []}


def empty_option() -> Tree:
    """An answer without words."""
    return {"code": "", "value": "", "label": empty_text(), "exclusive": False}


def empty_scale() -> Tree:
    """A scale without answers."""
    return {"code": "", "options": []}


def empty_node() -> Tree:
    """What a factor and a criterion have in common."""
    return {"code": "", "label": empty_text(), "short_label": empty_text(), "weight": "1", "source": our_source()}


def empty_factor() -> Tree:
    """A factor without a criterion."""
    return {**empty_node(), "source": None, "criteria": []}


def empty_criterion() -> Tree:
    """A criterion that names no question yet."""
    return {**empty_node(), "item": "", "hard": "", "reversed": False}


def empty_profile() -> Tree:
    """A scoring rule: the mean from 0 to 100."""
    return {
        "name": "",
        "label": empty_text(),
        "formula": "rescaled",
        "threshold": "",
        "points": "",
        "hard": False,
        "same_extremes": "",
        "bands": [],
        "confirmed": False,
        "source": our_source(),
    }


def our_source() -> Tree:
    """The source of what is our own."""
    return {"ours": True, "document": "", "page": ""}


def with_id(tree: Tree, part: Tree) -> Tree:
    """The part with an id that no other part of the tree has had."""
    number = int(tree["next_id"])
    tree["next_id"] = number + 1
    return {"id": f"p{number}", **part}


def clean(typed: str) -> str:
    """What was typed, as it is kept: composed letters on one line, without what nobody can see; at most 2,000."""
    composed = unicodedata.normalize("NFC", typed[: 2 * LONGEST_TYPED])
    seen = "".join(" " if letter in "\t\n\r\v\f\xa0" else letter for letter in composed)
    return " ".join("".join(letter for letter in seen if not is_foreign(letter)).split(" ")).strip()[:LONGEST_TYPED]


def items_of(tree: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Every item with its section, in order."""
    for section in tree["sections"]:
        for item in section["items"]:
            yield section, item


def parts_of(tree: Tree) -> Iterator[tuple[str, list[Tree], Tree]]:
    """Every part that has an id: its kind ("section", "item", "scale", "factor", "profile"), its list, and itself."""
    for section in tree["sections"]:
        yield "section", tree["sections"], section
        for item in section["items"]:
            yield "item", section["items"], item
    for scale in tree["scales"]:
        yield "scale", tree["scales"], scale
    for factor in tree["index"]["factors"] if tree["index"] else ():
        yield "factor", tree["index"]["factors"], factor
    for profile in tree["profiles"]:
        yield "profile", tree["profiles"], profile


def find_part(tree: Tree, part_id: str) -> tuple[str, list[Tree], Tree] | None:
    """The part of this id with its kind and its list; None where there is none, or none any more."""
    return next((found for found in parts_of(tree) if found[2]["id"] == part_id), None)


def section_of(tree: Tree, item_id: str) -> Tree | None:
    """The section that an item stands in."""
    return next((section for section, item in items_of(tree) if item["id"] == item_id), None)


def move_part(tree: Tree, part_id: str, step: int) -> bool:
    """Move a part up (-1) or down (1) in its list; an item at the end of its section goes on into the next one."""
    found = find_part(tree, part_id)
    if found is None:
        return False
    kind, siblings, part = found
    at = siblings.index(part)
    if 0 <= at + step < len(siblings):
        siblings[at], siblings[at + step] = siblings[at + step], siblings[at]
        return True
    if kind != "item":
        return False
    sections = tree["sections"]
    place = next(n for n, section in enumerate(sections) if section["items"] is siblings) + step
    if not 0 <= place < len(sections):
        return False
    siblings.remove(part)
    neighbours = sections[place]["items"]
    neighbours.insert(0 if step > 0 else len(neighbours), part)
    return True


def copy_part(tree: Tree, part_id: str) -> str | None:
    """A copy of a part behind it, without its code; the copy's id. Factors are not copied: each item is scored once."""
    found = find_part(tree, part_id)
    if found is None or found[0] == "factor":
        return None
    kind, siblings, part = found
    copied = _deep_copy(part)
    copied["name" if kind == "profile" else "code"] = ""
    copied = with_id(tree, {key: value for key, value in copied.items() if key != "id"})
    if kind == "section":
        copied["items"] = []
    siblings.insert(siblings.index(part) + 1, copied)
    return str(copied["id"])


def remove_part(tree: Tree, part_id: str) -> bool:
    """Remove a part. What refers to it stays and is complained of: nobody can know what it should say instead."""
    found = find_part(tree, part_id)
    if found is None:
        return False
    found[1].remove(found[2])
    return True


def rename_item(tree: Tree, before: str, after: str) -> None:
    """Let everything that named an item by its code name it by another."""
    if not before or not after or before == after:
        return
    for holder in _condition_holders(tree):
        if holder["show_if"] and holder["show_if"]["item"] == before:
            holder["show_if"]["item"] = after
    for criterion in criteria_of(tree):
        if criterion["item"] == before:
            criterion["item"] = after
            if criterion["code"] == before:
                criterion["code"] = ""


def rename_options(tree: Tree, item_codes: set[str], renamed: Mapping[str, str]) -> None:
    """Let every condition on these items name their answers by new codes."""
    for holder in _condition_holders(tree):
        condition = holder["show_if"]
        if condition and condition["item"] in item_codes:
            condition["any_of"] = [renamed.get(code, code) for code in condition["any_of"]]


def rename_scale(tree: Tree, before: str, after: str) -> None:
    """Let the items that are answered on a scale name it anew."""
    for _, item in items_of(tree):
        if before and item["scale"] == before:
            item["scale"] = after


def criteria_of(tree: Tree) -> Iterator[Tree]:
    """Every criterion of the scoring tree."""
    for factor in tree["index"]["factors"] if tree["index"] else ():
        yield from factor["criteria"]


def options_of(tree: Tree, item: Mapping[str, Any]) -> list[Tree]:
    """The answers of an item, those of its scale where it has one."""
    if item["kind"] == "single" and item["scale"]:
        return next((scale["options"] for scale in tree["scales"] if scale["code"] == item["scale"]), [])
    return list(item["options"])


def made_code(words: str, taken: set[str], fallback: str) -> str:
    """A code out of words ("The time you waited" → "time_you_waited"), another than those that are taken."""
    letters = unicodedata.normalize("NFD", words.casefold().replace("đ", "d"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    parts = [part for part in re.findall(r"[a-z0-9]+", plain) if part not in {"the", "a", "an", "of", "to"}]
    code = ""
    for part in parts:
        if len(code) + len(part) >= _LONGEST_MADE_CODE:
            break
        code = f"{code}_{part}" if code else part
    if not CODE.fullmatch(code):
        code = fallback
    made, n = code, 2
    while made in taken:
        made, n = f"{code}_{n}", n + 1
    return made


def _condition_holders(tree: Tree) -> Iterator[Tree]:
    for section in tree["sections"]:
        yield section
        yield from section["items"]


def _deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep_copy(inner) for key, inner in value.items()}
    return [_deep_copy(inner) for inner in value] if isinstance(value, list) else value
