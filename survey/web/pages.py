"""What all pages share: sentences and filters, headers, compression, addresses of static files, error pages."""

import gzip
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from importlib.resources.abc import Traversable

from flask import Blueprint, Flask, Response, abort, current_app, make_response, render_template, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from survey.errors import NotFound
from survey.resources import bundled_dir
from survey.texts import CITIZEN_LANGUAGES, LANGUAGES, Catalogue, install_filters

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A citizen's form is sent by its script, which keeps the answers in sight until the server has them.
CITIZEN_POLICY = f"{SECURITY_HEADERS['Content-Security-Policy']}; connect-src 'self'; worker-src 'self'"
ONE_YEAR = 31_536_000
RETRY_SECONDS = 30
SMALLEST_COMPRESSED = 600
COMPRESSED_TYPES = frozenset(
    {"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}
)
# What an area shows beside its own templates: their sentences come along.
SHARED_FOLDERS = {"public": ("annex",)}
UNCOMPRESSED_AREAS = frozenset({"office"})
ERROR_STATUSES = frozenset({400, 403, 404, 405, 409, 413, 415, 429, 500, 503})
CONTENT_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A static file, read and compressed once; its digest is in its address, so that caches may keep it for good."""

    content: bytes
    compressed: bytes
    digest: str
    content_type: str


def install(app: Flask, store_failures: tuple[type[Exception], ...], *, is_https: bool) -> None:
    """Gives an application its template environment, its headers, its static files and its error pages."""
    # A name that a template misspells must stop the page in a test and never print as nothing.
    app.jinja_env.undefined = StrictUndefined
    # Flask escapes by a template's ending alone, and what pages share with paper ends otherwise than in .html.
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    # Vietnamese letters stand as they are in the JSON that a page hands its script.
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    install_filters(app.jinja_env)
    app.jinja_env.globals["asset"] = asset
    headers = dict(SECURITY_HEADERS)
    if is_https:
        headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return _compressed(response)

    static = Blueprint("static", __name__)

    @static.get("/static/<digest>/<name>")
    def file(digest: str, name: str) -> Response:
        found = static_files().get(name)
        if found is None or found.digest != digest:
            abort(HTTPStatus.NOT_FOUND)
        takes_gzip = request.accept_encodings["gzip"] > 0
        response = Response(found.compressed if takes_gzip else found.content, content_type=found.content_type)
        if takes_gzip:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
        return response

    app.register_blueprint(static)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(NotFound, lambda _: error_page(HTTPStatus.NOT_FOUND))
    for failure in store_failures:
        app.register_error_handler(failure, _store_failure)


def page_language(languages: Collection[str] = LANGUAGES) -> str:
    """The language that the address asks for, `?lang=en`, among those the page has; Vietnamese otherwise."""
    asked = request.args.get("lang", "")
    return asked if asked in languages else LANGUAGES[0]


def render_page(template: str, language: str, *, status: int = 200, **values: object) -> Response:
    """The page that a template makes; it finds `t`, `language` and the filters, and its area is its folder's name."""
    texts = catalogue_of(template.partition("/")[0])
    html = render_template(template, language=language, t=texts.translator(language), **values)
    return make_response(html, status)


@cache
def catalogue_of(area: str) -> Catalogue:
    """The sentences of an area of pages, those that all areas share, and those of folders that it shares with paper."""
    templates = bundled_dir("templates")
    folders = [templates / "components"] + ([templates / area] if area != "components" else [])
    folders += [templates / shared for shared in SHARED_FOLDERS.get(area, ())]
    return Catalogue.load(*folders)


@cache
def static_files() -> Mapping[str, StaticFile]:
    """The files of `survey/web/static` by their names; a folder of scripts is one file of the folder's name."""
    files = {}
    for entry in resources.files("survey.web").joinpath("static").iterdir():
        name, content = (f"{entry.name}.js", _joined(entry)) if entry.is_dir() else (entry.name, entry.read_bytes())
        content_type = CONTENT_TYPES.get(name.rpartition(".")[2])
        if content_type is not None:
            digest = hashlib.sha256(content).hexdigest()[:10]
            files[name] = StaticFile(content, gzip.compress(content, 9, mtime=0), digest, content_type)
    return files


def _joined(folder: Traversable) -> bytes:
    """The scripts of a folder in the order of their names, as one that leaves no name behind.

    Lines that are comments and indentation are for readers of the source and are not sent: a phone on a slow network
    pays for each byte. No script has a string of several lines.
    """
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".js")), key=lambda entry: entry.name)
    lines = (line.strip() for script in scripts for line in script.read_text(encoding="utf-8").splitlines())
    kept = [line for line in lines if line and not line.startswith("//")]
    return "\n".join(["(() => {", '"use strict";', *kept, "})();", ""]).encode()


def asset(name: str) -> str:
    """The address of a static file; it changes with the file's content."""
    return url_for("static.file", digest=static_files()[name].digest, name=name)


def error_page(status: int, language: str | None = None) -> Response:
    """The page of an error: what happened and what to do next, in plain words."""
    response = render_page(
        "components/error.html", language or page_language(CITIZEN_LANGUAGES), status=status, code=int(status)
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def log_store_failure(failure: Exception) -> None:
    """One line for the operator: which kind of failure, never the statement, its values or the page."""
    current_app.logger.error("A store does not answer: %s", type(failure).__name__)


def _store_failure(failure: Exception) -> Response:
    log_store_failure(failure)
    return error_page(HTTPStatus.SERVICE_UNAVAILABLE)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < HTTPStatus.BAD_REQUEST:
        # Redirects of the router travel as exceptions too.
        return make_response(error.get_response())
    code = error.code if error.code in ERROR_STATUSES else HTTPStatus.INTERNAL_SERVER_ERROR
    if error.code is not None and error.code not in ERROR_STATUSES and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        code = HTTPStatus.BAD_REQUEST
    response = error_page(code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _compressed(response: Response) -> Response:
    # An office page may hold the session's token beside text that a stranger chose; compressed, its length would tell
    # how alike the two are, so those pages travel as they are.
    if (
        response.is_streamed
        or response.direct_passthrough
        or response.mimetype not in COMPRESSED_TYPES
        or "Content-Encoding" in response.headers
        or request.blueprint in UNCOMPRESSED_AREAS
        or (response.content_length or 0) < SMALLEST_COMPRESSED
    ):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
