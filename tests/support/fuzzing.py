"""Requests that nobody meant: any route, any method, fields and files bent out of shape, bytes that are no text.

Everything comes from one seed, so that a request that fails can be sent again.
"""

import io
import json
import random
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit

from flask import Flask, got_request_exception
from flask.testing import FlaskClient
from lxml import html
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from support.citizens import OTHER_UNIT, UNIT
from support.firms import SLUG as FIRMS
from support.headers import header_complaints
from support.office import Office
from support.site import build_site
from support.stores import Templates
from survey.application import create_app, services_of
from survey.limits import Counters
from survey.storage.stores import open_stores

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW", "get", "")
SLUGS = (
    "hai-long",
    "nam-tieng",
    "noi-o",
    "mo",
    "sau",
    "nhap",
    "chia-khoa",
    "dung",
    "het",
    "niem-phong",
    "sipas-2026",
    "ddci",
    FIRMS,
)
VALUES = {
    "slug": (*SLUGS, "khong-co"),
    "unit_code": (UNIT, OTHER_UNIT, "received", "-"),
    "unit": ("06652", "06664"),
    "name": ("06652", "league-ward", "estimates", "ranks", "method"),
    "step": ("open", "close", "seal", "publish"),
    "file_type": ("csv", "xlsx", "parquet", "json"),
    "code": ("ward", "khoi-dia-phuong", "nowhere"),
    "action": ("approve", "withdraw"),
    "decision": ("approve", "refuse", "withdraw"),
    "what": ("roles", "invite", "reset"),
    "kind": ("xlsx", "parquet", "json"),
    "key": ("0" * 16, "k"),
    "part": ("units", "weights", "response", "flags", "formulas"),
    "version": ("2017.1", "2"),
    "form_type": ("xlsx", "yaml"),
    "number": ("1", "0", "9" * 20),
    "digest": ("0000000000",),
    "anything": ("nowhere", "rounds"),
}
WORDS = (
    *("", " ", "0", "1", "-1", "5", "1e309", "nan", "999999999999999999999999", "1,5", "١٢", "on", "yes", "none"),
    *("vi", "en", "ko", "xx", "2026-12-01", "0000-00-00", "9999-12-31", "10000-01-01", "2026-02-30", "kind=ward"),
    *("code=phuong-a", "sipas/2017.1", "sipas/0", "../../x", "%2e%2e/", "\x00", "\x00" * 40, "a\x00b", "\r\nX: y"),
    *("<script>alert(1)</script>", "'\"><img src=x>", "' OR 1=1 --", "{{7*7}}", "${7*7}", "%s%n%d", "=1+1", "@x"),
    *("\u202e", "\ufeff", "\ud800", "e\u0301" * 50, "Z͑ͫ̓ͪ" * 30, "\U0001f600" * 60, "ﷺ" * 40, "x" * 5000, "9" * 400),
    *("2ZFK8-N0XV3-N07M", "0" * 14, "O0I1L", "K" * 26, "phuong-a", "counter", "post", "open_link"),
)
TYPES = (
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""),
    *(
        "application/json",
        "application/xml",
        "application/x-www-form-urlencoded; charset=utf-7",
        "\xff/\xff",
        "a/b;" * 99,
    ),
    *("multipart/form-data; boundary=" + "y" * 300, "multipart/mixed; boundary=x"),
)
FILES = (
    b"",
    b"\x00" * 100,
    b"\xff\xfe\x00\xd8",
    b"unit,stratum,psu,channel,count\nphuong-a,,,post,3\n",
    b"unit,stratum,psu,channel,count\nphuong-a,,,post,99999999999999999999\n",
    b"unit,code,url,channel\nphuong-a,2ZFK8-N0XV3-N07M,https://x/r/hai-long/phuong-a,post\n",
    b'unit,count\n"phuong-a,3\n',
    b"cells: []\n",
    b"design: 1\ncells:\n  - {unit: phuong-a, population: .nan}\n",
    b"plan: 1\nlevel: 95\n",
    b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ne: [*d,*d]\n",
    b"a: &a [*a]\n",
    b"- " * 3000 + b"x",
    b"[" * 20_000,
    b"{" * 3000,
    b"!!python/object/apply:os.system [ls]\n",
    b"? [a, b]\n: c\n",
    b"1" * 6000,
    b'{"format": 1, "round": "chia-khoa", "number": 1e400}',
    b'{"number": ' + b"9" * 5000 + b"}",
    b'{"a":' * 20_000,
    json.dumps({"round": "chia-khoa", "share": 1, "salt": "x", "sealed": "!"}).encode(),
    b"PK\x03\x04" + b"\x00" * 60,
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"\xef\xbb\xbfindicator,unit,value\nx,06652,1e999\n",
)
LARGE = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A route, and the names and values that its page's forms have."""

    rule: str
    arguments: tuple[str, ...]
    methods: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """How many requests were answered how, and what should not have happened."""

    statuses: dict[int, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


class Fuzzer:
    """Sends what a seed says to the application of `support.site`.

    :param words: more values worth trying, such as codes that are good.
    :param only: the addresses of the routes to try; all where none are named.
    """

    def __init__(self, app: Flask, seed: int, words: Sequence[str] = (), only: Sequence[str] = ()) -> None:
        self._app = app
        self._random = random.Random(seed)  # noqa: S311
        self._words = (*WORDS, *words)
        self._tally = Tally()
        self._failure = ""
        got_request_exception.connect(self._note, app)
        self._sign_in()
        self._targets = [target for target in self._find_targets() if not only or target.rule in only]
        self._forms = [target for target in self._targets if "POST" in target.methods]

    def run(self, count: int) -> Tally:
        """The tally after so many more requests."""
        for number in range(count):
            if number % 200 == 0:
                self._sign_in()
            self._send_one()
        return self._tally

    def _note(self, sender: Flask, exception: BaseException, **_: object) -> None:
        places = [
            f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(exception.__traceback__)
        ]
        self._failure = f"{type(exception).__name__}: {str(exception)[:200]} at {' '.join(places[-4:])}"

    def _sign_in(self) -> None:
        client = self._app.test_client()
        # From an address of its own: guesses at the officer's own password close the door to everybody else's.
        client.environ_base |= {"wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.1"}
        office = Office(self._app, client)
        assert office.sign_in().status_code == 303
        self._office: FlaskClient = client
        self._token = office.token("/office/new-round")

    def _find_targets(self) -> list[Target]:
        """Every route, with the names that the forms which are sent to it have anywhere."""
        adapter = self._app.url_map.bind("localhost", url_scheme="https")
        rules = [rule for rule in self._app.url_map.iter_rules() if rule.endpoint != "office.sign_out"]
        fields: dict[str, dict[str, str]] = {}
        files: dict[str, set[str]] = {}
        for rule, slug, client in product(rules, SLUGS, (self._office, self._app.test_client())):
            if "GET" not in (rule.methods or ()) or ("slug" not in rule.arguments and slug != SLUGS[0]):
                continue
            path = _address(rule.rule, {name: VALUES[name][0] for name in rule.arguments} | _only(rule, slug))
            page = client.get(path)
            if page.status_code >= 300 or page.mimetype != "text/html":
                continue
            for form in html.document_fromstring(page.get_data()).forms:
                if form.method != "POST":
                    continue
                found, _ = adapter.match(urlsplit(form.action or path).path, method="POST", return_rule=True)
                for entry in form.xpath(".//*[@name]"):
                    if entry.get("type") == "file":
                        files.setdefault(found.rule, set()).add(entry.get("name"))
                    elif entry.get("name") != "csrf_token":
                        fields.setdefault(found.rule, {}).setdefault(entry.get("name"), entry.get("value") or "")
        return [
            Target(
                rule.rule,
                tuple(sorted(rule.arguments)),
                tuple(sorted(rule.methods or ())),
                tuple(fields.get(rule.rule, {}).items()),
                tuple(sorted(files.get(rule.rule, ()))),
            )
            for rule in rules
        ]

    def _send_one(self) -> None:
        draw = self._random
        target = draw.choice(self._targets if draw.random() < 0.6 else self._forms)
        path = self._path(target)
        method = draw.choice(target.methods if draw.random() < 0.85 else METHODS)
        if "POST" in target.methods and draw.random() < 0.6:
            method = "POST"
        environ = self._environ(target, path, method)
        described = f"{method} {path!r} {environ.get('CONTENT_TYPE')!r} {environ.get('QUERY_STRING')!r}"
        try:
            content, answered, headers = run_wsgi_app(self._app, environ, buffered=True)
            body = b"".join(content)
        except Exception as failure:
            self._tally.complaints.append(f"{described}: {type(failure).__name__}: {failure}"[:2000])
            return
        status = int(answered.split()[0])
        self._tally.statuses[status] = self._tally.statuses.get(status, 0) + 1
        if status >= 500 or b"Traceback (most recent" in body:
            self._tally.complaints.append(f"{described}: {status}: {self._failure}"[:2000])
        response = TestResponse([body], answered, headers, request=Request(environ))
        self._tally.complaints += header_complaints(response, str(environ["PATH_INFO"]))

    def _environ(self, target: Target, path: str, method: str) -> dict[str, object]:
        draw = self._random
        builder = EnvironBuilder(path="/", method="POST", base_url="https://localhost")
        environ = builder.get_environ()
        builder.close()
        raw, _, query = path.partition("?")
        environ["PATH_INFO"] = _unquoted(raw)
        environ["QUERY_STRING"] = query
        environ["REQUEST_METHOD"] = method
        body, content_type = b"", ""
        if method not in ("GET", "HEAD", "OPTIONS") or draw.random() < 0.05:
            body, content_type = self._body(target)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body)) if draw.random() < 0.98 else draw.choice(("-1", "x", "", "999999"))
        environ["CONTENT_TYPE"] = content_type
        for name in (
            "HTTP_ACCEPT_ENCODING",
            "HTTP_ACCEPT_LANGUAGE",
            "HTTP_X_FORWARDED_FOR",
            "HTTP_RANGE",
            "HTTP_REFERER",
        ):
            if draw.random() < 0.1:
                environ[name] = _latin(self._word()[:500])
        if draw.random() < 0.7:
            cookie = self._office.get_cookie(self._app.config["SESSION_COOKIE_NAME"])
            environ["HTTP_COOKIE"] = f"{cookie.key}={cookie.value}" if cookie else ""
        elif draw.random() < 0.1:
            environ["HTTP_COOKIE"] = f"__Host-hailong_office={_latin(self._word()[:500])}"
        return environ

    def _path(self, target: Target) -> str:
        draw = self._random
        values = {name: self._argument(name) for name in target.arguments}
        path = _address(target.rule, values) if draw.random() < 0.97 else f"/{self._quoted_word()}"
        if draw.random() < 0.4:
            names = [
                draw.choice(("lang", "edition", "created", "ended", "out", "n", "\x00"))
                for _ in range(draw.randint(1, 3))
            ]
            path += "?" + "&".join(f"{quote(name)}={self._quoted_word()}" for name in names)
        return path

    def _argument(self, name: str) -> str:
        if self._random.random() < 0.8:
            return str(self._random.choice(VALUES[name]))
        return self._quoted_word()

    def _quoted_word(self) -> str:
        if self._random.random() < 0.2:
            return "".join(f"%{byte:02x}" for byte in self._random.randbytes(self._random.randint(1, 12)))
        return quote(self._word().encode("utf-8", "surrogatepass"), safe="")

    def _body(self, target: Target) -> tuple[bytes, str]:
        draw = self._random
        chance = draw.random()
        if chance < 0.002:
            return b"a=" + b"x" * LARGE, TYPES[0]
        if chance < 0.06:
            return draw.randbytes(draw.randint(0, 3000)), draw.choice(TYPES)
        pairs = list(self._pairs(target))
        if target.files or chance < 0.12:
            return self._multipart(target, pairs)
        encoded = urlencode([(_bytes(name), _bytes(value)) for name, value in pairs]).encode()
        if chance < 0.2 and encoded:
            place = draw.randrange(len(encoded))
            encoded = encoded[:place] + draw.randbytes(draw.randint(1, 6)) + encoded[place + 1 :]
        return encoded, TYPES[0] if chance < 0.95 else draw.choice(TYPES)

    def _multipart(self, target: Target, pairs: Sequence[tuple[str, str]]) -> tuple[bytes, str]:
        draw = self._random
        data: MultiDict[str, object] = MultiDict((_plain(name), _plain(value)) for name, value in pairs)
        for name in (*target.files, *(["odd"] if draw.random() < 0.1 else [])):
            for _ in range(draw.choice((0, 1, 1, 1, 2))):
                content = draw.choice(FILES)
                if draw.random() < 0.3 and content:
                    place = draw.randrange(len(content))
                    content = content[:place] + draw.randbytes(3) + content[place:]
                data.add(
                    name, FileStorage(io.BytesIO(content), filename=_plain(self._word()[:80] or "x.csv"), name=name)
                )
        builder = EnvironBuilder(method="POST", data=data, content_type="multipart/form-data")
        environ = builder.get_environ()
        body = environ["wsgi.input"].read()
        builder.close()
        if draw.random() < 0.1:
            body = body[: draw.randrange(len(body) + 1)]
        return body, str(environ["CONTENT_TYPE"])

    def _pairs(self, target: Target) -> Iterator[tuple[str, str]]:
        draw = self._random
        # A step that is really taken leaves nothing to fuzz: an open round is worth more than a closed one.
        if draw.random() < (0.01 if ":step>" in target.rule else 0.6):
            yield "csrf_token", self._token
        for name, value in target.fields:
            chance = draw.random()
            if chance < 0.55:
                yield name, value
            elif chance < 0.9:
                yield name, self._word()
            if chance > 0.97:
                yield name, self._word()
        while draw.random() < 0.2:
            yield self._word(), self._word()

    def _word(self) -> str:
        draw = self._random
        if draw.random() < 0.75:
            return draw.choice(self._words)
        return "".join(
            chr(draw.choice((draw.randrange(128), draw.randrange(0x3000), draw.randrange(0x110000))))
            for _ in range(draw.randint(1, 20))
        )


