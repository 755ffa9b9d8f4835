"""The questionnaires a round can ask: those that come with the program and those published in the office store."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import select

from questionnaires.library import bundled_references, bundled_source, load_bundled, sort_key
from questionnaires.model import Questionnaire
from questionnaires.reading import parse_questionnaire
from survey.errors import NotFound, WrongState
from survey.storage.audit import record_event
from survey.storage.office import QuestionnaireVersion
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A published questionnaire; `published_on` is None for a bundled one, which came with the program."""

    questionnaire: Questionnaire
    published_on: date | None


def list_bundled() -> tuple[LibraryEntry, ...]:
    """The questionnaires that come with the program, by name, older versions first."""
    return tuple(LibraryEntry(load_bundled(reference), None) for reference in bundled_references())


def list_published(stores: Stores) -> tuple[LibraryEntry, ...]:
    """Everything a round can ask, bundled or in the office store, by name, older versions first."""
    with reading(stores.office) as session:
        rows = session.scalars(select(QuestionnaireVersion)).all()
        stored = [(f"{row.name}/{row.version}", row.source, row.published_on) for row in rows]
    bundled = bundled_references()
    entries = [LibraryEntry(_parsed(source, ref), day) for ref, source, day in stored if ref not in bundled]
    return tuple(sorted((*list_bundled(), *entries), key=lambda entry: sort_key(entry.questionnaire.reference)))


def find_questionnaire(stores: Stores, reference: str) -> Questionnaire:
    """The published questionnaire NAME/VERSION, bundled or in the office store; NotFound that lists those there are."""
    if reference in bundled_references():
        return load_bundled(reference)
    return _parsed(questionnaire_source(stores, reference), reference)


def questionnaire_source(stores: Stores, reference: str) -> bytes:
    """The bytes a published questionnaire was read from; NotFound that lists those there are."""
    if reference in bundled_references():
        return bundled_source(reference)
    name, _, version = reference.partition("/")
    with reading(stores.office) as session:
        published = session.get(QuestionnaireVersion, (name, version))
        if published is not None:
            return published.source
    known = ", ".join(published_references(stores))
    raise NotFound(f"found no published questionnaire {reference[:80]!r}, expected one of {known}")


def published_references(stores: Stores) -> tuple[str, ...]:
    """The references NAME/VERSION of everything a round can ask, by name, older versions first."""
    with reading(stores.office) as session:
        stored = session.execute(select(QuestionnaireVersion.name, QuestionnaireVersion.version)).all()
    references = {*bundled_references(), *(f"{name}/{version}" for name, version in stored)}
    return tuple(sorted(references, key=sort_key))


def publish_questionnaire(
    stores: Stores, source: bytes, origin: str, today: date, *, actor: str = "command line"
) -> Questionnaire:
    """The questionnaire in these bytes, published for good: a version never changes once it is out.

    Publishing the same bytes again changes nothing. Raises QuestionnaireError when they hold no questionnaire and
    WrongState when another text is published under that name and version.
    """
    questionnaire = parse_questionnaire(source, origin)
    reference = questionnaire.reference
    if reference in bundled_references():
        _refuse_another_text(questionnaire, load_bundled(reference).content_hash)
        return questionnaire
    with writing(stores.office) as session:
        published = session.get(QuestionnaireVersion, (questionnaire.name, questionnaire.version))
        if published is not None:
            _refuse_another_text(questionnaire, published.content_hash)
            return questionnaire
        session.add(
            QuestionnaireVersion(
                name=questionnaire.name,
                version=questionnaire.version,
                content_hash=questionnaire.content_hash,
                source=source,
                published_on=today,
            )
        )
        record_event(session, actor, "questionnaire.published", f"{reference} sha256 {questionnaire.content_hash}")
    return questionnaire


def _refuse_another_text(questionnaire: Questionnaire, published_hash: str) -> None:
    if questionnaire.content_hash != published_hash:
        raise WrongState(
            f"{questionnaire.reference} is published already with another text (found sha256 "
            f"{questionnaire.content_hash[:12]}, expected {published_hash[:12]}): give the changed text a new version"
        )


# A published version never changes, so its parsed form can be kept as long as the process lives.
@lru_cache(maxsize=32)
def _parsed(source: bytes, reference: str) -> Questionnaire:
    return parse_questionnaire(source, f"{reference}.yaml")
