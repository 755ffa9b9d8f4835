"""Issuing codes: the answer to the form is the file itself, because the codes exist nowhere else."""

from http import HTTPStatus

from flask import Response, g, request

from survey.code_files import issued_codes_csv, issued_codes_xlsx
from survey.errors import BadInput, WrongState
from survey.invitations import DEFAULT_CHANNEL, CodeRequest, IssuedCode, issue_invitations
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services
from survey.web.office.forms import MOST_CODES, CodesForm
from survey.web.office.presenting import channel_label, unit_name
from survey.web.office.rounds import find_line, may_issue
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.spreadsheets import BYTE_ORDER_MARK

CHANNELS = (DEFAULT_CHANNEL, "post", "phone", "online")
EVERY_UNIT = "*"
# What one request can make and send before a browser gives up waiting; more is the command line's work.
MOST_IN_ALL = 100_000
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CodePages:
    """The form that asks for codes, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def codes(self, slug: str) -> Response:
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        units = sorted(units_of_round(self._services.stores, record), key=lambda unit: unit.name_vi)
        labels = {unit.code: f"{unit_name(unit, language)} ({unit.code})" for unit in units}
        form = CodesForm()
        form.offer(list(labels), CHANNELS)
        if request.method == "GET":
            if form.unit.data not in labels:
                form.unit.data = next(iter(labels)) if len(labels) == 1 else ""
            return self._page(record, form, labels, HTTPStatus.OK)
        if not may_issue(record):
            return self._page(record, form, labels, HTTPStatus.CONFLICT)
        if not form.validate():
            return self._page(record, form, labels, HTTPStatus.BAD_REQUEST)
        chosen = list(labels) if form.unit.data == EVERY_UNIT else [form.unit.data]
        if form.count.data * len(chosen) > MOST_IN_ALL:
            form.count.errors = ["error_count_in_all"]
            return self._page(record, form, labels, HTTPStatus.BAD_REQUEST)
        public_url = self._public_url()
        if public_url is None:
            return self._page(record, form, labels, HTTPStatus.CONFLICT, refusal="codes_no_address")
        requests = [CodeRequest(code, form.count.data, channel=form.channel.data) for code in chosen]
        try:
            return self._issued(record, requests, public_url, form.file_type.data)
        except (WrongState, BadInput):
            # The round was closed between the page and the press.
            record, _ = find_line(self._services, slug, language)
            return self._page(record, form, labels, HTTPStatus.CONFLICT)

    def _issued(self, record: RoundRecord, requests: list[CodeRequest], public_url: str, file_type: str) -> Response:
        files: list[bytes] = []

        def make_file(codes: list[IssuedCode]) -> None:
            # The file is made before the invitations become valid, so that codes without a file never count.
            if file_type == "xlsx":
                files.append(issued_codes_xlsx(codes, public_url))
            else:
                files.append(BYTE_ORDER_MARK + issued_codes_csv(codes, public_url))

        issue_invitations(
            self._services.stores,
            self._services.secrets,
            record.slug,
            requests,
            actor=g.officer.login,
            keep=make_file,
        )
        response = Response(files[0], content_type=XLSX_TYPE if file_type == "xlsx" else CSV_TYPE)
        name = f"{record.slug}-{requests[0].unit if len(requests) == 1 else 'codes'}.{file_type}"
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response

    def _public_url(self) -> str | None:
        settings = self._services.settings
        if settings.public_url is None and settings.is_demonstration:
            return request.host_url.rstrip("/")
        return settings.public_url

    def _page(
        self,
        record: RoundRecord,
        form: CodesForm,
        labels: dict[str, str],
        status: int,
        *,
        refusal: str | None = None,
    ) -> Response:
        language = page_language()
        text = catalogue_of("office").text
        choices = {"": text("codes_unit_choose", language), EVERY_UNIT: text("codes_unit_all", language), **labels}
        _, line = find_line(self._services, record.slug, language)
        return render_page(
            "office/codes.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            may_issue=may_issue(record),
            refusal=refusal,
            limits={"most": f"{MOST_CODES:,}".replace(",", "." if language == "vi" else ",")},
            unit_labels=choices,
            channel_labels={channel: channel_label(channel, language) for channel in CHANNELS},
        )
