"""Signing scorecards after PAdES, with the key of a PKCS#12 file or of a PKCS#11 module.

A signature is added behind the document as it was printed, so that the signed file begins with the unsigned bytes. It
carries the moment of signing and is different each time: a document is signed once, when its edition is made.
"""

import datetime as dt
import hashlib
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, unquote_to_bytes

from survey.errors import BadInput, HailongError
from survey.own_threads import in_own_thread
from survey.plain_files import read_plain_file
from survey.print_pool import Printed
from survey.settings import PKCS11_SCHEME, Settings
from survey.signing_certificates import SigningCertificate, checked_certificate

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer

FIELD = "hailong"
SETTING = "HAILONG_PDF_CERTIFICATE"
PASSPHRASE_SETTING = "HAILONG_PDF_PASSPHRASE_FILE"  # noqa: S105  the name of a setting
LARGEST_KEY_FILE = 1_000_000
LARGEST_PASSPHRASE = 4096


@dataclass(frozen=True, slots=True)
class PrintedDocument:
    """What an edition's manifest tells of a document before it was signed."""

    language: str
    unsigned_sha256: str
    unsigned_bytes: int

    @classmethod
    def of(cls, content: bytes, language: str) -> "PrintedDocument":
        """The facts of a document as it was printed."""
        return cls(language, hashlib.sha256(content).hexdigest(), len(content))

    def as_json(self) -> dict[str, object]:
        """The facts as the manifest has them."""
        return {
            "language": self.language,
            "unsigned_sha256": self.unsigned_sha256,
            "unsigned_bytes": self.unsigned_bytes,
        }


@dataclass(frozen=True, slots=True)
class PdfSigner:
    """Signs with one key; it works while the `with` that opened it lasts."""

    certificate: SigningCertificate
    key: "Signer"

    def sign(self, pdf: bytes, reason: str) -> bytes:
        """The document with a signature behind it that allows no later change; raises HailongError where it fails.

        `reason` is shown by readers of PDF beside the signature.
        """
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers
        from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

        facts = signers.PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            reason=reason,
            name=self.certificate.subject,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        target = io.BytesIO()
        signer = signers.PdfSigner(facts, signer=self.key)
        try:
            in_own_thread(lambda: signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=target))
        except Exception as complaint:
            # What a card or a module complains of has no common type.
            raise HailongError(f"{SETTING}: a document could not be signed ({_said(complaint)})") from complaint
        return target.getvalue()


class DocumentSigning:
    """Signs an edition's documents as they are printed, and remembers what each was before."""

    def __init__(self, signer: PdfSigner | None, languages: Sequence[str], reason: str) -> None:
        """`languages` are those the edition is printed in, as `pages_of` has them; `reason` stands in the signature."""
        self._signer = signer
        self._language = languages[0]
        self._reason = reason
        self._documents: dict[str, PrintedDocument] = {}

    def signed(self, document: Printed) -> Printed:
        """The document with its signature; as it is where nothing signs or it could not be printed."""
        if document.pdf is None:
            return document
        self.note(document.name, document.pdf)
        return (
            document if self._signer is None else replace(document, pdf=self._signer.sign(document.pdf, self._reason))
        )

    def note(self, name: str, content: bytes) -> None:
        """Remembers a document as it is before anybody signs it."""
        language = "en" if ".en." in name else self._language
        self._documents[name] = PrintedDocument.of(content, language)

    def as_json(self) -> dict[str, object]:
        """What the edition's manifest tells of its documents and of who signed them."""
        documents = {name: self._documents[name].as_json() for name in sorted(self._documents)}
        signed_by = {} if self._signer is None else {"pdf_signature": self._signer.certificate.as_json()}
        return {"documents": documents, **signed_by}


@contextmanager
def opened_pdf_signer(settings: Settings, now: dt.datetime | None = None) -> Iterator[PdfSigner | None]:
    """The signer that the settings name, or None where they name none.

    `now` is this moment unless it is given. Raises BadInput where the file, the module, the passphrase or the
    certificate is not as it should be, an expired one among them.
    """
    place = settings.pdf_certificate
    if place is None:
        yield None
        return
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    passphrase = _passphrase(settings.pdf_passphrase_file)
    now = now or dt.datetime.now(dt.UTC)
    if place.startswith(PKCS11_SCHEME):
        with _module_key(place, passphrase) as key:
            yield _signer(key, place, now)
    else:
        yield _signer(_file_key(Path(place), passphrase), place, now)


