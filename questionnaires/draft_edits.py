"""One part of a draft, as a form shows it and as a form sends it back.

A part is what one person edits at a time: a question, a section's heading, a scale, a factor with its criteria. Two
people who edit different parts are never in each other's way.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from questionnaires.draft_checks import siblings_weights
from questionnaires.draft_files import spelled
from questionnaires.draft_trees import (
    ABOUT,
    INDEX,
    Tree,
    clean,
    empty_criterion,
    empty_factor,
    empty_item,
    empty_option,
    empty_profile,
    empty_scale,
    empty_section,
    empty_text,
    find_part,
    items_of,
    our_source,
    rename_item,
    rename_options,
    rename_scale,
    with_id,
)
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES

MOST_ROWS = 200
_ABOUT_SHAPE: Tree = {
    "name": "",
    "version": "",
    "languages": [],
    "title": empty_text(),
    "model_name": "",
    "about": empty_text(),
    "most_units": "",
}
_BLANKS: Mapping[str, Callable[[], Tree]] = {
    "section": empty_section,
    "item": empty_item,
    "scale": empty_scale,
    "factor": empty_factor,
    "profile": empty_profile,
}
# The rows of a part, by its kind: the key of their list, and an empty row.
ROWS: Mapping[str, tuple[str, Tree]] = {
    "item": ("options", {**empty_option(), "was": ""}),
    "scale": ("options", {**empty_option(), "was": ""}),
    "factor": ("criteria", empty_criterion()),
    "profile": ("bands", {"low": "", "label": empty_text()}),
    INDEX: ("factors", {"id": "", "weight": ""}),
}
_FIRST_LETTER = {"section": "s", "item": "q", "scale": "scale_", "factor": "f", "profile": "rule_"}
# The keys that a part has and that its own form does not show.
_ELSEWHERE = {"section": ("id", "items"), "item": ("id",), "scale": ("id",), "factor": ("id",), "profile": ("id",)}


def part_value(tree: Tree, part: str) -> tuple[str, Tree] | None:
    """The kind of a part and what its form shows; None where there is no such part, or none any more."""
    if part == ABOUT:
        return ABOUT, {key: tree[key] for key in _ABOUT_SHAPE}
    if part == INDEX:
        index = tree["index"] or {"label": empty_text(), "short_label": empty_text(), "factors": []}
        rows = [{"id": factor["id"], "weight": factor["weight"]} for factor in index["factors"]]
        shown = {"label": index["label"], "short_label": index["short_label"], "factors": rows}
        return INDEX, {**shown, "default_profile": tree["default_profile"]}
    found = find_part(tree, part)
    if found is None:
        return None
    kind, _, value = found
    return kind, {key: inner for key, inner in value.items() if key not in _ELSEWHERE[kind]}


def posted_value(kind: str, posted: Mapping[str, Any], languages: Sequence[str]) -> Tree:
    """What a form says about a part of this kind, cleaned and in the shape of the draft.

    :param posted: the form's fields by their paths, nested: `options[0].label.vi` is `posted["options"]["0"]["label"]
        ["vi"]`. Anything else is passed over.
    :param languages: those that texts are written in.
    """
    if kind == ABOUT:
        value: Tree = _shaped(_ABOUT_SHAPE, posted, languages)
        named = posted.get("languages", [])
        named = named if isinstance(named, list) else []
        value["languages"] = [one for one in (*LANGUAGES, *FURTHER_LANGUAGES) if one in LANGUAGES or one in named]
        return value
    blank = _BLANKS[kind]() if kind in _BLANKS else {"label": empty_text(), "short_label": empty_text()}
    if kind == INDEX:
        blank |= {"factors": [], "default_profile": ""}
    value = _shaped({key: inner for key, inner in blank.items() if key != "items"}, posted, languages)
    if "show_if" in blank:
        value["show_if"] = _condition(posted.get("show_if"))
    if kind in ROWS:
        key, row = ROWS[kind]
        value[key] = [_row(row, one, languages) for one in rows_of(posted.get(key)) if kind == INDEX or _is_filled(one)]
    if kind == "factor":
        value["source"] = _source(posted.get("source"), may_lack=True)
    if kind == "profile":
        value["source"] = _source(posted.get("source"))
    return value


def rows_of(posted: object) -> list[Mapping[str, Any]]:
    """The rows of a form's table in their order; what is no row is passed over."""
    if not isinstance(posted, Mapping):
        return []
    numbered = sorted((int(n), row) for n, row in posted.items() if n.isdecimal() and len(n) < 4)
    return [row for _, row in numbered if isinstance(row, Mapping)][:MOST_ROWS]


def arrange_rows(kind: str, posted: dict[str, Any], step: str, place: int) -> None:
    """Move a row of a form's table up or down, or take it out, before the form is read.

    :param step: "row_up", "row_down" or "row_out"; any other does nothing.
    """
    if kind not in ROWS:
        return
    key = ROWS[kind][0]
    rows = rows_of(posted.get(key))
    to = place + {"row_up": -1, "row_down": 1}.get(step, 0)
    if not 0 <= place < len(rows) or not 0 <= to < len(rows):
        return
    if step == "row_out":
        del rows[place]
    else:
        rows[place], rows[to] = rows[to], rows[place]
    posted[key] = {str(n): row for n, row in enumerate(rows)}


def put_part(tree: Tree, part: str, value: Tree) -> None:
    """Let a part say what its form said; what names it by its code names it by the new one from now on."""
    if part == ABOUT:
        tree.update(value)
        return
    if part == INDEX:
        _put_index(tree, value)
        return
    found = find_part(tree, part)
    if found is None:
        raise KeyError(part)
    kind, _, current = found
    name = "name" if kind == "profile" else "code"
    if not value[name]:
        value[name] = current[name] or free_code(tree, kind)
    if kind in ("item", "scale"):
        renamed = _with_option_codes(value["options"])
        codes = (
            {current["code"]}
            if kind == "item"
            else {i["code"] for _, i in items_of(tree) if i["scale"] == current["code"]}
        )
        rename_options(tree, codes, renamed)
    if kind == "item":
        rename_item(tree, current["code"], value["code"])
    if kind == "scale":
        rename_scale(tree, current["code"], value["code"])
    if kind == "profile" and tree["default_profile"] == current["name"]:
        tree["default_profile"] = value["name"]
    current.update(value)


def add_part(tree: Tree, kind: str, section_id: str = "") -> str | None:
    """A new part at the end of its list, an item at the end of a section; its id, None where there is no such place."""
    part = with_id(tree, _BLANKS[kind]())
    part["name" if kind == "profile" else "code"] = free_code(tree, kind)
    if kind == "item":
        place = find_part(tree, section_id)
        if place is None or place[0] != "section":
            return None
        place[2]["items"].append(part)
    elif kind == "factor":
        if tree["index"] is None:
            tree["index"] = {"label": empty_text(), "short_label": empty_text(), "factors": []}
        tree["index"]["factors"].append(part)
    else:
        tree[{"section": "sections", "scale": "scales", "profile": "profiles"}[kind]].append(part)
        if kind == "profile" and not tree["default_profile"]:
            tree["default_profile"] = part["name"]
    return str(part["id"])


def free_code(tree: Tree, kind: str) -> str:
    """A code that no part of this kind has: q1, q2 …"""
    if kind == "item":
        taken = {item["code"] for _, item in items_of(tree)}
    elif kind == "factor":
        taken = {factor["code"] for factor in tree["index"]["factors"]} if tree["index"] else set()
        taken |= {item["code"] for _, item in items_of(tree)}
    else:
        key = {"section": "sections", "scale": "scales", "profile": "profiles"}[kind]
        taken = {part["name" if kind == "profile" else "code"] for part in tree[key]}
    n = 1
    while f"{_FIRST_LETTER[kind]}{n}" in taken:
        n += 1
    return f"{_FIRST_LETTER[kind]}{n}"


def balance(nodes: Sequence[Tree], how: str) -> None:
    """Let siblings weigh alike ("alike"), or as they do among each other, in parts of a hundred ("hundred")."""
    if how == "alike":
        for node in nodes:
            node["weight"] = "1"
    weights = siblings_weights(nodes)
    if how == "hundred" and weights:
        total = sum(Fraction(repr(weight)) for weight in weights)
        for node, weight in zip(nodes, weights, strict=True):
            # Twelve decimals keep each share as it was, far below what any score shows.
            node["weight"] = spelled(round(float(100 * Fraction(repr(weight)) / total), 12))


def weight_sum(nodes: Sequence[Tree]) -> float | None:
    """What siblings weigh together; None where a weight is no number."""
    weights = siblings_weights(nodes)
    return None if weights is None else sum(weights)


def _put_index(tree: Tree, value: Tree) -> None:
    tree["default_profile"] = value["default_profile"]
    if tree["index"] is None:
        if not any(value["label"].values()):
            return
        tree["index"] = {"label": empty_text(), "short_label": empty_text(), "factors": []}
    tree["index"]["label"], tree["index"]["short_label"] = value["label"], value["short_label"]
    weights = {row["id"]: row["weight"] for row in value["factors"]}
    for factor in tree["index"]["factors"]:
        factor["weight"] = weights.get(factor["id"], factor["weight"])


def _with_option_codes(options: list[Tree]) -> dict[str, str]:
    """Give each answer without a code the next number; which codes were others before."""
    taken = {option["code"] for option in options if option["code"]}
    renamed = {}
    for place, option in enumerate(options, start=1):
        if not option["code"]:
            n = place
            while str(n) in taken:
                n += 1
            option["code"] = str(n)
            taken.add(str(n))
        was = option.pop("was", "")
        if was and was != option["code"]:
            renamed[was] = option["code"]
    return renamed


def _shaped(shape: Any, posted: Any, languages: Sequence[str]) -> Any:
    if isinstance(shape, bool):
        return isinstance(posted, str) and posted != ""
    if isinstance(shape, str):
        return clean(posted) if isinstance(posted, str) else shape
    if isinstance(shape, dict):
        fields = posted if isinstance(posted, Mapping) else {}
        if "vi" in shape:
            words = {one: clean(fields[one]) if isinstance(fields.get(one), str) else "" for one in languages}
            return {one: word for one, word in words.items() if word or one in LANGUAGES}
        return {key: _shaped(inner, fields.get(key), languages) for key, inner in shape.items()}
    return [] if isinstance(shape, list) else shape


def _row(row: Tree, posted: Mapping[str, Any], languages: Sequence[str]) -> Tree:
    value: Tree = _shaped(row, posted, languages)
    if "source" in row:
        value["source"] = _source(posted.get("source"))
    return value


def _is_filled(row: Mapping[str, Any]) -> bool:
    """Whether anything but a tick or a weight was typed into a row."""
    label = row.get("label")
    typed = [*(label.values() if isinstance(label, Mapping) else ()), *(row.get(key) for key in _ROW_KEYS)]
    return any(isinstance(word, str) and word.strip() for word in typed)


_ROW_KEYS = ("code", "value", "low", "item", "hard")


def _condition(posted: object) -> Tree | None:
    fields = posted if isinstance(posted, Mapping) else {}
    item, codes = fields.get("item"), fields.get("any_of")
    if not isinstance(item, str) or not item:
        return None
    return {"item": clean(item), "any_of": [clean(code) for code in codes] if isinstance(codes, list) else []}


def _source(posted: object, *, may_lack: bool = False) -> Tree | None:
    fields = posted if isinstance(posted, Mapping) else {}
    document, page = (clean(one) if isinstance(one := fields.get(key), str) else "" for key in ("document", "page"))
    if document or page:
        return {"ours": False, "document": document, "page": page}
    return None if may_lack else our_source()
