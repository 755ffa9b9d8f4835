"""The citizen's form as Flask-WTF sees it: fields made from the questionnaire, and one proof, the invitation's code."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, HiddenField, RadioField, SelectMultipleField, StringField

from questionnaires.answers import AnswerProblem, CheckedAnswers, check_answers
from questionnaires.model import Item, Questionnaire
from survey.intake import new_nonce

MOST_FIELDS = 500
_NONCE = re.compile(r"[A-Za-z0-9_-]{20,64}")


class BallotForm(FlaskForm):  # type: ignore[misc]
    """What was typed, kept as it was typed; whether it is an answer is decided by the questionnaire alone."""

    class Meta:
        # No session, no cookie: who knows an unused code may answer, and nobody else has anything to gain here.
        csrf = False

    code = StringField()
    nonce = HiddenField()
    lang = HiddenField()
    part = HiddenField(name="form-part")

    def field_of(self, item: Item) -> Field:
        """The field that holds what was typed for an item."""
        return self[_attribute(item)]

    def typed(self, item: Item) -> tuple[str, ...]:
        """The values that came for an item, in the order they came."""
        return tuple(str(value) for value in self.field_of(item).raw_data or () if value)


class UnreadableFormError(ValueError):
    """The body is no form: bytes that are no UTF-8, or more fields than any questionnaire has."""


def read_body(body: bytes) -> MultiDict[str, str]:
    """The fields of a posted form; raises UnreadableFormError instead of guessing at bytes that are no UTF-8."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as problem:
        raise UnreadableFormError from problem
    return MultiDict(pairs)


def blank_form(questionnaire: Questionnaire, language: str) -> BallotForm:
    """A form that nobody has typed into yet, with a nonce of its own."""
    form = _form_class(questionnaire)(formdata=None)
    form.nonce.data = new_nonce()
    form.lang.data = language
    return form


def filled_form(questionnaire: Questionnaire, sent: MultiDict[str, str], language: str) -> BallotForm:
    """The form with what was sent; it keeps its nonce, so that sending it twice stores it once."""
    form = _form_class(questionnaire)(formdata=sent)
    if not _NONCE.fullmatch(form.nonce.data or ""):
        form.nonce.data = new_nonce()
    form.lang.data = language
    if not re.fullmatch(r"[0-9]{1,2}", form.part.data or ""):
        form.part.data = ""
    return form


def checked(
    questionnaire: Questionnaire, sent: Mapping[str, Sequence[str]]
) -> CheckedAnswers | tuple[AnswerProblem, ...]:
    """The answers, or what is wrong with them; the questionnaire's routing decides what counts."""
    return check_answers(questionnaire, sent)


@lru_cache(maxsize=32)
def _form_class(questionnaire: Questionnaire) -> type[BallotForm]:
    fields = {_attribute(item): _field(item) for item in questionnaire.items}
    return type("QuestionnaireForm", (BallotForm,), fields)


def _attribute(item: Item) -> str:
    # An item may be called `data` or `errors`, which on a form mean something else.
    return f"item_{item.code}"


def _field(item: Item) -> Field:
    if item.kind == "single":
        return RadioField(name=item.code, choices=list(item.accepted_codes), validate_choice=False)
    if item.kind == "multiple":
        return SelectMultipleField(name=item.code, choices=list(item.accepted_codes), validate_choice=False)
    return StringField(name=item.code)
