"""The pages that take a list of people in, clean it, and erase it."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from survey.errors import BadInput, HailongError, StoreUnavailable
from survey.frame_cleaning import ROLES, CleaningRules, MixedSpellingsError
from survey.frame_texts import SpellingExample
from survey.frames import (
    KINDS,
    LONGEST_AFTER,
    USUAL_AFTER,
    FrameRecord,
    clean_uploaded,
    erase_due_frames,
    erase_frame,
    frame_of,
    frame_table,
    upload_frame,
)
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services, today
from survey.web.office import presenting
from survey.web.office.files import is_chosen, name_of
from survey.web.office.frames.forms import CleaningForm, UploadForm
from survey.web.office.rounds import find_line
from survey.web.office.setup.steps import is_changed_here
from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.pages import catalogue_of, page_language, render_page_of

N_SHOWN = 5
MOST_IN_WORKBOOK = 300_000
# What columns are often called, in letters without marks; the first that fits is offered.
GUESSES: Mapping[str, str] = {
    "key": r"ma (ho so|gd|giao dich|so)|so (ho so|bien nhan)|^(id|key|ma)$",
    "unit": r"don vi|co quan|unit|phuong|^xa",
    "day": r"ngay (tra|hoan|ket|nhan|giao)|^ngay|date",
    "phone": r"dien thoai|sdt|di dong|phone|mobile",
    "tax_code": r"ma so thue|mst|tax",
    "cluster": r"^(thon|khu|to dan pho|cluster|village)",
    "stratum": r"linh vuc|thu tuc|quy mo|nganh|stratum",
}
PERSON = re.compile(r"ho (va )?ten|ten nguoi|ho ten|cong dan|name|dien thoai|sdt|cccd|cmnd|ten doanh nghiep")


class FramePages:
    """A round's list of people, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def frame(self, slug: str) -> AnyResponse:
        """The list as it is; posted, a new one."""
        record, _ = find_line(self._services, slug, page_language())
        form = UploadForm()
        if request.method != "POST":
            erase_due_frames(self._services, today())
            form.erase_on.data = record.closes_on + timedelta(days=USUAL_AFTER)
            return self._page(record, form)
        if not is_changed_here(record):
            return self._page(record, form, HTTPStatus.CONFLICT)
        is_sound = form.validate()
        if not is_chosen(form.list.data):
            form.list.errors = ["error_file"]
            is_sound = False
        if not is_sound:
            return self._page(record, form, HTTPStatus.BAD_REQUEST)
        upload = form.list.data
        try:
            upload_frame(
                self._services, record, form.kind.data, upload.read(), name_of(upload), form.erase_on.data,
                actor=g.account.login, by=g.account.name, today=today(),
            )  # fmt: skip
        except StoreUnavailable:
            raise
        except HailongError as complaint:
            return self._page(record, form, HTTPStatus.BAD_REQUEST, ("frame_refused", str(complaint)))
        return redirect(url_for("office.frame_clean", slug=slug), HTTPStatus.SEE_OTHER)

    def clean(self, slug: str) -> AnyResponse:
        """What the columns mean; posted, the list is cleaned by it."""
        record, _ = find_line(self._services, slug, page_language())
        frame = frame_of(self._services.stores, slug)
        if frame is None or frame.state == "erased" or not is_changed_here(record):
            return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)
        try:
            table = frame_table(self._services, slug, "uploaded")
        except HailongError:
            return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)
        columns = table.column_names
        form = CleaningForm()
        form.offer(columns)
        if request.method != "POST":
            form.process(MultiDict(_first_values(frame, columns)))
            form.offer(columns)
        shown = table.slice(0, N_SHOWN).to_pylist()
        if request.method != "POST":
            return self._clean_page(record, frame, form, columns, shown)
        if not form.validate():
            return self._clean_page(record, frame, form, columns, shown, HTTPStatus.BAD_REQUEST)
        try:
            clean_uploaded(self._services, record, _rules(form, frame), actor=g.account.login)
        except StoreUnavailable:
            raise
        except MixedSpellingsError as mixed:
            examples = mixed.spellings.examples
            return self._clean_page(record, frame, form, columns, shown, HTTPStatus.BAD_REQUEST, examples=examples)
        except BadInput as complaint:
            refusal = ("frame_refused", str(complaint))
            return self._clean_page(record, frame, form, columns, shown, HTTPStatus.BAD_REQUEST, refusal)
        return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)

    def erase(self, slug: str) -> AnyResponse:
        find_line(self._services, slug, page_language())
        if frame_of(self._services.stores, slug) is not None:
            erase_frame(self._services, slug, today(), actor=g.account.login)
        return redirect(url_for("office.frame", slug=slug), HTTPStatus.SEE_OTHER)

    def left_out(self, slug: str, file_type: str) -> Response:
        """The rows that were left out, each with its reason in the page's words."""
        text, language = catalogue_of("office").text, page_language()
        table = frame_table(self._services, slug, "left_out").slice(0, MOST_IN_WORKBOOK)
        names = ["reason", *(name for name in table.column_names if name != "reason")]
        reasons = [text(f"frame_reason_{reason}", language) for reason in table["reason"].to_pylist()]
        rows = list(zip(reasons, *(table[name].to_pylist() for name in names[1:]), strict=True))
        titles = [text("frame_col_reason", language), *names[1:]]
        return table_file(
            Table("left out", [Column(title, 24) for title in titles], rows), file_type, f"{slug}-left-out"
        )

    def _page(
        self,
        record: RoundRecord,
        form: UploadForm,
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        text = catalogue_of("office").text
        frame = frame_of(self._services.stores, record.slug)
        names = {
            unit.code: presenting.unit_name(unit, language) for unit in units_of_round(self._services.stores, record)
        }
        return render_page_of(
            "office",
            "frames/frame.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            frame=frame,
            is_changed=is_changed_here(record),
            kind_labels={kind: text(f"frame_kind_{kind}", language) for kind in KINDS},
            unit_names={"all": text("row_total", language), **names},
            days=LONGEST_AFTER,
            refusal=refusal,
        )

    def _clean_page(
        self,
        record: RoundRecord,
        frame: FrameRecord,
        form: CleaningForm,
        columns: Sequence[str],
        shown: Sequence[Mapping[str, str]],
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
        examples: Sequence[SpellingExample] = (),
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        text = catalogue_of("office").text
        return render_page_of(
            "office",
            "frames/clean.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            frame=frame,
            form=form,
            roles=ROLES,
            labels={role: text(f"frame_role_{role}", language) for role in ROLES},
            column_labels={"": text("frame_no_column", language), **{name: name for name in columns}},
            columns=columns,
            shown=shown,
            examples=examples,
            refusal=refusal,
        )


def _rules(form: CleaningForm, frame: FrameRecord) -> CleaningRules:
    return CleaningRules(
        columns={role: form[role].data for role in ROLES if form[role].data},
        same_person=tuple(form.same_person.data or ()),
        first_day=form.first_day.data,
        last_day=form.last_day.data,
        units=frame.rules.units if frame.rules else {},
        needs_phone=bool(form.needs_phone.data),
        needs_tax_code=bool(form.needs_tax_code.data),
        reads_each=bool(form.reads_each.data),
    )


def _first_values(frame: FrameRecord, columns: Sequence[str]) -> list[tuple[str, str]]:
    """What the form says at first: the rules of last time, or what the columns' names suggest."""
    if frame.rules is not None:
        rules = frame.rules
        days: list[tuple[str, dt.date | None]] = [("first_day", rules.first_day), ("last_day", rules.last_day)]
        flags = [(name, getattr(rules, name)) for name in ("needs_phone", "needs_tax_code", "reads_each")]
        return [
            *((role, column) for role, column in rules.columns.items()),
            *(("same_person", name) for name in rules.same_person),
            *((name, day.isoformat()) for name, day in days if day is not None),
            *((name, "yes") for name, is_set in flags if is_set),
        ]
    taken: dict[str, str] = {}
    for role, pattern in GUESSES.items():
        fitting = (name for name in columns if name not in taken.values() and re.search(pattern, _plain(name)))
        column = next(fitting, None)
        if column is not None:
            taken[role] = column
    people = [("same_person", name) for name in columns if PERSON.search(_plain(name))]
    return [*taken.items(), *people, *([("needs_phone", "yes")] if "phone" in taken else [])]


def _plain(name: str) -> str:
    """A column's name in small letters without marks and tones."""
    letters = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()
