"""What the people of units are told by e-mail: that they are invited, and that a scorecard is there.

No figure rides along: whoever reads the post of others learns that there was a survey, which everybody knows.
"""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select

from survey.errors import WrongState
from survey.letters import Recipient, Sent, Values, send_letter, send_letters
from survey.round_records import editions_of, find_round
from survey.settings import Settings
from survey.storage.audit import record_event
from survey.storage.portal import ScorecardNotice
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.texts import LANGUAGES
from survey.texts import date as written_date
from survey.unit_people import PersonRecord, PortalInvitation, list_people
from survey.viet_nam import VIET_NAM


def portal_address(settings: Settings, page: str = "") -> str:
    """The address of a page of the portal as people type it; without a public address its path alone."""
    return f"{settings.public_url or ''}/unit/{page}"


def send_invitation(settings: Settings, invitation: PortalInvitation) -> None:
    """Send an invitation to its person, in both languages. Raises MailFailure, BadInput without mail settings."""
    until = invitation.until.astimezone(VIET_NAM).date()
    address = f"{portal_address(settings, 'invited')}#{invitation.code}"
    values = {
        language: {"address": address, "code": invitation.code, "until": written_date(until, language)}
        for language in LANGUAGES
    }
    send_letter(settings, "invitation", _recipient(invitation.person, values))


def send_notices(stores: Stores, settings: Settings, slug: str, today: date, *, actor: str) -> Sent:
    """Tell those who may read them that the newest scorecards of a round are there; nobody twice of one edition.

    Each is written down when the mail server has taken their letter, so that a second try begins where the first one
    stopped. Raises WrongState for a round without an edition, BadInput without mail settings, MailFailure.
    """
    record, records = find_round(stores, slug), editions_of(stores, slug)
    if not records:
        raise WrongState(f"the round {slug} is not published yet; there is no scorecard to tell of")
    number = records[-1].number
    of_edition = (ScorecardNotice.round_slug == slug, ScorecardNotice.edition_number == number)
    with reading(stores.office) as session:
        told = set(session.scalars(select(ScorecardNotice.officer_id).where(*of_edition)))
    waiting = {
        person.account.login: person
        for person in list_people(stores, record.unit_codes)
        if person.is_active and person.account.id not in told
    }

    def keep(recipient: Recipient) -> None:
        person = waiting[recipient.address]
        key = {"round_slug": slug, "edition_number": number, "officer_id": person.account.id}
        with writing(stores.office) as session:
            if session.get(ScorecardNotice, tuple(key.values())) is None:
                session.add(ScorecardNotice(**key, sent_on=today))

    address = portal_address(settings, f"rounds/{slug}")
    values = {language: {"address": address, "title": record.title.in_language(language)} for language in LANGUAGES}
    sent = send_letters(settings, "scorecard", [_recipient(person, values) for person in waiting.values()], keep)
    if sent.n_sent:
        with writing(stores.office) as session:
            record_event(session, actor=actor, action="unit.notified", subject=f"{slug} {number}: {sent.n_sent}")
    return sent


def _recipient(person: PersonRecord, values: Mapping[str, Values]) -> Recipient:
    said = {language: {"unit": person.unit_name.in_language(language), **values[language]} for language in LANGUAGES}
    return Recipient(person.account.login, person.account.name, said)
