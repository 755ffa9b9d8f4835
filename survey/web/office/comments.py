"""Comments: an officer covers what names a person, gives each its theme, and releases or withholds it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.release.voices import FEWEST_COMMENTS
from survey.comment_masks import find_personal_data, is_english, mask, released_text
from survey.comment_themes import Theme, suggested_theme, themes_of
from survey.comments import (
    Comment,
    CommentState,
    Decision,
    has_comments,
    open_comments_of,
    review_comments,
    voices_of,
)
from survey.errors import BadInput
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services, today
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line
from survey.web.pages import page_language, render_page

ON_A_PAGE = 20
STATES: tuple[CommentState, ...] = ("waiting", "released", "withheld")


@dataclass(frozen=True, slots=True)
class UnitLine:
    """How far the comments on a unit are."""

    code: str
    name: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class CommentLine:
    """A comment on the page that reviews it: `text` as it would be released, `theme` as it is or is suggested."""

    comment: Comment
    text: str
    theme: str
    state: str
    n_found: int
    language: str
    is_wrong: bool = False


class CommentPages:
    """The comments of rounds, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def comments(self, slug: str) -> AnyResponse:
        """How far the review is, and what of it an edition would tell today."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if not has_comments(self._services.settings, record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        found, themes = self._opened(record), themes_of(self._services.settings)
        names = self._names(record, language)
        voices = voices_of(self._services.stores, slug, themes)
        lines = [
            UnitLine(
                code, names.get(code, code), Counter(comment.state for comment in found if comment.unit_code == code)
            )
            for code in sorted({comment.unit_code for comment in found}, key=lambda code: names.get(code, code))
        ]
        n_texts = Counter((row.unit, row.theme) for row in voices.comments)
        return render_page(
            "office/comments.html",
            language,
            area="rounds",
            round=line,
            lines=lines,
            n_waiting=sum(comment.state == "waiting" for comment in found),
            total=len(found),
            groups=[
                (names.get(row.unit, row.unit), row.label_en if language == "en" else row.label_vi, row.n, n)
                for row in voices.themes
                for n in [n_texts[row.unit, row.theme]]
            ],
            fewest=FEWEST_COMMENTS,
        )

    def review(self, slug: str) -> AnyResponse:
        """Twenty comments with what the rules suggest; posted, what was decided of them."""
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        if not has_comments(self._services.settings, record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        found, themes = self._opened(record), themes_of(self._services.settings)
        if request.method != "POST":
            shown = _chosen(found)[_offset() : _offset() + ON_A_PAGE]
            lines = [_line(comment, themes) for comment in shown]
            return self._page(record, found, lines, themes, HTTPStatus.OK)
        by_place = {comment.place: comment for comment in found}
        sent = [by_place[place] for place in _places() if place in by_place]
        decisions = [decision for comment in sent if (decision := _decision(comment)) is not None]
        wrong = set()
        for decision in decisions:
            try:
                review_comments(
                    self._services.stores, record, by_place, [decision], themes, officer=g.account, today=today()
                )
            except BadInput:
                # Each stands alone: what was decided of the others is kept.
                wrong.add(decision.place)
        if wrong:
            lines = [_line(by_place[place], themes, request.form, is_wrong=True) for place in sorted(wrong)]
            return self._page(record, self._opened(record), lines, themes, HTTPStatus.BAD_REQUEST)
        kept: dict[str, Any] = {key: value for key in ("unit", "state") if (value := request.args.get(key))}
        # Of those that wait the next are the first again; of the others the page goes on.
        offset = None if request.args.get("state", "waiting") == "waiting" else _offset() + ON_A_PAGE
        undecided = len(sent) - len(decisions)
        if offset is None and undecided:
            offset = _offset() + undecided
        address = url_for("office.comment_review", slug=slug, offset=offset, saved=len(decisions), **kept)
        return redirect(address, HTTPStatus.SEE_OTHER)

    def _page(
        self,
        record: RoundRecord,
        found: Sequence[Comment],
        lines: list[CommentLine],
        themes: Sequence[Theme],
        status: int,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        names, chosen = self._names(record, language), _chosen(found)
        counts = Counter(comment.state for comment in found)
        return render_page(
            "office/comment_review.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            lines=lines,
            themes=[(theme.code, theme.label.in_language(language)) for theme in themes],
            names=names,
            units=sorted(
                {code: names.get(code, code) for code in {c.unit_code for c in found}}.items(), key=lambda p: p[1]
            ),
            states=[(state, counts[state]) for state in STATES],
            unit=request.args.get("unit", ""),
            state=_state(),
            offset=_offset(),
            n_chosen=len(chosen),
            on_a_page=ON_A_PAGE,
            saved=request.args.get("saved", ""),
        )

    def _opened(self, record: RoundRecord) -> tuple[Comment, ...]:
        services = self._services
        return open_comments_of(
            services.stores, services.vault, services.settings, record, officer=g.account, today=today()
        )

    def _names(self, record: RoundRecord, language: str) -> Mapping[str, str]:
        return {unit.code: unit_name(unit, language) for unit in units_of_round(self._services.stores, record)}


def _line(
    comment: Comment, themes: Sequence[Theme], sent: Mapping[str, str] | None = None, *, is_wrong: bool = False
) -> CommentLine:
    language = "en" if is_english(comment.original) else "vi"
    n_found = len(find_personal_data(comment.original))
    if sent is not None:
        place = comment.place
        text, theme = sent.get(f"text-{place}", ""), sent.get(f"theme-{place}", "")
        return CommentLine(comment, text, theme, sent.get(f"state-{place}", ""), n_found, language, is_wrong)
    text = comment.text or released_text(mask(comment.original))
    theme = comment.theme or suggested_theme(comment.original, themes)
    return CommentLine(comment, text, theme, comment.state, n_found, language)


def _decision(comment: Comment) -> Decision | None:
    """What the form says of a comment; None where it is left for later."""
    place, sent = comment.place, request.form
    state = sent.get(f"state-{place}", "")
    if state not in ("released", "withheld"):
        return None
    text = sent.get(f"text-{place}", "")
    return Decision(place, "released" if state == "released" else "withheld", sent.get(f"theme-{place}", ""), text)


def _chosen(found: Sequence[Comment]) -> list[Comment]:
    """The comments that the address asks for: of one unit or of all, in one state."""
    unit, state = request.args.get("unit", ""), _state()
    return [comment for comment in found if comment.state == state and unit in ("", comment.unit_code)]


def _state() -> str:
    asked = request.args.get("state", "waiting")
    return asked if asked in STATES else "waiting"


def _offset() -> int:
    asked = request.args.get("offset", "0")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0


def _places() -> list[int]:
    places = [
        place for place in request.form.getlist("place") if place.isascii() and place.isdigit() and len(place) < 9
    ]
    return [int(place) for place in places[:ON_A_PAGE]]
