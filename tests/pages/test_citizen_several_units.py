"""A form that rates several units: two sendings, nothing kept between them, and nothing that is typed is lost (W3)."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from questionnaires.library import load_bundled
from support.citizens import Asked, add_round
from support.firms import COMMUNES, DEPARTMENTS, MOST_UNITS, SLUG, add_firm_round, ask_firms, firm_codes
from support.pages import Page, PageClient, form_of
from survey.application import create_app, services_of
from survey.rounds import close_round, mark_simulated
from survey.settings import Settings
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import import_units
from survey.web.citizen import shelf

ADDRESS = f"/r/{SLUG}"
THREE = ["so-y-te", "06673", "so-xay-dung"]


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask_firms(sqlite_settings, sqlite_stores, tmp_path)


@pytest.fixture
def client(asked: Asked) -> PageClient:
    return PageClient(create_app(asked.settings))


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def questions(client: PageClient, code: str, units: list[str] = THREE, language: str = "vi") -> Page:
    """The page with the questions about these units."""
    fields = client.get(f"{ADDRESS}?lang={language}").fields()
    page = client.post(ADDRESS, form_of(fields, code=code, units=units))
    assert page.status == 200, page.text
    return page


def answered(page: Page, **changes: str | list[str] | None) -> dict[str, list[str]]:
    """The questions with the required ones answered and some more of them."""
    units = page.fields()["units"]
    required: dict[str, str | list[str] | None] = {f"{unit}.clear": "5" for unit in units}
    return form_of(page.fields(), **({"has_land": "yes"} | required | changes))


def words_of(page: Page, tag: str, unit: str) -> list[str]:
    """What a listed unit is found by beside its name."""
    (shared,) = page.root.xpath("//*[@id='units']/@data-shared")
    (words,) = page.root.xpath(f"//{tag}[contains(., '{unit}')]/@data-words")
    return [shared.split("|")[int(word)] if word.isdigit() else word for word in words.split("|")]


@pytest.mark.parametrize(
    ("language", "blocs"), [("vi", ["Khối phường xã", "Khối sở"]), ("en", ["Departments", "Localities"])]
)
def test_the_units_are_ticked_in_their_blocs_beside_the_notice_and_the_code(
    client: PageClient, language: str, blocs: list[str]
) -> None:
    page = client.get(f"{ADDRESS}?lang={language}")
    assert [str(bloc) for bloc in page.root.xpath("//fieldset[@class='bloc']/legend/text()")] == blocs
    boxes = page.root.xpath("//input[@name='units' and @type='checkbox']/@value")
    assert sorted(boxes) == sorted((*DEPARTMENTS, *COMMUNES))
    assert "từ 1 đến 3 cơ quan" in page.text or "1 to 3 agencies" in page.text
    promise = "một số ngẫu nhiên" if language == "vi" else "by a random number"
    assert promise in page.text
    assert page.root.xpath("//form/@action") == [ADDRESS]


def test_units_are_found_by_former_places_and_procedures_in_both_kinds_of_lists(
    asked: Asked, client: PageClient
) -> None:
    add_round(asked, "tung-don-vi", units=COMMUNES)
    for path, tag in ((ADDRESS, "label"), ("/r/tung-don-vi", "li")):
        page = client.get(path)
        assert {"Phường Hùng Thắng", "Đăng ký hộ kinh doanh"} <= set(words_of(page, tag, "Phường Bãi Cháy"))
        assert page.response.get_data(as_text=True).count("Đăng ký hộ kinh doanh") == 1
    assert "Building permit" in words_of(client.get(ADDRESS), "label", "Sở Xây dựng")


def test_what_the_registry_learns_while_a_round_is_open_reaches_its_pages(
    asked: Asked, client: PageClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get(ADDRESS)
    more = tmp_path / "more.csv"
    more.write_text("unit,procedure_vi,procedure_en\nso-y-te,Cấp giấy hành nghề,Licence\n", encoding="utf-8")
    import_units(asked.stores, tmp_path / "firm-units.csv", procedures_csv=more)
    monkeypatch.setattr(shelf, "KEPT_SECONDS", 0)
    assert "Cấp giấy hành nghề" in words_of(client.get(ADDRESS), "label", "Sở Y tế")


def test_a_unit_in_the_address_is_ticked_already(client: PageClient) -> None:
    page = client.get(f"{ADDRESS}/06673")
    assert page.root.xpath("//input[@name='units' and @checked]/@value") == ["06673"]
    assert client.get(f"{ADDRESS}/khong-co").status == 404


def test_the_questions_come_once_for_the_firm_and_once_for_each_unit_in_the_order_chosen(
    asked: Asked, client: PageClient
) -> None:
    page = questions(client, firm_codes(asked)[0].typed)
    headings = [" ".join(heading.text_content().split()) for heading in page.root.xpath("//section/h2")]
    names = ("Cơ quan 1/3: Sở Y tế", "Cơ quan 2/3: Phường Bãi Cháy", "Cơ quan 3/3: Sở Xây dựng")
    asked_of_each = [f"{name} {title}" for name in names for title in ("Cách phục vụ", "Đất đai")]
    assert headings == ["Về doanh nghiệp", *asked_of_each, "Ý kiến khác"]
    assert page.h1 == "Ý kiến về 3 cơ quan"
    (condition,) = page.root.xpath("//fieldset[.//input[@name='06673.unclear']]/@data-if")
    assert condition == "06673.clear 1 2"
    assert set(page.root.xpath("//section[h2[contains(., 'Đất đai')]]/@data-if")) == {"has_land yes"}
    numbers = [str(number) for number in page.root.xpath("//*[@class='number']/text()")]
    assert numbers == ["1.", *["2.", "3.", "4.", "5.", "6."] * 3, "7."]


def test_a_module_is_asked_once_after_all_units(asked: Asked, client: PageClient) -> None:
    add_firm_round(asked, "hoi-kem", modules=("brand/2026.1",))
    (code,) = firm_codes(asked, slug="hoi-kem")
    form = form_of(client.get("/r/hoi-kem").fields(), code=code.typed, units=THREE)
    page = client.post("/r/hoi-kem", form)
    titles = [section.title.vi for section in load_bundled("brand/2026.1").sections]
    headings = [" ".join(heading.text_content().split()) for heading in page.root.xpath("//section/h2")]
    assert headings[8:] == titles
    assert not any(unit in str(name) for unit in THREE for name in page.root.xpath("//section[position()>8]//@name"))
    assert client.raw.post("/r/hoi-kem", data=answered(page)).status_code == 303


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_firm_rates_three_of_nine_units_and_is_told_that_it_was_received(
    asked: Asked, client: PageClient, language: str
) -> None:
    page = questions(client, firm_codes(asked)[0].typed, language=language)
    answer = client.raw.post(ADDRESS, data=answered(page, **{"06673.land_say": "Nhanh hơn"}, say="Cảm ơn"))
    ending = "" if language == "vi" else "?lang=en"
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ADDRESS}/received{ending}")
    page = client.get(answer.headers["Location"])
    assert (page.state, page.root.get("lang")) == ("received", language)
    assert not any(name in page.text for name in ("Bãi Cháy", "Bai Chay", "3 cơ quan", "3 agencies"))
    assert n_ballots(asked) == 1


def test_a_form_sent_again_is_received_once_and_a_used_code_is_refused_with_everything_kept(
    asked: Asked, client: PageClient
) -> None:
    (code,) = firm_codes(asked)
    form = answered(questions(client, code.typed))
    assert [client.raw.post(ADDRESS, data=form).status_code for _ in range(3)] == [303, 303, 303]
    other = answered(questions(client, code.qr), **{"so-y-te.clear": "1", "so-y-te.unclear": ["forms", "fees"]})
    page = client.post(ADDRESS, other)
    assert (page.status, page.fields()) == (422, other)
    (problem,) = page.problems()
    assert "dành cho đợt khảo sát khác" in problem
    assert page.root.xpath("//input[@id='code']/@type") == []
    assert n_ballots(asked) == 1


def test_a_code_of_a_round_of_single_units_and_an_unknown_one_are_refused_alike(
    asked: Asked, client: PageClient
) -> None:
    add_round(asked, "tung-don-vi", units=COMMUNES)
    (foreign,) = asked.codes(COMMUNES[0], slug="tung-don-vi")
    shown = {
        tuple(client.post(ADDRESS, answered(questions(client, code))).problems()) for code in (foreign.typed, "A" * 22)
    }
    assert len(shown) == 1
    assert n_ballots(asked) == 0


@pytest.mark.parametrize(
    ("units", "problem", "ticked"),
    [
        ([], "Hãy chọn ít nhất một cơ quan.", []),
        (
            [*THREE, "06652"],
            "Ông/bà đã chọn 4 cơ quan. Hãy bỏ bớt, chỉ giữ lại nhiều nhất 3 cơ quan.",
            sorted([*THREE, "06652"]),
        ),
        (
            ["06673", "khong-co", "cu-1"],
            "Có cơ quan không thuộc đợt khảo sát này nên đã được bỏ ra. Hãy xem lại các cơ quan đã chọn.",
            ["06673"],
        ),
    ],
)
@pytest.mark.parametrize("step", [None, "answers"])
def test_none_too_many_and_unknown_units_are_said_and_lose_nothing(
    asked: Asked, client: PageClient, units: list[str], problem: str, ticked: list[str], step: str | None
) -> None:
    (code,) = firm_codes(asked)
    given = {"code": code.typed, "06673.land_say": "Chậm", "06673.unclear": ["forms", "fees"], "say": "x", "step": step}
    page = client.post(ADDRESS, form_of(client.get(ADDRESS).fields(), **given, units=units))
    assert (page.status, page.problems()) == (422, [problem])
    assert page.root.xpath("//*[@id='problems']//a/@href") == ["#q-units"]
    fields = page.fields()
    assert sorted(fields.pop("units", [])) == ticked
    assert fields["code"] == [code.typed]
    assert (fields["06673.land_say"], fields["06673.unclear"], fields["say"]) == (["Chậm"], ["forms", "fees"], ["x"])
    assert n_ballots(asked) == 0


def test_a_unit_named_twice_is_rated_once(asked: Asked, client: PageClient) -> None:
    page = questions(client, firm_codes(asked)[0].typed, ["06673", "06673", "06652", "06673"])
    assert page.fields()["units"] == ["06673", "06652"]
    assert client.raw.post(ADDRESS, data=answered(page)).status_code == 303


@pytest.mark.parametrize("code", ["", "  ", "khong phai ma"])
def test_a_code_that_no_invitation_has_is_said_before_the_first_question(client: PageClient, code: str) -> None:
    page = client.post(ADDRESS, form_of(client.get(ADDRESS).fields(), code=code, units=[]))
    assert page.status == 422
    assert len(page.problems()) == 2
    assert page.root.xpath("//*[@id='problems']//a/@href") == ["#code", "#q-units"]


def test_changed_units_keep_what_was_typed_about_those_that_stay(asked: Asked, client: PageClient) -> None:
    (code,) = firm_codes(asked)
    page = questions(client, code.typed)
    (button,) = page.root.xpath("//button[@name='change-units']")
    assert (button.get("form"), button.get("formnovalidate")) == ("ballot", "")
    sent = answered(
        page, say="a\nb", **{"06673.clear": "1", "06673.unclear": ["forms", "fees"], "so-y-te.land_say": "Lâu"}
    )
    choice = client.post(ADDRESS, sent | {"change-units": ["1"]})
    assert (choice.status, choice.problems()) == (200, [])
    assert "vẫn còn nguyên" in choice.text
    fields = choice.fields()
    assert sorted(fields["units"]) == sorted(THREE)
    assert fields["nonce"] == sent["nonce"]
    kept = {name: values for name, values in sent.items() if "." in name and values != [""]} | {"say": ["a\nb"]}
    assert {name: fields[name] for name in kept} == kept
    # One unit goes, another comes; what was said of the one that goes is gone with it.
    again = client.post(ADDRESS, fields | {"units": ["06673", "06652", "so-xay-dung"]})
    assert again.status == 200
    shown = again.fields()
    assert not any(name.startswith("so-y-te.") for name in shown)
    assert (shown["06673.clear"], shown["06673.unclear"], shown["say"]) == (["1"], ["forms", "fees"], ["a\nb"])
    assert "06652.clear" not in shown
    assert client.raw.post(ADDRESS, data=answered(again, **{"06673.clear": "1"})).status_code == 303
    assert n_ballots(asked) == 1


def test_the_other_language_keeps_everything_on_either_page(asked: Asked, client: PageClient) -> None:
    (code,) = firm_codes(asked)
    first = form_of(client.get(ADDRESS).fields(), code="dở", units=THREE, **{"06673.visits": "2,5", "say": "x"})
    page = client.post(ADDRESS, first | {"switch-lang": ["en"]})
    assert (page.status, page.root.get("lang"), page.problems()) == (200, "en", [])
    fields = page.fields()
    assert sorted(fields.pop("units")) == sorted(THREE)
    assert fields == {name: values for name, values in first.items() if name != "units"} | {"lang": ["en"]}
    second = answered(questions(client, code.typed), **{"06673.clear": "2", "06673.unclear": ["fees"]}, say="a\nb")
    page = client.post(ADDRESS, second | {"switch-lang": ["en"]})
    assert (page.status, page.root.get("lang"), page.problems()) == (200, "en", [])
    assert page.fields() == second | {"lang": ["en"]}
    assert "Bai Chay Ward" in page.text


def test_problems_name_their_unit_and_lead_to_its_field(asked: Asked, client: PageClient) -> None:
    page = questions(client, firm_codes(asked)[0].typed)
    sent = answered(page, has_land=None, **{"so-y-te.clear": None, "06673.visits": "100", "say": "x" * 201})
    page = client.post(ADDRESS, sent)
    assert (page.status, page.fields()) == (422, sent)
    assert page.problems() == [
        "Câu 1: Hãy chọn câu trả lời.",
        "Sở Y tế, câu 2: Hãy chọn câu trả lời.",
        "Phường Bãi Cháy, câu 4: Số này nằm ngoài khoảng cho phép.",
        "Câu 7: Câu trả lời dài quá 200 ký tự. Hãy viết ngắn hơn.",
    ]
    links = page.root.xpath("//*[@id='problems']//a/@href")
    assert links == ["#q-has_land", "#q-so-y-te.clear", "#q-06673.visits", "#q-say"]


def test_answers_about_units_that_were_not_chosen_are_not_kept(asked: Asked, client: PageClient) -> None:
    page = questions(client, firm_codes(asked)[0].typed, ["06673"])
    sent = answered(page) | {"06652.clear": ["1"], "so-y-te.clear": ["nonsense"]}
    assert client.raw.post(ADDRESS, data=sent).status_code == 303


def test_what_was_typed_comes_back_as_text_on_either_page(client: PageClient) -> None:
    evil = '"><script>alert(1)</script>\u202e'
    sent = form_of(client.get(ADDRESS).fields(), code=evil, nonce=evil, say=f"</textarea>{evil}", units=THREE)
    sent |= {"06673.clear": [evil], "06673.visits": [evil], f"06673.{evil}": [evil], "step": [evil]}
    for more in ({}, {"step": ["answers"]}):
        page = client.post(ADDRESS, sent | more)
        assert page.status == 422
        assert len(page.root.xpath("//script")) == 1
        assert page.fields()["06673.visits"] == [evil]
        assert page.fields()["nonce"] != [evil]


def test_a_silent_intake_store_costs_nobody_what_they_typed_about_three_units(asked: Asked, client: PageClient) -> None:
    sent = answered(questions(client, firm_codes(asked)[0].typed), **{"06673.land_say": "Đợi <lâu>"}, say="Hết")
    path = asked.settings.instance / "intake.db"
    # A connection that is open keeps its file, wherever it is moved; the next one has to look for it.
    asked.stores.close()
    services_of(client.raw.application).stores.close()
    moved = path.rename(path.with_name("away.db"))
    path.mkdir()
    page = client.post(ADDRESS, sent)
    assert (page.status, page.response.headers["Retry-After"]) == (503, "30")
    assert page.fields() == sent
    path.rmdir()
    moved.rename(path)
    assert client.raw.post(ADDRESS, data=sent).status_code == 303
    assert n_ballots(asked) == 1


def test_a_silent_office_store_lets_a_firm_finish_what_it_began(asked: Asked, client: PageClient) -> None:
    form = form_of(client.get(ADDRESS).fields(), code=firm_codes(asked)[0].typed, units=THREE)
    path = asked.settings.instance / "office.db"
    asked.stores.close()
    services_of(client.raw.application).stores.close()
    path.rename(path.with_name("away.db"))
    path.mkdir()
    page = client.post(ADDRESS, form)
    assert (page.status, page.h1) == (200, "Ý kiến về 3 cơ quan")
    assert client.raw.post(ADDRESS, data=answered(page)).status_code == 303
    assert n_ballots(asked) == 1


def test_a_round_that_closed_between_the_two_pages_says_that_nothing_was_stored(
    asked: Asked, client: PageClient
) -> None:
    sent = answered(questions(client, firm_codes(asked)[0].typed))
    close_round(asked.stores, SLUG)
    page = client.post(ADDRESS, sent)
    assert (page.status, page.state) == (409, "stopped")
    assert "chưa được lưu" in page.text
    assert client.get(ADDRESS).state == "stopped"
    assert n_ballots(asked) == 0


def test_each_kind_of_round_takes_forms_at_its_own_address_alone(asked: Asked, client: PageClient) -> None:
    add_round(asked, "tung-don-vi", units=COMMUNES)
    for path in (f"{ADDRESS}/06673", "/r/tung-don-vi"):
        page = client.post(path, {"code": "x"})
        assert (page.status, page.response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert client.get("/r/tung-don-vi/received").status == 404
    assert client.get(f"{ADDRESS}/06673/received").status == 404
    assert client.post("/r/khong-co", {}).status == 404


def test_the_longest_answers_about_as_many_units_as_may_be_rated_fit_into_one_sending(
    asked: Asked, client: PageClient
) -> None:
    units = [*COMMUNES][:MOST_UNITS]
    page = questions(client, firm_codes(asked)[0].typed, units)
    longest: dict[str, str | list[str] | None] = {f"{unit}.land_say": "Ộ" * 200 for unit in units}
    assert client.raw.post(ADDRESS, data=answered(page, **longest, say="Ộ" * 200)).status_code == 303
    too_much = client.post(ADDRESS, form_of(client.get(ADDRESS).fields(), say="x" * 400_000))
    assert too_much.status == 413


def test_a_body_that_cannot_be_read_is_a_vietnamese_page(client: PageClient) -> None:
    form = "application/x-www-form-urlencoded"
    for body in (b"code=%ff", b"\xff", b"&".join(b"x%d=1" % n for n in range(2000))):
        page = client.post(ADDRESS, body, content_type=form)  # type: ignore[arg-type]
        assert (page.status, page.root.get("lang")) == (400, "vi")
    assert client.post(ADDRESS, {"say": "x"}, content_type="multipart/form-data").status == 415


def test_every_page_of_a_simulated_round_says_so(asked: Asked, client: PageClient) -> None:
    add_firm_round(asked, "mo-phong")
    mark_simulated(asked.stores, "mo-phong")
    (code,) = firm_codes(asked, slug="mo-phong")
    first = client.get("/r/mo-phong")
    form = form_of(first.fields(), code=code.typed, units=["06673"])
    second = client.post("/r/mo-phong", form)
    add_round(asked, "mo-phong-2", units=COMMUNES)
    mark_simulated(asked.stores, "mo-phong-2")
    paths = ("/r/mo-phong/received", "/r/mo-phong-2", "/r/mo-phong-2/06673", "/r/mo-phong-2/06673/received")
    pages = [first, second, *(client.get(path) for path in paths)]
    assert all("Đợt mô phỏng để luyện tập" in page.text for page in pages)
    assert "A simulated round for practice" in client.get("/r/mo-phong?lang=en").text
    close_round(asked.stores, "mo-phong")
    assert "Đợt mô phỏng" in client.get("/r/mo-phong").text
    assert "mô phỏng" not in client.get(ADDRESS).text
