"""What every answer's headers must say, whatever the route, the role and the outcome (criterion 23)."""

from collections.abc import Iterator

from werkzeug.http import parse_cookie
from werkzeug.test import TestResponse

from support.pages import CITIZEN_POLICY, EDITOR_POLICY, FRAMED_POLICY, LIVE_POLICY, POLICY

# What is the same for every reader may be kept by caches, and nothing else.
KEPT_AREAS = ("/static/", "/results")
YEAR = 31_536_000


def header_complaints(response: TestResponse, path: str) -> list[str]:
    """Every rule that an answer of an instance with an https address breaks; none where it keeps all."""
    return [f"{path} ({response.status_code}): {complaint}" for complaint in _complaints(response, path)]


def _complaints(response: TestResponse, path: str) -> Iterator[str]:
    headers = response.headers
    expected = {
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Strict-Transport-Security": f"max-age={YEAR}; includeSubDomains",
    }
    for name, value in expected.items():
        if headers.getlist(name) != [value]:
            yield f"{name} is {headers.getlist(name)}"
    policies = headers.getlist("Content-Security-Policy")
    is_scripted = (path.startswith("/r/") and policies == [CITIZEN_POLICY]) or (
        path.startswith("/office/") and policies in ([LIVE_POLICY], [EDITOR_POLICY], [FRAMED_POLICY])
    )
    if policies != [POLICY] and not is_scripted:
        yield f"the policy is {policies}"
    cache = headers.get("Cache-Control", "")
    if cache != "no-store" and not (path.startswith(KEPT_AREAS) and cache.startswith("public, max-age=")):
        yield f"Cache-Control is {cache!r}"
    for name in ("Access-Control-Allow-Origin", "X-Powered-By", "Via"):
        if name in headers:
            yield f"there is a {name}"
    location = headers.get("Location", "/")
    # The router writes the host it was asked for when it corrects a path.
    location = location.removeprefix("https://localhost")
    if not location.startswith("/") or location.startswith("//"):
        yield f"leads away, to {location}"
    if response.status_code != 304 and response.get_data() and not headers.get("Content-Type"):
        yield "content without a type"
    yield from _cookie_complaints(headers.getlist("Set-Cookie"), path)


def _cookie_complaints(cookies: list[str], path: str) -> Iterator[str]:
    for cookie in cookies:
        attributes = {part.strip().partition("=")[0].lower(): part.strip() for part in cookie.split(";")[1:]}
        if not path.startswith(("/office", "/unit")):
            yield f"a cookie outside the office and the portal: {cookie[:30]}"
        if not next(iter(parse_cookie(cookie))).startswith("__Host-"):
            yield f"a cookie without __Host-: {cookie[:30]}"
        if attributes.get("path") != "Path=/" or attributes.get("samesite") != "SameSite=Strict":
            yield f"a cookie with {sorted(attributes.values())}"
        if not {"secure", "httponly"} <= attributes.keys() or "domain" in attributes:
            yield f"a cookie with {sorted(attributes.values())}"
