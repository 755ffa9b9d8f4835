"""The second and third page of a set-up: which units and how many people, and how they are asked."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from analysis.release.plan import Plan, parse_plan, plan_source
from analysis.release.release_plan import ReleasePlan
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Text
from survey.errors import HailongError, StoreUnavailable
from survey.fieldwork import plan_targets
from survey.notices import Notice
from survey.round_drafts import DraftChange, change_draft
from survey.round_records import RoundRecord, load_questionnaire_of
from survey.round_setup import CHANNELS, SizeQuestion, keep_setup, setup_of
from survey.round_sources import SourceFile, sources_of_round
from survey.rounds import DEFAULT_CAP
from survey.services import Services
from survey.size_table import UnitSize, answers_wanted, size_table
from survey.units import UnitRecord, units_on
from survey.web.office import presenting
from survey.web.office.design_words import sources_in_words
from survey.web.office.files import is_chosen, name_of
from survey.web.office.rounds import find_line
from survey.web.office.setup.forms import HowForm, UnitsForm
from survey.web.pages import catalogue_of, page_language, render_page_of


class SetupStepPages:
    """The pages that change a draft, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def units(self, slug: str) -> AnyResponse:
        record, _ = find_line(self._services, slug, page_language())
        if not is_changed_here(record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        known = sorted(
            units_on(self._services.stores, record.opens_on), key=lambda unit: (unit.bloc_name, unit.name_vi)
        )
        setup = setup_of(self._services.stores, record)
        form = UnitsForm(None if request.method != "POST" else request.form)
        form.units.choices = [unit.code for unit in known]
        if request.method != "POST":
            _fill_sizes(form, setup.sizes)
            form.units.data = list(record.unit_codes)
        elif not form.validate():
            return self._units_page(record, form, known, HTTPStatus.BAD_REQUEST)
        elif "look" not in request.form:
            question = _question(form)
            chosen = [unit for unit in known if unit.code in form.units.data]
            sizes = size_table(chosen, question)
            try:
                change = DraftChange(units=tuple(unit.code for unit in chosen))
                changed = change_draft(self._services.stores, slug, change, actor=g.account.login)
                wanted = replace(setup, sizes=question, n_asked=_in_all(sizes, self._rates_several(record)))
                keep_setup(self._services.stores, changed, wanted, actor=g.account.login)
                if not self._rates_several(record):
                    planned = {size.unit.code: answers_wanted(size.asked, question.response) for size in sizes}
                    plan_targets(self._services.stores, changed, planned, actor=g.account.login)
            except StoreUnavailable:
                raise
            except (HailongError, AnalysisError) as complaint:
                refusal = ("setup_refused", str(complaint))
                return self._units_page(record, form, known, HTTPStatus.BAD_REQUEST, refusal)
            return redirect(url_for("office.setup_how", slug=slug), HTTPStatus.SEE_OTHER)
        return self._units_page(record, form, known)

    def _rates_several(self, record: RoundRecord) -> bool:
        return load_questionnaire_of(self._services.stores, record).rates_several_units

    def _units_page(
        self,
        record: RoundRecord,
        form: UnitsForm,
        known: Sequence[UnitRecord],
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        is_sound = not any(name != "units" for name, _ in form.problems())
        sizes = {size.unit.code: size for size in size_table(known, _question(form))} if is_sound else {}
        chosen = [sizes[code] for code in form.units.data or () if code in sizes]
        return render_page_of(
            "office",
            "setup/units.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            rows=[(unit, presenting.unit_name(unit, language), sizes.get(unit.code)) for unit in known],
            kind_of={unit.kind: presenting.kind_label(unit.kind, language) for unit in known},
            bloc_of={unit.bloc_code: unit.bloc_in(language) for unit in known},
            n_asked=_in_all(chosen, self._rates_several(record)),
            rates_several=self._rates_several(record),
            refusal=refusal,
        )

    def how(self, slug: str) -> AnyResponse:
        record, _ = find_line(self._services, slug, page_language())
        if not is_changed_here(record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        questionnaire = load_questionnaire_of(self._services.stores, record)
        form = HowForm(
            None if request.method != "POST" else MultiDict([*request.form.items(True), *request.files.items(True)])
        )
        form.languages.choices = list(questionnaire.languages)
        form.profile.choices = [(profile.name, profile.name) for profile in questionnaire.profiles] or [("", "")]
        if request.method != "POST":
            self._fill_how(form, record, questionnaire)
            return self._how_page(record, form, questionnaire)
        if not form.validate():
            return self._how_page(record, form, questionnaire, HTTPStatus.BAD_REQUEST)
        try:
            self._keep_how(record, form)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._how_page(
                record, form, questionnaire, HTTPStatus.BAD_REQUEST, ("setup_refused", str(complaint))
            )
        return redirect(url_for("office.setup", slug=slug), HTTPStatus.SEE_OTHER)

    def _keep_how(self, record: RoundRecord, form: HowForm) -> None:
        cap = (form.open_link_cap.data or DEFAULT_CAP) if "open_link" in form.channels.data else 0
        notice = Notice(
            issuer=Text(form.issuer_vi.data, form.issuer_en.data),
            decision=form.decision.data,
            hotline=form.hotline.data,
        )
        change = DraftChange(
            title=Text(form.title_vi.data, form.title_en.data),
            opens_on=form.opens_on.data,
            closes_on=form.closes_on.data,
            notice=notice,
            open_link_cap=cap,
            plan=_plan(record, form),
            design=_upload(form, "design"),
        )
        changed = change_draft(self._services.stores, record.slug, change, actor=g.account.login)
        setup = replace(
            setup_of(self._services.stores, record),
            channels=tuple(form.channels.data),
            languages=("vi", *(code for code in form.languages.data or () if code != "vi")),
            key_holding=form.key_holding.data,
        )
        keep_setup(self._services.stores, changed, setup, actor=g.account.login)

    def _fill_how(self, form: HowForm, record: RoundRecord, questionnaire: Questionnaire) -> None:
        setup = setup_of(self._services.stores, record)
        plan = parse_plan(record.plan_source, "plan")
        form.title_vi.data, form.title_en.data = record.title.vi, record.title.en
        form.opens_on.data, form.closes_on.data = record.opens_on, record.closes_on
        form.channels.data = list(setup.channels)
        form.open_link_cap.data = record.open_link_cap or DEFAULT_CAP
        form.languages.data = list(setup.languages or questionnaire.languages)
        form.issuer_vi.data, form.issuer_en.data = record.issuer.vi, record.issuer.en
        form.decision.data, form.hotline.data = record.decision, record.hotline
        form.key_holding.data = "people" if record.custody else setup.key_holding
        form.profile.data = plan.profile or questionnaire.default_profile
        form.embargo_days.data, form.approvals.data = plan.release.embargo_days, plan.release.approvals

    def _how_page(
        self,
        record: RoundRecord,
        form: HowForm,
        questionnaire: Questionnaire,
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        text = catalogue_of("office").text
        _, line = find_line(self._services, record.slug, language)
        names = {unit.code: presenting.unit_name(unit, language) for unit in units_on(self._services.stores, None)}
        outline = sources_of_round(self._services.stores, record)
        return render_page_of(
            "office",
            "setup/how.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            profiles={profile.name: profile.label.in_language(language) for profile in questionnaire.profiles}
            or {"": "–"},
            rates_several=questionnaire.rates_several_units,
            channel_labels={name: text(f"setup_channel_{name}", language) for name in CHANNELS},
            sources=sources_in_words(outline, names, language),
            refusal=refusal,
            again={name: name_of(form[name].data) for name in ("plan", "design") if is_chosen(form[name].data)},
        )


def is_changed_here(record: RoundRecord) -> bool:
    """Whether a round is a draft that the set-up may change."""
    return record.state == "draft" and not record.is_imported


def _question(form: UnitsForm) -> SizeQuestion:
    return SizeQuestion(
        rule=form.rule.data,
        margin=form.margin.data / 100,
        share=form.share.data / 100,
        response=form.response.data / 100,
        deff=form.deff.data,
        fixed=form.fixed.data or SizeQuestion().fixed,
    )


def _fill_sizes(form: UnitsForm, asked: SizeQuestion) -> None:
    form.rule.data, form.fixed.data, form.deff.data = asked.rule, asked.fixed, asked.deff
    form.margin.data, form.share.data, form.response.data = (
        round(100 * number, 6) for number in (asked.margin, asked.share, asked.response)
    )


def _in_all(sizes: Sequence[UnitSize], rates_several: bool) -> int:
    """How many people are asked; where each rates several units, as many as the largest of them needs."""
    numbers = [size.asked for size in sizes]
    return max(numbers, default=0) if rates_several else sum(numbers)


def _upload(form: HowForm, name: str) -> SourceFile | None:
    upload = form[name].data
    return SourceFile(upload.read(), name_of(upload)) if is_chosen(upload) else None


def _plan(record: RoundRecord, form: HowForm) -> SourceFile:
    """The plan that was handed in, or the draft's own with what the page lets one choose."""
    given = _upload(form, "plan")
    if given is not None:
        return given
    plan: Plan = replace(
        parse_plan(record.plan_source, "plan"),
        profile=form.profile.data or "",
        release=ReleasePlan(form.embargo_days.data or 0, form.approvals.data or 0),
    )
    return SourceFile(plan_source(plan), "plan")
