"""What a round's plan says of the context of its figures: what importance is measured by, and which subgroups are told.

Both are written down before the answers are seen: among many groups there is always one that differs.
"""

import re
from dataclasses import dataclass

from analysis.errors import PlanError
from questionnaires.model import Item, Questionnaire
from questionnaires.records import Record

MOST_SUBGROUP_ITEMS = 6
MOST_OPTIONS = 12
_ITEM = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """`outcome` is the item of overall satisfaction that the importance of factors and criteria is measured by; "" for
    the index itself. `subgroups` are the items by whose answers every figure is given once more.
    """

    outcome: str = ""
    subgroups: tuple[str, ...] = ()


def read_context(record: Record) -> ContextPlan:
    """The sections `importance` and `subgroups` of a plan; what it leaves out has the values of `ContextPlan()`."""
    given = record.record("importance", ("outcome",))
    subgroups: tuple[str, ...] = ()
    if record.has("subgroups"):
        subgroups = record.words("subgroups", "the code of an item", _ITEM, (0, MOST_SUBGROUP_ITEMS))
    return ContextPlan(
        outcome=given.word("outcome", "the code of an item", _ITEM) if given is not None else "",
        subgroups=subgroups,
    )


def context_source(plan: ContextPlan) -> str:
    """The sections in YAML; nothing of what has no value of its own."""
    importance = f"importance: {{outcome: {plan.outcome}}}\n" if plan.outcome else ""
    return importance + (f"subgroups: [{', '.join(plan.subgroups)}]\n" if plan.subgroups else "")


def refuse_strange_items(plan: ContextPlan, questionnaire: Questionnaire, profile: str) -> None:
    """Raise PlanError where an item is not the questionnaire's, or not one that can be used so.

    An outcome is a question with one answer on a scale that is no criterion of the index. A subgroup comes from a
    question with one answer, or from a number that is kept in bands.
    """
    items = {item.code: item for item in questionnaire.items}
    if plan.outcome:
        place, outcome = "importance.outcome", items.get(plan.outcome)
        criteria = {node.item for node in questionnaire.nodes(profile)}
        if outcome is None or outcome.kind != "single" or _n_values(outcome) < 2 or plan.outcome in criteria:
            raise PlanError(
                f"{place}: found {plan.outcome!r}, expected a question of {questionnaire.reference} with one answer on "
                "a scale that is no criterion of the index"
            )
    if plan.subgroups and questionnaire.profile(profile).formula == "standardised":
        raise PlanError(
            f"subgroups: found some beside the profile {profile}, expected none: its scores hang on the other units"
        )
    for code in plan.subgroups:
        item = items.get(code)
        if item is None or not 2 <= len(subgroup_options(item)) <= MOST_OPTIONS:
            raise PlanError(
                f"subgroups: found {code!r}, expected a question of {questionnaire.reference} with one of at most "
                f"{MOST_OPTIONS} answers, or a number in bands"
            )


def subgroup_options(item: Item) -> tuple[str, ...]:
    """What the subgroups of an item are called: its options, or the lowest number of each band; empty where it has
    none.
    """
    if item.kind == "single":
        return tuple(option.code for option in item.options)
    return tuple(f"{band:g}" for band in item.bands) if item.kind == "number" else ()


def _n_values(item: Item) -> int:
    return len({option.value for option in item.options if option.value is not None})
