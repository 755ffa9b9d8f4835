"""Which keys and certificates sign PDFs, and which are refused with a message (issue 6, S4; an expired certificate)."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from support.pdf_keys import NOW, lay_pdf_key
from support.published import publish_by_hand, sipas_edition
from survey.demonstration.signing import with_demonstration_certificate
from survey.errors import BadInput
from survey.publishing import publish_round
from survey.settings import Settings
from survey.signing import opened_pdf_signer
from survey.signing_certificates import DEMONSTRATION_NAME
from survey.storage.stores import Stores
from survey.vault import KeyVault

SHORT_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 — made to be refused
EXPIRED = {"begins": -30, "ends": -2}


def _open(settings: Settings, now: dt.datetime = NOW) -> str:
    with opened_pdf_signer(settings, now) as signer:
        return "nobody" if signer is None else signer.certificate.subject


def test_without_a_certificate_nothing_is_signed(sqlite_settings: Settings) -> None:
    assert _open(sqlite_settings) == "nobody"


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_keys_that_readers_of_pdf_know_sign(sqlite_settings: Settings, tmp_path: Path, kind: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    assert _open(lay_pdf_key(sqlite_settings, tmp_path / "keys", key=key)) == "Sở Nội vụ (thử)"


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        (EXPIRED, "that expired on"),
        ({"begins": 3}, "that is not valid before"),
        ({"is_for_signing": False}, "that is not for signing"),
        ({"key": SHORT_KEY}, "found an RSA key of 1024 bits, expected 2048 at least"),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, "found a key of another kind"),
        ({"passphrase": b"another"}, "that the passphrase opens"),
    ],
    ids=["expired", "of tomorrow", "not for signing", "too short", "another kind", "wrong passphrase"],
)
def test_what_cannot_sign_is_refused_with_what_was_found(
    sqlite_settings: Settings, tmp_path: Path, facts: dict[str, object], complaint: str
) -> None:
    settings = lay_pdf_key(sqlite_settings, tmp_path / "keys", **facts)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="HAILONG_PDF_CERTIFICATE") as refusal:
        _open(settings)
    assert complaint in str(refusal.value)


@pytest.mark.slow
def test_a_round_is_not_published_under_an_expired_certificate(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    edition = replace(sipas_edition((40, 50)), number=2, reason="thử")
    publish_by_hand(sqlite_settings, sqlite_stores, replace(edition, number=1, reason=None))
    settings = lay_pdf_key(sqlite_settings, tmp_path / "keys", **EXPIRED)  # type: ignore[arg-type]
    vault = KeyVault(settings.instance / "keys", None)
    with pytest.raises(BadInput, match=r"expired on .* nothing was signed and nothing written"):
        publish_round(sqlite_stores, vault, settings, edition.facts.slug, edition.published_on, reason="thử")
    assert [path.name for path in (settings.instance / "editions" / edition.facts.slug).iterdir()] == ["1"]


def test_a_key_that_others_can_read_is_refused(sqlite_settings: Settings, tmp_path: Path) -> None:
    settings = lay_pdf_key(sqlite_settings, tmp_path / "keys")
    assert settings.pdf_passphrase_file is not None
    for path in (Path(settings.pdf_certificate or ""), settings.pdf_passphrase_file):
        path.chmod(0o644)
        with pytest.raises(BadInput, match="every user of this machine can open"):
            _open(settings)
        path.chmod(0o600)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("pkcs11:token=a", "expected pkcs11:token=NAME;object=NAME\\?module-path=FILE"),
        ("pkcs11:token=a;object=b;pin-value=1?module-path=/m.so", "found the part pin-value"),
        ("pkcs11:token=a;object=b?module-path=/no/such/module.so", "found no token a"),
    ],
)
def test_an_address_of_a_module_that_leads_nowhere_is_refused(
    sqlite_settings: Settings, address: str, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        _open(replace(sqlite_settings, pdf_certificate=address))


def test_a_demonstration_makes_itself_one_certificate_that_says_what_it_is(sqlite_settings: Settings) -> None:
    settings = with_demonstration_certificate(sqlite_settings)
    assert _open(settings) == DEMONSTRATION_NAME
    made = Path(settings.pdf_certificate or "").read_bytes()
    assert with_demonstration_certificate(sqlite_settings) == settings
    assert Path(settings.pdf_certificate or "").read_bytes() == made
    (settings.instance / "demonstration").touch()
    read = Settings.from_environment({"HAILONG_INSTANCE": str(settings.instance)})
    assert read.pdf_certificate == settings.pdf_certificate


def test_a_passphrase_without_a_certificate_is_a_mistake(sqlite_settings: Settings, tmp_path: Path) -> None:
    names = {"HAILONG_INSTANCE": str(sqlite_settings.instance), "HAILONG_PDF_PASSPHRASE_FILE": str(tmp_path / "p")}
    with pytest.raises(BadInput, match="found a passphrase without a certificate"):
        Settings.from_environment(names)
