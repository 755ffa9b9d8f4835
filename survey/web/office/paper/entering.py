"""Keying forms: a form is found by its code, keyed by two people, and settled where they read it differently."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import DataRequired, Optional

from questionnaires.keying import KeyedForm, KeyProblem, check_keys, key_fields
from questionnaires.model import Questionnaire
from survey.codes import read_code, spell_typed
from survey.errors import WrongState
from survey.paper_entry import (
    Desk,
    FoundForm,
    differing_pair,
    discard_entries,
    enter_form,
    find_form,
    round_on_paper,
    settle_form,
)
from survey.paper_versions import fingerprint_of, read_fingerprint, version_of, version_on_paper
from survey.round_records import RoundRecord, load_questionnaire_of, units_of_round
from survey.services import Services, today
from survey.units import UnitRecord
from survey.web.forms import OfficeForm
from survey.web.office.forms import CountField
from survey.web.office.paper.showing import control_of, differing_rows, field_names, groups_of
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line
from survey.web.pages import catalogue_of, page_language, render_page_of

DID = frozenset({"kept", "received", "differs", "discarded"})
LONGEST_TYPED = 6_000


class StartForm(OfficeForm):
    """The code and the version on a form, and how many units it rates."""

    code = StringField(validators=[DataRequired("error_required")])
    fingerprint = StringField(validators=[DataRequired("error_required")])
    places = CountField(default=1, validators=[Optional()])


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A form on the clerk's desk: its round, what it asks, and the code that was typed."""

    record: RoundRecord
    questionnaire: Questionnaire
    units: tuple[UnitRecord, ...]
    desk: Desk
    code: str
    fingerprint: str
    n_places: int


