"""Work in the background: an office publishes and corrects, and nobody waits in a request (issue 6, S6)."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import MANIFEST, write_edition
from analysis.release.hard_data import parse_hard_data
from analysis.sealed_folders import sha256_hex
from support.hard_rounds import FIGURES, SLUG, WITH_HARD, sealed_round
from support.keys import lay_keys
from support.office import Office, add_units, open_office, path_of
from support.pages import Page, checked_page
from support.published import SIGNER, publish_by_hand, sipas_edition
from survey.errors import WrongState
from survey.jobs import job_of, start_job
from survey.officers import list_officers
from survey.round_records import editions_of
from survey.rounds import mark_published
from survey.sealing import archive_path
from survey.services import today
from survey.settings import Settings
from survey.storage.releases import Job
from survey.storage.sessions import writing

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
PRINTING = f"{ROUND}/printing"
CORRECTION = f"{ROUND}/correction"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    lay_keys(sqlite_settings, SLUG)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def say_of_job(office: Office, slug: str, **values: object) -> None:
    """Have the round's job be as these values say."""
    moment = datetime.now(UTC)
    given: dict[str, object] = {"state": "running", "seen": moment, "n_done": 17, "n_documents": 56}
    with writing(office.services.stores.office) as session:
        if session.get(Job, slug) is None:
            session.add(
                Job(
                    round_slug=slug,
                    mark="0" * 32,
                    kind="publish",
                    state="running",
                    actor="lan",
                    started_by="Nguyễn Thị Lan",
                    languages="vi",
                    began=moment,
                    seen=moment,
                    failures="",
                    complaint="",
                    complaint_kind="",
                )
            )
            session.flush()
        session.execute(update(Job).where(Job.round_slug == slug).values(**given | values))


def publish_tables(office: Office) -> None:
    """The first edition of the round with its tables and no documents, which take their time."""
    settings, stores = office.services.settings, office.services.stores
    sealed_round(settings, stores, plan=WITH_HARD)
    edition = compute_edition(
        read_archive(archive_path(settings, SLUG)),
        number=1,
        published_on=today(),
        public_url=None,
        hard_data=parse_hard_data(FIGURES.encode(), "hard.csv"),
    )
    folder = settings.instance / "editions" / SLUG / "1"
    write_edition(edition, folder, {}, SIGNER)
    manifest_hash = sha256_hex((folder / MANIFEST).read_bytes())
    mark_published(stores, SLUG, number=1, manifest_hash=manifest_hash, published_on=today())


def test_a_round_is_corrected_beside_the_request_and_both_editions_stay(office: Office) -> None:
    services = office.services
    publish_tables(office)
    for reason in ("", "a\u202eb", "x" * 201):
        refused = checked_page(office.send(CORRECTION, reason=reason), CORRECTION)
        assert refused.status == 400, reason
    wrong = {"figures": (io.BytesIO(b"unit,indicator,value,source\nxa-q,h,1,\n"), "sai.csv")}
    data = {"csrf_token": office.token(CORRECTION), "reason": "Sửa số liệu của xã C", **wrong}
    refused = checked_page(office.client.post(CORRECTION, data=data, content_type="multipart/form-data"), CORRECTION)
    assert refused.status == 400
    assert "Tệp sai.csv, dòng 2, mục unit" in refused.text
    mended = (FIGURES.replace("xa-c,h,20", "xa-c,h,25").encode(), "đúng.csv")
    response = office.hand_in(CORRECTION, {"figures": mended}, reason="Sửa số liệu của xã C")
    assert path_of(response) == PRINTING
    (officer,) = list_officers(services.stores)
    with pytest.raises(WrongState, match="has started this already"):
        start_job(services, SLUG, officer=officer, reason="Hai lần")
    assert page(office, PRINTING).h1 == "Đang lập bản công bố"
    assert path_of(office.finished(SLUG)) == f"{ROUND}/publish/done"
    first, second = editions_of(services.stores, SLUG)
    assert (first.reason, second.reason) == (None, "Sửa số liệu của xã C")
    editions = services.settings.instance / "editions" / SLUG
    assert "xa-c,h,20," in (editions / "1" / "hard.csv").read_text(encoding="utf-8")
    assert "xa-c,h,25," in (editions / "2" / "hard.csv").read_text(encoding="utf-8")
    for number in (1, 2):
        assert office.client.get(f"/results/{SLUG}?edition={number}").status_code == 200
    assert "Sửa số liệu của xã C" in page(office, ROUND).text


def test_work_that_died_is_said_and_may_be_begun_again(office: Office) -> None:
    publish_by_hand(office.services.settings, office.services.stores, sipas_edition((120, 60)))
    address = "/office/rounds/sipas-2026/printing"
    say_of_job(office, "sipas-2026")
    shown = page(office, address)
    assert shown.response.headers["Refresh"] == "4"
    assert "Đã in 17 trong 56 tài liệu" in shown.text
    assert "17 of 56 documents are printed" in page(office, f"{address}?lang=en").text
    say_of_job(office, "sipas-2026", seen=datetime.now(UTC) - timedelta(minutes=2))
    shown = page(office, address)
    assert "Refresh" not in shown.response.headers
    assert shown.h1 == "Việc lập bản công bố bị gián đoạn"
    job = job_of(office.services.stores, "sipas-2026")
    assert job is not None
    assert job.state == "died"


def test_what_could_not_be_printed_is_named_when_it_is_done(office: Office) -> None:
    publish_by_hand(office.services.settings, office.services.stores, sipas_edition((120, 60)))
    failures = "06652.pdf: the fonts have no ▲\n"
    say_of_job(office, "sipas-2026", state="done", failures=failures, number=1)
    assert path_of(office.finished("sipas-2026")) == "/office/rounds/sipas-2026/publish/done"
    shown = page(office, "/office/rounds/sipas-2026/publish/done")
    assert "the fonts have no ▲" in shown.text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("StoreUnavailable", "Chưa thực hiện được"),
        ("mistake", "Chưa thực hiện được"),
        ("EditionError", "bản công bố khác"),
    ],
)
def test_what_stopped_the_work_is_told(office: Office, kind: str, said: str) -> None:
    publish_by_hand(office.services.settings, office.services.stores, sipas_edition((120, 60)))
    say_of_job(office, "sipas-2026", state="failed", complaint="a line of its own", complaint_kind=kind)
    shown = checked_page(office.finished("sipas-2026"), "/office/rounds/sipas-2026/printing")
    assert shown.status == 409
    assert said in shown.text
    assert "a line of its own" in shown.text
