"""A round under attack: an instance of its own on either engine, its server, and what became of each answer."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select

from benchmarks.durability.clusters import Cluster
from questionnaires.model import Questionnaire
from support.citizens import Asked, ask
from support.stores import settings_in
from survey.ballots import OpenedBallot, read_ballot
from survey.envelopes import EnvelopeError, open_ballot
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.settings import Settings
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores, open_stores
from survey.storage.upgrading import upgrade_stores

EngineName = Literal["sqlite", "postgresql"]
ENGINES: tuple[EngineName, ...] = ("sqlite", "postgresql")
SLUG = "hai-long"
UNITS = ("phuong-a", "xa-b")
MARKED_ITEM = "main"


@dataclass(slots=True)
class Submission:
    """One citizen's form: what marks it, and what the citizen has been told so far."""

    marker: str
    unit: str
    code: str
    nonce: str
    n_attempts: int = 0
    is_acknowledged: bool = False

    def form(self) -> dict[str, str]:
        """The fields as a browser sends them."""
        return {"code": self.code, "nonce": self.nonce, "lang": "vi", "overall": "5", MARKED_ITEM: self.marker}


@dataclass(slots=True)
class Trial:
    """One instance with one open round, and the cluster it lies in where the engine is PostgreSQL."""

    folder: Path
    settings: Settings
    cluster: Cluster | None
    asked: Asked
    n_issued: int = 0

    def submissions(self, count: int) -> list[Submission]:
        """As many citizens, each with a code of their own and a form that nobody has sent yet."""
        from survey.intake import new_nonce

        made = []
        for number, unit in enumerate(UNITS):
            share = count // len(UNITS) + (number < count % len(UNITS))
            if share:
                made += [(unit, code.qr) for code in self.asked.codes(unit, share)]
        first = self.n_issued
        self.n_issued += count
        return [
            Submission(f"phiếu {first + number:06d}", unit, code, new_nonce())
            for number, (unit, code) in enumerate(made)
        ]

    @property
    def engine(self) -> EngineName:
        return "postgresql" if self.cluster else "sqlite"


@contextmanager
def trial(engine: EngineName, folder: Path | None = None) -> Iterator[Trial]:
    """A round that is open today, in an instance that is thrown away afterwards."""
    home = folder or Path(tempfile.mkdtemp(prefix="hailong-trial"))
    cluster = Cluster() if engine == "postgresql" else None
    try:
        if cluster is not None:
            cluster.start()
        # A plain address: the server's settings read it as they read an operator's.
        settings = replace(settings_in(home / "var", cluster.url if cluster else None), public_url=None)
        upgrade_stores(settings)
        stores = open_stores(settings)
        try:
            yield Trial(home, settings, cluster, ask(settings, stores, home, questionnaire="kinds/1", slug=SLUG))
        finally:
            stores.close()
    finally:
        if cluster is not None:
            cluster.remove()
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the stores hold after an attack, held against what citizens were told."""

    n_attempted: int
    n_acknowledged: int
    n_stored: int
    n_spent: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    foreign: tuple[str, ...] = field(default=())

    @property
    def is_sound(self) -> bool:
        """Whether acknowledged ⊆ stored ⊆ attempted, each once, with a mark of use for each."""
        return not (self.lost or self.doubled or self.invented or self.foreign) and self.n_spent == self.n_stored

    def words(self) -> str:
        """The verdict in one line."""
        return (
            f"{self.n_attempted} attempted, {self.n_acknowledged} acknowledged, {self.n_stored} stored, "
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.invented) + len(self.foreign)} invented, "
            f"{self.n_spent} marks of use"
        )


def judge(asked: Asked, stores: Stores, submissions: list[Submission]) -> Verdict:
    """Every ballot of the spool opened, and held against the citizens' own account."""
    stored, foreign = markers_in(asked, stores)
    with reading(stores.intake) as session:
        query = select(func.count()).where(SpentInvitation.round_slug == asked.slug)
        n_spent = session.scalars(query).one()
    attempted = {one.marker for one in submissions if one.n_attempts}
    acknowledged = {one.marker for one in submissions if one.is_acknowledged}
    return Verdict(
        n_attempted=len(attempted),
        n_acknowledged=len(acknowledged),
        n_stored=stored.total() + len(foreign),
        n_spent=n_spent,
        lost=tuple(sorted(acknowledged - stored.keys())),
        doubled=tuple(sorted(marker for marker, count in stored.items() if count > 1)),
        invented=tuple(sorted(stored.keys() - attempted)),
        foreign=foreign,
    )


def markers_in(asked: Asked, stores: Stores) -> tuple[Counter[str], tuple[str, ...]]:
    """The marks of the ballots in the spool, and what was found instead of a ballot."""
    record = find_round(asked.stores, asked.slug)
    questionnaire: Questionnaire = load_questionnaire_of(asked.stores, record)
    private_key = asked.vault.unwrap(asked.slug)
    stored: Counter[str] = Counter()
    foreign = []
    ours = select(Ballot.envelope).where(Ballot.round_slug == asked.slug)
    with reading(stores.intake) as session:
        for envelope in session.scalars(ours.execution_options(yield_per=500)):
            try:
                plaintext = open_ballot(private_key, asked.slug, record.questionnaire_hash, envelope)
            except EnvelopeError as problem:
                foreign.append(str(problem))
                continue
            ballot = read_ballot(plaintext, asked.slug, record.unit_codes, questionnaire)
            if isinstance(ballot, OpenedBallot):
                stored[str(ballot.answers[MARKED_ITEM])] += 1
            else:
                foreign.append(ballot)
    return stored, tuple(foreign)


def seal_and_count(attacked: Trial) -> dict[str, int]:
    """The round closed and sealed as an officer does it: issued, spent, spooled, sealed, rejected.

    Raises HailongError when the counts do not add up, and AssertionError when the archive says that they do not.
    """
    asked = attacked.asked
    close_round(asked.stores, SLUG)
    counts = seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, SLUG).counts
    n_rejected = sum(counts.rejected.values())
    assert counts.issued >= counts.spent == counts.spooled == counts.sealed + n_rejected, counts
    return {
        "issued": counts.issued,
        "spent": counts.spent,
        "spooled": counts.spooled,
        "sealed": counts.sealed,
        "rejected": n_rejected,
    }
