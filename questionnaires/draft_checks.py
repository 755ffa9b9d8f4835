"""What is wrong with a draft, part by part, as its writer meets it: on the fields they typed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from questionnaires.draft_files import file_fields, marked_of, number_of, scale_names
from questionnaires.draft_trees import ABOUT, INDEX, Tree
from questionnaires.model import Questionnaire
from questionnaires.reading import read_fields

# Weights are written in parts of a hundred, of one, or all alike.
WHOLES = (100.0, 1.0)
_TOLERANCE = 1e-6
_ABOUT_KEYS = ("name", "version", "title", "model_name", "about", "languages", "most_units", "sections", "scales")
_STEP = re.compile(r"(?P<key>[^.\[]+)(?:\[(?P<n>[0-9]+)\])?\.?(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """Something that keeps a draft from being published.

    `part` is the id of the part it belongs to, or "about" or "index"; `field` is the path of the field within that part
    ("text.en", "options[2].code"), which may be a group of fields; `message` is the reader's own sentence.
    """

    part: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft as a questionnaire, with placeholders where something is wrong, and what that is."""

    questionnaire: Questionnaire
    problems: tuple[DraftProblem, ...]

    @property
    def is_complete(self) -> bool:
        """True when it can be published."""
        return not self.problems

    def of_part(self, part: str) -> tuple[DraftProblem, ...]:
        """What is wrong with one part."""
        return tuple(problem for problem in self.problems if problem.part == part)


def check_draft(tree: Tree) -> CheckedDraft:
    """Everything that is wrong with a draft, in the order of its file, and the questionnaire that it means so far."""
    questionnaire, complaints = read_fields(marked_of(file_fields(tree)), "draft")
    problems = [DraftProblem(*place_of(tree, complaint.key), complaint.message) for complaint in complaints]
    return CheckedDraft(questionnaire, (*_name_problems(tree), *problems, *_weight_problems(tree)))


def place_of(tree: Tree, key: str) -> tuple[str, str]:
    """Where a key of the file is edited: the part and the field in it."""
    step = _STEP.fullmatch(key)
    if step is None:
        return ABOUT, ""
    name, n, rest = step["key"], step["n"], step["rest"]
    if name == "sections" and n is not None:
        section = _nth(tree["sections"], n)
        found = re.fullmatch(r"items\[([0-9]+)\]\.?(.*)", rest)
        if found and section:
            item = _nth(section["items"], found[1])
            return (item["id"], found[2]) if item else (section["id"], "items")
        return (section["id"], rest) if section else (ABOUT, "sections")
    if name == "scales" and rest:
        return _place_in_scale(tree, rest)
    if name == "index":
        found = re.fullmatch(r"factors\[([0-9]+)\]\.?(.*)", rest)
        factor = _nth(tree["index"]["factors"], found[1]) if found and tree["index"] else None
        return (factor["id"], found[2]) if found and factor else (INDEX, rest)
    if name == "profiles" and n is not None:
        profile = _nth(tree["profiles"], n)
        return (profile["id"], rest) if profile else (INDEX, "profiles")
    return (ABOUT if name in _ABOUT_KEYS else INDEX), key


def siblings_weights(nodes: Sequence[Tree]) -> list[float] | None:
    """The weights of siblings as numbers; None where one is no number above 0. An empty weight counts one."""
    weights = [number_of(node["weight"]) if node["weight"] else 1 for node in nodes]
    return (
        [float(weight) for weight in weights if not isinstance(weight, str) and weight > 0]
        if all(not isinstance(weight, str) and weight > 0 for weight in weights)
        else None
    )


def weights_fit(weights: Sequence[float]) -> bool:
    """True of weights that are all alike, or that sum to a hundred or to one."""
    total = sum(weights)
    return len(set(weights)) <= 1 or any(abs(total - whole) <= _TOLERANCE * whole for whole in WHOLES)


def _nth(parts: Sequence[Tree], n: str) -> Tree | None:
    return parts[int(n)] if int(n) < len(parts) else None


def _place_in_scale(tree: Tree, rest: str) -> tuple[str, str]:
    for scale, name in zip(tree["scales"], scale_names(tree), strict=True):
        found = re.fullmatch(rf"{re.escape(name)}(?:\[([0-9]+)\]\.?(.*))?", rest)
        if found:
            field = "options" if found[1] is None else f"options[{found[1]}].{found[2]}".rstrip(".")
            return scale["id"], field
    return ABOUT, "scales"


def _name_problems(tree: Tree) -> Iterator[DraftProblem]:
    seen: set[str] = set()
    for scale in tree["scales"]:
        code = scale["code"]
        if not code:
            yield DraftProblem(scale["id"], "code", "found no “code”, expected the name of a scale")
        elif code in seen:
            yield DraftProblem(scale["id"], "code", f"found the scale code “{code}” twice, expected each code once")
        seen.add(code)


def _weight_problems(tree: Tree) -> Iterator[DraftProblem]:
    index: Any = tree["index"]
    if not index:
        return
    yield from _sum_problem(index["factors"], INDEX, "factors")
    for factor in index["factors"]:
        yield from _sum_problem(factor["criteria"], factor["id"], "criteria")


def _sum_problem(nodes: Sequence[Tree], part: str, field: str) -> Iterator[DraftProblem]:
    weights = siblings_weights(nodes)
    if weights and not weights_fit(weights):
        yield DraftProblem(
            part, field, f"found weights that sum to {sum(weights):.10g}, expected a sum of 100, or all of them alike"
        )
