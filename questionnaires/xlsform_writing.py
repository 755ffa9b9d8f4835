"""A draft, or a published version as a draft, as an XLSForm: what ODK, Kobo and their like ask the same questions by.

What an XLSForm has no place for, the scoring tree above all, stands on sheets whose names begin with an underscore,
which those programs leave alone, so that reading the file again gives the same questionnaire.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from questionnaires.draft_trees import Tree, items_of, options_of
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE

LANGUAGE_NAMES = {
    "vi": "Tiếng Việt (vi)",
    "en": "English (en)",
    "ko": "한국어 (ko)",
    "zh": "中文 (zh)",
    "ja": "日本語 (ja)",
}
# What an XLSForm has as answers like any other.
APART = {
    NOT_APPLICABLE: {
        "vi": "Không áp dụng",
        "en": "Not applicable",
        "ko": "해당 없음",
        "zh": "不适用",
        "ja": "該当なし",
    },
    DONT_KNOW: {"vi": "Không biết", "en": "Don't know", "ko": "모름", "zh": "不知道", "ja": "わからない"},
}
Cells = dict[str, str | float]


def xlsform_of(tree: Tree) -> bytes:
    """The workbook: `survey`, `choices`, `settings`, and what is ours on `_questionnaire`, `_scoring`, `_profiles`."""
    return workbook_of(
        {
            "survey": list(_survey(tree)),
            "choices": list(_choices(tree)),
            "settings": [_settings(tree)],
            "_questionnaire": list(_questionnaire(tree)),
            "_scoring": list(_scoring(tree)),
            "_profiles": list(_profiles(tree)),
        }
    )


def workbook_of(sheets: Mapping[str, Sequence[Cells]]) -> bytes:
    """The sheets as a workbook: a column for each key that any row has, its name at the top."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    workbook, bold = Workbook(write_only=True), Font(bold=True)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        sheet.freeze_panes = "A2"
        header = list(dict.fromkeys(key for row in rows for key in row)) or ["name"]
        for place in range(len(header)):
            sheet.column_dimensions[chr(65 + place) if place < 26 else "A" + chr(39 + place)].width = 22
        headings: Cells = dict(zip(header, header, strict=True))
        for n, row in enumerate([headings, *rows]):
            cells = []
            for key in header:
                cell = WriteOnlyCell(sheet, value=row.get(key))
                if isinstance(row.get(key), str):
                    # A text is never a formula, whatever it begins with.
                    cell.data_type = "s"
                if n == 0:
                    cell.font = bold
                cells.append(cell)
            sheet.append(cells)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def list_name_of(item: Mapping[str, Any]) -> str:
    """The list of choices of an item: its scale's or its own, with the answers that stand apart."""
    own = f"scale_{item['scale']}" if item["kind"] == "single" and item["scale"] else str(item["code"])
    return own + "".join(
        f"_{code}" for code, key in ((NOT_APPLICABLE, "not_applicable"), (DONT_KNOW, "dont_know")) if item[key]
    )


def _texts(key: str, text: Mapping[str, str], tree: Tree) -> Cells:
    # In an XLSForm “${” begins a reference. Ours are words: a space of no width keeps them so, and reading drops it.
    return {f"{key}::{LANGUAGE_NAMES[one]}": text.get(one, "").replace("${", "$\u200b{") for one in tree["languages"]}


def _survey(tree: Tree) -> Iterator[Cells]:
    if any(tree["about"].values()):
        yield {"type": "note", "name": "about_note", **_texts("label", tree["about"], tree)}
    items = {item["code"]: item for _, item in items_of(tree)}
    for section in tree["sections"]:
        relevant = _relevant(section["show_if"], items)
        yield {
            "type": "begin_group",
            "name": section["code"],
            **_texts("label", section["title"], tree),
            "relevant": relevant,
            "hailong_per_unit": "yes" if section["per_unit"] else "",
        }
        if any(section["intro"].values()):
            yield {"type": "note", "name": f"{section['code']}_intro_note", **_texts("label", section["intro"], tree)}
        for item in section["items"]:
            yield _question(item, tree, items)
        yield {"type": "end_group", "name": section["code"]}


def _question(item: Tree, tree: Tree, items: Mapping[str, Tree]) -> Cells:
    kind = item["kind"]
    types = {
        "single": f"select_one {list_name_of(item)}",
        "multiple": f"select_multiple {list_name_of(item)}",
        "number": "integer" if item["whole"] else "decimal",
        "text": "text",
    }
    row: Cells = {
        "type": types.get(kind, "text"),
        "name": item["code"],
        **_texts("label", item["text"], tree),
        **(_texts("hint", item["hint"], tree) if any(item["hint"].values()) else {}),
        "required": "yes" if item["required"] else "",
        "relevant": _relevant(item["show_if"], items),
        "constraint": _constraint(item, tree),
    }
    if kind == "number":
        row["hailong_bands"] = item["bands"]
        row["hailong_na"] = "yes" if item["not_applicable"] else ""
        row["hailong_dk"] = "yes" if item["dont_know"] else ""
    return row


