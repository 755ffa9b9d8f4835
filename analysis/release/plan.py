"""The plan of a round's analysis: every statistical choice, written down before the answers are seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from analysis.coarsening import STEPS
from analysis.errors import PlanError
from analysis.release.context_plan import ContextPlan, context_source, read_context, refuse_strange_items
from analysis.release.disclosure_plan import DisclosurePlan, disclosure_source, read_disclosure
from analysis.release.points_plan import PointsRule, points_source, read_points
from analysis.release.quality_rules import QualityPlan, quality_source, read_quality
from analysis.release.release_plan import ReleasePlan, read_release, release_source
from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import read_marked
from questionnaires.model import Questionnaire
from questionnaires.records import Notes, Record

FORMAT = 1
# What the people who answer are promised; a round's plan may hide more, never less.
FEWEST_SHOWN = 10

Aggregate = Literal["persons", "units"]
LonelyPsu = Literal["fail", "remove", "adjust", "average", "certainty"]
Interval = Literal["t", "logit"]

_KEYS = (
    "plan", "version", "profile", "aggregate", "level", "suppress_below", "caution_below", "coarsening", "decimals",
    "lonely_psu", "standardisation", "interval", "ranking", "quality",
    "disclosure", "release", "importance", "subgroups", "points",
)  # fmt: skip
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")
_PROFILE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STEP = re.compile("|".join(STEPS))
_INDICATOR = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Standardisation:
    """What a standardised profile needs to be told beside itself.

    The intervals come from `draws` draws that follow from `seed`. `earlier` has the lowest and the highest that units
    had in earlier years, by the code of an item (a mean on its scale) or of an indicator of the hard data; the extremes
    of this round are pooled with them.
    """

    draws: int = 2000
    seed: int = 20260701
    earlier: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How many draws the critical values of rank sets rest on, and the seed that they follow from."""

    draws: int = 2000
    seed: int = 20260702


@dataclass(frozen=True, slots=True)
class Plan:
    """How a round is analysed. Each published figure carries the plan's version.

    `profile` is "" for the questionnaire's own default. `aggregate` says what a bloc's figure means: "persons", the
    whole population with design weights, or "units", the plain mean of its units. `level` is the confidence, between
    0 and 1. Fewer than `suppress_below` respondents or answers are not shown, fewer than `caution_below` are shown
    with a caution. No combination of unit, stratum, PSU and channel with fewer than `coarsening_k` responses enters
    an archive. `standardisation` matters to standardised profiles only. `interval` says how an interval is made: "t"
    around the figure, or "logit", which keeps inside the scale; a standardised profile has its own.
    """

    version: str = "1"
    profile: str = ""
    aggregate: Aggregate = "persons"
    level: float = 0.95
    suppress_below: int = 10
    caution_below: int = 30
    coarsening_k: int = 10
    coarsening_steps: tuple[str, ...] = STEPS
    decimals: int = 1
    lonely_psu: LonelyPsu = "fail"
    standardisation: Standardisation = Standardisation()
    interval: Interval = "t"
    ranking: Ranking = Ranking()
    quality: QualityPlan = field(default_factory=QualityPlan)
    disclosure: DisclosurePlan = field(default_factory=DisclosurePlan)
    release: ReleasePlan = field(default_factory=ReleasePlan)
    context: ContextPlan = field(default_factory=ContextPlan)
    points: tuple[PointsRule, ...] = ()

    def profile_for(self, questionnaire: Questionnaire) -> str:
        """The name of the profile that scores this questionnaire: the plan's, or the questionnaire's default.

        Raises PlanError when the questionnaire has no such profile, or no scoring tree at all, and when the extremes of
        earlier years are none of the questionnaire's indicators, or the outcome or a subgroup none of its questions.
        """
        name = self.profile or questionnaire.default_profile
        known = [profile.name for profile in questionnaire.profiles]
        if not known:
            raise PlanError(f"{questionnaire.reference}: found no scoring tree, expected one to compute an index with")
        if name not in known:
            raise PlanError(f"profile: found {name!r}, expected one of {', '.join(known)} of {questionnaire.reference}")
        if self.standardisation.earlier:
            _refuse_strange_extremes(self.standardisation.earlier, questionnaire, name)
        refuse_strange_items(self.context, questionnaire, name)
        return name


