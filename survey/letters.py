"""Letters by e-mail: each in Vietnamese and English together, in the words of `templates/letters`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from survey.errors import BadInput
from survey.mail import MailFailure, open_postbox
from survey.resources import bundled_dir
from survey.settings import Settings
from survey.texts import LANGUAGES, Catalogue

# What a letter says in one language, by the names of the gaps in its text.
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is written to, and what their letter says in each language beside their name."""

    address: str
    name: str
    values: Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Sent:
    """How many letters the mail server took, and to whom it refused one."""

    n_sent: int
    refused: tuple[str, ...]


def send_letters(
    settings: Settings, letter: str, recipients: Sequence[Recipient], keep: Callable[[Recipient], None]
) -> Sent:
    """Send one kind of letter to everybody; `keep` is told of each that the mail server took, as soon as it has.

    Raises BadInput without mail settings, and MailFailure where no mail server answers.
    """
    if settings.mail is None:
        raise BadInput("HAILONG_SMTP_URL: found no mail server, expected one to send letters through")
    if not recipients:
        return Sent(0, ())
    catalogue = Catalogue.load(bundled_dir("templates") / "letters")
    subject = " / ".join(catalogue.text(f"{letter}_subject", language) for language in LANGUAGES)
    refused = []
    with open_postbox(settings.mail) as postbox:
        for recipient in recipients:
            texts = [
                catalogue.text(f"{letter}_text", language, name=recipient.name, **recipient.values[language])
                for language in LANGUAGES
            ]
            try:
                postbox.send(recipient.address, recipient.name, subject, "\n---\n\n".join(texts))
            except MailFailure:
                refused.append(recipient.address)
            else:
                keep(recipient)
    return Sent(len(recipients) - len(refused), tuple(refused))


def send_letter(settings: Settings, letter: str, recipient: Recipient) -> None:
    """Send one letter to one person; raises MailFailure when it was not taken, BadInput without mail settings."""
    sent = send_letters(settings, letter, [recipient], lambda _: None)
    if sent.refused:
        raise MailFailure(f"the mail server refused the letter to {sent.refused[0]}")
