"""A questionnaire as values: what is asked, and the tree that scores it.

Nothing here is checked: `questionnaires.reading` builds these values from a file and refuses what does not fit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

LANGUAGES = ("vi", "en")
NOT_APPLICABLE = "na"
DONT_KNOW = "dk"

ItemKind = Literal["single", "multiple", "number", "text"]
NodeKind = Literal["index", "factor", "criterion"]
Formula = Literal["share", "mean_of_maximum", "rescaled"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in both languages; neither is ever empty in a questionnaire that was read from a file."""

    vi: str
    en: str

    def in_language(self, language: str) -> str:
        """The English text for "en", the Vietnamese one for anything else."""
        return self.en if language == "en" else self.vi


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
    texts.
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

    @property
    def reserved_codes(self) -> tuple[str, ...]:
        """The codes beside the options that this item accepts: "na", "dk", both or none."""
        allowed = ((NOT_APPLICABLE, self.not_applicable), (DONT_KNOW, self.dont_know))
        return tuple(code for code, is_allowed in allowed if is_allowed)

    @property
    def accepted_codes(self) -> tuple[str, ...]:
        """Every code this item accepts: its options in order, then "na" and "dk" where they are allowed."""
        return (*(option.code for option in self.options), *self.reserved_codes)


@dataclass(frozen=True, slots=True)
class Section:
    """Items that stand together under a title."""

    code: str
    title: Text
    intro: Text | None
    items: tuple[Item, ...]
    show_if: Condition | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a criterion or a formula comes from: a page of a document, or ourselves."""

    ours: bool
    document: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the scoring tree. The root's code is "index"; a leaf is a criterion with exactly one item.

    `weight` counts among the node's siblings and need not sum to one.
    """

    code: str
    kind: NodeKind
    label: Text
    short_label: Text
    weight: float = 1.0
    children: tuple["Node", ...] = ()
    item: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A named rule that turns the answers x of an item into points from 0 to 100.

    share: 100·P(x ≥ threshold); mean_of_maximum: 100·mean(x)/max; rescaled: 100·(mean(x) − min)/(max − min), where min
    and max are the extreme option values of the item's scale. `confirmed` is true only when the owner of the model has
    said that this is the rule they use.
    """

    name: str
    label: Text
    formula: Formula
    threshold: float | None
    confirmed: bool
    source: Source | None


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One immutable version of a questionnaire; `content_hash` is the SHA-256 of the bytes it was read from, in hex.

    Without a scoring tree `index` is None, `profiles` is empty and `default_profile` is the empty string.
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

    @property
    def reference(self) -> str:
        """The name and the version as commands take them: "sipas/2017.1"."""
        return f"{self.name}/{self.version}"

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

    def nodes(self) -> tuple[Node, ...]:
        """All nodes of the scoring tree, parents before their children; empty without a tree."""
        return tuple(_pre_order(self.index)) if self.index else ()

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


def _pre_order(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _pre_order(child)
