"""A questionnaire out of the bytes of its file. The format is published in schema.json and told in docs."""

import hashlib
import re
from typing import cast, get_args

from questionnaires.marked_yaml import read_marked
from questionnaires.meaning import check_meaning
from questionnaires.model import (
    Condition,
    Formula,
    Item,
    ItemKind,
    Node,
    Option,
    Profile,
    Questionnaire,
    Section,
    Source,
    Text,
)
from questionnaires.records import Notes, Record

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A model with several forms has a word before the number: ddci/departments-2024.1 beside ddci/communes-2024.1.
VERSION = re.compile(r"([a-z]{1,20}-)?[0-9]{1,6}(\.[0-9]{1,6}){0,3}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
OPTION_CODE = re.compile(r"[a-z0-9_]{1,20}")
FORMAT = 1
LARGEST_WEIGHT = 1_000_000.0
LONGEST_ANSWER = 1500

_A_CODE = "a code of a–z, 0–9 and _ that begins with a letter, at most 40 long"
_AN_OPTION_CODE = "a code of a–z, 0–9 and _ in quotes, at most 20 long"
_A_SCALE = "names of scales, each with its list of options"

_ROOT_KEYS = (
    "questionnaire", "name", "version", "title", "model_name", "about", "scales", "sections", "index", "profiles",
    "default_profile",
)  # fmt: skip
_SECTION_KEYS = ("code", "title", "intro", "items", "show_if")
_COMMON_ITEM_KEYS = ("code", "kind", "text", "hint", "required", "show_if")
_ITEM_KEYS: dict[str, tuple[str, ...]] = {
    "single": (*_COMMON_ITEM_KEYS, "scale", "options", "not_applicable", "dont_know"),
    "multiple": (*_COMMON_ITEM_KEYS, "options", "not_applicable", "dont_know"),
    "number": (*_COMMON_ITEM_KEYS, "minimum", "maximum", "whole", "not_applicable", "dont_know"),
    "text": (*_COMMON_ITEM_KEYS, "longest"),
}
_ALL_ITEM_KEYS = tuple(dict.fromkeys(key for keys in _ITEM_KEYS.values() for key in keys))
_OPTION_KEYS = ("code", "label", "value", "exclusive")
_NODE_KEYS = ("code", "label", "short_label", "weight", "source")
_PROFILE_KEYS = ("name", "label", "formula", "threshold", "confirmed", "source")


def parse_questionnaire(source: bytes, origin: str) -> Questionnaire:
    """The questionnaire a file holds; its `content_hash` is the SHA-256 of exactly these bytes.

    :param source: the bytes of a YAML file (UTF-8, NFC, at most 1 MiB).
    :param origin: the name of the file, for complaints.
    :raises QuestionnaireError: when anything is wrong; `complaints` lists everything that was found, in order of lines,
        each as "FILE:LINE: key: found …, expected …".
    """
    root = read_marked(source, origin)
    notes = Notes(origin)
    questionnaire = _questionnaire(Record(root, "", notes, _ROOT_KEYS), hashlib.sha256(source).hexdigest())
    check_meaning(questionnaire, notes)
    notes.raise_if_any()
    return questionnaire


def _questionnaire(root: Record, content_hash: str) -> Questionnaire:
    if root.number("questionnaire", is_required=True) not in {None, FORMAT}:
        root.complain("questionnaire", f"found another format, expected {FORMAT}, the only one there is")
    scales = {
        name: tuple(_option(option, has_value=True) for option in holder.records(name, _OPTION_KEYS[:3], (2, 60)))
        for name, holder in root.named_lists("scales", _A_SCALE, CODE)
    }
    scoring = [key for key in ("index", "profiles", "default_profile") if root.has(key)]
    for key in {"index", "profiles", "default_profile"} - set(scoring) if scoring else ():
        root.complain(key, f"found no “{key}” beside {' and '.join(scoring)}, expected all three or none")
    sections = tuple(_section(section, scales) for section in root.records("sections", _SECTION_KEYS, (1, 60)))
    return Questionnaire(
        name=root.word("name", _A_CODE, NAME),
        version=root.word("version", 'a version in quotes, such as "2026.1" or "communes-2026.1"', VERSION),
        title=root.text("title"),
        model_name=root.sentence("model_name"),
        about=root.optional_text("about"),
        scales=scales,
        sections=sections,
        index=_index(root, {item.code: item.text for section in sections for item in section.items}),
        profiles=tuple(_profile(profile) for profile in root.records("profiles", _PROFILE_KEYS, (1, 20)))
        if root.has("profiles")
        else (),
        default_profile=root.word("default_profile", _A_CODE, NAME, is_required=False),
        content_hash=content_hash,
    )


def _section(section: Record, scales: dict[str, tuple[Option, ...]]) -> Section:
    return Section(
        code=section.word("code", _A_CODE, CODE),
        title=section.text("title"),
        intro=section.optional_text("intro"),
        items=tuple(_item(item, scales) for item in section.records("items", _ALL_ITEM_KEYS, (1, 200))),
        show_if=_condition(section),
    )


def _item(item: Record, scales: dict[str, tuple[Option, ...]]) -> Item:
    kind = item.one_of("kind", get_args(ItemKind))
    if kind:
        for key in set(_ALL_ITEM_KEYS) - set(_ITEM_KEYS[kind]):
            if item.has(key):
                item.complain(key, f"found “{key}” on an item of the kind {kind}, expected it on others only")
    scale, options = _scale_and_options(item, kind, scales)
    longest = item.number("longest", is_required=kind == "text", within=(1, LONGEST_ANSWER))
    if longest is not None and not longest.is_integer():
        item.complain("longest", f"found the number {longest:g}, expected whole characters")
    return Item(
        code=item.word("code", _A_CODE, CODE),
        kind=cast(ItemKind, kind or "single"),
        text=item.text("text"),
        hint=item.optional_text("hint"),
        options=options,
        scale=scale,
        required=item.flag("required"),
        not_applicable=item.flag("not_applicable"),
        dont_know=item.flag("dont_know"),
        show_if=_condition(item),
        minimum=item.number("minimum"),
        maximum=item.number("maximum"),
        whole=item.flag("whole"),
        longest=None if longest is None else int(longest),
    )


def _scale_and_options(
    item: Record, kind: str, scales: dict[str, tuple[Option, ...]]
) -> tuple[str | None, tuple[Option, ...]]:
    if kind == "single" and item.has("scale") and item.has("options"):
        item.complain("options", "found both “scale” and “options”, expected one of them")
    if kind == "single" and item.has("scale"):
        scale = item.word("scale", "the name of a scale", CODE)
        if scale and scale not in scales:
            item.complain("scale", f"found the unknown scale “{scale}”, expected one that stands under “scales”")
        return scale or None, scales.get(scale, ())
    if kind == "single" and not item.has("options"):
        item.complain("options", "found neither “scale” nor “options”, expected one of them")
    elif kind in {"single", "multiple"}:
        known = _OPTION_KEYS[:3] if kind == "single" else ("code", "label", "exclusive")
        return None, tuple(_option(option, has_value=False) for option in item.records("options", known, (2, 60)))
    return None, ()


def _option(option: Record, *, has_value: bool) -> Option:
    return Option(
        code=option.word("code", _AN_OPTION_CODE, OPTION_CODE),
        label=option.text("label"),
        value=option.number("value", is_required=has_value, within=(-1000, 1000)),
        exclusive=option.flag("exclusive"),
    )


def _condition(holder: Record) -> Condition | None:
    condition = holder.record("show_if", ("item", "any_of"))
    if condition is None:
        return None
    item = condition.word("item", "the code of an earlier item", CODE)
    return Condition(item, condition.words("any_of", _AN_OPTION_CODE, OPTION_CODE, (1, 60)))


def _index(root: Record, item_texts: dict[str, Text]) -> Node | None:
    index = root.record("index", ("label", "short_label", "factors"))
    if index is None:
        return None
    label = index.text("label")
    factors = index.records("factors", (*_NODE_KEYS, "criteria"), (1, 60))
    return Node(
        code="index",
        kind="index",
        label=label,
        short_label=index.optional_text("short_label") or label,
        children=tuple(_factor(factor, item_texts) for factor in factors),
    )


def _factor(factor: Record, item_texts: dict[str, Text]) -> Node:
    label = factor.text("label")
    return Node(
        code=factor.word("code", _A_CODE, CODE),
        kind="factor",
        label=label,
        short_label=factor.optional_text("short_label") or label,
        weight=_weight(factor),
        children=tuple(
            _criterion(criterion, item_texts)
            for criterion in factor.records("criteria", (*_NODE_KEYS, "item"), (1, 200))
        ),
        source=_source(factor) if factor.has("source") else None,
    )


def _criterion(criterion: Record, item_texts: dict[str, Text]) -> Node:
    item = criterion.word("item", "the code of an item", CODE)
    label = criterion.optional_text("label") or item_texts.get(item, Text("", ""))
    return Node(
        code=criterion.word("code", _A_CODE, CODE, is_required=False) or item,
        kind="criterion",
        label=label,
        short_label=criterion.optional_text("short_label") or label,
        weight=_weight(criterion),
        item=item,
        source=_source(criterion),
    )


def _weight(node: Record) -> float:
    if not node.has("weight"):
        return 1.0
    weight = node.number("weight", within=(0, LARGEST_WEIGHT))
    if weight == 0:
        node.complain("weight", "found the weight 0, expected a weight above 0")
    return weight or 1.0


def _profile(profile: Record) -> Profile:
    formula = profile.one_of("formula", get_args(Formula))
    if formula and formula != "share" and profile.has("threshold"):
        profile.complain("threshold", f"found a threshold with the formula {formula}, expected it with share only")
    return Profile(
        name=profile.word("name", _A_CODE, NAME),
        label=profile.text("label"),
        formula=cast(Formula, formula or "rescaled"),
        threshold=profile.number("threshold", is_required=formula == "share", within=(-1000, 1000)),
        confirmed=profile.flag("confirmed", is_required=True),
        source=_source(profile),
    )


def _source(holder: Record) -> Source:
    if holder.scalar("source") is not None:
        holder.one_of("source", ("ours",))
        return Source(ours=True)
    if not holder.has("source"):
        holder.complain("source", "found no “source”, expected ours, or a document and its page")
        return Source(ours=True)
    source = holder.record("source", ("document", "page"))
    return Source(False, source.sentence("document"), source.sentence("page")) if source else Source(ours=True)
