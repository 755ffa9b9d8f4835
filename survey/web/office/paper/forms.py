"""The page about a round's forms on paper: what to print, how the entry goes, and which forms wait to be settled."""

from http import HTTPStatus

from flask import Response, current_app, request
from wtforms import FileField, SelectField
from wtforms.validators import InputRequired

from survey.errors import BadInput, WrongState
from survey.paper_entry import list_differences, waiting_forms
from survey.paper_forms import FORMS_A_FILE, PLACES, PaperForm, print_blank_form, print_coded_forms
from survey.paper_tallies import forms_counted
from survey.paper_versions import fingerprint_of, version_of
from survey.round_records import RoundRecord, load_questionnaire_of, units_of_round
from survey.services import Services
from survey.slips import printed_address, read_issued_codes, refuse_unknown_codes
from survey.texts import LANGUAGES
from survey.web.forms import OfficeForm
from survey.web.office.forms import has_content
from survey.web.office.paper.showing import field_names
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line, may_issue
from survey.web.office.slips import PDF_TYPE
from survey.web.pages import catalogue_of, page_language, render_page_of
from survey.web.spreadsheets import attachment

_PLACES = tuple(str(place) for place in range(1, 10))


class CodedForm(OfficeForm):
    codes = FileField(validators=[has_content])
    printed_in = SelectField(choices=[(language, language) for language in LANGUAGES], validators=[InputRequired()])


class PaperPages:
    """The forms of the rounds of one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def paper(self, slug: str) -> Response:
        """What can be printed, how many forms were keyed and how well, and the list of those that differ."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        stores = self._services.stores
        if record.is_imported:
            return render_page_of("office", "paper/imported.html", language, area="rounds", round=line)
        questionnaire = load_questionnaire_of(stores, record)
        names = {unit.code: unit_name(unit, language) for unit in units_of_round(stores, record)}
        differences = [
            (names.get(found.unit, ""), field_names(found.fields, catalogue_of("office").translator(language)))
            for found in list_differences(stores, self._services.secrets, slug)
        ]
        return render_page_of(
            "office",
            "paper/paper.html",
            language,
            area="rounds",
            round=line,
            version=version_of(record),
            fingerprint=fingerprint_of(questionnaire.content_hash),
            content_hash=questionnaire.content_hash,
            units={} if questionnaire.rates_several_units else dict(sorted(names.items(), key=lambda pair: pair[1])),
            places=_PLACES[: questionnaire.most_units] if questionnaire.rates_several_units else (),
            usual_places=str(min(PLACES, questionnaire.most_units)),
            languages=LANGUAGES,
            may_issue=may_issue(record),
            needs_two=self._services.settings.must_have_second_person,
            counted=forms_counted(stores, slug),
            waiting=waiting_forms(stores, slug),
            differences=differences,
        )

    def blank(self, slug: str) -> Response:
        """The blank form of a unit as a PDF."""
        record, _ = find_line(self._services, slug, page_language())
        if record.is_imported:
            return self.paper(slug)
        language, places = request.args.get("printed", ""), request.args.get("places", "")
        n_places = int(places) if places in _PLACES else PLACES
        form = self._form(record, language if language in LANGUAGES else LANGUAGES[0], n_places)
        unit = None
        if not form.questionnaire.rates_several_units:
            asked = request.args.get("unit", "")
            unit = next((known for known in form.units if known.code == asked), form.units[0])
        printed = print_blank_form(form, unit)
        name = f"{slug}-{unit.code if unit else 'form'}.pdf"
        if printed.pdf is None:
            current_app.logger.error("%s could not be printed: %s", name, printed.failure)
            return self._coded_page(record, CodedForm(), ("paper_not_printed", printed.failure or ""), 500)
        return attachment(printed.pdf, PDF_TYPE, name)

    def coded(self, slug: str) -> Response:
        """Forms with a code on each, for a list of codes that was kept."""
        record, _ = find_line(self._services, slug, page_language())
        form = CodedForm()
        if request.method != "POST" or not may_issue(record):
            is_late = request.method == "POST"
            return self._coded_page(record, form, None, HTTPStatus.CONFLICT if is_late else HTTPStatus.OK)
        if not form.validate():
            return self._coded_page(record, form, None, HTTPStatus.BAD_REQUEST)
        services, upload = self._services, form.codes.data
        try:
            codes = read_issued_codes(upload.read(), upload.filename, record)
            refuse_unknown_codes(services.stores, services.secrets, record, codes, upload.filename)
        except BadInput as complaint:
            return self._coded_page(record, form, ("slips_refused", str(complaint)), HTTPStatus.BAD_REQUEST)
        if len(codes) > FORMS_A_FILE:
            form.codes.errors = ["paper_too_many"]
            return self._coded_page(record, form, None, HTTPStatus.BAD_REQUEST)
        try:
            address = printed_address(services.settings, request.host_url.rstrip("/"))
        except WrongState:
            return self._coded_page(record, form, ("codes_no_address", ""), HTTPStatus.CONFLICT)
        (printed,) = print_coded_forms(self._form(record, form.printed_in.data), codes, address)
        if printed.pdf is None:
            current_app.logger.error("The forms of %s could not be printed: %s", slug, printed.failure)
            refusal = ("paper_not_printed", printed.failure or "")
            return self._coded_page(record, form, refusal, HTTPStatus.INTERNAL_SERVER_ERROR)
        return attachment(printed.pdf, PDF_TYPE, f"{slug}-forms.pdf")

    def _form(self, record: RoundRecord, language: str, n_places: int = PLACES) -> PaperForm:
        stores = self._services.stores
        return PaperForm(
            record,
            load_questionnaire_of(stores, record),
            units_of_round(stores, record),
            language,
            n_places,
            self._services.settings.must_have_second_person,
        )

    def _coded_page(
        self, record: RoundRecord, form: CodedForm, refusal: tuple[str, str] | None, status: int
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        return render_page_of(
            "office",
            "paper/forms.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            may_issue=may_issue(record),
            refusal=refusal,
            limits={"forms": str(FORMS_A_FILE)},
            languages=LANGUAGES,
        )