def _only(rule: Rule, slug: str) -> dict[str, str]:
    return {"slug": slug} if "slug" in rule.arguments else {}


def _address(rule: str, values: dict[str, str]) -> str:
    """The path of a rule; converters such as `<any(csv, xlsx):name>` take what they are given."""
    for name, value in values.items():
        end = rule.index(f"{name}>") + len(name) + 1
        start = rule.rindex("<", 0, end)
        rule = rule[:start] + value + rule[end:]
    return rule


def _unquoted(path: str) -> str:
    """A path as WSGI has it: each byte a letter of Latin-1."""
    return unquote_to_bytes(path).decode("latin-1")


def _latin(word: str) -> str:
    return word.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r", " ").replace("\n", " ")


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def _plain(word: str) -> str:
    return word.encode("utf-8", "replace").decode("utf-8").replace("\r", " ").replace("\n", " ")


class _Hasty:
    """A clock that runs ahead, so that no limit of a second or of a quarter of an hour hides the pages behind it."""

    def __init__(self) -> None:
        self._now = 1.8e9

    def __call__(self) -> float:
        self._now += 0.5
        return self._now


def fuzz(templates: Templates, folder: Path, seed: int, count: int) -> Tally:
    """The tally of so many requests to a fresh instance of `support.site` in a folder."""
    settings = templates.new_instance("sqlite", folder / "fuzzed")
    stores = open_stores(settings)
    asked = build_site(settings, stores, folder)
    app = create_app(settings, Counters.private(_Hasty()))
    codes = [code.typed for code in asked.codes(count=5)]
    tally = Fuzzer(app, seed, codes).run(count)
    services_of(app).stores.close()
    stores.close()
    return tally
