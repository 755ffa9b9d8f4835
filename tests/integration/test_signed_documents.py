"""Signed documents of an edition, and what `hailong verify` says of each way to alter one (issue 6, S4)."""

import asyncio
import datetime as dt
import io
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import docx
import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from analysis.release.edition_folder import read_edition
from analysis.sealed_folders import sha256_hex
from support.command_line import RunHailong, environment_of_settings, run
from support.pdf_keys import certificate_of, lay_pdf_key
from support.published import SIGNER
from support.small_archives import WARDS, write_small_archive
from survey.edition_pages import pages_of
from survey.pdf_signatures import read_signatures
from survey.printed_editions import make_edition
from survey.printing import make_printer
from survey.settings import Settings
from survey.signing import opened_pdf_signer
from survey.verifying import verify_path

pytestmark = pytest.mark.slow
DAY = dt.date(2026, 11, 23)
TWO = {code: WARDS[code] for code in ("06652", "06658")}
SOFT_TOKEN = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "246813"


@pytest.fixture(scope="module")
def key_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("office")
    plain = Settings.from_environment({"HAILONG_INSTANCE": str(folder / "var")})
    return lay_pdf_key(plain, folder / "keys")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, key_settings: Settings) -> Path:
    """The folder of a signed edition of two wards, printed once for all tests of this file."""
    folder = tmp_path_factory.mktemp("signed")
    archive = write_small_archive(folder / "archive", wards=TWO)
    with opened_pdf_signer(key_settings) as pdf_signer:
        printed = make_edition(
            archive, folder / "edition", SIGNER, published_on=DAY, public_url="https://hailong.example.vn",
            workers=2, pdf_signer=pdf_signer,
        )  # fmt: skip
    assert printed.failures == ()
    return printed.folder


