"""The free texts of a sealed round: opened for who reviews them, and what officers decided to release of them.

They lie encrypted beside the archive, in an order that was shuffled at the sealing. What an officer decides is kept by
a text's place in that file; the text itself only once it is released, and then with what was masked covered.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import select

from analysis.archive import COMMENTS, MANIFEST
from analysis.errors import ArchiveError
from analysis.release.voice_rows import CommentRow, ThemeRow
from analysis.release.voices import FEWEST_COMMENTS, Voices
from analysis.sealed_folders import read_manifest
from survey.comment_masks import is_covered, released_text
from survey.comment_themes import Theme
from survey.envelopes import EnvelopeError, open_comments
from survey.errors import BadInput, HailongError, WrongState
from survey.officers import OfficerRecord
from survey.plain_texts import plain_text
from survey.round_records import RoundRecord
from survey.sealing import archive_path
from survey.settings import Settings
from survey.storage.audit import record_event
from survey.storage.office import AuditEvent
from survey.storage.releases import CommentReview
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.vault import KeyVault

CommentState = Literal["waiting", "released", "withheld"]
OPENED = "comments.opened"


@dataclass(frozen=True, slots=True)
class Comment:
    """A text as a citizen typed it, less what cannot be seen, and what was decided of it.

    `place` is where it stands in the shuffled file. `theme` and `text` are what was decided; both are empty while it
    waits, and `text` is empty when it is withheld.
    """

    place: int
    unit_code: str
    item: str
    original: str
    state: CommentState = "waiting"
    theme: str = ""
    text: str = ""
    reviewed_by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an officer decides of the comment at a place: released with this text under a theme, or withheld."""

    place: int
    state: CommentState
    theme: str
    text: str = ""


def has_comments(settings: Settings, record: RoundRecord) -> bool:
    """Whether a sealed round has free texts that can still be read."""
    return record.state in ("sealed", "published") and (archive_path(settings, record.slug) / COMMENTS).is_file()


def n_waiting_comments(stores: Stores, settings: Settings, record: RoundRecord) -> int:
    """How many free texts of a round nobody has decided about; none of them is opened for that.

    Raises ArchiveError where the archive's manifest cannot be read.
    """
    if not has_comments(settings, record):
        return 0
    manifest = read_manifest(archive_path(settings, record.slug), MANIFEST, ArchiveError)
    return max(0, int(str(manifest.get("comments", 0))) - len(_reviews_of(stores, record.slug)))


def open_comments_of(
    stores: Stores, vault: KeyVault, settings: Settings, record: RoundRecord, *, officer: OfficerRecord, today: date
) -> tuple[Comment, ...]:
    """The free texts of a round with what was decided of each, in the order of the file.

    That they were opened is in the audit log once for each officer and day. Raises WrongState where there are none, and
    HailongError where the office's key does not open them.
    """
    if not has_comments(settings, record):
        raise WrongState(f"the round {record.slug} is {record.state}; found no comments to review")
    envelope = (archive_path(settings, record.slug) / COMMENTS).read_bytes()
    try:
        lines = open_comments(vault.unwrap(f"{record.slug}.comments"), record.slug, envelope).splitlines()
    except EnvelopeError as complaint:
        raise HailongError(f"the comments of {record.slug}: {complaint}") from None
    _tell_opened(stores, record.slug, officer, today)
    decided = _reviews_of(stores, record.slug)
    return tuple(_comment_of(place, json.loads(line), decided.get(place)) for place, line in enumerate(lines))


def review_comments(
    stores: Stores,
    record: RoundRecord,
    comments: Mapping[int, Comment],
    decisions: Sequence[Decision],
    themes: Iterable[Theme],
    *,
    officer: OfficerRecord,
    today: date,
) -> int:
    """Keep what an officer decided of these comments; how many decisions changed.

    A text that is released is the citizen's, with words covered and none added. Raises BadInput for one that is not,
    for an unknown theme, and for a place that has no comment; nothing is kept then.
    """
    known = {theme.code for theme in themes}
    rows = [_row_of(record.slug, comments, decision, known, officer, today) for decision in decisions]
    with writing(stores.office) as session:
        n_changed = 0
        for row in rows:
            old = session.get(CommentReview, (record.slug, row.place))
            if old is not None and (old.state, old.theme, old.text) == (row.state, row.theme, row.text):
                continue
            session.merge(row)
            n_changed += 1
            subject = f"{record.slug} comment {row.place} of {row.unit_code} {row.theme}"
            record_event(session, officer.login, f"comment.{row.state}", subject)
        return n_changed


