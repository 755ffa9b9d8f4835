"""The forms that ask a second person before a round is sealed or its codes are handed out."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.approvals import ApprovalRecord, ask_for_codes, ask_to_seal
from survey.errors import WrongState
from survey.invitations import CodeRequest
from survey.paper_entry import waiting_forms
from survey.round_records import RoundRecord
from survey.services import Services
from survey.web.accounts.session import now
from survey.web.office.rounds import round_line
from survey.web.pages import page_language, render_page_of


def ask_for(services: Services, record: RoundRecord, requests: Sequence[CodeRequest]) -> AnyResponse:
    """Ask for these codes, and lead to where somebody else approves and the file is handed out."""
    did = "asked"
    try:
        ask_for_codes(services.stores, record.slug, requests, officer=g.account, now=now())
    except WrongState:
        did = "late"
    return _to_approvals(record.slug, did)


def ask_for_sealing(services: Services, record: RoundRecord, found: ApprovalRecord | None) -> AnyResponse:
    """The page that asks for the second person; while one has been asked, the way to the page where they answer."""
    if found is not None:
        return _to_approvals(record.slug, "")
    if request.method == "POST":
        did = "asked"
        try:
            ask_to_seal(services.stores, record.slug, officer=g.account, now=now())
        except WrongState:
            did = "late"
        return _to_approvals(record.slug, did)
    language = page_language()
    return render_page_of(
        "office",
        "staff/approval_seal.html",
        language,
        area="rounds",
        round=round_line(record, language),
        n_on_paper=waiting_forms(services.stores, record.slug).in_all,
    )


def _to_approvals(slug: str, did: str) -> AnyResponse:
    return redirect(url_for("office.approvals", slug=slug, did=did or None), HTTPStatus.SEE_OTHER)
