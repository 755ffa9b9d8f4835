"""Whose each endpoint of the application is, judged by hand, and values for what stands in its address."""

from collections.abc import Iterator
from itertools import product

from werkzeug.routing import Rule

from support.citizens import OTHER_UNIT, UNIT

CODE_PATHS = (
    "citizen.choose",
    "citizen.show",
    "citizen.received",
    "citizen.challenge",
    "citizen.rate",
    "citizen.send",
    "citizen.kiosk",
    "citizen.kiosk_form",
    "citizen.kiosk_send",
    "citizen.kiosk_received",
)
# Who may get an answer below 300: everybody, whoever has the metrics' token, a signed-in officer, a unit's own people.
EVERYBODY = frozenset(
    {
        *CODE_PATHS,
        "health.healthz",
        "health.readyz",
        "office.invited",
        "office.oidc",
        "office.oidc_back",
        "office.sign_in",
        "public.bloc",
        "public.csv_file",
        "public.data",
        "public.docx_file",
        "public.index",
        "public.method",
        "public.pdf_file",
        "public.published",
        "public.published_file",
        "public.round",
        "public.table_file",
        "public.unit",
        "public.verify",
        "public.verify_round",
        "start",
        "static.file",
        "unit.invited",
        "unit.oidc",
        "unit.oidc_back",
        "unit.sign_in",
    }
)
MACHINES = frozenset({"metrics.metrics"})
OFFICERS = frozenset(
    {
        "office.answers_import",
        "office.kiosk",
        "office.tablet_form",
        "office.frame",
        "office.frame_batch",
        "office.frame_clean",
        "office.frame_draw",
        "office.frame_erase",
        "office.frame_left_out",
        "office.frame_selected",
        "office.setup",
        "office.setup_how",
        "office.setup_new",
        "office.setup_test",
        "office.setup_units",
        "office.unit_table",
        "office.account",
        "office.accounting",
        "office.accounting_file",
        "office.fieldwork",
        "office.fieldwork_channels",
        "office.fieldwork_file",
        "office.fieldwork_news",
        "office.fieldwork_target",
        "office.fieldwork_unit",
        "office.analysis",
        "office.analysis_approve",
        "office.analysis_book",
        "office.analysis_file",
        "office.analysis_part",
        "office.batch",
        "office.codes",
        "office.confirm",
        "office.custody",
        "office.destroyed",
        "office.done",
        "office.draft",
        "office.draft_arrange",
        "office.draft_discard",
        "office.draft_file",
        "office.draft_part",
        "office.draft_preview",
        "office.draft_publish",
        "office.draft_revisions",
        "office.draft_start",
        "office.questionnaire",
        "office.questionnaire_compare",
        "office.questionnaire_file",
        "office.questionnaire_import",
        "office.questionnaire_preview",
        "office.questionnaires",
        "office.paper",
        "office.paper_enter",
        "office.paper_form",
        "office.paper_forms",
        "office.paper_settle",
        "office.figures_form",
        "office.new_round",
        "office.nowhere",
        "office.passkey_removed",
        "office.passkeys",
        "office.password",
        "office.people",
        "office.person",
        "office.responses",
        "office.responses_file",
        "office.units_file",
        "office.sign_in_passkey",
        "office.reconcile",
        "office.recovery_codes",
        "office.round",
        "office.rounds",
        "office.second_factor",
        "office.sessions",
        "office.sign_in_code",
        "office.sign_out",
        "office.slips",
        "office.stands",
        "office.trial",
        "office.comment_review",
        "office.comments",
        "office.correction",
        "office.preview_file",
        "office.printing",
        "office.release",
        "office.release_act",
        "office.approval",
        "office.approvals",
        "office.approved_codes",
        "office.audit",
        "office.audit_file",
        "office.staff",
        "office.staff_change",
        "office.staff_person",
        "office.units",
    }
)
UNITS = frozenset(
    {
        "unit.account",
        "unit.fieldwork",
        "unit.nowhere",
        "unit.passkey_removed",
        "unit.passkeys",
        "unit.password",
        "unit.pdf_file",
        "unit.preview",
        "unit.preview_pdf",
        "unit.promise",
        "unit.promise_state",
        "unit.receive",
        "unit.recovery_codes",
        "unit.scorecard",
        "unit.scorecards",
        "unit.second_factor",
        "unit.sessions",
        "unit.sign_in_code",
        "unit.sign_in_passkey",
        "unit.sign_out",
    }
)
# What is asked of whoever is not signed in, or not whole.
STEPS_IN = frozenset({"office.sign_out", "office.sign_in_passkey"})
# Rounds that citizens know: open, not yet open, halted, over. The drafts are nobody's but the office's.
SHOWN_ROUNDS = {"hai-long", "nam-tieng", "noi-o", "mo", "sau", "dung", "het", "niem-phong", "ddci", "doanh-nghiep"}
DRAFTS = ("nhap", "chia-khoa")
PUBLISHED = "sipas-2026"
ROUNDS = ("hai-long", "niem-phong", *DRAFTS, PUBLISHED, "khong-co", "..%2f..%2fsecret.key")
VALUES = {
    "number": ("1", "999"),
    "key": ("0" * 16,),
    "slug": ROUNDS,
    "unit_code": (UNIT, OTHER_UNIT, "-", "..%2f..", "%00"),
    "unit": ("06652", "khong-co"),
    "name": ("06652", "estimates", "league-06652", "..%2f..%2f..%2fsecret", "manifest", "edition", "sipas"),
    "version": ("2017.1", "..%2f..%2fsecret.key"),
    "form_type": ("xlsx", "yaml"),
    "step": ("open", "close", "seal", "publish"),
    "action": ("approve", "publish", "objection"),
    "file_type": ("csv", "xlsx"),
    "decision": ("approve",),
    "what": ("roles", "shut_out", "reset"),
    "part": ("units", "flags", "about", "p2"),
    "kind": ("xlsx", "parquet", "json"),
    "code": ("khoi-dia-phuong", "khong-co"),
    "digest": ("0000000000",),
    "anything": ("nowhere", "../secret.key", "rounds/hai-long/xoa"),
}


def addresses(rule: Rule) -> Iterator[str]:
    """Every address of a route, with each value that may stand in it."""
    names = sorted(rule.arguments)
    for values in product(*(VALUES[name] for name in names)):
        address = rule.rule
        for name, value in zip(names, values, strict=True):
            start = address.index("<")
            end = address.index(f"{name}>") + len(name) + 1
            # Converters come before the name: `<any(csv, xlsx):file_type>`.
            if not address[start:end].endswith(f"{name}>") or ">" in address[start : end - 1]:
                start = address.rindex("<", 0, end)
            address = address[:start] + value + address[end:]
        yield address
