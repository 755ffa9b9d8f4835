"""The fieldwork monitor of 225 units and five channels while answers come in, on PostgreSQL and the production server.

Two officers look at everything, one page after another with a second between, four more keep the news open, and
citizens arrive at random moments at the rate that is asked for, each with the page, the sending and the thanks. The
driver shares the processors. The round has run for half of its days: tens of thousands of invitations lie there, a
third of them used, with counts for every day and a target for every unit.
"""

import asyncio
import datetime as dt
import itertools
import os
import random
import re
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

from sqlalchemy import insert, select

from benchmarks.collection import driver, questions, servers
from benchmarks.collection.processes import processor_seconds
from benchmarks.office.page import Bar, Tell, quantile, table, taken
from questionnaires.model import Text
from survey.fieldwork import EVERY_UNIT, set_targets
from survey.invitations import CodeRequest, issue_invitations
from survey.notices import Notice
from survey.officers import create_officer
from survey.questionnaire_library import publish_questionnaire
from survey.rounds import RoundRequest, create_round, open_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.fieldwork import FieldworkDay
from survey.storage.frame import Invitation
from survey.storage.intake import SpentInvitation
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores, open_stores
from survey.storage.upgrading import upgrade_stores
from survey.units import import_units
from survey.vault import KeyVault

NAME, SEED = "monitor", 20261124
N_UNITS, CHANNELS, N_ASKED = 225, ("slip", "sms", "counter", "letter", "tablet"), 40
RATE, PACE_SECONDS, N_STREAMS, N_DAYS = 50.0, 1.0, 4, 30
BAR = Bar(100)
# What the second officer looks at: pages all the time, and now and then a file.
ROUNDABOUT = [*(["monitor", "channels", "news"] * 4), "table"]
LOGIN, PASSWORD = "monitor", "bốn từ chọn bừa"
WATCHED = {
    "monitor": "the monitor",
    "channels": "units and channels",
    "table": "the table as XLSX",
    "news": "the news, asked once",
}


