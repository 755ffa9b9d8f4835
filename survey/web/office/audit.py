"""The audit log in the browser: filtered, page by page, with its chain checked, and as a file."""

from flask import Blueprint, Response, request

from survey.audit_log import Wanted, audit_lines, chain_complaints, count_audit_lines
from survey.services import Services
from survey.viet_nam import VIET_NAM
from survey.web.office.tables_to_download import TABLE_FILE, Column, Table, table_file
from survey.web.pages import catalogue_of, page_language, render_page_of

ON_A_PAGE = 50
# More events than these are the command line's work: `hailong audit-log`.
MOST_IN_A_FILE = 50_000
MOST_COMPLAINTS = 20
LONGEST = 80
COLUMNS = {"number": 8, "at": 20, "actor": 24, "action": 28, "subject": 60, "hash": 66}


class AuditPages:
    """The audit log of one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def audit(self) -> Response:
        """Fifty events, the newest first, of those that the address asks for."""
        stores, wanted = self._services.stores, _wanted()
        total = count_audit_lines(stores, wanted)
        page = min(_page(), max(1, -(-total // ON_A_PAGE)))
        complaints = chain_complaints(stores)
        lines = audit_lines(stores, wanted, offset=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE)
        return render_page_of(
            "office",
            "staff/audit.html",
            page_language(),
            area="audit",
            lines=[(line, f"{line.at.astimezone(VIET_NAM):%d/%m/%Y %H:%M:%S}") for line in lines],
            wanted=wanted,
            asked={name: value for name in ("actor", "action", "subject") if (value := getattr(wanted, name))},
            total=total,
            page=page,
            n_pages=max(1, -(-total // ON_A_PAGE)),
            complaints=complaints[:MOST_COMPLAINTS],
            n_complaints=len(complaints),
            longest=LONGEST,
        )

    def file(self, file_type: str) -> Response:
        """The events that the address asks for, as a table."""
        text, language = catalogue_of("office").text, page_language()
        columns = [Column(text(f"audit_col_{name}", language), width) for name, width in COLUMNS.items()]
        rows = [
            (line.number, line.at, line.actor, line.action, line.subject, line.hash)
            for line in audit_lines(self._services.stores, _wanted(), limit=MOST_IN_A_FILE)
        ]
        return table_file(Table("audit", columns, rows), file_type, "audit-log")


def add_audit_pages(blueprint: Blueprint, services: Services) -> None:
    """Give the office its audit log."""
    pages = AuditPages(services)
    blueprint.add_url_rule("/audit", "audit", pages.audit, methods=["GET"])
    blueprint.add_url_rule(f"/audit{TABLE_FILE}", "audit_file", pages.file, methods=["GET"])


def _wanted() -> Wanted:
    actor, action, subject = (
        request.args.get(name, "").strip().replace("\0", "")[:LONGEST] for name in ("actor", "action", "subject")
    )
    return Wanted(actor, action, subject)


def _page() -> int:
    asked = request.args.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
