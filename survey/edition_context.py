"""What an edition takes from the instance beside its archive: earlier rounds, who became whom, what people wrote."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from analysis.errors import AnalysisError
from analysis.release.context import Context
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, read_edition
from analysis.release.lineage import Registry
from analysis.release.lineage import Succession as KnownSuccession
from analysis.release.voices import Voices
from analysis.sealed_folders import sha256_hex
from survey.comment_themes import themes_of
from survey.comments import voices_of
from survey.errors import HailongError
from survey.promises import promises_of
from survey.round_records import RoundRecord, editions_of, list_rounds
from survey.settings import Settings
from survey.storage.office import Succession, Unit
from survey.storage.sessions import reading
from survey.storage.stores import Stores


def context_of_round(stores: Stores, settings: Settings, record: RoundRecord) -> Context:
    """The context of a round's next edition.

    Earlier rounds are those of the same questionnaire, in any version, that closed before this one opened and have an
    edition; the last edition of each counts. Raises EditionError when one cannot be read, HailongError when one is not
    what was published.
    """
    return Context(
        _earlier_rounds(stores, settings, record),
        registry_of(stores),
        replace(voices_of(stores, record.slug, themes_of(settings)), promises=promises_of(stores, record.slug)),
    )


def context_of_edition(stores: Stores, settings: Settings, edition: Edition) -> Context:
    """The context that an edition of this instance was made in, so that it can be printed once more."""
    earlier = tuple(_published(settings, one.slug, one.number, one.manifest_sha256) for one in edition.earlier)
    voices = Voices(edition.themes, edition.comments, edition.promises)
    return Context(earlier, registry_of(stores), voices)


def registry_of(stores: Stores) -> Registry:
    """The successions that the instance knows, and the unit above each that has one."""
    with reading(stores.office) as session:
        rows = session.scalars(
            select(Succession).order_by(
                Succession.effective_date, Succession.successor_code, Succession.predecessor_code
            )
        )
        successions = tuple(
            KnownSuccession(row.predecessor_code, row.successor_code, row.effective_date, row.relation) for row in rows
        )
        parents = {
            code: parent for code, parent in session.execute(select(Unit.code, Unit.parent_code)).all() if parent
        }
    return Registry(successions, parents)


def _earlier_rounds(stores: Stores, settings: Settings, record: RoundRecord) -> tuple[Edition, ...]:
    name = record.questionnaire_reference.partition("/")[0]
    found = []
    for other in list_rounds(stores):
        is_earlier = other.closes_on < record.opens_on and other.state == "published"
        if not is_earlier or other.questionnaire_reference.partition("/")[0] != name:
            continue
        # A simulation is no history of what people said, and they are none of a simulation.
        if other.is_simulated != record.is_simulated:
            continue
        last = editions_of(stores, other.slug)[-1]
        found.append(_published(settings, other.slug, last.number, last.manifest_hash))
    return tuple(found)


def _published(settings: Settings, slug: str, number: int, manifest_sha256: str) -> Edition:
    folder: Path = settings.instance / "editions" / slug / str(number)
    try:
        found = sha256_hex((folder / MANIFEST).read_bytes())
    except OSError as problem:
        raise HailongError(
            f"{folder / MANIFEST}: cannot be read ({problem.strerror}); the round {slug} was published and is part of "
            "what is said of later rounds"
        ) from None
    if found != manifest_sha256:
        raise AnalysisError(f"{folder / MANIFEST}: found sha256 {found[:12]}, expected {manifest_sha256[:12]}")
    return read_edition(folder)