def measure(seconds: float, tell: Tell) -> str:
    """The table of latencies, with what the citizens had meanwhile."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, servers.cluster() as home:
        url = home.url(servers.new_database(home))
        settings, codes = _round_half_way(Path(folder), url, int(1.3 * RATE * seconds) + 600)
        tell(f"{NAME}: a round of {N_UNITS} units, {N_UNITS * len(CHANNELS) * N_ASKED:,} invitations, a third used")
        instance = servers.Instance(settings, "PostgreSQL")
        with servers.hailong_server(instance, 2) as serving:
            address = serving.address
            crowds = _crowds(address, codes)
            asyncio.run(_both(address, crowds, 5.0, driver.Tally()))
            used = processor_seconds(serving.process), processor_seconds(home.process)
            tally = driver.Tally()
            asyncio.run(_both(address, crowds, seconds, tally))
            used = processor_seconds(serving.process) - used[0], processor_seconds(home.process) - used[1]
    return _table(tally, seconds, used, load)


def _round_half_way(folder: Path, url: str, n_codes: int) -> tuple[Settings, dict[str, list[str]]]:
    """An instance with a round in its middle, and codes that nobody has used, by unit."""
    environment = {
        "HAILONG_INSTANCE": str(folder),
        "HAILONG_PUBLIC_URL": "http://127.0.0.1",
        "HAILONG_DATABASE_URL": url,
    }
    settings = Settings.from_environment(environment)
    upgrade_stores(settings)
    stores, secrets = open_stores(settings), Secrets(settings.secret_key)
    registry = folder / "units.csv"
    head = "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    units = [f"xa-{n:03}" for n in range(1, N_UNITS + 1)]
    rows = (f"{unit},Xã số {unit},Commune {unit},commune,Khối xã,,2025-07-01,,9000,1.5,thử\n" for unit in units)
    registry.write_text(head + "".join(rows), encoding="utf-8")
    import_units(stores, registry)
    publish_questionnaire(stores, questions.source(), "load.yaml", today())
    first = today() - dt.timedelta(days=N_DAYS // 2)
    notice = Notice(
        title=Text("Khảo sát sự hài lòng", "Satisfaction survey"),
        issuer=Text("Sở Nội vụ tỉnh Thử", "Department of Home Affairs"),
        decision="Quyết định số 12/QĐ-UBND",
        hotline="0203 000 000",
    )
    request = RoundRequest(
        slug=servers.SLUG,
        questionnaire=questions.REFERENCE,
        units="kind=commune",
        opens_on=first,
        closes_on=first + dt.timedelta(days=N_DAYS),
        notice=notice,
    )
    record = create_round(stores, request, first)
    vault = KeyVault(folder / "keys", settings.passphrase_file.read_bytes().strip())
    record = open_round(stores, vault, servers.SLUG, first)
    wanted = [CodeRequest(unit, N_ASKED, channel=channel) for unit in units for channel in CHANNELS]
    issue_invitations(stores, secrets, servers.SLUG, wanted)
    _use_a_third(stores, secrets)
    _write_days(stores, units, first)
    set_targets(stores, record, {EVERY_UNIT: 120} | dict.fromkeys(units[::3], 150), actor=LOGIN)
    create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    more = [CodeRequest(unit, n_codes // N_UNITS + 1, channel=CHANNELS[n % 5]) for n, unit in enumerate(units)]
    codes: dict[str, list[str]] = {}
    for code in issue_invitations(stores, secrets, servers.SLUG, more):
        codes.setdefault(code.unit, []).append(code.typed)
    stores.close()
    return settings, codes


def _use_a_third(stores: Stores, secrets: Secrets) -> None:
    """Marks of use as sendings would have left them; the ballots themselves are not looked at by the monitor."""
    with reading(stores.frame) as session:
        identifiers = list(session.scalars(select(Invitation.id).where(Invitation.round_slug == servers.SLUG)))
    used = random.Random(SEED).sample(identifiers, len(identifiers) // 3)  # noqa: S311 - whom, no secret
    rows = [
        {"round_slug": servers.SLUG, "nullifier": secrets.nullifier(servers.SLUG, one), "nonce_tag": bytes(32)}
        for one in used
    ]
    with writing(stores.intake) as session:
        session.execute(insert(SpentInvitation), rows)


def _write_days(stores: Stores, units: list[str], first: dt.date) -> None:
    draw = random.Random(SEED)  # noqa: S311 - counts, no secrets
    with writing(stores.office) as session:
        for unit, n in itertools.product(units, range(N_DAYS // 2)):
            day, received = first + dt.timedelta(days=n), draw.randint(1, 8)
            session.add(
                FieldworkDay(
                    round_slug=servers.SLUG, unit_code=unit, day=day, opened=received + draw.randint(0, 9),
                    received=received,
                )
            )  # fmt: skip


def _crowds(address: tuple[str, int], codes: dict[str, list[str]]) -> Iterator[driver.Crowd]:
    """Citizens of one unit after the other."""
    draw = random.Random(SEED)  # noqa: S311 - answers, no secrets
    every = [
        driver.Crowd(address, f"/r/{servers.SLUG}/{unit}", driver.one_after_another(own), draw)
        for unit, own in codes.items()
    ]
    return itertools.cycle(every)


async def _both(address: tuple[str, int], crowds: Iterator[driver.Crowd], seconds: float, tally: driver.Tally) -> None:
    """Citizens at their rate, officers at their pace, and the news for those who keep the page open."""

    async def respond(tally: driver.Tally, ends: float) -> None:
        await next(crowds).respond(tally, ends)

    cookie = await asyncio.to_thread(_signed_in, address)
    ends = time.perf_counter() + seconds
    officers = [_look(address, cookie, kinds, tally, ends) for kinds in (["monitor"], ROUNDABOUT)]
    streams = [_listen(address, cookie, tally, ends) for _ in range(N_STREAMS)]
    citizens = driver.paced(RATE, seconds, respond, tally, random.Random(SEED))  # noqa: S311
    await asyncio.gather(citizens, *officers, *streams)


async def _look(address: tuple[str, int], cookie: bytes, kinds: list[str], tally: driver.Tally, ends: float) -> None:
    paths = {"monitor": "", "channels": "/channels", "table": "/table.xlsx", "news": "/news"}
    connection = driver.Connection(address, cookie)
    for kind in itertools.cycle(kinds):
        if time.perf_counter() > ends:
            break
        began = time.perf_counter()
        status, _, _ = await connection.request(b"GET", f"/office/rounds/{servers.SLUG}/fieldwork{paths[kind]}")
        tally.took(kind, began)
        if status != 200:
            tally.failures[f"{kind} {status}"] += 1
        await asyncio.sleep(max(0.0, PACE_SECONDS - (time.perf_counter() - began)))
    connection.close()


async def _listen(address: tuple[str, int], cookie: bytes, tally: driver.Tally, ends: float) -> None:
    """The news as a browser keeps them open: each time they end they are asked for again."""
    path = f"/office/rounds/{servers.SLUG}/fieldwork/news"
    while time.perf_counter() < ends:
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n".encode() + cookie + b"\r\n"
        )
        try:
            async with asyncio.timeout(max(0.1, ends - time.perf_counter())):
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200 " not in head.partition(b"\r\n")[0]:
                    tally.failures["stream"] += 1
                await reader.readuntil(b"data: ")
                tally.took("first news", began)
                while await reader.read(65536):
                    continue
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
        await asyncio.sleep(1.0)


def _signed_in(address: tuple[str, int]) -> bytes:
    """The header that tells the server who asks."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    door = f"http://{address[0]}:{address[1]}/office/sign-in"
    page = opener.open(door).read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if token is None:
        raise RuntimeError("found no form to sign in with")
    body = urllib.parse.urlencode({"csrf_token": token[1], "login": LOGIN, "password": PASSWORD}).encode()
    opener.open(door, body).read()
    return b"Cookie: " + "; ".join(f"{one.name}={one.value}" for one in jar).encode() + b"\r\n"


def _table(tally: driver.Tally, seconds: float, used: tuple[float, float], load: float) -> str:
    rows = []
    kinds = WATCHED | {"first news": "the news, until the first counts"}
    for kind, words in kinds.items():
        times = [1000 * one for one in tally.seconds.get(kind, [])]
        figures = [*(quantile(times, share) for share in (0.5, 0.95, 0.99)), max(times, default=0.0)]
        verdict = "" if kind == "table" else BAR.verdict(figures[1])
        rows.append([words, str(len(times)), *(f"{figure:.0f}" for figure in figures), verdict])
    shown = table(["what officers ask for", "requests", "p50 ms", "p95 ms", "p99 ms", "worst ms", "p95"], rows)
    failures = ", ".join(f"{kind}: {count}" for kind, count in tally.failures.items()) or "none"
    return (
        f"{taken(load, with_libraries=('granian', 'psycopg'))}\n\n{shown}\n\n"
        f"Meanwhile {len(tally.acknowledged):,} answers came in during {seconds:.0f} s "
        f"({len(tally.acknowledged) / seconds:.1f} a second): sending p50 {tally.quantile('sending', 0.5):.0f} ms, "
        f"p99 {tally.quantile('sending', 0.99):.0f} ms; failures: {failures}. Processors in use: server "
        f"{used[0] / seconds:.2f}, PostgreSQL {used[1] / seconds:.2f}."
    )
