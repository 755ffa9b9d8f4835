"""Answers from an open link: they change no estimate, and are told apart with nothing small given away."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.archive import Archive
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import edition_tables, read_edition, write_edition
from analysis.release.verification import verify
from support.archives import SIGNER, Row, archive_at, contents_of, tabulated
from support.standardised import standardised_archive

pytestmark = pytest.mark.slow

BLOCS = {"u1": "east", "u2": "east", "u3": "west"}
DRAWN: list[Row] = [(unit, *answers) for unit in BLOCS for answers in [("1", "2", "3"), ("5", "4", "4")] * 15]
POPULATION = {"u1": 400, "u2": 300, "u3": 200}


def archive_of(folder: Path, rows: list[Row], more_blocs: dict[str, str] | None = None) -> Archive:
    """An archive of the drawn, and of rows from an open link."""
    table = tabulated(DRAWN)
    if rows:
        linked = tabulated(rows)
        channel = linked.schema.get_field_index("channel")
        name = pa.array(["open_link"] * len(rows), pa.string())
        table = pa.concat_tables([table, linked.set_column(channel, linked.schema.field(channel), name)])
    return archive_at(folder, contents_of(table, blocs=BLOCS | (more_blocs or {}), population=POPULATION))


def edition_of(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2026, 4, 1), public_url=None)


LINKED: list[Row] = [("u1", "5", "5", "5")] * 12 + [("u1", "3", None, "1")] * 12 + [("u2", "4", "4", "4")] * 9


def test_they_change_no_estimate_and_no_weight(tmp_path: Path) -> None:
    without, beside = edition_of(archive_of(tmp_path / "a", [])), edition_of(archive_of(tmp_path / "b", LINKED))
    assert beside.estimates == without.estimates
    assert beside.ranks == without.ranks
    assert beside.distributions == without.distributions
    assert beside.fieldwork == without.fieldwork
    assert without.open_link == ()
    assert "open_link.csv" not in edition_tables(without)


def test_each_unit_has_plain_means_by_a_name_that_says_so(tmp_path: Path) -> None:
    rows = {(row.unit, row.node): row for row in edition_of(archive_of(tmp_path / "a", LINKED)).open_link}
    assert {unit for unit, _ in rows} == {"u1", "u2", "all"}
    a = rows["u1", "a"]
    assert (a.mean, a.n, a.suppressed, a.reason) == (pytest.approx(75.0), 24, False, "")
    assert {row.method for row in rows.values()} == {"unweighted_mean_of_an_open_link"}
    assert rows["u1", "b"].mean == pytest.approx(100.0), "who said nothing is in no mean"
    # The index of plain item means: a half, b a sixth, c a third.
    assert rows["u1", "index"].mean == pytest.approx(75 / 2 + 100 / 6 + 50 / 3)


def test_few_are_hidden_and_no_total_gives_them_back(tmp_path: Path) -> None:
    rows = {(row.unit, row.node): row for row in edition_of(archive_of(tmp_path / "a", LINKED)).open_link}
    hidden = rows["u2", "index"]
    assert (hidden.mean, hidden.n, hidden.suppressed, hidden.reason) == (None, None, True, "too_few_respondents")
    for node in ("index", "a", "c"):
        assert rows["all", node].mean == rows["u1", node].mean
        assert rows["all", node].n == 24


def test_an_item_with_few_answers_hides_itself_and_what_stands_above_it(tmp_path: Path) -> None:
    linked: list[Row] = [("u1", "5", "5", "5")] * 9 + [("u1", "3", None, "1")] * 12
    rows = {row.node: row for row in edition_of(archive_of(tmp_path / "a", linked)).open_link if row.unit == "u1"}
    assert {node for node, row in rows.items() if row.mean is None} == {"index", "first", "b"}
    assert rows["b"].reason == rows["index"].reason == "too_few_answers"


def test_a_unit_that_only_a_link_answered_for_has_no_estimate(tmp_path: Path) -> None:
    edition = edition_of(archive_of(tmp_path / "a", [("u9", "5", "5", "5")] * 20, {"u9": "west"}))
    assert edition.row("u9").reason == "no_answers"
    assert {row.unit: row.n for row in edition.open_link} == {"u9": 20, "all": 20}


def test_a_standardised_profile_has_plain_means_of_items_alone(tmp_path: Path) -> None:
    archive = standardised_archive(tmp_path / "a", [("u1", "3", "4", "5")] * 30 + [("u2", "1", "4", "2")] * 30)
    contents = archive.contents
    channel = contents.responses.schema.get_field_index("channel")
    names = ["open_link"] * 12 + ["web"] * 48
    responses = contents.responses.set_column(channel, contents.responses.schema.field(channel), pa.array(names))
    edition = edition_of(replace(archive, contents=replace(contents, responses=responses)))
    assert {row.node for row in edition.open_link} == {"a", "b", "c"}
    assert {row.mean for row in edition.open_link if row.node == "a"} == {3.0}


def test_an_edition_carries_them_and_verification_computes_them_again(tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "archive", LINKED)
    edition = edition_of(archive)
    write_edition(edition, tmp_path / "edition", {}, SIGNER)
    assert read_edition(tmp_path / "edition").open_link == edition.open_link
    assert verify(tmp_path / "edition", tmp_path / "archive") == []
