"""What a questionnaire must mean, beyond having the right fields: codes that are found, scales that can be scored.

Places that the reader has already complained of are passed over, because what stands there is a placeholder.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from questionnaires.marked_yaml import list_words, quote
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, Node, Option, Profile, Questionnaire
from questionnaires.records import Notes

# The citizen's page has fields of these names beside the items, and an archive has columns of these names.
RESERVED_ITEM_CODES = frozenset(
    {
        "code", "nonce", "csrf_token", "lang", "language", "round", "unit", "stratum", "psu", "channel", "weight",
        "respondent",
    }
)  # fmt: skip
# Fields and columns that are there only where a respondent rates several units.
_RESERVED_WITH_SEVERAL_UNITS = frozenset({"units", "step", "ballot"})


def reserved_item_codes(most_units: int) -> frozenset[str]:
    """The codes that no item has in a questionnaire that rates so many units at most."""
    return RESERVED_ITEM_CODES | (_RESERVED_WITH_SEVERAL_UNITS if most_units > 1 else frozenset())


def check_meaning(questionnaire: Questionnaire, notes: Notes) -> None:
    """Complain of everything that has the right form and cannot be asked or scored."""
    for name, options in questionnaire.scales.items():
        _check_options(options, f"scales.{name}", notes)
    _check_twice(
        [(section.code, f"sections[{n}].code") for n, section in enumerate(questionnaire.sections)], "section", notes
    )
    _check_languages(questionnaire, notes)
    _check_items(questionnaire, notes)
    _check_conditions(questionnaire, notes)
    _check_ratings(questionnaire, notes)
    if questionnaire.index is not None:
        _check_tree(questionnaire, questionnaire.index, notes)
    _check_profiles(questionnaire, notes)


def _placed_items(questionnaire: Questionnaire) -> Iterator[tuple[str, Item]]:
    for s, section in enumerate(questionnaire.sections):
        for i, item in enumerate(section.items):
            yield f"sections[{s}].items[{i}]", item


def _check_twice(codes: Iterable[tuple[str, str]], what: str, notes: Notes) -> None:
    seen: set[str] = set()
    for code, path in codes:
        if code and code in seen:
            notes.complain(path, f"found the {what} code “{code}” twice, expected each code once")
        seen.add(code)


def _check_languages(questionnaire: Questionnaire, notes: Notes) -> None:
    """A language is asked in completely or not at all: half a form in two languages helps nobody."""
    if notes.is_spoiled("languages"):
        return
    for path, text in questionnaire.asked_texts():
        if notes.is_spoiled(path):
            continue
        for language in questionnaire.languages:
            if language not in text.languages:
                notes.complain(path, f"found no “{language}”, expected a text in every one of the “languages”")
        for language in text.languages:
            if language not in questionnaire.languages:
                notes.complain(
                    f"{path}.{language}", f"found the language “{language}”, expected it under “languages” too"
                )


def _check_items(questionnaire: Questionnaire, notes: Notes) -> None:
    placed = list(_placed_items(questionnaire))
    _check_twice([(item.code, f"{path}.code") for path, item in placed], "item", notes)
    codes = {item.code for _, item in placed}
    for path, item in placed:
        if item.code in reserved_item_codes(questionnaire.most_units):
            notes.complain(f"{path}.code", f"found the code “{item.code}”, which is reserved, expected another")
        if item.scale is None:
            _check_options(item.options, f"{path}.options", notes)
        if item.kind == "multiple":
            for column in {f"{item.code}_{option.code}" for option in item.options} & codes:
                notes.complain(
                    f"{path}.options",
                    f"found an item with the code “{column}” too, expected no item named like an option's column",
                )
        if item.kind == "number":
            _check_bounds(item, path, notes)


def _check_bounds(item: Item, path: str, notes: Notes) -> None:
    if item.minimum is not None and item.maximum is not None and item.minimum > item.maximum:
        notes.complain(
            f"{path}.minimum", f"found the minimum {item.minimum:g} above the maximum {item.maximum:g}, expected below"
        )
    for key, bound in (("minimum", item.minimum), ("maximum", item.maximum)):
        if item.whole and bound is not None and not bound.is_integer():
            notes.complain(f"{path}.{key}", f"found the number {bound:g} for whole numbers, expected a whole one")
    if item.bands and not notes.is_spoiled(f"{path}.bands"):
        _check_number_bands(item, path, notes)


def _check_number_bands(item: Item, path: str, notes: Notes) -> None:
    if item.minimum is None and not notes.is_spoiled(f"{path}.minimum"):
        notes.complain(
            f"{path}.bands", "found bands on a number without a minimum, expected a minimum in the first one"
        )
    if item.minimum is not None and item.bands[0] > item.minimum:
        notes.complain(
            f"{path}.bands[0]",
            f"found the first band from {item.bands[0]:g} with the minimum {item.minimum:g}, expected a band for every "
            "number",
        )
    if item.maximum is not None and item.bands[-1] > item.maximum:
        notes.complain(
            f"{path}.bands[{len(item.bands) - 1}]",
            f"found a band from {item.bands[-1]:g} with the maximum {item.maximum:g}, expected it no higher",
        )
    _check_increasing(item.bands, f"{path}.bands", "", notes)
    for n, low in enumerate(item.bands):
        if item.whole and not low.is_integer():
            notes.complain(f"{path}.bands[{n}]", f"found the number {low:g} for whole numbers, expected a whole one")


def _check_increasing(numbers: Sequence[float], path: str, key: str, notes: Notes) -> None:
    for n, (before, after) in enumerate(pairwise(numbers), start=1):
        if after <= before:
            notes.complain(
                f"{path}[{n}]{key}", f"found the band from {after:g} after {before:g}, expected a higher one"
            )


def _check_options(options: Sequence[Option], path: str, notes: Notes) -> None:
    _check_twice([(option.code, f"{path}[{n}].code") for n, option in enumerate(options)], "option", notes)
    values: set[float] = set()
    expects_values = any(option.value is not None for option in options) and not notes.is_spoiled(path)
    for n, option in enumerate(options):
        if option.code in {NOT_APPLICABLE, DONT_KNOW}:
            notes.complain(
                f"{path}[{n}].code",
                f"found the reserved code “{option.code}”, expected “not_applicable: true” or “dont_know: true”",
            )
        if option.value is None and expects_values:
            notes.complain(f"{path}[{n}]", "found no value beside options with values, expected values on all or none")
        if option.value is not None and option.value in values:
            notes.complain(f"{path}[{n}].value", f"found the value {option.value:g} twice, expected each value once")
        values.update(() if option.value is None else (option.value,))


def _check_conditions(questionnaire: Questionnaire, notes: Notes) -> None:
    all_items = {item.code: (path, item) for path, item in _placed_items(questionnaire)}
    earlier: set[str] = set()
    for s, section in enumerate(questionnaire.sections):
        if section.show_if:
            _check_condition(section.show_if, f"sections[{s}].show_if", earlier, all_items, notes)
        for i, item in enumerate(section.items):
            if item.show_if:
                _check_condition(item.show_if, f"sections[{s}].items[{i}].show_if", earlier, all_items, notes)
            earlier.add(item.code)


def _check_condition(
    condition: Condition, path: str, earlier: set[str], all_items: dict[str, tuple[str, Item]], notes: Notes
) -> None:
    if not condition.item:
        return
    if condition.item not in all_items:
        notes.complain(
            f"{path}.item", f"found the unknown item “{condition.item}”, expected the code of an earlier item"
        )
        return
    place, item = all_items[condition.item]
    if condition.item not in earlier:
        notes.complain(
            f"{path}.item", f"found the item “{condition.item}”, which does not come earlier, expected one before"
        )
    if notes.is_spoiled(place) or (item.scale and notes.is_spoiled(f"scales.{item.scale}")):
        return
    if item.kind not in {"single", "multiple"}:
        notes.complain(f"{path}.item", f"found an item of the kind {item.kind}, expected one with options")
        return
    for n, code in enumerate(condition.any_of):
        if code not in item.accepted_codes:
            notes.complain(
                f"{path}.any_of[{n}]",
                f"found {quote(code)}, expected an option of “{item.code}” ({list_words(item.accepted_codes)})",
            )


def _check_ratings(questionnaire: Questionnaire, notes: Notes) -> None:
    sections = list(enumerate(questionnaire.sections))
    if any(notes.is_spoiled(f"sections[{n}].per_unit") for n, _ in sections):
        return
    rating = [n for n, section in sections if section.per_unit]
    if not questionnaire.rates_several_units:
        for n in rating if not notes.is_spoiled("most_units") else ():
            notes.complain(
                f"sections[{n}].per_unit",
                "found a section that is asked per unit without “most_units”, expected how many units are rated",
            )
        return
    if not rating:
        notes.complain("most_units", "found no section with “per_unit: true”, expected what is asked of each unit")
        return
    for n in rating:
        if n > rating[0] and n - 1 not in rating:
            notes.complain(
                f"sections[{n}].per_unit",
                "found a section per unit apart from those before it, expected all of them one after the other",
            )
    per_unit = {item.code for section in questionnaire.per_unit_sections for item in section.items}
    for n, section in sections:
        conditions = [(f"sections[{n}]", section.show_if)]
        conditions += [(f"sections[{n}].items[{i}]", item.show_if) for i, item in enumerate(section.items)]
        for path, condition in conditions if not section.per_unit else ():
            if condition is not None and condition.item in per_unit:
                notes.complain(
                    f"{path}.show_if.item",
                    f"found the item “{condition.item}”, which is asked per unit, expected one that is asked once",
                )
    for path, node in _placed_nodes(questionnaire.index) if questionnaire.index else ():
        if node.item in {item.code for item in questionnaire.items} - per_unit:
            notes.complain(
                f"{path}.item",
                f"found the item “{node.item}”, which is asked once, expected one that is asked per unit",
            )


def _check_tree(questionnaire: Questionnaire, index: Node, notes: Notes) -> None:
    items = {item.code: (path, item) for path, item in _placed_items(questionnaire)}
    codes: list[tuple[str, str]] = [("index", "index")]
    used: list[tuple[str, str]] = []
    for path, node in _placed_nodes(index):
        codes.append((node.code, f"{path}.hard" if node.hard else f"{path}.code"))
        if node.hard and node.code in items:
            notes.complain(f"{path}.hard", f"found “{node.code}”, which is the code of an item, expected another")
        if node.kind != "criterion" or not node.item:
            continue
        used.append((node.item, f"{path}.item"))
        if node.item not in items:
            notes.complain(f"{path}.item", f"found the unknown item “{node.item}”, expected the code of an item")
            continue
        place, item = items[node.item]
        if not notes.is_spoiled(place) and not (item.scale and notes.is_spoiled(f"scales.{item.scale}")):
            _check_leaf(item, f"{path}.item", notes)
    _check_twice(codes, "node", notes)
    seen: set[str] = set()
    for code, path in used:
        if code in seen:
            notes.complain(path, f"found the item “{code}” a second time in the tree, expected each item at most once")
        seen.add(code)


def _placed_nodes(index: Node) -> Iterator[tuple[str, Node]]:
    for f, factor in enumerate(index.children):
        yield f"index.factors[{f}]", factor
        for c, criterion in enumerate(factor.children):
            yield f"index.factors[{f}].criteria[{c}]", criterion


def _check_leaf(item: Item, path: str, notes: Notes) -> None:
    if item.kind != "single":
        notes.complain(path, f"found “{item.code}” of the kind {item.kind}, expected a single choice with values")
    elif any(option.value is None for option in item.options):
        notes.complain(path, f"found “{item.code}”, whose options have no values, expected a single choice with values")


def _check_profiles(questionnaire: Questionnaire, notes: Notes) -> None:
    profiles = questionnaire.profiles
    _check_twice([(profile.name, f"profiles[{n}].name") for n, profile in enumerate(profiles)], "profile", notes)
    names = [profile.name for profile in profiles if profile.name]
    default = questionnaire.default_profile
    if default and names and default not in names:
        notes.complain("default_profile", f"found {quote(default)}, expected one of the profiles ({list_words(names)})")
    for n, profile in enumerate(profiles):
        if not notes.is_spoiled(f"profiles[{n}]"):
            _check_profile_bands(profile, f"profiles[{n}].bands", notes)
            if questionnaire.index is not None:
                _check_profile_tree(profile, f"profiles[{n}]", questionnaire.index, notes)
    scored = {node.item for node in questionnaire.nodes() if node.item}
    for path, item in _placed_items(questionnaire):
        values = [option.value for option in item.options if option.value is not None]
        if item.code in scored and values and not notes.is_spoiled(path):
            for n, profile in enumerate(profiles):
                _check_profile(profile, f"profiles[{n}]", item.code, values, notes)


def _check_profile(profile: Profile, path: str, item: str, values: list[float], notes: Notes) -> None:
    lowest, highest = min(values), max(values)
    if notes.is_spoiled(path):
        return
    if profile.threshold is not None and not lowest < profile.threshold <= highest:
        notes.complain(
            f"{path}.threshold",
            f"found the threshold {profile.threshold:g}, expected one above {lowest:g} and up to {highest:g}, "
            f"the scale of “{item}”",
        )
    if profile.formula == "mean_of_maximum" and (lowest < 0 or highest <= 0):
        notes.complain(
            f"{path}.formula",
            f"found mean_of_maximum with values from {lowest:g} to {highest:g} on “{item}”, expected values from 0 up",
        )


def _check_profile_bands(profile: Profile, path: str, notes: Notes) -> None:
    if not profile.bands:
        return
    if profile.bands[0].low != profile.lowest_points:
        notes.complain(
            f"{path}[0].low",
            f"found the lowest band from {profile.bands[0].low:g}, expected {profile.lowest_points:g}, the least that "
            f"“{profile.name}” can give",
        )
    if profile.bands[-1].low > profile.highest_points:
        notes.complain(
            f"{path}[{len(profile.bands) - 1}].low",
            f"found a band from {profile.bands[-1].low:g}, expected at most {profile.highest_points:g}, the most that "
            f"“{profile.name}” can give",
        )
    _check_increasing([band.low for band in profile.bands], path, ".low", notes)


def _check_profile_tree(profile: Profile, path: str, index: Node, notes: Notes) -> None:
    criteria = [(place, node) for place, node in _placed_nodes(index) if node.kind == "criterion"]
    if profile.uses_hard and not any(node.hard for _, node in criteria):
        notes.complain(
            f"{path}.hard", "found no “hard” criterion in the tree, expected one for a profile that uses them"
        )
    if not profile.uses_hard:
        for factor in index.children:
            if factor.children and all(criterion.hard for criterion in factor.children):
                notes.complain(
                    f"{path}.hard",
                    f"found the factor “{factor.code}” with nothing but hard criteria, which “{profile.name}” leaves "
                    "out, expected “hard: true” or a criterion with an item",
                )
    if profile.formula != "standardised":
        for place, node in criteria:
            if node.reversed and not node.hard:
                notes.complain(
                    f"{place}.reversed",
                    f"found a reversed criterion beside the profile “{profile.name}” of the formula {profile.formula}, "
                    "expected standardised profiles only",
                )
