"""A draft whose checklist is green, without anybody walking through the pages."""

from dataclasses import replace

from questionnaires.model import Text
from survey.notices import Notice
from survey.round_drafts import DraftChange, change_draft
from survey.round_records import find_round
from survey.round_setup import keep_setup, record_test, setup_of
from survey.services import Services, today


def make_ready(services: Services, slug: str, n_asked: int = 100) -> None:
    """Let a draft be as its set-up would leave it: a number to call, a key that somebody holds, questions tried."""
    record = find_round(services.stores, slug)
    if not record.hotline or not record.issuer.vi:
        issuer = record.issuer if record.issuer.vi else Text("Sở Nội vụ", "Department of Home Affairs")
        notice = Notice(issuer=issuer, decision=record.decision, hotline="0203 000 000")
        record = change_draft(services.stores, slug, DraftChange(notice=notice), actor="command line")
    holding = setup_of(services.stores, record).key_holding or ("people" if record.custody else "machine")
    setup = replace(setup_of(services.stores, record), key_holding=holding, n_asked=n_asked)
    keep_setup(services.stores, record, setup, actor="command line")
    record_test(services.stores, record, "Nguyễn Thị Lan", today(), actor="command line")
