"""The rows of the entry screen: numbered as on the paper, each with its keys, what was typed and what is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from questionnaires.keying import UNIT, KeyField, KeyProblem, item_numbers, key_fields, keys_of
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, Questionnaire, Section
from survey.texts import Translate, plain_number

# The name of a row's control: no word in it is one that a page which carries a form over would take for a secret.
PREFIX = "k"


@dataclass(frozen=True, slots=True)
class Key:
    """What is typed for an answer, and the answer."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the entry screen. `condition` is what the script reads: a control and the keys that make this row due.

    `legend` is the row whose keys are shown for this one: itself, or one before with the same keys.
    """

    name: str
    number: str
    text: str
    kind: str
    keys: tuple[Key, ...]
    legend: str
    condition: str
    typed: str
    problem: str
    is_not_due: bool
    longest: int | None

    @property
    def has_legend(self) -> bool:
        """Whether the keys stand above this row."""
        return self.legend == self.name

    @property
    def described_by(self) -> str:
        """The ids of what belongs to the control beside its label."""
        ids = ((self.legend, f"{self.legend}-keys"), (self.problem, f"{self.name}-complaint"))
        return " ".join(name for said, name in ids if said)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a section, or of the unit at a place."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Differing:
    """A row in which two entries differ, under the title it stands beneath, and what each of them says."""

    title: str
    row: Row
    first: str
    second: str


def control_of(name: str) -> str:
    """The name of the control of a field."""
    return f"{PREFIX}{name}"


def field_names(names: Iterable[str], t: Translate) -> str:
    """What fields are called in a list: the numbers of their items."""
    words = []
    for name in names:
        place, _, rest = name.rpartition(".")
        if rest == UNIT:
            words.append(t("paper_place", place=place))
        else:
            words.append(t("paper_place_item", place=place, number=rest) if place else rest)
    return ", ".join(words)


def groups_of(
    questionnaire: Questionnaire,
    typed: Mapping[str, str],
    problems: Sequence[KeyProblem],
    not_due: Sequence[str],
    n_places: int,
    language: str,
    t: Translate,
) -> tuple[Group, ...]:
    """All rows of the screen, by sections."""
    wrong = {problem.field: complaint(problem, language, t) for problem in problems}
    writer = _Rows(questionnaire, language, t)
    groups: list[tuple[str, list[Row]]] = []
    before: Row | None = None
    for found in key_fields(questionnaire, n_places):
        title = writer.title(found)
        if not groups or groups[-1][0] != title:
            groups.append((title, []))
            before = None
        row = writer.row(found, typed.get(found.name, ""), wrong.get(found.name, ""), found.name in not_due, before)
        before = row
        groups[-1][1].append(row)
    return tuple(Group(title, tuple(rows)) for title, rows in groups)


def differing_rows(
    questionnaire: Questionnaire,
    first: Mapping[str, str],
    second: Mapping[str, str],
    names: Sequence[str],
    typed: Mapping[str, str],
    problems: Sequence[KeyProblem],
    units: Mapping[str, str],
    language: str,
    t: Translate,
) -> tuple[Differing, ...]:
    """The rows in which two entries differ, each with both readings in words; `units` are the units' names by codes."""
    wrong = {problem.field: complaint(problem, language, t) for problem in problems}
    writer = _Rows(questionnaire, language, t)
    rows = []
    for found in key_fields(questionnaire):
        if found.name in names:
            row = writer.row(found, typed.get(found.name, ""), wrong.get(found.name, ""), False, None)
            sides = (said(row, entry.get(found.name, ""), units) for entry in (first, second))
            rows.append(Differing(writer.title(found) if found.place else "", row, *sides))
    return tuple(rows)


def said(row: Row, kept: str, units: Mapping[str, str]) -> str:
    """What was kept of a row, with the words of its keys or the name of its unit; empty where nothing was."""
    if row.kind == UNIT:
        return f"{kept} {units.get(kept, '')}".strip()
    labels = {key.key: key.label for key in row.keys}
    if row.kind in ("single", "multiple"):
        return ", ".join(f"{key} {labels.get(key, '')}".strip() for key in kept.split())
    return f"{kept} {labels[kept]}" if kept in labels else kept


def complaint(problem: KeyProblem, language: str, t: Translate) -> str:
    """What is wrong with a field, in a sentence."""
    reason: str = problem.reason
    ends = {"minimum": problem.minimum, "maximum": problem.maximum}
    known = {name: plain_number(value, language) for name, value in ends.items() if value is not None}
    if reason == "out_of_range" and len(known) == 1:
        reason = "too_small" if "minimum" in known else "too_large"
    return t(f"paper_problem_{reason}", found=problem.found, longest=problem.longest or 0, **known)


@dataclass(frozen=True, slots=True)
class _Rows:
    questionnaire: Questionnaire
    language: str
    t: Translate

    def title(self, found: KeyField) -> str:
        place = self.t("paper_place", place=found.place) if found.place else ""
        section = found.section.title.in_language(self.language) if found.section else ""
        return ": ".join(filter(None, (place, section)))

    def row(self, found: KeyField, typed: str, problem: str, is_not_due: bool, before: Row | None) -> Row:
        item = found.item
        keys = self.keys(item) if item is not None else ()
        shown_at = before.legend if before is not None and before.keys == keys else control_of(found.name)
        return Row(
            name=control_of(found.name),
            number=f"{found.number}." if item is not None else "",
            text=item.text.in_language(self.language) if item is not None else self.t("paper_unit"),
            kind=item.kind if item is not None else UNIT,
            keys=keys,
            legend=shown_at if keys else "",
            condition=self.condition(found.section, item, found.place),
            typed=typed,
            problem=problem,
            is_not_due=is_not_due,
            longest=item.longest if item is not None else None,
        )

    def keys(self, item: Item) -> tuple[Key, ...]:
        return tuple(Key(key, self.label(item, code)) for code, key in keys_of(item).items())

    def label(self, item: Item, code: str) -> str:
        if code in (NOT_APPLICABLE, DONT_KNOW):
            return self.t(f"paper_{code}")
        return next(option.label.in_language(self.language) for option in item.options if option.code == code)

    def condition(self, section: Section | None, item: Item | None, place: int) -> str:
        """The conditions of a row for the script: `control key key`, parted by strokes where both have one."""
        conditions = (section.show_if if section else None, item.show_if if item else None)
        return "|".join(self._one(condition, place) for condition in conditions if condition is not None)

    def _one(self, condition: Condition, place: int) -> str:
        asked = self.questionnaire.item(condition.item)
        number = item_numbers(self.questionnaire)[asked.code]
        is_per_unit = any(asked in section.items for section in self.questionnaire.per_unit_sections)
        name = f"{place}.{number}" if is_per_unit and place else f"{number}"
        keys = keys_of(asked)
        return " ".join((control_of(name), *(keys[code] for code in condition.any_of)))
