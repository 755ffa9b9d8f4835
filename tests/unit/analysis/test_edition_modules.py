"""Editions with a module and of ballots that rate several units: whose answers count where, and what is told of all."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.accounting import AccountingRow
from analysis.archive import Archive
from analysis.errors import EditionError
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import load_edition, read_edition, write_edition
from analysis.release.public_accounting import public_accounting
from analysis.release.verification import verify
from analysis.responses import tabulate_responses
from analysis.sealed_folders import read_manifest
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from support.archives import QUESTIONNAIRE, SIGNER, archive_at, contents_of
from support.small_archives import write_small_archive
from support.standardised import STANDARDISED

# Each computes editions of standardised or several-unit rounds, which takes seconds.
pytestmark = pytest.mark.slow

DAY = dt.date(2026, 4, 1)
BLOCS = {"u1": "east", "u2": "east", "v1": "west"}
MODULE = """\
questionnaire: 1
name: extra
version: "1"
title: {vi: Câu hỏi thêm, en: More questions}
model_name: EXTRA
scales:
  known:
    - {code: "1", value: 1, label: {vi: Không, en: "No"}}
    - {code: "2", value: 2, label: {vi: Có, en: "Yes"}}
sections:
  - code: more
    title: {vi: Thêm, en: More}
    items:
      - {code: k, kind: single, scale: known, text: {vi: Câu k, en: Item k}}
index:
  label: {vi: Nhận biết, en: Recognition}
  factors:
    - code: known
      label: {vi: Biết, en: Known}
      criteria:
        - {item: k, source: ours}
profiles:
  - {name: share, label: {vi: Tỷ lệ, en: Share}, formula: share, threshold: 2, confirmed: false, source: ours}
default_profile: share
"""
# Ballots rate several units; a, b and c are asked for each.
SEVERAL = STANDARDISED.replace('version: "1"\n', 'version: "1"\nmost_units: 3\n', 1).replace(
    "  - code: all_items\n", "  - code: all_items\n    per_unit: true\n"
)
PLAN = 'plan: 1\nversion: "1"\naggregate: units\n'

Answers = Mapping[str, str]


def archive_of(
    path: Path,
    host: str,
    records: Sequence[tuple[Mapping[str, str], Answers]],
    *,
    design: str = "design: 1\nstrata: [unit]\n",
    plan: str = PLAN,
    accounting: Sequence[AccountingRow] = (),
) -> Archive:
    questionnaire = attach(
        parse_questionnaire(host.encode(), "host.yaml"), [parse_questionnaire(MODULE.encode(), "module.yaml")]
    )
    responses = tabulate_responses(questionnaire, records)
    contents = contents_of(responses, blocs=BLOCS, plan=plan, design=design, questionnaire_source=host)
    n_ballots = len({attributes.get("ballot", str(j)) for j, (attributes, _) in enumerate(records)})
    counts = replace(contents.counts, issued=n_ballots + 5, spent=n_ballots, spooled=n_ballots, sealed=n_ballots)
    return archive_at(
        path, replace(contents, module_sources=(MODULE.encode(),), counts=counts, accounting=tuple(accounting))
    )


def single_records() -> list[tuple[dict[str, str], dict[str, str]]]:
    """Half of u1 know it, all of u2, none of v1; half are at 2 and half at 4 in a, b and c."""
    knows = {"u1": ("1", "2"), "u2": ("2", "2"), "v1": ("1", "1")}
    return [
        ({"unit": unit, "channel": "web"}, {**dict.fromkeys("abc", "24"[j % 2]), "k": knows[unit][j % 2]})
        for unit in BLOCS
        for j in range(40)
    ]


def several_records(n_ballots: int = 60) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Every ballot rates u1, every second u2 too, every third v1; a third know what the module asks of."""
    records = []
    for j in range(n_ballots):
        units = ["u1", *(["u2"] if j % 2 else []), *(["v1"] if j % 3 == 0 else [])]
        # The ratings of a ballot stand apart from each other after the shuffle.
        for place, unit in enumerate(units):
            codes = {
                "a": str(1 + (j + place) % 5),
                "b": str(1 + (j + 2 * place) % 4),
                "c": str(2 + (j * 7 + place) % 4),
            }
            records.append(
                (
                    {"unit": unit, "stratum": "firms", "channel": "web", "ballot": f"{j:032x}"},
                    {**codes, "k": "2" if j % 3 == 0 else "1"},
                )
            )
    return sorted(records, key=lambda record: (record[1]["a"], record[0]["unit"]))


def computed(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=DAY, public_url=None)


def test_a_module_has_rows_of_its_own_and_no_part_in_the_hosts_index(tmp_path: Path) -> None:
    edition = computed(archive_of(tmp_path / "a", QUESTIONNAIRE, single_records()))
    assert [row.node for row in edition.rows_of("u1")] == ["index", "first", "a", "b", "second", "c"]
    assert [row.node for row in edition.rows_of("u1", "extra")] == ["extra.index", "extra.known", "extra.k"]
    assert [edition.row(unit, "extra.index").estimate for unit in BLOCS] == pytest.approx([50, 100, 0])
    assert edition.row("bloc:east", "extra.index").estimate == pytest.approx(75)
    assert edition.row("u1", "index").estimate == pytest.approx(50)
    assert (edition.scale_of("extra.index"), edition.profile_of("extra.k").name) == ((0.0, 100.0), "share")
    assert [row.share for row in edition.distribution_of("u1", "k")] == pytest.approx([0.5, 0.5])
    assert {rank.unit for rank in edition.ranks} == {"u1", "u2"}


