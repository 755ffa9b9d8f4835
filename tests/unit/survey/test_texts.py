"""The sentences of the pages and the way numbers and dates are written."""

import datetime as dt
import re
from pathlib import Path

import jinja2
import pytest

from survey import office_documents
from survey.errors import BadInput
from survey.resources import bundled_dir
from survey.texts import Catalogue, date, install_filters, interval, number, percent, signed


def _catalogue(folder: Path, source: str) -> Catalogue:
    (folder / "texts.yaml").write_text(source, encoding="utf-8")
    return Catalogue.load(folder)


@pytest.mark.parametrize(
    ("value", "decimals", "vi", "en"),
    [
        (1234.5, 1, "1.234,5", "1,234.5"),
        (1234567, 0, "1.234.567", "1,234,567"),
        (-11.94, 1, "−11,9", "−11.9"),
        (0.25, 1, "0,3", "0.3"),
        (-0.25, 1, "−0,3", "−0.3"),
        (1.005, 2, "1,01", "1.01"),
        (-0.04, 1, "0,0", "0.0"),
        (1e20, 0, "100.000.000.000.000.000.000", "100,000,000,000,000,000,000"),
        (None, 1, "–", "–"),
        (float("nan"), 1, "–", "–"),
    ],
)
def test_a_number_is_written_as_its_language_writes_it(value: float | None, decimals: int, vi: str, en: str) -> None:
    assert number(value, decimals, "vi") == vi
    assert number(value, decimals, "en") == en


def test_a_signed_number_shows_its_sign_unless_it_rounds_to_nothing() -> None:
    assert [signed(value, 1, "vi") for value in (1.44, -11.9, 0.04, -0.04, None)] == [
        "+1,4",
        "−11,9",
        "0,0",
        "0,0",
        "–",
    ]


def test_a_share_becomes_a_percentage_without_the_dust_of_floats() -> None:
    assert percent(0.687, 1, "vi") == "68,7%"
    assert percent(0.285, 0, "en") == "29%"
    assert percent(None, 0, "en") == "–"


def test_an_interval_with_a_negative_end_is_joined_by_a_word() -> None:
    assert interval(73.71, 76.69, 1, "vi") == "73,7–76,7"
    assert interval(-3.2, 1.4, 1, "vi") == "−3,2 đến 1,4"
    assert interval(-3.2, 1.4, 1, "en") == "−3.2 to 1.4"
    assert interval(None, 1.4, 1, "en") == "–"


def test_a_date_is_written_as_its_language_writes_it() -> None:
    assert date(dt.date(2026, 11, 3), "vi") == "03/11/2026"
    assert date(dt.date(2026, 11, 3), "en") == "3 November 2026"
    assert date("2026-11-23", "en") == "23 November 2026"


def test_a_sentence_takes_its_values_and_its_form(tmp_path: Path) -> None:
    catalogue = _catalogue(
        tmp_path,
        "answers: {vi: '{count} phiếu của {unit}', en: {one: '{count} answer, {unit}', other: '{count}, {unit}'}}",
    )
    vi, en = catalogue.translator("vi"), catalogue.translator("en")
    assert vi("answers", count=1250, unit="Hà Tu") == "1.250 phiếu của Hà Tu"
    assert en("answers", count=1, unit="Hà Tu") == "1 answer, Hà Tu"
    assert en("answers", count=1250, unit="Hà Tu") == "1,250, Hà Tu"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("a: {vi: Xin chào}", r"texts.yaml:1: a: found vi, expected vi and en"),
        ("a: {vi: Xin chào, en: ''}", "a: found no text, expected a sentence"),
        ("a: {vi: '{x}', en: 'x'}", r"the same names in braces"),
        ("a: {vi: v, en: e}\na: {vi: v, en: e}", "texts.yaml:2: a a second time"),
        ("a: {vi: v, en: {one: e}}", "a: found one, expected one and other"),
        ("a: {vi: '{x', en: '{x'}", "expected names in pairs of braces"),
        ("- a", "found no keys with texts"),
        ("a: [", "found text that is not YAML"),
    ],
)
def test_a_bad_catalogue_is_refused_with_its_place(tmp_path: Path, source: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        _catalogue(tmp_path, source)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        Catalogue.load(tmp_path)


def test_two_folders_share_no_key(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "texts.yaml").write_text("a: {vi: v, en: e}", encoding="utf-8")
    with pytest.raises(BadInput, match="the text a a second time"):
        Catalogue.load(tmp_path / "one", tmp_path / "two")


def test_an_unknown_key_language_or_a_forgotten_value_stops_the_page(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, "a: {vi: 'v {x}', en: 'e {x}'}")
    with pytest.raises(KeyError, match="no key 'b'"):
        catalogue.translator("vi")("b")
    with pytest.raises(KeyError, match="x"):
        catalogue.translator("vi")("a")
    with pytest.raises(KeyError, match="'fr'"):
        catalogue.translator("fr")


def test_the_scorecards_use_every_sentence_they_have() -> None:
    folders = [bundled_dir("templates") / name for name in ("scorecard", "annex", "report")]
    sources = [path for folder in folders for path in folder.glob("*.jinja")]
    # Documents in Word are put together by a module, not by a template alone.
    sources.append(Path(office_documents.__file__))
    templates = "".join(path.read_text(encoding="utf-8") for path in sources)
    # Some keys are put together: t("tier_" ~ member.tier) uses every key that begins so.
    beginnings = (*re.findall(r't\(\(?"([a-z_]+_)" ~', templates), "annex_blocs_")
    keys = [key for folder in folders for key in Catalogue.load(folder).sentences]
    assert [key for key in keys if f'"{key}"' not in templates and not key.startswith(beginnings)] == []
    named = set(re.findall(r'\bt\("([a-z_]+)"[,)]', templates))
    assert named - set(keys) == set()


def test_the_filters_write_in_the_language_of_the_page() -> None:
    environment = jinja2.Environment(autoescape=True)
    install_filters(environment)
    template = environment.from_string("{{ 1.5|number(1) }} {{ 2|signed(0) }} {{ day|date }} {{ 0.5|percent(0) }}")
    assert template.render(language="vi", day=dt.date(2026, 1, 2)) == "1,5 +2 02/01/2026 50%"
    assert template.render(language="en", day=dt.date(2026, 1, 2)) == "1.5 +2 2 January 2026 50%"
    with pytest.raises(KeyError, match="language"):
        template.render(day=None)
