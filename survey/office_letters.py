"""What the office's own people are told by e-mail: that an administrator invites them."""

from survey.errors import BadInput
from survey.letters import Recipient, send_letter
from survey.office_people import OfficeInvitation
from survey.settings import Settings
from survey.texts import LANGUAGES
from survey.texts import date as written_date
from survey.viet_nam import VIET_NAM

INVITED = "/office/invited"


def send_office_invitation(settings: Settings, invitation: OfficeInvitation) -> None:
    """Send an invitation to its person, in both languages.

    Raises MailFailure, and BadInput without mail settings or where no address of theirs is known.
    """
    person, until = invitation.person, invitation.until.astimezone(VIET_NAM).date()
    if not person.address:
        raise BadInput(f"found no e-mail address of {person.account.login}, expected one to write to")
    # The code rides behind the sign that no server is sent.
    address = f"{settings.public_url or ''}{INVITED}#{invitation.code}"
    values = {
        language: {
            "login": person.account.login,
            "address": address,
            "code": invitation.code,
            "until": written_date(until, language),
        }
        for language in LANGUAGES
    }
    send_letter(settings, "office_invitation", Recipient(person.address, person.account.name, values))