def test_an_edition_with_a_module_is_read_back_and_verified(tmp_path: Path) -> None:
    counts = (
        AccountingRow("u1", "web", None, 50, 40, 40, 0),
        AccountingRow("u1", "all", 400, 50, 40, 40, 0),
        AccountingRow("all", "all", 1200, 125, 120, 120, 0),
    )
    archive = archive_of(tmp_path / "a", QUESTIONNAIRE, single_records(), accounting=counts)
    edition = computed(archive)
    manifest = write_edition(edition, tmp_path / "edition", {}, SIGNER)
    read = read_edition(tmp_path / "edition")
    assert (read.questionnaire, read.module_sources) == (edition.questionnaire, (MODULE.encode(),))
    assert (read.estimates, read.distributions, read.accounting) == (
        edition.estimates, edition.distributions, edition.accounting,
    )  # fmt: skip
    assert [row.unit for row in read.accounting] == ["u1", "all"]
    assert manifest["modules"][0]["reference"] == "extra/1"
    assert verify(tmp_path / "edition", tmp_path / "a") == []
    (tmp_path / "edition" / "accounting.csv").write_bytes(
        (tmp_path / "edition" / "accounting.csv").read_bytes().replace(b"400", b"401")
    )
    found = {finding.place for finding in verify(tmp_path / "edition", tmp_path / "a")}
    assert "accounting.csv, unit u1, channel all, column eligible" in found


def test_ballots_that_rate_several_units_are_clusters_and_tell_of_the_module_once(tmp_path: Path) -> None:
    design = "design: 1\nstrata: [stratum]\nclusters: [ballot]\n"
    edition = computed(archive_of(tmp_path / "a", SEVERAL, several_records(), design=design))
    assert [edition.row(unit).n for unit in BLOCS] == [60, 30, 20]
    assert edition.row("u1").df == 59.0
    # Sixty ballots and not a hundred and ten ratings, of which twenty know it.
    row = edition.row("all", "extra.index")
    assert (row.estimate, row.n, row.df) == (pytest.approx(100 / 3), 60, 59.0)
    assert [share.share for share in edition.distribution_of("all", "k")] == pytest.approx([2 / 3, 1 / 3])
    assert edition.rows_of("u1", "extra") == ()
    assert edition.distribution_of("u1", "k") == ()


def test_without_counts_a_module_of_such_a_round_has_no_figure_for_all_persons(tmp_path: Path) -> None:
    design = "design: 1\nstrata: [stratum]\nclusters: [ballot]\n"
    plan = PLAN.replace("units", "persons")
    edition = computed(archive_of(tmp_path / "a", SEVERAL, several_records(), design=design, plan=plan))
    assert edition.row("all", "extra.index").reason == "no_population"
    # A standardised index is the mean of its units all the same.
    assert edition.row("all").estimate is not None


def test_an_edition_of_the_first_format_is_still_read(tmp_path: Path) -> None:
    edition = computed(write_small_archive(tmp_path / "a"))
    write_edition(edition, tmp_path / "edition", {}, SIGNER)
    manifest = read_manifest(tmp_path / "edition", "edition.json", EditionError)
    for later in ("modules", "fieldwork"):
        manifest.pop(later, None)
    manifest["edition"] = 1
    units = tmp_path / "edition" / "units.csv"
    lines = units.read_text(encoding="utf-8").splitlines()
    units.write_text("".join(line.rsplit(",", 1)[0] + "\n" for line in lines), encoding="utf-8")
    read = load_edition(tmp_path / "edition", manifest)
    assert (read.estimates, read.accounting, read.hard_source) == (edition.estimates, (), None)
    assert read.questionnaire == edition.questionnaire


ROWS = (
    AccountingRow("u1", "web", None, 90, 80, 78, 2),
    AccountingRow("u1", "all", 400, 90, 80, 78, 2),
    AccountingRow("u2", "all", 300, 60, 50, 50, 0),
    AccountingRow("u3", "all", 9, 8, 6, 6, 0),
    AccountingRow("u4", "all", 500, 90, 70, 70, 0),
    AccountingRow("all", "all", 1209, 248, 206, 204, 2),
)


def test_small_counts_are_hidden_and_the_rounds_own_row_gives_none_of_them_back() -> None:
    public = {row.unit: row for row in public_accounting(ROWS, 10)}
    assert list(public) == ["u1", "u2", "u3", "u4", "all"]
    assert (public["u3"].eligible, public["u3"].issued, public["u3"].spent, public["u3"].sealed) == (None,) * 4
    # Beside it the unit with the next fewest answers: neither follows by subtraction.
    assert (public["u2"].spent, public["u2"].sealed, public["u2"].rejected) == (None, None, None)
    assert (public["u2"].eligible, public["u2"].issued) == (300, 60)
    assert (public["all"].spent, public["all"].rejected, public["u1"].rejected) == (206, 2, 2)


def test_where_all_counts_are_large_all_are_shown() -> None:
    rows = [row for row in ROWS if row.unit != "u3"]
    assert all(row.spent is not None for row in public_accounting(rows, 10))
    # Nobody at all is nobody who could be recognised.
    nobody = public_accounting([AccountingRow("u5", "all", 100, 0, 0, 0, 0)], 10)
    assert (nobody[0].issued, nobody[0].sealed) == (0, 0)


def test_invitations_that_know_no_unit_are_published_for_the_round_alone() -> None:
    rows = [AccountingRow("", "web", None, 90, 80, 80, 0), AccountingRow("all", "all", None, 90, 80, 80, 0)]
    assert [row.unit for row in public_accounting(rows, 10)] == ["all"]
