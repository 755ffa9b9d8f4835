"""Reading the signatures of a PDF that somebody hands over: who signed, when, and whether anything was changed."""

import datetime as dt
import io
import logging
from dataclasses import dataclass

from survey.errors import BadInput
from survey.own_threads import in_own_thread
from survey.signing_certificates import SigningCertificate, described

_MEGABYTE = 1_000_000
LARGEST_PDF = 20 * _MEGABYTE


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature of a PDF.

    `is_intact` says that the bytes it covers are those that were signed, with the key of `certificate`; `covers_all`
    that it covers every byte of the file. `signed_at` is the signer's own word. Whether the certificate is whose it
    says it is, nobody can see from the file.
    """

    certificate: SigningCertificate
    signed_at: dt.datetime | None
    is_intact: bool
    covers_all: bool

    @property
    def was_signed_in_time(self) -> bool:
        """True when the certificate was valid at the moment that the signer tells."""
        signed_at = self.signed_at
        return signed_at is None or self.certificate.not_before <= signed_at <= self.certificate.not_after


def read_signatures(pdf: bytes) -> tuple[PdfSignature, ...]:
    """The signatures of a PDF, none where it has none; raises BadInput when the bytes cannot be read as a PDF."""
    # It tells at length that nobody vouches for the certificate, which our caller judges by the edition's manifest.
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return in_own_thread(lambda: _signatures(pdf))
    except Exception as complaint:
        # A damaged file makes a reader stumble in any way it can.
        said = " ".join(str(complaint).split())[:200] or type(complaint).__name__
        raise BadInput(f"the PDF cannot be read ({said}), expected a PDF as it was published") from None


def _signatures(pdf: bytes) -> tuple[PdfSignature, ...]:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    found = []
    for embedded in PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures:
        context = ValidationContext(trust_roots=[], allow_fetching=False)
        status = validate_pdf_signature(embedded, context, skip_diff=True)
        found.append(
            PdfSignature(
                certificate=described(embedded.signer_cert.dump()),
                signed_at=status.signer_reported_dt,
                is_intact=status.intact and status.valid,
                covers_all=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            )
        )
    return tuple(found)
