"""What an archive or an edition says of a round beside its answers, as values and as what files hold of them."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, cast, get_args

from questionnaires.model import Text

UNIT_COLUMNS = ("code", "name_vi", "name_en", "kind", "bloc_code", "bloc_name", "population", "bloc_name_en")

Collected = Literal["here", "elsewhere", "simulated"]


@dataclass(frozen=True, slots=True)
class ArchiveUnit:
    """A unit as it was when the round was sealed.

    `population` is None where it is not known; `bloc_name_en` is empty where nobody gave one, and in archives and
    editions that a former version wrote: the Vietnamese name is shown then.
    """

    code: str
    name: Text
    kind: str
    bloc_code: str
    bloc_name: str
    population: int | None
    bloc_name_en: str = ""


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """What the round's notice said: who asked, when, by which decision. Empty strings mean that nothing was said.

    `collected` tells where the answers come from: from citizens of this installation, from a survey held elsewhere, or
    from a simulation, which every page and PDF has to say.
    """

    slug: str
    title: Text
    opens_on: date
    closes_on: date
    issuer: Text
    decision: str
    hotline: str
    collected: Collected


@dataclass(frozen=True, slots=True)
class Counts:
    """How many ballots there were on each step; `rejected` by reason. spent = spooled = sealed + rejected.

    Where somebody took rows away and a named decision let the sealing go on, `missing` counts used invitations without
    a ballot and `unmarked` ballots without the mark of a used invitation; then spent + unmarked = spooled + missing.
    `forged` counts, by reason, the rows that were set aside because nobody with the secret key wrote them: they are in
    none of the other numbers. `untagged` counts the spooled ballots from before it could be told who wrote them.
    """

    issued: int
    spent: int
    spooled: int
    sealed: int
    rejected: Mapping[str, int]
    missing: int = 0
    unmarked: int = 0
    untagged: int = 0
    forged: Mapping[str, int] = field(default_factory=dict)

    @property
    def complaint(self) -> str:
        """What does not add up; empty when everything does."""
        n_rejected = sum(self.rejected.values())
        if min(self.missing, self.unmarked, self.untagged, self.spooled - self.untagged) < 0:
            return f"spooled {self.spooled}, missing {self.missing}, unmarked {self.unmarked}, untagged {self.untagged}"
        if self.spent + self.unmarked == self.spooled + self.missing and self.spooled == self.sealed + n_rejected:
            return ""
        differences = f", missing {self.missing}, unmarked {self.unmarked}" if self.missing or self.unmarked else ""
        return f"spent {self.spent}, spooled {self.spooled}, sealed {self.sealed}, rejected {n_rejected}{differences}"


def facts_to_json(facts: RoundFacts) -> dict[str, object]:
    """The facts of a round as a manifest carries them."""
    return {
        "slug": facts.slug,
        "title": {"vi": facts.title.vi, "en": facts.title.en},
        "opens_on": facts.opens_on.isoformat(),
        "closes_on": facts.closes_on.isoformat(),
        "issuer": {"vi": facts.issuer.vi, "en": facts.issuer.en},
        "decision": facts.decision,
        "hotline": facts.hotline,
        "collected": facts.collected,
    }


def facts_from_json(stored: Mapping[str, object]) -> RoundFacts:
    """The facts of a round from a manifest; raises KeyError, TypeError or ValueError when they are not all there."""
    return RoundFacts(
        slug=str(stored["slug"]),
        title=_text(stored["title"]),
        opens_on=date.fromisoformat(str(stored["opens_on"])),
        closes_on=date.fromisoformat(str(stored["closes_on"])),
        issuer=_text(stored["issuer"]),
        decision=str(stored["decision"]),
        hotline=str(stored["hotline"]),
        collected=_collected(stored["collected"]),
    )


def counts_to_json(counts: Counts) -> dict[str, object]:
    """The counts as a manifest carries them."""
    return {
        "issued": counts.issued,
        "spent": counts.spent,
        "spooled": counts.spooled,
        "sealed": counts.sealed,
        "rejected": dict(counts.rejected),
        "missing": counts.missing,
        "unmarked": counts.unmarked,
        "untagged": counts.untagged,
        "forged": dict(counts.forged),
    }


def counts_from_json(stored: Mapping[str, object]) -> Counts:
    """The counts from a manifest; raises KeyError, TypeError or ValueError when they are not all there."""
    numbers = {name: int(str(stored[name])) for name in ("issued", "spent", "spooled", "sealed")}
    # Archives of before say nothing of what could not be told then.
    later = {name: int(str(stored.get(name, 0))) for name in ("missing", "unmarked", "untagged")}
    rejected, forged = (_counts_by_reason(stored, name) for name in ("rejected", "forged"))
    return Counts(**numbers, rejected=rejected, **later, forged=forged)


def _counts_by_reason(stored: Mapping[str, object], name: str) -> dict[str, int]:
    found = stored[name] if name == "rejected" else stored.get(name, {})
    if not isinstance(found, Mapping):
        raise TypeError(f"found {name}: {found!r}, expected counts by reason")
    return {str(reason): int(count) for reason, count in found.items()}


def units_to_csv(units: tuple[ArchiveUnit, ...]) -> bytes:
    """The units as the `units.csv` of an archive or an edition."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(UNIT_COLUMNS)
    for unit in units:
        population = "" if unit.population is None else unit.population
        writer.writerow(
            (
                unit.code,
                unit.name.vi,
                unit.name.en,
                unit.kind,
                unit.bloc_code,
                unit.bloc_name,
                population,
                unit.bloc_name_en,
            )
        )
    return stream.getvalue().encode()


def units_from_csv(source: bytes) -> tuple[ArchiveUnit, ...]:
    """The units of an archive's or an edition's `units.csv`; raises KeyError or ValueError when a column is missing.

    Only `bloc_name_en` may be: former versions did not write it.
    """
    rows = csv.DictReader(io.StringIO(source.decode()))
    return tuple(
        ArchiveUnit(
            code=row["code"],
            name=Text(vi=row["name_vi"], en=row["name_en"]),
            kind=row["kind"],
            bloc_code=row["bloc_code"],
            bloc_name=row["bloc_name"],
            population=int(row["population"]) if row["population"] else None,
            bloc_name_en=row.get("bloc_name_en") or "",
        )
        for row in rows
    )


def _text(stored: object) -> Text:
    if not isinstance(stored, Mapping):
        raise TypeError(f"found {stored!r}, expected a text in vi and en")
    return Text(vi=str(stored["vi"]), en=str(stored["en"]))


def _collected(stored: object) -> Collected:
    if stored not in get_args(Collected):
        raise ValueError(f"found collected: {stored!r}, expected {', '.join(get_args(Collected))}")
    return cast(Collected, stored)
