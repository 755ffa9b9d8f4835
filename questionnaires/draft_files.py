"""A draft as a questionnaire's file, and a questionnaire's file as a draft."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from questionnaires.draft_trees import (
    Tree,
    clean,
    empty_criterion,
    empty_factor,
    empty_item,
    empty_node,
    empty_option,
    empty_profile,
    empty_scale,
    empty_section,
    empty_tree,
    our_source,
    with_id,
)
from questionnaires.marked_yaml import Entries, Fields, MarkedNode, Scalar, read_marked
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES

_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_ITEM_FLAGS = ("required", "not_applicable", "dont_know")
# What a kind of item has beside what all have, so that a draft keeps what was typed for another kind without saying it.
_KIND_KEYS = {
    "single": ("not_applicable", "dont_know", "scale", "options"),
    "multiple": ("not_applicable", "dont_know", "options"),
    "number": ("not_applicable", "dont_know", "minimum", "maximum", "whole", "bands"),
    "text": ("longest",),
}


def file_fields(tree: Tree) -> Tree:
    """What the file of a draft says: fields as YAML has them, in the order of the published files."""
    fields: Tree = {"questionnaire": 1, "name": tree["name"], "version": tree["version"]}
    if list(tree["languages"]) != list(LANGUAGES):
        fields["languages"] = list(tree["languages"])
    fields["title"] = _text(tree["title"])
    fields["model_name"] = tree["model_name"]
    _put_text(fields, "about", tree["about"])
    if tree["most_units"]:
        fields["most_units"] = number_of(tree["most_units"])
    if tree["scales"]:
        fields["scales"] = {
            name: [_option(option, "value") for option in scale["options"]]
            for scale, name in zip(tree["scales"], scale_names(tree), strict=True)
        }
    fields["sections"] = [_section(section) for section in tree["sections"]]
    if tree["index"] is not None:
        fields["index"] = _index(tree["index"])
    if tree["index"] is not None or tree["profiles"]:
        fields["profiles"] = [_profile(profile) for profile in tree["profiles"]]
        fields["default_profile"] = tree["default_profile"]
    return fields


def scale_names(tree: Tree) -> list[str]:
    """The names of the scales as the file has them: one that is missing or stands twice is called after its place."""
    names: list[str] = []
    for n, scale in enumerate(tree["scales"]):
        code = scale["code"]
        names.append(code if code and code not in names else f"scale_{n + 1}_unnamed")
    return names


def yaml_of(tree: Tree) -> bytes:
    """The file of a draft: UTF-8, one that the reader reads as the draft says, whether it accepts it or not."""
    text: str = yaml.dump(
        file_fields(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text.encode()


def marked_of(value: Any) -> MarkedNode:
    """The fields of a file as the reader of YAML would hand them on, all in line 1."""
    if isinstance(value, Mapping):
        return Fields({key: marked_of(inner) for key, inner in value.items()}, dict.fromkeys(value, 1), 1)
    if isinstance(value, list):
        return Entries(tuple(marked_of(inner) for inner in value), 1)
    if isinstance(value, bool):
        return Scalar(value, "true" if value else "false", 1)
    if isinstance(value, int | float):
        return Scalar(float(value), spelled(value), 1)
    return Scalar(value, value, 1)


def number_of(typed: str) -> float | int | str:
    """The number that was typed, with a decimal comma or point; what is no number stays as it was typed."""
    plain = typed.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.fullmatch(plain):
        return typed
    number = float(plain)
    return int(number) if number.is_integer() else number


def spelled(number: float | int) -> str:
    """A number as it is typed: without an exponent, without needless zeros."""
    if float(number).is_integer():
        return str(int(number))
    return f"{number:.15f}".rstrip("0") if abs(number) < 1e-4 else repr(float(number))


def tree_of_file(source: bytes, origin: str) -> tuple[Tree, tuple[str, ...]]:
    """The draft that a questionnaire's file says, and the keys of it that no draft has, which are left out.

    :raises QuestionnaireError: when the bytes are no YAML that questionnaires are written in.
    """
    return tree_of_fields(_plain(read_marked(source, origin)))


def tree_of_fields(fields: Any) -> tuple[Tree, tuple[str, ...]]:
    """The same of fields that were read already."""
    reader = _Reader()
    return reader.tree(fields), tuple(reader.left_out)


def _text(text: Mapping[str, str]) -> Tree:
    said = {language: text.get(language, "") for language in LANGUAGES}
    return {**said, **{language: text[language] for language in FURTHER_LANGUAGES if text.get(language)}}


def _put_text(fields: Tree, key: str, text: Mapping[str, str]) -> None:
    if any(text.values()):
        fields[key] = _text(text)


def _option(option: Tree, *more: str) -> Tree:
    fields: Tree = {"code": option["code"]}
    if option["value"] and "value" in more:
        fields["value"] = number_of(option["value"])
    if option["exclusive"] and "exclusive" in more:
        fields["exclusive"] = True
    return {**fields, "label": _text(option["label"])}


def _section(section: Tree) -> Tree:
    fields: Tree = {"code": section["code"], "title": _text(section["title"])}
    _put_text(fields, "intro", section["intro"])
    if section["per_unit"]:
        fields["per_unit"] = True
    _put_condition(fields, section["show_if"])
    return {**fields, "items": [_item(item) for item in section["items"]]}


def _item(item: Tree) -> Tree:
    kind = item["kind"]
    known = _KIND_KEYS.get(kind, ())
    fields: Tree = {"code": item["code"], "kind": kind}
    fields.update({flag: True for flag in _ITEM_FLAGS if item[flag] and (flag == "required" or flag in known)})
    _put_condition(fields, item["show_if"])
    fields["text"] = _text(item["text"])
    _put_text(fields, "hint", item["hint"])
    fields.update(
        {key: number_of(item[key]) for key in ("minimum", "maximum", "longest") if key in known and item[key]}
    )
    if "whole" in known and item["whole"]:
        fields["whole"] = True
    if "bands" in known and item["bands"]:
        fields["bands"] = [number_of(part) for part in re.split(r"[;\s]+", item["bands"].strip()) if part]
    if "scale" in known and item["scale"]:
        fields["scale"] = item["scale"]
    elif "options" in known:
        more = "value" if kind == "single" else "exclusive"
        fields["options"] = [_option(option, more) for option in item["options"]]
    return fields


def _put_condition(fields: Tree, condition: Tree | None) -> None:
    if condition:
        fields["show_if"] = {"item": condition["item"], "any_of": list(condition["any_of"])}


def _source(source: Tree) -> Any:
    return "ours" if source["ours"] else {"document": source["document"], "page": source["page"]}


def _weight(node: Tree) -> Tree:
    return {"weight": number_of(node["weight"])} if node["weight"] else {}


def _index(index: Tree) -> Tree:
    fields: Tree = {"label": _text(index["label"])}
    _put_text(fields, "short_label", index["short_label"])
    return {**fields, "factors": [_factor(factor) for factor in index["factors"]]}


def _factor(factor: Tree) -> Tree:
    fields: Tree = {"code": factor["code"], "label": _text(factor["label"])}
    _put_text(fields, "short_label", factor["short_label"])
    fields.update(_weight(factor))
    if factor["source"]:
        fields["source"] = _source(factor["source"])
    return {**fields, "criteria": [_criterion(criterion) for criterion in factor["criteria"]]}


def _criterion(criterion: Tree) -> Tree:
    fields: Tree = {"hard": criterion["hard"]} if criterion["hard"] else {"item": criterion["item"]}
    if criterion["code"] and not criterion["hard"]:
        fields["code"] = criterion["code"]
    for key in ("label", "short_label"):
        _put_text(fields, key, criterion[key])
    fields.update(_weight(criterion))
    if criterion["reversed"]:
        fields["reversed"] = True
    return {**fields, "source": _source(criterion["source"])}


def _profile(profile: Tree) -> Tree:
    formula = profile["formula"]
    fields: Tree = {"name": profile["name"], "label": _text(profile["label"]), "formula": formula}
    if formula == "share":
        fields["threshold"] = number_of(profile["threshold"])
    if formula == "standardised":
        fields.update({"points": number_of(profile["points"])} if profile["points"] else {})
        fields.update({"hard": True} if profile["hard"] else {})
        fields.update({"same_extremes": profile["same_extremes"]} if profile["same_extremes"] else {})
    if profile["bands"]:
        fields["bands"] = [{"low": number_of(band["low"]), "label": _text(band["label"])} for band in profile["bands"]]
    return {**fields, "confirmed": profile["confirmed"], "source": _source(profile["source"])}


class _Dumper(yaml.SafeDumper):
    """Writes what the reader reads: no anchors, and numbers without exponents."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", spelled(number))


