"""Which page asks for which right: a row for each address behind a sign-in, and nobody passes where there is none.

A page that is added without a row answers nobody but with 403, and a test names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import g, request

from survey.officers import OfficerRecord
from survey.permissions import Right

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Needs:
    """The right that it takes to see a page, and to send what it has to send; None where it has nothing to send."""

    read: Right
    change: Right | None = None


_OWN = Needs("account.own", "account.own")
_ACCOUNT: Mapping[str, Needs] = dict.fromkeys(
    (
        "account",
        "passkey_removed",
        "passkeys",
        "password",
        "recovery_codes",
        "second_factor",
        "sessions",
        "sign_in_code",
        "sign_in_passkey",
        "sign_out",
    ),
    _OWN,
)
_NOWHERE: Mapping[str, Needs] = {"nowhere": Needs("account.own")}

OFFICE_NEEDS: Mapping[str, Needs] = {
    **_ACCOUNT,
    **_NOWHERE,
    "rounds": Needs("rounds.read"),
    "round": Needs("rounds.read"),
    "units": Needs("rounds.read"),
    "done": Needs("rounds.read"),
    "printing": Needs("rounds.read"),
    "new_round": Needs("rounds.read", "rounds.set_up"),
    "setup_new": Needs("rounds.read", "rounds.set_up"),
    "setup": Needs("rounds.read", "rounds.set_up"),
    "setup_units": Needs("rounds.read", "rounds.set_up"),
    "setup_how": Needs("rounds.read", "rounds.set_up"),
    "setup_test": Needs("rounds.read", "rounds.set_up"),
    "unit_table": Needs("rounds.read", "rounds.set_up"),
    "frame": Needs("frames.read", "frames.write"),
    "frame_clean": Needs("frames.contacts", "frames.write"),
    "frame_draw": Needs("frames.read", "frames.write"),
    "frame_erase": Needs("frames.read", "frames.write"),
    "frame_left_out": Needs("frames.contacts"),
    "frame_selected": Needs("frames.contacts"),
    "frame_batch": Needs("codes.read"),
    "answers_import": Needs("fieldwork.read", "answers.import"),
    "tablet_form": Needs("rounds.read"),
    "kiosk": Needs("rounds.read"),
    # What is sent here depends on the step: see BY_VALUE.
    "confirm": Needs("rounds.read"),
    "reconcile": Needs("rounds.read", "rounds.run"),
    "accounting": Needs("fieldwork.read"),
    "accounting_file": Needs("fieldwork.read"),
    "fieldwork": Needs("fieldwork.read"),
    "fieldwork_channels": Needs("fieldwork.read"),
    "fieldwork_file": Needs("fieldwork.read"),
    "fieldwork_news": Needs("fieldwork.read"),
    "fieldwork_target": Needs("fieldwork.read", "rounds.set_up"),
    "fieldwork_unit": Needs("fieldwork.read", "rounds.set_up"),
    "codes": Needs("codes.read", "codes.issue"),
    "batch": Needs("codes.read", "codes.issue"),
    "approvals": Needs("rounds.read"),
    "approval": Needs("rounds.read", "approvals.give"),
    "approved_codes": Needs("codes.read", "codes.issue"),
    "slips": Needs("codes.read", "codes.issue"),
    "stands": Needs("codes.read", "codes.issue"),
    "paper": Needs("paper.read"),
    "paper_form": Needs("paper.read"),
    "paper_forms": Needs("codes.read", "codes.issue"),
    "paper_enter": Needs("paper.read", "paper.enter"),
    "paper_settle": Needs("paper.read", "paper.enter"),
    "figures_form": Needs("release.read"),
    "custody": Needs("custody.read", "custody.entrust"),
    "destroyed": Needs("custody.read", "custody.try"),
    "trial": Needs("custody.read", "custody.try"),
    "comments": Needs("comments.read"),
    "comment_review": Needs("comments.read", "comments.review"),
    "analysis": Needs("analysis.read", "analysis.run"),
    "analysis_approve": Needs("analysis.read", "analysis.approve"),
    "analysis_book": Needs("analysis.read"),
    "analysis_file": Needs("analysis.read"),
    "analysis_part": Needs("analysis.read"),
    "correction": Needs("release.read", "release.prepare"),
    "release": Needs("release.read"),
    "preview_file": Needs("release.read"),
    "release_act": Needs("release.read"),
    "questionnaires": Needs("questionnaires.read"),
    "questionnaire": Needs("questionnaires.read"),
    "questionnaire_file": Needs("questionnaires.read"),
    "questionnaire_preview": Needs("questionnaires.read"),
    "questionnaire_compare": Needs("questionnaires.read"),
    "questionnaire_import": Needs("questionnaires.read", "questionnaires.write"),
    "draft": Needs("questionnaires.read"),
    "draft_start": Needs("questionnaires.read", "questionnaires.write"),
    "draft_part": Needs("questionnaires.read", "questionnaires.write"),
    "draft_arrange": Needs("questionnaires.read", "questionnaires.write"),
    "draft_preview": Needs("questionnaires.read"),
    "draft_revisions": Needs("questionnaires.read", "questionnaires.write"),
    "draft_publish": Needs("questionnaires.read", "questionnaires.publish"),
    "draft_discard": Needs("questionnaires.read", "questionnaires.write"),
    "draft_file": Needs("questionnaires.read"),
    "staff": Needs("office_people.read", "office_people.write"),
    "staff_person": Needs("office_people.read"),
    "staff_change": Needs("office_people.read", "office_people.write"),
    "audit": Needs("audit.read"),
    "audit_file": Needs("audit.read"),
    "people": Needs("unit_people.read", "unit_people.write"),
    "person": Needs("unit_people.read", "unit_people.write"),
    "responses": Needs("release.read", "unit_people.write"),
    "responses_file": Needs("release.read"),
    "units_file": Needs("rounds.read"),
}

UNIT_NEEDS: Mapping[str, Needs] = {
    **_ACCOUNT,
    **_NOWHERE,
    "scorecards": Needs("portal.read"),
    "scorecard": Needs("portal.read"),
    "fieldwork": Needs("portal.read"),
    "pdf_file": Needs("portal.read"),
    "receive": Needs("portal.read", "portal.write"),
    "promise": Needs("portal.read", "portal.write"),
    "promise_state": Needs("portal.read", "portal.write"),
    "preview": Needs("portal.read", "portal.write"),
    "preview_pdf": Needs("portal.read"),
}

NEEDS: Mapping[str, Needs] = {
    **{f"office.{page}": needs for page, needs in OFFICE_NEEDS.items()},
    **{f"unit.{page}": needs for page, needs in UNIT_NEEDS.items()},
}

# Addresses under which several things can be done, told apart by a part of the path.
BY_VALUE: Mapping[tuple[str, str], Right] = {
    ("office.confirm", "open"): "rounds.run",
    ("office.confirm", "close"): "rounds.run",
    ("office.confirm", "seal"): "rounds.seal",
    ("office.confirm", "publish"): "release.prepare",
    ("office.release_act", "objection"): "release.answer",
    ("office.release_act", "answer"): "release.answer",
    ("office.release_act", "approve"): "release.approve",
    ("office.release_act", "withdraw"): "release.prepare",
    ("office.release_act", "publish"): "release.publish",
}


def needed_right(endpoint: str | None, method: str, values: Mapping[str, object] | None) -> Right | None:
    """The right that a request asks for; None where nobody has it: the page is in no row, or has nothing to send."""
    needs = NEEDS.get(endpoint or "")
    if needs is None or method in READING_METHODS:
        return None if needs is None else needs.read
    found = (BY_VALUE.get((endpoint or "", str(value))) for value in (values or {}).values())
    return next((right for right in found if right is not None), needs.change)


def is_allowed(account: OfficerRecord, endpoint: str | None, method: str, values: Mapping[str, object] | None) -> bool:
    """Whether an account may send this request."""
    right = needed_right(endpoint, method, values)
    return right is not None and account.may(right)


def words_for_templates() -> dict[str, object]:
    """What templates ask before they show a link or a button; all are false to whoever is not signed in.

    `may(right)`; `may_open(endpoint)` for a link; `may_send(endpoint, step=…)` for a button, and without an endpoint
    for the button of the page itself.
    """
    return {"may": _may, "may_open": _may_open, "may_send": _may_send}


def _may(right: Right) -> bool:
    account = g.get("account")
    return account is not None and account.may(right)


def _may_open(endpoint: str) -> bool:
    account = g.get("account")
    return account is not None and is_allowed(account, endpoint, "GET", None)


def _may_send(endpoint: str | None = None, **values: object) -> bool:
    account = g.get("account")
    if account is None:
        return False
    where, parts = (request.endpoint, request.view_args) if endpoint is None else (endpoint, values)
    return is_allowed(account, where, "POST", parts)
