"""Which units of an earlier round a unit of a later one came from, by the table of successions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

# Why a unit has no earlier figure to be held against.
NO_PREDECESSOR = "no_predecessor"
PREDECESSOR_MISSING = "predecessor_missing"
SPLIT = "split"
RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Succession:
    """That a unit went into another on a day: the whole of it (merge, rename) or a part (split)."""

    predecessor: str
    successor: str
    effective: date
    relation: str


@dataclass(frozen=True, slots=True)
class Registry:
    """What is known of units beside the archives: their successions, and the unit above each that has one."""

    successions: Sequence[Succession] = ()
    parents: Mapping[str, str] = field(default_factory=dict)

    def renames_alone(self, unit: str, predecessor: str, between: tuple[date, date]) -> bool:
        """Whether all that happened to a unit between two days is that a predecessor's name became its own."""
        after, until = between
        code, seen = unit, {unit}
        while code != predecessor:
            rows = [s for s in self.successions if s.successor == code and after < s.effective <= until]
            if len(rows) != 1 or rows[0].relation != RENAME or rows[0].predecessor in seen:
                return False
            code = rows[0].predecessor
            seen.add(code)
        return True


@dataclass(frozen=True, slots=True)
class Lineage:
    """The units of the earlier round that a later unit is made of, sorted, or the reason why they cannot be told."""

    units: tuple[str, ...] = ()
    reason: str = ""


def lineage_of(
    unit: str,
    rated: Collection[str],
    successions: Sequence[Succession],
    between: tuple[date, date],
    parents: Mapping[str, str],
) -> Lineage:
    """The predecessors of a unit among those that the earlier round rated.

    A unit is its own predecessor where the earlier round rated it and nobody says that it began between the rounds.
    Successions are followed back as far as the earlier round; what a predecessor of a predecessor was counts too.

    Arguments:
        unit: a unit of the later round.
        rated: the units of the earlier round.
        successions: the whole table.
        between: the day after which and the day until which a succession counts.
        parents: the unit above each unit that has one. The table names a district beside its communes where both went
            into a ward; they are the same people, so the ones that the earlier round rated stand for them: the
            communes, where it rated any of them or no district.
    """
    after, until = between
    known = [s for s in successions if after < s.effective <= until]
    found: set[str] = set()
    reasons: list[str] = []
    waiting, seen = [unit], {unit}
    while waiting:
        code = waiting.pop()
        rows = _without_other_layers([s for s in known if s.successor == code], rated, parents)
        if any(s.relation == SPLIT for s in rows):
            reasons.append(SPLIT)
        waiting.extend(s.predecessor for s in rows if s.predecessor not in seen)
        seen.update(s.predecessor for s in rows)
        if code in rated:
            found.add(code)
            # What gave a part of itself away is no longer what was rated.
            if any(s.predecessor == code and s.relation == SPLIT for s in known):
                reasons.append(SPLIT)
        elif not rows:
            reasons.append(NO_PREDECESSOR if code == unit else PREDECESSOR_MISSING)
    if reasons:
        order = (SPLIT, PREDECESSOR_MISSING, NO_PREDECESSOR)
        return Lineage(tuple(sorted(found)), min(reasons, key=order.index))
    return Lineage(tuple(sorted(found)))


def _without_other_layers(
    rows: Sequence[Succession], rated: Collection[str], parents: Mapping[str, str]
) -> list[Succession]:
    """The rows without the predecessors whose people other predecessors of the same unit stand for."""
    codes = {row.predecessor for row in rows}
    beneath: dict[str, set[str]] = {}
    for code in codes:
        for above in codes & _above(code, parents):
            beneath.setdefault(above, set()).add(code)
    doubled: set[str] = set()
    for above, parts in beneath.items():
        doubled |= parts if above in rated and not parts & set(rated) else {above}
    return [row for row in rows if row.predecessor not in doubled]


def _above(code: str, parents: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    while (code := parents.get(code, "")) and code not in found:
        found.add(code)
    return found
