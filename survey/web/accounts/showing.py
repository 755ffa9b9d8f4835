"""The pages about accounts, drawn in the frame of the area that somebody is in."""

from flask import Response, request

from survey.web.pages import page_language, render_page_of


def account_page(name: str, *, status: int = 200, **values: object) -> Response:
    """The page of this name in the request's area and language."""
    area = request.blueprint or ""
    return render_page_of(area, f"accounts/{name}.html", page_language(), status=status, **values)
