"""Keys and certificates for signing PDFs in tests: good ones, and each kind that has to be refused."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from survey.settings import Settings

PASSPHRASE = b"hai long thu nghiem"
NOW = dt.datetime.now(dt.UTC)


def certificate_of(
    key: CertificateIssuerPrivateKeyTypes,
    *,
    name: str = "Sở Nội vụ (thử)",
    begins: int = -1,
    ends: int = 365,
    is_for_signing: bool = True,
) -> x509.Certificate:
    """A certificate that its key signed itself, valid so many days from now."""
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=is_for_signing, content_commitment=is_for_signing, key_encipherment=not is_for_signing,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    kind = type(key).__name__
    return (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days=begins))
        .not_valid_after(NOW + dt.timedelta(days=ends))
        .add_extension(usage, critical=True)
        .sign(key, None if "Ed25519" in kind else hashes.SHA256())
    )


def lay_pdf_key(
    settings: Settings,
    folder: Path,
    *,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    passphrase: bytes = PASSPHRASE,
    **facts: object,
) -> Settings:
    """The settings with a PKCS#12 file in the folder to sign with; `facts` are those of `certificate_of`."""
    folder.mkdir(exist_ok=True)
    private = key or ec.generate_private_key(ec.SECP256R1())
    certificate = certificate_of(private, **facts)  # type: ignore[arg-type]
    content = pkcs12.serialize_key_and_certificates(
        b"test",
        private,  # type: ignore[arg-type]
        certificate,
        None,
        BestAvailableEncryption(PASSPHRASE),
    )
    file, words = folder / "office.p12", folder / "office.pass"
    file.write_bytes(content)
    words.write_bytes(passphrase + b"\n")
    for path in (file, words):
        path.chmod(0o600)
    return replace(settings, pdf_certificate=str(file), pdf_passphrase_file=words)
