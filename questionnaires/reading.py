"""A questionnaire out of the bytes of its file. The format is published in schema.json and told in docs."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast, get_args

from questionnaires.errors import Complaint
from questionnaires.marked_yaml import MarkedNode, list_words, read_marked
from questionnaires.meaning import check_meaning
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES, Condition, Item, ItemKind, Option, Questionnaire, Section
from questionnaires.records import Notes, Record
from questionnaires.scoring import MOST_BANDS, PROFILE_KEYS, read_index, read_profile
from questionnaires.spelling import A_CODE, CODE, NAME, VERSION

OPTION_CODE = re.compile(r"[a-z0-9_]{1,20}")
FORMAT = 1
LONGEST_ANSWER = 1500
MOST_UNITS = 10

_AN_OPTION_CODE = "a code of a–z, 0–9 and _ in quotes, at most 20 long"
_A_SCALE = "names of scales, each with its list of options"

_ROOT_KEYS = (
    "questionnaire", "name", "version", "languages", "title", "model_name", "about", "scales", "most_units", "sections",
    "index", "profiles", "default_profile",
)  # fmt: skip
_SECTION_KEYS = ("code", "title", "intro", "items", "show_if", "per_unit")
_COMMON_ITEM_KEYS = ("code", "kind", "text", "hint", "required", "show_if")
_ITEM_KEYS: dict[str, tuple[str, ...]] = {
    "single": (*_COMMON_ITEM_KEYS, "scale", "options", "not_applicable", "dont_know"),
    "multiple": (*_COMMON_ITEM_KEYS, "options", "not_applicable", "dont_know"),
    "number": (*_COMMON_ITEM_KEYS, "minimum", "maximum", "whole", "bands", "not_applicable", "dont_know"),
    "text": (*_COMMON_ITEM_KEYS, "longest"),
}
_ALL_ITEM_KEYS = tuple(dict.fromkeys(key for keys in _ITEM_KEYS.values() for key in keys))
_OPTION_KEYS = ("code", "label", "value", "exclusive")


def parse_questionnaire(source: bytes, origin: str) -> Questionnaire:
    """The questionnaire a file holds; its `content_hash` is the SHA-256 of exactly these bytes.

    :param source: the bytes of a YAML file (UTF-8, NFC, at most 1 MiB).
    :param origin: the name of the file, for complaints.
    :raises QuestionnaireError: when anything is wrong; `complaints` lists everything that was found, in order of lines,
        each as "FILE:LINE: key: found …, expected …".
    """
    return _read(_Source(hashlib.sha256(source).hexdigest(), source, origin))


@dataclass(frozen=True, slots=True)
class _Source:
    content_hash: str
    content: bytes = field(compare=False, repr=False)
    # Where a file lies decides where its complaints point, and nothing of what it says.
    origin: str = field(compare=False)


def read_fields(root: MarkedNode, origin: str) -> tuple[Questionnaire, tuple[Complaint, ...]]:
    """What a draft's fields mean as far as they mean something, and everything that keeps it from being published.

    Where there are complaints, placeholders stand in the questionnaire (empty texts and codes): it can be shown to who
    writes it and asked of nobody. It has no `content_hash`, because it is no file.

    :param root: the fields of a questionnaire's file.
    :param origin: what the draft is called, for complaints.
    """
    notes = Notes(origin)
    questionnaire = _questionnaire(Record(root, "", notes, _ROOT_KEYS), "")
    check_meaning(questionnaire, notes)
    return questionnaire, notes.complaints


# Each archive and each edition carries its questionnaire, and a reader of many opens the same one again and again.
@lru_cache(maxsize=32)
def _read(source: _Source) -> Questionnaire:
    root = read_marked(source.content, source.origin)
    notes = Notes(source.origin)
    questionnaire = _questionnaire(Record(root, "", notes, _ROOT_KEYS), source.content_hash)
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
        name=root.word("name", A_CODE, NAME),
        version=root.word("version", 'a version in quotes, such as "2026.1" or "communes-2026.1"', VERSION),
        title=root.asked_text("title"),
        model_name=root.sentence("model_name"),
        about=root.optional_asked_text("about"),
        scales=scales,
        sections=sections,
        index=read_index(root, {item.code: item.text for section in sections for item in section.items}),
        profiles=tuple(read_profile(profile) for profile in root.records("profiles", PROFILE_KEYS, (1, 20)))
        if root.has("profiles")
        else (),
        default_profile=root.word("default_profile", A_CODE, NAME, is_required=False),
        content_hash=content_hash,
        most_units=root.whole_number("most_units", within=(2, MOST_UNITS)) or 1,
        languages=_languages(root),
    )


def _languages(root: Record) -> tuple[str, ...]:
    """The languages that the file names, in our order; Vietnamese and English where it names none."""
    known = (*LANGUAGES, *FURTHER_LANGUAGES)
    if not root.has("languages"):
        return LANGUAGES
    named = root.words("languages", list_words(known), re.compile("|".join(known)), (len(LANGUAGES), len(known)))
    for language in LANGUAGES:
        if language not in named:
            root.complain("languages", f"found no “{language}”, expected it: every text is written in it")
    return tuple(language for language in known if language in {*LANGUAGES, *named})


def _section(section: Record, scales: dict[str, tuple[Option, ...]]) -> Section:
    return Section(
        code=section.word("code", A_CODE, CODE),
        title=section.asked_text("title"),
        intro=section.optional_asked_text("intro"),
        items=tuple(_item(item, scales) for item in section.records("items", _ALL_ITEM_KEYS, (1, 200))),
        show_if=_condition(section),
        per_unit=section.flag("per_unit"),
    )


def _item(item: Record, scales: dict[str, tuple[Option, ...]]) -> Item:
    kind = item.one_of("kind", get_args(ItemKind))
    if kind:
        for key in set(_ALL_ITEM_KEYS) - set(_ITEM_KEYS[kind]):
            if item.has(key):
                item.complain(key, f"found “{key}” on an item of the kind {kind}, expected it on others only")
    scale, options = _scale_and_options(item, kind, scales)
    return Item(
        code=item.word("code", A_CODE, CODE),
        kind=cast(ItemKind, kind or "single"),
        text=item.asked_text("text"),
        hint=item.optional_asked_text("hint"),
        options=options,
        scale=scale,
        required=item.flag("required"),
        not_applicable=item.flag("not_applicable"),
        dont_know=item.flag("dont_know"),
        show_if=_condition(item),
        minimum=item.number("minimum"),
        maximum=item.number("maximum"),
        whole=item.flag("whole"),
        longest=item.whole_number("longest", is_required=kind == "text", within=(1, LONGEST_ANSWER)),
        bands=item.numbers("bands", (2, MOST_BANDS)) if item.has("bands") else (),
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
        label=option.asked_text("label"),
        value=option.number("value", is_required=has_value, within=(-1000, 1000)),
        exclusive=option.flag("exclusive"),
    )


def _condition(holder: Record) -> Condition | None:
    condition = holder.record("show_if", ("item", "any_of"))
    if condition is None:
        return None
    item = condition.word("item", "the code of an earlier item", CODE)
    return Condition(item, condition.words("any_of", _AN_OPTION_CODE, OPTION_CODE, (1, 60)))
