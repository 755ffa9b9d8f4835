"""The true indices of a practice population: what the estimates of a simulated round should find.

Nothing is drawn here. Satisfaction of one person with one item has a normal law around what unit, PSU, household and
way of asking add up to, so the share of each answer is a difference of two values of its distribution function.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import ndtr

from analysis.indices.profiles import option_scores
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.plan import Plan
from analysis.release.standardised_estimates import Standard
from questionnaires.model import Profile
from survey.demonstration.practice_frame import Floats, Integers, unit_tempers
from survey.demonstration.practice_people import (
    ADULTS,
    ADULTS_SHARES,
    MEAN_ADULTS,
    Population,
    factors_of,
    item_manners,
)

ON_SLIPS = "slip"


@dataclass(frozen=True, slots=True)
class TrueValue:
    """The true value of a node for a unit: as everybody would answer in the way they are asked, and on slips alone."""

    unit: str
    node: str
    truth: float
    truth_on_slips: float


@dataclass(frozen=True, slots=True)
class Everybody:
    """All cells of the frame, also those that were not drawn: whom an index is about.

    `unit` (C,) is the unit's position, -1 where people of the cell rate any unit; `people` (C,) are people or
    households, in any measure; `effects` (C,) what living there adds to satisfaction. `is_frame` says that these are
    all cells of the frame and not only the drawn ones.
    """

    unit: Integers
    people: Floats
    effects: Floats
    is_frame: bool = False


def true_indices(
    population: Population, everybody: Everybody, plan: Plan, blocs: Sequence[str] = ()
) -> tuple[TrueValue, ...]:
    """The true value of every node that the survey alone gives, for every unit: the questionnaire's own tree, and
    those of its modules where a ballot rates one unit.

    `blocs` names the bloc of each unit, which a standardised profile holds its units against; without it all are one.
    """
    questionnaire = population.questionnaire
    trees = [("", questionnaire, plan.profile_for(questionnaire))] if questionnaire.index else []
    if not questionnaire.rates_several_units:
        trees += [(f"{module.name}.", module, module.default_profile) for module in questionnaire.modules]
    found: list[TrueValue] = []
    for prefix, asked, profile_name in trees:
        profile = asked.profile(profile_name)
        tree = index_tree(asked, profile)
        mixed, on_slips = (
            _node_values(
                tree, profile, plan, true_item_means(population, everybody, tree.items, profile, channel), blocs
            )
            for channel in (None, ON_SLIPS)
        )
        found.extend(
            TrueValue(unit, prefix + node, float(mixed[u, m]), float(on_slips[u, m]))
            for u, unit in enumerate(population.units)
            for m, node in enumerate(tree.codes)
            if not np.isnan(mixed[u, m])
        )
    return tuple(found)


def _node_values(tree: IndexTree, profile: Profile, plan: Plan, means: Floats, blocs: Sequence[str]) -> Floats:
    """The values of all nodes (U, M) from the item means (U, K); NaN where hard data are missing."""
    known = np.column_stack([means, np.full((len(means), len(tree.hard)), np.nan)])
    if profile.formula != "standardised":
        return tree.values_of(known)
    standard = Standard(tree, profile, plan, np.zeros((len(tree.items), 2)))
    values: Floats = np.full((len(means), len(tree.nodes)), np.nan)
    names = np.array(blocs or [""] * len(means))
    for bloc in np.unique(names):
        values[names == bloc] = standard.nodes(standard.scores(known[names == bloc], 0)[0])
    return values


def true_item_means(
    population: Population, everybody: Everybody, items: Sequence[str], profile: Profile, channel: str | None = None
) -> Floats:
    """The mean points of each unit and item (U, K) under a profile, had everybody answered.

    With a `channel` had everybody been asked in that way; else in the shares in which codes are issued. Where the
    design multiplies by the adults of the household, adults count alike; else households do.
    """
    manners, questionnaire = population.manners, population.questionnaire
    shifts = np.array(list(manners.channel_shifts.values()))
    shares = np.array(list(manners.channel_shares.values()))
    if channel is not None:
        shifts, shares = np.array([manners.channel_shifts[channel]]), np.ones(1)
    adults_shares = ADULTS_SHARES * ADULTS if population.household else ADULTS_SHARES
    # Every combination of a household's size and a way of asking, with its share.
    moved = (manners.household_slope * (ADULTS - MEAN_ADULTS))[:, None] + shifts
    weight = np.outer(adults_shares / adults_shares.sum(), shares / shares.sum())
    general, special = unit_tempers(population.units, factors_of(questionnaire), population.seed, manners)
    found = np.zeros((len(population.units), len(items)))
    known = item_manners(questionnaire, population.seed)
    for u in range(len(population.units)):
        is_here = (everybody.unit == u) | (everybody.unit < 0)
        effects, people = everybody.effects[is_here], everybody.people[is_here]
        level = (general[u] + effects[:, None, None] + moved).ravel()
        share = (people[:, None, None] / people.sum() * weight).ravel()
        for k, code in enumerate(items):
            manner, item = known[code], questionnaire.item(code)
            points = option_scores(item, profile)
            worth = np.array([points[item.accepted_codes[place]] for place in manner.best_last])
            centre = level + special[u, manner.factor] + manner.offset
            # The points gained by passing each threshold, times the share of people who do.
            passed = ndtr(centre[:, None] - manner.cuts)
            found[u, k] = worth[0] + share @ (passed @ np.diff(worth))
    return found


def truth_csv(values: Sequence[TrueValue]) -> bytes:
    """The true values as a file of their columns."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in fields(TrueValue)])
    writer.writerows((one.unit, one.node, f"{one.truth:.6f}", f"{one.truth_on_slips:.6f}") for one in values)
    return stream.getvalue().encode()
