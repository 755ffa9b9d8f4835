"""An instance with a published round, its edition made by hand, for tests of the pages that show editions."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, write_edition
from analysis.release.plan import Plan, plan_source
from analysis.sealed_folders import sha256_hex
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Text
from support.editions import make_edition
from survey.demonstration import preparing
from survey.notices import Notice
from survey.previews import PreviewRecord, add_preview
from survey.releasing import preview_folder
from survey.rounds import RoundRequest, SourceFile, create_round, mark_published, mark_sealed
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

SIGNER = PrivateKeySigner.from_seed(bytes(range(32)))
SHEETS = (412, 230, 25, 310, 7, 188, 240, 150, 260)
REFERENCE = "sipas/2017.1"
QUANG_NINH = Path(preparing.__file__).with_name("quang_ninh")
PUBLISHED_INDICES = (QUANG_NINH / "published_scores.csv", QUANG_NINH / "published_breaks.csv")


def sipas_edition(sheets: tuple[int, ...] = SHEETS, *, slug: str = "sipas-2026", collected: str = "here") -> Edition:
    """An edition of one bloc with the bundled questionnaire; a unit with fewer than ten sheets is suppressed."""
    questionnaire = load_bundled(REFERENCE)
    assert questionnaire.index is not None
    factors = [
        (factor.label.vi, factor.label.en, [(leaf.label.vi, leaf.label.en) for leaf in factor.children])
        for factor in questionnaire.index.children
    ]
    drawn = make_edition(len(sheets), sheets=sheets, factors=factors, collected=collected)
    nodes = {ours.code: theirs for ours, theirs in zip(drawn.questionnaire.nodes(), questionnaire.nodes(), strict=True)}
    items = {ours.item: nodes[ours.code].item for ours in drawn.questionnaire.nodes() if ours.item is not None}
    plan = Plan(profile=questionnaire.default_profile, aggregate="units")
    return replace(
        drawn,
        facts=replace(drawn.facts, slug=slug),
        questionnaire=questionnaire,
        questionnaire_source=bundled_source(REFERENCE),
        plan=plan,
        plan_source=plan_source(plan),
        profile=questionnaire.default_profile,
        estimates=tuple(
            replace(row, round=slug, node=nodes[row.node].code, label=nodes[row.node].label.vi)
            for row in drawn.estimates
        ),
        ranks=tuple(replace(row, round=slug) for row in drawn.ranks),
        distributions=tuple(replace(row, round=slug, item=items[row.item] or row.item) for row in drawn.distributions),
    )


def country_edition(n_units: int = 3321, *, slug: str = "sipas-2026") -> Edition:
    """An edition of one bloc as large as the country's communes, of which only the index is known."""
    few = sipas_edition((120, 90), slug=slug)
    unit, other = few.units
    index, other_index = few.row(unit.code), few.row(other.code)
    rank = few.ranks[0]
    places = range(n_units)
    codes = [f"x{place:05d}" for place in places]
    values = [round(94.0 - 40.0 * place / n_units, 3) for place in places]
    tiers = ["above" if place < n_units // 10 else "below" if place >= n_units * 9 // 10 else "not_different"
             for place in places]  # fmt: skip
    return replace(
        few,
        units=tuple(
            replace(unit, code=code, name=Text(f"Xã Thử {place + 1}", f"Trial Commune {place + 1}"))
            for place, code in enumerate(codes)
        ),
        estimates=tuple(
            replace(index if place % 2 else other_index, unit=code, estimate=value, low=value - 4, high=value + 3.5)
            for place, (code, value) in enumerate(zip(codes, values, strict=True))
        )
        + tuple(row for row in few.estimates if row.unit not in (unit.code, other.code)),
        ranks=tuple(
            replace(
                rank, unit=code, rank=place + 1, rank_low=max(1, place - 300), rank_high=min(n_units, place + 300),
                tier=tier,
            )
            for place, (code, tier) in enumerate(zip(codes, tiers, strict=True))
        ),
        distributions=(),
    )  # fmt: skip


def publish_by_hand(settings: Settings, stores: Stores, edition: Edition) -> Path:
    """The folder of the edition, written into the instance and recorded; the first one brings its round with it."""
    slug = edition.facts.slug
    if edition.number == 1:
        _add_round(settings, stores, edition)
    out = settings.instance / "editions" / slug / str(edition.number)
    mark_published(
        stores,
        slug,
        number=edition.number,
        manifest_hash=_written(edition, out),
        published_on=edition.published_on,
        reason=edition.reason,
    )
    return out


def preview_by_hand(settings: Settings, stores: Stores, edition: Edition, *, plan: bytes, attempt: int = 1) -> None:
    """The edition as the preview of its round, written into the instance; the first one brings its round with it."""
    slug = edition.facts.slug
    if edition.number == attempt == 1:
        _add_round(settings, stores, edition, plan)
    preview = PreviewRecord(
        slug=slug,
        number=edition.number,
        attempt=attempt,
        manifest_hash=_written(edition, preview_folder(settings, slug, edition.number, attempt)),
        reason=edition.reason,
        prepared_by="Nguyễn Thị Lan",
        prepared_on=edition.published_on,
        publish_from=edition.published_on,
        state="current",
        note="",
        title=edition.facts.title,
    )
    add_preview(stores, preview, actor="lan")


def _written(edition: Edition, out: Path) -> str:
    """The hash of the edition's manifest, after it was written with documents that are none."""
    documents = {f"{unit.code}.pdf": b"%PDF-1.7 " + unit.code.encode() for unit in edition.units}
    documents |= {f"league-{code}.pdf": b"%PDF-1.7 league" for code, _ in edition.blocs}
    write_edition(edition, out, documents, SIGNER)
    return sha256_hex((out / MANIFEST).read_bytes())


def corrected(edition: Edition, reason: str) -> Edition:
    """The next edition of the same round."""
    later = edition.published_on + timedelta(days=30)
    return replace(edition, number=edition.number + 1, reason=reason, published_on=later)


def _add_round(settings: Settings, stores: Stores, edition: Edition, plan: bytes | None = None) -> None:
    lines = ["code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source"]
    for unit in edition.units:
        lines.append(f"{unit.code},{unit.name.vi},{unit.name.en},{unit.kind},{unit.bloc_name},,2025-07-01,,20000,9,thử")
    units = settings.instance / "units-of-test.csv"
    units.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_units(stores, units)
    facts = edition.facts
    request = RoundRequest(
        slug=facts.slug,
        questionnaire=REFERENCE,
        units="code=" + ",".join(unit.code for unit in edition.units),
        opens_on=facts.opens_on,
        closes_on=facts.closes_on,
        title=Text(facts.title.vi, facts.title.en),
        notice=Notice(issuer=facts.issuer, decision=facts.decision, hotline=facts.hotline),
        is_imported=True,
        plan=SourceFile(plan, "plan.yaml") if plan else None,
    )
    create_round(stores, request, date(2026, 8, 1))
    mark_sealed(stores, facts.slug, archive_hash="ab" * 32, n_sealed=edition.counts.sealed, n_rejected=0)