def _refuse_strange_extremes(
    earlier: Mapping[str, tuple[float, float]], questionnaire: Questionnaire, profile_name: str
) -> None:
    if questionnaire.profile(profile_name).formula != "standardised":
        raise PlanError(
            f"standardisation.earlier: found extremes beside the profile {profile_name}, expected them with a "
            "standardised profile only"
        )
    criteria = [node for node in questionnaire.nodes(profile_name) if not node.children]
    known = {node.item or node.code: node for node in criteria}
    for code, (low, high) in earlier.items():
        if code not in known:
            raise PlanError(
                f"standardisation.earlier: found {code!r}, expected an item or an indicator of the hard data that "
                f"{profile_name} of {questionnaire.reference} counts"
            )
        if known[code].item is None:
            continue
        values = [option.value for option in questionnaire.item(code).options if option.value is not None]
        if not min(values) <= low <= high <= max(values):
            raise PlanError(
                f"standardisation.earlier.{code}: found {low:g} to {high:g}, expected means on the item's scale, "
                f"from {min(values):g} to {max(values):g}"
            )


def parse_plan(source: bytes, origin: str) -> Plan:
    """The plan in a YAML file; what the file leaves out has the value of `Plan()`.

    Raises PlanError with the file, the line, what was found and what was expected.
    """
    try:
        notes = Notes(origin)
        record = Record(read_marked(source, origin, "a plan"), "", notes, _KEYS)
        plan = _plan(record)
        notes.raise_if_any()
    except QuestionnaireError as complaint:
        raise PlanError(str(complaint)) from None
    return plan


def refuse_indiscreet(plan: Plan, origin: str) -> None:
    """Raise PlanError when a plan would show a figure of fewer than ten people, whom a reader might recognise."""
    if plan.suppress_below < FEWEST_SHOWN:
        raise PlanError(
            f"{origin}: suppress_below: found {plan.suppress_below}, expected at least {FEWEST_SHOWN}: "
            "that is what the people who answer are promised"
        )


def default_plan(questionnaire: Questionnaire, *, has_population: bool = False) -> Plan:
    """The plan of a round that brings none: the questionnaire's default profile, 95 %, suppression below 10.

    Where the design knows the population a bloc's figure is its people's, otherwise the plain mean of its units.
    """
    # The figure of a standardised bloc is the plain mean of its units, whatever else is known of their people.
    is_standardised = any(
        profile.formula == "standardised" and profile.name == questionnaire.default_profile
        for profile in questionnaire.profiles
    )
    aggregate: Aggregate = "persons" if has_population and not is_standardised else "units"
    return Plan(profile=questionnaire.default_profile, aggregate=aggregate)


def plan_source(plan: Plan) -> bytes:
    """The YAML of a plan, so that an archive always carries one; `parse_plan` gives the plan back."""
    steps = ", ".join(plan.coarsening_steps)
    profile = f"profile: {plan.profile}\n" if plan.profile else ""
    return (
        f'plan: {FORMAT}\nversion: "{plan.version}"\n{profile}aggregate: {plan.aggregate}\nlevel: {plan.level}\n'
        f"suppress_below: {plan.suppress_below}\ncaution_below: {plan.caution_below}\ndecimals: {plan.decimals}\n"
        f"lonely_psu: {plan.lonely_psu}\ncoarsening:\n  k: {plan.coarsening_k}\n  steps: [{steps}]\n"
        + _standardisation_source(plan.standardisation)
        + ("" if plan.interval == "t" else f"interval: {plan.interval}\n")
        + _ranking_source(plan.ranking)
        + quality_source(plan.quality)
        + disclosure_source(plan.disclosure)
        + release_source(plan.release)
        + context_source(plan.context)
        + points_source(plan.points)
    ).encode()


def _ranking_source(ranking: Ranking) -> str:
    return "" if ranking == Ranking() else f"ranking: {{draws: {ranking.draws}, seed: {ranking.seed}}}\n"


