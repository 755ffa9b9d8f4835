"""The web application of one instance."""

import traceback
from http import HTTPStatus
from types import TracebackType

from flask import Flask, Request, has_request_context, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from survey.limits import Counters
from survey.resources import bundled_dir
from survey.services import STORE_FAILURES, Services, open_services
from survey.settings import Settings
from survey.web import citizen, health, metrics, office, pages, public, unit

LARGEST_BODY = 64 * 1024
MOST_PARTS = 500
# The areas that people sign in to, by the first part of their addresses.
OFFICE, PORTAL = "office", "unit"


class AreaSessions(SecureCookieSessionInterface):
    """Sessions for the office and the portal, a cookie for each: elsewhere none is read, and to set one is an error."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request to an area with accounts; None elsewhere, which nothing can be put into."""
        return super().open_session(app, request) if _area_of(request.path) is not None else None

    def get_cookie_name(self, app: Flask) -> str:
        """The name of the area's cookie: who is signed in to both areas has two."""
        name = super().get_cookie_name(app)
        return name.replace(OFFICE, PORTAL) if has_request_context() and _area_of(request.path) == PORTAL else name

    def get_cookie_path(self, app: Flask) -> str:
        """The area's own path; a __Host- cookie has none but the root."""
        path = super().get_cookie_path(app)
        is_portal = has_request_context() and _area_of(request.path) == PORTAL
        return f"/{PORTAL}" if is_portal and path != "/" else path


def _area_of(path: str) -> str | None:
    return next((area for area in (OFFICE, PORTAL) if path == f"/{area}" or path.startswith(f"/{area}/")), None)


class Application(Flask):
    """Flask, with a log that says where our code failed and never what somebody sent or which page they were on."""

    session_interface = AreaSessions()

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        # Flask's own line has the address, and an exception's message may quote an answer.
        kind, _, trace = exc_info
        if kind is None:
            return
        places = "".join(traceback.format_tb(trace))
        self.logger.error("%s in %s\n%s", kind.__name__, request.endpoint or "no page", places)


def create_app(settings: Settings, counters: Counters | None = None, meters: metrics.Meters | None = None) -> Flask:
    """The application that serves the instance of these settings, with its stores open; raises as `open_services`.

    `counters` and `meters` are those that this process shares with the other ones of the server.
    """
    meters = meters or metrics.Meters()
    services = open_services(settings, counters)
    app = Application("survey", static_folder=None, template_folder=str(bundled_dir("templates")))
    is_https = (settings.public_url or "").startswith("https://")
    app.config.update(
        SECRET_KEY=services.secrets.flask_key,
        # A form may stay open as long as its session: half an hour of typing is not to be lost to a shorter limit.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=MOST_PARTS,
        # A browser keeps a __Host- cookie for this host alone: no neighbour under the same domain can plant one.
        SESSION_COOKIE_NAME="__Host-hailong_office" if is_https else "hailong_office",
        SESSION_COOKIE_PATH="/" if is_https else "/office",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=is_https,
    )
    app.extensions["hailong"] = services
    pages.install(app, STORE_FAILURES, is_https=is_https)
    app.wsgi_app = meters.around(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.register_blueprint(health.make_blueprint(services))
    app.register_blueprint(metrics.make_blueprint(services, meters, settings.metrics_token))
    app.register_blueprint(citizen.make_blueprint(services))
    app.register_blueprint(public.make_blueprint(services))
    app.register_blueprint(office.make_blueprint(services))
    app.register_blueprint(unit.make_blueprint(services))
    # Who types the bare address is a reader of results; a citizen's address names their round.
    app.add_url_rule("/", "start", lambda: redirect(url_for("public.index"), code=HTTPStatus.SEE_OTHER))
    return app


def services_of(app: Flask) -> Services:
    """The opened instance behind an application."""
    services = app.extensions["hailong"]
    if not isinstance(services, Services):
        raise TypeError("this is no application of hailong")
    return services
