"""The forms about a round's list of people."""

from collections.abc import Sequence

from wtforms import (
    BooleanField,
    DateField,
    FileField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from survey.frame_cleaning import ROLES
from survey.frames import KINDS
from survey.web.forms import OfficeForm
from survey.web.office.forms import CountField, FigureField

LARGEST_SEED = 2**53 - 1


class UploadForm(OfficeForm):
    """A list, what it lists, and the day on which it is erased."""

    kind = RadioField(choices=list(KINDS), default="transactions", validators=[InputRequired("error_choice")])
    list = FileField()
    erase_on = DateField(validators=[InputRequired("error_date")])


class CleaningForm(OfficeForm):
    """What the columns mean, and which rows belong."""

    key = SelectField(default="")
    unit = SelectField(default="")
    stratum = SelectField(default="")
    cluster = SelectField(default="")
    day = SelectField(default="")
    phone = SelectField(default="")
    tax_code = SelectField(default="")
    same_person = SelectMultipleField()
    first_day = DateField(validators=[Optional()])
    last_day = DateField(validators=[Optional()])
    needs_phone = BooleanField()
    needs_tax_code = BooleanField()
    reads_each = BooleanField()

    def offer(self, columns: Sequence[str]) -> None:
        """Offer the columns of a list; the empty one means none."""
        for role in ROLES:
            self[role].choices = [("", ""), *((name, name) for name in columns)]
        self.same_person.choices = [(name, name) for name in columns]


class DrawingForm(OfficeForm):
    """How many people are drawn, and how."""

    rule = RadioField(
        choices=["honest", "circular", "fixed"], default="honest", validators=[InputRequired("error_choice")]
    )
    margin = FigureField(default=5.0, validators=[InputRequired("error_number"), NumberRange(0.5, 30, "error_number")])
    share = FigureField(default=85.0, validators=[InputRequired("error_number"), NumberRange(1, 99, "error_number")])
    response = FigureField(
        default=70.0, validators=[InputRequired("error_number"), NumberRange(1, 100, "error_number")]
    )
    fixed = CountField(default=100, validators=[Optional(), NumberRange(1, 1_000_000, "error_number")])
    per_cluster = CountField(validators=[Optional(), NumberRange(1, 10_000, "error_number")])
    seed = IntegerField(validators=[Optional(), NumberRange(0, LARGEST_SEED, "error_number")])