_Dumper.add_representer(float, _represent_number)


def _plain(node: MarkedNode) -> Any:
    if isinstance(node, Fields):
        return {key: _plain(inner) for key, inner in node.nodes.items()}
    if isinstance(node, Entries):
        return [_plain(inner) for inner in node.nodes]
    if isinstance(node.value, bool):
        return node.value
    return node.raw


class _Reader:
    """Takes from plain fields what a draft has; what it does not know it names and leaves out."""

    def __init__(self) -> None:
        self.left_out: list[str] = []

    def tree(self, fields: Any) -> Tree:
        root, tree = self._known(fields, "", (*empty_tree(), "questionnaire")), empty_tree()
        for key in ("name", "version", "model_name", "most_units", "default_profile"):
            tree[key] = _word(root.get(key))
        for key in ("title", "about"):
            tree[key] = _read_text(root.get(key))
        named = [_word(language) for language in _list(root.get("languages"))]
        tree["languages"] = [one for one in (*LANGUAGES, *FURTHER_LANGUAGES) if one in {*named, *LANGUAGES}]
        scales = root.get("scales")
        for name, options in scales.items() if isinstance(scales, dict) else ():
            read = [self._option(option, f"scales.{name}") for option in _list(options)]
            tree["scales"].append(with_id(tree, {**empty_scale(), "code": _word(name), "options": read}))
        tree["sections"] = [self._section(tree, one, n) for n, one in enumerate(_list(root.get("sections")))]
        if isinstance(root.get("index"), dict):
            tree["index"] = self._index(tree, root["index"])
        tree["profiles"] = [self._profile(tree, one, n) for n, one in enumerate(_list(root.get("profiles")))]
        return tree

    def _known(self, value: Any, path: str, known: Sequence[str]) -> Tree:
        fields = value if isinstance(value, dict) else {}
        self.left_out += [f"{path}.{key}".lstrip(".")[:80] for key in fields if key not in known]
        return fields

    def _filled(self, value: Any, path: str, blank: Tree, reads: Mapping[str, Callable[[Any], Any]]) -> Tree:
        """The blank part with what its fields say: texts, truth values and words by what stands there when blank."""
        fields = self._known(value, path, (*blank, *reads))
        part = dict(blank)
        for key, before in blank.items():
            if key not in fields or key in reads:
                continue
            if isinstance(before, bool):
                part[key] = fields[key] is True
            elif isinstance(before, dict):
                part[key] = _read_text(fields[key])
            elif isinstance(before, str):
                part[key] = _word(fields[key])
        return {**part, **{key: read(fields[key]) for key, read in reads.items() if key in fields}}

    def _section(self, tree: Tree, value: Any, n: int) -> Tree:
        path = f"sections[{n}]"
        reads = {
            "show_if": _read_condition,
            "items": lambda items: [self._item(tree, one, f"{path}.items[{i}]") for i, one in enumerate(_list(items))],
        }
        return with_id(tree, self._filled(value, path, empty_section(), reads))

    def _item(self, tree: Tree, value: Any, path: str) -> Tree:
        reads = {
            "show_if": _read_condition,
            "options": lambda options: [self._option(one, f"{path}.options") for one in _list(options)],
            "bands": lambda bands: "; ".join(_word(one) for one in _list(bands)),
        }
        return with_id(tree, self._filled(value, path, empty_item(), reads))

    def _option(self, value: Any, path: str) -> Tree:
        return self._filled(value, path, empty_option(), {})

    def _index(self, tree: Tree, value: Tree) -> Tree:
        fields = self._known(value, "index", ("label", "short_label", "factors"))
        return {
            "label": _read_text(fields.get("label")),
            "short_label": _read_text(fields.get("short_label")),
            "factors": [self._factor(tree, one, n) for n, one in enumerate(_list(fields.get("factors")))],
        }

    def _factor(self, tree: Tree, value: Any, n: int) -> Tree:
        path = f"index.factors[{n}]"

        def criteria(found: Any) -> list[Tree]:
            blank = {**empty_criterion(), "weight": "1"}
            return [self._filled(one, f"{path}.criteria", blank, {"source": _read_source}) for one in _list(found)]

        return with_id(tree, self._filled(value, path, empty_factor(), {"source": _read_source, "criteria": criteria}))

    def _profile(self, tree: Tree, value: Any, n: int) -> Tree:
        path = f"profiles[{n}]"
        band = {"low": "", "label": empty_node()["label"]}
        reads = {
            "source": _read_source,
            "bands": lambda bands: [self._filled(one, f"{path}.bands", band, {}) for one in _list(bands)],
        }
        return with_id(tree, self._filled(value, path, empty_profile(), reads))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _read_text(value: Any) -> Tree:
    fields = value if isinstance(value, dict) else {}
    text = {language: _word(fields.get(language)) for language in LANGUAGES}
    return {**text, **{one: _word(fields[one]) for one in FURTHER_LANGUAGES if fields.get(one)}}


def _read_condition(value: Any) -> Tree | None:
    if not isinstance(value, dict):
        return None
    return {"item": _word(value.get("item")), "any_of": [_word(code) for code in _list(value.get("any_of"))]}


def _read_source(value: Any) -> Tree:
    if isinstance(value, dict):
        return {"ours": False, "document": _word(value.get("document")), "page": _word(value.get("page"))}
    return our_source()
