"""What waits for a second person in a round: who asked for what, the decision, and the codes that were approved."""

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.approvals import ApprovalRecord, Decision, approvals_of, decide, find_approval, used
from survey.errors import NotFound, SamePerson, WrongState
from survey.services import Services
from survey.viet_nam import VIET_NAM
from survey.web.accounts.session import now
from survey.web.office.codes import CodePages
from survey.web.office.forms import FILE_TYPES
from survey.web.office.presenting import channel_label
from survey.web.office.rounds import find_line, may_issue
from survey.web.office.slips import MOST_SLIPS
from survey.web.pages import page_language, render_page_of

DECISIONS = ("approve", "refuse", "withdraw")
DONE = frozenset({"asked", "late", *DECISIONS})


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """A request as its page shows it: how many codes for how many units, and by which channels."""

    request: ApprovalRecord
    asked_at: str
    decided_at: str
    n_codes: int
    n_units: int
    channels: str
    is_own: bool


class _Refused(Exception):
    """The codes that were approved could not be made; the text's key and the complaint in full."""


class ApprovalPages:
    """The requests of one instance's rounds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._codes = CodePages(services)

    def approvals(self, slug: str) -> AnyResponse:
        """What was asked in a round and what became of it, the newest first."""
        return self._page(slug, HTTPStatus.OK)

    def decide(self, slug: str, number: int, decision: str) -> AnyResponse:
        """Posted by the page: somebody else's request approved or refused, or one's own withdrawn."""
        try:
            decide(self._services.stores, slug, number, cast(Decision, decision), officer=g.account, now=now())
        except SamePerson:
            return self._page(slug, HTTPStatus.CONFLICT, ("approval_same_person", ""))
        except NotFound:
            abort(HTTPStatus.NOT_FOUND)
        except WrongState:
            return self._page(slug, HTTPStatus.CONFLICT, ("approval_decided", ""))
        return redirect(url_for("office.approvals", slug=slug, did=decision), HTTPStatus.SEE_OTHER)

    def codes(self, slug: str, number: int) -> AnyResponse:
        """The file with the codes that were approved, once: they exist nowhere else."""
        record, _ = find_line(self._services, slug, page_language())
        found = find_approval(self._services.stores, slug, number)
        file_type = request.form.get("file_type", "")
        if found.act != "codes" or file_type not in FILE_TYPES:
            abort(HTTPStatus.BAD_REQUEST)
        n_codes = sum(row.count for row in found.requests)
        if file_type == "slips" and n_codes > MOST_SLIPS:
            return self._page(slug, HTTPStatus.BAD_REQUEST, ("error_slips_in_all", ""))
        try:
            with used(self._services.stores, found, actor=g.account.login):
                issued = self._codes.hand_out(record, found.requests, file_type)
                if not isinstance(issued, Response):
                    raise _Refused(*issued)
        except _Refused as refusal:
            return self._page(slug, HTTPStatus.CONFLICT, cast(tuple[str, str], refusal.args))
        except WrongState:
            return self._page(slug, HTTPStatus.CONFLICT, ("approval_used", ""))
        return issued

    def _page(self, slug: str, status: int, refusal: tuple[str, str] | None = None) -> Response:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        did = request.args.get("did", "")
        return render_page_of(
            "office",
            "staff/approvals.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            lines=[_line(found, language) for found in approvals_of(self._services.stores, slug)],
            may_issue=may_issue(record),
            refusal=refusal,
            did=did if did in DONE and refusal is None else "",
            file_types=FILE_TYPES,
            most_slips=MOST_SLIPS,
            is_required=self._services.settings.must_have_second_person,
            limits={"slips": str(MOST_SLIPS)},
        )


def add_approval_pages(blueprint: Blueprint, services: Services) -> None:
    """Give the office its pages about what takes two people."""
    pages = ApprovalPages(services)
    add = blueprint.add_url_rule
    place = "/rounds/<slug>/approvals"
    one = f"{place}/<int(max=2147483647):number>"
    add(place, "approvals", pages.approvals, methods=["GET"])
    add(f"{one}/codes", "approved_codes", pages.codes, methods=["POST"])
    add(f"{one}/<any({', '.join(DECISIONS)}):decision>", "approval", pages.decide, methods=["POST"])


def _line(found: ApprovalRecord, language: str) -> ApprovalLine:
    rows = found.requests
    channels = Counter(row.channel for row in rows)
    decided = found.decided_at
    return ApprovalLine(
        found,
        f"{found.asked_at.astimezone(VIET_NAM):%H:%M %d/%m/%Y}",
        "" if decided is None else f"{decided.astimezone(VIET_NAM):%H:%M %d/%m/%Y}",
        sum(row.count for row in rows),
        len({row.unit for row in rows if row.unit}),
        ", ".join(channel_label(channel, language) for channel in channels),
        found.asked_by_id == g.account.id,
    )