class EntryPages:
    """The desk at which forms are keyed, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def enter(self, slug: str) -> AnyResponse:
        """Asks for a form's code and version; posted, shows its screen, checks what was keyed, and keeps it."""
        record, _ = find_line(self._services, slug, page_language())
        form = StartForm()
        if request.method != "POST":
            return self._start(record, StartForm(formdata=None), HTTPStatus.OK)
        sheet = self._sheet(record, form)
        if sheet is None:
            return self._start(record, form, HTTPStatus.CONFLICT)
        step = request.form.get("step", "open")
        typed = self._typed(sheet)
        if not form.validate() or self._is_wrong(sheet, form):
            if step == "open":
                return self._start(record, form, HTTPStatus.BAD_REQUEST)
            # A session that ended in the middle brings everything back but the code.
            return self._screen(sheet, form, typed, KeyedForm(None), HTTPStatus.BAD_REQUEST, asks_code=True)
        found = find_form(sheet.desk, sheet.code)
        if not isinstance(found, FoundForm):
            form.code.errors = [f"paper_code_{found}"]
            return self._start(record, form, HTTPStatus.CONFLICT)
        if found.task == "settle":
            return self._settling(sheet, found, (), {}, HTTPStatus.OK)
        if step == "open":
            return self._screen(sheet, form, {}, KeyedForm(None), HTTPStatus.OK, found)
        return self._kept(sheet, form, typed, found, is_check=step != "save")

    def settle(self, slug: str) -> AnyResponse:
        """Posted by the page that shows two entries side by side: what the paper says, or that both be forgotten."""
        record, _ = find_line(self._services, slug, page_language())
        form = StartForm()
        sheet = self._sheet(record, form)
        if sheet is None:
            return self._start(record, form, HTTPStatus.CONFLICT)
        if not form.validate() or self._is_wrong(sheet, form):
            return self._start(record, form, HTTPStatus.BAD_REQUEST)
        found = find_form(sheet.desk, sheet.code)
        if not isinstance(found, FoundForm):
            form.code.errors = [f"paper_code_{found}"]
            return self._start(record, form, HTTPStatus.CONFLICT)
        pair = differing_pair(sheet.desk, sheet.code)
        if found.task != "settle" or pair is None:
            form.code.errors = ["paper_code_settled"]
            return self._start(record, form, HTTPStatus.CONFLICT)
        if request.form.get("step") == "discard":
            discard_entries(sheet.desk, sheet.code)
            return self._done(record, "discarded")
        chosen: dict[str, str] = {}
        undecided = []
        for name in pair.fields:
            control = control_of(name)
            choice = request.form.get(f"{control}-is", "")
            if choice not in ("first", "second", "other"):
                undecided.append(KeyProblem(name, "required"))
            entry = {"first": pair.first, "second": pair.second}.get(choice)
            chosen[name] = entry.get(name, "") if entry is not None else request.form.get(control, "")[:LONGEST_TYPED]
        if undecided:
            return self._settling(sheet, found, undecided, chosen, HTTPStatus.BAD_REQUEST)
        outcome = settle_form(sheet.desk, sheet.code, chosen, [unit.code for unit in sheet.units])
        if isinstance(outcome, KeyedForm):
            return self._settling(sheet, found, outcome.problems, chosen, HTTPStatus.BAD_REQUEST)
        if outcome != "received":
            form.code.errors = [f"paper_code_{outcome}"]
            return self._start(record, form, HTTPStatus.CONFLICT)
        return self._done(record, "received")

    def _kept(
        self, sheet: _Sheet, form: StartForm, typed: Mapping[str, str], found: FoundForm, *, is_check: bool
    ) -> AnyResponse:
        keyed = check_keys(sheet.questionnaire, typed, [unit.code for unit in sheet.units])
        if keyed.answers is None:
            return self._screen(sheet, form, typed, keyed, HTTPStatus.BAD_REQUEST, found)
        # What does not count is said before it is left out: a key for the question above may have been mistyped.
        was_told = request.form.get("told", "") == " ".join(keyed.not_due)
        if is_check or (keyed.not_due and not was_told):
            return self._screen(sheet, form, typed, keyed, HTTPStatus.OK, found, was_checked=True)
        outcome = enter_form(sheet.desk, sheet.code, keyed)
        if outcome in ("kept", "received", "differs"):
            return self._done(sheet.record, outcome)
        form.code.errors = [f"paper_code_{outcome}"]
        return self._start(sheet.record, form, HTTPStatus.CONFLICT)

    def _sheet(self, record: RoundRecord, form: StartForm) -> _Sheet | None:
        """What lies on the desk; None where nothing can be keyed for the round now."""
        if not _is_open(record):
            return None
        services = self._services
        questionnaire = load_questionnaire_of(services.stores, record)
        try:
            open_round = round_on_paper(record, questionnaire, today())
        except WrongState:
            return None
        desk = Desk(
            services.stores,
            services.secrets,
            open_round,
            questionnaire,
            g.account.login,
            today(),
            services.settings.must_have_second_person,
        )
        places = form.places.data
        n_places = min(max(places if isinstance(places, int) else 1, 1), questionnaire.most_units)
        units = units_of_round(services.stores, record)
        typed = form.code.data or ""
        read = read_code(typed)
        code = spell_typed(int.from_bytes(read[1], "big")) if read is not None and read[0] == "typed" else typed
        return _Sheet(record, questionnaire, units, desk, code or typed, form.fingerprint.data or "", n_places)

    def _is_wrong(self, sheet: _Sheet, form: StartForm) -> bool:
        """Whether the code is none, or the paper is of another version; the form then says so."""
        if not form.code.errors:
            read = read_code(sheet.code)
            if read is None or read[0] != "typed":
                form.code.errors = ["paper_code_mistyped"]
        fingerprint = read_fingerprint(sheet.fingerprint)
        if not form.fingerprint.errors and fingerprint != fingerprint_of(sheet.questionnaire.content_hash):
            is_known = fingerprint is not None and version_on_paper(self._services.stores, fingerprint)
            key = "known" if is_known else "mistyped" if fingerprint is None else "unknown"
            form.fingerprint.errors = [f"paper_version_{key}"]
        return bool(form.problems())

    def _typed(self, sheet: _Sheet) -> dict[str, str]:
        rows = key_fields(sheet.questionnaire, sheet.n_places)
        return {row.name: request.form.get(control_of(row.name), "")[:LONGEST_TYPED] for row in rows}

    def _start(self, record: RoundRecord, form: StartForm, status: int) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        questionnaire = load_questionnaire_of(self._services.stores, record) if not record.is_imported else None
        fingerprint = read_fingerprint(form.fingerprint.data or "") or ""
        did = request.args.get("did", "")
        return render_page_of(
            "office",
            "paper/start.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            is_open=_is_open(record),
            is_several=questionnaire is not None and questionnaire.rates_several_units,
            most_units=questionnaire.most_units if questionnaire is not None else 1,
            needs_two=self._services.settings.must_have_second_person,
            did=did if did in DID and not form.errors else "",
            limits={
                "paper": version_on_paper(self._services.stores, fingerprint) if fingerprint else "",
                "asked": version_of(record),
            },
        )

    def _screen(
        self,
        sheet: _Sheet,
        form: StartForm,
        typed: Mapping[str, str],
        keyed: KeyedForm,
        status: int,
        found: FoundForm | None = None,
        *,
        asks_code: bool = False,
        was_checked: bool = False,
    ) -> Response:
        language = page_language()
        t = catalogue_of("office").translator(language)
        names = {unit.code: unit_name(unit, language) for unit in sheet.units}
        _, line = find_line(self._services, sheet.record.slug, language)
        return render_page_of(
            "office",
            "paper/enter.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            code=sheet.code,
            fingerprint=sheet.fingerprint,
            n_places=sheet.n_places,
            asks_code=asks_code,
            unit=names.get(found.unit, "") if found is not None else "",
            task=found.task if found is not None else "",
            groups=groups_of(sheet.questionnaire, typed, keyed.problems, keyed.not_due, sheet.n_places, language, t),
            n_problems=len(keyed.problems),
            first_problem=control_of(keyed.problems[0].field) if keyed.problems else "",
            told=" ".join(keyed.not_due),
            not_due=field_names(keyed.not_due, t),
            was_checked=was_checked,
            units=names if sheet.questionnaire.rates_several_units else {},
            limits={"paper": "", "asked": version_of(sheet.record)},
        )

    def _settling(
        self,
        sheet: _Sheet,
        found: FoundForm,
        problems: tuple[KeyProblem, ...] | list[KeyProblem],
        chosen: Mapping[str, str],
        status: int,
    ) -> Response:
        language = page_language()
        t = catalogue_of("office").translator(language)
        pair = differing_pair(sheet.desk, sheet.code)
        names = {unit.code: unit_name(unit, language) for unit in sheet.units}
        _, line = find_line(self._services, sheet.record.slug, language)
        shown = pair.fields if pair is not None else ()
        first, second = (pair.first, pair.second) if pair is not None else ({}, {})
        asked = sheet.questionnaire
        rows = differing_rows(asked, first, second, shown, chosen, problems, names, language, t)
        return render_page_of(
            "office",
            "paper/settle.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            code=sheet.code,
            fingerprint=sheet.fingerprint,
            unit=names.get(found.unit, ""),
            rows=rows,
            chosen={control_of(name): request.form.get(f"{control_of(name)}-is", "") for name in shown},
            others=[problem for problem in problems if problem.field not in shown],
            other_fields=field_names([problem.field for problem in problems if problem.field not in shown], t),
            n_problems=len(problems),
            units=names if sheet.questionnaire.rates_several_units else {},
        )

    def _done(self, record: RoundRecord, did: str) -> AnyResponse:
        address = url_for("office.paper_enter", slug=record.slug, did=did)
        return redirect(address, HTTPStatus.SEE_OTHER)


def _is_open(record: RoundRecord) -> bool:
    """Whether forms of a round are keyed now: from its first day until the office closes it."""
    return record.state == "open" and not record.is_halted and not record.is_imported and today() >= record.opens_on
