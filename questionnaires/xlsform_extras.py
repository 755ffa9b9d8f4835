"""What our own XLSForms carry beside what others read: the scoring tree, the rules, and texts without a place."""

from collections.abc import Mapping

from questionnaires.draft_trees import (
    Tree,
    empty_criterion,
    empty_factor,
    empty_option,
    empty_profile,
    empty_scale,
    empty_text,
    our_source,
    with_id,
)
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES
from questionnaires.xlsform_tables import Row, Workbook

_WORDS = ("name", "version", "model_name", "most_units", "default_profile")


def read_extras(tree: Tree, workbook: Workbook) -> None:
    """Add to a draft what stands on the sheets of our own; a form from elsewhere has none of them."""
    order: list[str] = []
    for row in workbook.rows("_questionnaire"):
        key, value = row.get("key", ""), row.get("value", "")
        if key in _WORDS:
            tree[key] = value
        elif key == "scale":
            order.append(value)
        elif key.startswith("scale."):
            _add_to_scale(tree, key.removeprefix("scale."), row)
        else:
            head, _, language = key.partition(".")
            if head in ("title", "about") and language in (*LANGUAGES, *FURTHER_LANGUAGES):
                tree[head][language] = value
    for text in (tree["title"], tree["about"]):
        for language in [one for one in text if not text[one] and one not in LANGUAGES]:
            del text[language]
    tree["scales"].sort(key=lambda scale: order.index(scale["code"]) if scale["code"] in order else len(order))
    _read_scoring(tree, workbook.rows("_scoring"))
    _read_profiles(tree, workbook.rows("_profiles"))


def _add_to_scale(tree: Tree, code: str, row: Row) -> None:
    scale = next((one for one in tree["scales"] if one["code"] == code), None)
    if scale is None:
        scale = with_id(tree, {**empty_scale(), "code": code})
        tree["scales"].append(scale)
    label = {one: row.get(f"label.{one}", "") for one in (*LANGUAGES, *FURTHER_LANGUAGES)}
    kept = {one: words for one, words in label.items() if words or one in LANGUAGES}
    scale["options"].append(
        {**empty_option(), "code": row.get("value", ""), "value": row.get("number", ""), "label": kept}
    )


def _read_scoring(tree: Tree, rows: tuple[Row, ...]) -> None:
    for row in rows:
        level = row.get("level", "")
        texts = {key: _text(key, row) for key in ("label", "short_label")}
        if level == "index":
            tree["index"] = {**texts, "factors": []}
        elif level == "factor" and tree["index"] is not None:
            plain = {"code": row.get("code", ""), "weight": row.get("weight", "")}
            factor = {**empty_factor(), **texts, **plain, "source": _source(row) if row.get("source") else None}
            tree["index"]["factors"].append(with_id(tree, factor))
        elif level == "criterion" and tree["index"] and tree["index"]["factors"]:
            plain = {key: row.get(key, "") for key in ("code", "item", "hard", "weight")}
            tree["index"]["factors"][-1]["criteria"].append(
                {
                    **empty_criterion(),
                    **texts,
                    **plain,
                    "reversed": row.get("reversed") == "yes",
                    "source": _source(row),
                }
            )


def _read_profiles(tree: Tree, rows: tuple[Row, ...]) -> None:
    for row in rows:
        if row.get("level") == "profile":
            plain = {key: row.get(key, "") for key in ("name", "formula", "threshold", "points", "same_extremes")}
            ticks = {key: row.get(key) == "yes" for key in ("hard", "confirmed")}
            profile = {**empty_profile(), "label": _text("label", row), **plain, **ticks, "source": _source(row)}
            tree["profiles"].append(with_id(tree, profile))
        elif row.get("level") == "band" and tree["profiles"]:
            tree["profiles"][-1]["bands"].append({"low": row.get("low", ""), "label": _text("label", row)})


def _text(key: str, row: Mapping[str, str]) -> Tree:
    return {**empty_text(), **{one: row.get(f"{key}.{one}", "") for one in LANGUAGES}}


def _source(row: Mapping[str, str]) -> Tree:
    if row.get("source") == "document":
        return {"ours": False, "document": row.get("document", ""), "page": row.get("page", "")}
    return our_source()
