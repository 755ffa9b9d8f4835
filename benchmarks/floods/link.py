"""Criterion 34: ten thousand scripted sendings to an open link: how many are stored, and how many are in the index."""

import asyncio
import datetime as dt
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from benchmarks.collection import driver
from support.citizens import UNIT, ask
from support.proofs import solved
from support.server import running_server
from support.stores import opened, settings_in
from survey.open_link import slow_cap
from survey.proofs import WAIT_SECONDS
from survey.round_status import round_status
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.storage.upgrading import upgrade_stores

N_HONEST = 40
AT_A_TIME = 8


@dataclass(slots=True)
class Flood:
    """What came of it: answers by status, ballots stored without a code, the cap, and who is in the index."""

    n_sent: int
    cap: int
    statuses: Counter[int] = field(default_factory=Counter)
    n_stored: int = 0
    n_stored_slowly_at_most: int = 0
    n_in_index: int = 0
    n_honest: int = 0


def pour(n_sent: int, cap: int, n_proofs: int) -> Flood:
    """As many sendings as wanted: some with work done, all others with tickets that were waited for, or replays."""
    flood = Flood(n_sent, cap, n_stored_slowly_at_most=slow_cap(cap))
    with tempfile.TemporaryDirectory() as name:
        settings = settings_in(Path(name) / "var")
        upgrade_stores(settings)
        stores = opened(settings)
        asked = ask(settings, stores, Path(name), questionnaire="sipas/2017.1", open_link_cap=cap)
        codes = [code.typed for code in asked.codes(UNIT, N_HONEST)]
        with running_server(settings, workers=2) as server:
            asyncio.run(_pour(int(server.address.rpartition(":")[2]), flood, n_proofs, codes))
        flood.n_stored = sum(
            cell.spent for cell in round_status(stores, asked.secrets, asked.slug).cells if cell.channel == "open_link"
        )
        close_round(stores, asked.slug)
        seal_round(stores, asked.secrets, asked.vault, settings, asked.slug)
        archive = read_archive(archive_path(settings, asked.slug))
        stores.close()
    edition = compute_edition(archive, published_on=dt.date(2026, 12, 31), public_url=None)
    counted = max((row.n or 0 for row in edition.estimates if row.unit == UNIT), default=0)
    flood.n_in_index = counted - flood.n_honest
    return flood


async def _pour(port: int, flood: Flood, n_proofs: int, codes: list[str]) -> None:
    address, path = ("127.0.0.1", port), f"/r/hai-long/{UNIT}"
    draw = random.Random(3)  # noqa: S311 - answers, no secrets
    connection = driver.Connection(address)
    _, headers, body = await connection.request(b"GET", path)
    page = driver.text_of(headers, body)
    form = driver.Form(page)
    for code in codes:
        status, _, _ = await connection.request(b"POST", path, form.filled(_blank(page, "", ""), code, draw))
        flood.n_honest += status == 303
    given = [await _challenge(connection, path) for _ in range(500)]
    connection.close()
    began = time.monotonic()
    proofs = [solved(entry["challenge"]) for entry in given[:n_proofs]]
    await asyncio.sleep(max(0.0, WAIT_SECONDS + 1 - (time.monotonic() - began)))
    tries = iter(range(flood.n_sent))

    async def one() -> None:
        mine = driver.Connection(address)
        for number in tries:
            # The first ones bring work, the next ones tickets, and then everything is tried again under other forms.
            proof = proofs[number % n_proofs] if number % 2 else ""
            ticket = str(given[number % len(given)]["ticket"])
            fields = _blank(page, proof, "" if proof else ticket)
            status, _, _ = await mine.request(b"POST", path, form.filled(fields, "", draw))
            flood.statuses[status] += 1
        mine.close()

    await asyncio.gather(*(one() for _ in range(AT_A_TIME)))


def _blank(page: str, proof: str, ticket: str) -> str:
    """The hidden fields of a form of its own, as a script would make them up."""
    nonce = f"{random.getrandbits(190):048x}"
    pairs = {"nonce": nonce, "lang": "vi", "form-proof": proof, "form-ticket": ticket}
    return "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in pairs.items())


async def _challenge(connection: driver.Connection, path: str) -> dict[str, dict[str, object]]:
    import json

    _, headers, body = await connection.request(b"GET", f"{path}/challenge")
    found: dict[str, dict[str, object]] = json.loads(driver.text_of(headers, body))
    return found
