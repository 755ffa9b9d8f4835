"""Whatever is added to the stores and taken from them, a round's counts add up or its sealing stops (criterion 11)."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.ballots import Origin
from survey.deciding import Decision
from survey.errors import HailongError
from survey.spool import InvitationCounts, OpenedSpool
from survey.tallying import Tally, tally

ORIGINS = tuple(Origin(unit, channel=channel) for unit in ("a", "b") for channel in ("slip", "post"))

counts_by_origin = st.fixed_dictionaries({origin: st.integers(0, 30) for origin in ORIGINS})
few_by_origin = st.fixed_dictionaries({origin: st.integers(0, 3) for origin in ORIGINS})
forged_rows = st.dictionaries(st.sampled_from(["wrong_tag", "no_tag", "forged_mark"]), st.integers(1, 200))


def opened_of(accepted: Counter[Origin], rejected: dict[str, int]) -> OpenedSpool:
    found = OpenedSpool()
    found.accepted, found.rejected = +accepted, Counter(rejected)
    found.n_ballots = accepted.total() + sum(rejected.values())
    return found


def holds(found: Tally, opened: OpenedSpool, dropped: int) -> None:
    rejected = opened.rejected + Counter({"cell_too_small": dropped})
    counts = found.counts(opened.accepted.total() - dropped, rejected)
    assert counts.complaint == ""
    assert counts.spent + counts.unmarked == counts.spooled + counts.missing
    assert counts.spooled == counts.sealed + sum(counts.rejected.values())
    assert min(counts.missing, counts.unmarked) >= 0
    for origin in ORIGINS:
        assert found.issued[origin] >= found.spent[origin] >= opened.accepted[origin]


@given(counts_by_origin, few_by_origin, forged_rows, st.data())
@settings(max_examples=300, deadline=None)
def test_without_anything_taken_away_the_plain_law_holds_whatever_was_forged(
    used: dict[Origin, int], unused: dict[Origin, int], forged: dict[str, int], data: st.DataObject
) -> None:
    spent = Counter(used)
    # Of each origin's ballots some are rejected once they are open: nobody knows then where they came from.
    lost = Counter({origin: data.draw(st.integers(0, min(count, 3))) for origin, count in used.items()})
    rejected = {"invalid_answers": lost.total()} if lost.total() else {}
    opened = opened_of(spent - lost, rejected)
    opened.forged = Counter({reason: count for reason, count in forged.items() if reason != "forged_mark"})
    invitations = InvitationCounts(spent + Counter(unused) + Counter(ORIGINS), +spent, Counter())
    invitations.forged = Counter({"forged_mark": forged.get("forged_mark", 0)})
    found = tally("r", invitations, opened)
    assert (found.missing, found.unmarked, found.decision) == (0, 0, None)
    assert sum(found.forged.values()) == sum(forged.values())
    assert found.n_spent == found.n_spooled == spent.total()
    holds(found, opened, data.draw(st.integers(0, opened.accepted.total())))


@given(counts_by_origin, few_by_origin, few_by_origin, st.data())
@settings(max_examples=300, deadline=None)
def test_rows_that_were_taken_away_stop_the_sealing_and_a_decision_names_how_many(
    used: dict[Origin, int], fewer_ballots: dict[Origin, int], fewer_marks: dict[Origin, int], data: st.DataObject
) -> None:
    accepted = Counter(used) - Counter(fewer_ballots)
    invitations = InvitationCounts(Counter(used) + Counter(ORIGINS), Counter(used) - Counter(fewer_marks), Counter())
    opened = opened_of(accepted, {})
    differs = any(accepted[origin] != invitations.spent[origin] for origin in ORIGINS)
    unmarked = sum((accepted - invitations.spent).values())
    missing = sum((invitations.spent - accepted).values())
    if differs:
        with pytest.raises(HailongError, match=f"--missing {missing} --unmarked {unmarked} "):
            tally("r", invitations, opened)
        other = Decision("counts", "B", "x", date(2026, 11, 23), missing + 1, unmarked)
        with pytest.raises(HailongError, match="nothing was sealed"):
            tally("r", invitations, opened, [other])
    decision = Decision("counts", "B", "x", date(2026, 11, 23), missing, unmarked)
    found = tally("r", invitations, opened, [decision])
    assert (found.missing, found.unmarked) == (missing, unmarked)
    assert (found.decision is decision) == differs
    holds(found, opened, data.draw(st.integers(0, accepted.total())))
