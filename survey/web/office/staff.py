"""The people of the office: an administrator invites them, gives them roles, shuts them out; an auditor looks on."""

from http import HTTPStatus

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from survey.errors import BadInput, WrongState
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
from survey.permissions import OFFICE_ROLES, PERMISSIONS
from survey.services import Services
from survey.web.accounts.session import now
from survey.web.forms import OfficeForm
from survey.web.pages import page_language, render_page_of

DONE = frozenset({"roles", "shut_out", "let_in", "reset"})
# Rights of the office; those of the units' people are not an administrator's to give.
RIGHTS = tuple(right for right in PERMISSIONS if not right.startswith(("portal.", "account.")))
_LOGIN = r"\s*[A-Za-z0-9][A-Za-z0-9._-]{1,39}\s*\Z"


class RolesForm(OfficeForm):
    roles = SelectMultipleField(
        choices=[(role, role) for role in OFFICE_ROLES], validators=[DataRequired("error_roles")]
    )


class StaffForm(RolesForm):
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
                    )
                except BadInput:
                    form.login.errors = ["error_login_taken"]
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

    def person(self, number: int) -> AnyResponse:
        """One of them: their roles, and what can be done about their way in."""
        person = find_office_person(self._services.stores, number)
        form = RolesForm(formdata=None, roles=list(person.account.roles))
        return self._person_page(number, form, HTTPStatus.OK)

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
                return self._invited(invite_again(services.stores, services.secrets, number, actor=actor, now=now()))
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

    def _refused(self, number: int, refusal: str) -> Response:
        person = find_office_person(self._services.stores, number)
        form = RolesForm(formdata=None, roles=list(person.account.roles))
        return self._person_page(number, form, HTTPStatus.CONFLICT, refusal)

    def _person_page(self, number: int, form: RolesForm, status: int, refusal: str = "") -> Response:
        did = request.args.get("did", "")
        return render_page_of(
            "office",
            "staff/person.html",
            page_language(),
            status=int(status),
            area="staff",
            person=find_office_person(self._services.stores, number),
            form=form,
            roles=OFFICE_ROLES,
            is_self=number == g.account.id,
            refusal=(refusal, "") if refusal else None,
            did=did if did in DONE and not refusal else "",
        )

    def _invited(self, invitation: OfficeInvitation) -> Response:
        return render_page_of(
            "office",
            "staff/invited.html",
            page_language(),
            area="staff",
            invitation=invitation,
            address=f"{self._services.settings.public_url or ''}{url_for('office.invited', lang=None)}",
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
