"""What changed between two versions of a questionnaire, and which changes break a trend.

A score can be set beside an earlier one only when the same things were asked in the same words, answered on the same
scale and weighed alike. So every change to a scored item breaks the trend; a change elsewhere does not. Words are
compared in the languages that both versions have: a language that comes or goes changes nothing for those who read
another, and is told by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from questionnaires.model import LANGUAGES, Condition, Item, Node, Option, Profile, Questionnaire, Text

_SAME = Text(
    "Hai phiên bản hỏi và tính điểm như nhau: có thể so sánh kết quả.",
    "Both versions ask and score alike: their results can be compared.",
)
_COMPARABLE = Text(
    "Các câu được tính điểm không thay đổi: có thể so sánh kết quả.",
    "The scored questions have not changed: results can be compared.",
)
_BROKEN = Text(
    "Câu hỏi, thang trả lời hoặc cách tính điểm đã thay đổi: không nên so sánh trực tiếp "
    "với kết quả của phiên bản trước.",
    "Questions, answer scales or scoring have changed: results should not be compared directly with those of the "
    "earlier version.",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `key` names what changed ("items.seats.text"), `kind` how; `before` and `after` are for people."""

    key: str
    kind: str
    breaks_trend: bool
    before: str
    after: str


def compare(before: Questionnaire, after: Questionnaire) -> list[Difference]:
    """Everything that differs between two versions: what breaks the trend first, then by key.

    The default profile counts as scoring; that a profile is now confirmed does not change a number.
    """
    differences = [
        *_item_differences(before, after),
        *_tree_differences(before, after),
        *_profile_differences(before, after),
        *_frame_differences(before, after),
    ]
    return sorted(differences, key=lambda difference: (not difference.breaks_trend, difference.key, difference.kind))


def comparability_note(differences: list[Difference]) -> Text:
    """The sentence that stands beside a trend that crosses these differences."""
    if any(difference.breaks_trend for difference in differences):
        return _BROKEN
    return _COMPARABLE if differences else _SAME


def _item_differences(before: Questionnaire, after: Questionnaire) -> Iterator[Difference]:
    scored = {node.item for version in (before, after) for node in version.nodes() if node.item}
    languages = tuple(language for language in before.languages if language in after.languages)
    old, new = _placed(before, languages), _placed(after, languages)
    for code in old.keys() - new.keys():
        yield Difference(f"items.{code}", "item_removed", code in scored, old[code].item.text.vi, "")
    for code in new.keys() - old.keys():
        yield Difference(f"items.{code}", "item_added", code in scored, "", new[code].item.text.vi)
    for code in old.keys() & new.keys():
        for field, kind, spell in _ITEM_ASPECTS:
            found, now = spell(old[code]), spell(new[code])
            if found != now:
                yield Difference(f"items.{code}.{field}", kind, code in scored, found, now)
    shared = [[code for code in placed if code in old and code in new] for placed in (old, new)]
    if shared[0] != shared[1]:
        yield Difference("items", "order_changed", False, ", ".join(shared[0]), ", ".join(shared[1]))


@dataclass(frozen=True, slots=True)
class _PlacedItem:
    """An item with what its section adds to it: the sentence above is read with it, the condition hides it too."""

    item: Item
    intro: Text | None
    per_unit: bool
    conditions: tuple[Condition | None, Condition | None]
    languages: tuple[str, ...]


def _placed(questionnaire: Questionnaire, languages: tuple[str, ...]) -> dict[str, _PlacedItem]:
    return {
        item.code: _PlacedItem(item, section.intro, section.per_unit, (section.show_if, item.show_if), languages)
        for section in questionnaire.sections
        for item in section.items
    }


def _spell_text(text: Text | None, languages: tuple[str, ...] = LANGUAGES) -> str:
    return " / ".join(text.in_language(language) for language in languages) if text else ""


def _spell_options(options: tuple[Option, ...], languages: tuple[str, ...]) -> str:
    return "; ".join(
        f"{option.code}"
        f"{'' if option.value is None else f' = {option.value:g}'}"
        f"{' (alone)' if option.exclusive else ''}: {_spell_text(option.label, languages)}"
        for option in options
    )


def _spell_rules(item: Item) -> str:
    flags = {
        "required": item.required,
        "not applicable": item.not_applicable,
        "don't know": item.dont_know,
        "whole": item.whole,
    }
    limits = {"from": item.minimum, "to": item.maximum, "longest": item.longest}
    words = [word for word, is_set in flags.items() if is_set]
    return ", ".join(words + [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None])


def _spell_conditions(conditions: tuple[Condition | None, Condition | None]) -> str:
    return " and ".join(f"{one.item} is {' or '.join(sorted(one.any_of))}" for one in conditions if one)


_ITEM_ASPECTS: tuple[tuple[str, str, Callable[[_PlacedItem], str]], ...] = (
    ("kind", "kind_changed", lambda placed: placed.item.kind),
    ("text", "wording_changed", lambda placed: _spell_text(placed.item.text, placed.languages)),
    ("hint", "wording_changed", lambda placed: _spell_text(placed.item.hint, placed.languages)),
    ("intro", "wording_changed", lambda placed: _spell_text(placed.intro, placed.languages)),
    ("options", "scale_changed", lambda placed: _spell_options(placed.item.options, placed.languages)),
    ("rules", "rules_changed", lambda placed: _spell_rules(placed.item)),
    ("bands", "bands_changed", lambda placed: ", ".join(f"{low:g}" for low in placed.item.bands)),
    ("per_unit", "asking_changed", lambda placed: "of each unit" if placed.per_unit else "once"),
    ("show_if", "routing_changed", lambda placed: _spell_conditions(placed.conditions)),
)


