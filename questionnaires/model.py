"""A questionnaire as values: what is asked, and the tree that scores it.

Nothing here is checked: `questionnaires.reading` builds these values from a file and refuses what does not fit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

LANGUAGES = ("vi", "en")
# What a questionnaire may be asked in beside these two. Its scoring tree is read in the two alone.
FURTHER_LANGUAGES = ("ko", "zh", "ja")
NOT_APPLICABLE = "na"
DONT_KNOW = "dk"

ItemKind = Literal["single", "multiple", "number", "text"]
NodeKind = Literal["index", "factor", "criterion"]
Formula = Literal["share", "mean_of_maximum", "rescaled", "standardised"]
SameExtremes = Literal["midpoint", "missing"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in Vietnamese and English, and where a questionnaire is asked in more languages, in those.

    In a questionnaire that was read from a file the first two are never empty, and neither is any other language that
    the questionnaire names, in the texts that respondents read.
    """

    vi: str
    en: str
    ko: str = ""
    zh: str = ""
    ja: str = ""

    def in_language(self, language: str) -> str:
        """The text in this language; where it has none, the English one for "ko", "zh", "ja", else the Vietnamese."""
        if language not in FURTHER_LANGUAGES:
            return self.en if language == "en" else self.vi
        return str(getattr(self, language)) or self.en

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that this text is written in."""
        return tuple(language for language in (*LANGUAGES, *FURTHER_LANGUAGES) if getattr(self, language))


@dataclass(frozen=True, slots=True)
class Option:
    """An answer that can be chosen. `value` is its place on a scale, or None where it has none."""

    code: str
    label: Text
    value: float | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when the answer to `item` is, or contains, one of the codes `any_of`."""

    item: str
    any_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A question. `options` holds the scale's options where `scale` names one; "na" and "dk" are never among them.

    `minimum`, `maximum` and `whole` say something about numbers only, `longest` (characters, at most 1,500) about
    texts. `bands` are the lowest numbers of the bands that an archive keeps of a number: sealing replaces 41 by 35
    where they are 18, 35 and 55. They increase, the first is no higher than `minimum`, and empty means kept as given.

    `reserved_codes` are the codes beside the options that the item accepts: "na", "dk", both or none. `accepted_codes`
    are all that it accepts: its options in order, then these.
    """

    code: str
    kind: ItemKind
    text: Text
    hint: Text | None = None
    options: tuple[Option, ...] = ()
    scale: str | None = None
    required: bool = False
    not_applicable: bool = False
    dont_know: bool = False
    show_if: Condition | None = None
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    longest: int | None = None
    bands: tuple[float, ...] = ()
    reserved_codes: tuple[str, ...] = field(init=False, repr=False, compare=False)
    accepted_codes: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        allowed = ((NOT_APPLICABLE, self.not_applicable), (DONT_KNOW, self.dont_know))
        reserved = tuple(code for code, is_allowed in allowed if is_allowed)
        # Each answer of each sending is held against them, so they are not put together anew each time.
        object.__setattr__(self, "reserved_codes", reserved)
        object.__setattr__(self, "accepted_codes", (*(option.code for option in self.options), *reserved))


@dataclass(frozen=True, slots=True)
class Section:
    """Items that stand together under a title; a section `per_unit` is asked once for each unit that is rated."""

    code: str
    title: Text
    intro: Text | None
    items: tuple[Item, ...]
    show_if: Condition | None = None
    per_unit: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a criterion or a formula comes from: a page of a document, or ourselves."""

    ours: bool
    document: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the scoring tree. The root's code is "index"; a leaf is a criterion with one item or one indicator.

    `weight` counts among the node's siblings and need not sum to one. A `hard` criterion has no item: its code is that
    of the indicator in the round's hard data. Under a `reversed` criterion a high value is bad; only standardised
    profiles know such criteria.
    """

    code: str
    kind: NodeKind
    label: Text
    short_label: Text
    weight: float = 1.0
    children: tuple["Node", ...] = ()
    item: str | None = None
    source: Source | None = None
    hard: bool = False
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """What a score is called from `low` points up to the next band."""

    low: float
    label: Text


@dataclass(frozen=True, slots=True)
class Profile:
    """A named rule that turns the answers x of an item into points.

    share: 100·P(x ≥ threshold); mean_of_maximum: 100·mean(x)/max; rescaled: 100·(mean(x) − min)/(max − min), where min
    and max are the extreme option values of the item's scale. standardised: the units' means are mapped onto 1 to 10,
    the lowest unit of a bloc to 1 and the highest to 10, and an index is the weighted mean of its factors times a tenth
    of `points`, which are 100 or 1,000; where the extremes are the same every unit has the midpoint, or none has a
    score (`same_extremes`). `uses_hard` says that the hard criteria count; without it they are left out.

    `bands` are in points of the index, the lowest first, which begins at the lowest score there can be. `confirmed` is
    true only when the owner of the model has said that this is the rule they use.
    """

    name: str
    label: Text
    formula: Formula
    threshold: float | None
    confirmed: bool
    source: Source | None
    points: int = 100
    uses_hard: bool = False
    same_extremes: SameExtremes = "midpoint"
    bands: tuple[Band, ...] = ()

    @property
    def lowest_points(self) -> float:
        """The least an index can have: nothing, or a tenth of the points where units are standardised onto 1 to 10."""
        return self.points / 10 if self.formula == "standardised" else 0.0

    @property
    def highest_points(self) -> float:
        """The most an index can have."""
        return float(self.points)

    def band_of(self, points: float) -> Band | None:
        """The band that an index of so many points lies in; None where the profile has no bands or none so low."""
        return next((band for band in reversed(self.bands) if points >= band.low), None)


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One immutable version of a questionnaire; `content_hash` is the SHA-256 of the bytes it was read from, in hex.

    Without a scoring tree `index` is None, `profiles` is empty and `default_profile` is the empty string. `most_units`
    is how many units one respondent may rate; above one, the sections `per_unit` are asked for each of them. `modules`
    are what `questionnaires.modules.attach` has added: their sections are among the host's, their trees are their own.
    `languages` are those that every text which a respondent reads is written in, Vietnamese and English first.
    """

    name: str
    version: str
    title: Text
    model_name: str
    about: Text | None
    scales: Mapping[str, tuple[Option, ...]] = field(hash=False)
    sections: tuple[Section, ...]
    index: Node | None
    profiles: tuple[Profile, ...]
    default_profile: str
    content_hash: str
    most_units: int = 1
    modules: tuple["Questionnaire", ...] = ()
    languages: tuple[str, ...] = LANGUAGES

    @property
    def reference(self) -> str:
        """The name and the version as commands take them: "sipas/2017.1"."""
        return f"{self.name}/{self.version}"

    @property
    def rates_several_units(self) -> bool:
        """True when one respondent may rate more than one unit."""
        return self.most_units > 1

    @property
    def common_sections(self) -> tuple[Section, ...]:
        """The sections that are asked once, in order; all of them where one unit is rated."""
        return tuple(section for section in self.sections if not section.per_unit)

    @property
    def per_unit_sections(self) -> tuple[Section, ...]:
        """The sections that are asked for each rated unit, in order."""
        return tuple(section for section in self.sections if section.per_unit)

    def asked_texts(self) -> Iterator[tuple[str, Text]]:
        """Every text that a respondent reads, with the place it stands at in the file."""
        yield "title", self.title
        if self.about is not None:
            yield "about", self.about
        for name, options in self.scales.items():
            yield from _labels(options, f"scales.{name}")
        for s, section in enumerate(self.sections):
            yield from _section_texts(section, f"sections[{s}]")

    @property
    def items(self) -> tuple[Item, ...]:
        """All items of all sections, in the order they are asked."""
        return tuple(item for section in self.sections for item in section.items)

    def item(self, code: str) -> Item:
        """The item of this code.

        :raises KeyError: when the questionnaire has none.
        """
        for section in self.sections:
            for item in section.items:
                if item.code == code:
                    return item
        raise KeyError(code)

    def tree(self, profile_name: str | None = None) -> Node | None:
        """The scoring tree as this profile sees it: without hard criteria where it does not use them.

        Without a name it is the whole tree.

        :raises KeyError: when the questionnaire has no profile of this name.
        """
        if self.index is None or profile_name is None or self.profile(profile_name).uses_hard:
            return self.index
        return _without_hard_criteria(self.index)

    def nodes(self, profile_name: str | None = None) -> tuple[Node, ...]:
        """All nodes of the `tree`, parents before their children; empty without a tree."""
        root = self.tree(profile_name)
        return tuple(_pre_order(root)) if root else ()

    def profile(self, name: str) -> Profile:
        """The scoring profile of this name.

        :raises KeyError: when the questionnaire has none.
        """
        for profile in self.profiles:
            if profile.name == name:
                return profile
        raise KeyError(name)

    def display_name(self, profile_name: str, language: str) -> str:
        """What a score under this profile may be called: the model's own name only when the profile is confirmed."""
        if self.profile(profile_name).confirmed:
            return self.model_name
        return f"after the {self.model_name} model" if language == "en" else f"theo mô hình {self.model_name}"


def _section_texts(section: Section, place: str) -> Iterator[tuple[str, Text]]:
    yield f"{place}.title", section.title
    if section.intro is not None:
        yield f"{place}.intro", section.intro
    for i, item in enumerate(section.items):
        yield f"{place}.items[{i}].text", item.text
        if item.hint is not None:
            yield f"{place}.items[{i}].hint", item.hint
        if item.scale is None:
            yield from _labels(item.options, f"{place}.items[{i}].options")


def _labels(options: tuple[Option, ...], place: str) -> Iterator[tuple[str, Text]]:
    return ((f"{place}[{n}].label", option.label) for n, option in enumerate(options))


def _pre_order(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _pre_order(child)


def _without_hard_criteria(node: Node) -> Node:
    children = tuple(_without_hard_criteria(child) for child in node.children if not child.hard)
    return node if children == node.children else replace(node, children=children)
