"""Practice people and what they answer: arrays that follow from a questionnaire, the cells of a design and a seed.

Satisfaction with an item is one number, z = unit + factor + PSU + household + way of asking + person + chance, and the
answer is how many of the item's thresholds it passes. Person and chance together have the standard deviation 1, so
that the true share of every answer is known without drawing anybody; see `practice_truth`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from questionnaires.model import Condition, Item, Node, Questionnaire, Section
from survey.demonstration.practice_frame import PEOPLE, TEMPER, Floats, Integers, Manners, stream_of, unit_tempers

# How many of ten who are invited answer.
RESPONSE_RATE = 0.62
ADULTS, ADULTS_SHARES = np.arange(1, 7), np.array([0.12, 0.42, 0.20, 0.16, 0.07, 0.03])
MEAN_ADULTS = float(ADULTS @ ADULTS_SHARES)
# Five options are chosen by 0.4, 4, 13, 29 and 54 of a hundred where nothing moves them.
_LEANING = 3.5
_ITEM_SPREAD = 0.15
_RESERVED_SHARE = 0.03
_COMMENT_SHARE = 0.04
_COMMENTS = (
    "Trả lời thử: mong có thêm ghế ngồi chờ.",
    "Trả lời thử: cán bộ hướng dẫn tận tình, xin cảm ơn.",
    "Trả lời thử: hồ sơ trả đúng hẹn.",
    "Trả lời thử: nên báo trước khi thiếu giấy tờ.",
)

# The answers of N people or ratings to one item: positions in `accepted_codes` (N,), -1 where there is none, of a
# single choice; numbers (N,), NaN where there is none; 0, 1 or -1 for each choice of a multiple one (N, C).
Column = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PracticeCells:
    """The cells that invitations go to, C of them, and who lives there.

    `unit` (C,) is the position of the unit, -1 where a ballot may rate any. `people` (C,) is 0 where nobody counted
    them, `effects` (C,) what living there adds to satisfaction.
    """

    unit: Integers
    strata: tuple[str, ...]
    psus: tuple[str, ...]
    people: Integers
    effects: Floats


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that the answers follow from. `household` is the item that asks for the adults, or None.

    `draw` tells samples of the same people apart.
    """

    questionnaire: Questionnaire
    units: tuple[str, ...]
    cells: PracticeCells
    household: str | None
    seed: int
    manners: Manners
    draw: int = 0

    @property
    def channels(self) -> tuple[str, ...]:
        """The ways of asking."""
        return tuple(self.manners.channel_shares)


@dataclass(frozen=True, slots=True)
class PracticeAnswers:
    """The answers of N people with R ratings: one a person, in the same order, unless ballots rate several units.

    `cell` and `channel` (N,) say where each comes from. `person` and `unit` (R,) say whose rating of which unit it is.
    `common` has a column of N, and `per_unit` one of R, for each item.
    """

    cell: Integers
    channel: Integers
    common: Mapping[str, Column]
    person: Integers
    unit: Integers
    per_unit: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class ItemManner:
    """How an item on a scale is answered: positions of its options from the worst to the best, and the thresholds."""

    best_last: Integers
    cuts: Floats
    offset: float
    factor: int


def issue_counts(population: Population, n_respondents: int) -> Integers:
    """How many codes to issue for each cell and channel (C, W), so that n people can be expected to answer.

    Cells get equal numbers, as far as they have the people.
    """
    people = population.cells.people
    most = np.where(people > 0, people, np.iinfo(np.int32).max)
    wanted = int(np.ceil(n_respondents / RESPONSE_RATE))
    counts = np.zeros(len(most), dtype=np.int64)
    while (left := wanted - int(counts.sum())) > 0:
        is_open = counts < most
        if not is_open.any():
            break
        turn = np.flatnonzero(is_open)
        share, rest = divmod(left, len(turn))
        counts[turn] += share
        counts[turn[:rest]] += 1
        counts = np.minimum(counts, most)
    shares = np.cumsum(list(population.manners.channel_shares.values()))
    bounds = np.rint(counts[:, None] * np.concatenate([[0.0], shares / shares[-1]])).astype(np.int64)
    per_channel: Integers = np.diff(bounds, axis=1)
    return per_channel


