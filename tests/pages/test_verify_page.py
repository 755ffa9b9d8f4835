"""The page that a QR code leads to: hashes, figures, and a file held against what was published (issue 6, S4)."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, write_edition
from analysis.sealed_folders import sha256_hex
from support.pages import Page, PageClient
from support.published import SIGNER, corrected, publish_by_hand, sipas_edition
from survey.application import create_app, services_of
from survey.print_pool import Printed
from survey.rounds import mark_published
from survey.settings import Settings
from survey.signing import DocumentSigning
from survey.web.public.verify import LARGEST_FILE

UNIT = "06652"
ADDRESS = f"/results/sipas-2026/{UNIT}/verify"
PRINTED = b"%PDF-1.7 the scorecard of 06652\n"
SIGNATURE = b"%and its signature\n"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[Flask]:
    opened = create_app(sqlite_settings)
    services = services_of(opened)
    first = replace(sipas_edition((40, 50)), number=1, reason=None)
    publish_by_hand(sqlite_settings, services.stores, first)
    _correct(sqlite_settings, opened, corrected(first, "sửa một đơn vị"))
    yield opened
    services.stores.close()


@pytest.fixture
def client(app: Flask) -> PageClient:
    return PageClient(app)


def _correct(settings: Settings, app: Flask, edition: Edition) -> None:
    """A second edition whose documents are signed, as far as this page looks at that."""
    out = settings.instance / "editions" / edition.facts.slug / "2"
    other = edition.units[1].code
    names = {f"{UNIT}.pdf": PRINTED, f"{other}.pdf": b"%PDF-1.7 another\n", "province.pdf": b"%PDF-1.7 province\n"}
    signing = DocumentSigning(None, ("vi",), "thử")
    for name, content in names.items():
        signing.signed(Printed(name, content, None))
    facts = signing.as_json() | {
        "pdf_signature": {
            "subject": "Sở Nội vụ", "issuer": "Ban Cơ yếu", "not_before": "2026-01-01T00:00:00+00:00",
            "not_after": "2027-01-01T00:00:00+00:00", "certificate_sha256": "c0" * 32,
        }
    }  # fmt: skip
    write_edition(edition, out, {name: content + SIGNATURE for name, content in names.items()}, SIGNER, {}, facts)
    mark_published(
        services_of(app).stores,
        edition.facts.slug,
        number=2,
        manifest_hash=sha256_hex((out / MANIFEST).read_bytes()),
        published_on=edition.published_on,
        reason=edition.reason,
    )


def _send(app: Flask, content: bytes, address: str = ADDRESS) -> Page:
    data = {"file": (io.BytesIO(content), "phieu.pdf")}
    return PageClient(app).post(address, data, content_type="multipart/form-data")


def test_the_page_has_the_figures_and_every_hash_in_both_languages(client: PageClient) -> None:
    page = client.get(ADDRESS)
    assert page.h1 == "Kiểm tra văn bản"
    for part in (sha256_hex(PRINTED + SIGNATURE), sha256_hex(PRINTED), "c0" * 32, "Sở Nội vụ", "Ban Cơ yếu"):
        assert part in page.text
    assert "bản công bố số 1, ngày 23/11/2026 (đã được thay thế)" in page.text
    assert client.get(f"{ADDRESS}?lang=en").h1 == "Check a document"
    edition = sipas_edition((40, 50))
    row = edition.row(UNIT)
    assert row.estimate is not None
    assert f"{row.estimate:.1f}".replace(".", ",") in page.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (PRINTED + SIGNATURE, "Đúng là văn bản đã công bố, giống từng byte: 06652.pdf, bản công bố số 2"),
        (PRINTED, "Đúng nội dung văn bản đã công bố, nhưng thiếu chữ ký số"),
        (PRINTED + b"another end", "phần sau không phải chữ ký đã công bố"),
        (PRINTED.replace(b"scorecard", b"scorekard"), "Tệp này không phải văn bản nào đã công bố"),
        (b"%PDF-1.7 06652", "Bản công bố này đã được một bản mới hơn thay thế"),
        (b"%PDF-1.7 another\n" + SIGNATURE, "giống từng byte:"),
        (b"GIF89a", "Tệp này không phải là PDF"),
        (b"", "Chưa chọn tệp nào"),
    ],
    ids=["the file", "without signature", "another end", "changed", "replaced", "another unit's", "no PDF", "nothing"],
)
def test_a_file_is_told_what_it_is(app: Flask, content: bytes, told: str) -> None:
    page = _send(app, content)
    assert page.status == 200
    assert told in page.text
    assert page.response.headers["Cache-Control"] == "no-store"


def test_a_file_that_is_too_large_is_not_read(app: Flask) -> None:
    page = _send(app, b"%PDF-" + bytes(LARGEST_FILE + 20_000))
    assert page.status == 413
    assert "Tệp quá lớn" in page.text


def test_the_page_of_a_round_has_its_public_documents_and_no_unit_that_is_not_there(client: PageClient) -> None:
    page = client.get("/results/sipas-2026/verify")
    assert "province.pdf" in page.text
    assert client.get("/results/sipas-2026/99999/verify").status == 404
    assert client.get("/results/no-such-round/verify").status == 404


def test_what_is_sent_otherwise_is_refused(app: Flask) -> None:
    answer = app.test_client().post(ADDRESS, data=b"%PDF-1.7", content_type="application/pdf")
    assert answer.status_code == 415


def test_a_document_of_an_office_that_is_not_there_is_not_found(client: PageClient) -> None:
    assert client.get("/results/sipas-2026/league-khoi-dia-phuong.docx").status == 404
