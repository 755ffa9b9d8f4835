"""An officer's first day: from the sign-in to an open round by links and buttons, each screen and input counted."""

from datetime import timedelta

from playwright.sync_api import Locator, Page, expect

from survey.services import today

# From an empty office to an open round with a questionnaire that comes with the program (issue 7).
MOST_SCREENS = 12


class FirstOfficer:
    """Somebody who has never done it. `screens` are the headings of all pages that they were shown, in order, and
    `n_inputs` is what they had to type, choose or tick because the page would not have gone on without it.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.screens: list[str] = []
        self.n_inputs = 0
        page.on("domcontentloaded", self._count)

    def signs_in(self, address: str, login: str, password: str) -> None:
        """The one address that they were told."""
        self.page.goto(f"{address}/office/")
        self._types("login", login)
        self._types("password", password)
        self.page.get_by_role("button", name="Đăng nhập", exact=True).click()
        expect(self.page.locator("h1")).to_have_text("Các đợt khảo sát")

    def sets_up(self, slug: str, questionnaire: str) -> None:
        """The three pages of the set-up, with what is offered left as it is."""
        page = self.page
        page.get_by_role("link", name="Tạo đợt khảo sát").click()
        page.locator("#questionnaire").select_option(questionnaire)
        self.n_inputs += 1
        self._types("title_vi", "Khảo sát hài lòng năm 2026")
        self._types("title_en", "Satisfaction survey 2026")
        self._types("slug", slug)
        self._types("opens_on", today().isoformat())
        self._types("closes_on", (today() + timedelta(days=10)).isoformat())
        page.get_by_role("button", name="Lưu và chọn đơn vị").click()
        for box in page.locator("input[name=units]").all():
            self._ticks(box)
        page.get_by_role("button", name="Lưu và chọn cách khảo sát").click()
        self._ticks(page.locator("input[name=channels][value=slip]"))
        self._ticks(page.locator("input[name=key_holding][value=machine]"))
        self._types("issuer_vi", "Sở Nội vụ")
        self._types("issuer_en", "Department of Home Affairs")
        self._types("hotline", "0203 3825 123")
        page.get_by_role("button", name="Lưu và kiểm tra").click()
        expect(page.locator("ul.checklist")).to_be_visible()

    def puts_right(self) -> None:
        """What the checklist asks for: the form tried once, and the key knowingly left to the machine."""
        page = self.page
        page.locator("#check-test .actions a").click()
        self._ticks(page.locator("input[name=notice_read]"))
        controls = page.locator("main input[type=radio]")
        for name in dict.fromkeys(controls.evaluate_all("all => all.map(one => one.name)")):
            self._ticks(page.locator(f'main input[type=radio][name="{name}"]').first)
        page.get_by_role("button", name="Gửi thử và quay lại bảng kiểm tra").click()
        expect(page.locator("ul.checklist")).to_be_visible()
        keep = page.get_by_role("button", name="Để máy chủ giữ khóa")
        if keep.count():
            keep.click()
        expect(page.locator("ul.checklist .is-red")).to_have_count(0)

    def opens(self) -> None:
        """The round, from the checklist."""
        self.page.get_by_role("button", name="Mở đợt khảo sát").click()
        expect(self.page.locator("h1")).to_have_text("Đợt khảo sát đã mở")

    def _types(self, name: str, value: str) -> None:
        field = self.page.locator(f"#{name}")
        # What the page has filled in already is left as it is.
        if not field.input_value():
            field.fill(value)
            self.n_inputs += 1

    def _ticks(self, control: Locator) -> None:
        if not control.is_checked():
            control.check()
            self.n_inputs += 1

    def _count(self, page: Page) -> None:
        self.screens.append(page.title().partition(" – ")[0])
