"""Who holds a round's key: naming custodians, trying their shares, sealing with them, recording their end.

Share files and passphrases live in the memory of one request. They are in no field of a page that comes back, in no
file and in no log.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.custody import UNSEALED, NewCustodian, ShareFile, entrust_key, join_shares, try_shares
from survey.custody_record import DAYS_TO_DESTROY, custody_status, record_destruction
from survey.errors import BadInput, NotFound, WrongState
from survey.paper_entry import waiting_forms
from survey.round_records import RoundRecord
from survey.services import Services, today
from survey.shares import (
    FEWEST_NEEDED,
    LARGEST_SHARE_FILE,
    LONGEST_NAME,
    Share,
    ShareError,
    read_share,
    share_passphrase,
)
from survey.vault import SHORTEST_PASSPHRASE
from survey.web.office.files import name_of
from survey.web.office.rounds import find_line
from survey.web.pages import page_language, render_page
from survey.web.spreadsheets import attachment

# More custodians than these are named with the command line.
MOST_NAMED_HERE = 5
USUAL_NEED = 2
LONGEST_PASSPHRASE = 1_024
ZIP_TYPE = "application/zip"

Take = Callable[[Sequence[Share]], AnyResponse]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a form: the key of a text, what stands in its braces, and the field it is about, if any."""

    key: str
    values: Mapping[str, object]
    field: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the form that names custodians, as it was sent; the passphrases are not shown again."""

    number: int
    name: str


class CustodyPages:
    """The pages about the key of a round, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def custody(self, slug: str) -> AnyResponse:
        """Who holds the key; posted, a draft's key is made and split, and the answer is the file with the shares."""
        record, _ = find_line(self._services, slug, page_language())
        if request.method != "POST":
            return self._custody_page(record, HTTPStatus.OK)
        if not may_entrust(record):
            return self._custody_page(record, HTTPStatus.CONFLICT)
        people = self._named()
        if isinstance(people, Complaint):
            return self._custody_page(record, HTTPStatus.BAD_REQUEST, people)
        kept: list[ShareFile] = []
        try:
            entrust_key(
                self._services.stores, slug, _need(), people, lambda files: kept.extend(files), actor=g.account.login
            )
        except BadInput:
            return self._custody_page(record, HTTPStatus.BAD_REQUEST, Complaint("custody_error_names", {}))
        except WrongState:
            return self._custody_page(record, HTTPStatus.CONFLICT)
        return attachment(_zip(kept), ZIP_TYPE, f"{slug}-shares.zip")

    def trial(self, slug: str) -> AnyResponse:
        """The form that takes share files; posted, whether they open what is sealed to the round's key."""
        record, _ = find_line(self._services, slug, page_language())
        custody = record.custody
        if custody is None or record.state not in UNSEALED:
            return redirect(url_for("office.custody", slug=slug), HTTPStatus.SEE_OTHER)

        def take(shares: Sequence[Share]) -> AnyResponse:
            try_shares(self._services.stores, slug, shares, today(), actor=g.account.login)
            # A draft is on its way to be opened: what else is to be done stands on its checklist.
            page = "office.setup" if record.state == "draft" else "office.custody"
            return redirect(url_for(page, slug=slug, tried="yes"), HTTPStatus.SEE_OTHER)

        return self._with_shares(record, "trial", len(custody.custodians), take)

    def ask_to_seal(self, record: RoundRecord, take: Take) -> AnyResponse:
        """The page of the last step before the archive: the form for the shares, or what sealing with them leads to."""
        need = record.custody.need if record.custody else 0
        return self._with_shares(record, "seal", need, take)

    def destroyed(self, slug: str) -> AnyResponse:
        """Posted by the custody page: a custodian has said that a share is destroyed."""
        services = self._services
        try:
            record_destruction(
                services.stores,
                services.vault,
                services.settings,
                slug,
                request.form.get("custodian", ""),
                today(),
                actor=g.account.login,
            )
        except (BadInput, NotFound, WrongState):
            # Only a page that has grown old, or a hand-made request, asks for what the form does not offer.
            record, _ = find_line(services, slug, page_language())
            return self._custody_page(record, HTTPStatus.CONFLICT, Complaint("custody_error_destroyed", {}))
        return redirect(url_for("office.custody", slug=slug, recorded="yes"), HTTPStatus.SEE_OTHER)

    def _with_shares(self, record: RoundRecord, purpose: str, n_rows: int, take: Take) -> AnyResponse:
        if request.method != "POST":
            return self._shares_page(record, purpose, n_rows, HTTPStatus.OK)
        shares = _sent_shares(n_rows)
        if isinstance(shares, Complaint):
            return self._shares_page(record, purpose, n_rows, HTTPStatus.BAD_REQUEST, shares)
        try:
            join_shares(record, shares)
        except ShareError as complaint:
            told = Complaint(f"share_error_{complaint.kind}", complaint.values)
            return self._shares_page(record, purpose, n_rows, HTTPStatus.BAD_REQUEST, told)
        return take(shares)

    def _named(self) -> list[NewCustodian] | Complaint:
        """Whom the form names, each with a passphrase that was typed twice alike."""
        people = []
        for row in range(1, MOST_NAMED_HERE + 1):
            name = request.form.get(f"name-{row}", "").strip()
            first, second = (request.form.get(f"{part}-{row}", "") for part in ("passphrase", "repeat"))
            if not name and not first and not second:
                continue
            if not name:
                return Complaint("custody_error_nameless", {"number": row}, f"name-{row}")
            if first != second:
                return Complaint("custody_error_differ", {"name": name[:LONGEST_NAME]}, f"repeat-{row}")
            try:
                people.append(NewCustodian(name, share_passphrase(first[:LONGEST_PASSPHRASE])))
            except ShareError as complaint:
                values = {"name": name[:LONGEST_NAME], **complaint.values}
                return Complaint("custody_error_short", values, f"passphrase-{row}")
        if not FEWEST_NEEDED <= _need() <= len(people):
            return Complaint("custody_error_need", {"count": len(people)}, "need")
        return people

    def _custody_page(self, record: RoundRecord, status: int, complaint: Complaint | None = None) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        found = custody_status(self._services.stores, record.slug) if record.custody else None
        return render_page(
            "office/custody.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            custody=record.custody,
            destroy_by=found.destroy_by if found else None,
            fingerprint=record.key_fingerprint,
            complaint=complaint,
            may_entrust=may_entrust(record),
            may_try=record.custody is not None and record.state in UNSEALED,
            rows=[_Row(row, request.form.get(f"name-{row}", "")) for row in range(1, MOST_NAMED_HERE + 1)],
            need=request.form.get("need", str(USUAL_NEED)),
            was_tried="tried" in request.args,
            was_recorded="recorded" in request.args,
            limits={"most": MOST_NAMED_HERE, "least": SHORTEST_PASSPHRASE, "days": DAYS_TO_DESTROY},
        )

    def _shares_page(
        self, record: RoundRecord, purpose: str, n_rows: int, status: int, complaint: Complaint | None = None
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        return render_page(
            "office/custody_shares.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            purpose=purpose,
            need=record.custody.need if record.custody else 0,
            names=[custodian.name for custodian in record.custody.custodians] if record.custody else [],
            n_rows=n_rows,
            n_on_paper=waiting_forms(self._services.stores, record.slug).in_all if purpose == "seal" else 0,
            complaint=complaint,
            limits={"days": DAYS_TO_DESTROY},
        )


def may_entrust(record: RoundRecord) -> bool:
    """Whether custodians can be named for this round now."""
    return record.state == "draft" and not record.is_imported


def _need() -> int:
    text = request.form.get("need", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0


def _sent_shares(n_rows: int) -> list[Share] | Complaint:
    """The shares that were sent, opened; a line without file and passphrase is passed over."""
    shares = []
    for row in range(1, n_rows + 1):
        upload, passphrase = request.files.get(f"share-{row}"), request.form.get(f"passphrase-{row}", "")
        if upload is None or not upload.filename:
            if passphrase:
                return Complaint("share_error_no_file", {"number": row}, f"share-{row}")
            continue
        name = name_of(upload)
        try:
            content = upload.read(LARGEST_SHARE_FILE + 1)
            shares.append(read_share(content, share_passphrase(passphrase[:LONGEST_PASSPHRASE]), name))
        except ShareError as complaint:
            values = {"file": name, **complaint.values}
            field = f"{'passphrase' if complaint.kind in ('short', 'passphrase') else 'share'}-{row}"
            return Complaint(f"share_error_{complaint.kind}", values, field)
    return shares


def _zip(files: Sequence[ShareFile]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, (1980, 1, 1, 0, 0, 0)), file.content)
    return buffer.getvalue()
