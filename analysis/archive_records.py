"""What an archive or an edition says of a round beside its answers, as values and as what files hold of them."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
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
    """How many ballots there were on each step; `rejected` by reason. spent = spooled = sealed + rejected."""

    issued: int
    spent: int
    spooled: int
    sealed: int
    rejected: Mapping[str, int]


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
    }


def counts_from_json(stored: Mapping[str, object]) -> Counts:
    """The counts from a manifest; raises KeyError, TypeError or ValueError when they are not all there."""
    rejected = stored["rejected"]
    if not isinstance(rejected, Mapping):
        raise TypeError(f"found rejected: {rejected!r}, expected counts by reason")
    numbers = {name: int(str(stored[name])) for name in ("issued", "spent", "spooled", "sealed")}
    return Counts(**numbers, rejected={str(reason): int(count) for reason, count in rejected.items()})


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
