"""How often an adversary was right, and how often at most in the long run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.99
MARGIN = 0.02
WON = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """Right guesses among all of them, over one or more rounds."""

    n_right: int
    n_all: int

    @property
    def rate(self) -> float:
        return self.n_right / self.n_all

    @property
    def upper(self) -> float:
        """The upper 99 % bound of the rate, one-sided; right guesses of a random matching are Poisson."""
        from scipy.stats import chi2

        return min(1.0, float(chi2.ppf(CONFIDENCE, 2 * (self.n_right + 1))) / 2 / self.n_all)

    def __add__(self, other: "Score") -> "Score":
        return Score(self.n_right + other.n_right, self.n_all + other.n_all)


def score(guess: dict[int, int], truth: Sequence[int]) -> Score:
    """The guess against the truth: the answer of each arrival."""
    return Score(sum(guess.get(arrival) == answer for arrival, answer in enumerate(truth)), len(truth))


def allowed(k: int) -> float:
    """The bar of criterion 1."""
    return 1 / k + MARGIN


def percent(rate: float) -> str:
    """A rate for a table."""
    return f"{100 * rate:.2f} %" if rate < 0.1 else f"{100 * rate:.1f} %" if not math.isclose(rate, 1) else "100 %"
