"""The whole battery on one round: the game in every view, the canaries, the logs, the rules of the schema."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.game.cast import make_cast
from support.game.mutants import MUTANTS
from support.game.play import Table, play_days, seal, set_table
from support.game.schema_rules import broken_rules
from support.game.scoring import Score, allowed
from support.game.searching import Hit, answer_needles, code_needles, device_needles, sought
from support.game.views import VIEWS, knowledge_of, look, opener_of, play_adversaries
from survey.storage.stores import open_stores

N_CANARIES = 200
# One backup of the open round and the ballot key: not among the views of the bar, but the schema alone has to bear it.
BACKUP_AND_KEY, EVERYTHING_AND_KEY = "K", "V5"


@dataclass(slots=True)
class Findings:
    """What one round gave away."""

    engine: str
    k: int
    n_arrived: int = 0
    n_journeys: int = 0
    scores: dict[str, dict[str, Score | None]] = field(default_factory=dict)
    canaries: list[Hit] = field(default_factory=list)
    traces: list[Hit] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    header_faults: list[str] = field(default_factory=list)
    schema: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def complaints(self) -> list[str]:
        """Everything that turns the suite red."""
        found = [
            f"{view}: “{adversary}” is right {score.n_right} times in {score.n_all}"
            for view in (*VIEWS, BACKUP_AND_KEY)
            for adversary, score in self.scores[view].items()
            if score is not None and score.rate > allowed(self.k)
        ]
        found += [f"before the seal: {hit}" for hit in self.canaries]
        found += [f"in logs and files: {hit}" for hit in self.traces]
        return [*found, *self.urls, *self.header_faults, *self.schema]


def play_round(
    folder: Path,
    engine: str,
    *,
    units: int = 10,
    k: int = 120,
    seed: int = 1,
    days: int = 3,
    full_journeys: int = 10_000,
    mutant: str | None = None,
) -> Findings:
    """Play one round from its first respondent to the last adversary."""
    cast = make_cast([f"don-vi-{number:02d}" for number in range(1, units + 1)], k, seed)
    module: Sequence[str] = ("survey",) if mutant is None else ("support.game.mutants", mutant)
    prepare = MUTANTS[mutant].prepare if mutant is not None else None
    findings = Findings(engine, k)
    with set_table(folder, engine, cast, module, prepare) as table:
        if mutant is None or not MUTANTS[mutant].is_of_server_alone:
            table.commands = module
        play_days(table, days=days, full_journeys=full_journeys, with_incidents=mutant is None)
        findings.n_arrived, findings.n_journeys = len(table.arrived), table.n_journeys
        _search(table, findings)
        opener = opener_of(table)
        seal(table)
        known, truth = knowledge_of(table, seed)
        for view, evidence in look(table, opener).items():
            findings.scores[view] = play_adversaries(evidence, known, truth)
        findings.seconds = table.seconds
    return findings


def _search(table: Table, findings: Findings) -> None:
    """Before the seal: canaries in every byte; codes, addresses and browsers in logs, addresses and databases."""
    people = table.cast.respondents
    chosen = people[:: max(1, len(people) // N_CANARIES)][:N_CANARIES]
    needles = answer_needles(chosen) | code_needles(table, chosen)
    scratch = table.folder / "search"
    findings.canaries = sought(needles, table.places, scratch)
    codes = code_needles(table, people, raw=False)
    findings.traces = sought(codes | device_needles(people), table.places, scratch)
    findings.urls = [f"{codes[code]} in {url}" for url in table.urls for code in codes if code.decode() in url]
    findings.header_faults = table.header_faults
    stores = open_stores(table.settings)
    try:
        findings.schema = broken_rules(stores)
    finally:
        stores.close()
