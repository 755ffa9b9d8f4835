"""What earlier rounds published, and what changed since, from editions alone (issue 6, S1)."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.archive import Archive
from analysis.errors import AnalysisError
from analysis.release.changes import change_rows
from analysis.release.computing import compute_edition
from analysis.release.context import Context
from analysis.release.disclosure_audit import audit
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, read_edition, write_edition
from analysis.release.lineage import Registry, Succession
from analysis.release.verification import examine
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow
from analysis.release.voices import Voices
from analysis.sealed_folders import sha256_hex
from support.archives import PLAN, QUESTIONNAIRE, SIGNER, archive_at, contents_of, tabulated

MERGED = dt.date(2025, 7, 1)

pytestmark = pytest.mark.slow


def archive_of(
    path: Path, year: int, sizes: Mapping[str, int], *, plan: str = PLAN, questionnaire: str = QUESTIONNAIRE
) -> Archive:
    """A round of a year, whose people are a little more content each year."""
    rng = random.Random(year)  # noqa: S311 — answers for a test, not secrets
    shape = [1, 1, 2, 2 + (year - 2024) / 2, 2 + (year - 2024) / 2]
    rows = [(unit, *rng.choices("12345", shape, k=3)) for unit, n in sizes.items() for _ in range(n)]
    contents = contents_of(
        tabulated(rows),
        blocs=dict.fromkeys(sizes, "east"),
        plan=plan,
        population=dict.fromkeys(sizes, 1000),
        questionnaire_source=questionnaire,
    )
    days = {"opens_on": dt.date(year, 3, 1), "closes_on": dt.date(year, 3, 31)}
    return archive_at(path, replace(contents, facts=replace(contents.facts, slug=f"small-{year}", **days)))


def published(path: Path, archive: Archive, context: Context | None = None) -> Edition:
    edition = compute_edition(archive, published_on=dt.date(2027, 1, 1), public_url=None, context=context)
    write_edition(edition, path, {}, SIGNER)
    return read_edition(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


@pytest.fixture(scope="module")
def earlier(folder: Path) -> Edition:
    return published(
        folder / "e24", archive_of(folder / "a24", 2024, {"u1": 60, "u2": 45, "u3": 30, "u4": 6, "u7": 12})
    )


@pytest.fixture(scope="module")
def later(folder: Path) -> Archive:
    return archive_of(folder / "a26", 2026, {"u1": 60, "u23": 70, "u5": 40, "u6": 40})


REGISTRY = Registry(
    (
        Succession("u2", "u23", MERGED, "merge"),
        Succession("u3", "u23", MERGED, "merge"),
        Succession("u4", "u6", MERGED, "rename"),
    )
)


@pytest.fixture(scope="module")
def edition(folder: Path, earlier: Edition, later: Archive) -> Edition:
    return published(folder / "e26", later, Context((earlier,), REGISTRY))


def test_history_repeats_what_was_published_and_names_its_source(
    folder: Path, earlier: Edition, edition: Edition
) -> None:
    rows = {(row.unit, row.node): row for row in edition.history}
    row, past = rows["u1", "index"], earlier.row("u1")
    assert (row.estimate, row.se, row.low, row.high, row.df, row.n) == (
        past.estimate, past.se, past.low, past.high, past.df, past.n,
    )  # fmt: skip
    assert (row.round, row.opens_on, row.break_reason, row.is_comparable) == ("small-2024", "2024-03-01", "", True)
    assert row.source == sha256_hex((folder / "e24" / MANIFEST).read_bytes()) == edition.earlier[0].manifest_sha256


def test_a_merged_unit_has_the_mean_of_its_predecessors_and_a_visible_break(earlier: Edition, edition: Edition) -> None:
    row = next(row for row in edition.history if (row.unit, row.node) == ("u23", "index"))
    parts = [earlier.row(unit) for unit in ("u2", "u3")]
    assert row.predecessors == "u2+u3"
    assert row.estimate == pytest.approx(sum(part.estimate or 0 for part in parts) / 2)
    assert row.se == pytest.approx((sum((part.se or 0) ** 2 for part in parts) / 4) ** 0.5)
    assert (row.break_reason, row.is_comparable) == ("unit", True)


def test_who_was_nothing_before_has_no_history_and_who_was_hidden_no_figure(edition: Edition) -> None:
    assert "u5" not in {row.unit for row in edition.history}
    renamed = next(row for row in edition.history if (row.unit, row.node) == ("u6", "index"))
    assert (renamed.estimate, renamed.reason, renamed.break_reason) == (None, "not_shown", "")
    change = next(row for row in edition.changes if (row.unit, row.node) == ("u6", "index"))
    assert (change.change, change.verdict, change.reason) == (None, "not_tested", "not_shown")


def test_changes_are_those_of_the_two_archives(folder: Path, later: Archive, edition: Edition) -> None:
    from analysis.archive import read_archive

    expected = {
        (row.unit, row.node): row for row in change_rows(read_archive(folder / "a24"), later, REGISTRY) if row.change
    }
    found = {(row.unit, row.node): row for row in edition.changes if row.change is not None}
    assert found.keys() == expected.keys()
    assert len(found) >= 12
    for key, row in expected.items():
        for column in ("earlier_estimate", "later_estimate", "change", "se", "low", "high", "df", "p"):
            assert getattr(found[key], column) == pytest.approx(getattr(row, column), rel=1e-9), (key, column)
        assert found[key].p_adjusted == pytest.approx(row.p_adjusted, rel=1e-9)
        assert (found[key].verdict, found[key].predecessors) == (row.verdict, row.predecessors)


def test_another_formula_or_another_question_breaks_the_line(folder: Path, earlier: Edition) -> None:
    sizes = {"u1": 60, "u2": 45}
    shares = archive_of(folder / "share", 2027, sizes, plan=PLAN + "profile: share\n")
    rows = published(folder / "share-e", shares, Context((earlier,))).history
    assert {(row.break_reason, row.is_comparable) for row in rows} == {("method", False)}
    words = QUESTIONNAIRE.replace("vi: Câu c, en: Item c", "vi: Câu khác, en: Another").replace(
        'version: "1"', 'version: "2"'
    )
    asked = archive_of(folder / "words", 2027, sizes, questionnaire=words)
    found = published(folder / "words-e", asked, Context((earlier,)))
    broken = {row.node: row.break_reason for row in found.history if row.unit == "u1"}
    assert broken == {
        "index": "questionnaire",
        "first": "",
        "a": "",
        "b": "",
        "second": "questionnaire",
        "c": "questionnaire",
    }
    assert {row.reason for row in found.changes if row.node == "index"} == {"not_comparable"}


def test_totals_compare_only_where_they_are_of_the_same_places(
    folder: Path, earlier: Edition, edition: Edition
) -> None:
    rows = {row.node: row for row in edition.history if row.unit == "bloc:east"}
    assert (rows["index"].break_reason, rows["index"].is_comparable) == ("unit", False)
    same = archive_of(folder / "same", 2027, {"u1": 60, "u2": 45, "u3": 30, "u4": 20, "u7": 20})
    again = published(folder / "same-e", same, Context((earlier,)))
    total = next(row for row in again.changes if (row.unit, row.node) == ("all", "index"))
    assert total.change == pytest.approx((again.row("all").estimate or 0) - (earlier.row("all").estimate or 0))
    assert total.verdict in ("higher", "lower", "not_different")


@pytest.mark.parametrize(
    ("bend", "message"),
    [
        (lambda e: replace(e, facts=replace(e.facts, closes_on=dt.date(2026, 3, 5))), "closed on 2026-03-05"),
        (lambda e: replace(e, manifest={}), "never written"),
        (lambda e: replace(e, questionnaire=replace(e.questionnaire, name="other")), "the questionnaire other"),
    ],
)
def test_only_earlier_editions_of_the_same_questionnaire_count(later: Archive, earlier: Edition, bend, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AnalysisError, match=message):
        compute_edition(later, published_on=dt.date(2027, 1, 1), public_url=None, context=Context((bend(earlier),)))


def test_verification_computes_changes_again_and_asks_the_earlier_edition(folder: Path, edition: Edition) -> None:
    sound = examine(folder / "e26", folder / "a26", earlier=(folder / "e24",))
    assert sound.is_sound
    assert not any("not at hand" in note for note in sound.notes)
    assert any("small-2024, 1 was not at hand" in note for note in examine(folder / "e26", folder / "a26").notes)
    bent_history = [replace(row, estimate=99.0) if row.unit == "u1" else row for row in edition.history]
    bent_changes = [replace(row, change=1.0) if row.unit == "u23" else row for row in edition.changes]
    bent = replace(edition, history=tuple(bent_history), changes=tuple(bent_changes))
    write_edition(bent, folder / "bent", {}, SIGNER)
    places = [finding.place for finding in examine(folder / "bent", folder / "a26", earlier=(folder / "e24",)).findings]
    assert "history.csv, unit u1, node index, round small-2024" in places
    assert "changes.csv, earlier small-2024, unit u23, node index, column change" in places


def test_a_change_of_a_hidden_figure_is_a_finding(edition: Edition) -> None:
    hidden = tuple(replace(row, estimate=None) if row.unit == "u1" else row for row in edition.estimates)
    places = [finding.place for finding in audit(replace(edition, estimates=hidden)).findings]
    assert "changes.csv, unit u1, node index, since small-2024" in places


VOICES = Voices(
    (ThemeRow("u1", "waiting", "Chờ đợi", "Waiting", 12),),
    (CommentRow("u1", "waiting", "Chờ lâu quá."),),
    (PromiseRow("u1", "a", "Thêm một quầy", "2026-12-31", "2026-06-01", "planned"),),
)


def test_what_people_wrote_is_part_of_an_edition(folder: Path, later: Archive) -> None:
    edition = published(folder / "voices", later, Context(voices=VOICES))
    assert (edition.themes, edition.comments, edition.promises) == (VOICES.themes, VOICES.comments, VOICES.promises)
    assert {"themes.csv", "comments.csv", "promises.csv"} <= edition.manifest["files"].keys()  # type: ignore[attr-defined]
    assert examine(folder / "voices", folder / "a26").is_sound


@pytest.mark.parametrize(
    ("voices", "message"),
    [
        (replace(VOICES, themes=(replace(VOICES.themes[0], n=9),)), "found 9 comments of u1 on waiting"),
        (replace(VOICES, themes=()), "expected a theme with 10 comments"),
        (replace(VOICES, themes=VOICES.themes * 2), "twice"),
        (replace(VOICES, promises=(replace(VOICES.promises[0], due="soon"),)), "found the day 'soon'"),
        (replace(VOICES, promises=(replace(VOICES.promises[0], state="kept"),)), "found the state 'kept'"),
        (replace(VOICES, promises=(replace(VOICES.promises[0], unit="u9"),)), "found the unit 'u9'"),
    ],
)
def test_what_does_not_fit_is_refused(later: Archive, voices: Voices, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        compute_edition(later, published_on=dt.date(2027, 1, 1), public_url=None, context=Context(voices=voices))