def _tree_differences(before: Questionnaire, after: Questionnaire) -> Iterator[Difference]:
    old, new = _placed_nodes(before), _placed_nodes(after)
    for code in old.keys() - new.keys():
        yield Difference(f"index.{code}", "node_removed", True, _spell_text(old[code].node.label), "")
    for code in new.keys() - old.keys():
        yield Difference(f"index.{code}", "node_added", True, "", _spell_text(new[code].node.label))
    for code in old.keys() & new.keys():
        found, now = old[code], new[code]
        if found.parent != now.parent:
            yield Difference(f"index.{code}.parent", "node_moved", True, found.parent, now.parent)
        if found.node.item != now.node.item and found.node.hard == now.node.hard:
            yield Difference(f"index.{code}.item", "item_exchanged", True, found.node.item or "", now.node.item or "")
        if found.node.hard != now.node.hard:
            yield Difference(f"index.{code}.hard", "item_exchanged", True, *map(_spell_origin, (found.node, now.node)))
        if found.node.reversed != now.node.reversed:
            yield Difference(
                f"index.{code}.reversed", "direction_changed", True, *map(_spell_direction, (found.node, now.node))
            )
        labels = [_spell_text(placed.node.label) for placed in (found, now)]
        if labels[0] != labels[1]:
            yield Difference(f"index.{code}.label", "label_changed", False, *labels)
        # Two to two weighs like one to one, so shares are compared; a sibling that came or went is told by itself.
        stayed = found.siblings.keys() & now.siblings.keys()
        shares = [placed.node.weight / sum(placed.siblings[sibling] for sibling in stayed) for placed in (found, now)]
        if code in stayed and abs(shares[0] - shares[1]) > 1e-12:
            yield Difference(f"index.{code}.weight", "weight_changed", True, f"{shares[0]:.6g}", f"{shares[1]:.6g}")


def _spell_origin(node: Node) -> str:
    return "hard data" if node.hard else node.item or ""


def _spell_direction(node: Node) -> str:
    return "a high value is bad" if node.reversed else "a high value is good"


@dataclass(frozen=True, slots=True)
class _PlacedNode:
    """A node, the code of its parent, and the weights of all of the parent's children by their codes."""

    node: Node
    parent: str
    siblings: Mapping[str, float]


def _placed_nodes(questionnaire: Questionnaire) -> dict[str, _PlacedNode]:
    placed: dict[str, _PlacedNode] = {}
    for parent in questionnaire.nodes():
        siblings = {child.code: child.weight for child in parent.children}
        placed.update({child.code: _PlacedNode(child, parent.code, siblings) for child in parent.children})
    return placed


def _profile_differences(before: Questionnaire, after: Questionnaire) -> Iterator[Difference]:
    old: Mapping[str, Profile] = {profile.name: profile for profile in before.profiles}
    new: Mapping[str, Profile] = {profile.name: profile for profile in after.profiles}
    for name in old.keys() - new.keys():
        yield Difference(f"profiles.{name}", "profile_removed", True, _spell_rule(old[name]), "")
    for name in new.keys() - old.keys():
        yield Difference(f"profiles.{name}", "profile_added", False, "", _spell_rule(new[name]))
    for name in old.keys() & new.keys():
        if _spell_rule(old[name]) != _spell_rule(new[name]):
            yield Difference(
                f"profiles.{name}", "formula_changed", True, _spell_rule(old[name]), _spell_rule(new[name])
            )
        if old[name].bands != new[name].bands:
            yield Difference(
                f"profiles.{name}.bands", "bands_changed", False, _spell_bands(old[name]), _spell_bands(new[name])
            )
        if old[name].confirmed != new[name].confirmed:
            spelled = [("unconfirmed", "confirmed")[profile.confirmed] for profile in (old[name], new[name])]
            yield Difference(f"profiles.{name}.confirmed", "confirmation_changed", False, *spelled)
    if before.default_profile != after.default_profile:
        yield Difference(
            "default_profile", "default_profile_changed", True, before.default_profile, after.default_profile
        )


def _spell_rule(profile: Profile) -> str:
    if profile.formula != "standardised":
        return profile.formula if profile.threshold is None else f"{profile.formula} from {profile.threshold:g}"
    hard = "with" if profile.uses_hard else "without"
    same = "the midpoint" if profile.same_extremes == "midpoint" else "no score"
    return f"standardised to {profile.points:,} points, {hard} hard data, {same} where all units are the same"


def _spell_bands(profile: Profile) -> str:
    return "; ".join(f"{band.low:g}: {_spell_text(band.label)}" for band in profile.bands)


def _frame_differences(before: Questionnaire, after: Questionnaire) -> Iterator[Difference]:
    if before.name != after.name:
        yield Difference("name", "another_questionnaire", True, before.name, after.name)
    if before.languages != after.languages:
        yield Difference(
            "languages", "languages_changed", False, ", ".join(before.languages), ", ".join(after.languages)
        )
    if before.most_units != after.most_units:
        yield Difference("most_units", "most_units_changed", False, str(before.most_units), str(after.most_units))
    languages = tuple(language for language in before.languages if language in after.languages)
    for key, old, new in (
        ("title", _spell_text(before.title, languages), _spell_text(after.title, languages)),
        ("about", _spell_text(before.about, languages), _spell_text(after.about, languages)),
        ("model_name", before.model_name, after.model_name),
    ):
        if old != new:
            yield Difference(key, "wording_changed", False, old, new)
