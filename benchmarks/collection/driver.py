"""Respondents over HTTP: each opens the form on a new connection, fills it, sends it, and reads the thank-you page.

It drives any one-page questionnaire made of an HTML form whose fields are inputs and textareas. It loads no style and
no script. The page's layout is read once, its hidden fields on each page anew, so that the driver takes as little as
can be of the processors that it shares with the server.
"""

import asyncio
import random
import re
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from survey.codes import N_TYPED, spell_typed

RECEIVED = b'data-state="received"'
TIMEOUT = 30.0

_INPUT = re.compile(r"<(?:input|textarea)\b[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_HIDDEN = re.compile(r'<input type="hidden"[^>]*>')
_HEADERS = (
    b"Host: 127.0.0.1\r\nUser-Agent: respondent\r\nAccept: text/html\r\n"
    b"Accept-Encoding: gzip\r\nAccept-Language: vi\r\n"
)


class Failed(Exception):
    """A request that did not end as it should; the message is short, for counting."""


@dataclass(slots=True)
class Tally:
    """What happened: latencies in seconds by kind of request, codes that were acknowledged, failures by kind."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    in_time: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    body_bytes: int = 0

    def took(self, kind: str, since: float) -> None:
        """Note the time of one request."""
        self.seconds.setdefault(kind, []).append(time.perf_counter() - since)

    def quantile(self, kind: str, share: float) -> float:
        """A quantile of the latencies of a kind, in milliseconds; 0 where there was none."""
        ordered = sorted(self.seconds.get(kind, ()))
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection:
    """One connection that is kept for several requests, as a browser keeps it.

    `more` are header lines that each request has beside its own, each with its end.
    """

    def __init__(self, address: tuple[str, int], more: bytes = b"") -> None:
        self.address = address
        self._more = more
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(
        self, method: bytes, path: str, body: bytes | None = None
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers by their names in small letters, and the body as it travelled."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self.address)
        reader, writer = self._streams
        head = method + b" " + path.encode() + b" HTTP/1.1\r\n" + _HEADERS + self._more
        if body is not None:
            head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(body)
        writer.write(head + b"\r\n" + (body or b""))
        answer = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(answer[0].split(b" ", 2)[1])
        headers = {}
        for line in answer[1:-2]:
            name, _, value = line.partition(b": ")
            headers[name.lower()] = value
        if headers.get(b"transfer-encoding") == b"chunked":
            content = await _chunks(reader)
        else:
            content = await reader.readexactly(int(headers.get(b"content-length", b"0")))
        if headers.get(b"connection", b"").lower() == b"close":
            self.close()
        return status, headers, content

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        content += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return content


class Form:
    """The layout of the questionnaire's page: which fields there are and what they may hold."""

    def __init__(self, page: str) -> None:
        self.choices: dict[str, list[str]] = {}
        self.texts: list[str] = []
        for tag in _INPUT.findall(page):
            attributes = dict(_ATTRIBUTE.findall(tag))
            name, kind = attributes.get("name", ""), attributes.get("type", "text")
            if kind in ("radio", "checkbox"):
                self.choices.setdefault(name, []).append(unescape(attributes["value"]))
            elif name and kind != "hidden" and name != "code":
                self.texts.append(name)

    def filled(self, page: str, code: str, draw: random.Random) -> bytes:
        """A body with a random answer to each question, and the page's hidden fields as they are."""
        pairs = []
        for tag in _HIDDEN.findall(page):
            attributes = dict(_ATTRIBUTE.findall(tag))
            pairs.append((attributes["name"], unescape(attributes.get("value", ""))))
        pairs.append(("code", code))
        pairs += [(name, draw.choice(values)) for name, values in self.choices.items()]
        pairs += [(name, "Cán bộ nhiệt tình, thủ tục rõ ràng") for name in self.texts]
        return urlencode(pairs).encode()


def text_of(headers: dict[bytes, bytes], body: bytes) -> str:
    """A page's text."""
    return (zlib.decompress(body, 31) if headers.get(b"content-encoding") == b"gzip" else body).decode()


@dataclass(slots=True)
class Crowd:
    """Respondents of one form, with the codes that they have not used yet."""

    address: tuple[str, int]
    path: str
    codes: Iterator[str]
    draw: random.Random
    form: Form | None = None

    async def respond(self, tally: Tally, ends: float) -> None:
        """One respondent from the first page to the thank-you page; what goes wrong is counted."""
        code = next(self.codes)
        connection = Connection(self.address)
        try:
            await asyncio.wait_for(self._respond(connection, code, tally, ends), TIMEOUT)
        except Failed as failure:
            tally.failures[str(failure)] += 1
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            tally.failures[type(failure).__name__] += 1
        finally:
            connection.close()

    async def _respond(self, connection: Connection, code: str, tally: Tally, ends: float) -> None:
        began = time.perf_counter()
        status, headers, body = await connection.request(b"GET", self.path)
        tally.took("page", began)
        tally.body_bytes += len(body)
        if status != 200:
            raise Failed(f"page {status}")
        page = text_of(headers, body)
        if self.form is None:
            self.form = Form(page)
        sending = time.perf_counter()
        status, headers, body = await connection.request(b"POST", self.path, self.form.filled(page, code, self.draw))
        tally.took("sending", sending)
        if status != 303:
            raise Failed(f"sending {status}")
        tally.acknowledged.append(code)
        thanks = time.perf_counter()
        status, headers, body = await connection.request(b"GET", headers[b"location"].decode())
        tally.took("thanks", thanks)
        tally.took("sending and thanks", sending)
        tally.took("response", began)
        tally.body_bytes += len(body)
        if status != 200 or RECEIVED.decode() not in text_of(headers, body):
            raise Failed(f"thanks {status}")
        if time.perf_counter() <= ends:
            tally.in_time += 1

    async def intrude(self, tally: Tally) -> None:
        """One sending with a code that nobody was given, spelled as a code is."""
        connection = Connection(self.address)
        try:
            if self.form is None:
                _, headers, body = await connection.request(b"GET", self.path)
                self.form = Form(text_of(headers, body))
            body = self.form.filled("", _guess(self.draw), self.draw)
            began = time.perf_counter()
            status, _, _ = await asyncio.wait_for(connection.request(b"POST", self.path, body), TIMEOUT)
            tally.took("intruder", began)
            tally.statuses[status] += 1
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            tally.failures[f"intruder {type(failure).__name__}"] += 1
        finally:
            connection.close()


def _guess(draw: random.Random) -> str:
    while (code := spell_typed(draw.randrange(N_TYPED))) is None:
        continue
    return code


async def together(n: int, seconds: float, act: Callable[[Tally, float], Awaitable[None]], tally: Tally) -> None:
    """N at a time, one after another without a pause, for that many seconds; who has begun may finish."""
    ends = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < ends:
            await act(tally, ends)

    await asyncio.gather(*(one() for _ in range(n)))


async def paced(
    rate: float, seconds: float, act: Callable[[Tally, float], Awaitable[None]], tally: Tally, draw: random.Random
) -> None:
    """Arrivals at random moments, so many a second on average, whether or not those before have been served."""
    begins = time.perf_counter()
    ends, due = begins + seconds, begins
    waiting: set[asyncio.Task[None]] = set()
    while (due := due + draw.expovariate(rate)) < ends:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.ensure_future(act(tally, ends + TIMEOUT))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    if waiting:
        await asyncio.wait(waiting)


async def fetch_again_and_again(address: tuple[str, int], path: str, tally: Tally, ends: float) -> None:
    """The same address until the time is over, on one connection for as long as the server keeps it."""
    connection = Connection(address)
    while time.perf_counter() < ends:
        began = time.perf_counter()
        try:
            status, _, _ = await connection.request(b"GET", path)
        except (OSError, asyncio.IncompleteReadError) as failure:
            tally.failures[type(failure).__name__] += 1
            connection.close()
            continue
        tally.took(path, began)
        tally.statuses[status] += 1
        tally.in_time += status == 200
    connection.close()


def one_after_another(codes: Iterable[str]) -> Iterator[str]:
    """Each code once; running out is an error of the measurement and says so."""
    yield from codes
    raise RuntimeError("the measurement ran out of codes: give it more")
