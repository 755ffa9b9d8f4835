"""Editions made by hand, without an archive behind them: for what prints and shows an edition."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from analysis.archive import ArchiveUnit, Counts, RoundFacts
from analysis.release.edition import Edition
from analysis.release.plan import Plan
from analysis.release.rows import DistributionRow, EstimateRow, RankRow
from questionnaires.model import Item, Node, Option, Profile, Questionnaire, Section, Source, Text

LEVEL = 0.95
SLUG = "sipas-2026"
_HALF_WIDTH = 1.96

SCALE = tuple(
    Option(str(value), Text(vi, en), float(value))
    for value, vi, en in (
        (1, "Rất không hài lòng", "Very dissatisfied"),
        (2, "Không hài lòng", "Dissatisfied"),
        (3, "Bình thường", "Neutral"),
        (4, "Hài lòng", "Satisfied"),
        (5, "Rất hài lòng", "Very satisfied"),
    )
)
FACTORS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("Tiếp cận dịch vụ", "Access to the service", (
        ("Nơi ngồi chờ tại cơ quan có đủ chỗ ngồi", "Enough seats in the waiting area"),
        ("Trang thiết bị phục vụ người dân đầy đủ", "Complete equipment for visitors"),
        ("Trang thiết bị phục vụ người dân hiện đại", "Modern equipment for visitors"),
        ("Trang thiết bị phục vụ người dân dễ sử dụng", "Equipment that is easy to use"),
    )),
    ("Thủ tục hành chính", "Administrative procedures", (
        ("Thủ tục được niêm yết công khai đầy đủ", "Procedures posted in full"),
        ("Thủ tục được niêm yết công khai chính xác", "Procedures posted correctly"),
        ("Thành phần hồ sơ phải nộp đúng quy định", "Only the papers that rules ask for"),
        ("Phí, lệ phí phải nộp đúng quy định", "Only the fees that the rules ask for"),
        ("Thời hạn giải quyết đúng quy định, không phải chờ thêm hoặc đi lại nhiều lần", "Time limits kept"),
    )),
    ("Công chức trực tiếp giải quyết công việc", "Civil servants who handle the work", (
        ("Công chức có thái độ giao tiếp lịch sự", "Polite manner"),
        ("Công chức chú ý lắng nghe ý kiến", "Attentive listening"),
        ("Công chức trả lời, giải đáp đầy đủ", "Full answers to questions"),
        ("Công chức hướng dẫn kê khai hồ sơ tận tình, chu đáo", "Careful guidance on the forms"),
        ("Công chức hướng dẫn hồ sơ dễ hiểu", "Guidance that is easy to understand"),
        ("Công chức tuân thủ đúng quy định", "Rules followed by the staff"),
    )),
    ("Kết quả cung ứng dịch vụ", "Result of the service", (
        ("Kết quả nhận được đúng quy định", "Result as the rules say"),
        ("Kết quả có thông tin đầy đủ", "Complete information in the result"),
        ("Kết quả có thông tin chính xác", "Correct information in the result"),
    )),
    ("Tiếp nhận, giải quyết góp ý, phản ánh, kiến nghị", "Handling of suggestions and complaints", (
        ("Có bố trí hình thức tiếp nhận góp ý, phản ánh, kiến nghị", "Ways to give feedback"),
        ("Dễ dàng thực hiện góp ý, phản ánh, kiến nghị", "Giving feedback is easy"),
        ("Cơ quan tiếp nhận, giải quyết góp ý tích cực", "Feedback handled actively"),
        ("Cơ quan thông báo kết quả giải quyết kịp thời", "Outcome told in time"),
    )),
)  # fmt: skip
WARDS = ("Hà Tu", "Cao Xanh", "Việt Hưng", "Bãi Cháy", "Hà Lầm", "Tuần Châu", "Mông Dương", "Cẩm Phả", "Uông Bí")


def questionnaire_of(factors: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = FACTORS) -> Questionnaire:
    """A questionnaire with one item for each criterion, all on the same scale of five."""
    items, nodes = [], []
    for place, (vi, en, criteria) in enumerate(factors, start=1):
        leaves = []
        for leaf, (leaf_vi, leaf_en) in enumerate(criteria, start=1):
            code = f"q{place}_{leaf}"
            items.append(
                Item(code, "single", Text(leaf_vi, leaf_en), options=SCALE, scale="satisfaction", required=True)
            )
            text = Text(leaf_vi, leaf_en)
            leaves.append(Node(f"f{place}_{leaf}", "criterion", text, text, item=code, source=Source(ours=True)))
        nodes.append(Node(f"f{place}", "factor", Text(vi, en), Text(vi, en), children=tuple(leaves)))
    title = Text("Khảo sát mức độ hài lòng", "Satisfaction survey")
    return Questionnaire(
        name="sipas",
        version="2017.1",
        title=title,
        model_name="SIPAS",
        about=None,
        scales={"satisfaction": SCALE},
        sections=(Section("s1", title, None, tuple(items)),),
        index=Node(
            "index",
            "index",
            Text("Chỉ số hài lòng", "Satisfaction index"),
            Text("Chỉ số", "Index"),
            children=tuple(nodes),
        ),
        profiles=(
            Profile("share", Text("Tỷ lệ hài lòng", "Share satisfied"), "share", 4.0, False, None),
            Profile("mean", Text("Điểm trung bình", "Mean"), "rescaled", None, True, Source(ours=True)),
        ),
        default_profile="share",
        content_hash="ab" * 32,
    )


def make_edition(
    n_units: int = 6,
    *,
    names: Sequence[Text] | None = None,
    sheets: Sequence[int] | None = None,
    factors: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = FACTORS,
    collected: str = "here",
    profile: str = "share",
    bloc_name: str = "Khối địa phương",
    seed: int = 1,
) -> Edition:
    """An edition of one bloc: scores drawn from a seeded generator, intervals as wide as the sheets of a unit allow.

    Units with fewer than 10 sheets are suppressed, those with fewer than 30 carry a caution.
    """
    rng = random.Random(seed)  # noqa: S311 — scores for a picture, not secrets
    questionnaire = questionnaire_of(factors)
    sheets = list(sheets) if sheets is not None else [rng.randint(90, 480) for _ in range(n_units)]
    units = tuple(
        ArchiveUnit(
            code=f"{6652 + 3 * place:05d}",
            name=names[place] if names else Text(f"Phường {WARDS[place % 9]}", f"{WARDS[place % 9]} Ward"),
            kind="ward",
            bloc_code="khoi-dia-phuong",
            bloc_name=bloc_name,
            population=20_000,
        )
        for place in range(n_units)
    )
    estimates: list[EstimateRow] = []
    scores: dict[str, dict[str, float]] = {}
    for unit, n in zip(units, sheets, strict=True):
        level = rng.gauss(79, 4.5)
        values = {
            leaf.code: min(max(rng.gauss(level, 4), 5), 99.5)
            for leaf in questionnaire.nodes()
            if leaf.kind == "criterion"
        }
        scores[unit.code] = _with_parents(questionnaire, values)
        estimates += [_row(unit.code, node, scores[unit.code][node.code], n) for node in questionnaire.nodes()]
    bloc = {node.code: sum(scores[unit.code][node.code] for unit in units) / n_units for node in questionnaire.nodes()}
    for code in ("bloc:khoi-dia-phuong", "all"):
        estimates += [_row(code, node, bloc[node.code], sum(sheets)) for node in questionnaire.nodes()]
    return Edition(
        facts=_facts(collected),
        number=1,
        reason=None,
        published_on=dt.date(2026, 11, 23),
        public_url="https://hailong.example.vn",
        questionnaire=questionnaire,
        questionnaire_source=b"",
        plan=Plan(profile=profile, aggregate="units"),
        plan_source=b"",
        profile=profile,
        units=units,
        estimates=tuple(estimates),
        ranks=_ranks(estimates, [unit.code for unit, n in zip(units, sheets, strict=True) if n >= 10]),
        counts=_counts(sheets, collected),
        coverage={},
        distributions=tuple(_distributions(questionnaire, units, sheets, scores, rng)),
        archive_manifest_sha256="0f3a9c51e27b48d6" * 4,
        manifest={},
    )


def renamed(edition: Edition, name: Text) -> Edition:
    """The same edition with another name for its first unit."""
    first, *others = edition.units
    return replace(edition, units=(replace(first, name=name), *others))


def _with_parents(questionnaire: Questionnaire, values: dict[str, float]) -> dict[str, float]:
    filled = dict(values)

    def fill(node: Node) -> float:
        if node.children:
            filled[node.code] = sum(fill(child) for child in node.children) / len(node.children)
        return filled[node.code]

    assert questionnaire.index is not None
    fill(questionnaire.index)
    return filled


def _row(unit: str, node: Node, value: float, n: int) -> EstimateRow:
    spread = {"index": 28.0, "factor": 33.0, "criterion": 41.0}[node.kind]
    se = spread / sqrt(n)
    is_suppressed = n < 10
    return EstimateRow(
        round=SLUG,
        unit=unit,
        node=node.code,
        label=node.label.vi,
        estimate=None if is_suppressed else value,
        se=None if is_suppressed else se,
        low=None if is_suppressed else max(value - _HALF_WIDTH * se, 0.0),
        high=None if is_suppressed else min(value + _HALF_WIDTH * se, 100.0),
        level=LEVEL,
        method="t",
        df=None if is_suppressed else float(n - 1),
        n=None if is_suppressed else n,
        n_effective=None if is_suppressed else float(n),
        deff=None if is_suppressed else 1.0,
        suppressed=is_suppressed,
        reason="too_few_respondents" if is_suppressed else "",
        caution=10 <= n < 30,
        weight=1.0,
    )


def _ranks(estimates: Sequence[EstimateRow], codes: Sequence[str]) -> tuple[RankRow, ...]:
    index = {row.unit: row for row in estimates if row.node == "index" and row.unit in codes}
    ordered = sorted(codes, key=lambda code: -(index[code].estimate or 0.0))
    rows = []
    for rank, code in enumerate(ordered, start=1):
        above = sum(_gap(index[other], index[code]) > 3.2 for other in codes)
        below = sum(_gap(index[code], index[other]) > 3.2 for other in codes)
        mean = sum(row.estimate or 0.0 for row in index.values()) / len(index)
        z = ((index[code].estimate or 0.0) - mean) / (index[code].se or 1.0)
        tier = "above" if z > 2.5 else "below" if z < -2.5 else "not_different"
        rows.append(
            RankRow(SLUG, "khoi-dia-phuong", code, rank, 1 + above, len(codes) - below, tier, LEVEL, "pairwise_holm")
        )
    return tuple(rows) if len(codes) > 1 else ()


def _gap(first: EstimateRow, second: EstimateRow) -> float:
    return ((first.estimate or 0.0) - (second.estimate or 0.0)) / sqrt((first.se or 1.0) ** 2 + (second.se or 1.0) ** 2)


def _distributions(
    questionnaire: Questionnaire,
    units: Sequence[ArchiveUnit],
    sheets: Sequence[int],
    scores: dict[str, dict[str, float]],
    rng: random.Random,
) -> list[DistributionRow]:
    rows = []
    for unit, n in zip(units, sheets, strict=True):
        for node in questionnaire.nodes():
            if node.item is None:
                continue
            top = scores[unit.code][node.code] / 100
            split = rng.uniform(0.35, 0.65)
            shares = ((1 - top) * 0.1, (1 - top) * 0.3, (1 - top) * 0.6, top * split, top * (1 - split))
            for option, share in zip(SCALE, shares, strict=True):
                rows.append(
                    DistributionRow(
                        SLUG,
                        unit.code,
                        node.item,
                        option.code,
                        None if n < 10 else share,
                        None if n < 10 else n,
                        n < 10,
                    )
                )
    return rows


def _facts(collected: str) -> RoundFacts:
    return RoundFacts(
        slug=SLUG,
        title=Text(
            "Khảo sát mức độ hài lòng của người dân, tổ chức năm 2026",
            "Satisfaction survey of citizens and businesses 2026",
        ),
        opens_on=dt.date(2026, 9, 1),
        closes_on=dt.date(2026, 10, 15),
        issuer=Text("Sở Nội vụ tỉnh Quảng Ninh", "Quang Ninh Department of Home Affairs"),
        decision="Quyết định thử nghiệm",
        hotline="1900 0000",
        collected="elsewhere" if collected == "elsewhere" else "here",
    )


def _counts(sheets: Sequence[int], collected: str) -> Counts:
    n = sum(sheets)
    issued = 0 if collected == "elsewhere" else round(n / 0.687)
    return Counts(issued=issued, spent=n, spooled=n, sealed=n, rejected={})
