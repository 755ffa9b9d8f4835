"""The forms with which officers show who they are and change their own way in."""

from collections.abc import Sequence

from wtforms import Field, RadioField, StringField
from wtforms.validators import InputRequired, Length, StopValidation

from survey.web.office.forms import OfficeForm

LONGEST = 1_024


def _secret(missing: str) -> StringField:
    return StringField(validators=[InputRequired(missing), Length(max=LONGEST, message="error_too_long")])


class CodeForm(OfficeForm):
    code = _secret("error_code_required")


class ProofForm(OfficeForm):
    """The password again, and a code of the second factor where the officer has one."""

    password = _secret("error_password_required")
    code = _secret("error_code_required")


def _same_twice(form: "PasswordForm", field: Field) -> None:
    if field.data != form.new_password.data:
        raise StopValidation("error_password_differs")


class PasswordForm(ProofForm):
    new_password = _secret("error_password_new_required")
    again = StringField(validators=[_same_twice])


class SecondFactorForm(ProofForm):
    """`offer` is the key of the new app, sealed, which the page showed; `new_code` are the first digits it gave."""

    offer = StringField()
    new_code = _secret("error_code_required")


class SessionsForm(OfficeForm):
    session = RadioField(validators=[InputRequired("error_session_required")])
    password = _secret("error_password_required")

    def offer(self, names: Sequence[str]) -> None:
        """Offer these sessions, and all of them together as the choice `*`."""
        self.session.choices = [*((name, name) for name in names), ("*", "")]
