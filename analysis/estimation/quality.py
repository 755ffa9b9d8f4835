"""Answers that look as if nobody had thought about them: columns in, flags out. A flag is a question, not a verdict.

Each rule has a code, a sentence in words with its threshold, and a source; the thresholds are `Rules`. Nothing is
deleted here or anywhere: what the flagged rows do to an index is shown beside it. Bursts are not looked for, since an
archive holds no time; neither are near-duplicates, for which chance has no good model.

Sources: Johnson (2005), "Ascertaining the validity of individual protocols", Journal of Research in Personality 39
(longest run of equal answers); Dunn, Heggestad, Shanock and Theilgard (2018), "Intra-individual response variability as
an indicator of insufficient effort responding", Journal of Business and Psychology 33; Greszki, Meyer and Schoen
(2015), "Exploring the effects of removing too fast responses", Public Opinion Quarterly 79 (speed); Slomczynski,
Powalko and Krauze (2017), "Non-unique records in international survey projects", Survey Research Methods 11.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

FlagCode = Literal["straight_line", "low_variability", "item_nonresponse", "fast", "duplicate"]
STRAIGHT_LINE: FlagCode = "straight_line"
LOW_VARIABILITY: FlagCode = "low_variability"
ITEM_NONRESPONSE: FlagCode = "item_nonresponse"
FAST: FlagCode = "fast"
DUPLICATE: FlagCode = "duplicate"
FLAGS: tuple[FlagCode, ...] = (STRAIGHT_LINE, LOW_VARIABILITY, ITEM_NONRESPONSE, FAST, DUPLICATE)

UNKNOWN_SPEED, USUAL, QUICK, TOO_QUICK = -1, 0, 1, 2

# People are compared with those of like satisfaction: as many classes as leave each this many rows, and no more than
# the second number.
_ROWS_A_CLASS, _MOST_CLASSES = 200, 20


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds of all rules; a round's plan has them under `quality`, and these are their values otherwise.

    Attributes:
        straight_line_items: a block with fewer rated items is not looked at.
        straight_line_share: the longest run of equal ratings, as a share of the block's rated items, from which on a
            row is straight-lined.
        low_variability: the standard deviation of a row's ratings in a block, as a share of the scale's range, below
            which they hardly vary.
        missing_share: the share of the asked items without an answer ("don't know" is none, "not applicable" is one)
            from which on a row is flagged.
        seconds_per_item: what is quicker, per asked item, nobody can have read.
        share_of_median: what is quicker than this share of the median is quick.
        duplicate_items: a row with fewer ratings is not compared.
        level: confidence at which duplicates, unusual groups and gaps between channels are called, each family whole.
    """

    straight_line_items: int = 8
    straight_line_share: float = 1.0
    low_variability: float = 0.06
    missing_share: float = 0.5
    seconds_per_item: float = 3.0
    share_of_median: float = 0.5
    duplicate_items: int = 10
    level: float = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The ratings of n rows on K items of one scale.

    Attributes:
        ratings: (n, K), in the order the items are asked: the place of the rating on the scale, from 0 for the lowest;
            -1 where there is none.
        values: (C,) what the places are worth, ascending.
    """

    ratings: Codes
    values: Floats


def longest_runs(block: Block) -> Integers:
    """The longest run of equal ratings (n,) of each row, in the order asked; what is not rated does not break it."""
    ratings = block.ratings
    longest: Integers = np.zeros(len(ratings), dtype=np.int64)
    current, last = longest.copy(), np.full(len(ratings), -1, dtype=np.int8)
    for column in ratings.T:
        is_rated = column >= 0
        current = np.where(is_rated, np.where(column == last, current + 1, 1), current)
        last = np.where(is_rated, column, last)
        np.maximum(longest, current, out=longest)
    return longest


def response_variability(block: Block) -> Floats:
    """The standard deviation (n,) of each row's ratings over the scale's range, 0 to 0.5; NaN below two ratings.

    Source: Dunn et al. (2018), with n in the denominator.
    """
    is_rated = block.ratings >= 0
    n_rated = is_rated.sum(axis=1)
    worth = np.where(is_rated, block.values[np.maximum(block.ratings, 0)] - block.values[0], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = worth.sum(axis=1) / n_rated
        variance = (np.where(is_rated, worth - mean[:, None], 0.0) ** 2).sum(axis=1) / n_rated
    spread: Floats = np.sqrt(variance) / (block.values[-1] - block.values[0])
    return np.where(n_rated >= 2, spread, np.nan)


def straight_lined(blocks: Sequence[Block], rules: Rules) -> Truths:
    """Rows (n,) whose longest run reaches its share of the rated items in a block that has enough of them."""
    return _in_any_block(
        blocks, rules, lambda block, n_rated: longest_runs(block) >= rules.straight_line_share * n_rated
    )


def hardly_varied(blocks: Sequence[Block], rules: Rules) -> Truths:
    """Rows (n,) whose ratings in a block with enough of them vary less than the rule has it."""
    return _in_any_block(blocks, rules, lambda block, _: response_variability(block) < rules.low_variability)


def all_at_the_top(blocks: Sequence[Block], rules: Rules) -> Truths:
    """Rows (n,) that gave the best rating to all that they rated, of all blocks, and rated enough."""
    n_rated = sum(((block.ratings >= 0).sum(axis=1) for block in blocks), start=np.zeros(len(blocks[0].ratings)))
    n_top = sum(
        ((block.ratings == len(block.values) - 1).sum(axis=1) for block in blocks), start=np.zeros(len(n_rated))
    )
    found: Truths = (n_rated >= rules.straight_line_items) & (n_top == n_rated)
    return found


def left_unanswered(is_answered: Truths, is_asked: Truths, rules: Rules) -> Truths:
    """Rows (n,) that left too many of the asked items (n, K) without an answer; who was asked nothing left nothing."""
    n_asked = is_asked.sum(axis=1)
    n_missing = (is_asked & ~is_answered).sum(axis=1)
    found: Truths = (n_asked > 0) & (n_missing >= rules.missing_share * n_asked)
    return found


def speed_classes(seconds: Floats, n_asked: Integers, rules: Rules) -> Codes:
    """How quick each row (n,) was: TOO_QUICK to have read the items, QUICK beside the median, USUAL, UNKNOWN_SPEED.

    Arguments:
        seconds: (n,) how long answering took; NaN where it is not known.
        n_asked: (n,) the items asked.
        rules: the thresholds.
    """
    is_known = ~np.isnan(seconds)
    found: Codes = np.full(len(seconds), UNKNOWN_SPEED, dtype=np.int8)
    if not is_known.any():
        return found
    median = float(np.median(seconds[is_known]))
    found[is_known] = USUAL
    with np.errstate(invalid="ignore"):
        found[seconds < rules.share_of_median * median] = QUICK
        found[seconds < rules.seconds_per_item * n_asked] = TOO_QUICK
    return found


def duplicated(blocks: Sequence[Block], group_of_row: Integers, rules: Rules) -> Truths:
    """Rows (n,) whose ratings are those of other rows of their group, more often than chance gives.

    Only rows with enough ratings count, and among them those that are not all alike: equal rows of one level are what
    straight-lining is about. A pattern's chance is the larger of two: its share among the rows of the other groups, and
    the product of the items' shares among people of like satisfaction, averaged over these classes. A pattern that m of
    a group's n rows have is flagged where m - 1 or more of the other n - 1 would have it by chance (Poisson) with a
    probability below 1 - level, divided by the number of compared rows (Bonferroni).

    Arguments:
        blocks: the ratings of n rows.
        group_of_row: (n,) units, PSUs or both as numbers from 0.
        rules: the thresholds.
    """
    ratings = np.hstack([block.ratings for block in blocks])
    most = np.repeat([len(block.values) - 1 for block in blocks], [block.ratings.shape[1] for block in blocks])
    is_alike = np.all([_is_level(block.ratings) for block in blocks], axis=0)
    compared = np.flatnonzero(((ratings >= 0).sum(axis=1) >= rules.duplicate_items) & ~is_alike)
    found: Truths = np.zeros(len(ratings), dtype=bool)
    if len(compared) < 2:
        return found
    mine, groups = ratings[compared], group_of_row[compared]
    pattern, n_of_pattern = _patterns(mine)
    cell, cell_of_row, n_here = np.unique(groups * len(n_of_pattern) + pattern, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(n_here > 1)
    if not len(repeated):
        return found
    group, which = np.divmod(cell[repeated], len(n_of_pattern))
    first_row = np.zeros(len(n_of_pattern), dtype=np.int64)
    first_row[pattern[::-1]] = np.arange(len(mine))[::-1]
    n_of_group = np.bincount(groups)
    elsewhere = np.maximum(len(mine) - n_of_group[group], 1)
    frequency = (n_of_pattern[which] - n_here[repeated]) / elsewhere
    chance = np.maximum(frequency, _chances(mine, first_row[which], most))
    expected = (n_of_group[group] - 1) * chance
    # pdtrc(k, m) is the probability of more than k: m - 1 or more others have the pattern too.
    p_values = pdtrc(n_here[repeated] - 2, expected)
    is_flagged = np.zeros(len(cell), dtype=bool)
    is_flagged[repeated] = p_values * len(mine) < 1 - rules.level
    found[compared] = is_flagged[cell_of_row.reshape(-1)]
    return found


def _in_any_block(blocks: Sequence[Block], rules: Rules, holds: Callable[[Block, Integers], Truths]) -> Truths:
    found: Truths = np.zeros(len(blocks[0].ratings), dtype=bool)
    for block in blocks:
        n_rated = (block.ratings >= 0).sum(axis=1)
        found |= (n_rated >= rules.straight_line_items) & holds(block, n_rated)
    return found


def _is_level(ratings: Codes) -> Truths:
    """Rows (n,) whose ratings are all one; who rated nothing has nothing else."""
    lowest = np.where(ratings >= 0, ratings, np.int8(127)).min(axis=1)
    found: Truths = (ratings < 0).all(axis=1) | (lowest == ratings.max(axis=1))
    return found


def _patterns(ratings: Codes) -> tuple[Integers, Integers]:
    """The number of each row's pattern (n,), and how many rows have each (P,)."""
    rows = np.ascontiguousarray(ratings).view(np.dtype((np.void, ratings.shape[1]))).ravel()
    _, pattern, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return pattern.reshape(-1), counts


