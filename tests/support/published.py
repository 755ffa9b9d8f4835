"""An instance with a published round, its edition made by hand, for tests of the pages that show editions."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from analysis.release.edition import MANIFEST, Edition, write_edition
from analysis.release.plan import Plan, plan_source
from analysis.sealed_folders import sha256_hex
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Text
from support.editions import make_edition
from survey.notices import Notice
from survey.rounds import RoundRequest, create_round, mark_published, mark_sealed
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

SIGNER = PrivateKeySigner.from_seed(bytes(range(32)))
SHEETS = (412, 230, 25, 310, 7, 188, 240, 150, 260)
REFERENCE = "sipas/2017.1"


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


def publish_by_hand(settings: Settings, stores: Stores, edition: Edition) -> Path:
    """The folder of the edition, written into the instance and recorded; the first one brings its round with it."""
    slug = edition.facts.slug
    if edition.number == 1:
        _add_round(settings, stores, edition)
    out = settings.instance / "editions" / slug / str(edition.number)
    documents = {f"{unit.code}.pdf": b"%PDF-1.7 " + unit.code.encode() for unit in edition.units}
    documents |= {f"league-{code}.pdf": b"%PDF-1.7 league" for code, _ in edition.blocs}
    write_edition(edition, out, documents, SIGNER)
    mark_published(
        stores,
        slug,
        number=edition.number,
        manifest_hash=sha256_hex((out / MANIFEST).read_bytes()),
        published_on=edition.published_on,
        reason=edition.reason,
    )
    return out


def corrected(edition: Edition, reason: str) -> Edition:
    """The next edition of the same round."""
    later = edition.published_on + timedelta(days=30)
    return replace(edition, number=edition.number + 1, reason=reason, published_on=later)


def _add_round(settings: Settings, stores: Stores, edition: Edition) -> None:
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
    )
    create_round(stores, request, date(2026, 8, 1))
    mark_sealed(stores, facts.slug, archive_hash="ab" * 32, n_sealed=edition.counts.sealed, n_rejected=0)
