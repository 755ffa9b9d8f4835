"""The page of a round that a restore has halted: an officer answers for its going on."""

from http import HTTPStatus

from flask import Response, g, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.errors import BadInput, WrongState
from survey.reconciling import reconcile_round
from survey.rounds import round_status
from survey.services import Services, today
from survey.web.office.forms import ReconcileForm
from survey.web.office.rounds import round_line
from survey.web.pages import page_language, render_page


class HaltedPages:
    """Reconciling restored rounds, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def reconcile(self, slug: str) -> AnyResponse:
        """What a restore leaves open, and the form of the decision; posted, the round goes on."""
        services, form = self._services, ReconcileForm()
        status = round_status(services.stores, services.secrets, slug)
        to_round = redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        if not status.round.is_halted:
            return to_round
        if form.is_submitted() and form.validate():
            try:
                reconcile_round(
                    services.stores,
                    services.secrets,
                    slug,
                    decided_by=g.account.name,
                    reason=form.reason.data,
                    today=today(),
                    actor=g.account.login,
                )
            except BadInput:
                form.reason.errors = ["error_required"]
            except WrongState:
                # Another window was quicker.
                return to_round
            else:
                return to_round
        language = page_language()
        code = HTTPStatus.BAD_REQUEST if form.reason.errors else HTTPStatus.OK
        line = round_line(status.round, language)
        page: Response = render_page(
            "office/reconcile.html",
            language,
            status=code,
            area="rounds",
            round=line,
            form=form,
            issued=status.issued,
            spent=status.spent,
        )
        return page
