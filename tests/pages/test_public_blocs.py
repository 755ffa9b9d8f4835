"""A bloc as everybody sees it: found, sorted, at any node, as tiles, and as large as a country's (S5 of issue 6)."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from analysis.release.edition import Edition
from analysis.release.rows import DifferenceRow
from analysis.scorecards.content import Composer
from questionnaires.model import Text
from support.pages import PageClient
from support.published import QUANG_NINH, corrected, country_edition, publish_by_hand, sipas_edition
from survey.application import create_app, services_of
from survey.settings import Settings
from survey.web.public import blocs, drawings

pytestmark = pytest.mark.slow

ROUND = "/results/sipas-2026"
BLOC = f"{ROUND}/bloc/khoi-dia-phuong"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[Flask]:
    opened = create_app(sqlite_settings)
    yield opened
    services_of(opened).stores.close()


@pytest.fixture
def edition(app: Flask, sqlite_settings: Settings) -> Edition:
    made = with_differences(sipas_edition())
    publish_by_hand(sqlite_settings, services_of(app).stores, made)
    return made


@pytest.fixture
def client(app: Flask, edition: Edition) -> PageClient:
    return PageClient(app)


def factor_of(edition: Edition) -> str:
    return next(node.code for node in edition.questionnaire.nodes() if node.kind == "factor")


def with_differences(edition: Edition) -> Edition:
    """The first unit is higher at the first factor, the second lower, the others are not different."""
    node = factor_of(edition)
    verdicts = ["higher", "lower", *["not_different"] * len(edition.units)]
    rows = [
        DifferenceRow(
            edition.facts.slug, unit.bloc_code, unit.code, node, 2.5 - place, 1.0, 1.0 - place, 4.0 - place, 0.95, 40.0,
            0.01, 0.02, verdicts[place], "",
        )
        for place, unit in enumerate(edition.units)
    ]  # fmt: skip
    return replace(edition, differences=tuple(rows))


def names(client: PageClient, address: str) -> list[str]:
    return [" ".join(link.text_content().split()) for link in client.get(address).root.xpath("//main//tbody//th/a")]


def test_a_bloc_has_a_page_with_every_unit_in_its_group(client: PageClient, edition: Edition) -> None:
    page = client.get(BLOC)
    assert page.h1 == "Khối địa phương"
    assert sorted(names(client, BLOC)) == sorted(unit.name.vi for unit in edition.units)
    assert "Cao hơn phần còn lại của khối" in page.text
    assert client.get(f"{BLOC}?lang=en").root.xpath("//main//form//input[@name='lang']/@value") == ["en"]


@pytest.mark.parametrize("words", ["ha tu", "HÀ TU", "  hà   tu "])
def test_units_are_found_without_their_marks(client: PageClient, words: str) -> None:
    assert names(client, f"{BLOC}?q={words}") == ["Phường Hà Tu"]


def test_what_is_not_found_is_said(client: PageClient) -> None:
    page = client.get(f"{BLOC}?q=<script>")
    assert "Không có đơn vị nào mang tên này" in page.text
    assert page.root.xpath("//input[@name='q']/@value") == ["<script>"]


def test_units_are_sorted_by_score_name_and_answers(client: PageClient, edition: Edition) -> None:
    by_answers = names(client, f"{BLOC}?sort=answers")
    assert by_answers[0] == edition.units[0].name.vi, "412 sheets"
    english = names(client, f"{BLOC}?sort=name&lang=en")
    assert english == sorted(english, key=blocs.bare)
    scores = {unit.name.vi: edition.row(unit.code).estimate or -1.0 for unit in edition.units}
    by_score = [scores[name] for name in names(client, f"{BLOC}?sort=score")]
    assert by_score == sorted(by_score, reverse=True)
    assert names(client, f"{BLOC}?sort=nonsense&page=nonsense&node=nonsense") == names(client, BLOC)


def test_a_bloc_is_shown_at_any_node_with_verdicts_and_without_ranks(client: PageClient, edition: Edition) -> None:
    node = factor_of(edition)
    page = client.get(f"{BLOC}?node={node}")
    first, second = edition.units[:2]
    row = edition.row(first.code, node)
    assert row.estimate is not None
    assert f"{row.estimate:.1f}".replace(".", ",") in page.text
    assert "Tập hạng" not in page.root.xpath("//thead")[0].text_content()
    groups = {
        body.get("class"): " ".join(body.text_content().split()) for body in page.root.xpath("//main//table/tbody")
    }
    assert first.name.vi in groups["tier-above"]
    assert "+2,5" in groups["tier-above"]
    assert second.name.vi in groups["tier-below"]
    assert "Không xếp hạng theo yếu tố và tiêu chí" in page.text


def test_a_hidden_unit_has_no_figure_at_any_node(client: PageClient, edition: Edition) -> None:
    hidden = edition.unit("06664").name.vi
    for node in [node.code for node in edition.questionnaire.nodes()][:4]:
        (row,) = client.get(f"{BLOC}?node={node}&q={hidden}").root.xpath("//main//tbody/tr[th/a]")
        assert not row.xpath(".//svg")
        assert not row.xpath(".//@data-v")


def test_an_old_edition_stays_asked_for_in_the_form(client: PageClient, app: Flask, edition: Edition) -> None:
    publish_by_hand(services_of(app).settings, services_of(app).stores, corrected(edition, "Sửa tên"))
    page = client.get(f"{BLOC}?edition=1")
    assert page.root.xpath("//main//form//input[@name='edition']/@value") == ["1"]
    assert "Đã có bản mới hơn" in page.text


def test_the_units_of_quang_ninh_have_tiles_and_others_none(client: PageClient, edition: Edition) -> None:
    assert not client.get(ROUND).root.xpath("//ol[@class='tiles']"), "nine units are no map"
    with (QUANG_NINH / "units.csv").open(encoding="utf-8", newline="") as file:
        today = {
            row["code"]
            for row in csv.DictReader(file)
            if row["kind"] in ("ward", "commune", "special_zone") and not row["valid_to"] and row["code"].isdigit()
        }
    places = drawings.arrangement()
    assert set(places) == today
    assert len({place[:2] for place in places.values()}) == len(today) == 54


def test_fifty_four_tiles_lead_to_fifty_four_units(app: Flask, sqlite_settings: Settings) -> None:
    drawn = sipas_edition((*(30,) * 53, 7))
    codes = dict(zip((unit.code for unit in drawn.units), drawings.arrangement(), strict=True))
    made = replace(
        drawn,
        units=tuple(replace(unit, code=codes[unit.code]) for unit in drawn.units),
        estimates=tuple(replace(row, unit=codes.get(row.unit, row.unit)) for row in drawn.estimates),
        ranks=tuple(replace(row, unit=codes[row.unit]) for row in drawn.ranks),
        distributions=(),
    )
    publish_by_hand(sqlite_settings, services_of(app).stores, made)
    page = PageClient(app).get(ROUND)
    tiles = page.root.xpath("//ol[@class='tiles']/li")
    assert len(tiles) == 54
    assert {tile.xpath("./a/@href")[0] for tile in tiles} == {f"{ROUND}/{code}" for code in codes.values()}
    (hidden,) = [tile for tile in tiles if tile.xpath("./a/@href")[0].endswith(made.units[-1].code)]
    assert hidden.xpath(".//*[@class='tile-score']")[0].text_content() == "–"
    assert "đây không phải bản đồ" in page.text


def test_a_bloc_of_a_whole_country_stays_usable(app: Flask, sqlite_settings: Settings, tmp_path: Path) -> None:
    publish_by_hand(sqlite_settings, services_of(app).stores, country_edition(3321))
    client = PageClient(app)
    overview = client.get(ROUND)
    assert "3.321 đơn vị" in overview.text
    assert len(overview.response.get_data()) < 60_000
    assert overview.root.xpath("//main//form[@role='search']")
    assert not overview.root.xpath("//main//table[contains(@class, 'league')]")
    first = client.get(BLOC)
    assert len(first.root.xpath("//main//tbody/tr[th/a]")) == 100
    assert "Trang 1 trên 34" in first.text
    last = client.get(f"{BLOC}?page=99999")
    assert len(last.root.xpath("//main//tbody/tr[th/a]")) == 21
    assert names(client, f"{BLOC}?q=xa+thu+3000") == ["Xã Thử 3000"]
    unit = client.get(f"{ROUND}/x02999")
    assert "Mỗi vạch gộp vài đơn vị liền nhau" in unit.text
    for page in (first, last, unit):
        assert len(page.response.get_data()) < 200_000


def test_a_strip_of_many_units_shares_its_strokes() -> None:
    edition = country_edition(2000)
    composer = Composer(edition)
    card = composer.scorecard("x00500")
    strip = drawings.web_strip(card.members, card.bloc_index, card.scale, card.member)
    assert strip is not None
    assert strip.is_thinned
    assert strip.whiskers.count("M") <= drawings.MOST_STROKES
    assert strip.subject is not None
    assert 20 < strip.subject_x < 30
    few = Composer(sipas_edition((40,) * 4)).scorecard("06652")
    assert drawings.web_strip(few.members, few.bloc_index, few.scale, few.member) is None


def test_names_of_units_are_nothing_but_text(app: Flask, sqlite_settings: Settings) -> None:
    made = sipas_edition()
    first, *others = made.units
    publish_by_hand(sqlite_settings, services_of(app).stores, made)
    hostile = replace(first, name=Text("<img src=x onerror=alert(1)>", '"><script>alert(1)</script>'))
    publish_by_hand(
        sqlite_settings, services_of(app).stores, corrected(replace(made, units=(hostile, *others)), "Sửa tên")
    )
    assert "<img src=x onerror=alert(1)>" in names(PageClient(app), BLOC)
