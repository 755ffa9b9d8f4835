"""The people of units: inviting them to the portal, shutting them out; who has read a scorecard and promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from analysis.errors import EditionError
from survey.editions import EditionShelf
from survey.errors import BadInput, NotFound
from survey.mail import MailFailure
from survey.portal_notices import portal_address, send_invitation, send_notices
from survey.promises import PromiseRecord, list_promises
from survey.receipts import ReceiptRecord, receipts_of
from survey.round_records import RoundRecord, editions_of, find_round, units_of_round
from survey.services import Services, today
from survey.texts import date
from survey.unit_people import (
    LONGEST_ADDRESS,
    PersonRecord,
    PortalInvitation,
    checked_address,
    find_person,
    invite_person,
    let_in_again,
    list_people,
    shut_out,
)
from survey.units import units_on
from survey.web.accounts.session import now
from survey.web.forms import OfficeForm
from survey.web.office.rounds import round_line
from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.spreadsheets import Cell

NOTICES = frozenset({"shut_out", "let_in", "sent", "none", "failed"})


class InviteForm(OfficeForm):
    unit = SelectField(validators=[InputRequired("error_choice")])
    name = StringField(
        filters=[lambda text: " ".join(text.split()) if text else ""],
        validators=[DataRequired("error_required"), Length(max=200, message="error_too_long")],
    )
    email = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[DataRequired("error_required"), Length(max=LONGEST_ADDRESS, message="error_too_long")],
    )

    def offer(self, units: Sequence[str]) -> None:
        """Offer these units."""
        self.unit.choices = [("", ""), *((code, code) for code in units)]


@dataclass(frozen=True, slots=True)
class UnitResponse:
    """What a unit has said to its scorecard: who may read it, who has, and what is promised."""

    code: str
    name: str
    people: tuple[PersonRecord, ...]
    receipts: tuple[ReceiptRecord, ...]
    promises: tuple[tuple[PromiseRecord, str], ...]


class PeoplePages:
    """The office's pages about the portal, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = EditionShelf(services.settings.instance, 2)

    def people(self) -> AnyResponse:
        """Everybody of a unit, and the form of an invitation; posted, its code is shown once."""
        services, language, form = self._services, page_language(), InviteForm()
        units = units_on(services.stores, today())
        form.offer([unit.code for unit in units])
        status, refusal = HTTPStatus.OK, None
        if request.method == "POST":
            status = HTTPStatus.BAD_REQUEST
            if form.validate():
                try:
                    checked_address(form.email.data)
                except BadInput:
                    form.email.errors = ["error_address"]
                else:
                    try:
                        invitation = invite_person(
                            services.stores,
                            services.secrets,
                            form.unit.data,
                            form.email.data,
                            form.name.data,
                            actor=g.account.login,
                            now=now(),
                        )
                    except BadInput:
                        form.email.errors = ["error_address_taken"]
                    else:
                        return self._invited(invitation)
        return render_page(
            "office/people.html",
            language,
            status=int(status),
            area="people",
            people=list_people(services.stores),
            units=[(unit.code, unit.name_en if language == "en" else unit.name_vi) for unit in units],
            form=form,
            refusal=refusal,
            notice=_notice(),
        )

    def access(self, number: int) -> AnyResponse:
        """Shut somebody out, let them in again, or invite them anew."""
        stores, actor = self._services.stores, g.account.login
        person = find_person(stores, number)
        what = request.form.get("what")
        if what == "invite":
            account = person.account
            return self._invited(
                invite_person(
                    stores,
                    self._services.secrets,
                    person.unit_code,
                    account.login,
                    account.name,
                    actor=actor,
                    now=now(),
                )
            )
        if what not in ("shut_out", "let_in"):
            abort(HTTPStatus.BAD_REQUEST)
        change = shut_out if what == "shut_out" else let_in_again
        change(stores, person.account.login, actor=actor)
        return redirect(url_for("office.people", done=what), HTTPStatus.SEE_OTHER)

    def responses(self, slug: str) -> AnyResponse:
        """Who has read a round's scorecards and what is promised; posted, everybody who was not told yet is."""
        services, language = self._services, page_language()
        record = find_round(services.stores, slug)
        records = editions_of(services.stores, slug)
        if not records:
            abort(HTTPStatus.NOT_FOUND)
        if request.method == "POST":
            if services.settings.mail is None:
                # The page has no button then; whoever posts all the same is told that this cannot be.
                abort(HTTPStatus.CONFLICT)
            try:
                sent = send_notices(services.stores, services.settings, slug, today(), actor=g.account.login)
            except MailFailure:
                return redirect(url_for("office.responses", slug=slug, done="failed"), HTTPStatus.SEE_OTHER)
            done = "failed" if sent.refused else "sent" if sent.n_sent else "none"
            return redirect(url_for("office.responses", slug=slug, done=done), HTTPStatus.SEE_OTHER)
        lines = self._responses(record, language)
        return render_page(
            "office/responses.html",
            language,
            area="rounds",
            round=round_line(record, language),
            lines=lines,
            n_received=sum(bool(line.receipts) for line in lines),
            n_promising=sum(bool(line.promises) for line in lines),
            has_mail=services.settings.mail is not None,
            today=today(),
            notice=_notice(),
        )

    def responses_file(self, slug: str, file_type: str) -> Response:
        """The same as a table: a row for each promise, and one for each unit that promised nothing."""
        language = page_language()
        record, text = find_round(self._services.stores, slug), catalogue_of("office").text
        if not editions_of(self._services.stores, slug):
            abort(HTTPStatus.NOT_FOUND)
        heads: tuple[tuple[str, int], ...] = (
            ("col_unit", 36),
            ("col_code", 14),
            ("col_receipts", 36),
            ("responses_criterion", 40),
        )
        heads += (("col_promises", 60), ("responses_due", 14), ("responses_state", 20), ("responses_outcome", 40))
        rows: list[list[Cell]] = []
        for line in self._responses(record, language):
            readers = "; ".join(f"{row.name} ({date(row.received_on, language)})" for row in line.receipts)
            start: list[Cell] = [line.name, line.code, readers]
            for promise, label in line.promises:
                state = text(f"promise_state_{promise.state}", language)
                about = label or text("promise_whole", language)
                rows.append([*start, about, promise.text, promise.due, state, promise.outcome])
            if not line.promises:
                rows.append([*start, "", "", None, "", ""])
        columns = [Column(text(key, language), width) for key, width in heads]
        return table_file(Table("responses", columns, rows), file_type, f"{slug}-responses")

    def _responses(self, record: RoundRecord, language: str) -> list[UnitResponse]:
        """What each unit of a published round has answered to its last edition."""
        services, slug = self._services, record.slug
        records = editions_of(services.stores, slug)
        people, promises = list_people(services.stores, record.unit_codes), list_promises(services.stores, slug=slug)
        receipts = [row for row in receipts_of(services.stores, slug) if row.edition_number == records[-1].number]
        return [
            UnitResponse(
                unit.code,
                unit.name_en if language == "en" else unit.name_vi,
                tuple(found for found in people if found.unit_code == unit.code and not found.account.is_disabled),
                tuple(row for row in receipts if row.unit_code == unit.code),
                tuple(
                    (promise, self._label(slug, promise, language))
                    for promise in promises
                    if promise.unit_code == unit.code
                ),
            )
            for unit in units_of_round(services.stores, record)
        ]

    def _label(self, slug: str, promise: PromiseRecord, language: str) -> str:
        """The number and name of the promise's criterion; empty for the service as a whole."""
        try:
            opened = self._shelf.open(slug, editions_of(self._services.stores, slug)[-1])
            lines = opened.composer.scorecard(promise.unit_code).lines
        except (EditionError, OSError, NotFound):
            return ""
        found = next((line for line in lines if line.code == promise.node), None)
        return "" if found is None else f"{found.number} {found.label.in_language(language)}"

    def _invited(self, invitation: PortalInvitation) -> Response:
        settings = self._services.settings
        is_sent = False
        if settings.mail is not None:
            try:
                send_invitation(settings, invitation)
                is_sent = True
            except MailFailure:
                is_sent = False
        return render_page(
            "office/person_invited.html",
            page_language(),
            area="people",
            invitation=invitation,
            address=portal_address(settings, "invited"),
            has_mail=settings.mail is not None,
            is_sent=is_sent,
            until=invitation.until.date(),
        )


def _notice() -> str | None:
    done = request.args.get("done", "")
    return f"people_done_{done}" if done in NOTICES else None
