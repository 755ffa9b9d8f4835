"""The office's forms: each carries a token against forged posts, and names what is wrong by the key of a text."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Field,
    FileField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, StopValidation

from survey.rounds import DEFAULT_CAP, MOST_A_DAY

MOST_CODES = 20_000
LONGEST_COUNT = 12
SLUG_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")

_LIBRARY_MESSAGES = {
    "Not a valid date value.": "error_date",
    "Not a valid integer value.": "error_count",
    "Not a valid choice.": "error_choice",
    "Not a valid choice": "error_choice",
}


class _Keys:
    """Turns the form library's own English sentences into keys of our texts."""

    def gettext(self, string: str) -> str:
        return _LIBRARY_MESSAGES.get(string, string if string.startswith("error_") else "error_choice")

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return "error_choice"


class OfficeForm(FlaskForm):  # type: ignore[misc]
    """A form of the office; `problems()` lists its fields with the key of what is wrong."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def get_translations(self, form: object) -> _Keys:
            return _Keys()

    def problems(self) -> list[tuple[str, str]]:
        """The fields that are wrong, in the order of the page: (field name, key of the text that says so)."""
        return [(field.name, str(field.errors[0])) for field in self if field.errors and field.name != "csrf_token"]


class CountField(IntegerField):  # type: ignore[misc]
    """A count that people type: what has more digits than any count of ours is no number to compute with."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist and len(valuelist[0]) > LONGEST_COUNT:
            self.data = None
            raise ValueError("error_count")
        super().process_formdata(valuelist)


class ConfirmForm(OfficeForm):
    """Nothing but the token: the press of a button."""


class SignInForm(OfficeForm):
    login = StringField(validators=[InputRequired("error_login_required"), Length(max=64, message="error_too_long")])
    password = StringField(
        validators=[InputRequired("error_password_required"), Length(max=1024, message="error_too_long")]
    )


FILE_TYPES = ("csv", "xlsx", "slips")


def _has_content(form: object, field: Field) -> None:
    # A browser sends an empty part without a name where no file was chosen.
    if not getattr(field.data, "filename", ""):
        raise StopValidation("error_file")


def _file_type() -> RadioField:
    return RadioField(choices=list(FILE_TYPES), default="csv", validators=[InputRequired("error_choice")])


class BatchForm(OfficeForm):
    batch = FileField(validators=[_has_content])
    file_type = _file_type()


class SlipsForm(OfficeForm):
    codes = FileField(validators=[_has_content])


class FiguresForm(OfficeForm):
    figures = FileField(validators=[_has_content])


class StandsForm(OfficeForm):
    unit = SelectField(validators=[InputRequired("error_choice")])

    def offer(self, units: Sequence[str]) -> None:
        """Offer these units, and all of them together as the choice `*`."""
        self.unit.choices = [("*", ""), *((code, code) for code in units)]


class CodesForm(OfficeForm):
    unit = SelectField(validators=[InputRequired("error_choice")])
    count = CountField(
        validators=[InputRequired("error_count"), NumberRange(min=1, max=MOST_CODES, message="error_count")]
    )
    channel = SelectField(validators=[InputRequired("error_choice")])
    file_type = _file_type()

    def offer(self, units: Sequence[str], channels: Sequence[str]) -> None:
        """Offer these units, and all of them together as the choice `*`."""
        self.unit.choices = [("", ""), ("*", ""), *((code, code) for code in units)]
        self.channel.choices = [(channel, channel) for channel in channels]


def _not_before_opening(form: "RoundForm", field: Field) -> None:
    if isinstance(form.opens_on.data, date) and isinstance(field.data, date) and field.data < form.opens_on.data:
        raise StopValidation("error_date_order")


def _line(longest: int, *, is_required: bool = False) -> StringField:
    required = [DataRequired("error_required")] if is_required else []
    return StringField(
        filters=[lambda text: " ".join(text.split()) if text else ""],
        validators=[*required, Length(max=longest, message="error_too_long")],
    )


class ReconcileForm(OfficeForm):
    reason = _line(400, is_required=True)


class RoundForm(OfficeForm):
    title_vi = _line(200, is_required=True)
    title_en = _line(200, is_required=True)
    slug = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[DataRequired("error_required"), Regexp(SLUG_PATTERN.pattern + r"\Z", message="error_slug")],
    )
    opens_on = DateField(validators=[InputRequired("error_date")])
    closes_on = DateField(validators=[InputRequired("error_date"), _not_before_opening])
    questionnaire = SelectField(validators=[InputRequired("error_choice")])
    modules = SelectMultipleField()
    bloc = SelectField()
    kinds = SelectMultipleField()
    open_link = SelectMultipleField(choices=[("yes", "yes")])
    open_link_cap = CountField(
        default=DEFAULT_CAP,
        validators=[Optional(), NumberRange(min=1, max=MOST_A_DAY, message="error_count")],
    )
    issuer_vi = _line(200, is_required=True)
    issuer_en = _line(200, is_required=True)
    decision = _line(200)
    hotline = _line(100)
    design = FileField()
    plan = FileField()

    def offer(
        self, questionnaires: Sequence[str], modules: Sequence[str], blocs: Sequence[str], kinds: Sequence[str]
    ) -> None:
        """Offer these choices; the empty bloc means every bloc."""
        self.questionnaire.choices = [("", ""), *((reference, reference) for reference in questionnaires)]
        self.modules.choices = [(reference, reference) for reference in modules]
        self.bloc.choices = [("", ""), *((code, code) for code in blocs)]
        self.kinds.choices = [(kind, kind) for kind in kinds]