def _standardisation_source(standardisation: Standardisation) -> str:
    if standardisation == Standardisation():
        return ""
    earlier = "".join(f"    {code}: [{low!r}, {high!r}]\n" for code, (low, high) in standardisation.earlier.items())
    heading = "  earlier:\n" if earlier else ""
    return f"standardisation:\n  draws: {standardisation.draws}\n  seed: {standardisation.seed}\n{heading}{earlier}"


def _plan(record: Record) -> Plan:
    default = Plan()
    record.number("plan", is_required=True, within=(FORMAT, FORMAT))
    coarsening = record.record("coarsening", ("k", "steps"))
    return Plan(
        version=record.word("version", 'a version in quotes, such as "2026.1"', _VERSION),
        profile=record.word("profile", "the name of a profile", _PROFILE, is_required=False),
        aggregate=cast(Aggregate, _choice(record, "aggregate", get_args(Aggregate), default.aggregate)),
        level=_level(record, default.level),
        suppress_below=_whole(record, "suppress_below", default.suppress_below, (1, 1000)),
        caution_below=_whole(record, "caution_below", default.caution_below, (1, 10000)),
        coarsening_k=_whole(coarsening, "k", default.coarsening_k, (1, 1000)) if coarsening else default.coarsening_k,
        coarsening_steps=coarsening.words("steps", f"one of {', '.join(STEPS)}", _STEP, (0, len(STEPS)))
        if coarsening and coarsening.has("steps")
        else default.coarsening_steps,
        decimals=_whole(record, "decimals", default.decimals, (0, 6)),
        lonely_psu=cast(LonelyPsu, _choice(record, "lonely_psu", get_args(LonelyPsu), default.lonely_psu)),
        standardisation=_standardisation(record, default.standardisation),
        interval=cast(Interval, _choice(record, "interval", get_args(Interval), default.interval)),
        ranking=_ranking(record, default.ranking),
        quality=read_quality(record),
        disclosure=read_disclosure(record),
        release=read_release(record),
        context=read_context(record),
        points=read_points(record),
    )


def _ranking(record: Record, default: Ranking) -> Ranking:
    given = record.record("ranking", ("draws", "seed"))
    if given is None:
        return default
    return Ranking(
        draws=_whole(given, "draws", default.draws, (200, _MOST_DRAWS)),
        seed=_whole(given, "seed", default.seed, (0, 999_999_999)),
    )


def _standardisation(record: Record, default: Standardisation) -> Standardisation:
    given = record.record("standardisation", ("draws", "seed", "earlier"))
    if given is None:
        return default
    earlier: dict[str, tuple[float, float]] = {}
    expected = "the code of an item or of an indicator of the hard data"
    for code, holder in given.named_lists("earlier", expected, _INDICATOR):
        extremes = holder.numbers(code, (2, 2))
        if len(extremes) != 2:
            continue
        if extremes[0] > extremes[1]:
            holder.complain(code, f"found {extremes[0]:g} before {extremes[1]:g}, expected the lowest and the highest")
        earlier[code] = (extremes[0], extremes[1])
    return Standardisation(
        draws=_whole(given, "draws", default.draws, (200, _MOST_DRAWS)),
        seed=_whole(given, "seed", default.seed, (0, 999_999_999)),
        earlier=earlier,
    )


def _choice(record: Record, key: str, allowed: tuple[str, ...], default: str) -> str:
    return (record.one_of(key, allowed) or default) if record.has(key) else default


def _whole(record: Record, key: str, default: int, within: tuple[int, int]) -> int:
    number = record.number(key, within=within)
    if number is None:
        return default
    if not number.is_integer():
        record.complain(key, f"found the number {number:g}, expected a whole number")
    return int(number)


def _level(record: Record, default: float) -> float:
    level = record.number("level", within=(0, 1))
    if level is None:
        return default
    # A level of 95 would pass for 0.95 in a hurry, and a level of one has no finite interval.
    if not 0.5 <= level < 1:
        record.complain("level", f"found the number {level:g}, expected a confidence such as 0.95")
    return level
