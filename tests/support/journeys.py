"""People at their browsers, who lead a round from an empty office to its publication, page by page."""

import csv
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from support.command_line import run
from support.server import environment_of
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import open_stores

WIDE, HIGH = 1280, 800
# Printing starts the PDF engine in processes of its own, on a machine that other tests share.
PRINTING_MS = 120_000
# And a page that starts it answers when the machine comes to it.
PATIENCE_MS = 60_000
# The folder of the guide's pictures, where they are to be made again, and those that it shows.
PICTURES = os.environ.get("PICTURES", "")
GUIDE = Path(__file__).parents[2] / "docs" / "huong-dan.md"

NewPage = Callable[..., Page]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account of the office; `roles` are what they may do."""

    login: str
    name: str
    password: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewRound:
    """What an officer types to set a round up."""

    slug: str
    title_vi: str
    title_en: str
    questionnaire: str
    plan: str
    design: str = ""
    n_asked: int = 14
    channel: str = "slip"
    key_holding: str = "people"


def picture(page: Page, name: str) -> None:
    """A picture of what somebody sees, if the guide shows it; none where nobody asked for pictures."""
    if not PICTURES or f"/{name}.png)" not in GUIDE.read_text(encoding="utf-8"):
        return
    path = Path(PICTURES) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0); document.activeElement?.blur()")
    page.screenshot(path=path, animations="disabled")
    # Few colours are enough for a page, and a third of the bytes.
    with Image.open(path) as shot:
        small = shot.convert("RGB").quantize(200, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


class Desk:
    """A person of the office who has signed in, at a browser of their own. What `is_shown` is in the guide.

    With the code of an invitation they come for the first time, and choose their password.
    """

    def __init__(
        self, new_page: NewPage, address: str, person: Person, *, code: str = "", is_shown: bool = True
    ) -> None:
        self.address, self.person, self._is_shown = address, person, is_shown
        self.page = new_page(width=WIDE, height=HIGH)
        self.page.set_default_timeout(PATIENCE_MS)
        if code:
            accept(self.page, f"{address}/office/", code, person.password)
            return
        self.page.goto(f"{address}/office/")
        self.pictures("sign-in")
        self.page.locator("#login").fill(person.login)
        self.page.locator("#password").fill(person.password)
        self.page.get_by_role("button", name="Đăng nhập", exact=True).click()
        expect(self.page.locator("h1")).to_have_text("Các đợt khảo sát")

    def pictures(self, name: str) -> None:
        """A picture of what they see, where the guide shows it."""
        if self._is_shown:
            picture(self.page, name)

    def goes_to(self, path: str) -> Page:
        """The page of the office below /office."""
        self.page.goto(f"{self.address}/office{path}")
        return self.page

    def at_round(self, slug: str, path: str = "") -> Page:
        """The page of a round, or one below it."""
        return self.goes_to(f"/rounds/{slug}{path}")

    def engages(self, person: Person) -> str:
        """Invite a colleague; the code that they come in with."""
        page = self.goes_to("/staff")
        self._fills({"name": person.name, "login": person.login})
        for role in person.roles:
            page.locator(f"input[name=roles][value={role}]").check()
        self.pictures("staff")
        page.get_by_role("button", name="Tạo lời mời").click()
        return page.locator("code.key").inner_text()

    def loads_units(self, table: str, count: int) -> None:
        """The registry of units, from a table."""
        page = self.goes_to("/units/table")
        page.locator("input[type=file]").set_input_files([_file("units.csv", table)])
        page.locator("main form button.primary").click()
        expect(page.get_by_role("status")).to_contain_text(f"{count}")

    def sets_up(self, wanted: NewRound) -> None:
        """A draft, from the list of rounds on over the three pages of a set-up."""
        page = self.goes_to("/")
        page.get_by_role("link", name="Tạo đợt khảo sát").click()
        page.locator("#questionnaire").select_option(wanted.questionnaire)
        self._fills(
            {
                "title_vi": wanted.title_vi,
                "title_en": wanted.title_en,
                "slug": wanted.slug,
                "opens_on": today().isoformat(),
                "closes_on": (today() + timedelta(days=10)).isoformat(),
            }
        )
        self.pictures("set-up")
        page.get_by_role("button", name="Lưu và chọn đơn vị").click()
        page.locator("input[name=rule][value=fixed]").check()
        self._fills({"fixed": str(wanted.n_asked)})
        for box in page.locator("input[name=units]").all():
            box.check()
        self.pictures("set-up-units")
        page.get_by_role("button", name="Lưu và chọn cách khảo sát").click()
        page.locator(f"input[name=channels][value={wanted.channel}]").check()
        page.locator(f"input[name=key_holding][value={wanted.key_holding}]").check()
        self._fills(
            {
                "issuer_vi": "Sở Nội vụ",
                "issuer_en": "Department of Home Affairs",
                "decision": "Kế hoạch 12/KH-UBND",
                "hotline": "0203 3825 123",
            }
        )
        page.locator("details summary").first.click()
        for name, content in (("plan", wanted.plan), ("design", wanted.design)):
            if content:
                page.locator(f"#{name}").set_input_files([_file(f"{name}.yaml", content)])
        page.get_by_role("button", name="Lưu và kiểm tra").click()
        expect(page.locator("ul.checklist")).to_be_visible()

    def tries_the_form(self, slug: str) -> None:
        """The form as a citizen would fill it in; what was tried is kept nowhere."""
        page = self.at_round(slug, "/setup/test")
        page.locator("input[name=notice_read]").check()
        for name in dict.fromkeys(
            page.locator("main input[type=radio]").evaluate_all("all => all.map(one => one.name)")
        ):
            page.locator(f'main input[type=radio][name="{name}"]').first.check()
        page.get_by_role("button", name="Gửi thử và quay lại bảng kiểm tra").click()
        expect(page.locator("ul.checklist")).to_be_visible()

    def opens(self, slug: str) -> None:
        """The round, once every line of its checklist is green."""
        page = self.at_round(slug, "/setup")
        for button in page.get_by_role("button", name="Để máy chủ giữ khóa").all():
            button.click()
        expect(page.locator("ul.checklist .is-red")).to_have_count(0)
        self.pictures("checklist")
        page.get_by_role("button", name="Mở đợt khảo sát").click()
        expect(page.locator("h1")).to_have_text("Đợt khảo sát đã mở")

    def _fills(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self.page.locator(f"#{name}").fill(value)

    def takes(self, slug: str, button: str, done: str) -> None:
        """A step of the round's life, confirmed."""
        page = self.at_round(slug)
        page.get_by_role("link", name=button, exact=True).click()
        expect(page.locator("main")).to_contain_text("Không thể hoàn tác bước này")
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("h1")).to_have_text(done)

    def asks_for_codes(self, slug: str, fields: Mapping[str, str]) -> None:
        """Codes for one unit or all of them, which somebody else has to approve."""
        page = self.at_round(slug, "/codes")
        for name, value in fields.items():
            field = page.locator(f"#{name}")
            field.select_option(value) if name in ("unit", "channel") else field.fill(value)
        self.pictures("codes")
        self._asks(page)

    def asks_for_codes_by_file(self, slug: str, wanted: Path) -> None:
        """Codes for what a file asks for, which somebody else has to approve."""
        page = self.at_round(slug, "/codes/batch")
        page.locator("input[type=file]").set_input_files(wanted)
        self.pictures("codes-by-file")
        self._asks(page)

    def asks_to_seal(self, slug: str) -> None:
        """The sealing of a closed round, which somebody else has to approve."""
        self._asks(self.at_round(slug, "/seal"))

    def _asks(self, page: Page) -> None:
        page.locator("main form button.primary").click()
        expect(page.locator("h1")).to_have_text("Đề nghị và phê duyệt")
        expect(page.locator("main")).to_contain_text("Một người khác cần phê duyệt")
        expect(page.get_by_role("button", name="Phê duyệt")).to_have_count(0)

    def grants(self, slug: str) -> None:
        """What a colleague asked for."""
        page = self.at_round(slug, "/approvals")
        self.pictures("approval")
        page.get_by_role("button", name=re.compile("^Phê duyệt")).click()
        expect(page.get_by_role("status")).to_contain_text("đã phê duyệt đề nghị")

    def takes_codes(self, slug: str, folder: Path) -> list[dict[str, str]]:
        """The codes that were approved, as a file that a spreadsheet reads."""
        page = self.at_round(slug, "/approvals")
        with page.expect_download() as download:
            page.locator("main form button.primary").click()
        saved = folder / "codes.csv"
        download.value.save_as(saved)
        with saved.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def entrusts(self, slug: str, folder: Path, passphrases: Mapping[str, str], need: int) -> dict[str, Path]:
        """The round's key to custodians, each of whom types their passphrase; the file of each by name."""
        page = self.at_round(slug, "/custody")
        page.locator("#need").fill(str(need))
        for number, (name, passphrase) in enumerate(passphrases.items(), start=1):
            page.locator(f"#name-{number}").fill(name)
            page.locator(f"#passphrase-{number}").fill(passphrase)
            page.locator(f"#repeat-{number}").fill(passphrase)
        self.pictures("custody")
        with page.expect_download() as download:
            page.get_by_role("button", name="Chia khóa và tải các mảnh").click()
        saved = folder / "shares.zip"
        download.value.save_as(saved)
        with zipfile.ZipFile(saved) as files:
            files.extractall(folder)
        return {name: folder / f"{slug}-share-{number}.json" for number, name in enumerate(passphrases, start=1)}

    def gives_shares(self, page: Page, files: Sequence[Path], passphrases: Sequence[str]) -> None:
        """Each custodian chooses a file and types what opens it."""
        for number, (file, passphrase) in enumerate(zip(files, passphrases, strict=True), start=1):
            page.locator(f"#share-{number}").set_input_files(file)
            page.locator(f"#passphrase-{number}").fill(passphrase)

    def analyses(self, slug: str, note: str) -> None:
        """The plan is run, its parts are looked at, and the figures approved."""
        page = self.at_round(slug)
        page.get_by_role("link", name="Xem phân tích").click()
        page.get_by_role("button", name="Chạy kế hoạch phân tích").click()
        expect(page.locator(".findings")).to_be_visible(timeout=PRINTING_MS)
        self.pictures("analysis")
        for part in ("Kết quả theo đơn vị", "Trọng số", "Tỷ lệ trả lời", "Chất lượng câu trả lời", "So sánh công thức"):
            page.get_by_role("navigation").get_by_role("link", name=part, exact=True).click()
            expect(page.locator("h1")).to_have_text(part)
            with page.expect_download() as download:
                page.get_by_role("link", name="Tải XLSX").click()
            assert download.value.suggested_filename.startswith(slug)
        self.pictures("formulas")
        page.get_by_role("navigation").get_by_role("link", name="Tổng quan", exact=True).click()
        page.locator("#note").fill(note)
        page.get_by_role("button", name="Tôi xác nhận các con số này").click()
        expect(page.get_by_role("status")).to_contain_text("Đã ghi lại lời xác nhận")

    def prepares(self, slug: str) -> None:
        """A preview, printed."""
        page = self.at_round(slug)
        page.get_by_role("link", name="Lập bản xem trước", exact=True).click()
        page.get_by_role("button", name="Lập bản xem trước", exact=True).click()
        expect(page.get_by_role("heading", name="Tài liệu", exact=True)).to_be_visible(timeout=PRINTING_MS)
        self.pictures("preview")

    def approves(self, slug: str) -> None:
        """The preview that everybody is shown."""
        page = self.at_round(slug, "/release")
        page.get_by_role("button", name="Tôi duyệt bản này").click()
        expect(page.locator("main")).to_contain_text("Ông/bà đã duyệt bản này")

    def publishes(self, slug: str) -> None:
        """The preview that was approved."""
        page = self.at_round(slug, "/release")
        page.get_by_role("button", name="Công bố", exact=True).click()
        expect(page.locator("h1")).to_have_text("Kết quả đã được công bố")
        self.pictures("published")

    def invites(self, unit: str, name: str, address: str) -> str:
        """Somebody of a unit; the code that they come in with."""
        page = self.goes_to("/people")
        page.locator("#unit").select_option(unit)
        page.locator("#name").fill(name)
        page.locator("#email").fill(address)
        page.get_by_role("button", name="Tạo lời mời").click()
        return page.locator("main code").first.inner_text()


