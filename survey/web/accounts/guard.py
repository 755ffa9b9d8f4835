"""Nobody passes who has not signed in or has no right to the page, and no post without the page's own token."""

from http import HTTPStatus

from flask import Blueprint, abort, current_app, g, redirect, request, url_for
from flask_wtf.csrf import generate_csrf, validate_csrf
from werkzeug.wrappers import Response
from wtforms import ValidationError

from survey.services import Services
from survey.web.accounts.carried import carried_page, is_carried
from survey.web.accounts.entry import awaits
from survey.web.accounts.session import Area, load_account, to_sign_in
from survey.web.permissions import READING_METHODS, is_allowed, words_for_templates


def guard(blueprint: Blueprint, services: Services, area: Area, *, doors: frozenset[str] = frozenset()) -> None:
    """Let into an area who is signed in to it, and everybody to its sign-in page, to the way over another house and
    to the other pages named `doors`.

    A view that is added later is guarded before anybody thinks of it. A form at a door checks its token by itself, so
    that a page that was open for too long is shown again with what was typed.
    """
    sign_in, sign_out = area.endpoint("sign_in"), area.endpoint("sign_out")
    # A post to these is checked like any other, but by who is not signed in.
    passkey = area.endpoint("sign_in_passkey")
    open_to_all = {sign_in, *map(area.endpoint, ("oidc", "oidc_back", *doors))}

    @blueprint.before_request
    def admit() -> Response | None:
        load_account(services, area)
        is_door = request.endpoint in open_to_all
        is_answer = request.endpoint == passkey and request.method == "POST"
        if g.account is None and not is_door and not is_answer:
            if g.session is None:
                return carried_page() or to_sign_in(area)
            if request.endpoint not in (awaits(area, g.session), sign_out):
                return redirect(url_for(awaits(area, g.session)), HTTPStatus.SEE_OTHER)
        if request.method not in READING_METHODS and not is_door and not is_carried():
            try:
                validate_csrf(request.form.get("csrf_token"))
            except ValidationError:
                current_app.logger.warning("A post without a valid token was refused at %s", request.endpoint)
                abort(HTTPStatus.BAD_REQUEST)
        is_free = is_door or request.endpoint is None
        if g.account is not None and not is_free and not _is_allowed():
            current_app.logger.warning("Somebody without the right to it asked for %s", request.endpoint)
            abort(HTTPStatus.FORBIDDEN)
        return None

    @blueprint.context_processor
    def shared() -> dict[str, object]:
        return {
            "account": g.get("account"),
            "door": area.name,
            "home": area.home,
            "csrf_token": generate_csrf,
            **words_for_templates(),
        }


def _is_allowed() -> bool:
    return is_allowed(g.account, request.endpoint, request.method, request.view_args)
