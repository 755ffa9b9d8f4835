"""The public area: published results for everybody, drawn from editions alone, without cookies."""

from survey.web.public.views import make_blueprint

__all__ = ["make_blueprint"]
