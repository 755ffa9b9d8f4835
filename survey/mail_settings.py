"""The mail server that the environment names: where it is, how safely it is spoken to, and who we say we are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from survey.errors import BadInput
from survey.plain_files import read_plain_file

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
Security = Literal["tls", "starttls", "none"]
_SCHEMES: dict[str, tuple[Security, int]] = {"smtps": ("tls", 465), "smtp": ("starttls", 587)}
_SENDER = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
LARGEST_FILE = 4_096


@dataclass(frozen=True, slots=True)
class MailSettings:
    """A mail server. `security` is none on this machine alone; `ca_file` is trusted instead of the system's list."""

    host: str
    port: int
    security: Security
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


def mail_settings(environ: Mapping[str, str]) -> MailSettings | None:
    """The mail server of HAILONG_SMTP_URL, such as smtps://hailong@mail.example.vn, with the sender and the password's
    file; None where there is none. Raises BadInput for what cannot be used or is not safe.
    """
    address = environ.get("HAILONG_SMTP_URL", "")
    if not address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadInput(
            "HAILONG_SMTP_URL: found no address of a mail server, expected smtps://USER@HOST:465 or "
            "smtp://USER@HOST:587 (which begins TLS before anything is said)"
        )
    if parts.password is not None:
        raise BadInput("HAILONG_SMTP_URL: found a password in the address, expected it in HAILONG_SMTP_PASSWORD_FILE")
    security, usual = _SCHEMES[parts.scheme]
    if security == "starttls" and parts.hostname in LOOPBACK_HOSTS:
        security = "none"
    sender = environ.get("HAILONG_MAIL_FROM", "")
    if _SENDER.fullmatch(sender) is None:
        raise BadInput(f"HAILONG_MAIL_FROM: found {sender[:80]!r}, expected the address that letters come from")
    user = unquote(parts.username) if parts.username else None
    ca_file = environ.get("HAILONG_SMTP_CA_FILE", "")
    if ca_file and not Path(ca_file).is_file():
        raise BadInput(f"HAILONG_SMTP_CA_FILE: found no file {ca_file}, expected certificates")
    return MailSettings(
        host=parts.hostname,
        port=port or usual,
        security=security,
        sender=sender,
        user=user,
        password=_password(environ) if user else None,
        ca_file=Path(ca_file).absolute() if ca_file else None,
    )


def _password(environ: Mapping[str, str]) -> str:
    name = "HAILONG_SMTP_PASSWORD_FILE"
    path = environ.get(name, "")
    if not path:
        raise BadInput(f"{name}: found none, expected the file with the password of the user in HAILONG_SMTP_URL")
    content = read_private_file(name, Path(path).absolute())
    if not content.isascii():
        raise BadInput(f"{name}: found letters beyond ASCII in {path}, expected ASCII, as mail servers do")
    return content.decode("ascii")


def read_private_file(name: str, path: Path) -> bytes:
    """The bytes of a small file that not every user of this machine can open, without the line break at its end."""
    content = read_plain_file(path, LARGEST_FILE).rstrip(b"\r\n")
    if path.stat().st_mode & 0o007:
        raise BadInput(f"{name}: found a file that every user of this machine can open, expected mode 0600")
    if not content:
        raise BadInput(f"{name}: found an empty file {path}, expected a secret")
    return content
