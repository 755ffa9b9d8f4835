"""The forms of the office's pages about rounds."""

import math
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms import (
    DateField,
    Field,
    FileField,
    FloatField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, StopValidation

from survey.rounds import DEFAULT_CAP, MOST_A_DAY
from survey.web.forms import OfficeForm

MOST_CODES = 20_000
LONGEST_COUNT = 12
SLUG_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]")


class CountField(IntegerField):  # type: ignore[misc]
    """A count that people type: what has more digits than any count of ours is no number to compute with."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist and len(valuelist[0]) > LONGEST_COUNT:
            self.data = None
            raise ValueError("error_count")
        super().process_formdata(valuelist)


class FigureField(FloatField):  # type: ignore[misc]
    """A number that people type, with a decimal comma or point."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip().replace(",", ".") if valuelist else ""
        try:
            number = float(text) if text and len(text) <= LONGEST_COUNT else math.nan
        except ValueError:
            number = math.nan
        self.data = number if math.isfinite(number) else None
        if self.data is None:
            raise ValueError("error_number")


FILE_TYPES = ("csv", "xlsx", "slips")


def has_content(form: object, field: Field) -> None:
    # A browser sends an empty part without a name where no file was chosen.
    if not getattr(field.data, "filename", ""):
        raise StopValidation("error_file")


def _file_type() -> RadioField:
    return RadioField(choices=list(FILE_TYPES), default="csv", validators=[InputRequired("error_choice")])


class BatchForm(OfficeForm):
    batch = FileField(validators=[has_content])
    file_type = _file_type()


class SlipsForm(OfficeForm):
    codes = FileField(validators=[has_content])


class FiguresForm(OfficeForm):
    figures = FileField(validators=[has_content])


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


def not_before_opening(form: Any, field: Field) -> None:
    """Stop where the last day of a form comes before its first."""
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


class CorrectionForm(OfficeForm):
    reason = _line(200, is_required=True)
    figures = FileField()


class RoundForm(OfficeForm):
    title_vi = _line(200, is_required=True)
    title_en = _line(200, is_required=True)
    slug = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[DataRequired("error_required"), Regexp(SLUG_PATTERN.pattern + r"\Z", message="error_slug")],
    )
    opens_on = DateField(validators=[InputRequired("error_date")])
    closes_on = DateField(validators=[InputRequired("error_date"), not_before_opening])
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