def _signer(key: "Signer", place: str, now: dt.datetime) -> PdfSigner:
    found = key.signing_cert
    if found is None:
        raise BadInput(f"{SETTING}: found no certificate at {place}, expected one beside the key")
    return PdfSigner(checked_certificate(found.dump(), f"{SETTING}: {place}", now), key)


def _passphrase(path: Path | None) -> bytes:
    if path is None:
        return b""
    content = read_plain_file(path, LARGEST_PASSPHRASE).rstrip(b"\r\n")
    if path.stat().st_mode & 0o007:
        raise BadInput(
            f"{PASSPHRASE_SETTING}: found a file that every user of this machine can open, expected mode 0600"
        )
    return content


def _file_key(path: Path, passphrase: bytes) -> "Signer":
    from pyhanko.sign.signers import SimpleSigner

    content = read_plain_file(path, LARGEST_KEY_FILE)
    if path.stat().st_mode & 0o007:
        raise BadInput(f"{SETTING}: found a key file that every user of this machine can open, expected mode 0600")
    try:
        key: Signer = SimpleSigner.load_pkcs12_data(content, other_certs=(), passphrase=passphrase or None)
    except Exception:
        # Both a wrong passphrase and a file of another kind are told in the library's own ways.
        raise BadInput(
            f"{SETTING}: found no key in {path} that the passphrase opens, expected a PKCS#12 file with a key and its "
            f"certificate, and its passphrase in {PASSPHRASE_SETTING}"
        ) from None
    return key


@contextmanager
def _module_key(uri: str, pin: bytes) -> Iterator["Signer"]:
    from pyhanko.config.pkcs11 import TokenCriteria
    from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session

    asked = _module_facts(uri)
    identity = asked.get("id")
    names: dict[str, Any] = {}
    if "object" in asked:
        names["cert_label"] = asked["object"]
    if identity is not None:
        names["cert_id"] = identity
    try:
        session = open_pkcs11_session(
            str(asked["module-path"]),
            token_criteria=TokenCriteria(label=str(asked["token"])),
            user_pin=pin.decode() or None,
        )
    except Exception as complaint:
        raise BadInput(
            f"{SETTING}: found no token {asked['token']} that the PIN in {PASSPHRASE_SETTING} opens "
            f"({_said(complaint)}), expected one in the module {asked['module-path']}"
        ) from None
    with session:
        try:
            found = PKCS11Signer(session, **names).signing_cert
        except Exception as complaint:
            raise BadInput(
                f"{SETTING}: found no certificate of that name in the token {asked['token']} ({_said(complaint)}), "
                "expected a certificate and its key under `object` or `id`"
            ) from None
        if found is None:
            raise BadInput(f"{SETTING}: found no certificate in the token {asked['token']}, expected one")
        # Many modules sign what was hashed outside, but know no mechanism that hashes for elliptic curves.
        is_curve = found.public_key.algorithm == "ec"
        yield PKCS11Signer(session, use_raw_mechanism=is_curve, **names)


def _module_facts(uri: str) -> Mapping[str, Any]:
    """The parts of a URI after RFC 7512 that find a key: the token, the object or its id, and the module."""
    path, _, query = uri.removeprefix(PKCS11_SCHEME).partition("?")
    pairs = [part.partition("=") for part in path.split(";") if part]
    facts: dict[str, Any] = {
        name: unquote_to_bytes(value) if name == "id" else unquote(value) for name, _, value in pairs
    }
    facts.update({name: values[0] for name, values in parse_qs(query).items()})
    unknown = sorted(set(facts) - {"token", "object", "id", "module-path"})
    if unknown or "token" not in facts or "module-path" not in facts or not {"object", "id"} & set(facts):
        found = f"the part {unknown[0]}" if unknown else uri
        raise BadInput(
            f"{SETTING}: found {found}, expected pkcs11:token=NAME;object=NAME?module-path=FILE "
            "(the PIN stands in the passphrase file, not here)"
        )
    return facts


def _said(complaint: Exception) -> str:
    return " ".join(str(complaint).split()) or type(complaint).__name__
