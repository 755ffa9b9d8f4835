"""The forms of a round's set-up."""

from collections.abc import Sequence

from wtforms import DateField, FileField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from survey.round_setup import CHANNELS
from survey.rounds import DEFAULT_CAP, MOST_A_DAY
from survey.web.forms import OfficeForm
from survey.web.office.forms import SLUG_PATTERN, CountField, FigureField, not_before_opening

MOST_ASKED = 1_000_000


def _line(longest: int, *, is_required: bool = False) -> StringField:
    required = [DataRequired("error_required")] if is_required else []
    return StringField(
        filters=[lambda text: " ".join(text.split()) if text else ""],
        validators=[*required, Length(max=longest, message="error_too_long")],
    )


class BeginningForm(OfficeForm):
    """What a round is called, what it asks and when."""

    questionnaire = SelectField(validators=[InputRequired("error_choice")])
    modules = SelectMultipleField()
    title_vi = _line(200, is_required=True)
    title_en = _line(200, is_required=True)
    slug = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[DataRequired("error_required"), Regexp(SLUG_PATTERN.pattern + r"\Z", message="error_slug")],
    )
    opens_on = DateField(validators=[InputRequired("error_date")])
    closes_on = DateField(validators=[InputRequired("error_date"), not_before_opening])

    def offer(self, questionnaires: Sequence[str], modules: Sequence[str]) -> None:
        """Offer these questionnaires, and these to be asked along."""
        self.questionnaire.choices = [("", ""), *((reference, reference) for reference in questionnaires)]
        self.modules.choices = [(reference, reference) for reference in modules]


class UnitsForm(OfficeForm):
    """Which units are rated, and how many people are asked in each."""

    units = SelectMultipleField(validators=[InputRequired("error_choice")])
    rule = RadioField(
        choices=["honest", "circular", "fixed"], default="honest", validators=[InputRequired("error_choice")]
    )
    margin = FigureField(default=5.0, validators=[InputRequired("error_number"), NumberRange(0.5, 30, "error_number")])
    share = FigureField(default=85.0, validators=[InputRequired("error_number"), NumberRange(1, 99, "error_number")])
    response = FigureField(
        default=70.0, validators=[InputRequired("error_number"), NumberRange(1, 100, "error_number")]
    )
    deff = FigureField(default=1.0, validators=[InputRequired("error_number"), NumberRange(0.1, 50, "error_number")])
    fixed = CountField(default=100, validators=[Optional(), NumberRange(1, MOST_ASKED, "error_number")])


class HowForm(OfficeForm):
    """The title, which channels and languages, in whose name, who holds the key, and what the plan says."""

    title_vi = _line(200, is_required=True)
    title_en = _line(200, is_required=True)
    opens_on = DateField(validators=[InputRequired("error_date")])
    closes_on = DateField(validators=[InputRequired("error_date"), not_before_opening])
    channels = SelectMultipleField(choices=list(CHANNELS), validators=[InputRequired("error_choice")])
    open_link_cap = CountField(default=DEFAULT_CAP, validators=[Optional(), NumberRange(1, MOST_A_DAY, "error_number")])
    languages = SelectMultipleField()
    issuer_vi = _line(200, is_required=True)
    issuer_en = _line(200, is_required=True)
    decision = _line(200)
    hotline = _line(100, is_required=True)
    key_holding = RadioField(choices=["people", "machine"], validators=[InputRequired("error_choice")])
    profile = SelectField(default="")
    embargo_days = CountField(default=0, validators=[Optional(), NumberRange(0, 90, "error_number")])
    approvals = CountField(default=0, validators=[Optional(), NumberRange(0, 5, "error_number")])
    plan = FileField()
    design = FileField()


class UnitTableForm(OfficeForm):
    """A table of units."""

    table = FileField()
