"""A citizen reads and answers in any of five languages, where the round's questionnaire has them (issue 5, C5)."""

from pathlib import Path

import pytest

from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.firms import add_firm_round, import_firms
from support.pages import Page, PageClient, form_of
from support.scripts import complaints_about
from survey.application import create_app
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.texts import CITIZEN_LANGUAGES
from survey.web.pages import catalogue_of

ADDRESS = f"/r/hai-long/{UNIT}"
THIRD = ("ko", "zh", "ja")
TAGS = {"zh": "zh-Hans"}


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="sipas/2017.2")


@pytest.fixture
def client(asked: Asked) -> PageClient:
    return PageClient(create_app(asked.settings))


def said(key: str, language: str, **values: object) -> str:
    return catalogue_of("citizen").text(key, language, **values)


def strangers(page: Page, language: str) -> list[tuple[str, str]]:
    """What stands on a page in another language than the page's without saying so."""
    found = page.root.xpath("//body//text()[not(ancestor::*[@lang and not(self::html)]) and not(ancestor::script)]")
    texts = [text.strip() for text in found if any(letter.isalpha() for letter in text)]
    return [(text, complaint) for text in texts for complaint in complaints_about(text, language)]


def test_every_word_of_the_form_is_in_its_language_or_says_in_which(client: PageClient) -> None:
    for language in THIRD:
        page = client.get(f"{ADDRESS}?lang={language}")
        assert page.root.get("lang") == TAGS.get(language, language)
        assert not strangers(page, language)
        (unit,) = page.root.xpath("//h1/span")
        assert unit.get("lang") == "en"


def test_every_page_offers_the_other_languages_by_their_own_names(client: PageClient) -> None:
    for language in CITIZEN_LANGUAGES:
        names = {"vi": "Tiếng Việt", "en": "English", "ko": "한국어", "zh": "中文", "ja": "日本語"}
        form = client.get(f"{ADDRESS}?lang={language}")
        buttons = form.root.xpath("//nav//button[@name='switch-lang']")
        assert [button.get("value") for button in buttons] == [one for one in CITIZEN_LANGUAGES if one != language]
        assert [button.text for button in buttons] == [name for one, name in names.items() if one != language]
        assert [button.get("lang") for button in buttons] == [TAGS.get(b.get("value"), b.get("value")) for b in buttons]
        assert form.root.xpath("string(//nav//*[@aria-current])") == names[language]
        assert form.root.xpath("//nav/@aria-label") == [said("languages", language)]
        chosen = client.get(f"/r/hai-long?lang={language}")
        links = chosen.root.xpath("//nav//a")
        assert [link.get("href") for link in links] == [f"?lang={one}" for one in CITIZEN_LANGUAGES if one != language]


def test_answers_are_sent_and_thanked_for_in_the_readers_language(asked: Asked, client: PageClient) -> None:
    for language in THIRD:
        (code,) = asked.codes()
        blank = client.get(f"{ADDRESS}?lang={language}").fields()
        assert blank["lang"] == [language]
        refused = client.post(ADDRESS, form_of(blank, code=code.typed))
        assert refused.status == 422
        assert said("problems_title", language) in refused.text
        assert refused.root.get("lang") == TAGS.get(language, language)
        answers = {"visited": "yes", "gave_feedback": "no", "seats": "4"}
        sent = client.raw.post(ADDRESS, data=form_of(refused.fields(), **answers))
        assert (sent.status_code, sent.headers["Location"]) == (303, f"{ADDRESS}/received?lang={language}")
        page = client.get(sent.headers["Location"])
        assert (page.state, page.h1) == ("received", said("received_title", language))


def test_what_was_typed_goes_through_all_languages_and_comes_back(asked: Asked, client: PageClient) -> None:
    typed = form_of(client.get(ADDRESS).fields(), code="ABC", visited="yes", seats="2", comment="một\nhai")
    sent = typed
    for language in (*CITIZEN_LANGUAGES[1:], "vi"):
        page = client.post(ADDRESS, sent | {"switch-lang": [language]})
        assert (page.status, page.problems()) == (200, [])
        sent = page.fields()
        assert sent == typed | {"lang": [language]}


@pytest.mark.slow
@pytest.mark.parametrize("language", THIRD)
def test_closed_rounds_and_pages_that_are_not_there_speak_the_language_too(
    asked: Asked, client: PageClient, language: str
) -> None:
    add_round(asked, "som", questionnaire="sipas/2017.2", opens_in_days=9)
    assert client.get(f"/r/som?lang={language}").h1 == said("early_title", language)
    blank = client.get(f"{ADDRESS}?lang={language}").fields()
    close_round(asked.stores, "hai-long", actor="test")
    page = client.post(ADDRESS, blank)
    assert (page.status, page.h1) == (409, said("stopped_title", language))
    assert said("closed_not_stored", language) in page.text
    missing = client.get(f"/r/hai-long/khong-co?lang={language}")
    assert missing.h1 == said("error_title_404", language)


def test_a_questionnaire_in_two_languages_offers_no_third(asked: Asked, client: PageClient) -> None:
    add_round(asked, "hai-thu-tieng", questionnaire="sipas/2017.1", units=(OTHER_UNIT,))
    page = client.get("/r/hai-thu-tieng?lang=ko")
    assert page.root.get("lang") == "vi"
    assert [button.get("value") for button in page.root.xpath("//nav//button")] == ["en"]
    switched = client.post(f"/r/hai-thu-tieng/{OTHER_UNIT}", page.fields() | {"switch-lang": ["ko"]})
    assert switched.root.get("lang") == "vi"


@pytest.mark.slow
@pytest.mark.parametrize("language", THIRD)
def test_a_firm_chooses_and_rates_its_agencies_in_its_language(
    asked: Asked, client: PageClient, language: str, tmp_path: Path
) -> None:
    import_firms(asked.stores, tmp_path)
    add_firm_round(asked, "doanh-nghiep", "ddci/departments-2024.2", modules=("brand/2026.2",))
    choice = client.get(f"/r/doanh-nghiep?lang={language}")
    assert choice.h1 == said("units_title", language)
    assert not strangers(choice, language)
    (code,) = asked.codes("", slug="doanh-nghiep")
    (first, *_) = choice.root.xpath("//input[@name='units']/@value")
    form = client.post("/r/doanh-nghiep", form_of(choice.fields(), code=code.typed, units=[str(first)]))
    assert (form.status, form.root.get("lang")) == (200, TAGS.get(language, language))
    assert said("choose_count", language, count=1) in form.h1
    assert not strangers(form, language)


def test_the_office_and_the_results_stay_vietnamese_and_english(client: PageClient) -> None:
    for path in ("/office/sign-in?lang=ko", "/results?lang=ko"):
        assert client.get(path).root.get("lang") == "vi"