def _chances(ratings: Codes, wanted: Integers, most: Integers) -> Floats:
    """The chance (len(wanted),) of the patterns of some rows: items independent among people of like satisfaction.

    `most` (K,) is the highest place on the scale of each item.
    """
    is_rated = ratings >= 0
    level = np.where(is_rated, ratings / most, 0.0).sum(axis=1) / is_rated.sum(axis=1)
    n_classes = int(np.clip(len(ratings) // _ROWS_A_CLASS, 1, _MOST_CLASSES))
    bounds = np.quantile(level, np.arange(1, n_classes) / n_classes)
    class_of_row = np.searchsorted(bounds, level, side="right")
    n_of_class = np.bincount(class_of_row, minlength=n_classes)
    logs = np.zeros((len(wanted), n_classes))
    for k, highest in enumerate(most.tolist()):
        n_answers = highest + 2
        cell = class_of_row * n_answers + ratings[:, k] + 1
        counts = np.bincount(cell, minlength=n_classes * n_answers).reshape(n_classes, n_answers)
        # Half a row more for each answer, so that what nobody of a class gave is rare there and not impossible.
        share = (counts + 0.5) / (n_of_class[:, None] + 0.5 * n_answers)
        logs += np.log(share[:, ratings[wanted, k] + 1].T)
    chances: Floats = np.exp(logs) @ (n_of_class / len(ratings))
    return chances
