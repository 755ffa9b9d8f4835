"""The pages of the monitor: all units, their channels, one unit with its days, and the targets."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Response, abort, g, get_template_attribute, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import InputRequired, NumberRange, Optional

from survey.fieldwork import (
    EVERY_UNIT,
    MOST_WANTED,
    Fieldwork,
    FieldworkLook,
    fieldwork_from,
    look_at,
    set_targets,
    targets_of,
)
from survey.round_records import RoundRecord
from survey.services import Services, today
from survey.texts import number
from survey.web.forms import OfficeForm
from survey.web.office.fieldwork import showing
from survey.web.office.forms import CountField
from survey.web.office.presenting import channel_label
from survey.web.office.rounds import find_line
from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.pages import LIVE_POLICY, catalogue_of, page_language, render_page_of

# In the address of a unit's page: a round whose ballots rate several units has one line, and its code is empty.
UNIT = "unit"


def _wanted() -> NumberRange:
    return NumberRange(min=1, max=MOST_WANTED, message="error_count")


class TargetForm(OfficeForm):
    answers = CountField(validators=[InputRequired("error_count"), _wanted()])


class UnitTargetForm(OfficeForm):
    answers = CountField(validators=[Optional(), _wanted()])


class FieldworkPages:
    """The fieldwork of the rounds of one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def monitor(self, slug: str) -> Response:
        """Every unit of the round with its counts, and what an officer should look at first."""
        language = page_language()
        record, line, look, names = self._looked(slug, language)
        watch = self._services.watch
        labels = showing.column_labels(language)
        address = url_for("office.fieldwork_unit", slug=slug, unit="")
        alert = catalogue_of("office").text("fieldwork_alerts_title", language)
        draw = get_template_attribute("fieldwork/rows.html", "rows")

        def picture() -> tuple[Fieldwork, Sequence[showing.Line], str]:
            fieldwork = fieldwork_from(watch, look)
            lines = showing.lines_of(fieldwork, watch, names, language)
            return fieldwork, lines, draw(lines, address, labels, alert)

        # Most of the page is this table, and of whoever watches all see the same.
        fieldwork, lines, rows = watch.once(
            f"monitor of {slug} in {language}",
            (look, names, address),
            picture,
            # An officer who has set a target sees it at once, whatever moves meanwhile.
            steady=(look.targets, look.calendar, look.invited, names, address) if watch.is_large(slug) else None,
        )
        total = showing.cells_of(fieldwork.total, language)
        response = self._page(
            "monitor",
            line,
            fieldwork,
            rows=rows,
            columns=showing.COLUMNS,
            labels=labels,
            total=total,
            keys=dict(zip(showing.COLUMNS, total, strict=True)),
            channels=showing.channel_cells(fieldwork.channels, language),
            alerted=[line for line in lines if line.alerts],
            n_alerts=sum(len(line.alerts) for line in lines),
            unasked=fieldwork.total.unasked,
            is_live=record.state == "open",
        )
        # The script asks for news; without it the page is loaded again.
        response.headers["Content-Security-Policy"] = LIVE_POLICY
        return response

    def channels(self, slug: str) -> Response:
        """Units and channels: how many were asked and answered in each place."""
        language = page_language()
        _, line, fieldwork, names = self._found(slug, language)
        sums = fieldwork.channels
        kinds = [channel_label(cell.channel, language) for cell in sums]
        rows = self._services.watch.once(
            f"channels of {slug} in {language}",
            (fieldwork, names),
            lambda: get_template_attribute("fieldwork/rows.html", "places")(showing.places_of(fieldwork, names), kinds),
        )
        return self._page("channels", line, fieldwork, kinds=kinds, rows=rows, sums=sums)

    def unit(self, slug: str) -> AnyResponse:
        """One unit: its channels, its days, what to look at, and its own target."""
        language = page_language()
        record, line, fieldwork, names = self._found(slug, language)
        code = request.args.get(UNIT, "")
        one = next((known for known in fieldwork.units if known.unit == code), None)
        if one is None:
            abort(HTTPStatus.NOT_FOUND)
        form = UnitTargetForm()
        if request.method == "POST" and form.validate():
            set_targets(self._services.stores, record, {code: form.answers.data}, actor=g.account.login)
            return redirect(url_for("office.fieldwork_unit", slug=slug, unit=code, saved=1), HTTPStatus.SEE_OTHER)
        own = targets_of(self._services.stores, slug)
        if request.method != "POST":
            form.answers.data = own.get(code)
        return self._page(
            "unit",
            line,
            fieldwork,
            status=HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK,
            code=code,
            name=names.get(code, code),
            keys=dict(zip(showing.COLUMNS, showing.cells_of(one, language), strict=True)),
            alerts=showing.alert_sentences(one.alerts, language),
            channels=showing.channel_cells([cell for cell in fieldwork.cells if cell.unit == code], language),
            days=showing.day_lines(fieldwork, code),
            form=form,
            of_every_unit=own.get(EVERY_UNIT),
            was_saved="saved" in request.args,
            limits={"most": number(MOST_WANTED, 0, page_language())},
        )

    def target(self, slug: str) -> AnyResponse:
        """How many answers are wanted of every unit that has no target of its own."""
        record, line = find_line(self._services, slug, page_language())
        form = TargetForm()
        if request.method == "POST" and form.validate():
            set_targets(self._services.stores, record, {EVERY_UNIT: form.answers.data}, actor=g.account.login)
            return redirect(url_for("office.fieldwork", slug=slug), HTTPStatus.SEE_OTHER)
        if request.method != "POST":
            form.answers.data = targets_of(self._services.stores, slug).get(EVERY_UNIT)
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return self._page(
            "target", line, None, status=status, form=form, limits={"most": number(MOST_WANTED, 0, page_language())}
        )

    def file(self, slug: str, file_type: str) -> Response:
        """The counts of every unit and channel, exact, and those of the days."""
        language = page_language()
        _, _, fieldwork, names = self._found(slug, language)
        text = catalogue_of("office").text

        def columns(keys: Mapping[str, int]) -> list[Column]:
            return [Column(text(key, language), width) for key, width in keys.items()]

        places = Table(
            "fieldwork",
            columns({"col_unit": 40, "col_code": 14, "col_channel": 24, "col_issued": 14, "col_spent": 14}),
            [
                (names.get(c.unit, c.unit), c.unit, channel_label(c.channel, language), c.issued, c.spent)
                for c in fieldwork.cells
            ],
        )
        days = Table(
            "days",
            columns(
                {"col_unit": 40, "col_code": 14, "fieldwork_day": 14, "fieldwork_opened": 18}
                | {"fieldwork_received": 18}
            ),
            [
                (names.get(unit, unit), unit, day.isoformat(), own.opened, own.received)
                for unit, known in sorted(fieldwork.days.items())
                for day, own in sorted(known.items())
            ],
        )
        return table_file(places, file_type, f"{slug}-fieldwork", more=[days])

    def _found(self, slug: str, language: str) -> tuple[RoundRecord, dict[str, object], Fieldwork, dict[str, str]]:
        record, line, look, names = self._looked(slug, language)
        return record, line, fieldwork_from(self._services.watch, look), names

    def _looked(self, slug: str, language: str) -> tuple[RoundRecord, dict[str, object], FieldworkLook, dict[str, str]]:
        record, line = find_line(self._services, slug, language)
        if record.is_imported:
            # Nobody was asked from here.
            abort(HTTPStatus.NOT_FOUND)
        look = look_at(self._services.stores, self._services.watch, record, today())
        return record, line, look, showing.names_of(self._services.stores, record, language)

    def _page(
        self,
        template: str,
        line: dict[str, object],
        fieldwork: Fieldwork | None,
        *,
        status: int = HTTPStatus.OK,
        **values: object,
    ) -> Response:
        language = page_language()
        if fieldwork is not None:
            values |= {"counted_at": showing.clock(fieldwork.counted_at), "calendar": fieldwork.calendar}
        return render_page_of(
            "office", f"fieldwork/{template}.html", language, status=int(status), area="rounds", round=line, **values
        )
