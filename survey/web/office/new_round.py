"""Creating a round: the form, the list of units it means, and the draft."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Text
from survey.errors import HailongError, NotFound, StoreUnavailable
from survey.notices import Notice
from survey.questionnaire_library import find_questionnaire, published_references
from survey.round_records import find_round
from survey.rounds import RoundRequest, create_round
from survey.services import Services, today
from survey.units import UnitRecord, units_on
from survey.web.office.forms import RoundForm
from survey.web.office.presenting import kind_label, unit_name
from survey.web.pages import catalogue_of, page_language, render_page

FIELDS = (
    "title_vi", "title_en", "slug", "opens_on", "closes_on", "questionnaire", "modules", "bloc", "kinds", "issuer_vi",
    "issuer_en", "decision", "hotline",
)  # fmt: skip


class NewRoundPages:
    """The form that creates a round, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def new_round(self) -> AnyResponse:
        language = page_language()
        form = RoundForm()
        references = published_references(self._services.stores)
        known = units_on(self._services.stores, today())
        blocs = {unit.bloc_code: unit.bloc_in(language) for unit in known}
        # What asks about several units leads its readers through them and cannot be asked along.
        modules = [ref for ref in references if not self._questionnaire(ref).rates_several_units]
        form.offer(references, modules, list(blocs), sorted({unit.kind for unit in known}))
        if request.method == "GET":
            return self._page(form, blocs, language)
        if "preview" in request.form:
            form.validate()
            wrong = {"opens_on", "bloc", "kinds"} & {name for name, _ in form.problems()}
            if wrong:
                return self._page(form, blocs, language, status=HTTPStatus.BAD_REQUEST)
            chosen = self._chosen(form, form.opens_on.data)
            # Whoever only looks at the list is not told about fields they have not come to yet.
            for field in form:
                field.errors = ()
            return self._page(form, blocs, language, preview=chosen)
        return self._create(form, blocs, language)

    def _create(self, form: RoundForm, blocs: dict[str, str], language: str) -> AnyResponse:
        is_valid = form.validate()
        if is_valid and self._is_taken(form.slug.data):
            form.slug.errors = ["error_slug_taken"]
            is_valid = False
        if is_valid and form.closes_on.data < today():
            form.closes_on.errors = ["error_date_past"]
            is_valid = False
        if not is_valid:
            return self._page(form, blocs, language, status=HTTPStatus.BAD_REQUEST)
        chosen = self._chosen(form, form.opens_on.data)
        if not chosen:
            return self._page(form, blocs, language, preview=(), status=HTTPStatus.BAD_REQUEST)
        try:
            create_round(self._services.stores, _request(form, chosen), today(), actor=g.officer.login)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._page(form, blocs, language, refusal=str(complaint), status=HTTPStatus.BAD_REQUEST)
        return redirect(url_for("office.round", slug=form.slug.data, created=1), HTTPStatus.SEE_OTHER)

    def _is_taken(self, slug: str) -> bool:
        try:
            find_round(self._services.stores, slug)
        except NotFound:
            return False
        return True

    def _chosen(self, form: RoundForm, on: date) -> tuple[UnitRecord, ...]:
        kinds = frozenset(form.kinds.data or ())
        return tuple(
            unit
            for unit in units_on(self._services.stores, on)
            if (not form.bloc.data or unit.bloc_code == form.bloc.data) and (not kinds or unit.kind in kinds)
        )

    def _page(
        self,
        form: RoundForm,
        blocs: dict[str, str],
        language: str,
        *,
        preview: Sequence[UnitRecord] | None = None,
        refusal: str | None = None,
        status: int = HTTPStatus.OK,
    ) -> Response:
        text = catalogue_of("office").text
        names = None if preview is None else sorted(unit_name(unit, language) for unit in preview)
        return render_page(
            "office/new_round.html",
            language,
            status=int(status),
            area="rounds",
            form=form,
            labels={name: text(f"new_{name}", language) for name in FIELDS},
            questionnaire_labels={
                reference: self._questionnaire_label(reference, language)
                if reference
                else text("new_questionnaire_choose", language)
                for reference, _ in form.questionnaire.choices
            },
            module_labels={ref: self._questionnaire_label(ref, language) for ref, _ in form.modules.choices},
            bloc_labels={"": text("new_bloc_all", language), **blocs},
            kind_labels={kind: kind_label(kind, language) for kind, _ in form.kinds.choices},
            preview=names,
            refusal=refusal,
        )

    def _questionnaire_label(self, reference: str, language: str) -> str:
        return f"{self._questionnaire(reference).title.in_language(language)} ({reference})"

    def _questionnaire(self, reference: str) -> Questionnaire:
        return find_questionnaire(self._services.stores, reference)


def _request(form: RoundForm, chosen: Sequence[UnitRecord]) -> RoundRequest:
    return RoundRequest(
        slug=form.slug.data,
        questionnaire=form.questionnaire.data,
        units="code=" + ",".join(unit.code for unit in chosen),
        opens_on=form.opens_on.data,
        closes_on=form.closes_on.data,
        modules=tuple(form.modules.data or ()),
        title=Text(form.title_vi.data, form.title_en.data),
        notice=Notice(
            issuer=Text(form.issuer_vi.data, form.issuer_en.data),
            decision=form.decision.data,
            hotline=form.hotline.data,
        ),
    )
