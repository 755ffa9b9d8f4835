"""A mail server on this machine that keeps what it is sent, over TLS where a test asks for it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.server import free_port

USER, PASSWORD = "hailong", "correct horse battery staple"


@dataclass
class PostOffice:
    """Where the server listens, the letters it took, and the addresses it refuses."""

    port: int = 0
    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        letter = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        self.letters.append((list(envelope.rcpt_tos), letter))  # type: ignore[arg-type]
        return "250 OK"

    def text(self, number: int) -> str:
        """What a letter says."""
        return str(self.letters[number][1].get_content())


def _is_ours(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    is_known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    # Not handled yet: the server says that it is refused; otherwise both would wait.
    return AuthResult(success=is_known, handled=False)


@contextmanager
def post_office(certificate: tuple[Path, Path] | None = None) -> Iterator[PostOffice]:
    """A running server; with a certificate it speaks TLS from the first byte and wants a password."""
    office = PostOffice(free_port())
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=office.port,
        ssl_context=context,
        authenticator=None if certificate is None else _is_ours,
        auth_required=certificate is not None,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
