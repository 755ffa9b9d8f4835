"""A draft in the browser: its outline, its parts one by one, what is kept of it, and its publication."""

from http import HTTPStatus
from typing import Any

from flask import Response, abort, g, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from questionnaires.compatibility import comparability_note
from questionnaires.draft_checks import CheckedDraft, check_draft
from questionnaires.draft_edits import (
    add_part,
    arrange_rows,
    balance,
    part_value,
    posted_value,
    put_part,
)
from questionnaires.draft_trees import ABOUT, INDEX, Tree, copy_part, find_part, move_part, remove_part
from questionnaires.errors import QuestionnaireError
from survey.errors import BadInput, NotFound, WrongState
from survey.questionnaire_drafts import (
    DraftRecord,
    Writer,
    change_draft,
    discard_draft,
    find_draft,
    list_revisions,
    mark_of,
    publish_draft,
    restore_revision,
)
from survey.services import Services, today
from survey.texts import Translate
from survey.viet_nam import VIET_NAM
from survey.web.accounts.session import now
from survey.web.office.questionnaires.editing import EditedPart, editor_page, form_values
from survey.web.office.questionnaires.posted import nested
from survey.web.office.questionnaires.preview import preview_language, preview_page
from survey.web.office.questionnaires.showing import outline_of, problems_of
from survey.web.pages import catalogue_of, page_language, render_page_of

KINDS = ("section", "item", "scale", "factor", "profile")
STEPS = {"up": -1, "down": 1}
ROW_STEPS = ("row_up", "row_down", "row_out")
NOTICES = ("started", "removed", "restored", "published", "discarded", "imported")


class _OvertakenError(Exception):
    """Somebody else has changed the part since the form was drawn."""

    def __init__(self, kind: str, theirs: Tree, mine: Tree) -> None:
        super().__init__(kind)
        self.kind, self.theirs, self.mine = kind, theirs, mine


class _GoneError(Exception):
    """Somebody else has removed the part since the form was drawn."""


def writer() -> Writer:
    """Who is signed in, as whoever writes a draft."""
    return Writer(g.account.login, g.account.name)


def told(done: str | None) -> str | None:
    """The key of the notice that an address asks for, where it is one of ours."""
    return f"questionnaire_done_{done}" if done in NOTICES else None


