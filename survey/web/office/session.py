"""Who is signed in: a cookie that holds a random token, and what the office store knows of it."""

from datetime import UTC, datetime

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from survey.office_sessions import find_session
from survey.services import Services


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def keep_token(token: str) -> None:
    """The browser's session from now on; it owes nothing to what the browser sent before."""
    session.clear()
    # The form that was sent has made a token for the session of before; what this request answers needs another.
    g.pop("csrf_token", None)
    session["token"] = token


def drop_token() -> None:
    """Forget the session, and the form tokens with it."""
    session.clear()
    g.session = g.officer = None


def load_officer(services: Services) -> None:
    """Set `g.session` to the session of this request, or to None; `g.officer` to its officer if it is complete.

    A session that is over is cleared. `g.session_ended` is true then, so that the sign-in page can say so.
    """
    g.session, g.officer, g.session_ended = None, None, False
    token = session.get("token")
    if not isinstance(token, str):
        return
    is_needed = services.settings.must_have_second_factor
    g.session = find_session(services.stores, services.secrets, token, now(), must_have_second_factor=is_needed)
    if g.session is None:
        session.clear()
        g.session_ended = True
    elif g.session.is_complete:
        g.officer = g.session.officer


def to_sign_in() -> Response:
    """The way to the sign-in page; no address to return to rides along, so none can be forged."""
    lang = request.args.get("lang")
    target = url_for("office.sign_in", lang=lang if lang == "en" else None, ended=1 if g.session_ended else None)
    return redirect(target, 303)
