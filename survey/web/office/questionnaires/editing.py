"""The page on which one part of a draft is edited: its form beside the outline and the phone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Response, request

from questionnaires.draft_checks import check_draft
from questionnaires.draft_edits import ROWS
from questionnaires.draft_trees import INDEX, Tree, items_of, options_of
from questionnaires.model import DONT_KNOW, FURTHER_LANGUAGES, LANGUAGES, NOT_APPLICABLE
from survey.questionnaire_drafts import DraftRecord
from survey.texts import Translate
from survey.viet_nam import VIET_NAM
from survey.web.office.questionnaires.showing import label_of, outline_of, problems_of, sum_in_words
from survey.web.pages import LIVE_POLICY, catalogue_of, render_page_of

# The page shows the phone in a frame, which holds another page of the office.
EDITOR_POLICY = f"{LIVE_POLICY}; frame-src 'self'"
_BLANK_ROWS = 2
_FIRST_ROWS = 4
_LONGEST_LABEL = 70


@dataclass(frozen=True, slots=True)
class EditedPart:
    """A part as its form shows it. `mark` is that of what is stored; `theirs` is what a colleague has stored instead of
    what the form was drawn from, by field, and empty where nobody was in between.
    """

    id: str
    kind: str
    value: Tree
    mark: str
    theirs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionChoice:
    """An earlier question that another one may depend on, with its answers."""

    code: str
    label: str
    answers: tuple[tuple[str, str], ...]


def editor_page(record: DraftRecord, edited: EditedPart, language: str, *, status: int = HTTPStatus.OK) -> Response:
    """The form of a part with everything that it is filled in from."""
    tree, t = record.tree, catalogue_of("office").translator(language)
    checked = check_draft(tree)
    rows_key, row = ROWS.get(edited.kind, ("", {}))
    value = _with_blank_rows(edited, rows_key, row)
    mine = form_values(value)
    conditions = _conditions(tree, edited, language, t)
    outline = outline_of(tree, checked, language)
    response = render_page_of(
        "office",
        "questionnaires/part.html",
        language,
        status=int(status),
        area="questionnaires",
        draft=record,
        edited=edited,
        value=value,
        differing={name: words for name, words in edited.theirs.items() if words != mine.get(name, "")},
        outline=outline,
        problems=problems_of(checked, edited.id, t),
        languages=tree["languages"],
        known_languages=(*LANGUAGES, *FURTHER_LANGUAGES),
        conditions=conditions,
        condition_choices=[(one.code, one.label) for one in conditions],
        profile_choices=[(one.code, one.label or one.code) for one in outline.profiles],
        scales=[(scale["code"], _scale_label(scale, language)) for scale in tree["scales"]],
        scorable=_scorable(tree, edited, language),
        sum_said=_sum_said(tree, edited, language, t),
        neighbours=_neighbours(tree, edited.id),
        number=next((n for n, (_, item) in enumerate(items_of(tree), 1) if item["id"] == edited.id), 0),
        saved_at=record.saved_at.astimezone(VIET_NAM),
        is_saved="saved" in request.args,
    )
    response.headers["Content-Security-Policy"] = EDITOR_POLICY
    return response


def form_values(value: Any, name: str = "") -> dict[str, str]:
    """The fields of a part by the names that its form gives them; a tick is "✓"."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, inner in value.items():
            is_row = key.isdecimal()
            found |= form_values(inner, f"{name}[{key}]" if is_row else f"{name}.{key}".lstrip("."))
        return found
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {name: ", ".join(value)} if value else {}
    if isinstance(value, list):
        return {key: words for n, one in enumerate(value) for key, words in form_values(one, f"{name}[{n}]").items()}
    if isinstance(value, bool):
        return {name: "✓" if value else ""}
    return {} if value is None or name.endswith((".was", ".id")) else {name: str(value)}


def _with_blank_rows(edited: EditedPart, key: str, row: Tree) -> Tree:
    if not key or edited.kind == INDEX:
        return edited.value
    rows = list(edited.value[key])
    n_blank = _BLANK_ROWS if rows else _FIRST_ROWS
    return {**edited.value, key: [*rows, *({**row, "weight": ""} if "weight" in row else row for _ in range(n_blank))]}


def _conditions(tree: Tree, edited: EditedPart, language: str, t: Translate) -> list[ConditionChoice]:
    """The questions with answers to choose that come before this part."""
    if edited.kind not in ("item", "section"):
        return []
    return [
        ConditionChoice(
            item["code"],
            f"{n}. {_short(label_of(item['text'], language))}",
            (
                *((one["code"], label_of(one["label"], language)) for one in options_of(tree, item)),
                *_reserved(item, t),
            ),
        )
        for n, item in _before(tree, edited.id)
        if item["kind"] in ("single", "multiple")
    ]


def _reserved(item: Tree, t: Translate) -> Iterator[tuple[str, str]]:
    if item["not_applicable"]:
        yield NOT_APPLICABLE, t("questionnaire_not_applicable")
    if item["dont_know"]:
        yield DONT_KNOW, t("questionnaire_dont_know")


def _before(tree: Tree, part: str) -> Iterator[tuple[int, Tree]]:
    for n, (section, item) in enumerate(items_of(tree), 1):
        if part in (section["id"], item["id"]):
            return
        yield n, item


def _scorable(tree: Tree, edited: EditedPart, language: str) -> list[tuple[str, str]]:
    """The questions that may be criteria: single choices whose answers have values."""
    if edited.kind != "factor":
        return []
    return [
        (item["code"], f"{n}. {_short(label_of(item['text'], language))}")
        for n, (_, item) in enumerate(items_of(tree), 1)
        if item["kind"] == "single" and any(one["value"] for one in options_of(tree, item))
    ]


def _sum_said(tree: Tree, edited: EditedPart, language: str, t: Translate) -> str:
    if edited.kind == INDEX:
        nodes = tree["index"]["factors"] if tree["index"] else []
    else:
        nodes = edited.value.get("criteria", [])
    return sum_in_words(nodes, language, t) if nodes else ""


def _neighbours(tree: Tree, part: str) -> tuple[str, str]:
    """The ids of the questions before and after this one; empty where there is none."""
    ids = [item["id"] for _, item in items_of(tree)]
    if part not in ids:
        section = next((one for one in tree["sections"] if one["id"] == part), None)
        return "", section["items"][0]["id"] if section and section["items"] else ""
    place = ids.index(part)
    return ids[place - 1] if place else "", ids[place + 1] if place + 1 < len(ids) else ""


def _scale_label(scale: Tree, language: str) -> str:
    words = [label_of(option["label"], language) for option in scale["options"]]
    ends = f"{words[0]} … {words[-1]}" if len(words) > 1 else "".join(words)
    return f"{scale['code']}: {ends}"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
