"""The law of a round's counts: every used invitation has its ballot, and every ballot its used invitation.

It holds over the rows that this installation wrote. Rows that somebody else put into the stores are set aside before;
rows that somebody took away cannot be put back, and then an officer has to answer for going on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from analysis.archive import Counts
from survey.ballots import Origin
from survey.deciding import Decision
from survey.errors import HailongError
from survey.spool import NO_TAG, WRONG_TAG, InvitationCounts, OpenedSpool


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a round before anything is coarsened, found in order or let pass by a decision.

    `issued` and `spent` are counts by origin, in which a ballot of ours counts as an invitation that was used, whatever
    became of its mark. `missing` are used invitations without a ballot, `unmarked` ballots without a used invitation.
    """

    issued: Counter[Origin]
    spent: Counter[Origin]
    n_issued: int
    n_spent: int
    n_spooled: int
    missing: int
    unmarked: int
    untagged: int
    forged: dict[str, int]
    decision: Decision | None

    def counts(self, sealed: int, rejected: Counter[str]) -> Counts:
        """What the manifest says, once it is known how many ballots stay."""
        return Counts(
            issued=self.n_issued,
            spent=self.n_spent,
            spooled=self.n_spooled,
            sealed=sealed,
            rejected=dict(sorted(rejected.items())),
            missing=self.missing,
            unmarked=self.unmarked,
            untagged=self.untagged,
            forged=self.forged,
        )


def tally(slug: str, invitations: InvitationCounts, opened: OpenedSpool, decisions: Sequence[Decision] = ()) -> Tally:
    """The round's counts; HailongError when they do not add up and the last decision about them names other numbers.

    Which ballot is one too many cannot be told, because no row says which invitation it came with: only how many say
    they come from an origin beyond the invitations that were used there.
    """
    n_spent, n_spooled = invitations.spent.total(), opened.n_ballots
    forged = dict(sorted((invitations.forged + opened.forged).items()))
    if forged and not invitations.issued:
        raise HailongError(
            f"the round {slug}: found {_words(forged)} and no invitation that was issued under this secret key, "
            "expected the key that its codes were printed with; nothing was sealed"
        )
    beyond = opened.accepted - invitations.spent
    unmarked = max(beyond.total(), n_spooled - n_spent)
    missing = n_spent + unmarked - n_spooled
    spent = invitations.spent | opened.accepted
    decision = next((found for found in reversed(decisions) if found.kind == "counts"), None)
    if missing or unmarked:
        if decision is None or (decision.n_missing, decision.n_unmarked) != (missing, unmarked):
            raise HailongError(
                _refusal(slug, n_spent, n_spooled, missing, unmarked, forged) + _place(invitations, opened)
            )
    else:
        decision = None
    return Tally(
        issued=invitations.issued | spent,
        spent=spent,
        n_issued=(invitations.issued | spent).total(),
        n_spent=n_spent,
        n_spooled=n_spooled,
        missing=missing,
        unmarked=unmarked,
        untagged=opened.n_untagged,
        forged=forged,
        decision=decision,
    )


def forged_ballots(counts: Counts) -> int:
    """How many of a sealed round's rows in the spool were set aside."""
    return sum(counts.forged.get(reason, 0) for reason in (NO_TAG, WRONG_TAG))


def _refusal(slug: str, n_spent: int, n_spooled: int, missing: int, unmarked: int, forged: dict[str, int]) -> str:
    beside = f" beside {_words(forged)}" if forged else ""
    return (
        f"the round {slug}: found {n_spent} used invitations and {n_spooled} ballots{beside}, expected as many of the "
        f"one as of the other from each place; {missing} used invitations have no ballot and {unmarked} ballots no "
        "used invitation: rows were taken away, or a store is an older copy; nothing was sealed. Who answers for going "
        f"on says so: hailong round seal {slug} --missing {missing} --unmarked {unmarked} --decision TEXT --by NAME"
    )


def _place(invitations: InvitationCounts, opened: OpenedSpool) -> str:
    """The first place that more ballots say they come from than invitations were used there."""
    for origin in sorted(opened.accepted - invitations.spent, key=astuple):
        labels = (("unit", origin.unit), ("stratum", origin.stratum), ("psu", origin.psu), ("channel", origin.channel))
        words = ", ".join(f"{name} “{label}”" for name, label in labels if label)
        return (
            f" (the first place where they differ: found {opened.accepted[origin]} ballots and "
            f"{invitations.spent[origin]} used invitations of {words})"
        )
    return ""


def _words(forged: dict[str, int]) -> str:
    return ", ".join(f"{count} forged rows ({reason})" for reason, count in forged.items())
