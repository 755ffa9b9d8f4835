"""What a round's plan says of its release: how long units see their figures first, and how many officers approve."""

from dataclasses import dataclass

from questionnaires.records import Record

LONGEST_EMBARGO = 90
MOST_APPROVALS = 5


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What has to come before an edition is published.

    Units see the first edition of a round `embargo_days` days before everybody; a correction does not wait. So many
    different officers have to approve each edition. Where both are 0 an edition is published as soon as it is made.
    """

    embargo_days: int = 0
    approvals: int = 0

    @property
    def needs_preview(self) -> bool:
        """Whether an edition is shown to its units and to who approves it before it is public."""
        return self.embargo_days > 0 or self.approvals > 0


def read_release(record: Record) -> ReleasePlan:
    """The section `release` of a plan; what it leaves out has the values of `ReleasePlan()`."""
    given = record.record("release", ("embargo_days", "approvals"))
    if given is None:
        return ReleasePlan()
    return ReleasePlan(
        embargo_days=_whole(given, "embargo_days", LONGEST_EMBARGO),
        approvals=_whole(given, "approvals", MOST_APPROVALS),
    )


def release_source(plan: ReleasePlan) -> str:
    """The section in YAML; nothing where it has no value of its own."""
    if plan == ReleasePlan():
        return ""
    return f"release: {{embargo_days: {plan.embargo_days}, approvals: {plan.approvals}}}\n"


def _whole(record: Record, key: str, most: int) -> int:
    number = record.number(key, within=(0, most))
    if number is None:
        return 0
    if not number.is_integer():
        record.complain(key, f"found the number {number:g}, expected a whole number")
    return int(number)