def voices_of(stores: Stores, slug: str, themes: Sequence[Theme]) -> Voices:
    """What may leave of a round's comments: groups of at least ten of one unit and theme, the texts in shuffled order.

    A group is as large as the most comments that it has to one question, so that ten comments are ten people. A theme
    counts what was withheld, too; its texts are those that were released, each once.
    """
    labels = {theme.code: theme for theme in themes}
    groups: dict[tuple[str, str], list[CommentReview]] = defaultdict(list)
    with reading(stores.office) as session:
        for row in session.scalars(select(CommentReview).where(CommentReview.round_slug == slug)):
            groups[row.unit_code, row.theme].append(row)
    theme_rows, comment_rows = [], []
    for (unit, code), rows in sorted(groups.items()):
        if code not in labels or _n_people(rows) < FEWEST_COMMENTS:
            continue
        theme = labels[code]
        theme_rows.append(ThemeRow(unit, code, theme.label.vi, theme.label.en, len(rows)))
        released = [row for row in rows if row.state == "released"]
        if _n_people(released) >= FEWEST_COMMENTS:
            texts = sorted({row.text for row in released}, key=lambda text: _shuffled(slug, unit, text))
            comment_rows += [CommentRow(unit, code, text) for text in texts]
    return Voices(tuple(theme_rows), tuple(comment_rows))


def _n_people(rows: Sequence[CommentReview]) -> int:
    return max(Counter(row.item for row in rows).values(), default=0)


def _shuffled(slug: str, unit: str, text: str) -> str:
    # An order that follows from the texts alone: the same comments are the same edition, and nothing tells who came
    # when, which not even the file of the archive knows.
    return hashlib.sha256("\0".join((slug, unit, text)).encode()).hexdigest()


def _row_of(
    slug: str,
    comments: Mapping[int, Comment],
    decision: Decision,
    known: set[str],
    officer: OfficerRecord,
    today: date,
) -> CommentReview:
    comment = comments.get(decision.place)
    if comment is None:
        raise BadInput(f"found a decision on comment {decision.place}, expected one of this round")
    if decision.theme not in known:
        raise BadInput(f"comment {decision.place}: found the theme {decision.theme[:40]!r}, expected one of the list")
    text = ""
    if decision.state == "released":
        text = released_text(decision.text)
        if not is_covered(text, comment.original):
            raise BadInput(f"comment {decision.place}: found words that the comment does not have, expected masks only")
    elif decision.state != "withheld":
        raise BadInput(f"comment {decision.place}: found {decision.state[:20]!r}, expected released or withheld")
    return CommentReview(
        round_slug=slug,
        place=decision.place,
        unit_code=comment.unit_code,
        item=comment.item,
        theme=decision.theme,
        state=decision.state,
        text=text,
        reviewed_by=officer.name,
        reviewed_on=today,
    )


def _comment_of(place: int, line: Mapping[str, str], review: CommentReview | None) -> Comment:
    original = plain_text(str(line["text"]))
    if review is None:
        return Comment(place, str(line["unit"]), str(line["item"]), original)
    return Comment(
        place,
        str(line["unit"]),
        str(line["item"]),
        original,
        cast(CommentState, review.state),
        review.theme,
        review.text,
        review.reviewed_by,
    )


def _reviews_of(stores: Stores, slug: str) -> dict[int, CommentReview]:
    with reading(stores.office) as session:
        rows = session.scalars(select(CommentReview).where(CommentReview.round_slug == slug)).all()
        session.expunge_all()
        return {row.place: row for row in rows}


def _tell_opened(stores: Stores, slug: str, officer: OfficerRecord, today: date) -> None:
    subject = f"{slug} {today}"
    query = select(AuditEvent.id).where(
        AuditEvent.action == OPENED, AuditEvent.actor == officer.login, AuditEvent.subject == subject
    )
    with writing(stores.office) as session:
        if session.scalars(query.limit(1)).first() is None:
            record_event(session, officer.login, OPENED, subject)
