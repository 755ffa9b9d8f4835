"""What the pages about questionnaires show: lines of the library, the outline of a draft, what is wrong where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from questionnaires.draft_checks import CheckedDraft, DraftProblem
from questionnaires.draft_edits import weight_sum
from questionnaires.draft_trees import ABOUT, INDEX, Tree
from questionnaires.model import Questionnaire
from survey.questionnaire_library import LibraryEntry
from survey.texts import Translate, number
from survey.web.office.questionnaires.wording import in_words


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A published version in the library."""

    reference: str
    name: str
    version: str
    title: str
    n_items: int
    languages: tuple[str, ...]
    published_on: object
    n_rounds: int


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A question in the outline of a draft."""

    id: str
    number: int
    code: str
    label: str
    kind: str
    is_conditional: bool
    is_scored: bool
    n_problems: int


@dataclass(frozen=True, slots=True)
class OutlineSection:
    """A section in the outline of a draft."""

    id: str
    code: str
    label: str
    per_unit: bool
    n_problems: int
    items: tuple[OutlineItem, ...]


@dataclass(frozen=True, slots=True)
class OutlineLine:
    """A scale, a factor or a scoring rule in the outline: its words, and how many things stand in it."""

    id: str
    code: str
    label: str
    count: int
    weight: str
    n_problems: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Everything that a draft has, in order."""

    sections: tuple[OutlineSection, ...]
    scales: tuple[OutlineLine, ...]
    factors: tuple[OutlineLine, ...]
    profiles: tuple[OutlineLine, ...]
    n_items: int
    n_problems: int
    n_about: int
    n_index: int
    has_tree: bool


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with one part, by field, and a line for each."""

    by_field: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, name: str) -> tuple[str, ...]:
        """What is wrong with a field."""
        return self.by_field.get(name, ())

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """(field, what is wrong), one for each."""
        return tuple((name, words) for name, lines in self.by_field.items() for words in lines)


def problems_of(checked: CheckedDraft, part: str, t: Translate) -> Problems:
    """What is wrong with a part, in the words of the page."""
    found: dict[str, tuple[str, ...]] = {}
    for problem in checked.of_part(part):
        name = _field_of(problem)
        words = in_words(problem.message, t)
        if words not in found.get(name, ()):
            found[name] = (*found.get(name, ()), words)
    return Problems(found)


def _field_of(problem: DraftProblem) -> str:
    """The field of the form: a language that is missing belongs to its own box, any other complaint where it says."""
    named = next((one for one in ("vi", "en", "ko", "zh", "ja") if problem.message.startswith(f"found no “{one}”")), "")
    if named and not problem.field.endswith(f".{named}"):
        return f"{problem.field}.{named}"
    if problem.part == INDEX and problem.field.startswith("index."):
        return problem.field.removeprefix("index.")
    return problem.field


def label_of(text: Mapping[str, str], language: str) -> str:
    """A text in this language, or in another one that it has."""
    return text.get(language) or text.get("vi") or text.get("en") or ""


def outline_of(tree: Tree, checked: CheckedDraft, language: str) -> Outline:
    """The outline of a draft in a language."""
    wrong = _counts(checked.problems)
    scored = {criterion["item"] for factor in _factors(tree) for criterion in factor["criteria"]}
    sections, place = [], 0
    for section in tree["sections"]:
        items = []
        for item in section["items"]:
            place += 1
            label = label_of(item["text"], language)
            has_condition = item["show_if"] is not None
            n_wrong = wrong.get(item["id"], 0)
            is_scored = item["code"] in scored
            items.append(
                OutlineItem(item["id"], place, item["code"], label, item["kind"], has_condition, is_scored, n_wrong)
            )
        title = label_of(section["title"], language)
        n_wrong = wrong.get(section["id"], 0)
        sections.append(
            OutlineSection(section["id"], section["code"], title, section["per_unit"], n_wrong, tuple(items))
        )
    return Outline(
        tuple(sections),
        tuple(_scale_line(tree, scale, wrong, language) for scale in tree["scales"]),
        tuple(
            OutlineLine(
                factor["id"],
                factor["code"],
                label_of(factor["label"], language),
                len(factor["criteria"]),
                factor["weight"],
                wrong.get(factor["id"], 0),
            )
            for factor in _factors(tree)
        ),
        tuple(
            OutlineLine(one["id"], one["name"], label_of(one["label"], language), 0, "", wrong.get(one["id"], 0))
            for one in tree["profiles"]
        ),
        place,
        len(checked.problems),
        wrong.get(ABOUT, 0),
        wrong.get(INDEX, 0),
        tree["index"] is not None,
    )


def _scale_line(tree: Tree, scale: Tree, wrong: Mapping[str, int], language: str) -> OutlineLine:
    ends = [label_of(option["label"], language) for option in scale["options"]]
    label = f"{ends[0]} … {ends[-1]}" if len(ends) > 1 else "".join(ends)
    return OutlineLine(scale["id"], scale["code"], label, len(ends), "", wrong.get(scale["id"], 0))


def _factors(tree: Tree) -> list[Tree]:
    return list(tree["index"]["factors"]) if tree["index"] else []


def _counts(problems: Iterable[DraftProblem]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for problem in problems:
        counts[problem.part] = counts.get(problem.part, 0) + 1
    return counts


def sum_in_words(nodes: list[Tree], language: str, t: Translate) -> str:
    """What weights sum to, for the line below them."""
    total = weight_sum(nodes)
    if total is None:
        return t("questionnaire_weights_unread")
    decimals = 0 if float(total).is_integer() else 2
    return t("questionnaire_weights_sum", total=number(total, decimals, language))


def version_line(entry: LibraryEntry, language: str, n_rounds: int) -> VersionLine:
    """A published version as the library lists it."""
    questionnaire = entry.questionnaire
    return VersionLine(
        questionnaire.reference,
        questionnaire.name,
        questionnaire.version,
        questionnaire.title.in_language(language),
        len(questionnaire.items),
        questionnaire.languages,
        entry.published_on,
        n_rounds,
    )


def shares_of(questionnaire: Questionnaire) -> dict[str, float]:
    """What part of the whole index each factor and each criterion is, by its code, from 0 to 1."""
    shares: dict[str, float] = {}
    root = questionnaire.index
    total = sum(factor.weight for factor in root.children) if root else 0.0
    for factor in root.children if root else ():
        shares[factor.code] = factor.weight / total
        within = sum(criterion.weight for criterion in factor.children)
        for criterion in factor.children:
            shares[criterion.code] = shares[factor.code] * criterion.weight / within
    return shares
