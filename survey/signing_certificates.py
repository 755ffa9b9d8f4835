"""The certificate that scorecards are signed with: what it says of itself, whether it may sign; one for practice."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from survey.errors import BadInput

SHORTEST_RSA = 2048
DEMONSTRATION_NAME = "hailong trình diễn – không có giá trị pháp lý"
DEMONSTRATION_DAYS = 3650


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """What a certificate says of whom it names and when; `sha256` is of its DER form, in lower-case hex digits."""

    subject: str
    issuer: str
    not_before: dt.datetime
    not_after: dt.datetime
    sha256: str

    def as_json(self) -> dict[str, str]:
        """What an edition's manifest tells of the certificate."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "certificate_sha256": self.sha256,
        }


def described(der: bytes) -> SigningCertificate:
    """What the certificate says; raises ValueError where the bytes are none."""
    read = x509.load_der_x509_certificate(der)
    return SigningCertificate(
        subject=_name(read.subject),
        issuer=_name(read.issuer),
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
        sha256=hashlib.sha256(der).hexdigest(),
    )


def checked_certificate(der: bytes, place: str, now: dt.datetime) -> SigningCertificate:
    """The certificate, fit to sign documents at this moment.

    Raises BadInput when it has expired or is not valid yet, when its key is one that readers of PDF do not know or is
    too short, and when it says that it is for something else than signing documents. `place` names where it came from.
    """
    read, found = x509.load_der_x509_certificate(der), described(der)
    if now > found.not_after:
        raise BadInput(
            f"{place}: found a certificate of {found.subject} that expired on {found.not_after:%Y-%m-%d}, "
            "expected one that is valid today: nothing was signed and nothing written"
        )
    if now < found.not_before:
        raise BadInput(
            f"{place}: found a certificate of {found.subject} that is not valid before {found.not_before:%Y-%m-%d}, "
            "expected one that is valid today"
        )
    key = read.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SHORTEST_RSA:
        raise BadInput(f"{place}: found an RSA key of {key.key_size} bits, expected {SHORTEST_RSA} at least")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadInput(
            f"{place}: found a key of another kind, expected RSA or an elliptic curve, which PDF readers know"
        )
    if not _may_sign_documents(read):
        raise BadInput(
            f"{place}: found a certificate of {found.subject} that is not for signing, "
            "expected the key usage digitalSignature or nonRepudiation"
        )
    return found


def make_demonstration_certificate(passphrase: bytes, now: dt.datetime) -> bytes:
    """A PKCS#12 file with a new key and a certificate that it signed itself, which says that it is for practice."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEMONSTRATION_NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is set back a little must not make the certificate one of tomorrow.
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DEMONSTRATION_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_usage(), critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(
        b"hailong", key, certificate, None, BestAvailableEncryption(passphrase)
    )


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _may_sign_documents(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