def found_office(settings: Settings, person: Person) -> None:
    """The first account, which whoever runs the machine makes as the guide for operators says."""
    command = [sys.executable, "-m", "survey", "officer", "create", person.login, "--name", person.name]
    for role in person.roles:
        command += ["--role", role]
    environment = environment_of(settings, "http://127.0.0.1:8000")
    typed = f"{person.password}\n".encode()
    subprocess.run([*command, "--password-stdin"], input=typed, env=environment, check=True, timeout=60)


def accept(page: Page, area: str, code: str, password: str) -> None:
    """Choose a password with the code of an invitation, and be in."""
    page.goto(f"{area}invited")
    page.locator("#invitation").fill(code)
    for field in ("#new_password", "#again"):
        page.locator(field).fill(password)
    page.get_by_role("button", name="Đặt mật khẩu").click()
    page.wait_for_url(area)


def log_knows_none_of(settings: Settings, secrets: Iterable[str]) -> None:
    """Nothing of what citizens hold or wrote, and no password, stands in the audit log, however it is spelled."""
    stores = open_stores(settings)
    with reading(stores.office) as session:
        written = "\n".join(
            f"{event.actor} {event.action} {event.subject}" for event in list_events(session)
        ).casefold()
    stores.close()
    assert "round.sealed" in written
    for secret in secrets:
        for spelled in {secret.casefold(), secret.replace("-", "").casefold()}:
            assert spelled not in written, spelled


def holds_on_the_command_line(settings: Settings, *found: Path) -> None:
    """`hailong verify` finds nothing wrong with any of these."""
    environment = environment_of(settings, settings.public_url or "")
    for path in found:
        said = run(environment, "verify", path)
        assert said.exit_code == 0, (path, said.output, said.errors)


def verified(page: Page, address: str, slug: str, unit: str, pdf: bytes) -> None:
    """Anybody holds a PDF against what was published."""
    page.goto(f"{address}/results/{slug}/{unit}/verify")
    page.locator("#file").set_input_files([FilePayload(name="phieu.pdf", mimeType="application/pdf", buffer=pdf)])
    expect(page.locator("#told")).to_contain_text("giống từng byte")


def _file(name: str, content: str) -> FilePayload:
    return FilePayload(name=name, mimeType="application/yaml", buffer=content.encode())
