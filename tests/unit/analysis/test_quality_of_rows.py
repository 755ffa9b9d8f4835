"""Flags on rows, against a person reading the sheets one by one."""

from itertools import groupby
from statistics import pstdev

import numpy as np
import pytest

from analysis.estimation.quality import (
    QUICK,
    TOO_QUICK,
    UNKNOWN_SPEED,
    USUAL,
    Block,
    Rules,
    all_at_the_top,
    duplicated,
    hardly_varied,
    left_unanswered,
    longest_runs,
    response_variability,
    speed_classes,
    straight_lined,
)

FIVE = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def block_of(*rows: str) -> Block:
    """A block from rows such as "55-4": the place on the scale from 1, a dash where there is no rating."""
    return Block(np.array([[-1 if c == "-" else int(c) - 1 for c in row] for row in rows], dtype=np.int8), FIVE)


def random_block(n: int, n_items: int, seed: int) -> Block:
    random = np.random.default_rng(seed)
    ratings = random.integers(-1, 5, (n, n_items)).astype(np.int8)
    # Half of the rows lean to one answer, as people do.
    ratings[::2] = np.where(random.random(ratings[::2].shape) < 0.8, 3, ratings[::2])
    return Block(ratings, FIVE)


def test_runs_are_those_that_reading_a_row_gives() -> None:
    block = random_block(300, 12, 1)
    for row, longest in zip(block.ratings.tolist(), longest_runs(block).tolist(), strict=True):
        assert longest == max((len(list(run)) for _, run in groupby(c for c in row if c >= 0)), default=0)


def test_variability_is_the_standard_deviation_of_a_row_over_the_scale() -> None:
    block = random_block(300, 12, 2)
    for row, spread in zip(block.ratings.tolist(), response_variability(block).tolist(), strict=True):
        rated = [FIVE[c] for c in row if c >= 0]
        if len(rated) < 2:
            assert np.isnan(spread)
        else:
            assert spread == pytest.approx(pstdev(rated) / 4)


def test_a_straight_line_needs_enough_ratings_in_one_block() -> None:
    long = block_of("44444444", "44444443", "4-444444", "--------", "11111111")
    assert straight_lined([long], Rules()).tolist() == [True, False, False, False, True]
    # Seven ratings beside eight others are not fifteen: a block stands by itself.
    short = block_of("4444444", "4444444", "4444444", "4444444", "4444444")
    assert straight_lined([short, short], Rules()).tolist() == [False] * 5
    assert straight_lined([long], Rules(straight_line_items=7)).tolist() == [True, False, True, False, True]
    assert straight_lined([long], Rules(straight_line_share=0.8)).tolist() == [True, True, False, False, True]


def test_rows_that_hardly_vary_are_those_with_all_but_one_alike_among_many() -> None:
    rows = block_of("4" * 22, "4" * 21 + "5", "4" * 21 + "1", "54" * 11)
    assert hardly_varied([rows], Rules()).tolist() == [True, True, False, False]


def test_the_best_answer_to_everything_is_counted_over_all_scales() -> None:
    first, second = block_of("55555", "55555", "5555-"), block_of("5555", "5554", "5---")
    assert all_at_the_top([first, second], Rules()).tolist() == [True, False, False]


def test_half_of_what_was_asked_left_open_is_a_flag_and_what_was_not_asked_is_nothing() -> None:
    asked = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    answered = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]], dtype=bool)
    assert left_unanswered(answered, asked, Rules()).tolist() == [True, False, False, False]


def test_speed_is_held_against_the_items_asked_and_the_median() -> None:
    seconds = np.array([np.nan, 20.0, 100.0, 300.0, 320.0, 340.0])
    asked = np.full(6, 10)
    classes = speed_classes(seconds, asked, Rules()).tolist()
    assert classes == [UNKNOWN_SPEED, TOO_QUICK, QUICK, USUAL, USUAL, USUAL]
    assert speed_classes(np.full(2, np.nan), asked[:2], Rules()).tolist() == [UNKNOWN_SPEED] * 2


def answers_of(n: int, n_items: int, seed: int) -> np.ndarray:
    """Honest answers: people differ, and so do their answers."""
    random = np.random.default_rng(seed)
    person = random.normal(0, 0.8, (n, 1))
    return np.clip(np.rint(3.2 + person + 0.7 * random.normal(0, 1, (n, n_items))) - 1, 0, 4).astype(np.int8)


def test_copies_are_found_and_honest_rows_left_in_peace() -> None:
    ratings, groups = answers_of(4000, 20, 3), np.repeat(np.arange(20), 200)
    assert not duplicated([Block(ratings, FIVE)], groups, Rules()).any()
    ratings[101:106] = ratings[100]
    found = duplicated([Block(ratings, FIVE)], groups, Rules())
    assert np.flatnonzero(found).tolist() == list(range(100, 106))
    # The same copies strewn over other groups are one in each.
    assert not duplicated([Block(ratings, FIVE)], np.arange(4000) % 500, Rules()).any()


def test_straight_lines_are_never_duplicates() -> None:
    ratings = answers_of(1000, 20, 4)
    ratings[:100] = 3
    ratings[100:130] = -1
    assert not duplicated([Block(ratings, FIVE)], np.zeros(1000, dtype=np.int64), Rules())[:130].any()


def test_a_pattern_that_others_have_as_often_is_no_copy() -> None:
    ratings, groups = answers_of(4000, 20, 5), np.repeat(np.arange(20), 200)
    usual = ratings[0].copy()
    ratings[::40] = usual  # five in each group: what people of this place say
    assert not duplicated([Block(ratings, FIVE)], groups, Rules()).any()


def test_too_few_ratings_are_not_compared() -> None:
    ratings = answers_of(400, 20, 6)
    ratings[:, 9:] = -1
    ratings[1:6] = ratings[0]
    assert not duplicated([Block(ratings, FIVE)], np.zeros(400, dtype=np.int64), Rules()).any()
    assert not duplicated([Block(ratings[:1], FIVE)], np.zeros(1, dtype=np.int64), Rules()).any()
