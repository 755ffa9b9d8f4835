"""Publishing: a sealed round's next edition is printed into the instance, and the round is marked as published."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.archive import Archive, read_archive
from analysis.release.disclosure import RULES
from analysis.release.edition import Edition
from analysis.release.edition_folder import HARD_CSV, read_edition
from analysis.release.hard_data import HardData, parse_hard_data
from analysis.release.plan import parse_plan
from analysis.release.release_plan import ReleasePlan
from survey.edition_context import context_of_edition, context_of_round
from survey.errors import BadInput, HailongError, WrongState
from survey.notices import one_line
from survey.printed_editions import PrintedEdition, Progress, found_edition, make_edition, refuse_occupied
from survey.round_records import RoundRecord, editions_of, find_round
from survey.rounds import COMMAND_LINE, mark_published, refuse_step
from survey.sealing import archive_path
from survey.services import today as today_in_viet_nam
from survey.settings import Settings
from survey.signing import opened_pdf_signer
from survey.storage.stores import Stores
from survey.vault import KeyVault


def print_round(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    out: Path,
    published_on: dt.date | None,
    *,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    only_units: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> PrintedEdition:
    """The edition of a sealed round in any folder, recorded nowhere; of a published round its last edition again.

    Without hard data those of the last edition are taken.
    """
    refuse_occupied(out)
    record = find_round(stores, slug)
    if record.state not in ("sealed", "published"):
        raise WrongState(f"the round {slug} is {record.state}; to print it, it has to be sealed or published")
    last = editions_of(stores, slug)[-1:]
    published = read_edition(edition_folder(settings, slug, last[0].number)) if last else None
    context = (
        context_of_round(stores, settings, record)
        if published is None
        else context_of_edition(stores, settings, published)
    )
    with opened_pdf_signer(settings) as pdf_signer:
        return make_edition(
            _archive_of(settings, record),
            out,
            vault.signer(),
            published_on=published_on or (last[0].published_on if last else today_in_viet_nam()),
            public_url=settings.public_url,
            number=last[0].number if last else 1,
            reason=last[0].reason if last else None,
            hard_data=hard_data or (_hard_data_of(settings, slug, last[0].number) if last else None),
            disclosure_rules=_rules_of(_earlier_editions(settings, slug, last[0].number + 1 if last else 1)),
            languages=languages,
            only_units=only_units,
            workers=workers,
            progress=progress,
            context=context,
            pdf_signer=pdf_signer,
        )


def publish_round(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    today: dt.date,
    *,
    reason: str | None = None,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    workers: int | None = None,
    progress: Progress | None = None,
    actor: str = COMMAND_LINE,
) -> PrintedEdition:
    """The next edition of a sealed round, printed into the instance, recorded, and with it the round published.

    The first edition has number 1; every later one is a correction and needs a reason. An edition that was written but
    not recorded, because the work was cut off in between, is checked and recorded as it is.
    Raises NotFound, WrongState, BadInput for the reason, AnalysisError or HailongError when the archive is not the one
    that was sealed.
    """
    record = find_round(stores, slug)
    refuse_step(record, "publish")
    refuse_unseen(record)
    number = len(editions_of(stores, slug)) + 1
    reason = checked_reason(reason, number, slug)
    out = edition_folder(settings, slug, number)
    if out.exists():
        made = found_edition(out, _archive_of(settings, record), number, reason, hard_data, languages)
    else:
        made = make_next_edition(
            stores,
            vault,
            settings,
            record,
            out,
            number,
            published_on=today,
            reason=reason,
            hard_data=hard_data,
            languages=languages,
            workers=workers,
            progress=progress,
        )
    mark_published(
        stores,
        slug,
        number=number,
        manifest_hash=made.manifest_sha256,
        published_on=made.edition.published_on,
        reason=reason,
        actor=actor,
    )
    return made


def make_next_edition(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    record: RoundRecord,
    out: Path,
    number: int,
    *,
    published_on: dt.date,
    reason: str | None = None,
    hard_data: HardData | None = None,
    shown_before: Sequence[Edition] = (),
    languages: Sequence[str] = ("vi",),
    workers: int | None = None,
    progress: Progress | None = None,
) -> PrintedEdition:
    """Edition `number` of a sealed round in the new folder `out`, with all that the instance knows of it; recorded
    nowhere.

    Beside the editions before it, those that were `shown_before` to anybody count among what its readers may compare it
    with. Raises what `make_edition` raises, and HailongError when the archive is not the one that was sealed.
    """
    earlier = _earlier_editions(settings, record.slug, number)
    with opened_pdf_signer(settings) as pdf_signer:
        return make_edition(
            _archive_of(settings, record),
            out,
            vault.signer(),
            published_on=published_on,
            public_url=settings.public_url,
            number=number,
            reason=reason,
            hard_data=hard_data,
            earlier=(*earlier, *shown_before),
            disclosure_rules=_rules_of(earlier or shown_before),
            languages=languages,
            workers=workers,
            progress=progress,
            context=context_of_round(stores, settings, record),
            pdf_signer=pdf_signer,
        )


def release_plan_of(record: RoundRecord, settings: Settings | None = None) -> ReleasePlan:
    """What a round's plan asks for before its editions are published; PlanError when the plan cannot be read.

    With the settings of an instance that asks for a second person there is always somebody who approves.
    """
    plan = parse_plan(record.plan_source, f"plan of the round {record.slug}").release
    if settings is not None and settings.must_have_second_person:
        return replace(plan, approvals=max(1, plan.approvals))
    return plan


def refuse_unseen(record: RoundRecord) -> None:
    """Raise WrongState when a round's plan asks for a preview or for approvals: then that is what is published."""
    if release_plan_of(record).needs_preview:
        raise WrongState(
            f"the round {record.slug}: its plan asks for a preview before it is published: "
            f"hailong round preview {record.slug}"
        )


