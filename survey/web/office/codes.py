"""Issuing codes: the answer to a form is the file itself, because the codes exist nowhere else."""

import io
import zipfile
from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from survey.code_files import issued_codes_csv, issued_codes_xlsx, read_batch
from survey.errors import BadInput, StoreUnavailable, WrongState
from survey.invitations import DEFAULT_CHANNEL, CodeRequest, IssuedCode, invited_units, issue_invitations
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services
from survey.slips import print_slips, printed_address
from survey.web.forms import OfficeForm
from survey.web.office.approval_requests import ask_for
from survey.web.office.forms import MOST_CODES, BatchForm, CodesForm
from survey.web.office.presenting import channel_label, unit_name
from survey.web.office.rounds import find_line, may_issue
from survey.web.office.slips import MOST_SLIPS
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.spreadsheets import BYTE_ORDER_MARK, CSV_TYPE, XLSX_TYPE, attachment

CHANNELS = (DEFAULT_CHANNEL, "tablet", "post", "phone", "online")
EVERY_UNIT = "*"
# What stands for the unit in a round whose ballots rate several: a choice of a list cannot be empty.
WHOLE_ROUND = "round"
# What one request can make and send before a browser gives up waiting; more is the command line's work.
MOST_IN_ALL = 100_000
ZIP_TYPE = "application/zip"


