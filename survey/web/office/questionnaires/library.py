"""The library: published versions and drafts, one version, two side by side, files out and in."""

from collections import Counter
from http import HTTPStatus

from flask import Response, abort, redirect, request, url_for
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as AnyResponse

from questionnaires.compatibility import Difference, compare
from questionnaires.draft_checks import check_draft
from questionnaires.draft_files import tree_of_file, yaml_of
from questionnaires.errors import QuestionnaireError
from questionnaires.library import sort_key
from questionnaires.model import Questionnaire
from questionnaires.xlsform_reading import ForeignWorkbookError, tree_of_xlsform
from questionnaires.xlsform_writing import xlsform_of
from survey.errors import BadInput, NotFound
from survey.questionnaire_drafts import (
    DraftRecord,
    find_draft,
    list_drafts,
    start_draft,
    start_empty,
    start_from_version,
)
from survey.questionnaire_library import (
    find_questionnaire,
    list_published,
    published_references,
    questionnaire_source,
)
from survey.round_records import list_rounds
from survey.services import Services
from survey.viet_nam import VIET_NAM
from survey.web.accounts.session import now
from survey.web.forms import OfficeForm
from survey.web.office.files import is_chosen, name_of
from survey.web.office.questionnaires.differences import compared
from survey.web.office.questionnaires.drafts import told, writer
from survey.web.office.questionnaires.preview import preview_language, preview_page
from survey.web.office.questionnaires.showing import shares_of, version_line
from survey.web.pages import catalogue_of, page_language, render_page_of
from survey.web.spreadsheets import XLSX_TYPE, attachment

YAML_TYPE = "application/yaml; charset=utf-8"
FILE_TYPES = "<any(xlsx, yaml):form_type>"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"


class ImportForm(OfficeForm):
    file = FileField()


def earlier_version(services: Services, draft: DraftRecord) -> tuple[str, tuple[Difference, ...], bool]:
    """The version that a draft is compared with, what differs, and whether its own reference is taken.

    It is the one that the draft was made from, or the latest published one of the same name; empty without one.
    """
    references = published_references(services.stores)
    is_taken = draft.reference in references
    same_name = [one for one in references if one.partition("/")[0] == draft.tree["name"]]
    before = draft.origin if draft.origin in references else (same_name or [""])[-1]
    if not before:
        return "", (), is_taken
    found = compare(find_questionnaire(services.stores, before), check_draft(draft.tree).questionnaire)
    return before, tuple(found), is_taken