def draw_answers(population: Population, issued: Integers, n_respondents: int) -> PracticeAnswers:
    """Who of the invited answers, and what: exactly n people of the `issued` (C, W), at most all of them."""
    draw, manners, cells = (
        stream_of(population.seed, PEOPLE, str(population.draw)),
        population.manners,
        population.cells,
    )
    n_channels = len(population.channels)
    place = np.repeat(np.arange(issued.size), issued.ravel())
    cell, channel = place // n_channels, place % n_channels
    person = draw.normal(0, 1, len(place))
    spread = manners.psu_spread or 1.0
    leaning = manners.response_of_psu * cells.effects[cell] / spread + manners.response_of_person * person
    eagerness = leaning + draw.logistic(0, 1, len(place))
    chosen = np.sort(np.argsort(-eagerness, kind="stable")[:n_respondents])
    # People answer in no order; the cells' order would show in the spool.
    chosen = draw.permutation(chosen)
    cell, channel, person = cell[chosen], channel[chosen], person[chosen]
    adults = draw.choice(ADULTS, len(cell), p=ADULTS_SHARES).astype(np.float64)
    latent = (
        cells.effects[cell]
        + manners.household_slope * (adults - MEAN_ADULTS)
        + np.array(list(manners.channel_shifts.values()))[channel]
        + manners.person_spread * person
    )
    who, unit = _ratings(population, cell, draw)
    factors = factors_of(population.questionnaire)
    general, special = unit_tempers(population.units, factors, population.seed, manners)
    answering, questionnaire = _Answering(population, draw), population.questionnaire
    if not questionnaire.rates_several_units:
        # The only unit of a person is what every item is about.
        columns = answering.columns(questionnaire.sections, latent + general[unit], special[unit], adults, {})
        return PracticeAnswers(cell, channel, columns, who, unit, {})
    common = answering.columns(questionnaire.common_sections, latent, None, adults, {})
    known = {code: column[who] for code, column in common.items()}
    per_unit = answering.columns(
        questionnaire.per_unit_sections, latent[who] + general[unit], special[unit], adults[who], known
    )
    return PracticeAnswers(cell, channel, common, who, unit, per_unit)


