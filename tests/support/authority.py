"""A certificate authority of a test's own, for servers and for those who come to them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority that a test makes for itself."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        self._certificate = _blank(subject, subject, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        ).sign(self._key, hashes.SHA256())  # fmt: skip
        self.file = written(folder / f"{name}.crt", self._certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """The files of a certificate for this name, of a machine or of a user, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _blank(_named(name), self._certificate.subject, key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        ).sign(self._key, hashes.SHA256())  # fmt: skip
        beginning = self._folder / f"{self._name}-{name}"
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (
            written(beginning.with_suffix(".crt"), certificate.public_bytes(Encoding.PEM)),
            written(beginning.with_suffix(".key"), plain),
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _blank(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def written(path: Path, content: bytes) -> Path:
    """The path, with this content in a file that its owner alone can read."""
    # PostgreSQL refuses a key that others can read, on either side.
    path.write_bytes(content)
    path.chmod(0o600)
    return path
