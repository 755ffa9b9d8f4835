"""What the checker of questionnaires says, in the words of somebody who fills in a form and has never seen a file.

The checker speaks of keys and files, in English. Each of its sentences that a draft can draw has a sentence of the
page's own here; one that is not known is shown as it is.
"""

import re

from survey.texts import Translate

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("empty", r"found an empty text, expected words"),
    ("empty", r"found no “(vi|en|title|label|text|model_name)”, expected a text.*"),
    ("language", r"found no “(?P<tongue>ko|zh|ja|en|vi)”, expected a text in every one of the “languages”"),
    ("language_unnamed", r"found the language “(?P<tongue>..)”, expected it under “languages” too"),
    ("code", r"found (“(?P<code>[^”]*)”|nothing), expected a code of a–z.*"),
    ("code_missing", r"found no “(code|name)”, expected .*"),
    ("version", r"found (“(?P<found>[^”]*)”|nothing), expected a version in quotes.*"),
    ("code_twice", r"found the (?P<what>item|section|option|node|profile|scale) code “(?P<code>[^”]*)” twice, .*"),
    ("code_reserved", r"found the code “(?P<code>[^”]*)”, which is reserved, expected another"),
    ("option_reserved", r"found the reserved code “(?P<code>[^”]*)”, .*"),
    ("value_mixed", r"found no value beside options with values, .*"),
    ("value_twice", r"found the value (?P<value>\S+) twice, .*"),
    ("value_missing", r"found no “value”, expected a number.*"),
    ("too_long", r"found (?P<found>[0-9,]+) characters, expected at most (?P<most>[0-9,]+)"),
    ("formula_sign", r"found a text that begins with “(?P<sign>.)”, .*"),
    (
        "number",
        (
            r"found (“(?P<found>[^”]*)”|nothing|the number (?P<number>\S+)), "
            r"expected a number from (?P<low>\S+) to (?P<high>\S+)"
        ),
    ),
    ("number_missing", r"found no “(?:[a-z_]+)”, expected a number.*"),
    ("whole", r"found the number (?P<number>\S+)( for whole numbers)?, expected a whole (one|number)"),
    ("minimum", r"found the minimum (?P<low>\S+) above the maximum (?P<high>\S+), expected below"),
    ("bands_minimum", r"found bands on a number without a minimum, .*"),
    ("bands_first", r"found the first band from (?P<low>\S+) with the minimum (?P<minimum>\S+), .*"),
    ("bands_last", r"found a band from (?P<low>\S+) with the maximum (?P<maximum>\S+), .*"),
    ("bands_order", r"found the band from (?P<low>\S+) after (?P<before>\S+), expected a higher one"),
    ("column", r"found an item with the code “(?P<code>[^”]*)” too, .*"),
    ("too_few", r"found a list of (?P<found>[0-9]+), expected a list of (?P<low>[0-9]+) to (?P<high>[0-9]+)"),
    (
        "none_yet",
        (
            r"found no “(?:items|sections|options|factors|criteria|profiles)”, "
            r"expected a list of (?P<low>[0-9]+) to (?P<high>[0-9]+)"
        ),
    ),
    ("no_answers", r"found neither “scale” nor “options”, expected one of them"),
    ("scale_unknown", r"found the unknown scale “(?P<scale>[^”]*)”, .*"),
    ("condition_unknown", r"found the unknown item “(?P<item>[^”]*)”, expected the code of an earlier item"),
    ("condition_order", r"found the item “(?P<item>[^”]*)”, which does not come earlier, .*"),
    ("condition_kind", r"found an item of the kind (?P<kind>number|text), expected one with options"),
    ("condition_code", r"found “(?P<code>[^”]*)”, expected an option of “(?P<item>[^”]*)” \(.*"),
    ("condition_empty", r"found a list of 0, expected a list of 1 to 60"),
    ("per_unit_alone", r"found a section that is asked per unit without “most_units”, .*"),
    ("per_unit_none", r"found no section with “per_unit: true”, .*"),
    ("per_unit_apart", r"found a section per unit apart from those before it, .*"),
    (
        "per_unit_condition",
        r"found the item “(?P<item>[^”]*)”, which is asked per unit, expected one that is asked once",
    ),
    ("per_unit_scored", r"found the item “(?P<item>[^”]*)”, which is asked once, expected one that is asked per unit"),
    ("criterion_unknown", r"found the unknown item “(?P<item>[^”]*)”, expected the code of an item"),
    ("criterion_missing", r"found no “item”, expected .*"),
    ("criterion_missing", r"found (“”|nothing), expected the code of an item.*"),
    ("criterion_twice", r"found the item “(?P<item>[^”]*)” a second time in the tree, .*"),
    ("criterion_kind", r"found “(?P<item>[^”]*)” of the kind (?P<kind>[a-z]+), expected a single choice with values"),
    ("criterion_values", r"found “(?P<item>[^”]*)”, whose options have no values, .*"),
    ("hard_label", r"found no “label” beside “hard”, .*"),
    ("hard_item", r"found “(?P<code>[^”]*)”, which is the code of an item, expected another"),
    ("weight_zero", r"found the weight 0, expected a weight above 0"),
    ("weights_sum", r"found weights that sum to (?P<sum>\S+), expected a sum of 100, or all of them alike"),
    ("default_profile", r"found (“(?P<name>[^”]*)”|nothing), expected one of the profiles \(.*"),
    ("scoring_parts", r"found no “(index|profiles|default_profile)” beside .*"),
    (
        "threshold",
        r"found the threshold (?P<threshold>\S+), expected one above (?P<low>\S+) and up to (?P<high>\S+), .*",
    ),
    ("threshold_missing", r"found no “threshold”, .*"),
    ("negative_values", r"found mean_of_maximum with values from .*"),
    ("bands_lowest", r"found the lowest band from (?P<found>\S+), expected (?P<expected>[0-9.]+), .*"),
    ("bands_highest", r"found a band from (?P<found>\S+), expected at most (?P<most>[0-9.]+), .*"),
    ("hard_none", r"found no “hard” criterion in the tree, .*"),
    ("hard_only", r"found the factor “(?P<factor>[^”]*)” with nothing but hard criteria, .*"),
    ("reversed", r"found a reversed criterion beside the profile “(?P<profile>[^”]*)” of the formula .*"),
    ("points", r"found the number (?P<found>\S+), expected 100 or 1000"),
    ("document", r"found no “(document|page|source)”, .*"),
    ("no_answers", r"found no “options”, expected .*"),
)
_KNOWN = tuple((key, re.compile(pattern)) for key, pattern in _PATTERNS)
_LANGUAGES = frozenset({"vi", "en", "ko", "zh", "ja"})
_WHATS = frozenset({"item", "section", "option", "node", "profile", "scale"})


def in_words(message: str, t: Translate) -> str:
    """What a checker's sentence says, in the page's language; the sentence itself where we have no other for it."""
    for key, pattern in _KNOWN:
        found = pattern.fullmatch(message)
        if found is None:
            continue
        values = {name: value or "" for name, value in found.groupdict().items()}
        if values.get("tongue") in _LANGUAGES:
            values["tongue"] = t(f"questionnaire_in_{values['tongue']}")
        if values.get("what") in _WHATS:
            values["what"] = t(f"questionnaire_what_{values['what']}")
        return t(f"questionnaire_check_{key}", **values)
    return message


def is_known(message: str) -> bool:
    """Whether we have words of our own for a checker's sentence."""
    return any(pattern.fullmatch(message) for _, pattern in _KNOWN)
