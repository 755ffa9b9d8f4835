"""The page that takes what ODK and Kobo tablets collected: a look at the file first, then the answers.

Nothing of a file lies on the server in between: it comes back in a field of the page and is read once more.
"""

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, g, request
from wtforms import FileField

from survey.collected_answers import (
    CollectedLook,
    CollectedOutcome,
    RowRefusal,
    by_reason,
    look_at_collected,
    receive_collected,
    tablet_form,
)
from survey.collected_tables import ForeignExportError
from survey.errors import BadInput, WrongState
from survey.round_records import RoundRecord
from survey.services import STORE_FAILURES, Services, today
from survey.texts import Translate, number
from survey.web.forms import OfficeForm
from survey.web.office.files import is_chosen, name_of
from survey.web.office.rounds import find_line
from survey.web.pages import catalogue_of, log_store_failure, page_language, render_page_of
from survey.web.spreadsheets import XLSX_TYPE, attachment

# Beside what else a body holds, such a file in the letters of base64 is within what a request may have.
LARGEST_EXPORT = 1_400_000
LARGEST_SENDING = 2_000_000
# What is received while a browser waits; more is the command line's work.
MOST_ROWS = 2_000
MOST_LINES = 30

Refused = tuple[str, str]


class ExportForm(OfficeForm):
    """A file as ODK Central or KoboToolbox exported it."""

    export = FileField()


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A reason in the page's words, and the rows that it is true of."""

    words: str
    lines: str
    count: int


class CollectedPages:
    """The pages about what tablets collected, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def form(self, slug: str) -> Response:
        """The round's questions for tablets."""
        record, _ = find_line(self._services, slug, page_language())
        return attachment(tablet_form(self._services.stores, record), XLSX_TYPE, f"{slug}-tablet.xlsx")

    def take(self, slug: str) -> Response:
        """The form; what would become of a file; what became of it."""
        record, _ = find_line(self._services, slug, page_language())
        form = ExportForm()
        if request.method != "POST":
            return self._page(record, form)
        if not record.accepts_answers_on(today()):
            return self._page(record, form, HTTPStatus.CONFLICT)
        if "kept" in request.form:
            return self._receive(record, form)
        if not is_chosen(form.export.data):
            form.export.errors = ["error_file"]
            return self._page(record, form, HTTPStatus.BAD_REQUEST)
        content, name = form.export.data.read(LARGEST_EXPORT + 1), name_of(form.export.data)
        look = self._look(record, content, name)
        if isinstance(look, tuple):
            return self._page(record, form, HTTPStatus.BAD_REQUEST, refusal=look)
        return self._page(record, form, look=look, name=name, kept=base64.b64encode(content).decode())

    def _receive(self, record: RoundRecord, form: ExportForm) -> Response:
        name = request.form.get("name", "")[:80] or "export.csv"
        try:
            content = base64.b64decode(request.form["kept"], validate=True)
        except (binascii.Error, ValueError):
            form.export.errors = ["error_file"]
            return self._page(record, form, HTTPStatus.BAD_REQUEST)
        look = self._look(record, content, name)
        if isinstance(look, tuple):
            return self._page(record, form, HTTPStatus.BAD_REQUEST, refusal=look)
        services = self._services
        try:
            done = receive_collected(
                services.stores, services.secrets, services.days, record, look, today(), actor=g.account.login
            )
        except WrongState:
            return self._page(record, form, HTTPStatus.CONFLICT)
        except STORE_FAILURES as failure:
            log_store_failure(failure)
            unavailable = ("collected_unavailable", "")
            return self._page(record, form, HTTPStatus.SERVICE_UNAVAILABLE, refusal=unavailable)
        return self._page(record, form, done=done)

    def _look(self, record: RoundRecord, content: bytes, name: str) -> CollectedLook | Refused:
        if len(content) > LARGEST_EXPORT:
            return "collected_too_large", ""
        try:
            services = self._services
            look = look_at_collected(services.stores, services.secrets, record, content, name, today())
        except ForeignExportError as complaint:
            return f"collected_{complaint.why}", str(complaint)
        except BadInput as complaint:
            return "collected_no_table", str(complaint)
        return ("collected_too_large", "") if look.n_rows > MOST_ROWS else look

    def _page(
        self,
        record: RoundRecord,
        form: ExportForm,
        status: int = HTTPStatus.OK,
        *,
        refusal: Refused | None = None,
        look: CollectedLook | None = None,
        done: CollectedOutcome | None = None,
        name: str = "",
        kept: str = "",
    ) -> Response:
        language = page_language()
        record, line = find_line(self._services, record.slug, language)
        t = catalogue_of("office").translator(language)
        found = done or look
        return render_page_of(
            "office",
            "tablets/collected.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            is_open=record.accepts_answers_on(today()),
            refusal=refusal,
            look=look,
            done=done,
            name=name,
            kept=kept,
            n_refused=len(found.refused) if found else 0,
            refused=_in_words(found, t) if found else (),
            limits={"rows": number(MOST_ROWS, 0, language), "mb": number(LARGEST_EXPORT / 1e6, 1, language)},
        )


def _in_words(found: CollectedLook | CollectedOutcome, t: Translate) -> tuple[RefusedLine, ...]:
    lines = []
    for one, numbers in by_reason(found.refused).items():
        shown = ", ".join(str(number) for number in numbers[:MOST_LINES])
        if len(numbers) > MOST_LINES:
            shown = t("collected_lines_more", lines=shown, count=len(numbers) - MOST_LINES)
        lines.append(RefusedLine(_words(one, found.version, t), shown, len(numbers)))
    return tuple(lines)


def _words(one: RowRefusal, version: str, t: Translate) -> str:
    if one.reason == "answer":
        return t(f"collected_problem_{one.problem}", item=one.item)
    if one.reason == "version":
        return t("collected_row_version", found=one.version, expected=version)
    return t(f"collected_row_{one.reason}", item=one.item)
