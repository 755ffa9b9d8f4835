"""An XLSForm as a draft: what ODK and Kobo forms ask, with a remark on all that a questionnaire has no place for.

Nothing is taken over silently changed: what is left out, renamed or cut is named, so that whoever goes on with the
draft knows what to look at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from questionnaires.draft_trees import (
    Tree,
    empty_item,
    empty_option,
    empty_scale,
    empty_section,
    empty_text,
    empty_tree,
    made_code,
    with_id,
)
from questionnaires.model import DONT_KNOW, FURTHER_LANGUAGES, LANGUAGES, NOT_APPLICABLE
from questionnaires.spelling import CODE, NAME, VERSION
from questionnaires.xlsform_conditions import OUTSIDE, condition_of, limits_of
from questionnaires.xlsform_extras import read_extras
from questionnaires.xlsform_tables import ForeignWorkbookError, Row, read_workbook

__all__ = ["ForeignWorkbookError", "tree_of_xlsform"]

_OPTION_CODE = re.compile(r"[a-z0-9_]{1,20}")
_LANGUAGE = re.compile(r"\(\s*([A-Za-z]{2,3})(?:[-_][A-Za-z]+)?\s*\)\s*$")
_LANGUAGE_WORDS = {
    "vietnamese": "vi", "tiếng việt": "vi", "vi": "vi", "vie": "vi", "english": "en", "tiếng anh": "en", "en": "en",
    "korean": "ko", "한국어": "ko", "ko": "ko", "chinese": "zh", "中文": "zh", "zh": "zh",
    "japanese": "ja", "日本語": "ja", "ja": "ja",
}  # fmt: skip
_YES = frozenset({"yes", "true", "true()", "1", "x"})
_METADATA = frozenset(
    {"start", "end", "today", "deviceid", "username", "phonenumber", "email", "audit", "simserial", "subscriberid",
     "background-audio", "background-geopoint", "start-geopoint", "calculate", "hidden", "acknowledge"}
)  # fmt: skip
_OUTSIDE_TYPES = (
    "select_one_from_file",
    "select_multiple_from_file",
    "select_one_external",
    "csv-external",
    "xml-external",
)
_KINDS = {
    "integer": "number",
    "int": "number",
    "decimal": "number",
    "range": "number",
    "text": "text",
    "string": "text",
}
_LONGEST = "500"
_TEXT_KEYS = ("label", "hint")


def tree_of_xlsform(content: bytes, origin: str) -> tuple[Tree, tuple[str, ...]]:
    """The draft that an XLSForm is, and what of it could not be taken over, a key of a sentence and "|" and what, each.

    :raises ForeignWorkbookError: for a workbook that is not read at all: macros, formulas, links or files outside it.
    """
    workbook = read_workbook(content, origin)
    for sheet in ("survey", "choices", "settings"):
        for row in workbook.rows(sheet):
            _refuse_outside(row, sheet, origin)
    settings = workbook.rows("settings")[0] if workbook.rows("settings") else {}
    form = _Form(origin, _language_of(settings.get("default_language", "")) or "vi")
    form.take_choices(workbook.rows("choices"))
    form.take_settings(settings)
    form.take_survey(workbook.rows("survey"))
    tree = form.finished()
    read_extras(tree, workbook)
    return tree, tuple(dict.fromkeys(form.remarks))


def _refuse_outside(row: Row, sheet: str, origin: str) -> None:
    kind = row.get("type", "").strip().lower()
    if kind.replace(" ", "_").startswith(_OUTSIDE_TYPES):
        found = f"the type “{kind[:40]}”"
    else:
        function = next((match[1] for cell in row.values() if (match := OUTSIDE.search(cell)) and "(" in cell), None)
        if function is None or sheet != "survey":
            return
        if not any(
            OUTSIDE.search(row.get(key, ""))
            for key in ("calculation", "relevant", "constraint", "appearance", "default", "choice_filter")
        ):
            return
        found = f"{function}()"
    raise ForeignWorkbookError(
        "external", f"{origin}, sheet {sheet}, row {row['#']}: found {found}, which needs another file, expected none"
    )


def _language_of(words: str) -> str:
    found = _LANGUAGE.search(words)
    if found is not None:
        return _LANGUAGE_WORDS.get(found[1].lower(), "")
    return _LANGUAGE_WORDS.get(words.strip().lower(), "")


@dataclass(slots=True)
class _Form:
    """A draft on its way out of a form."""

    origin: str
    default_language: str
    tree: Tree = field(default_factory=empty_tree)
    remarks: list[str] = field(default_factory=list)
    lists: dict[str, list[Tree]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    option_names: dict[str, dict[str, str]] = field(default_factory=dict)
    list_of: dict[str, str] = field(default_factory=dict)
    languages: set[str] = field(default_factory=set)
    section: Tree | None = None
    depth: list[Tree | None] = field(default_factory=list)
    note: Tree | None = None
    taken_lists: dict[str, str] = field(default_factory=dict)

    def remark(self, key: str, what: str) -> None:
        self.remarks.append(f"questionnaire_remark_{key}|{what[:160]}")

    def take_settings(self, settings: Mapping[str, str]) -> None:
        title = settings.get("form_title", "")
        self.tree["title"] = {**empty_text(), self.default_language: title}
        name = settings.get("form_id", "") or settings.get("id_string", "") or title
        self.tree["name"] = (
            name if NAME.fullmatch(name) else made_code(name or self.origin.partition(".")[0], set(), "form")
        )
        version = settings.get("version", "")
        self.tree["version"] = version if VERSION.fullmatch(version) else ""
        self.tree["model_name"] = title or self.tree["name"]

    def take_choices(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            name = row.get("list_name") or row.get("list name") or ""
            code = row.get("name") or row.get("value") or ""
            if not name or not code:
                continue
            known = self.option_names.setdefault(name, {})
            options = self.lists.setdefault(name, [])
            spelled = code if _OPTION_CODE.fullmatch(code) else self._option_code(code, known)
            if spelled != code:
                self.remark("option_renamed", f"{name}: {code} → {spelled}")
            known[code] = spelled
            value = row.get("score", "") or (row.get("value", "") if row.get("name") else "")
            is_number = re.fullmatch(r"-?[0-9]+([.,][0-9]+)?", value) is not None
            options.append(
                {
                    **empty_option(),
                    "code": spelled,
                    "label": self._texts("label", row),
                    "value": value if is_number else "",
                }
            )

    def _option_code(self, code: str, known: Mapping[str, str]) -> str:
        plain = made_code(code, set(), "o")[:20]
        return made_code(plain, set(known.values()), "o")[:20]

    def take_survey(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            kind = " ".join(row.get("type", "").replace("_", " ").lower().split())
            for key in row:
                if key.startswith(("media::", "image", "audio", "video", "big-image")) and row[key]:
                    self.remark("media", f"{row.get('name', '')}: {row[key]}")
            if kind in ("begin group", "begin repeat"):
                self._begin(row, is_repeat=kind == "begin repeat")
            elif kind in ("end group", "end repeat", "end"):
                self.section, self.note = (self.depth.pop() if self.depth else None), None
            elif kind == "note":
                self._take_note(row)
            elif kind:
                self._take_question(row, kind)

    def _begin(self, row: Row, *, is_repeat: bool) -> None:
        outer = self.section
        self.depth.append(outer)
        if is_repeat:
            self.remark("repeat", row.get("name", ""))
        if row.get("repeat_count"):
            self.remark("repeat", row["repeat_count"])
        self.section = self._new_section(row.get("name", ""), self._texts("label", row))
        self.section["per_unit"] = row.get("hailong_per_unit", "").lower() in _YES
        self.section["show_if"] = self._condition(row)
        if outer is not None and outer["show_if"]:
            if self.section["show_if"]:
                self.remark("condition", f"{row.get('name', '')}: {row.get('relevant', '')}")
            else:
                self.section["show_if"] = outer["show_if"]

    def _new_section(self, name: str, title: Tree) -> Tree:
        taken = {section["code"] for section in self.tree["sections"]}
        code = name if CODE.fullmatch(name) and name not in taken else made_code(name or "part", taken, "part")
        section = with_id(self.tree, {**empty_section(), "code": code, "title": title})
        self.tree["sections"].append(section)
        return section

    def _take_note(self, row: Row) -> None:
        words = self._texts("label", row)
        if row.get("name") == "about_note" and not self.tree["sections"]:
            self.tree["about"] = words
        elif self.section is not None and not self.section["items"] and not any(self.section["intro"].values()):
            self.section["intro"] = words
        else:
            self.note = words

    def _take_question(self, row: Row, kind: str) -> None:
        name = row.get("name", "")
        first = kind.partition(" ")[0]
        if kind in _METADATA or first in _METADATA:
            self.remark("metadata", f"{name} ({kind})")
            return
        answers = re.fullmatch(r"(?:select (one|multiple)(?: from)?|select(1)) (.+)", kind)
        if answers is None and first not in _KINDS:
            self.remark("type", f"{name} ({kind})")
            return
        item = {
            **empty_item(),
            "code": self._code_of(name),
            "text": self._texts("label", row),
            "hint": self._texts("hint", row),
        }
        item["required"] = row.get("required", "").lower() in _YES
        item["show_if"] = self._condition(row)
        if self.note is not None and not any(item["hint"].values()):
            item["hint"], self.note = self.note, None
        if answers is not None:
            # The list's name keeps its own letters, which the type was read without.
            self._answers(
                item,
                row,
                row["type"].split()[-1] if not row["type"].lower().endswith("or_other") else row["type"].split()[-2],
                answers[1] or "one",
            )
            if row["type"].lower().replace(" ", "_").endswith("or_other"):
                item["options"].append({**empty_option(), "code": "other", "label": {"vi": "Khác", "en": "Other"}})
                item["scale"] = ""
        else:
            item["kind"] = _KINDS[first]
            item["whole"] = first in ("integer", "int")
        self._limits(item, row, first)
        for key, column in (("not_applicable", "hailong_na"), ("dont_know", "hailong_dk")):
            item[key] = item[key] or row.get(column, "").lower() in _YES
        item["bands"] = row.get("hailong_bands", "")
        for key in ("calculation", "default", "choice_filter", "trigger"):
            if row.get(key):
                self.remark("column", f"{name}: {key}")
        if self.section is None:
            self.section = self._new_section("", dict(self.tree["title"]))
        self.section["items"].append(with_id(self.tree, item))

    def _answers(self, item: Tree, row: Row, list_name: str, how: str) -> None:
        item["kind"] = "multiple" if how == "multiple" else "single"
        options = self.lists.get(list_name)
        if options is None:
            self.remark("list", f"{row.get('name', '')}: {list_name}")
            return
        self.list_of[row.get("name", "")] = list_name
        codes = {option["code"] for option in options}
        item["not_applicable"], item["dont_know"] = NOT_APPLICABLE in codes, DONT_KNOW in codes
        kept = [
            dict(option, label=dict(option["label"]))
            for option in options
            if option["code"] not in (NOT_APPLICABLE, DONT_KNOW)
        ]
        own = re.sub(rf"(_{NOT_APPLICABLE})?(_{DONT_KNOW})?$", "", list_name)
        has_values = bool(kept) and all(option["value"] for option in kept)
        if item["kind"] == "single" and has_values and own != row.get("name"):
            item["scale"] = self._scale(own, kept)
        else:
            item["options"] = kept if item["kind"] == "single" else [{**option, "value": ""} for option in kept]

    def _scale(self, list_name: str, options: list[Tree]) -> str:
        if list_name not in self.taken_lists:
            taken = {scale["code"] for scale in self.tree["scales"]}
            plain = list_name.removeprefix("scale_")
            code = plain if CODE.fullmatch(plain) and plain not in taken else made_code(plain, taken, "scale")
            self.tree["scales"].append(with_id(self.tree, {**empty_scale(), "code": code, "options": options}))
            self.taken_lists[list_name] = code
        return self.taken_lists[list_name]

    def _limits(self, item: Tree, row: Row, kind: str) -> None:
        constraint = row.get("constraint", "")
        limits = limits_of(constraint, is_whole=item["whole"]) if constraint else limits_of("")
        if kind == "range":
            found = dict(re.findall(r"(start|end)\s*=\s*(-?[0-9.]+)", row.get("parameters", "")))
            item["minimum"], item["maximum"] = found.get("start", ""), found.get("end", "")
        if item["kind"] == "number":
            item["minimum"], item["maximum"] = limits.minimum or item["minimum"], limits.maximum or item["maximum"]
        if item["kind"] == "text":
            item["longest"] = limits.longest or _LONGEST
        for option in item["options"]:
            option["exclusive"] = item["kind"] == "multiple" and option["code"] in limits.alone
        if limits.rest:
            self.remark("constraint", f"{row.get('name', '')}: {constraint}")

    def _condition(self, row: Row) -> Tree | None:
        relevant = row.get("relevant", "") or row.get("relevance", "")
        if not relevant:
            return None
        condition = condition_of(relevant, lambda name: list(self.option_names.get(self.list_of.get(name, ""), {})))
        if condition is None or condition["item"] not in self.names:
            self.remark("condition", f"{row.get('name', '')}: {relevant}")
            return None
        known = self.option_names.get(self.list_of.get(condition["item"], ""), {})
        codes = [known.get(code, code) for code in condition["any_of"]]
        return {"item": self.names[condition["item"]], "any_of": codes}

    def _code_of(self, name: str) -> str:
        taken = set(self.names.values())
        code = name if CODE.fullmatch(name) and name not in taken else made_code(name, taken, "q")
        if code != name:
            self.remark("renamed", f"{name} → {code}")
        self.names[name] = code
        return code

    def _texts(self, key: str, row: Row) -> Tree:
        text = empty_text()
        for column, words in row.items():
            head, _, tail = column.partition("::")
            if head.strip().lower() != key or not words:
                continue
            language = _language_of(tail) if tail else self.default_language
            if not language:
                self.remark("language", tail)
                continue
            text[language] = re.sub(r"[*_#]{2,}|<[^>]{1,60}>", "", words)
            self.languages.add(language)
        return text

    def finished(self) -> Tree:
        known = (*LANGUAGES, *FURTHER_LANGUAGES)
        self.tree["languages"] = [one for one in known if one in {*LANGUAGES, *self.languages}]
        self.tree["sections"] = [section for section in self.tree["sections"] if section["items"]]
        return self.tree
