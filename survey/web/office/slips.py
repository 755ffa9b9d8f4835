"""Printing slips from a list of codes that an officer kept, and stands for counters."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, current_app, request

from survey.errors import BadInput, WrongState
from survey.invitations import invited_units
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services
from survey.slips import print_slips, print_stands, printed_address, read_issued_codes, refuse_unknown_codes
from survey.web.forms import OfficeForm
from survey.web.office.forms import SlipsForm, StandsForm
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line, may_issue
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.spreadsheets import attachment

if TYPE_CHECKING:
    from survey.print_pool import Printed

EVERY_UNIT = "*"
# What is printed while a browser waits; more is the command line's work.
MOST_SLIPS = 400
PDF_TYPE = "application/pdf"


class SlipPages:
    """The page that prints slips and stands, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def slips(self, slug: str) -> Response:
        record, _ = find_line(self._services, slug, page_language())
        form = SlipsForm()
        if request.method != "POST" or not may_issue(record):
            return self._page(record, form, status=_status(record))
        if not form.validate():
            return self._page(record, form, status=HTTPStatus.BAD_REQUEST)
        upload = form.codes.data
        try:
            codes = read_issued_codes(upload.read(), upload.filename, record)
            refuse_unknown_codes(self._services.stores, self._services.secrets, record, codes, upload.filename)
        except BadInput as complaint:
            refusal = ("slips_refused", str(complaint))
            return self._page(record, form, refusal=refusal, status=HTTPStatus.BAD_REQUEST)
        if len(codes) > MOST_SLIPS:
            form.codes.errors = ["error_slips_in_all"]
            return self._page(record, form, status=HTTPStatus.BAD_REQUEST)
        try:
            address = self._address()
        except WrongState:
            return self._page(record, form, refusal=("codes_no_address", ""), status=HTTPStatus.CONFLICT)
        units = units_of_round(self._services.stores, record)
        (printed,) = print_slips(record, units, codes, address, workers=1)
        return self._printed(record, printed, f"{slug}-slips.pdf")

    def stands(self, slug: str) -> Response:
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        is_for_all = "" in invited_units(self._services.stores, record)
        units = () if is_for_all else units_of_round(self._services.stores, record)
        form = StandsForm()
        form.offer([unit.code for unit in units])
        if not may_issue(record):
            return self._page(record, SlipsForm(), status=HTTPStatus.CONFLICT)
        if not form.validate():
            return self._page(record, SlipsForm(), stands=form, status=HTTPStatus.BAD_REQUEST)
        try:
            address = self._address()
        except WrongState:
            return self._page(record, SlipsForm(), refusal=("codes_no_address", ""), status=HTTPStatus.CONFLICT)
        chosen = [unit for unit in units if form.unit.data in (EVERY_UNIT, unit.code)]
        name = chosen[0].code if len(chosen) == 1 else "stands"
        return self._printed(record, print_stands(record, chosen or [None], address), f"{slug}-{name}.pdf")

    def _address(self) -> str:
        return printed_address(self._services.settings, request.host_url.rstrip("/"))

    def _printed(self, record: RoundRecord, printed: "Printed", name: str) -> Response:
        if printed.pdf is None:
            current_app.logger.error("%s could not be printed: %s", name, printed.failure)
            refusal = ("slips_not_printed", printed.failure or "")
            return self._page(record, SlipsForm(), refusal=refusal, status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return attachment(printed.pdf, PDF_TYPE, name)

    def _page(
        self,
        record: RoundRecord,
        form: OfficeForm,
        *,
        stands: StandsForm | None = None,
        refusal: tuple[str, str] | None = None,
        status: int = HTTPStatus.OK,
    ) -> Response:
        language = page_language()
        text = catalogue_of("office").text
        record, line = find_line(self._services, record.slug, language)
        units = sorted(units_of_round(self._services.stores, record), key=lambda unit: unit.name_vi)
        is_for_all = "" in invited_units(self._services.stores, record)
        every = text("whole_round" if is_for_all else "stands_all", language)
        labels = {unit.code: f"{unit_name(unit, language)} ({unit.code})" for unit in units}
        if stands is None:
            stands = StandsForm(formdata=None)
            stands.unit.data = EVERY_UNIT
        stands.offer([] if is_for_all else list(labels))
        return render_page(
            "office/slips.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            stands=stands,
            may_issue=may_issue(record),
            refusal=refusal,
            unit_labels={EVERY_UNIT: every, **labels},
            limits={"slips": str(MOST_SLIPS)},
        )


def _status(record: RoundRecord) -> int:
    return HTTPStatus.OK if request.method != "POST" or may_issue(record) else HTTPStatus.CONFLICT