class LibraryPages:
    """The pages about published questionnaires, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def questionnaires(self) -> Response:
        """Everything there is: drafts first, then what is published."""
        stores, language = self._services.stores, page_language()
        rounds = list_rounds(stores)
        used = Counter(
            reference for one in rounds for reference in (one.questionnaire_reference, *one.module_references)
        )
        entries = list_published(stores)
        drafts = [
            (draft, draft.saved_at.astimezone(VIET_NAM), len(check_draft(draft.tree).problems))
            for draft in list_drafts(stores)
        ]
        return render_page_of(
            "office",
            "questionnaires/library.html",
            language,
            area="questionnaires",
            versions=[version_line(one, language, used[one.questionnaire.reference]) for one in entries],
            drafts=drafts,
            notice=told(request.args.get("done")),
        )

    def questionnaire(self, name: str, version: str) -> Response:
        """One published version, whole."""
        language = page_language()
        reference = f"{name}/{version}"
        entry = next(
            (one for one in list_published(self._services.stores) if one.questionnaire.reference == reference), None
        )
        if entry is None:
            abort(HTTPStatus.NOT_FOUND)
        known = [one for one in published_references(self._services.stores) if _form_of(one) == _form_of(reference)]
        place = known.index(reference)
        return render_page_of(
            "office",
            "questionnaires/version.html",
            language,
            area="questionnaires",
            questionnaire=entry.questionnaire,
            title=entry.questionnaire.title.in_language(language),
            published_on=entry.published_on,
            before=known[place - 1] if place else "",
            shares=shares_of(entry.questionnaire),
            notice=told(request.args.get("done")),
        )

    def preview(self, name: str, version: str) -> Response:
        """A published version as a phone shows it."""
        questionnaire = self._find(f"{name}/{version}")
        return preview_page(questionnaire, preview_language(questionnaire, request.args.get("in", "")), page_language())

    def file(self, name: str, version: str, form_type: str) -> Response:
        """A published version as its own file, byte for byte, or as an XLSForm."""
        reference = f"{name}/{version}"
        source = self._source(reference)
        tree, _ = tree_of_file(source, reference)
        content = source if form_type == "yaml" else xlsform_of(tree)
        return _file(content, f"{name}-{version}", form_type)

    def draft_file(self, number: int, form_type: str) -> Response:
        """A draft as a file, finished or not."""
        draft = find_draft(self._services.stores, number)
        content = yaml_of(draft.tree) if form_type == "yaml" else xlsform_of(draft.tree)
        return _file(content, draft.reference.replace("/", "-").replace("?", "draft"), form_type)

    def compare(self) -> Response:
        """Two versions side by side; a draft may be one of them."""
        stores, language = self._services.stores, page_language()
        t = catalogue_of("office").translator(language)
        references = published_references(stores)
        choices = [(one, one) for one in references]
        choices += [
            (f"draft-{draft.number}", t("questionnaire_draft_of", reference=draft.reference))
            for draft in list_drafts(stores)
        ]
        names = dict(choices)
        chosen = {side: request.args.get(side, "") for side in ("a", "b")}
        if chosen["a"] not in names:
            chosen["a"] = references[0]
        comparison = None
        if chosen["b"] in names:
            sides = [self._side(chosen[side]) for side in ("a", "b")]
            comparison = compared(sides[0], sides[1], language, t)
        return render_page_of(
            "office",
            "questionnaires/compare.html",
            language,
            area="questionnaires",
            choices=choices,
            chosen=chosen,
            labels={side: names.get(code, code) for side, code in chosen.items()},
            comparison=comparison,
        )

    def _side(self, code: str) -> Questionnaire:
        if code.startswith("draft-"):
            draft = find_draft(self._services.stores, int(code.removeprefix("draft-")))
            return check_draft(draft.tree).questionnaire
        return self._find(code)

    def start(self) -> AnyResponse:
        """Begin a draft: empty, or as a version says."""
        reference, stores = request.form.get("from", ""), self._services.stores
        number = (
            start_from_version(stores, reference, writer(), now())
            if reference
            else start_empty(stores, writer(), now())
        )
        return _to_draft(number, "started")

    def take_in(self) -> AnyResponse:
        """A file from elsewhere, taken in as a draft; nothing of it is published by that."""
        language, form = page_language(), ImportForm()
        refusal: tuple[str, list[str]] | None = None
        if request.method == "POST":
            if not is_chosen(form.file.data):
                form.file.errors = ["error_required"]
            else:
                outcome = self._taken_in(form.file.data.read(), name_of(form.file.data))
                if isinstance(outcome, int):
                    return _to_draft(outcome, "imported")
                refusal = outcome
        is_refused = refusal is not None or bool(form.file.errors)
        return render_page_of(
            "office",
            "questionnaires/import.html",
            language,
            status=int(HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.OK),
            area="questionnaires",
            form=form,
            refusal=refusal,
        )

    def _taken_in(self, content: bytes, name: str) -> int | tuple[str, list[str]]:
        """The number of the draft that a file has become, or why it has not."""
        if content.startswith(_OLE):
            return "old_excel", []
        try:
            if content.startswith(_ZIP):
                tree, remarks = tree_of_xlsform(content, name)
            else:
                tree, left_out = tree_of_file(content, name)
                remarks = tuple(f"questionnaire_remark_key|{key}" for key in left_out)
        except ForeignWorkbookError as foreign:
            return foreign.why, [str(foreign)]
        except QuestionnaireError as complaint:
            return "unreadable", [str(one) for one in complaint.complaints][:20] or [str(complaint)]
        except BadInput as complaint:
            return "unreadable", [str(complaint)]
        return start_draft(self._services.stores, tree, name, writer(), now(), remarks=remarks)

    def _find(self, reference: str) -> Questionnaire:
        return find_questionnaire(self._services.stores, reference)

    def _source(self, reference: str) -> bytes:
        return questionnaire_source(self._services.stores, reference)


def _form_of(reference: str) -> tuple[str, str]:
    try:
        return sort_key(reference)[:2]
    except ValueError:
        raise NotFound(f"found no questionnaire {reference[:80]!r}") from None


def _to_draft(number: int, done: str) -> AnyResponse:
    lang = "en" if page_language() == "en" else None
    return redirect(url_for("office.draft", number=number, done=done, lang=lang), HTTPStatus.SEE_OTHER)


def _file(content: bytes, stem: str, form_type: str) -> Response:
    return attachment(content, YAML_TYPE if form_type == "yaml" else XLSX_TYPE, f"{stem}.{form_type}")
