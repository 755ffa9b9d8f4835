"""The language of a page kept in every link of its area, and the way to the same page in the other language."""

from typing import Any

from flask import Blueprint, has_request_context, request, url_for

from survey.web.pages import page_language


def keep_language(blueprint: Blueprint) -> None:
    """Gives an area's templates `language_url` and `other_language`, and its links the language of the page."""

    @blueprint.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        # A link that names its language, even as None, keeps it.
        if has_request_context() and page_language() == "en":
            values.setdefault("lang", "en")

    @blueprint.context_processor
    def other_language() -> dict[str, str]:
        other = "vi" if page_language() == "en" else "en"
        values: dict[str, Any] = {name: value for name, value in request.args.items() if name != "lang"}
        values.update(request.view_args or {})
        target = request.endpoint or f"{blueprint.name}.index"
        return {
            "other_language": other,
            "language_url": url_for(target, **values, lang=None if other == "vi" else "en"),
        }
