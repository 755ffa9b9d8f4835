"""Editions made by hand in which every table has rows: for what prints and shows the whole of a scorecard."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from statistics import NormalDist

from analysis.release.context_rows import EarlierEdition, HistoryRow, ImportanceRow, SubgroupRow
from analysis.release.edition import Edition
from analysis.release.rows import ROOT, ChangeRow, DifferenceRow, EstimateRow, PublicAccountingRow
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow
from questionnaires.model import Item, Option, Questionnaire, Section, Text
from support.editions import LEVEL, SLUG, make_edition

BLOC = "khoi-dia-phuong"
NORMAL = NormalDist()
ROUNDS = (
    ("sipas-2023", "Khảo sát năm 2023", "2023 survey", dt.date(2023, 9, 4)),
    ("sipas-2024", "Khảo sát năm 2024", "2024 survey", dt.date(2024, 9, 2)),
    ("sipas-2025", "Khảo sát năm 2025", "2025 survey", dt.date(2025, 9, 1)),
)
GROUPS = (
    ("gender", "Giới tính", "Gender", (("female", "Nữ", "Women"), ("male", "Nam", "Men"))),
    ("age", "Tuổi", "Age", (
        ("18", "18 đến 34", "18 to 34"), ("35", "35 đến 54", "35 to 54"), ("55", "Từ 55", "55 and over"),
    )),
)  # fmt: skip
THEMES = (
    ("waiting", "Thời gian chờ", "Waiting times", 41),
    ("online", "Nộp hồ sơ trực tuyến", "Applying online", 27),
    ("manner", "Thái độ phục vụ", "Manner of the staff", 12),
)
COMMENTS = (
    ("waiting", "Chờ lâu vào buổi sáng, buổi chiều nhanh hơn."),
    ("waiting", "Nên có thêm số thứ tự điện tử."),
    ("online", "Trang nộp hồ sơ hay báo lỗi, phải ra phường nhờ làm hộ."),
    ("manner", "Cán bộ nhiệt tình, hướng dẫn dễ hiểu."),
)


def full_edition(n_units: int = 6, *, sheets: Sequence[int] | None = None, seed: int = 1, **changes: object) -> Edition:
    """The edition of `make_edition` with tests, importance, groups, three earlier rounds, voices and promises.

    The round of 2023 was held before the units were reorganised, so that the trend has a break.
    """
    edition = make_edition(n_units, sheets=sheets, seed=seed, **changes)  # type: ignore[arg-type]
    rng = random.Random(seed + 1)  # noqa: S311 — scores for a picture, not secrets
    edition = replace(edition, questionnaire=_with_groups(edition.questionnaire))
    differences = _differences(edition)
    return replace(
        edition,
        differences=differences,
        importance=_importance(edition, rng),
        subgroups=_subgroups(edition, rng),
        history=_history(edition, rng),
        changes=_changes(edition, rng),
        themes=tuple(ThemeRow(unit.code, *theme) for unit in edition.units[:2] for theme in THEMES),
        comments=tuple(CommentRow(unit.code, *comment) for unit in edition.units[:2] for comment in COMMENTS),
        promises=(
            PromiseRow(
                edition.units[0].code, "f1_1", "Thêm 20 ghế và quạt ở nơi chờ", "2026-06-30", "2025-12-10", "done"
            ),
            PromiseRow(
                edition.units[0].code,
                ROOT,
                "Họp dân mỗi quý một lần để nghe góp ý về việc giải quyết thủ tục",
                "2026-12-31",
                "2025-12-10",
                "under_way",
            ),
        ),
        earlier=tuple(
            EarlierEdition(slug, Text(vi, en), day, day + dt.timedelta(days=40), 1, day, "cd" * 32)
            for slug, vi, en, day in ROUNDS
        ),
        accounting=tuple(
            PublicAccountingRow(unit.code, "all", 14_000, round(n / 0.687), n + 2, n, 2)
            for unit, n in zip(edition.units, sheets or [200] * n_units, strict=True)
            if n >= 10
        ),
    )


def _with_groups(questionnaire: Questionnaire) -> Questionnaire:
    items = tuple(
        Item(code, "single", Text(vi, en), options=tuple(Option(key, Text(a, b)) for key, a, b in options))
        for code, vi, en, options in GROUPS
    )
    title = Text("Người trả lời", "About you")
    return replace(questionnaire, sections=(*questionnaire.sections, Section("about", title, None, items)))


def _shown(edition: Edition, node: str) -> list[EstimateRow]:
    units = {unit.code for unit in edition.units}
    return [row for row in edition.estimates if row.node == node and row.unit in units and row.estimate is not None]


def _differences(edition: Edition) -> tuple[DifferenceRow, ...]:
    """Each unit against the mean of the others as if all were independent, by Holm's method within a kind of nodes."""
    rows: list[DifferenceRow] = []
    for unit in edition.units:
        found: dict[str, list[DifferenceRow]] = {}
        for node in edition.questionnaire.nodes():
            members = _shown(edition, node.code)
            own = next((row for row in members if row.unit == unit.code), None)
            others = [row for row in members if row.unit != unit.code]
            if own is None or not others:
                continue
            difference = (own.estimate or 0.0) - sum(row.estimate or 0.0 for row in others) / len(others)
            se = sqrt((own.se or 0.0) ** 2 + sum((row.se or 0.0) ** 2 for row in others) / len(others) ** 2)
            p = 2 * NORMAL.cdf(-abs(difference) / se)
            found.setdefault(node.kind, []).append(
                DifferenceRow(SLUG, BLOC, unit.code, node.code, difference, se, None, None, LEVEL, None, p, p, "", "")
            )
        for family in found.values():
            rows.extend(_by_holm(family))
    return tuple(rows)