class CodePages:
    """The forms that ask for codes, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def codes(self, slug: str) -> AnyResponse:
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        labels = self._unit_labels(record, language)
        form = CodesForm()
        form.offer(list(labels), CHANNELS)
        if WHOLE_ROUND in labels:
            form.unit.choices = [(WHOLE_ROUND, "")]
        if request.method != "POST":
            if form.unit.data not in labels:
                form.unit.data = next(iter(labels)) if len(labels) == 1 else ""
            return self._codes_page(record, form, labels, HTTPStatus.OK)
        if not may_issue(record):
            return self._codes_page(record, form, labels, HTTPStatus.CONFLICT)
        if not form.validate():
            return self._codes_page(record, form, labels, HTTPStatus.BAD_REQUEST)
        chosen = list(labels) if form.unit.data == EVERY_UNIT else [form.unit.data]
        wrong = _wrong_number(form.count.data * len(chosen), form.file_type.data)
        if wrong:
            form.count.errors = [wrong]
            return self._codes_page(record, form, labels, HTTPStatus.BAD_REQUEST)
        units = ["" if unit == WHOLE_ROUND else unit for unit in chosen]
        requests = [CodeRequest(unit, form.count.data, channel=form.channel.data) for unit in units]
        if self._services.settings.must_have_second_person:
            return ask_for(self._services, record, requests)
        issued = self.hand_out(record, requests, form.file_type.data)
        if isinstance(issued, Response):
            return issued
        return self._codes_page(record, form, labels, HTTPStatus.CONFLICT, refusal=issued)

    def batch(self, slug: str) -> AnyResponse:
        record, _ = find_line(self._services, slug, page_language())
        form = BatchForm()
        if request.method != "POST":
            return self._page("batch", record, form, HTTPStatus.OK)
        if not may_issue(record):
            return self._page("batch", record, form, HTTPStatus.CONFLICT)
        if not form.validate():
            return self._page("batch", record, form, HTTPStatus.BAD_REQUEST)
        upload = form.batch.data
        try:
            requests = read_batch(upload.read(), upload.filename, invited_units(self._services.stores, record))
        except BadInput as complaint:
            return self._page("batch", record, form, HTTPStatus.BAD_REQUEST, refusal=("codes_refused", str(complaint)))
        wrong = _wrong_number(sum(wanted.count for wanted in requests), form.file_type.data)
        if wrong:
            form.batch.errors = [wrong]
            return self._page("batch", record, form, HTTPStatus.BAD_REQUEST)
        if self._services.settings.must_have_second_person:
            return ask_for(self._services, record, requests)
        issued = self.hand_out(record, requests, form.file_type.data)
        if isinstance(issued, Response):
            return issued
        return self._page("batch", record, form, HTTPStatus.CONFLICT, refusal=issued)

    def _unit_labels(self, record: RoundRecord, language: str) -> dict[str, str]:
        """What codes can be for, with its label."""
        if "" in invited_units(self._services.stores, record):
            return {WHOLE_ROUND: catalogue_of("office").text("whole_round", language)}
        units = sorted(units_of_round(self._services.stores, record), key=lambda unit: unit.name_vi)
        return {unit.code: f"{unit_name(unit, language)} ({unit.code})" for unit in units}

    def hand_out(
        self, record: RoundRecord, requests: Sequence[CodeRequest], file_type: str
    ) -> Response | tuple[str, str]:
        """The file with new codes; or why there are none: the key of a text, and the complaint in full."""
        try:
            public_url = printed_address(self._services.settings, request.host_url.rstrip("/"))
        except WrongState:
            return "codes_no_address", ""
        lists: list[bytes] = []

        def make_list(codes: list[IssuedCode]) -> None:
            # The list is made before the invitations become valid, so that codes without a file never count.
            if file_type == "xlsx":
                lists.append(issued_codes_xlsx(codes, public_url))
            else:
                lists.append(BYTE_ORDER_MARK + issued_codes_csv(codes, public_url))

        try:
            codes = issue_invitations(
                self._services.stores,
                self._services.secrets,
                record.slug,
                requests,
                actor=g.account.login,
                keep=make_list,
            )
        except StoreUnavailable:
            raise
        except (WrongState, BadInput) as complaint:
            # The round was closed between the page and the press, or its design has no such people.
            return "codes_refused", str(complaint)
        name = f"{record.slug}-{requests[0].unit if len(requests) == 1 and requests[0].unit else 'codes'}"
        if file_type == "slips":
            return attachment(self._with_slips(record, codes, public_url, name, lists[0]), ZIP_TYPE, f"{name}.zip")
        return attachment(lists[0], XLSX_TYPE if file_type == "xlsx" else CSV_TYPE, f"{name}.{file_type}")

    def _with_slips(
        self, record: RoundRecord, codes: Sequence[IssuedCode], public_url: str, name: str, code_list: bytes
    ) -> bytes:
        units = units_of_round(self._services.stores, record)
        (printed,) = print_slips(record, units, codes, public_url, workers=1)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr(zipfile.ZipInfo(f"{name}.csv"), code_list)
            if printed.pdf is None:
                # The list is the only copy of the codes and is handed out whatever happened to the paper.
                current_app.logger.error("The slips of %s could not be printed: %s", record.slug, printed.failure)
            else:
                package.writestr(zipfile.ZipInfo(f"{name}.pdf"), printed.pdf)
        return stream.getvalue()

    def _codes_page(
        self,
        record: RoundRecord,
        form: CodesForm,
        labels: dict[str, str],
        status: int,
        *,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        text = catalogue_of("office").text
        choices = {"": text("codes_unit_choose", language), EVERY_UNIT: text("codes_unit_all", language), **labels}
        channels = {channel: channel_label(channel, language) for channel in CHANNELS}
        return self._page(
            "codes",
            record,
            form,
            status,
            refusal,
            unit_labels=choices,
            channel_labels=channels,
            is_whole_round=WHOLE_ROUND in labels,
        )

    def _page(
        self,
        name: str,
        record: RoundRecord,
        form: OfficeForm,
        status: int,
        refusal: tuple[str, str] | None = None,
        **values: object,
    ) -> Response:
        language = page_language()
        # The round may have been closed since it was read.
        record, line = find_line(self._services, record.slug, language)
        separator = "." if language == "vi" else ","
        return render_page(
            f"office/{name}.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            may_issue=may_issue(record),
            needs_approval=self._services.settings.must_have_second_person,
            refusal=refusal,
            limits={"most": f"{MOST_CODES:,}".replace(",", separator), "slips": str(MOST_SLIPS)},
            **values,
        )


def _wrong_number(count: int, file_type: str) -> str | None:
    """The key of what is wrong with so many codes in such a file; None when nothing is."""
    if file_type == "slips" and count > MOST_SLIPS:
        return "error_slips_in_all"
    return "error_count_in_all" if count > MOST_IN_ALL else None
