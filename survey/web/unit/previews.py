"""Previews under embargo: what is about to be published of one's own unit, and saying what is wrong with it."""

from http import HTTPStatus

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.errors import BadInput, NotFound, WrongState
from survey.previews import PreviewRecord, objections_of, previews_for, raise_objection
from survey.releasing import open_preview, preview_pdf
from survey.services import Services, today
from survey.web.pages import page_language, render_page
from survey.web.unit import presenting
from survey.web.unit.forms import ObjectionForm
from survey.web.unit.scorecards import card_of


class PreviewPages:
    """The views of what is not public yet, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def preview(self, slug: str) -> AnyResponse:
        """The unit's scorecard as it will be published, and the form of an objection; posted, the office has it."""
        preview = self._found(slug)
        stores, unit, language = self._services.stores, g.person.unit_code, page_language()
        opened = open_preview(self._services.settings, preview)
        card = card_of(opened, unit)
        form, status = ObjectionForm(), HTTPStatus.OK
        if request.method == "POST":
            status = HTTPStatus.BAD_REQUEST
            if not preview.may_object(today()):
                abort(HTTPStatus.NOT_FOUND)
            if form.validate():
                name, login = g.account.name, g.account.login
                try:
                    raise_objection(stores, slug, unit, form.text.data, raised_by=name, today=today(), actor=login)
                except WrongState:
                    # It was published or withdrawn in this moment.
                    abort(HTTPStatus.NOT_FOUND)
                except BadInput:
                    form.text.errors = ["error_promise_odd"]
                else:
                    return redirect(url_for("unit.preview", slug=slug, done="objected"), HTTPStatus.SEE_OTHER)
        page: Response = render_page(
            "unit/preview.html",
            language,
            status=int(status),
            **presenting.card_values(opened, card, language),
            preview=preview,
            may_object=preview.may_object(today()),
            objections=objections_of(stores, slug, unit),
            form=form,
            notice=presenting.notice_of(request.args.get("done", "")),
            is_preview=True,
        )
        return page

    def pdf_file(self, slug: str) -> Response:
        """The printed scorecard as it will be published, without a signature."""
        opened = open_preview(self._services.settings, self._found(slug))
        unit = g.person.unit_code
        endings = [".en.pdf", ".pdf"] if page_language() == "en" else [".pdf"]
        names = [f"{unit}{kind}{ending}" for ending in endings for kind in (".unit", "")]
        content = next((found for name in names if (found := preview_pdf(opened, name)) is not None), None)
        if content is None:
            abort(HTTPStatus.NOT_FOUND)
        return presenting.pdf_response(content, f"{slug}-{unit}-preview.pdf")

    def _found(self, slug: str) -> PreviewRecord:
        for preview in previews_for(self._services.stores, g.person.unit_code):
            if preview.slug == slug:
                return preview
        raise NotFound(f"the unit has no preview of {slug[:60]!r}")
