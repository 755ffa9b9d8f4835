"""The tables of the unlinkability game, as docs/trust.md shows them."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from support.game.adversaries import ADVERSARIES
from support.game.battery import BACKUP_AND_KEY, EVERYTHING_AND_KEY, N_CANARIES, Findings
from support.game.mutants import MUTANTS
from support.game.scoring import WON, Score, allowed, percent
from support.game.searching import Hit
from support.game.views import VIEWS

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
RANDOM = "random"
# So many winners are named where a careless change lets many win.
MOST_NAMED = 3


@dataclass(slots=True)
class FullGame:
    """Everything that one run of `make game` found."""

    seeds: int
    units: int
    k: int
    day: dt.date
    commit: str
    rounds: list[Findings] = field(default_factory=list)
    controls: dict[str, dict[str, Score | None]] = field(default_factory=dict)
    mutants: dict[tuple[str, str], Findings] = field(default_factory=dict)

    def engines(self) -> list[str]:
        return [engine for engine in NAMES if any(found.engine == engine for found in self.rounds)]

    def total(self, engine: str, view: str, adversary: str) -> Score | None:
        """All rounds together; None where the adversary's channel was closed in each of them."""
        rounds = [found for found in self.rounds if found.engine == engine]
        scores = [found.scores[view][adversary] for found in rounds]
        if not any(scores):
            return None
        # Where the channel was closed in one round only, that one was guessed.
        guessed = [found.scores[view][RANDOM] for found in rounds]
        total = Score(0, 0)
        for one, other in zip(scores, guessed, strict=True):
            total += one or other or Score(0, 0)
        return total

    @property
    def worst(self) -> float:
        """The highest upper bound of any adversary in any view of the bar."""
        return max(
            (found.upper for engine in self.engines() for view in VIEWS for found in self._in(engine, view)),
            default=1.0,
        )

    def _in(self, engine: str, view: str) -> Iterator[Score]:
        for adversary in ADVERSARIES:
            found = self.total(engine, view, adversary)
            if found is not None:
                yield found

    @property
    def holds(self) -> bool:
        """Whether criteria 1 to 4 hold."""
        return (
            self.worst <= allowed(self.k)
            and all(score is not None and score.rate >= WON for won in self.controls.values() for score in won.values())
            and all(noticed(mutant, found) for (_, mutant), found in self.mutants.items())
            and not any(
                found.canaries or found.traces or found.urls or found.header_faults or found.schema
                for found in self.rounds
            )
        )


def noticed(mutant: str, found: Findings) -> list[str]:
    """How a careless change was noticed: who won in which view, and which search or rule complained."""
    ways = [
        f"“{adversary}” wins in {view}"
        for view in (*VIEWS, BACKUP_AND_KEY)
        for adversary, score in found.scores[view].items()
        if score is not None and score.rate >= WON
    ]
    # What wins in one view wins in those that hold more; the first one says it.
    first: dict[str, str] = {}
    for way in ways:
        first.setdefault(way.rpartition(" in ")[0], way)
    ways = list(first.values())[:MOST_NAMED]
    for hits, name in ((found.canaries, "canaries"), (found.traces, "codes in files")):
        ways += [f"{len(hits)} {name}"] if hits else []
    return ways + ([f"{len(found.schema)} broken rules of the schema"] if found.schema else [])


def report(game: FullGame) -> str:
    """The three tables and what stands above them."""
    n_people = sum(found.n_arrived for found in game.rounds)
    n_journeys = sum(found.n_journeys for found in game.rounds)
    n_traces, n_urls = (sum(len(hits) for hits in found) for found in zip(*_hits(game), strict=True))
    headline = (
        f"Measured {game.day:%Y-%m-%d}, commit `{game.commit}`: {game.seeds} rounds on each database, {game.units} "
        f"units of {game.k} respondents, {n_people:,} in all. The bar is 1/{game.k} + 0.02 = "
        f"{percent(allowed(game.k))}; the highest upper 99 % bound of any adversary in V1 to V4 is "
        f"**{percent(game.worst)}**."
    )
    searches = (
        f"Canaries before the seal (criterion 3): {N_CANARIES} people's answers and codes in each of "
        f"{len(game.rounds)} rounds, **{sum(len(found.canaries) for found in game.rounds)}** found. Codes, addresses "
        f"and browsers of everybody after {n_journeys:,} journeys (criterion 4): **{n_traces}** in files and logs, "
        f"**{n_urls}** in URLs; pages with a cookie or without `Referrer-Policy: no-referrer`: "
        f"**{sum(len(found.header_faults) for found in game.rounds)}**."
    )
    tables = [line for engine in game.engines() for line in (*_adversaries(game, engine), "")]
    lines = [headline, "", *tables, searches, "", *_mutants(game)]
    return "\n".join(lines)


def _hits(game: FullGame) -> Iterator[tuple[list[Hit], list[str]]]:
    for found in game.rounds:
        yield found.traces, found.urls


def _adversaries(game: FullGame, engine: str) -> Iterator[str]:
    views = (*VIEWS, BACKUP_AND_KEY, EVERYTHING_AND_KEY)
    yield f"| {NAMES[engine]}: adversary | where its leak is | " + " | ".join(views) + " |"
    yield "|---|---:|" + "---:|" * len(views)
    for adversary in ADVERSARIES:
        won = game.controls.get(engine, {}).get(adversary)
        cells = ["no such channel" if won is None else percent(won.rate)]
        cells += [_cell(game.total(engine, view, adversary)) for view in VIEWS]
        cells += [_rate(game.total(engine, view, adversary)) for view in (BACKUP_AND_KEY, EVERYTHING_AND_KEY)]
        yield f"| {adversary} | " + " | ".join(cells) + " |"


def _cell(score: Score | None) -> str:
    return "–" if score is None else f"{percent(score.rate)} (≤ {percent(score.upper)})"


def _rate(score: Score | None) -> str:
    return "–" if score is None else percent(score.rate)


def _mutants(game: FullGame) -> Iterator[str]:
    engines = [engine for engine in NAMES if any(of == engine for of, _ in game.mutants)]
    yield "| a careless change of the application | " + " | ".join(NAMES[engine] for engine in engines) + " |"
    yield "|---|" + "---|" * len(engines)
    for mutant in MUTANTS:
        ways = ["; ".join(noticed(mutant, game.mutants[engine, mutant])) or "**not noticed**" for engine in engines]
        yield f"| {mutant} | " + " | ".join(ways) + " |"
