"""Who is signed in to an area: a cookie that holds a random token, and what the office store knows of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from survey.office_sessions import find_session
from survey.officers import Role
from survey.services import Services
from survey.web.accounts.carried import CARRIED, keep_form_secret


@dataclass(frozen=True, slots=True)
class Area:
    """An area that people sign in to: the name of its blueprint, whose it is, and the endpoint of its first page.

    `other_way` is what the house is called whose word about somebody is taken there; empty where there is none.
    """

    name: str
    role: Role
    home: str
    other_way: str = ""

    def endpoint(self, page: str) -> str:
        """The endpoint of a page of this area."""
        return f"{self.name}.{page}"


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def keep_token(token: str) -> None:
    """The browser's session from now on; it owes nothing to what the browser sent before, but that a page of the
    session that ended here last may be sent again.
    """
    carried = session.get(CARRIED)
    session.clear()
    if carried is not None:
        session[CARRIED] = carried
    # The form that was sent has made a token for the session of before; what this request answers needs another.
    g.pop("csrf_token", None)
    session["token"] = token


def drop_token() -> None:
    """Forget the session, and the form tokens with it."""
    session.clear()
    g.session = g.account = None


def load_account(services: Services, area: Area) -> None:
    """Set `g.session` to the session of this request, or to None; `g.account` to its owner if it is complete.

    A session that is over is cleared. `g.session_ended` is true then, so that the sign-in page can say so.
    """
    g.session, g.account, g.session_ended = None, None, False
    token = session.get("token")
    if not isinstance(token, str):
        return
    is_needed = services.settings.must_have_second_factor
    g.session = find_session(
        services.stores, services.secrets, token, now(), must_have_second_factor=is_needed, role=area.role
    )
    if g.session is None:
        keep_form_secret()
        g.session_ended = True
    elif g.session.is_complete:
        g.account = g.session.officer


def to_sign_in(area: Area) -> Response:
    """The way to the sign-in page; no address to return to rides along, so none can be forged."""
    lang = request.args.get("lang")
    target = url_for(
        area.endpoint("sign_in"), lang=lang if lang == "en" else None, ended=1 if g.session_ended else None
    )
    return redirect(target, 303)
