"""What differs between two versions, in the words of the page, side by side."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from questionnaires.comparing import MarkedWords, marked_words
from questionnaires.compatibility import Difference, comparability_note, compare
from questionnaires.model import Questionnaire
from survey.texts import Translate

_RULES = {
    "required": "questionnaire_rule_required",
    "not applicable": "questionnaire_rule_na",
    "don't know": "questionnaire_rule_dk",
    "whole": "questionnaire_rule_whole",
}
_LIMIT = re.compile(r"(from|to|longest) (\S+)")
_CONDITION = re.compile(r"(?P<item>[a-z0-9_]+) is (?P<codes>.+)")


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One change: where it is, what kind it is, and both sides with the words that changed."""

    place: str
    kind: str
    breaks_trend: bool
    before: MarkedWords
    after: MarkedWords


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side; `note` is the sentence that belongs beside a trend across them."""

    note: str
    rows: tuple[DifferenceRow, ...]

    @property
    def n_breaking(self) -> int:
        """How many changes break a trend."""
        return sum(row.breaks_trend for row in self.rows)

    @property
    def n_other(self) -> int:
        """How many do not."""
        return len(self.rows) - self.n_breaking


def compared(before: Questionnaire, after: Questionnaire, language: str, t: Translate) -> Comparison:
    """What differs between two versions, what breaks a trend first."""
    differences = compare(before, after)
    labels = _labels(before, language) | _labels(after, language)
    rows = tuple(_row(one, labels, t) for one in differences)
    return Comparison(comparability_note(differences).in_language(language), rows)


def _labels(questionnaire: Questionnaire, language: str) -> dict[str, str]:
    labels = {f"index.{node.code}": node.label.in_language(language) for node in questionnaire.nodes()}
    labels |= {f"items.{item.code}": item.text.in_language(language) for item in questionnaire.items}
    return labels | {f"profiles.{one.name}": one.label.in_language(language) for one in questionnaire.profiles}


def _row(one: Difference, labels: Mapping[str, str], t: Translate) -> DifferenceRow:
    head, _, rest = one.key.partition(".")
    code, _, aspect = rest.partition(".")
    label = labels.get(f"{head}.{code}", "") if code else ""
    if not code:
        place = t(f"questionnaire_place_{head}")
    else:
        place = t(f"questionnaire_place_{head}_of", code=code, label=_short(label))
    kind = t(f"questionnaire_change_{one.kind}")
    if aspect in ("hint", "intro"):
        kind = f"{kind} ({t(f'questionnaire_aspect_{aspect}')})"
    before, after = (_in_words(one.kind, side, t) for side in (one.before, one.after))
    return DifferenceRow(place, kind, one.breaks_trend, *marked_words(before, after))


def _short(label: str) -> str:
    return label if len(label) <= 90 else f"{label[:89]}…"


def _in_words(kind: str, spelled: str, t: Translate) -> str:
    if not spelled:
        return ""
    if kind == "kind_changed":
        return t(f"questionnaire_kind_{spelled}")
    if kind == "asking_changed":
        return t("questionnaire_per_unit_short" if spelled == "of each unit" else "questionnaire_asked_once")
    if kind == "rules_changed":
        return ", ".join(_rule(word, t) for word in spelled.split(", "))
    if kind == "routing_changed":
        return "; ".join(_condition(one, t) for one in spelled.split(" and "))
    return spelled.replace("(alone)", f"({t('questionnaire_exclusive')})") if kind == "scale_changed" else spelled


def _rule(word: str, t: Translate) -> str:
    if word in _RULES:
        return t(_RULES[word])
    found = _LIMIT.fullmatch(word)
    return t(f"questionnaire_rule_{found[1]}", limit=found[2]) if found else word


def _condition(spelled: str, t: Translate) -> str:
    found = _CONDITION.fullmatch(spelled)
    if found is None:
        return spelled
    return t("questionnaire_asked_if", item=found["item"], codes=found["codes"].replace(" or ", ", "))
