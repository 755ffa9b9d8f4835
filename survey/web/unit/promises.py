"""Promises: writing down what will be done by when, and later what became of it."""

from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.errors import BadInput
from survey.promises import FURTHEST_YEARS, MOST_PROMISES, change_promise, find_promise, list_promises, make_promise
from survey.services import Services, today
from survey.web.pages import page_language, render_page
from survey.web.unit.forms import PromiseForm, PromiseStateForm
from survey.web.unit.presenting import promise_line
from survey.web.unit.scorecards import ScorecardPages, card_of


class PromisePages:
    """The views in which a unit promises, over one instance."""

    def __init__(self, services: Services, cards: ScorecardPages) -> None:
        self._services = services
        self._cards = cards

    def promise(self, slug: str) -> AnyResponse:
        """The form of a promise about a round's scorecard; posted, the promise is kept."""
        opened, _ = self._cards.opened(slug)
        card = card_of(opened, g.person.unit_code)
        lines = [line for line in card.lines if line.kind == "criterion"] or list(card.lines)
        form = PromiseForm()
        form.offer([line.code for line in lines])
        asked = request.args.get("node", "")
        if request.method != "POST" and any(line.code == asked for line in lines):
            form.node.data = asked
        refusal, status = None, HTTPStatus.OK
        if request.method == "POST":
            status = HTTPStatus.BAD_REQUEST
            if form.validate():
                if self._has_promised_enough(slug):
                    refusal = "error_promises_many"
                elif self._keep(slug, form, [line.code for line in lines]):
                    done = url_for("unit.scorecard", slug=slug, done="promised", _anchor="promises")
                    return redirect(done, HTTPStatus.SEE_OTHER)
        page: Response = render_page(
            "unit/promise.html",
            page_language(),
            status=int(status),
            form=form,
            slug=slug,
            title=opened.edition.facts.title.in_language(page_language()),
            lines=lines,
            refusal=refusal,
            most=MOST_PROMISES,
            furthest=FURTHEST_YEARS,
        )
        return page

    def _has_promised_enough(self, slug: str) -> bool:
        return len(list_promises(self._services.stores, slug=slug, unit_code=g.person.unit_code)) >= MOST_PROMISES

    def _keep(self, slug: str, form: PromiseForm, nodes: list[str]) -> bool:
        """Whether the promise of a valid form was kept; where not, the form says why."""
        given = {"node": form.node.data, "text": form.text.data, "due": form.due.data}
        try:
            make_promise(self._services.stores, slug, g.person, nodes, **given, today=today())
        except BadInput:
            # Of what the form has let through, a day that is over and invisible letters are left.
            is_day = not today() <= form.due.data
            (form.due if is_day else form.text).errors = ["error_due" if is_day else "error_promise_odd"]
            return False
        return True

    def state(self, number: int) -> AnyResponse:
        """The form of what became of a promise; posted, it is kept."""
        stores, unit = self._services.stores, g.person.unit_code
        promise = find_promise(stores, number, unit)
        form = PromiseStateForm()
        status = HTTPStatus.OK
        if request.method != "POST":
            form.state.data, form.outcome.data = promise.state, promise.outcome
        elif form.validate():
            try:
                change_promise(
                    stores, number, g.person, state=form.state.data, outcome=form.outcome.data, today=today()
                )
            except BadInput:
                form.outcome.errors = ["error_promise_odd"]
                status = HTTPStatus.BAD_REQUEST
            else:
                return redirect(url_for("unit.scorecards", done="changed"), HTTPStatus.SEE_OTHER)
        else:
            status = HTTPStatus.BAD_REQUEST
        line = promise_line(promise, self._cards.label_of(promise), today())
        return render_page("unit/promise_state.html", page_language(), status=int(status), form=form, line=line)
