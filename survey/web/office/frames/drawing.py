"""The page that draws people from a cleaned list, and the files that go out of it."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from survey.errors import HailongError, StoreUnavailable
from survey.fieldwork import plan_targets
from survey.frame_cleaning import ROW_COLUMN, UNIT_COLUMN
from survey.frames import FrameRecord, draw_people, frame_of, frame_table
from survey.invitations import invited_units
from survey.round_records import RoundRecord, find_round
from survey.services import Services
from survey.size_table import answers_wanted
from survey.web.office.frames.forms import DrawingForm
from survey.web.office.rounds import find_line
from survey.web.office.setup.steps import is_changed_here
from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.pages import page_language, render_page_of
from survey.web.spreadsheets import CSV_TYPE, attachment


class DrawingPages:
    """Drawing from a round's list, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def draw(self, slug: str) -> AnyResponse:
        record, _ = find_line(self._services, slug, page_language())
        frame = frame_of(self._services.stores, slug)
        if frame is None or frame.rules is None or not is_changed_here(record):
            return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)
        form = DrawingForm()
        if request.method != "POST":
            return self._page(record, frame, form)
        if not form.validate():
            return self._page(record, frame, form, HTTPStatus.BAD_REQUEST)
        try:
            drawn = draw_people(self._services, record, plan_of(frame, form, record.title.vi), actor=g.account.login)
            self._plan_answers(drawn, form.response.data / 100)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError) as complaint:
            return self._page(record, frame, form, HTTPStatus.BAD_REQUEST, ("frame_not_drawn", str(complaint)))
        return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)

    def _plan_answers(self, drawn: FrameRecord, response: float) -> None:
        """The fieldwork's targets are what this sample promises."""
        stores, groups = self._services.stores, (drawn.facts or {}).get("sizes", ())
        record = find_round(stores, drawn.slug)
        asked = {group["name"]: group["asked"] for group in groups if group["asked"]}
        invited = [unit for unit in invited_units(stores, record) if unit in asked]
        planned = {unit: answers_wanted(asked[unit], response) for unit in invited}
        plan_targets(stores, record, planned, actor=g.account.login)

    def selected(self, slug: str, file_type: str) -> Response:
        """The people who were drawn, in the order of their cells: codes are handed out within a cell in any order."""
        table = frame_table(self._services, slug, "selected")
        rows: Sequence[Sequence[str]] = list(
            zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
        )
        columns = [Column(name, 18) for name in table.column_names]
        return table_file(Table("selected", columns, rows), file_type, f"{slug}-selected")

    def batch(self, slug: str) -> Response:
        """How many codes each cell needs, as the page that issues codes by a table reads it."""
        frame = frame_of(self._services.stores, slug)
        if frame is None or not frame.batch:
            abort(HTTPStatus.NOT_FOUND)
        return attachment(frame.batch.encode(), CSV_TYPE, f"{slug}-batch.csv")

    def _page(
        self,
        record: RoundRecord,
        frame: FrameRecord,
        form: DrawingForm,
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        return render_page_of(
            "office",
            "frames/draw.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            frame=frame,
            form=form,
            refusal=refusal,
        )


def plan_of(frame: FrameRecord, form: DrawingForm, label: str) -> bytes:
    """The sampling plan that the form means, as the file that draws again."""
    columns = frame.rules.columns if frame.rules else {}
    has_units = "unit" in columns
    names = {"key": columns.get("key", ROW_COLUMN)}
    if has_units:
        names["unit"] = UNIT_COLUMN
    if "stratum" in columns:
        names["stratum"] = columns["stratum"]
    precision = {
        "margin": form.margin.data / 100, "share": form.share.data / 100, "response": form.response.data / 100,
    }  # fmt: skip
    size: dict[str, object] = {"for": "unit" if has_units else "all", "rule": form.rule.data, "honest": precision}
    if form.rule.data == "circular":
        size["circular"] = {"margin": form.margin.data / 100}
    if form.rule.data == "fixed":
        size["fixed"] = form.fixed.data or 100
    plan: dict[str, object] = {"sample": 1, "label": " ".join(label.split())[:100], "frame": names, "size": size}
    if form.seed.data is not None:
        plan["seed"] = form.seed.data
    if "cluster" in columns and form.per_cluster.data:
        plan["stages"] = [{"cluster": columns["cluster"], "method": "pps", "per": form.per_cluster.data}]
    # A JSON text is a text of YAML, too.
    return (json.dumps(plan, ensure_ascii=False, indent=1) + "\n").encode()
