"""Who is signed in: a signed cookie that names an officer, ends after idle time and dies with the password."""

import time

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from survey.officers import OfficerRecord, find_officer
from survey.storage.stores import Stores

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 60 * 60


def begin_session(officer: OfficerRecord, now: float | None = None) -> None:
    """A session that owes nothing to what the browser sent before it was proved who is there."""
    moment = time.time() if now is None else now
    session.clear()
    session["officer"] = officer.id
    session["mark"] = officer.session_mark
    session["began"] = moment
    session["seen"] = moment
    g.officer = officer


def end_session() -> None:
    """Forget the officer, and the form tokens with them."""
    session.clear()
    g.officer = None


def load_officer(stores: Stores, now: float | None = None) -> None:
    """Set `g.officer` to the officer of this request, or to None; a session that is over is cleared.

    `g.session_ended` is true when idle time ended it, so that the sign-in page can say so.
    """
    g.officer, g.session_ended = None, False
    officer_id = session.get("officer")
    if not isinstance(officer_id, int):
        return
    moment = time.time() if now is None else now
    seen, began = session.get("seen"), session.get("began")
    if not isinstance(seen, float) or not isinstance(began, float):
        session.clear()
        return
    if moment - seen > IDLE_SECONDS or moment - began > LONGEST_SECONDS:
        session.clear()
        g.session_ended = True
        return
    officer = find_officer(stores, officer_id)
    if officer is None or session.get("mark") != officer.session_mark:
        session.clear()
        return
    # The cookie is written again at most once a minute: a page with ten requests needs one cookie, not ten.
    if moment - seen > 60:
        session["seen"] = moment
    g.officer = officer


def to_sign_in() -> Response:
    """The way to the sign-in page; no address to return to rides along, so none can be forged."""
    lang = request.args.get("lang")
    target = url_for("office.sign_in", lang=lang if lang == "en" else None, ended=1 if g.session_ended else None)
    return redirect(target, 303)
