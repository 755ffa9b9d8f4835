"""Creating a round: the form, the list of units it means, and the draft."""

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Text
from survey.errors import BadInput, HailongError, NotFound, StoreUnavailable
from survey.notices import Notice
from survey.questionnaire_library import find_questionnaire, published_references
from survey.round_records import find_round, questionnaire_with_modules
from survey.round_sources import SourceFile, SourcesOutline, checked_design, checked_plan, outline_sources
from survey.rounds import DEFAULT_CAP, MOST_A_DAY, RoundRequest, create_round
from survey.services import Services, today
from survey.texts import number
from survey.units import UnitRecord, units_on
from survey.web.office.design_words import sources_in_words
from survey.web.office.files import FileComplaint, complaint_about, is_chosen, name_of
from survey.web.office.forms import RoundForm
from survey.web.office.presenting import kind_label, unit_name
from survey.web.pages import catalogue_of, page_language, render_page

FIELDS = (
    "title_vi", "title_en", "slug", "opens_on", "closes_on", "questionnaire", "modules", "bloc", "kinds", "open_link",
    "open_link_cap", "issuer_vi", "issuer_en", "decision", "hotline", "design", "plan",
)  # fmt: skip
SOURCES = ("design", "plan")


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
        if request.method != "POST":
            return self._page(form, blocs, language)
        files = _uploaded(form)
        if "preview" in request.form:
            return self._preview(form, files, blocs, language)
        return self._create(form, files, blocs, language)

    def _preview(
        self, form: RoundForm, files: Mapping[str, SourceFile], blocs: dict[str, str], language: str
    ) -> Response:
        form.validate()
        looked_at = {"opens_on", "bloc", "kinds", *(("questionnaire", "modules") if files else ())}
        if looked_at & {name for name, _ in form.problems()}:
            return self._page(form, blocs, language, files=files, status=HTTPStatus.BAD_REQUEST)
        chosen = self._chosen(form, form.opens_on.data)
        # Whoever only looks at the list is not told about fields they have not come to yet.
        for field in form:
            field.errors = ()
        outline, complaints = self._read_files(form, files, chosen, language)
        return self._page(
            form,
            blocs,
            language,
            preview=chosen,
            files=files,
            outline=outline,
            complaints=complaints,
            status=HTTPStatus.BAD_REQUEST if complaints else HTTPStatus.OK,
        )

    def _create(
        self, form: RoundForm, files: Mapping[str, SourceFile], blocs: dict[str, str], language: str
    ) -> AnyResponse:
        is_valid = form.validate()
        if is_valid and form.open_link.data and self._questionnaire(form.questionnaire.data).rates_several_units:
            form.open_link.errors = ["error_open_link_several"]
            is_valid = False
        complaints = {} if form.questionnaire.errors else self._read_files(form, files, (), language)[1]
        is_valid = is_valid and not complaints
        if is_valid and self._is_taken(form.slug.data):
            form.slug.errors = ["error_slug_taken"]
            is_valid = False
        if is_valid and form.closes_on.data < today():
            form.closes_on.errors = ["error_date_past"]
            is_valid = False
        if not is_valid:
            return self._page(form, blocs, language, files=files, complaints=complaints, status=HTTPStatus.BAD_REQUEST)
        chosen = self._chosen(form, form.opens_on.data)
        if not chosen:
            return self._page(form, blocs, language, files=files, preview=(), status=HTTPStatus.BAD_REQUEST)
        try:
            create_round(self._services.stores, _request(form, chosen, files), today(), actor=g.account.login)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._page(form, blocs, language, files=files, refusal=str(complaint), status=HTTPStatus.BAD_REQUEST)
        return redirect(url_for("office.round", slug=form.slug.data, created=1), HTTPStatus.SEE_OTHER)

    def _read_files(
        self, form: RoundForm, files: Mapping[str, SourceFile], chosen: Sequence[UnitRecord], language: str
    ) -> tuple[SourcesOutline | None, dict[str, FileComplaint]]:
        """What the files say of a round of these units, and what is wrong in them, which their fields then say too."""
        if not files:
            return None, {}
        translate = catalogue_of("office").translator(language)
        try:
            questionnaire = questionnaire_with_modules(
                self._services.stores, form.questionnaire.data, tuple(form.modules.data or ())
            )
        except BadInput:
            # Modules that cannot be asked along are complained of when the round is created.
            return None, {}
        complaints: dict[str, FileComplaint] = {}
        design = plan = None
        try:
            _, design = checked_design(files.get("design"), questionnaire)
        except AnalysisError as complaint:
            complaints["design"] = complaint_about(str(complaint), files["design"].origin, translate)
        try:
            has_counts = design is not None and design.has_counts
            _, plan = checked_plan(files.get("plan"), questionnaire, has_counts=has_counts)
        except AnalysisError as complaint:
            if "plan" not in files:
                raise
            complaints["plan"] = complaint_about(str(complaint), files["plan"].origin, translate)
        for name in complaints:
            form[name].errors = ["error_source"]
        if design is None or plan is None:
            return None, complaints
        return outline_sources(design, plan, questionnaire, [unit.code for unit in chosen]), complaints

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
        files: Mapping[str, SourceFile] | None = None,
        outline: SourcesOutline | None = None,
        complaints: Mapping[str, FileComplaint] | None = None,
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
            limits={"most": number(MOST_A_DAY, 0, language)},
            labels={name: text(f"new_{name}", language) for name in FIELDS},
            questionnaire_labels={
                reference: self._questionnaire_label(reference, language)
                if reference
                else text("new_questionnaire_choose", language)
                for reference, _ in form.questionnaire.choices
            },
            module_labels={ref: self._questionnaire_label(ref, language) for ref, _ in form.modules.choices},
            bloc_labels={"": text("new_bloc_all", language), **blocs},
            open_link_labels={"yes": text("new_open_link_yes", language)},
            kind_labels={kind: kind_label(kind, language) for kind, _ in form.kinds.choices},
            preview=names,
            refusal=refusal,
            sources=None if outline is None else sources_in_words(outline, self._unit_names(language), language),
            complaints=complaints or {},
            # A browser never fills a file field in: what was chosen has to be chosen once more.
            again={name: source.origin for name, source in (files or {}).items()},
        )

    def _unit_names(self, language: str) -> dict[str, str]:
        return {unit.code: unit_name(unit, language) for unit in units_on(self._services.stores, None)}

    def _questionnaire_label(self, reference: str, language: str) -> str:
        return f"{self._questionnaire(reference).title.in_language(language)} ({reference})"

    def _questionnaire(self, reference: str) -> Questionnaire:
        return find_questionnaire(self._services.stores, reference)


def _uploaded(form: RoundForm) -> dict[str, SourceFile]:
    uploads = {name: form[name].data for name in SOURCES}
    return {name: SourceFile(upload.read(), name_of(upload)) for name, upload in uploads.items() if is_chosen(upload)}


def _request(form: RoundForm, chosen: Sequence[UnitRecord], files: Mapping[str, SourceFile]) -> RoundRequest:
    return RoundRequest(
        slug=form.slug.data,
        questionnaire=form.questionnaire.data,
        units="code=" + ",".join(unit.code for unit in chosen),
        opens_on=form.opens_on.data,
        closes_on=form.closes_on.data,
        modules=tuple(form.modules.data or ()),
        design=files.get("design"),
        plan=files.get("plan"),
        open_link_cap=(form.open_link_cap.data or DEFAULT_CAP) if form.open_link.data else None,
        title=Text(form.title_vi.data, form.title_en.data),
        notice=Notice(
            issuer=Text(form.issuer_vi.data, form.issuer_en.data),
            decision=form.decision.data,
            hotline=form.hotline.data,
        ),
    )
