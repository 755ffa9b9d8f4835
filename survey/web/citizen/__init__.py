"""The citizen's pages: no cookie, no session, nothing in a log."""

from survey.web.citizen.views import make_blueprint

__all__ = ["make_blueprint"]
