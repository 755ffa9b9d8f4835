"""A client that holds every page it fetches to the rules of the house, whatever the test itself is about."""

import gzip
import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.test import TestResponse

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The script of a citizen's form sends it, and proves work where there is no code; nothing goes to another host.
CITIZEN_POLICY = f"{POLICY}; connect-src 'self'; worker-src 'self'"
# That of some pages of the office asks for news, or hands in drafts.
LIVE_POLICY = f"{POLICY}; connect-src 'self'"
# The editor of questionnaires shows in a frame how a phone shows what is written, and that page may stand in ours.
EDITOR_POLICY = f"{LIVE_POLICY}; frame-src 'self'"
FRAMED_POLICY = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
HEAVIEST_PAGE = 60_000
ADDRESSES = ("src", "href", "action", "formaction", "data", "poster", "srcset", "xlink:href")
FORBIDDEN_TAGS = ("style", "base", "iframe", "object", "embed", "frame", "applet")
# The phone beside the editor of questionnaires is a page of ours.
FRAMED = "/office/questionnaires/"
REFERENCES = ("for", "aria-describedby", "aria-labelledby", "aria-controls", "form", "list")
NAMED_BY_THEMSELVES = frozenset({"hidden", "submit", "button", "reset", "image"})


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page that kept the rules."""

    response: TestResponse
    root: html.HtmlElement

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def h1(self) -> str:
        return _text(self.root.xpath("//h1")[0])

    @property
    def text(self) -> str:
        """What people read, in one line."""
        return _text(self.root.xpath("//body")[0])

    @property
    def state(self) -> str | None:
        """The state that `<main>` says it shows."""
        found = self.root.xpath("//main/@data-state")
        return str(found[0]) if found else None

    def fields(self, form: int = 0) -> dict[str, list[str]]:
        """What a browser would send of a form as it stands, without the button that is pressed."""
        sent: dict[str, list[str]] = {}
        for name, value in self.root.forms[form].form_values():
            sent.setdefault(name, []).append(value)
        return sent

    def problems(self) -> list[str]:
        """The lines of the list of problems above a form."""
        return [_text(link) for link in self.root.xpath("//*[@id='problems']//a")]


class PageClient:
    """Fetches pages and fails on the first rule that one of them breaks."""

    def __init__(self, app: Flask) -> None:
        self.raw: FlaskClient = app.test_client()

    def get(self, path: str, **options: object) -> Page:
        return checked_page(self.raw.get(path, **options), path)  # type: ignore[arg-type]

    def post(self, path: str, fields: Mapping[str, object], **options: object) -> Page:
        return checked_page(self.raw.post(path, data=fields, **options), path)  # type: ignore[arg-type]


def checked_page(response: TestResponse, path: str) -> Page:
    """The page, if it keeps every rule; otherwise an assertion that lists each broken one."""
    assert response.mimetype == "text/html", f"{path}: {response.status} {response.mimetype}"
    source = response.get_data()
    if response.headers.get("Content-Encoding") == "gzip":
        source = gzip.decompress(source)
    root = html.document_fromstring(source.decode("utf-8"))
    complaints = [*_header_complaints(response, path), *_weight_complaints(source), *page_complaints(root)]
    assert not complaints, f"{path} ({response.status_code}): " + "; ".join(complaints)
    return Page(response, root)


def page_complaints(root: html.HtmlElement) -> list[str]:
    """Every rule of the house that a document breaks."""
    return [
        complaint
        for rule in (_words, _headings, _names, _references, _addresses, _nothing_inline, _groups)
        for complaint in rule(root)
    ]


def _header_complaints(response: TestResponse, path: str) -> Iterator[str]:
    expected = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    for name, value in expected.items():
        found = response.headers.get(name)
        is_scripted = (path.startswith("/r/") and found == CITIZEN_POLICY) or (
            path.startswith("/office/") and found in (LIVE_POLICY, EDITOR_POLICY, FRAMED_POLICY)
        )
        if found != value and not is_scripted:
            yield f"header {name}: {response.headers.get(name)!r}"
    if path.startswith(("/r/", "/office", "/unit")) and response.headers.get("Cache-Control") != "no-store":
        yield f"a page of one person may be kept by a cache: {response.headers.get('Cache-Control')!r}"
    if not path.startswith(("/office", "/unit")) and "Set-Cookie" in response.headers:
        yield "a cookie outside the office and the portal"


def _weight_complaints(source: bytes) -> Iterator[str]:
    weight = len(gzip.compress(source))
    if weight > HEAVIEST_PAGE:
        yield f"{weight} bytes compressed, expected at most {HEAVIEST_PAGE}"


def _words(root: html.HtmlElement) -> Iterator[str]:
    if root.get("lang") not in ("vi", "en", "ko", "zh-Hans", "ja"):
        yield f"lang is {root.get('lang')!r}"
    if not _text(next(iter(root.xpath("//head/title")), None)):
        yield "no title"
    if not root.xpath("//head/meta[@name='viewport']"):
        yield "no viewport"
    # What a citizen typed comes back as it was typed, whatever letters it is made of.
    text = " ".join(str(found) for found in root.xpath("//body//text()[not(ancestor::textarea)]"))
    if text != unicodedata.normalize("NFC", text):
        yield "letters that are not NFC"
    for sign in ("\N{REPLACEMENT CHARACTER}", "{{", "{%"):
        if sign in text:
            yield f"{sign!r} in the text"


def _headings(root: html.HtmlElement) -> Iterator[str]:
    titles = root.xpath("//h1")
    if len(titles) != 1 or not _text(titles[0]):
        yield f"{len(titles)} h1, expected one that is not empty"
    if len(root.xpath("//main")) != 1:
        yield "expected one main"
    levels = [int(heading.tag[1]) for heading in root.xpath("//main//h1|//main//h2|//main//h3|//main//h4")]
    # Alerts stand above the heading they interrupt, so only steps downwards count.
    for above, below in itertools.pairwise(levels):
        if below > above + 1:
            yield f"an h{below} right under an h{above}"


def _names(root: html.HtmlElement) -> Iterator[str]:
    labelled = {label.get("for") for label in root.xpath("//label[@for]") if _text(label)}
    for field in root.xpath("//input|//select|//textarea"):
        if field.get("type") in NAMED_BY_THEMSELVES:
            continue
        wrapping = [_text(label) for label in field.iterancestors("label")]
        if not (
            any(wrapping) or field.get("id") in labelled or field.get("aria-label") or field.get("aria-labelledby")
        ):
            yield f"the field {field.get('name') or field.get('id')!r} has no label"
    for thing in root.xpath("//a[@href]|//button|//summary"):
        if not (_text(thing) or thing.get("aria-label")):
            yield f"a {thing.tag} without words"
    for image in root.xpath("//img[not(@alt)]"):
        yield f"an image without alt: {image.get('src')}"
    for drawing in root.xpath("//svg[not(@aria-hidden='true') and not(ancestor::*[@aria-hidden='true'])]"):
        if not (drawing.get("role") == "img" and (drawing.get("aria-label") or drawing.get("aria-labelledby"))):
            yield "a drawing that is neither described nor hidden"
    for table in root.xpath("//table"):
        if not table.xpath(".//th"):
            yield "a table without headings"


def _references(root: html.HtmlElement) -> Iterator[str]:
    ids = [str(found) for found in root.xpath("//@id")]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"the id {twice!r} twice"
    for attribute in REFERENCES:
        for value in root.xpath(f"//@{attribute}"):
            yield from (f"{attribute}={target!r} leads nowhere" for target in str(value).split() if target not in ids)
    for link in root.xpath("//a[starts-with(@href, '#')]/@href"):
        if str(link)[1:] not in ids:
            yield f"the link {link} leads nowhere"


def _addresses(root: html.HtmlElement) -> Iterator[str]:
    for element in root.iter(html.etree.Element):
        for attribute in ADDRESSES:
            address = element.get(attribute)
            if address is None:
                continue
            parts = urlsplit(address)
            if parts.netloc or parts.scheme not in ("", "data", "tel", "mailto"):
                yield f"a foreign address: {address[:60]}"
            if parts.scheme == "data" and element.tag not in ("link", "img", "image"):
                yield f"a {element.tag} whose content stands in its address"


def _nothing_inline(root: html.HtmlElement) -> Iterator[str]:
    for tag in FORBIDDEN_TAGS:
        if any(not str(found.get("src")).startswith(FRAMED) for found in root.xpath(f"//{tag}")):
            yield f"an element {tag}"
    for script in root.xpath("//script"):
        if not script.get("src") or (script.text or "").strip():
            yield "an inline script"
    for element in root.iter(html.etree.Element):
        for attribute in element.attrib:
            if attribute == "style" or re.match(r"on[a-z]", attribute):
                yield f"an inline {attribute} on {element.tag}"
    if root.xpath("//meta[@http-equiv]"):
        yield "a meta that acts as a header"


def _groups(root: html.HtmlElement) -> Iterator[str]:
    for field in root.xpath("//input[@type='radio']"):
        fieldsets = list(field.iterancestors("fieldset"))
        if not fieldsets or not _text(next(iter(fieldsets[0].xpath("./legend")), None)):
            yield f"the choice {field.get('name')!r} stands in no fieldset with a legend"


def _text(element: html.HtmlElement | None) -> str:
    return "" if element is None else " ".join(element.text_content().split())


def form_of(fields: Mapping[str, Sequence[str]], **changes: str | Sequence[str] | None) -> dict[str, list[str]]:
    """The fields with some of them filled in; None takes one out."""
    sent = {name: list(values) for name, values in fields.items()}
    for name, value in changes.items():
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = [value] if isinstance(value, str) else list(value)
    return sent
