"""The portal's forms."""

from collections.abc import Sequence

from wtforms import DateField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from survey.promises import LONGEST_PROMISE
from survey.storage.portal import PROMISE_STATES
from survey.web.forms import OfficeForm

LONGEST_OBJECTION = 2_000


def _words(text: str | None) -> str:
    return " ".join(text.split()) if text else ""


class PromiseForm(OfficeForm):
    node = SelectField(validators=[])
    text = StringField(
        filters=[_words],
        validators=[DataRequired("error_promise_required"), Length(max=LONGEST_PROMISE, message="error_promise_long")],
    )
    due = DateField(validators=[InputRequired("error_due")])

    def offer(self, nodes: Sequence[str]) -> None:
        """Offer these criteria; the empty choice is the service as a whole."""
        self.node.choices = [("", ""), *((node, node) for node in nodes)]


class PromiseStateForm(OfficeForm):
    state = SelectField(
        choices=[(state, state) for state in PROMISE_STATES], validators=[InputRequired("error_choice")]
    )
    outcome = StringField(filters=[_words], validators=[Length(max=LONGEST_PROMISE, message="error_promise_long")])


class ObjectionForm(OfficeForm):
    text = StringField(
        filters=[lambda text: text.strip() if text else ""],
        validators=[
            DataRequired("error_objection_required"),
            Length(max=LONGEST_OBJECTION, message="error_objection_long"),
        ],
    )
