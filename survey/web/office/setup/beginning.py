"""The first page of a set-up: what a round asks, what it is called, and when; taken over from another one or new."""

from dataclasses import replace
from datetime import date
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Text
from survey.errors import HailongError, NotFound, StoreUnavailable
from survey.notices import NO_NOTICE, Notice
from survey.questionnaire_library import find_questionnaire, published_references
from survey.round_records import RoundRecord, find_round, list_rounds
from survey.round_setup import keep_setup, setup_of
from survey.rounds import RoundRequest, SourceFile, create_round
from survey.services import Services, today
from survey.units import units_on
from survey.web.office.setup.forms import BeginningForm
from survey.web.pages import catalogue_of, page_language, render_page_of

FIELDS = ("questionnaire", "modules", "title_vi", "title_en", "slug", "opens_on", "closes_on")


class BeginningPages:
    """The page that begins a round, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def begin(self) -> AnyResponse:
        template = self._template()
        form = BeginningForm(formdata=None) if request.method != "POST" and template else BeginningForm()
        references = published_references(self._services.stores)
        modules = [ref for ref in references if not self._rates_several(ref)]
        form.offer(references, modules)
        if request.method != "POST":
            if template:
                form.process(MultiDict(_taken_over(template)))
                form.offer(references, modules)
            return self._page(form, template)
        if not form.validate():
            return self._page(form, template, HTTPStatus.BAD_REQUEST)
        if form.closes_on.data < today():
            form.closes_on.errors = ["error_date_past"]
            return self._page(form, template, HTTPStatus.BAD_REQUEST)
        if self._find(form.slug.data) is not None:
            form.slug.errors = ["error_slug_taken"]
            return self._page(form, template, HTTPStatus.BAD_REQUEST)
        return self._create(form, template)

    def _create(self, form: BeginningForm, template: RoundRecord | None) -> AnyResponse:
        units = units_on(self._services.stores, form.opens_on.data)
        if not units:
            return self._page(form, template, HTTPStatus.CONFLICT, refusal=("setup_no_units", ""))
        try:
            wanted = _request(form, template, [unit.code for unit in units])
            record = create_round(self._services.stores, wanted, today(), actor=g.account.login)
            if template is not None:
                taken = replace(setup_of(self._services.stores, template), key_holding=None)
                keep_setup(self._services.stores, record, taken, actor=g.account.login)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._page(form, template, HTTPStatus.BAD_REQUEST, refusal=("setup_refused", str(complaint)))
        return redirect(url_for("office.setup_units", slug=record.slug), HTTPStatus.SEE_OTHER)

    def _template(self) -> RoundRecord | None:
        slug = request.args.get("from", "")
        return self._find(slug) if slug else None

    def _find(self, slug: str) -> RoundRecord | None:
        try:
            return find_round(self._services.stores, slug)
        except NotFound:
            return None

    def _rates_several(self, reference: str) -> bool:
        return find_questionnaire(self._services.stores, reference).rates_several_units

    def _page(
        self,
        form: BeginningForm,
        template: RoundRecord | None,
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        text = catalogue_of("office").text
        labels = {
            ref: f"{find_questionnaire(self._services.stores, ref).title.in_language(language)} ({ref})"
            for ref, _ in form.questionnaire.choices
            if ref
        }
        return render_page_of(
            "office",
            "setup/begin.html",
            language,
            status=int(status),
            area="rounds",
            form=form,
            labels={name: text(f"new_{name}", language) for name in FIELDS},
            questionnaire_labels={"": text("new_questionnaire_choose", language), **labels},
            module_labels={ref: labels.get(ref, ref) for ref, _ in form.modules.choices},
            templates=[
                (record.slug, record.title.in_language(language))
                for record in list_rounds(self._services.stores)
                if not record.is_imported and not record.is_simulated
            ],
            template_slug=template.slug if template else "",
            template_title=template.title.in_language(language) if template else "",
            refusal=refusal,
        )


def _taken_over(template: RoundRecord) -> list[tuple[str, str]]:
    return [
        ("questionnaire", template.questionnaire_reference),
        *(("modules", reference) for reference in template.module_references),
        ("title_vi", template.title.vi),
        ("title_en", template.title.en),
    ]


def _request(form: BeginningForm, template: RoundRecord | None, known: list[str]) -> RoundRequest:
    """The draft as the first page has it: the rest comes from the template, or is the usual."""
    first_day: date = form.opens_on.data
    units, notice, plan = known, NO_NOTICE, None
    modules = tuple(form.modules.data or ())
    if template is not None:
        units = [code for code in template.unit_codes if code in known] or known
        notice = Notice(issuer=template.issuer, decision=template.decision, hotline=template.hotline)
        is_same = template.questionnaire_reference == form.questionnaire.data and template.module_references == modules
        # A plan speaks of the questionnaire that it was written for; a design of people who were counted for one round.
        plan = SourceFile(template.plan_source, "plan") if is_same else None
    return RoundRequest(
        slug=form.slug.data,
        questionnaire=form.questionnaire.data,
        units="code=" + ",".join(units),
        opens_on=first_day,
        closes_on=form.closes_on.data,
        modules=modules,
        plan=plan,
        open_link_cap=template.open_link_cap if template else None,
        title=Text(form.title_vi.data, form.title_en.data),
        notice=notice,
    )
