"""Loading units from a table: a workbook or CSV file with the columns of the registry."""

import tempfile
from http import HTTPStatus
from pathlib import Path

from flask import Response, g, request

from survey.errors import BadInput, StoreUnavailable
from survey.frame_files import table_of_texts
from survey.services import Services
from survey.units import ImportedUnits, import_units
from survey.web.office.files import is_chosen, name_of
from survey.web.office.setup.forms import UnitTableForm
from survey.web.pages import page_language, render_page_of
from survey.web.spreadsheets import csv_bytes


class UnitTablePages:
    """The page that loads units, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def load(self) -> Response:
        form = UnitTableForm()
        if request.method != "POST":
            return self._page(form)
        upload = form.table.data
        if not form.validate() or not is_chosen(upload):
            form.table.errors = ["error_file"]
            return self._page(form, status=HTTPStatus.BAD_REQUEST)
        try:
            done = self._loaded(upload.read(), name_of(upload))
        except StoreUnavailable:
            raise
        except BadInput as complaint:
            return self._page(form, HTTPStatus.BAD_REQUEST, ("setup_units_refused", str(complaint)))
        return self._page(form, done=done)

    def _loaded(self, content: bytes, name: str) -> ImportedUnits:
        table = table_of_texts(content, name).table
        rows = zip(*(table[column].to_pylist() for column in table.column_names), strict=True)
        # The reader of the registry reads files: it is handed this table as the CSV that it knows.
        with tempfile.TemporaryDirectory(prefix="hailong-units-") as folder:
            file = Path(folder) / f"{Path(name).stem}.csv"
            file.write_bytes(csv_bytes(table.column_names, rows))
            return import_units(self._services.stores, file, actor=g.account.login)

    def _page(
        self,
        form: UnitTableForm,
        status: int = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
        done: ImportedUnits | None = None,
    ) -> Response:
        return render_page_of(
            "office",
            "setup/unit_table.html",
            page_language(),
            status=int(status),
            area="units",
            form=form,
            refusal=refusal,
            done=done,
        )