def _relevant(condition: Tree | None, items: Mapping[str, Tree]) -> str:
    if not condition:
        return ""
    is_multiple = items.get(condition["item"], {}).get("kind") == "multiple"
    form = "selected(${{{item}}}, '{code}')" if is_multiple else "${{{item}}} = '{code}'"
    return " or ".join(form.format(item=condition["item"], code=code) for code in condition["any_of"])


def _constraint(item: Tree, tree: Tree) -> str:
    if item["kind"] == "number":
        ends = ((">=", item["minimum"]), ("<=", item["maximum"]))
        return " and ".join(f". {sign} {end.replace(',', '.')}" for sign, end in ends if end)
    if item["kind"] == "text":
        return f"string-length(.) <= {item['longest']}" if item["longest"] else ""
    if item["kind"] == "multiple":
        alone = [one["code"] for one in options_of(tree, item) if one["exclusive"]]
        alone += [code for code, key in ((NOT_APPLICABLE, "not_applicable"), (DONT_KNOW, "dont_know")) if item[key]]
        return " and ".join(f"not(selected(., '{code}') and count-selected(.) > 1)" for code in alone)
    return ""


def _choices(tree: Tree) -> Iterator[Cells]:
    written: set[str] = set()
    for _, item in items_of(tree):
        if item["kind"] not in ("single", "multiple") or list_name_of(item) in written:
            continue
        name = list_name_of(item)
        written.add(name)
        for option in options_of(tree, item):
            yield {
                "list_name": name,
                "name": option["code"],
                **_texts("label", option["label"], tree),
                "score": option["value"].replace(",", "."),
            }
        for code, key in ((NOT_APPLICABLE, "not_applicable"), (DONT_KNOW, "dont_know")):
            if item[key]:
                yield {"list_name": name, "name": code, **_texts("label", APART[code], tree), "score": ""}


def _settings(tree: Tree) -> Cells:
    return {
        "form_title": tree["title"].get("vi", "") or tree["name"],
        "form_id": tree["name"] or "draft",
        "version": tree["version"] or "0",
        "default_language": LANGUAGE_NAMES["vi"],
    }


def _questionnaire(tree: Tree) -> Iterator[Cells]:
    for key in ("name", "version", "model_name", "most_units", "default_profile"):
        yield {"key": key, "value": tree[key]}
    for key in ("title", "about"):
        for language in tree["languages"]:
            yield {"key": f"{key}.{language}", "value": tree[key].get(language, "")}
    # A scale that nothing is answered on has no list among the choices.
    used = {item["scale"] for _, item in items_of(tree) if item["kind"] == "single"}
    for scale in tree["scales"]:
        yield {"key": "scale", "value": scale["code"]}
        for option in scale["options"] if scale["code"] not in used else ():
            label = {f"label.{one}": option["label"].get(one, "") for one in tree["languages"]}
            yield {"key": f"scale.{scale['code']}", "value": option["code"], "number": option["value"], **label}


def _scoring(tree: Tree) -> Iterator[Cells]:
    if tree["index"] is None:
        return
    yield {"level": "index", **_node_texts(tree["index"])}
    for factor in tree["index"]["factors"]:
        yield {
            "level": "factor",
            "code": factor["code"],
            **_node_texts(factor),
            "weight": factor["weight"],
            **_source(factor["source"]),
        }
        for one in factor["criteria"]:
            yield {
                "level": "criterion",
                "code": one["code"],
                "item": one["item"],
                "hard": one["hard"],
                **_node_texts(one),
                "weight": one["weight"],
                "reversed": "yes" if one["reversed"] else "",
                **_source(one["source"]),
            }


def _node_texts(node: Tree) -> Cells:
    return {f"{key}.{one}": node[key].get(one, "") for key in ("label", "short_label") for one in ("vi", "en")}


def _source(source: Tree | None) -> Cells:
    if source is None:
        return {}
    if source["ours"]:
        return {"source": "ours"}
    return {"source": "document", "document": source["document"], "page": source["page"]}


def _profiles(tree: Tree) -> Iterator[Cells]:
    for one in tree["profiles"]:
        yield {
            "level": "profile",
            "name": one["name"],
            **{f"label.{language}": one["label"].get(language, "") for language in ("vi", "en")},
            "formula": one["formula"],
            **{key: one[key] for key in ("threshold", "points", "same_extremes")},
            **{key: "yes" if one[key] else "" for key in ("hard", "confirmed")},
            **_source(one["source"]),
        }
        for band in one["bands"]:
            label = {f"label.{language}": band["label"].get(language, "") for language in ("vi", "en")}
            yield {"level": "band", "name": one["name"], **label, "low": band["low"]}
