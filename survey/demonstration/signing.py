"""The certificate that a demonstration signs its PDFs with: its own, and nobody's proof of anything."""

import datetime as dt
import os
import secrets
from dataclasses import replace
from pathlib import Path

from survey.settings import DEMONSTRATION_CERTIFICATE, Settings
from survey.signing_certificates import make_demonstration_certificate


def with_demonstration_certificate(settings: Settings) -> Settings:
    """The settings with a certificate to sign PDFs with: the one they name, or one made in the instance."""
    if settings.pdf_certificate is not None:
        return settings
    certificate, passphrase = (settings.instance / name for name in DEMONSTRATION_CERTIFICATE)
    if not certificate.exists():
        words = secrets.token_urlsafe(24).encode()
        _write_private(passphrase, words + b"\n")
        _write_private(certificate, make_demonstration_certificate(words, dt.datetime.now(dt.UTC)))
    return replace(settings, pdf_certificate=str(certificate), pdf_passphrase_file=passphrase)


def _write_private(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