@pytest.fixture
def edition(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may alter."""
    return Path(shutil.copytree(made, tmp_path / "edition"))


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "no-instance"


def _findings(path: Path, instance: Path, edition: Path | None = None) -> list[str]:
    return [str(finding) for finding in verify_path(path, instance, edition=edition).findings]


def test_every_pdf_is_signed_once_over_the_bytes_that_the_manifest_names(edition: Path, instance: Path) -> None:
    manifest = read_edition(edition).manifest
    documents, files = json.loads(json.dumps(manifest["documents"])), json.loads(json.dumps(manifest["files"]))
    assert sorted(documents) == [
        "06652.pdf", "06658.pdf", "league-khoi-dia-phuong.docx", "league-khoi-dia-phuong.pdf",
        "method.docx", "method.pdf", "province.pdf",
    ]  # fmt: skip
    for name, facts in documents.items():
        content = (edition / name).read_bytes()
        assert sha256_hex(content) == files[name]["sha256"]
        assert sha256_hex(content[: facts["unsigned_bytes"]]) == facts["unsigned_sha256"]
        if name.endswith(".docx"):
            assert docx.Document(io.BytesIO(content)).core_properties.language == "vi-VN"
            continue
        (signature,) = read_signatures(content)
        assert signature.is_intact
        assert signature.covers_all
        assert signature.was_signed_in_time
        assert signature.certificate.sha256 == manifest["pdf_signature"]["certificate_sha256"]  # type: ignore[index]
    assert verify_path(edition, instance).is_sound


def test_a_thread_that_runs_an_event_loop_signs_and_reads_as_any_other(edition: Path, key_settings: Settings) -> None:
    manifest = read_edition(edition).manifest
    n_unsigned = json.loads(json.dumps(manifest["documents"]))["06652.pdf"]["unsigned_bytes"]
    unsigned = (edition / "06652.pdf").read_bytes()[:n_unsigned]

    async def sign_and_read() -> bool:
        with opened_pdf_signer(key_settings) as signer:
            assert signer is not None
            (signature,) = read_signatures(signer.sign(unsigned, "thu-2026, 1"))
        return signature.is_intact

    # In a thread of its own: a browser test may have left a loop in this one.
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(asyncio.run, sign_and_read()).result()


def test_a_pdf_that_went_by_mail_is_proved_to_say_what_the_tables_say(
    edition: Path, instance: Path, tmp_path: Path, key_settings: Settings
) -> None:
    mailed = tmp_path / "bao-cao.pdf"
    shutil.copy(edition / "06652.pdf", mailed)
    command: RunHailong = partial(run, environment_of_settings(instance, None))
    done = command("verify", mailed, "--edition", edition)
    assert done.exit_code == 0, done.output
    assert "signed by Sở Nội vụ (thử)" in done.output
    assert "printed again from the tables: every figure and every byte is the same" in done.output
    # In the instance it is found by what it is, without anybody saying where.
    published = key_settings.instance / "editions" / "thu-2026" / "1"
    published.parent.mkdir(parents=True)
    shutil.copytree(edition, published)
    assert verify_path(mailed, key_settings.instance).is_sound
    shutil.rmtree(published.parent)
    assert "a PDF that is in no edition at hand" in _findings(mailed, instance)[0]


def test_other_figures_are_named_with_their_page(edition: Path, instance: Path, tmp_path: Path) -> None:
    """A forger prints the scorecard with a better index and has it signed by another certificate."""
    read = read_edition(edition)
    forged = replace(
        read,
        estimates=tuple(
            replace(row, estimate=(row.estimate or 0.0) + 9) if (row.unit, row.node) == ("06652", "index") else row
            for row in read.estimates
        ),
    )
    page = next(page for page in pages_of(forged, ["vi"]) if page.name == "06652.pdf")
    printed = page.composed().printed_by(make_printer())
    settings = lay_pdf_key(
        Settings.from_environment({"HAILONG_INSTANCE": str(tmp_path / "var")}), tmp_path / "forger", name="Kẻ giả mạo"
    )
    with opened_pdf_signer(settings) as signer:
        assert signer is not None
        (tmp_path / "06652.pdf").write_bytes(signer.sign(printed, "thử"))
    findings = _findings(tmp_path / "06652.pdf", instance, edition)
    true = f"{read.row('06652').estimate:.1f}".replace(".", ",")
    false = f"{forged.row('06652').estimate:.1f}".replace(".", ",")
    assert any("page 1" in finding and false in finding and true in finding for finding in findings), findings
    assert any("one by the certificate" in finding for finding in findings)
    assert any("of what was printed" in finding for finding in findings)


def test_a_changed_byte_a_lost_signature_and_words_behind_it_are_found(edition: Path, instance: Path) -> None:
    place, size = edition / "method.pdf", read_edition(edition).manifest["documents"]["method.pdf"]["unsigned_bytes"]  # type: ignore[index]
    content = place.read_bytes()
    changed = bytearray(content)
    # A letter of the head: the file opens as before.
    changed[content.index(b"%PDF-1.") + 7] ^= 1
    for altered, expected in (
        (bytes(changed), "one that does not fit the document"),
        (content[:size], "method.pdf, signature: found none"),
        (content + b"\n% and more\n", "bytes that were added after it"),
    ):
        place.write_bytes(altered)
        findings = _findings(place, instance)
        assert any(expected in finding for finding in findings), findings
        assert any("SHA-256" in finding for finding in findings)
        assert any(expected in finding for finding in _findings(edition, instance))
    place.write_bytes(content[: size // 2])
    assert any("the PDF cannot be read" in finding for finding in _findings(edition, instance))


def test_a_key_in_a_module_signs_and_never_leaves_it(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PKCS#11 with SoftHSM, which keeps its key as a card does: HAILONG_PDF_CERTIFICATE=pkcs11:…"""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n", encoding="utf-8")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    _fill_token(tmp_path)
    (tmp_path / "pin").write_text(PIN, encoding="utf-8")
    (tmp_path / "pin").chmod(0o600)
    settings = Settings.from_environment(
        {
            "HAILONG_INSTANCE": str(tmp_path / "var"),
            "HAILONG_PDF_CERTIFICATE": f"pkcs11:token=hailong;object=phieu%20diem?module-path={SOFT_TOKEN}",
            "HAILONG_PDF_PASSPHRASE_FILE": str(tmp_path / "pin"),
        }
    )
    size = read_edition(made).manifest["documents"]["method.pdf"]["unsigned_bytes"]  # type: ignore[index]
    unsigned = (made / "method.pdf").read_bytes()[:size]
    with opened_pdf_signer(settings) as signer:
        assert signer is not None
        signed = signer.sign(unsigned, "thử")
    (signature,) = read_signatures(signed)
    assert signature.is_intact
    assert signature.covers_all
    assert signature.certificate.subject == "Chứng thư trong mô-đun"
    assert signed.startswith(unsigned)


def _fill_token(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = folder / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pins = ["--pin", PIN]
    create = ["--init-token", "--free", "--label", "hailong", *pins, "--so-pin", PIN]
    carry = ["--import", str(pem), "--token", "hailong", "--label", "phieu diem", "--id", "01", *pins]
    for command in (create, carry):
        subprocess.run(["softhsm2-util", *command], check=True, capture_output=True)
    pem.unlink()
    certificate = certificate_of(key, name="Chứng thư trong mô-đun").public_bytes(Encoding.DER)
    token = pkcs11.lib(SOFT_TOKEN).get_token(token_label="hailong")
    with token.open(user_pin=PIN, rw=True) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.LABEL: "phieu diem",
                pkcs11.Attribute.ID: b"\x01",
                pkcs11.Attribute.VALUE: certificate,
                pkcs11.Attribute.SUBJECT: b"",
            }
        )