class DraftPages:
    """The pages of a draft, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def draft(self, number: int) -> AnyResponse:
        """The outline of a draft with everything that is still wrong."""
        language = page_language()
        record = self._find(number)
        checked = check_draft(record.tree)
        t = catalogue_of("office").translator(language)
        return render_page_of(
            "office",
            "questionnaires/draft.html",
            language,
            area="questionnaires",
            draft=record,
            outline=outline_of(record.tree, checked, language),
            problems=_problems_by_part(record.tree, checked, t),
            languages=record.tree["languages"],
            saved_at=record.saved_at.astimezone(VIET_NAM),
            notice=told(request.args.get("done")),
        )

    def part(self, number: int, part: str) -> AnyResponse:
        """One part of a draft: the form, and what it sends, kept at once."""
        if request.method == "POST":
            return self._save(number, part)
        record = self._find(number)
        found = part_value(record.tree, part)
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        kind, value = found
        return editor_page(record, EditedPart(part, kind, value, mark_of(value)), page_language())

    def _save(self, number: int, part: str) -> AnyResponse:
        wants_json = request.headers.get("X-Autosave") == "yes"
        posted = nested(request.form.items(multi=True))
        step = request.form.get("do", "save")
        name, _, place = step.partition(":")
        try:
            record, value = self._change(number, part, posted, name, place)
        except NotFound:
            return self._gone(None, posted) if not wants_json else _refused(HTTPStatus.NOT_FOUND, "gone")
        except BadInput:
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large") if wants_json else _too_large()
        except _GoneError:
            return self._gone(number, posted) if not wants_json else _refused(HTTPStatus.NOT_FOUND, "gone")
        except _OvertakenError as overtaken:
            if wants_json:
                return _refused(HTTPStatus.CONFLICT, "overtaken")
            return self._overtaken(number, part, overtaken)
        if wants_json:
            return _saved(record, part, value)
        if name == "save" and place == "out":
            return redirect(url_for("office.draft", number=number, **_lang()), HTTPStatus.SEE_OTHER)
        if name == "go":
            # The neighbour, or whichever part was asked for: everything typed here is kept on the way.
            return redirect(url_for("office.draft_part", number=number, part=place, **_lang()), HTTPStatus.SEE_OTHER)
        anchor = "rows" if name in ROW_STEPS or name in ("more", "alike", "hundred") else "saved"
        return redirect(
            url_for("office.draft_part", number=number, part=part, saved=1, **_lang(), _anchor=anchor),
            HTTPStatus.SEE_OTHER,
        )

    def _change(
        self, number: int, part: str, posted: dict[str, Any], name: str, place: str
    ) -> tuple[DraftRecord, Tree]:
        shown_mark, puts_over = request.form.get("mark", ""), request.form.get("over") == "yes"

        def change(tree: Tree) -> Tree:
            found = part_value(tree, part)
            if found is None:
                raise _GoneError
            kind, current = found
            if name in ROW_STEPS and place.isdecimal():
                arrange_rows(kind, posted, name, int(place))
            value = posted_value(kind, posted, tree["languages"])
            if mark_of(current) not in (shown_mark, mark_of(_without_was(value))) and not puts_over:
                raise _OvertakenError(kind, current, value)
            put_part(tree, part, value)
            if name in ("alike", "hundred"):
                balance(_nodes(tree, part), name)
            return (part_value(tree, part) or (kind, value))[1]

        return change_draft(self._services.stores, number, change, writer(), now())

    def _overtaken(self, number: int, part: str, overtaken: _OvertakenError) -> Response:
        record = self._find(number)
        edited = EditedPart(
            part, overtaken.kind, overtaken.mine, mark_of(overtaken.theirs), theirs=form_values(overtaken.theirs)
        )
        return editor_page(record, edited, page_language(), status=HTTPStatus.CONFLICT)

    def _gone(self, number: int | None, posted: dict[str, Any]) -> Response:
        """What was typed, where there is nothing any more that it could be saved in."""
        typed = [(name, words) for name, words in form_values(posted).items() if words and name != "csrf_token"]
        return render_page_of(
            "office",
            "questionnaires/gone.html",
            page_language(),
            status=int(HTTPStatus.GONE),
            area="questionnaires",
            number=number,
            typed=typed,
        )

    def arrange(self, number: int) -> AnyResponse:
        """Add, move, copy or remove parts."""
        name, _, about = request.form.get("do", "").partition(":")
        kind, _, place = about.partition(":")

        def change(tree: Tree) -> str | None:
            if name == "add" and kind in KINDS:
                return add_part(tree, kind, place)
            if name in STEPS:
                return about if move_part(tree, about, STEPS[name]) else None
            if name == "copy":
                return copy_part(tree, about)
            if name == "remove":
                remove_part(tree, about)
            elif name == "no_tree":
                tree["index"], tree["profiles"], tree["default_profile"] = None, [], ""
            else:
                abort(HTTPStatus.BAD_REQUEST)
            return None

        takes_out = name in ("remove", "no_tree")
        _, made = change_draft(self._services.stores, number, change, writer(), now(), keeps_former=takes_out)
        if made and name in ("add", "copy"):
            return redirect(url_for("office.draft_part", number=number, part=made, **_lang()), HTTPStatus.SEE_OTHER)
        done = "removed" if takes_out else None
        anchor = about if name in STEPS else None
        return redirect(
            url_for("office.draft", number=number, done=done, **_lang(), _anchor=anchor), HTTPStatus.SEE_OTHER
        )

    def preview(self, number: int) -> Response:
        """The draft as a phone shows it, a part's section alone where one is named."""
        record = self._find(number)
        questionnaire = check_draft(record.tree).questionnaire
        language = preview_language(questionnaire, request.args.get("in", ""))
        part = request.args.get("part", "")
        sections = [
            questionnaire.sections[n].code or f"section_{n}"
            for n, section in enumerate(record.tree["sections"])
            if section["id"] == part or any(item["id"] == part for item in section["items"])
        ]
        return preview_page(questionnaire, language, page_language(), sections)

    def revisions(self, number: int) -> AnyResponse:
        """How the draft stood before; posted, it stands so again."""
        stores = self._services.stores
        if request.method == "POST":
            revision = request.form.get("revision", "")
            if not revision.isdecimal() or len(revision) > 9:
                abort(HTTPStatus.BAD_REQUEST)
            restore_revision(stores, number, int(revision), writer(), now())
            return redirect(url_for("office.draft", number=number, done="restored", **_lang()), HTTPStatus.SEE_OTHER)
        record = self._find(number)
        kept = [(one, one.saved_at.astimezone(VIET_NAM)) for one in list_revisions(stores, number)]
        return render_page_of(
            "office",
            "questionnaires/revisions.html",
            page_language(),
            area="questionnaires",
            draft=record,
            kept=kept,
            saved_at=record.saved_at.astimezone(VIET_NAM),
        )

    def publish(self, number: int) -> AnyResponse:
        """What publication means and changes; posted, the draft is published for good."""
        language, refusal = page_language(), None
        if request.method == "POST":
            revision = request.form.get("revision", "")
            if not revision.isdecimal() or len(revision) > 9:
                abort(HTTPStatus.BAD_REQUEST)
            try:
                done = publish_draft(self._services.stores, number, int(revision), writer(), today())
            except (WrongState, QuestionnaireError) as complaint:
                refusal = str(complaint)
            else:
                return redirect(
                    url_for(
                        "office.questionnaire",
                        name=done.name,
                        version=done.version,
                        done="published",
                        **_lang(),
                    ),
                    HTTPStatus.SEE_OTHER,
                )
        return self._publish_page(number, language, refusal)

    def _publish_page(self, number: int, language: str, refusal: str | None) -> Response:
        from survey.web.office.questionnaires.library import earlier_version

        record = self._find(number)
        checked = check_draft(record.tree)
        t = catalogue_of("office").translator(language)
        before, differences, is_taken = earlier_version(self._services, record)
        note = comparability_note(list(differences)).in_language(language) if before else ""
        return render_page_of(
            "office",
            "questionnaires/publish.html",
            language,
            status=int(HTTPStatus.CONFLICT if refusal else HTTPStatus.OK),
            area="questionnaires",
            draft=record,
            problems=_problems_by_part(record.tree, checked, t),
            n_items=len(checked.questionnaire.items),
            before=before,
            n_breaking=sum(one.breaks_trend for one in differences),
            n_other=sum(not one.breaks_trend for one in differences),
            note=note,
            is_taken=is_taken,
            refusal=refusal,
        )

    def discard(self, number: int) -> AnyResponse:
        """Delete the draft."""
        discard_draft(self._services.stores, number, writer())
        return redirect(url_for("office.questionnaires", done="discarded", **_lang()), HTTPStatus.SEE_OTHER)

    def _find(self, number: int) -> DraftRecord:
        return find_draft(self._services.stores, number)


