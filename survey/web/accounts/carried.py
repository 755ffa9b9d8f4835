"""What was posted in a session that has ended comes back: in the page, never on the server.

The browser's cookie keeps the ended session's secret of forms, so that the page which was open goes on being taken from
this browser once somebody has signed in again.
"""

from http import HTTPStatus

from flask import Response, g, request, session
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from survey.web.accounts.showing import account_page

CARRIED = "carried"
MOST_CARRIED = 3_000
# What no page writes back: passwords, shares, codes of a second step.
_SECRET = ("password", "passphrase", "share", "answer", "code")


def keep_form_secret() -> None:
    """The session that has ended is forgotten; the secret of its forms stays if one of them has just been posted."""
    secret = session.get("csrf_token")
    is_own = request.method == "POST" and _is_valid("csrf_token")
    session.clear()
    if is_own:
        session[CARRIED] = secret


def is_carried() -> bool:
    """Whether this post comes from a page of the session that has ended before; forms are told so."""
    if CARRIED not in session or not _is_valid(CARRIED):
        return False
    # The library's forms ask for this before they look for a token of their own.
    g.csrf_valid = True
    return True


def carried_page() -> Response | None:
    """The page that holds everything that was posted, to be sent again; None where the post is not from a page of ours.

    Secrets and files are not in it: they are asked for once more.
    """
    if request.method != "POST" or CARRIED not in session or not _is_valid(CARRIED):
        return None
    sent = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    kept = [(name, value) for name, value in sent if not _is_secret(name)][:MOST_CARRIED]
    return account_page(
        "carried",
        status=int(HTTPStatus.FORBIDDEN),
        sent=kept,
        token=request.form["csrf_token"],
        address=request.full_path.rstrip("?"),
        is_cut=len(kept) < len(sent) or bool(request.files),
    )


def _is_secret(name: str) -> bool:
    # A draft of a questionnaire has codes and answers of its own, and no secrets.
    return request.endpoint != "office.draft_part" and any(word in name for word in _SECRET)


def _is_valid(key: str) -> bool:
    try:
        validate_csrf(request.form.get("csrf_token"), token_key=key)
    except ValidationError:
        return False
    return True