def _archive_of(settings: Settings, record: RoundRecord) -> Archive:
    archive = read_archive(archive_path(settings, record.slug))
    if archive.manifest_sha256 != record.archive_hash:
        raise HailongError(
            f"the round {record.slug}: found an archive with manifest {archive.manifest_sha256[:12]}, "
            f"expected {(record.archive_hash or 'none')[:12]} as it was sealed"
        )
    return archive


def edition_folder(settings: Settings, slug: str, number: int) -> Path:
    """Where a published edition lies, or will lie."""
    return settings.instance / "editions" / slug / str(number)


def last_hard_data(stores: Stores, settings: Settings, slug: str) -> HardData | None:
    """The hard data that a round's last edition rests on; None where there are none."""
    last = editions_of(stores, slug)[-1:]
    return _hard_data_of(settings, slug, last[0].number) if last else None


def _hard_data_of(settings: Settings, slug: str, number: int) -> HardData | None:
    """The hard data of an edition of this instance, if it rests on any."""
    folder = edition_folder(settings, slug, number)
    source = read_edition(folder).hard_source
    return None if source is None else parse_hard_data(source, str(folder / HARD_CSV))


def _earlier_editions(settings: Settings, slug: str, number: int) -> tuple[Edition, ...]:
    """The editions of a round before this number, the first one first."""
    return tuple(read_edition(edition_folder(settings, slug, earlier)) for earlier in range(1, number))


def _rules_of(earlier: Sequence[Edition]) -> int:
    """The rules that hide the same as was hidden before: two editions with different holes fill each other's."""
    return earlier[-1].disclosure_rules if earlier else RULES


def checked_reason(reason: str | None, number: int, slug: str) -> str | None:
    """The reason in one line; BadInput where a correction has none, or a first edition has one."""
    words = one_line("the reason", reason or "")
    if number > 1 and not words:
        raise BadInput(f"the round {slug} is published already; a correction, edition {number}, needs a reason")
    if number == 1 and words:
        raise BadInput(f"the round {slug} has no edition yet; found a reason, expected one for corrections only")
    return words or None