def _by_holm(family: Sequence[DifferenceRow]) -> list[DifferenceRow]:
    ordered, adjusted, done = sorted(family, key=lambda row: row.p or 0.0), 0.0, []
    critical = NORMAL.inv_cdf(1 - (1 - LEVEL) / 2 / len(family))
    for place, row in enumerate(ordered):
        adjusted = max(adjusted, min(1.0, (row.p or 0.0) * (len(ordered) - place)))
        is_different = adjusted <= 1 - LEVEL
        word = "not_different" if not is_different else "higher" if (row.difference or 0.0) > 0 else "lower"
        half = critical * (row.se or 0.0)
        low, high = (row.difference or 0.0) - half, (row.difference or 0.0) + half
        done.append(replace(row, p_adjusted=adjusted, verdict=word, low=low, high=high))
    return done


def _importance(edition: Edition, rng: random.Random) -> tuple[ImportanceRow, ...]:
    rows = []
    for kind in ("factor", "criterion"):
        nodes = [node for node in edition.questionnaire.nodes() if node.kind == kind]
        weights = [rng.uniform(0.4, 1.6) for _ in nodes]
        for node, weight in zip(nodes, weights, strict=True):
            share = weight / sum(weights)
            se = share / 6
            rows.append(
                ImportanceRow(
                    SLUG, BLOC, node.code, "index", share, se, share - 2 * se, share + 2 * se, LEVEL, "lmg", 40.0,
                    1480, 0.62, "",
                )
            )  # fmt: skip
    return tuple(rows)


def _subgroups(edition: Edition, rng: random.Random) -> tuple[SubgroupRow, ...]:
    rows = []
    for own in _shown(edition, ROOT):
        for item, _, _, options in GROUPS:
            for place, (option, _, _) in enumerate(options):
                is_hidden = item == "age" and place == 0 and own.unit == edition.units[0].code
                value, se = (own.estimate or 0.0) + rng.gauss(0, 2.5), 1.5 * (own.se or 1.0)
                n = (own.n or 30) // len(options)
                rows.append(
                    SubgroupRow(
                        SLUG,
                        own.unit,
                        item,
                        option,
                        ROOT,
                        None if is_hidden else min(value, 99.0),
                        None if is_hidden else se,
                        None if is_hidden else max(value - 2 * se, 0.0),
                        None if is_hidden else min(value + 2 * se, 100.0),
                        LEVEL,
                        "t",
                        30.0,
                        None if is_hidden else n,
                        is_hidden,
                        "too_few_respondents" if is_hidden else "",
                        not is_hidden and n < 30,
                    )
                )
    return tuple(rows)


def _history(edition: Edition, rng: random.Random) -> tuple[HistoryRow, ...]:
    rows = []
    bloc = next(row for row in edition.estimates if row.unit == f"bloc:{BLOC}" and row.node == ROOT)
    for own in (*_shown(edition, ROOT), bloc):
        for back, (slug, vi, _, day) in enumerate(ROUNDS):
            value, se = (own.estimate or 50.0) - 1.8 * (len(ROUNDS) - back) + rng.gauss(0, 0.8), own.se or 1.0
            is_before = back == 0 and own.unit != bloc.unit
            rows.append(
                HistoryRow(
                    own.unit, ROOT, slug, vi, day.isoformat(), day.isoformat(), own.unit, value, se, value - 2 * se,
                    value + 2 * se, LEVEL, 40.0, 180, not is_before, "unit" if is_before else "", "", "cd" * 32,
                )
            )  # fmt: skip
    return tuple(rows)


def _changes(edition: Edition, rng: random.Random) -> tuple[ChangeRow, ...]:
    rows = []
    for node in edition.questionnaire.nodes():
        for own in _shown(edition, node.code):
            change, se = rng.gauss(1.5, 2.0), 1.4 * (own.se or 1.0)
            p = 2 * NORMAL.cdf(-abs(change) / se)
            word = "not_different" if p > 0.05 else "higher" if change > 0 else "lower"
            rows.append(
                ChangeRow(
                    "sipas-2025", SLUG, own.unit, own.unit, node.code, (own.estimate or 0.0) - change, own.estimate,
                    change, se, change - 2 * se, change + 2 * se, LEVEL, 40.0, p, p, word, "t", "",
                    None, None, None, None, "",
                )
            )  # fmt: skip
    return tuple(rows)
