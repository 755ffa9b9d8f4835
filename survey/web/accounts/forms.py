"""The forms with which people show who they are and change their own way in."""

from collections.abc import Sequence

from wtforms import Field, RadioField, StringField
from wtforms.validators import InputRequired, Length, StopValidation

from survey.web.forms import OfficeForm

LONGEST = 1_024


def _secret(missing: str) -> StringField:
    return StringField(validators=[InputRequired(missing), Length(max=LONGEST, message="error_too_long")])


class SignInForm(OfficeForm):
    login = StringField(validators=[InputRequired("error_login_required"), Length(max=64, message="error_too_long")])
    password = StringField(
        validators=[InputRequired("error_password_required"), Length(max=1024, message="error_too_long")]
    )


class CodeForm(OfficeForm):
    code = _secret("error_code_required")


class ProofForm(OfficeForm):
    """The password again, and a code of the second factor where the officer has one."""

    password = _secret("error_password_required")
    code = _secret("error_code_required")


def _same_twice(form: "PasswordForm | InvitedForm", field: Field) -> None:
    if field.data != form.new_password.data:
        raise StopValidation("error_password_differs")


class PasswordForm(ProofForm):
    new_password = _secret("error_password_new_required")
    again = StringField(validators=[_same_twice])


class InvitedForm(OfficeForm):
    """The code of an invitation, and the password that its owner chooses."""

    invitation = StringField(validators=[InputRequired("error_invitation"), Length(max=100, message="error_too_long")])
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


class PasskeyForm(ProofForm):
    """`answer` is what the device said, as the page's script spells it; `name` is what its owner calls it."""

    name = StringField(
        filters=[lambda text: " ".join(text.split()) if text else ""],
        validators=[InputRequired("error_passkey_name"), Length(max=60, message="error_too_long")],
    )
    answer = StringField()


class RemovePasskeyForm(ProofForm):
    """The password again, and a code where there is one; nothing else."""