def _nodes(tree: Tree, part: str) -> list[Tree]:
    if part == INDEX:
        return list(tree["index"]["factors"]) if tree["index"] else []
    found = find_part(tree, part)
    return list(found[2]["criteria"]) if found and found[0] == "factor" else []


def _without_was(value: Tree) -> Tree:
    if "options" not in value:
        return value
    return {**value, "options": [{k: v for k, v in one.items() if k != "was"} for one in value["options"]]}


def _saved(record: DraftRecord, part: str, value: Tree) -> Response:
    language = page_language()
    t = catalogue_of("office").translator(language)
    checked = check_draft(record.tree)
    found = problems_of(checked, part, t)
    at = f"{record.saved_at.astimezone(VIET_NAM):%H:%M:%S}"
    return jsonify(
        mark=mark_of(value),
        said=t("questionnaire_saved_at", at=at),
        problems={name: list(lines) for name, lines in found.by_field.items()},
        total=len(checked.problems),
        total_said=t("questionnaire_n_problems", count=len(checked.problems)),
    )


def _refused(status: HTTPStatus, why: str) -> Response:
    t = catalogue_of("office").translator(page_language())
    response = jsonify(why=why, said=t(f"questionnaire_autosave_{why}"))
    response.status_code = int(status)
    return response


def _too_large() -> Response:
    abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _lang() -> dict[str, Any]:
    return {"lang": "en"} if page_language() == "en" else {}


def _problems_by_part(tree: Tree, checked: CheckedDraft, t: Translate) -> list[tuple[str, str, tuple[str, ...]]]:
    """(part, what it is called, what is wrong with it) for each part that something is wrong with, in order."""
    names = {ABOUT: t("questionnaire_about"), INDEX: t("questionnaire_index")}
    place = 0
    for section in tree["sections"]:
        names[section["id"]] = t("questionnaire_section_named", code=section["code"])
        for item in section["items"]:
            place += 1
            names[item["id"]] = t("questionnaire_item_named", number=place, code=item["code"])
    for scale in tree["scales"]:
        names[scale["id"]] = t("questionnaire_scale_named", code=scale["code"])
    for factor in tree["index"]["factors"] if tree["index"] else ():
        names[factor["id"]] = t("questionnaire_factor_named", code=factor["code"])
    for profile in tree["profiles"]:
        names[profile["id"]] = t("questionnaire_profile_named", code=profile["name"])
    wrong = dict.fromkeys(problem.part for problem in checked.problems)
    return [
        (part, names.get(part, part), tuple(words for _, words in problems_of(checked, part, t).lines))
        for part in wrong
    ]
