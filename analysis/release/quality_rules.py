"""What a round's plan says about the quality of answers, under the key `quality`."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from analysis.errors import PlanError
from analysis.estimation.quality import Rules
from questionnaires.model import Questionnaire
from questionnaires.records import Record

CHANNEL = re.compile(r"(?s).{1,200}")
_ITEM = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WITHIN: dict[str, tuple[float, float]] = {
    "straight_line_items": (3, 200),
    "straight_line_share": (0.5, 1),
    "low_variability": (0, 0.5),
    "missing_share": (0.01, 1),
    "seconds_per_item": (0, 60),
    "duplicate_items": (5, 200),
    "level": (0.5, 0.9999),
}
_WHOLE = {"straight_line_items", "duplicate_items"}
_KEYS = (*_WITHIN, "control", "duration", "duration_unit")


@dataclass(frozen=True, slots=True)
class QualityPlan:
    """The thresholds of the rules; the channel that no rated unit has a hand in, "" where none is named; and the item
    whose number says how many `seconds_per_unit` answering took, "" where none does.
    """

    rules: Rules = field(default_factory=Rules)
    control: str = ""
    duration: str = ""
    seconds_per_unit: float = 60.0


def read_quality(record: Record) -> QualityPlan:
    """The quality rules of a plan; what it leaves out has its default. Complaints go to the record's notes."""
    given = record.record("quality", _KEYS)
    if given is None:
        return QualityPlan()
    default = Rules()
    chosen: dict[str, Any] = {}
    for name, within in _WITHIN.items():
        number = given.number(name, within=within)
        if number is not None and name in _WHOLE and not number.is_integer():
            given.complain(name, f"found the number {number:g}, expected a whole number")
        chosen[name] = getattr(default, name) if number is None else int(number) if name in _WHOLE else number
    unit = given.one_of("duration_unit", ("seconds", "minutes")) if given.has("duration_unit") else "minutes"
    return QualityPlan(
        rules=Rules(**chosen),
        control=given.word("control", "the name of a channel", CHANNEL, is_required=False),
        duration=given.word("duration", "the code of an item that is a number", _ITEM, is_required=False),
        seconds_per_unit=1.0 if unit == "seconds" else 60.0,
    )


def refuse_strange_duration(quality: QualityPlan, questionnaire: Questionnaire) -> None:
    """Raise PlanError where the item that says how long answering took is no number of the questionnaire."""
    kinds = {item.code: item.kind for item in questionnaire.items}
    if quality.duration and kinds.get(quality.duration) != "number":
        raise PlanError(
            f"quality.duration: found {quality.duration!r}, expected an item of {questionnaire.reference} that is a "
            "number"
        )


def quality_source(quality: QualityPlan) -> str:
    """The lines of a plan that `read_quality` gives this back from; none where all is default."""
    default = Rules()
    lines = [
        f"  {name}: {getattr(quality.rules, name)!r}\n"
        for name in _WITHIN
        if getattr(quality.rules, name) != getattr(default, name)
    ]
    if quality.control:
        lines.append(f"  control: {json.dumps(quality.control, ensure_ascii=False)}\n")
    if quality.duration:
        lines.append(f"  duration: {quality.duration}\n")
    if quality.seconds_per_unit != QualityPlan().seconds_per_unit:
        lines.append("  duration_unit: seconds\n")
    return "quality:\n" + "".join(lines) if lines else ""
