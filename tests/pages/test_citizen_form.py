"""The citizen's form as a page: what stands on it, what comes back, and what never does."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from support.citizens import NOTICE, OTHER_UNIT, UNIT, Asked, add_round, ask
from support.pages import PageClient, form_of
from survey.application import create_app, services_of
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores

ADDRESS = f"/r/hai-long/{UNIT}"


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1")


@pytest.fixture
def client(asked: Asked) -> PageClient:
    return PageClient(create_app(asked.settings))


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def close_stores(asked: Asked, client: PageClient) -> None:
    """A connection that is open keeps its file, wherever it is moved; the next one has to look for it."""
    asked.stores.close()
    services_of(client.raw.application).stores.close()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_form_says_who_asks_and_what_is_promised_before_the_first_question(
    client: PageClient, language: str
) -> None:
    page = client.get(f"{ADDRESS}?lang={language}")
    assert page.root.get("lang") == language
    before = page.text.partition("Nhìn chung" if language == "vi" else "Overall")[0]
    for expected in (NOTICE.issuer.in_language(language), NOTICE.decision, NOTICE.hotline):
        assert expected in before
    promises = {
        "vi": (
            "Chúng tôi không lưu tên",
            "Máy chủ nhìn thấy",
            "chìa khóa bị hủy",
            "không sửa hay rút lại được",
            "18 tuổi",
        ),
        "en": (
            "We store no name",
            "The server sees",
            "the key is destroyed",
            "cannot be changed or withdrawn",
            "18 or over",
        ),
    }
    for promise in promises[language]:
        assert promise in before


def test_every_choice_is_a_radio_in_a_fieldset_and_every_field_bears_its_items_code(client: PageClient) -> None:
    page = client.get(ADDRESS)
    names = {str(name) for name in page.root.xpath("//form[@id='ballot']//@name")}
    assert names == {"nonce", "lang", "code", "overall", "why", "how_slow", "paid", "main"}
    assert [str(value) for value in page.root.xpath("//input[@name='overall']/@value")] == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "na",
        "dk",
    ]


def test_a_question_that_is_asked_only_sometimes_says_when(client: PageClient) -> None:
    assert "Chỉ trả lời nếu ở câu 1 ông/bà chọn “Rất không hài lòng” hoặc “Không hài lòng”." in client.get(ADDRESS).text
    assert "Answer only if you chose “Slow” in question 2." in client.get(f"{ADDRESS}?lang=en").text


def test_a_round_with_one_unit_opens_its_form_and_one_with_several_lists_them(asked: Asked, client: PageClient) -> None:
    add_round(asked, "mot", questionnaire="kinds/1", units=[OTHER_UNIT])
    assert client.get("/r/mot").root.xpath("//form/@action") == [f"/r/mot/{OTHER_UNIT}"]
    page = client.get("/r/hai-long?lang=en")
    assert [str(link) for link in page.root.xpath("//ul[@id='units']//@href")] == [
        f"/r/hai-long/{OTHER_UNIT}?lang=en",
        f"/r/hai-long/{UNIT}?lang=en",
    ]


def test_a_sent_form_leads_to_the_page_that_says_it_was_received(asked: Asked, client: PageClient) -> None:
    (code,) = asked.codes()
    form = form_of(client.get(ADDRESS).fields(), code=code.typed, overall="5", main="Cảm ơn")
    answer = client.raw.post(ADDRESS, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ADDRESS}/received")
    assert client.get(answer.headers["Location"]).state == "received"
    assert n_ballots(asked) == 1


def test_either_engine_takes_an_answer_under_the_rights_that_serving_has(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    asked = ask(settings, stores, tmp_path, questionnaire="kinds/1")
    app = create_app(settings)
    client = PageClient(app)
    (code,) = asked.codes()
    form = form_of(client.get(ADDRESS).fields(), code=code.typed, overall="5")
    outcomes = [client.raw.post(ADDRESS, data=form).status_code for _ in range(2)]
    outcomes.append(client.post(ADDRESS, form_of(form, nonce="n" * 32)).status)
    assert (outcomes, n_ballots(asked)) == ([303, 303, 422], 1)
    services_of(app).stores.close()


def test_a_form_sent_again_is_shown_as_received_and_stored_once(asked: Asked, client: PageClient) -> None:
    (code,) = asked.codes()
    form = form_of(client.get(ADDRESS).fields(), code=code.qr, overall="5")
    for _ in range(3):
        assert client.raw.post(ADDRESS, data=form).status_code == 303
    assert n_ballots(asked) == 1


def test_qr_code_and_typed_code_of_one_invitation_are_one_right_to_answer(asked: Asked, client: PageClient) -> None:
    (code,) = asked.codes()
    first = form_of(client.get(ADDRESS).fields(), code=code.qr, overall="5")
    second = form_of(client.get(ADDRESS).fields(), code=code.typed.lower().replace("-", " "), overall="1")
    assert client.raw.post(ADDRESS, data=first).status_code == 303
    assert client.post(ADDRESS, second).status == 422
    assert n_ballots(asked) == 1


def test_used_unknown_and_foreign_codes_get_the_same_answer_and_lose_nothing(asked: Asked, client: PageClient) -> None:
    add_round(asked, "khac", questionnaire="kinds/1")
    (used,), (of_other_unit,) = asked.codes(), asked.codes(OTHER_UNIT)
    (of_other_round,) = asked.codes(slug="khac")
    fields = client.get(ADDRESS).fields()
    assert client.raw.post(ADDRESS, data=form_of(fields, code=used.qr, overall="5")).status_code == 303
    shown = set()
    for code in (used.typed, of_other_unit.qr, of_other_round.qr, "A" * 22, "00000-00000-0001", "không phải mã"):
        sent = form_of(
            client.get(ADDRESS).fields(), code=code, overall="2", why=["slow", "rude"], how_slow="3", main="Đợi <lâu>"
        )
        page = client.post(ADDRESS, sent)
        assert page.status == 422
        assert page.fields() == sent
        shown.add((page.text.replace(code, ""), tuple(page.problems())))
    assert len(shown) == 1


def test_problems_are_listed_and_lead_to_their_fields(asked: Asked, client: PageClient) -> None:
    (code,) = asked.codes()
    sent = form_of(
        client.get(ADDRESS).fields(), code=code.typed, overall="1", why=["slow", "none"], paid="nhiều", main="x" * 201
    )
    page = client.post(ADDRESS, sent)
    assert page.status == 422
    assert page.fields() == sent
    assert page.problems() == [
        "Câu 2: Có câu trả lời không thể chọn cùng các câu trả lời khác. Hãy bỏ bớt.",
        "Câu 4: Hãy điền một số, ví dụ 12 hoặc 2,5.",
        "Câu 5: Câu trả lời dài quá 200 ký tự. Hãy viết ngắn hơn.",
    ]
    assert [str(link) for link in page.root.xpath("//*[@id='problems']//a/@href")] == ["#q-why", "#q-paid", "#q-main"]
    assert page.root.xpath("//input[@id='q-paid']/@aria-describedby") == ["q-paid-h q-paid-e"]
    assert n_ballots(asked) == 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"overall": None}, "Question 1: Please choose an answer."),
        ({"overall": "9"}, "Question 1: This answer is not on the form. Please choose again."),
        ({"overall": ["1", "2"]}, "Question 1: Please choose only one answer."),
        ({"overall": "1", "why": "slow"}, "Question 3: Please enter an answer."),
        ({"overall": "1", "why": "slow", "how_slow": "61"}, "Question 3: This number is outside the allowed range."),
        ({"overall": "1", "why": "slow", "how_slow": "1,5"}, "Question 3: Please enter a whole number."),
        ({"code": " "}, "Please enter your invitation code."),
    ],
)
def test_each_problem_has_its_sentence(
    asked: Asked, client: PageClient, changes: dict[str, str | list[str] | None], problem: str
) -> None:
    (code,) = asked.codes()
    given = {"code": code.typed, "overall": "5"} | changes
    page = client.post(ADDRESS, form_of(client.get(f"{ADDRESS}?lang=en").fields(), **given))
    assert (page.status, page.problems()) == (422, [problem])


def test_the_other_language_brings_back_everything_that_was_typed(asked: Asked, client: PageClient) -> None:
    (button,) = client.get(ADDRESS).root.xpath("//button[@name='switch-lang']")
    assert (button.get("form"), button.get("value"), button.get("formnovalidate")) == ("ballot", "en", "")
    sent = form_of(
        client.get(ADDRESS).fields(),
        code="ABC",
        overall="2",
        why=["slow"],
        how_slow=["", "dk"],
        paid="1,5",
        main="a\nb",
    )
    page = client.post(ADDRESS, sent | {"switch-lang": ["en"]})
    assert (page.status, page.root.get("lang"), page.problems()) == (200, "en", [])
    assert page.fields() == sent | {"lang": ["en"]}


def test_what_was_typed_comes_back_as_text_and_never_as_markup(client: PageClient) -> None:
    evil = '"><script>alert(1)</script>\u202e'
    sent = form_of(
        client.get(ADDRESS).fields(), code=evil, overall=evil, paid=evil, main=f"</textarea>{evil}", nonce=evil
    )
    page = client.post(ADDRESS, sent)
    assert page.status == 422
    assert len(page.root.xpath("//script")) == 1
    assert page.fields()["paid"] == [evil]
    assert page.fields()["nonce"] != [evil]


def test_a_round_that_is_not_open_says_when_it_is(asked: Asked, client: PageClient) -> None:
    add_round(asked, "sau", questionnaire="kinds/1", opens_in_days=3)
    add_round(asked, "nhap", questionnaire="kinds/1", is_opened=False)
    fields = form_of(client.get(ADDRESS).fields(), overall="5", code=asked.codes()[0].typed)
    for slug in ("sau", "nhap"):
        page = client.get(f"/r/{slug}/{UNIT}")
        assert (page.status, page.state) == (200, "early")
    assert client.get("/r/sau?lang=en").h1 == "Not open yet"
    close_round(asked.stores, "hai-long")
    page = client.get("/r/hai-long")
    assert (page.status, page.state) == (200, "stopped")
    page = client.post(ADDRESS, fields)
    assert (page.status, page.state) == (409, "stopped")
    assert "Phiếu ông/bà vừa gửi chưa được lưu." in page.text
    assert n_ballots(asked) == 0


@pytest.mark.parametrize("address", ["/r/khong-co", "/r/hai-long/khong-co", "/r/hai-long/khong-co/received", "/r"])
def test_an_unknown_address_is_a_calm_page(client: PageClient, address: str) -> None:
    page = client.get(address)
    assert (page.status, page.h1) == (404, "Không tìm thấy trang này")
    assert client.get(f"{address}?lang=en").h1 == "This page was not found"


@pytest.mark.parametrize(
    "body",
    [b"code=%ff%fe&overall=5", b"code=\xff", b"&".join(b"x%d=1" % n for n in range(600)), b"overall=%C3%28"],
)
def test_a_body_that_cannot_be_read_is_a_vietnamese_page(asked: Asked, client: PageClient, body: bytes) -> None:
    page = client.post(ADDRESS, body, content_type="application/x-www-form-urlencoded")  # type: ignore[arg-type]
    assert (page.status, page.root.get("lang")) == (400, "vi")
    assert n_ballots(asked) == 0


def test_a_body_above_64_kib_and_a_body_that_is_no_form_are_refused(client: PageClient) -> None:
    assert client.post(ADDRESS, {"main": "x" * 65_537}).status == 413
    assert client.post(ADDRESS, {"main": "x"}, content_type="multipart/form-data").status == 415
    assert client.post(ADDRESS, {}, content_type="text/plain").status == 415
    assert client.post("/r/hai-long", {}).status == 405


def test_a_silent_intake_store_costs_nobody_what_they_typed(asked: Asked, client: PageClient) -> None:
    (code,) = asked.codes()
    sent = form_of(
        client.get(ADDRESS).fields(), code=code.typed, overall="2", why=["slow"], how_slow="3", main="Đợi lâu"
    )
    path = asked.settings.instance / "intake.db"
    close_stores(asked, client)
    moved = path.rename(path.with_name("away.db"))
    path.mkdir()
    page = client.post(ADDRESS, sent)
    assert (page.status, page.response.headers["Retry-After"]) == (503, "30")
    assert page.fields() == sent
    path.rmdir()
    moved.rename(path)
    assert client.raw.post(ADDRESS, data=sent).status_code == 303
    assert n_ballots(asked) == 1


def test_a_silent_office_store_leaves_the_form_readable(asked: Asked, client: PageClient) -> None:
    before = client.get(ADDRESS)
    path = asked.settings.instance / "office.db"
    close_stores(asked, client)
    path.rename(path.with_name("away.db"))
    path.mkdir()
    again = client.get(ADDRESS)
    assert (again.status, again.h1) == (200, before.h1)
    page = client.get("/r/chua-thay")
    assert (page.status, page.response.headers["Retry-After"]) == (503, "30")
