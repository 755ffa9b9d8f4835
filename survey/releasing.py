"""Releasing: an edition is prepared, shown to its units and to who approves it, and published as the bytes it was."""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.edition_folder import read_edition
from analysis.release.hard_data import HardData
from survey.editions import OpenEdition, open_edition
from survey.errors import NotFound, WrongState
from survey.previews import (
    PreviewRecord,
    add_preview,
    current_preview,
    mark_preview_published,
    next_attempt,
    obstacles,
    withdrawn_previews,
)
from survey.printed_editions import PrintedEdition, Progress
from survey.publishing import (
    checked_reason,
    edition_folder,
    make_next_edition,
    release_plan_of,
)
from survey.round_records import EditionRecord, RoundRecord, editions_of, find_round
from survey.rounds import COMMAND_LINE, mark_published, refuse_step
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.vault import KeyVault

PREVIEWS = "previews"


def prepare_preview(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    today: date,
    *,
    reason: str | None = None,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    workers: int | None = None,
    progress: Progress | None = None,
    prepared_by: str = COMMAND_LINE,
    actor: str = COMMAND_LINE,
) -> PrintedEdition:
    """The next edition of a sealed round, whole, in a folder of its own, for its units and for who approves it.

    It bears the day from which it may be published: a first edition waits for the days of its plan, a correction does
    not. A preview of before is withdrawn when this one is there; what it showed is counted as known to its readers.
    Raises NotFound, WrongState, BadInput for the reason, and whatever stops an edition.
    """
    record = find_round(stores, slug)
    refuse_step(record, "publish")
    number = len(editions_of(stores, slug)) + 1
    reason = checked_reason(reason, number, slug)
    attempt = next_attempt(stores, slug, number)
    publish_from = today + timedelta(days=release_plan_of(record).embargo_days if number == 1 else 0)
    out = preview_folder(settings, slug, number, attempt)
    # A folder without a record was never shown: the work that made it was cut off.
    shutil.rmtree(out, ignore_errors=True)
    made = make_next_edition(
        stores,
        vault,
        settings,
        record,
        out,
        number,
        published_on=publish_from,
        reason=reason,
        hard_data=hard_data,
        shown_before=_shown_before(stores, settings, record, number),
        languages=languages,
        workers=workers,
        progress=progress,
    )
    preview = PreviewRecord(
        slug=slug,
        number=number,
        attempt=attempt,
        manifest_hash=made.manifest_sha256,
        reason=reason,
        prepared_by=prepared_by,
        prepared_on=today,
        publish_from=publish_from,
        state="current",
        note="",
        title=record.title,
    )
    add_preview(stores, preview, actor=actor)
    return made


def publish_preview(
    stores: Stores, settings: Settings, slug: str, today: date, *, actor: str = COMMAND_LINE
) -> EditionRecord:
    """The preview as the next edition of its round: the same bytes, moved to where everybody may read them.

    Raises NotFound, WrongState that names everything that still stands in the way, and EditionError when its folder is
    not what was approved.
    """
    record = find_round(stores, slug)
    refuse_step(record, "publish")
    preview = current_preview(stores, slug)
    if preview is None:
        raise WrongState(f"the round {slug} has no preview; `hailong round preview {slug}` makes one")
    found = obstacles(stores, preview, release_plan_of(record, settings).approvals, today)
    if found:
        raise WrongState(f"the preview of {slug}: {'; '.join(obstacle.in_words() for obstacle in found)}")
    source = preview_folder(settings, slug, preview.number, preview.attempt)
    target = edition_folder(settings, slug, preview.number)
    # Work that was cut off after the move goes on with what lies there, if it is the same.
    _checked(source if source.exists() else target, preview)
    if source.exists():
        if target.exists():
            raise EditionError(f"{target}: found an edition that nobody recorded, expected none; move it away")
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    mark_published(
        stores,
        slug,
        number=preview.number,
        manifest_hash=preview.manifest_hash,
        published_on=today,
        reason=preview.reason,
        actor=actor,
    )
    mark_preview_published(stores, preview)
    return editions_of(stores, slug)[-1]


def open_preview(settings: Settings, preview: PreviewRecord) -> OpenEdition:
    """The edition of a preview; EditionError when its folder is not what was recorded, NotFound when it is gone."""
    folder = preview_folder(settings, preview.slug, preview.number, preview.attempt)
    if not folder.is_dir():
        raise NotFound(f"{folder}: found no preview, expected the folder of the one that is recorded")
    return open_edition(folder, preview.slug, preview.number, preview.manifest_hash)


def preview_pdf(opened: OpenEdition, name: str) -> bytes | None:
    """A document of a preview without its signature, or None: what is not published leaves the house unsigned.

    A signature stands behind the document it signs, so the unsigned one is the beginning of the file.
    """
    content = opened.content(name)
    documents = opened.edition.manifest.get("documents")
    if content is None or not isinstance(documents, dict) or name not in documents:
        return content
    return content[: int(documents[name]["unsigned_bytes"])]


def preview_folder(settings: Settings, slug: str, number: int, attempt: int) -> Path:
    """Where a preview lies: a folder beside those of the editions, which no public page reads."""
    return settings.instance / PREVIEWS / slug / f"{number}-{attempt}"


def _shown_before(stores: Stores, settings: Settings, record: RoundRecord, number: int) -> tuple[Edition, ...]:
    """The previews that units have seen already: what hides less than they did, or other cells, would tell on both."""
    folders = [
        preview_folder(settings, record.slug, number, preview.attempt)
        for preview in (*withdrawn_previews(stores, record.slug, number), *_current(stores, record.slug))
    ]
    return tuple(read_edition(folder) for folder in folders if folder.is_dir())


def _current(stores: Stores, slug: str) -> tuple[PreviewRecord, ...]:
    preview = current_preview(stores, slug)
    return () if preview is None else (preview,)


def _checked(folder: Path, preview: PreviewRecord) -> None:
    opened = open_edition(folder, preview.slug, preview.number, preview.manifest_hash)
    for name in opened.hashes:
        opened.content(name)
