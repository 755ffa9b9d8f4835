"""Sending e-mail: plain text through the server of the settings, over TLS wherever that is not this machine."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from survey.errors import HailongError
from survey.mail_settings import MailSettings

TIMEOUT_SECONDS = 20


class MailFailure(HailongError):
    """A message could not be handed to the mail server."""


class Postbox:
    """An open connection to the mail server."""

    def __init__(self, connection: smtplib.SMTP, settings: MailSettings) -> None:
        self._connection = connection
        self._settings = settings

    def send(self, to: str, name: str, subject: str, text: str) -> None:
        """Hand over a message to one address; raises MailFailure when the server refuses it."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.sender
        user, _, domain = to.rpartition("@")
        message["To"] = Address(name, user, domain)
        message["Subject"] = subject
        message["Message-ID"] = make_msgid(domain=self._settings.sender.rpartition("@")[2].rstrip(">"))
        message["Date"] = formatdate()
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            self._connection.send_message(message)
        except (smtplib.SMTPException, OSError) as refusal:
            raise MailFailure(f"{self._settings.host}: the message was refused ({type(refusal).__name__})") from None


@contextmanager
def open_postbox(settings: MailSettings) -> Iterator[Postbox]:
    """A connection, closed again at the end; raises MailFailure when there is none, or not the security asked for."""
    context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
    try:
        if settings.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_SECONDS)
        try:
            if settings.security == "starttls":
                connection.starttls(context=context)
            if settings.user is not None:
                connection.login(settings.user, settings.password or "")
        except (smtplib.SMTPException, OSError):
            # The server would wait for the next word of a connection that nobody uses any more.
            connection.close()
            raise
    except (smtplib.SMTPException, OSError) as refusal:
        raise MailFailure(
            f"{settings.host}:{settings.port}: found no mail server that could be used ({type(refusal).__name__})"
        ) from None
    try:
        yield Postbox(connection, settings)
    finally:
        try:
            connection.quit()
        except (smtplib.SMTPException, OSError):
            connection.close()
