"""A round's life: what it begins with, which steps follow which, and what is counted."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.release.plan import default_plan, parse_plan
from questionnaires.model import Text
from support.command_line import RunHailong
from support.rounds import (
    DESIGN,
    FIRST_DAY,
    LAST_DAY,
    QUESTIONNAIRE,
    SLUG,
    TODAY,
    Collection,
    open_collection,
    planned_collection,
)
from survey.errors import BadInput, NotFound, WrongState
from survey.notices import Notice, read_notice
from survey.questionnaire_library import publish_questionnaire
from survey.rounds import (
    STEPS,
    RoundRequest,
    SourceFile,
    close_round,
    create_round,
    editions_of,
    find_round,
    list_rounds,
    mark_published,
    mark_sealed,
    open_round,
    round_status,
    units_of_round,
)
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores

REQUEST = RoundRequest(
    slug="dot-2",
    questionnaire="tiny/1",
    units="kind=ward,commune",
    opens_on=FIRST_DAY,
    closes_on=LAST_DAY,
    title=Text("Đợt hai", "Second round"),
    notice=Notice(issuer=Text("Sở Nội vụ", "Home Affairs"), decision="QĐ 12/2026", hotline="1900 0000"),
    design=SourceFile(DESIGN, "design.yaml"),
)


@pytest.fixture
def planned(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(settings, stores, tmp_path)


@pytest.fixture
def embedded(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(sqlite_settings, sqlite_stores, tmp_path)


def actions(stores: Stores) -> list[str]:
    with reading(stores.office) as session:
        return [event.action for event in reversed(list_events(session))]


def test_a_round_is_what_was_asked_for(planned: Collection) -> None:
    created = create_round(planned.stores, REQUEST, TODAY, actor="an.nguyen")
    assert created == find_round(planned.stores, "dot-2")
    assert created.state == "draft"
    assert created.title == Text("Đợt hai", "Second round")
    assert (created.issuer.vi, created.decision, created.hotline) == ("Sở Nội vụ", "QĐ 12/2026", "1900 0000")
    assert created.questionnaire_hash == planned.questionnaire.content_hash
    assert created.unit_codes == ("phuong-a", "xa-b", "xa-c")
    assert [unit.code for unit in units_of_round(planned.stores, created)] == ["phuong-a", "xa-b", "xa-c"]
    assert created.design_source == DESIGN
    assert created.ballot_public_key is None
    assert [record.slug for record in list_rounds(planned.stores)] == ["dot-2", SLUG]
    with reading(planned.stores.office) as session:
        event = list_events(session)[0]
    assert (event.actor, event.action, event.subject) == ("an.nguyen", "round.created", "dot-2 with tiny/1 for 3 units")


def test_a_round_without_plan_and_design_carries_the_default_ones(embedded: Collection) -> None:
    created = create_round(embedded.stores, replace(REQUEST, design=None, title=None), TODAY)
    assert parse_plan(created.plan_source, "plan") == default_plan(embedded.questionnaire)
    assert b"strata: [unit]" in created.design_source
    assert created.title == embedded.questionnaire.title


def test_units_are_those_of_the_first_day(embedded: Collection) -> None:
    early = replace(REQUEST, opens_on=date(2025, 6, 30), is_imported=True)
    with pytest.raises(BadInput, match="no unit valid on 2025-06-30"):
        create_round(embedded.stores, early, TODAY)


@pytest.mark.parametrize(
    ("change", "refusal", "complaint"),
    [
        ({"slug": ""}, BadInput, "found the round name ''"),
        ({"slug": "Dot-2"}, BadInput, "found the round name 'Dot-2'"),
        ({"slug": "-dot"}, BadInput, "found the round name"),
        ({"slug": "a/../b"}, BadInput, "found the round name"),
        ({"slug": "x" * 61}, BadInput, "found the round name"),
        ({"slug": "signing"}, BadInput, "found the round name"),
        ({"slug": SLUG}, BadInput, "found a round thu-2026 already"),
        ({"closes_on": date(2026, 10, 31)}, BadInput, "expected one not before the first, 2026-11-01"),
        ({"opens_on": date(2026, 1, 1), "closes_on": date(2026, 2, 1)}, BadInput, "not before today, 2026-11-23"),
        ({"questionnaire": "tiny/9"}, NotFound, "found no published questionnaire 'tiny/9', expected one of"),
        ({"questionnaire": "tiny"}, NotFound, "found no published questionnaire"),
        ({"units": "kind=province"}, BadInput, "found kind 'province', which no unit valid on 2026-11-01 has"),
        ({"design": SourceFile(b"design: 1\nstratum: x\n", "d.yaml")}, AnalysisError, r"d\.yaml:2"),
        ({"design": SourceFile(b"\xff", "d.yaml")}, AnalysisError, r"d\.yaml"),
        ({"plan": SourceFile(b'plan: 1\nversion: "1"\nlevel: 95\n', "p.yaml")}, AnalysisError, r"p\.yaml:3"),
        ({"plan": SourceFile(b'plan: 1\nversion: "1"\nprofile: none\n', "p.yaml")}, AnalysisError, "profile|scoring"),
        ({"title": Text("x" * 201, "y")}, BadInput, "title: found 201 characters"),
    ],
)
def test_what_does_not_hold_is_refused(
    embedded: Collection, change: dict[str, object], refusal: type[Exception], complaint: str
) -> None:
    with pytest.raises(refusal, match=complaint):
        create_round(embedded.stores, replace(REQUEST, **change), TODAY)  # type: ignore[arg-type]
    assert [record.slug for record in list_rounds(embedded.stores)] == [SLUG]
    assert actions(embedded.stores).count("round.created") == 1


def test_an_open_round_has_two_keys_of_its_own(planned: Collection) -> None:
    opened = open_round(planned.stores, planned.vault, SLUG, TODAY)
    assert opened.state == "open"
    assert opened.ballot_public_key == planned.vault.public_key(SLUG)
    assert opened.comments_public_key == planned.vault.public_key(f"{SLUG}.comments")
    assert opened.ballot_public_key != opened.comments_public_key
    assert opened.key_fingerprint is not None
    assert len(opened.key_fingerprint) == 64


def test_a_round_takes_answers_on_its_days_alone(embedded: Collection) -> None:
    opened = open_round(embedded.stores, embedded.vault, SLUG, TODAY)
    days = {day: opened.accepts_answers_on(day) for day in (date(2026, 10, 31), FIRST_DAY, LAST_DAY, date(2027, 1, 1))}
    assert list(days.values()) == [False, True, True, False]
    closed = close_round(embedded.stores, SLUG)
    assert not closed.accepts_answers_on(TODAY)


def test_a_round_whose_last_day_is_over_is_not_opened(embedded: Collection) -> None:
    with pytest.raises(WrongState, match="ended on 2026-12-31"):
        open_round(embedded.stores, embedded.vault, SLUG, date(2027, 1, 1))
    assert embedded.record.state == "draft"
    assert not (embedded.settings.instance / "keys" / f"{SLUG}.json").exists()


def take(collection: Collection, step: str) -> None:
    stores = collection.stores
    if step == "open":
        open_round(stores, collection.vault, SLUG, TODAY)
    elif step == "close":
        close_round(stores, SLUG)
    elif step == "seal":
        mark_sealed(stores, SLUG, archive_hash="a" * 64, n_sealed=8, n_rejected=2)
    else:
        number = len(editions_of(stores, SLUG)) + 1
        mark_published(stores, SLUG, number=number, manifest_hash="e" * 64, published_on=TODAY)


def test_steps_follow_each_other_and_no_other_way(planned: Collection) -> None:
    done = ["open", "close", "seal", "publish", "publish"]
    for position, step in enumerate(done):
        for other in STEPS:
            if other != step and planned.record.state not in STEPS[other][0]:
                with pytest.raises(WrongState, match=f"the round {SLUG} is {planned.record.state}; to {other} it"):
                    take(planned, other)
        take(planned, step)
        assert planned.record.state == STEPS[step][1], position
    assert [action for action in actions(planned.stores) if action.startswith("round.")] == [
        "round.created",
        "round.opened",
        "round.closed",
        "round.sealed",
        "round.published",
        "round.published",
    ]
    assert (planned.record.archive_hash, planned.record.n_sealed, planned.record.n_rejected) == ("a" * 64, 8, 2)
    assert [edition.number for edition in editions_of(planned.stores, SLUG)] == [1, 2]


def test_editions_are_numbered_without_a_gap(embedded: Collection) -> None:
    for step in ("open", "close", "seal"):
        take(embedded, step)
    with pytest.raises(WrongState, match="found edition 2, expected edition 1"):
        mark_published(embedded.stores, SLUG, number=2, manifest_hash="e" * 64, published_on=TODAY)
    assert embedded.record.state == "sealed"


def test_an_imported_round_is_sealed_from_its_draft(embedded: Collection) -> None:
    create_round(embedded.stores, replace(REQUEST, is_imported=True), TODAY)
    sealed = mark_sealed(embedded.stores, "dot-2", archive_hash="b" * 64, n_sealed=3, n_rejected=0)
    assert (sealed.state, sealed.is_imported) == ("sealed", True)


@pytest.mark.parametrize("use", [find_round, close_round])
def test_a_round_that_is_not_there_is_said_so(embedded: Collection, use) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound, match="found no round 'nothing'"):
        use(embedded.stores, "nothing")


def test_the_status_counts_by_unit_and_channel(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    collection = open_collection(settings, stores, tmp_path)
    slips = collection.codes("phuong-a", 3)
    posts = collection.codes("phuong-a", 2, channel="post")
    others = collection.codes("xa-b", 1)
    for unit, code in (("phuong-a", slips[0]), ("phuong-a", posts[0]), ("phuong-a", posts[1]), ("xa-b", others[0])):
        assert collection.send(unit, code.typed) == "received"
    status = round_status(stores, collection.secrets, SLUG)
    assert [(cell.unit, cell.channel, cell.issued, cell.spent) for cell in status.cells] == [
        ("phuong-a", "post", 2, 2),
        ("phuong-a", slips[0].channel, 3, 1),
        ("xa-b", others[0].channel, 1, 1),
    ]
    assert (status.issued, status.spent, status.sealed, status.rejected) == (6, 4, None, None)


def test_a_questionnaire_that_is_published_never_changes(embedded: Collection) -> None:
    publish_questionnaire(embedded.stores, QUESTIONNAIRE.encode(), "tiny.yaml", TODAY)
    with pytest.raises(WrongState, match="tiny/1 is published already with another text"):
        publish_questionnaire(embedded.stores, QUESTIONNAIRE.replace("Câu một", "Câu 1").encode(), "tiny.yaml", TODAY)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("- a\n", "found no keys"),
        ("titel: x\n", "found the key 'titel'"),
        ("title: Một\n", "title: found 'Một', expected a text in vi and one in en"),
        ("title: {vi: Một}\n", "expected a text in vi and one in en"),
        ("title: {vi: Một, en: ''}\n", "found an empty text"),
        ("hotline: 19000000\n", "hotline: found '19000000', expected a text"),
        ("decision: [1\n", "notice.yaml:2: found"),
        ("decision: '" + "x" * 201 + "'\n", "decision: found 201 characters"),
    ],
)
def test_a_notice_that_cannot_be_shown_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "notice.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=complaint):
        read_notice(path)


def test_the_commands_lead_a_round_from_draft_to_closed(
    planned: Collection, run_hailong: RunHailong, tmp_path: Path
) -> None:
    notice = tmp_path / "notice.yaml"
    notice.write_text(
        "title: {vi: Đợt hai, en: Second round}\nissuer: {vi: Sở Nội vụ, en: Home Affairs}\n"
        "decision: QĐ 12/2026\nhotline: 1900 0000\n",
        encoding="utf-8",
    )
    asked = ["--questionnaire", "tiny/1", "--units", "kind=ward", "--opens", "2026-11-01", "--closes", "2999-12-31"]
    created = run_hailong("round", "create", "dot-2", *asked, "--notice", notice)
    assert created.output == "round dot-2: draft, 1 units, 2026-11-01 to 2999-12-31\n", created.errors
    opened = run_hailong("round", "open", "dot-2")
    assert opened.output.startswith("round dot-2: open, 2026-11-01 to 2999-12-31, key ")
    assert "the passphrase lies beside the keys" in opened.errors
    again = run_hailong("round", "open", "dot-2")
    assert (again.exit_code, again.output) == (2, "")
    assert again.errors == "hailong: the round dot-2 is open; to open it, it has to be draft\n"
    status = json.loads(run_hailong("round", "status", "dot-2", "--json").output)
    assert (status["round"], status["state"], status["issued"], status["spent"]) == ("dot-2", "open", 0, 0)
    assert run_hailong("round", "close", "dot-2").output == "round dot-2: closed\n"
    assert find_round(planned.stores, "dot-2").hotline == "1900 0000"
    listed = json.loads(run_hailong("round", "status", "--json").output)
    assert [record["round"] for record in listed] == ["dot-2", SLUG]


def test_a_design_for_other_units_is_told_and_labels_that_no_code_can_bear_are_refused(
    planned: Collection, run_hailong: RunHailong, tmp_path: Path
) -> None:
    design = tmp_path / "design.yaml"
    head = "design: 1\nstrata: [unit]\nclusters: [psu]\ncells:\n"
    asked = ["--questionnaire", "tiny/1", "--units", "kind=ward", "--opens", "2026-11-01", "--closes", "2999-12-31"]
    design.write_text(head + "  - {unit: phuong-a, psu: =cmd(), population: 90}\n", encoding="utf-8")
    refused = run_hailong("round", "create", "dot-2", *asked, "--design", design)
    assert (refused.exit_code, refused.output) == (2, "")
    assert refused.errors == (
        f"hailong: {design}: cells[0].psu: found “=cmd()”, expected a label that begins with a letter or a digit\n"
    )
    design.write_text(head + "  - {unit: xa-b, psu: Thôn 1, population: 90}\n", encoding="utf-8")
    created = run_hailong("round", "create", "dot-2", *asked, "--design", design)
    assert created.exit_code == 0
    assert created.errors == (
        f"warning: {design} does not count the people of phuong-a\n"
        f"warning: {design} counts people of units that are not in the round: xa-b\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "dot-2"], "Missing option"),
        (
            [
                "create",
                "dot-2",
                "--questionnaire",
                "tiny/1",
                "--units",
                "kind=ward",
                "--opens",
                "1/11",
                "--closes",
                "2/11",
            ],
            "1/11",
        ),
        (["status", "nothing"], "found no round 'nothing'"),
        (["begin", "dot-2"], "No such command"),
    ],
)
def test_a_wrong_command_ends_with_exit_2_and_one_line(
    planned: Collection, run_hailong: RunHailong, arguments: list[str], complaint: str
) -> None:
    done = run_hailong("round", *arguments)
    assert (done.exit_code, done.output, done.errors.count("\n")) == (2, "", 1)
    assert complaint in done.errors


def test_a_plan_that_would_show_fewer_than_ten_people_opens_no_round(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    plan = b'plan: 1\nversion: "1"\nsuppress_below: 9\n'
    with pytest.raises(AnalysisError, match="suppress_below: found 9, expected at least 10"):
        open_collection(settings, stores, tmp_path, plan=plan)
    assert list_rounds(stores) == ()
