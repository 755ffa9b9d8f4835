"""What the people of a unit see while answers come in: counts in steps of ten, of their own unit alone."""

from datetime import UTC, datetime
from pathlib import Path

from support.citizens import OTHER_UNIT, UNIT, ask
from support.pages import checked_page
from support.portal import ADDRESS, PASSWORD, Portal
from survey.application import create_app
from survey.settings import Settings
from survey.storage.stores import open_stores
from survey.unit_people import accept_invitation, invite_person

PAGE = "/unit/rounds/hai-long/fieldwork"


def test_a_unit_sees_its_own_counts_in_steps_of_ten(sqlite_settings: Settings, tmp_path: Path) -> None:
    stores = open_stores(sqlite_settings)
    asked = ask(sqlite_settings, stores, tmp_path, questionnaire="kinds/1")
    now = datetime.now(UTC)
    invitation = invite_person(stores, asked.secrets, UNIT, ADDRESS, "Lê Thị Chi", actor="lan", now=now)
    accept_invitation(stores, asked.secrets, invitation.code, PASSWORD, now)
    app = create_app(sqlite_settings)
    browser = Portal(app, None).person().client  # type: ignore[arg-type]

    def seen(path: str = PAGE) -> str:
        return checked_page(browser.get(path), path).text

    assert "Đã mời dưới 10 Đã trả lời dưới 10" in seen()
    asked.answer({"overall": ["4"]}, count=19)
    asked.answer({"overall": ["4"]}, OTHER_UNIT, count=40)
    assert "Đã mời từ 10 trở lên Đã trả lời từ 10 trở lên" in seen()
    asked.answer({"overall": ["4"]})
    assert "Đã trả lời từ 20 trở lên" in seen()
    assert "Answered 20 or more" in seen(f"{PAGE}?lang=en")
    assert "Đang thu phiếu: Khảo sát sự hài lòng năm 2026" in seen("/unit/")
    assert browser.get("/unit/rounds/khong-co/fieldwork").status_code == 404
    app.extensions["hailong"].stores.close()
    stores.close()
