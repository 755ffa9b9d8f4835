"""The people of the office: an administrator invites them, gives them roles, shuts them out; an auditor looks on."""

from http import HTTPStatus

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Regexp, StopValidation

from survey.errors import BadInput, WrongState
from survey.mail import MailFailure
from survey.office_letters import INVITED, send_office_invitation
from survey.office_people import (
    OfficeInvitation,
    find_office_person,
    invite_again,
    invite_officer,
    let_officer_in,
    list_office_people,
    reset_ways_in,
    set_roles,
    shut_officer_out,
)
from survey.officers import known_login
from survey.permissions import OFFICE_ROLES, PERMISSIONS
from survey.services import Services
from survey.unit_people import LONGEST_ADDRESS, checked_address
from survey.web.accounts.session import now
from survey.web.forms import OfficeForm
from survey.web.pages import page_language, render_page_of

DONE = frozenset({"roles", "shut_out", "let_in", "reset"})
# Rights of the office; those of the units' people are not an administrator's to give.
RIGHTS = tuple(right for right in PERMISSIONS if not right.startswith(("portal.", "account.")))
_LOGIN = r"\s*[A-Za-z0-9][A-Za-z0-9._-]{1,39}\s*\Z"


def _none_or_address(form: OfficeForm, field: StringField) -> None:
    try:
        if field.data:
            checked_address(field.data)
    except BadInput:
        raise StopValidation("error_address") from None


class AddressForm(OfficeForm):
    """Where an invitation is sent; an empty address is a code that is handed over."""

    email = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[Length(max=LONGEST_ADDRESS, message="error_too_long"), _none_or_address],
    )


class RolesForm(OfficeForm):
    roles = SelectMultipleField(
        choices=[(role, role) for role in OFFICE_ROLES], validators=[DataRequired("error_roles")]
    )


class StaffForm(RolesForm, AddressForm):
    login = StringField(
        validators=[DataRequired("error_required"), Regexp(_LOGIN, message="error_login")],
    )
    name = StringField(
        filters=[lambda text: " ".join(text.split()) if text else ""],
        validators=[DataRequired("error_required"), Length(max=200, message="error_too_long")],
    )


class StaffPages:
    """The office's own people, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def staff(self) -> AnyResponse:
        """Everybody of the office, and the form of an invitation; posted, its code is shown once."""
        services, form, status = self._services, StaffForm(), HTTPStatus.OK
        if request.method == "POST":
            status = HTTPStatus.BAD_REQUEST
            if form.validate():
                try:
                    invitation = invite_officer(
                        services.stores,
                        services.secrets,
                        form.login.data,
                        form.name.data,
                        form.roles.data,
                        actor=g.account.login,
                        now=now(),
                        address=form.email.data,
                    )
                except BadInput:
                    self._say_what_is_taken(form)
                else:
                    return self._invited(invitation)
        return render_page_of(
            "office",
            "staff/staff.html",
            page_language(),
            status=int(status),
            area="staff",
            people=list_office_people(services.stores),
            form=form,
            roles=OFFICE_ROLES,
            rights=[(right, PERMISSIONS[right]) for right in RIGHTS],
        )

    def _say_what_is_taken(self, form: StaffForm) -> None:
        """Of what the form has let through, the login or the address is somebody's already."""
        logins = {one.account.login for one in list_office_people(self._services.stores)}
        if known_login(form.login.data) in logins:
            form.login.errors = ["error_login_taken"]
        else:
            form.email.errors = ["error_staff_address_taken"]

    def person(self, number: int) -> AnyResponse:
        """One of them: their roles, and what can be done about their way in."""
        return self._person_page(number, None, HTTPStatus.OK)

    def change(self, number: int, what: str) -> AnyResponse:
        """Posted by the page of a person: new roles, shut out, let in, a new invitation, ways in forgotten."""
        services, actor, form = self._services, g.account.login, RolesForm()
        person = find_office_person(services.stores, number)
        try:
            if what == "roles":
                if not form.validate():
                    return self._person_page(number, form, HTTPStatus.BAD_REQUEST)
                set_roles(services.stores, number, form.roles.data, actor=actor)
            elif what == "invite":
                return self._invite_again(number)
            elif number == g.account.id:
                # One's own way in is changed on one's own page, and nobody locks themselves out.
                return self._refused(number, "staff_refused_self")
            else:
                change = {"shut_out": shut_officer_out, "let_in": let_officer_in, "reset": reset_ways_in}[what]
                change(services.stores, number, actor=actor)
        except WrongState:
            is_shut = what == "invite" and person.account.is_disabled
            return self._refused(number, "staff_refused_shut" if is_shut else "staff_refused_last")
        return redirect(url_for("office.staff_person", number=number, did=what), HTTPStatus.SEE_OTHER)

    def _invite_again(self, number: int) -> Response:
        services, form = self._services, AddressForm()
        if form.validate():
            address, actor = form.email.data, g.account.login
            try:
                return self._invited(
                    invite_again(services.stores, services.secrets, number, actor=actor, now=now(), address=address)
                )
            except BadInput:
                form.email.errors = ["error_staff_address_taken"]
        return self._person_page(number, None, HTTPStatus.BAD_REQUEST, address=form)

    def _refused(self, number: int, refusal: str) -> Response:
        return self._person_page(number, None, HTTPStatus.CONFLICT, refusal)

    def _person_page(
        self, number: int, form: RolesForm | None, status: int, refusal: str = "", address: AddressForm | None = None
    ) -> Response:
        person, did = find_office_person(self._services.stores, number), request.args.get("did", "")
        return render_page_of(
            "office",
            "staff/person.html",
            page_language(),
            status=int(status),
            area="staff",
            person=person,
            form=form or RolesForm(formdata=None, roles=list(person.account.roles)),
            address=address or AddressForm(formdata=None, email=person.address),
            roles=OFFICE_ROLES,
            is_self=number == g.account.id,
            refusal=(refusal, "") if refusal else None,
            did=did if did in DONE and not refusal else "",
        )

    def _invited(self, invitation: OfficeInvitation) -> Response:
        settings, address = self._services.settings, invitation.person.address
        is_sent, is_asked = False, bool(address) and settings.mail is not None
        if is_asked:
            try:
                send_office_invitation(settings, invitation)
                is_sent = True
            except MailFailure:
                is_sent = False
        return render_page_of(
            "office",
            "staff/invited.html",
            page_language(),
            area="staff",
            invitation=invitation,
            address=f"{settings.public_url or ''}{INVITED}",
            is_asked=is_asked,
            is_sent=is_sent,
            until=invitation.until.date(),
        )


def add_staff_pages(blueprint: Blueprint, services: Services) -> None:
    """Give the office the pages about its own people."""
    pages = StaffPages(services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    one = "/staff/<int(max=2147483647):number>"
    add("/staff", "staff", pages.staff, methods=both)
    add(one, "staff_person", pages.person, methods=["GET"])
    add(f"{one}/<any(roles, shut_out, let_in, reset, invite):what>", "staff_change", pages.change, methods=["POST"])
