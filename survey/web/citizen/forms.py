"""The citizen's form as Flask-WTF sees it: fields made from the questionnaire, and one proof, the invitation's code.

Where several units are rated, the fields of the sections that are asked per unit come once for each unit that was
chosen, named `UNIT.ITEM`. Between the page on which units are chosen and the page with the questions nothing is kept
on the server: each page carries all that was typed on the other one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, HiddenField, RadioField, SelectMultipleField, StringField

from questionnaires.answers import AnswerProblem, CheckedAnswers, check_answers, field_name, largest_answers_bytes
from questionnaires.model import Item, Questionnaire, Section
from survey.intake import new_nonce

MOST_FIELDS = 500
LARGEST_BODY = 64 * 1024
# What stands for a code in a round with an open link; no item can be called so.
PROOF, TICKET = "form-proof", "form-ticket"
_NONCE = re.compile(r"[A-Za-z0-9_-]{20,64}")
# A letter of three bytes travels as nine characters.
_ENCODED_BYTES = 3
_LONGEST_FIELD_NAME = 128


class AnswersForm(FlaskForm):  # type: ignore[misc]
    """Answers kept as they were typed; whether they are answers is decided by the questionnaire alone."""

    class Meta:
        # No session, no cookie: who knows an unused code may answer, and nobody else has anything to gain here.
        csrf = False

    def field_of(self, item: Item) -> Field:
        """The field that holds what was typed for an item."""
        return self[_attribute(item)]

    def typed(self, item: Item) -> tuple[str, ...]:
        """The values that came for an item, in the order they came."""
        return tuple(str(value) for value in self.field_of(item).raw_data or () if value)


class BallotForm(AnswersForm):
    """What was typed on a citizen's page; `ratings` holds the answers about each chosen unit by its code."""

    code = StringField()
    nonce = HiddenField()
    lang = HiddenField()
    part = HiddenField(name="form-part")
    proof = HiddenField(name=PROOF)
    ticket = HiddenField(name=TICKET)
    ratings: Mapping[str, AnswersForm] = {}

    def typed_for(self, item: Item, unit: str = "") -> tuple[str, ...]:
        """What came for an item, or for an item that is asked per unit, about that unit."""
        return self.ratings[unit].typed(item) if unit else self.typed(item)


class UnreadableFormError(ValueError):
    """The body is no form: bytes that are no UTF-8, or more fields than any questionnaire has."""


def read_body(body: bytes, most_fields: int = MOST_FIELDS) -> MultiDict[str, str]:
    """The fields of a posted form; raises UnreadableFormError instead of guessing at bytes that are no UTF-8."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=most_fields
        )
    except ValueError as problem:
        raise UnreadableFormError from problem
    return MultiDict(pairs)


def most_fields_of(questionnaire: Questionnaire) -> int:
    """How many fields a form may have: those of any questionnaire, and where several units are rated, theirs."""
    if not questionnaire.rates_several_units:
        return MOST_FIELDS
    n_fields = sum(len(item.accepted_codes) + 1 for item in _items_of(questionnaire.per_unit_sections))
    return MOST_FIELDS + questionnaire.most_units * n_fields


def largest_body_of(questionnaire: Questionnaire) -> int:
    """How many bytes a form may have: enough for the longest answers about as many units as may be rated."""
    if not questionnaire.rates_several_units:
        return LARGEST_BODY
    names = _LONGEST_FIELD_NAME * most_fields_of(questionnaire)
    return max(LARGEST_BODY, _ENCODED_BYTES * largest_answers_bytes(questionnaire) + names)


def blank_form(questionnaire: Questionnaire, language: str) -> BallotForm:
    """A form that nobody has typed into yet, with a nonce of its own."""
    form: BallotForm = _form_class(questionnaire)(formdata=None)
    form.nonce.data = new_nonce()
    form.lang.data = language
    return form


def filled_form(
    questionnaire: Questionnaire, sent: MultiDict[str, str], language: str, units: Iterable[str] = ()
) -> BallotForm:
    """The form with what was sent; it keeps its nonce, so that sending it twice stores it once.

    :param units: the codes of the units that were chosen where several are rated.
    """
    form: BallotForm = _form_class(questionnaire)(formdata=sent)
    if questionnaire.rates_several_units:
        rating = _rating_class(questionnaire)
        form.ratings = {unit: rating(formdata=sent, prefix=field_name("", unit)) for unit in units}
    form.nonce.data = nonce_of(sent)
    form.lang.data = language
    if not re.fullmatch(r"[0-9]{1,2}", form.part.data or ""):
        form.part.data = ""
    return form


def nonce_of(sent: MultiDict[str, str]) -> str:
    """The nonce that the form came with; a new one where it has none that a page of ours could have had."""
    nonce = sent.get("nonce", "")
    return nonce if _NONCE.fullmatch(nonce) else new_nonce()


def carried_fields(
    questionnaire: Questionnaire, sent: MultiDict[str, str], units: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """The answers among what was sent, by field, for a page that does not show them but must not lose them."""
    items = [(item, "") for item in _items_of(questionnaire.common_sections)]
    items += [(item, unit) for unit in units for item in _items_of(questionnaire.per_unit_sections)]
    names = [field_name(item.code, unit) for item, unit in items]
    return tuple((name, value) for name in names for value in sent.getlist(name) if value)


def checked(
    questionnaire: Questionnaire, sent: Mapping[str, Sequence[str]], units: Sequence[str] = ()
) -> CheckedAnswers | tuple[AnswerProblem, ...]:
    """The answers, or what is wrong with them; the questionnaire's routing decides what counts."""
    return check_answers(questionnaire, sent, units)


@lru_cache(maxsize=32)
def _form_class(questionnaire: Questionnaire) -> type[BallotForm]:
    fields = {_attribute(item): _field(item) for item in _items_of(questionnaire.common_sections)}
    return type("QuestionnaireForm", (BallotForm,), fields)


@lru_cache(maxsize=32)
def _rating_class(questionnaire: Questionnaire) -> type[AnswersForm]:
    fields = {_attribute(item): _field(item) for item in _items_of(questionnaire.per_unit_sections)}
    return type("RatingForm", (AnswersForm,), fields)


def _items_of(sections: Iterable[Section]) -> tuple[Item, ...]:
    return tuple(item for section in sections for item in section.items)


def _attribute(item: Item) -> str:
    # An item may be called `data` or `errors`, which on a form mean something else.
    return f"item_{item.code}"


def _field(item: Item) -> Field:
    if item.kind == "single":
        return RadioField(name=item.code, choices=list(item.accepted_codes), validate_choice=False)
    if item.kind == "multiple":
        return SelectMultipleField(name=item.code, choices=list(item.accepted_codes), validate_choice=False)
    return StringField(name=item.code)
