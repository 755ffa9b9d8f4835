"""What a round's plan says of disclosure beside its bounds: how much a reader may learn of what is hidden."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from questionnaires.records import Record

Unanimity = Literal["lowest", "both"]


@dataclass(frozen=True, slots=True)
class DisclosurePlan:
    """What is hidden beside cells of few people; a round's plan may hide more, never less.

    What can be told of a hidden figure is a range of at least `protection` hundredths of its scale, and of a hidden
    count one of at least `protection` people. No figure is shown of which one respondent's answers hold more than the
    part `dominance` of the weight. Where fewer than the plan's `caution_below` answered, `unanimity` keeps a figure
    back that stands at the lowest end of its scale (or at either, with "both"), because everybody gave the same answer,
    and the spread of answers is not shown where one option has more than the part `alike` of them.
    """

    protection: float = 3.0
    dominance: float = 0.5
    unanimity: Unanimity = "lowest"
    alike: float = 0.95


def read_disclosure(record: Record) -> DisclosurePlan:
    """The section `disclosure` of a plan; what it leaves out has the values of `DisclosurePlan()`."""
    default = DisclosurePlan()
    given = record.record("disclosure", ("protection", "dominance", "unanimity", "alike"))
    if given is None:
        return default

    def number(key: str, standing: float, within: tuple[float, float]) -> float:
        found = given.number(key, within=within)
        return standing if found is None else found

    unanimity = given.one_of("unanimity", get_args(Unanimity)) if given.has("unanimity") else None
    return DisclosurePlan(
        # Of a range of more than half of the scale no total could ever be shown.
        protection=number("protection", default.protection, (default.protection, 50)),
        dominance=number("dominance", default.dominance, (0.01, default.dominance)),
        unanimity=cast(Unanimity, unanimity or default.unanimity),
        alike=number("alike", default.alike, (0.5, default.alike)),
    )


def disclosure_source(plan: DisclosurePlan) -> str:
    """The section in YAML; nothing where it has no value of its own."""
    if plan == DisclosurePlan():
        return ""
    return (
        f"disclosure:\n  protection: {plan.protection!r}\n  dominance: {plan.dominance!r}\n"
        f"  unanimity: {plan.unanimity}\n  alike: {plan.alike!r}\n"
    )
