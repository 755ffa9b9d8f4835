"""What all pages share: sentences and filters, headers, compression, addresses of static files, error pages."""

import gzip
from collections.abc import Collection
from functools import cache
from http import HTTPStatus

from flask import Blueprint, Flask, Response, abort, current_app, make_response, render_template, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from survey.compiled_templates import CompiledOnce
from survey.errors import NotFound
from survey.resources import bundled_dir
from survey.texts import CITIZEN_LANGUAGES, LANGUAGES, Catalogue, install_filters
from survey.web.static_files import static_files

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
# A page of the office whose script asks the server for news or hands it drafts.
LIVE_POLICY = f"{SECURITY_HEADERS['Content-Security-Policy']}; connect-src 'self'"
ONE_YEAR = 31_536_000
RETRY_SECONDS = 30
SMALLEST_COMPRESSED = 600
COMPRESSED_TYPES = frozenset(
    {"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}
)
# What an area shows beside its own templates: their sentences come along.
SHARED_FOLDERS = {
    "public": ("annex", "verify"),
    "office": (
        *("accounts", "release", "staff", "fieldwork", "analysis"),
        *("questionnaires", "setup", "frames", "tablets", "paper"),
    ),
    "unit": ("accounts",),
}
UNCOMPRESSED_AREAS = frozenset({"office", "unit"})
ERROR_STATUSES = frozenset({400, 403, 404, 405, 409, 413, 415, 429, 500, 503})
# What is compiled depends on how an environment escapes and trims, which is the same for every application.
_COMPILED = CompiledOnce()


def install(app: Flask, store_failures: tuple[type[Exception], ...], *, is_https: bool) -> None:
    """Gives an application its template environment, its headers, its static files and its error pages."""
    # A name that a template misspells must stop the page in a test and never print as nothing.
    app.jinja_env.undefined = StrictUndefined
    # Flask escapes by a template's ending alone, and what pages share with paper ends otherwise than in .html.
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.bytecode_cache = _COMPILED
    # Vietnamese letters stand as they are in the JSON that a page hands its script.
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    install_filters(app.jinja_env)
    app.jinja_env.globals["asset"] = asset
    headers = dict(SECURITY_HEADERS)
    if is_https:
        headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"

    @app.after_request
    def finish(response: Response) -> Response:
        # Looking for each name by itself takes as long as much of the work on a page that is kept.
        present = {name.lower() for name, _ in response.headers}
        for name, value in headers.items():
            if name.lower() not in present:
                response.headers.add(name, value)
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
    return render_page_of(template.partition("/")[0], template, language, status=status, **values)


def render_page_of(area: str, template: str, language: str, /, *, status: int = 200, **values: object) -> Response:
    """The page that a template makes with the sentences of an area whose folder it does not lie in."""
    texts = catalogue_of(area)
    html = render_template(template, language=language, t=texts.translator(language), **values)
    return make_response(html, status)


@cache
def catalogue_of(area: str) -> Catalogue:
    """The sentences of an area of pages, those that all areas share, and those of folders that it shares with paper."""
    templates = bundled_dir("templates")
    folders = [templates / "components"] + ([templates / area] if area != "components" else [])
    folders += [templates / shared for shared in SHARED_FOLDERS.get(area, ())]
    return Catalogue.load(*folders)


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