def factors_of(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The factors below the roots of all trees, after "" for what belongs to none."""
    return ("", *(factor.code for root in _roots(questionnaire) for factor in root.children))


def item_manners(questionnaire: Questionnaire, seed: int) -> dict[str, ItemManner]:
    """How each item on a scale is answered; items with options of no value have no better and worse."""
    factors = factors_of(questionnaire)
    factor_of, is_reversed = {}, {}
    for root in _roots(questionnaire):
        for factor in root.children:
            for leaf in _leaves(factor):
                if leaf.item is not None:
                    factor_of[leaf.item] = factors.index(factor.code)
                    is_reversed[leaf.item] = leaf.reversed
    found = {}
    for item in questionnaire.items:
        valued = [(option.value, place) for place, option in enumerate(item.options) if option.value is not None]
        if item.kind != "single" or len({value for value, _ in valued}) < 2:
            continue
        ordered = [place for _, place in sorted(valued, reverse=is_reversed.get(item.code, False))]
        shares = (np.arange(1, len(ordered)) / len(ordered)) ** _LEANING
        offset = float(stream_of(seed, TEMPER, f"item/{item.code}").normal(0, _ITEM_SPREAD))
        found[item.code] = ItemManner(np.array(ordered), ndtri(shares), offset, factor_of.get(item.code, 0))
    return found


def form_of(
    questionnaire: Questionnaire, columns: Mapping[str, Column], row: int, prefix: str = ""
) -> dict[str, list[str]]:
    """What one person, or one rating, sends: the values of the form's fields, as `check_answers` takes them."""
    form: dict[str, list[str]] = {}
    for item in questionnaire.items:
        if item.code not in columns:
            continue
        values = _values(item, columns[item.code], row)
        if values:
            form[prefix + item.code] = values
    return form


def _values(item: Item, column: Column, row: int) -> list[str]:
    if item.kind == "multiple":
        return [code for code, chosen in zip(item.accepted_codes, column[row], strict=True) if chosen == 1]
    if item.kind == "number":
        return [] if np.isnan(column[row]) else [f"{column[row]:.0f}" if item.whole else f"{column[row]:.1f}"]
    if column[row] < 0:
        return []
    return [_COMMENTS[int(column[row])] if item.kind == "text" else item.accepted_codes[int(column[row])]]


def _ratings(population: Population, cell: Integers, draw: np.random.Generator) -> tuple[Integers, Integers]:
    """Whose rating of which unit each is: the unit of the cell, or some units that a firm has dealt with."""
    if not population.questionnaire.rates_several_units:
        return np.arange(len(cell)), population.cells.unit[cell]
    n_units = len(population.units)
    most = min(population.questionnaire.most_units, n_units)
    popularity = np.array(
        [stream_of(population.seed, TEMPER, f"known/{unit}").normal(0, 0.5) for unit in population.units]
    )
    wishes = popularity + draw.gumbel(size=(len(cell), n_units))
    favourites = np.argsort(-wishes, axis=1)[:, :most]
    n_rated = 1 + draw.binomial(most - 1, 0.45, len(cell))
    is_rated = np.arange(most) < n_rated[:, None]
    return np.nonzero(is_rated)[0].astype(np.int64), favourites[is_rated].astype(np.int64)


def _roots(questionnaire: Questionnaire) -> list[Node]:
    trees = (questionnaire, *questionnaire.modules)
    return [tree.index for tree in trees if tree.index is not None]


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


class _Answering:
    """Draws the columns of sections, one item after the other, each only where it is asked."""

    def __init__(self, population: Population, draw: np.random.Generator) -> None:
        self.population, self.draw = population, draw
        self.manners = item_manners(population.questionnaire, population.seed)
        self.items = {item.code: item for item in population.questionnaire.items}

    def columns(
        self,
        sections: Sequence[Section],
        latent: Floats,
        special: Floats | None,
        adults: Floats,
        known: Mapping[str, Column],
    ) -> dict[str, Column]:
        """The answers to the items of some sections: `latent` (N,) for all items, `special` (N, F) by factor."""
        found: dict[str, Column] = {}
        chance = np.sqrt(1 - self.population.manners.person_spread**2)
        for section in sections:
            for item in section.items:
                answered = {**known, **found}
                is_asked = self._holds(section.show_if, answered, len(latent))
                is_asked &= self._holds(item.show_if, answered, len(latent))
                if not item.required:
                    is_asked &= self.draw.random(len(latent)) >= self.population.manners.missing
                manner = self.manners.get(item.code)
                if manner is not None:
                    z = latent + manner.offset + chance * self.draw.normal(0, 1, len(latent))
                    z = z if special is None else z + special[:, manner.factor]
                    column: Column = manner.best_last[np.searchsorted(manner.cuts, z)]
                else:
                    column = self._unscaled(item, adults)
                found[item.code] = self._only(item, column, is_asked)
        return found

    def _unscaled(self, item: Item, adults: Floats) -> Column:
        n = len(adults)
        if item.kind == "number":
            low, high = item.minimum or 0.0, item.maximum if item.maximum is not None else 100.0
            if item.code == self.population.household:
                return np.clip(adults, low, high)
            number = low + (high - low) * self.draw.beta(1.6, 3.0, n)
            return np.floor(number) if item.whole else np.round(number, 1)
        if item.kind == "text":
            return np.where(self.draw.random(n) < _COMMENT_SHARE, self.draw.integers(0, len(_COMMENTS), n), -1)
        if item.kind == "multiple":
            chosen = (self.draw.random((n, len(item.accepted_codes))) < 0.3).astype(np.int64)
            chosen[:, len(item.options) :] = 0
            for place, option in enumerate(item.options):
                if option.exclusive:
                    chosen[:, place] = 0
            # Whoever ticked nothing has an answer all the same where one is required: the first that there is.
            chosen[chosen.sum(axis=1) == 0, 0] = 1
            return chosen
        # The first answers are the usual ones: "yes", an ordinary procedure, the ward's own hall.
        likely = np.arange(len(item.options), 0, -1, dtype=np.float64)
        return self.draw.choice(len(likely), n, p=likely / likely.sum()).astype(np.int64)

    def _only(self, item: Item, column: Column, is_asked: npt.NDArray[np.bool_]) -> Column:
        if item.kind == "number":
            return np.where(is_asked, column, np.nan)
        if item.kind == "multiple":
            return np.where(is_asked[:, None], column, -1)
        if item.kind == "single":
            for place in range(len(item.options), len(item.accepted_codes)):
                column = np.where(self.draw.random(len(column)) < _RESERVED_SHARE, place, column)
        return np.where(is_asked, column, -1)

    def _holds(self, condition: Condition | None, known: Mapping[str, Column], n: int) -> npt.NDArray[np.bool_]:
        if condition is None:
            return np.ones(n, dtype=bool)
        if condition.item not in known:
            return np.zeros(n, dtype=bool)
        codes = self.items[condition.item].accepted_codes
        places = [codes.index(code) for code in condition.any_of]
        column = known[condition.item]
        if column.ndim == 2:
            return np.asarray((column[:, places] == 1).any(axis=1))
        return np.isin(column, places)
