"""A minimiser that ends where R's optim ends: Nash's variable metric method with optim's settings.

About its summit a likelihood is flat to eight digits, and what is estimated there lies a thousandth of a standard error
from the exact summit. Whoever compares with R compares with that place.

Source: Nash (1990), Compact Numerical Methods for Computers, algorithm 21; R, optim (BFGS).
"""

from collections.abc import Callable

import numpy as np

from analysis.estimation.totals import Floats

_SHRINKS = 0.2
_ACCEPTS = 1e-4
_TELLS_APART = 10.0
_RELATIVE = 2.0**-26
_MOST_STEPS = 100


def minimised(
    height: Callable[[Floats], float], slope: Callable[[Floats], Floats], start: Floats
) -> tuple[Floats, bool]:
    """Where the method ends (P,), and whether it ended by itself within 100 steps.

    Arguments:
        height: what is minimised; infinite where it does not exist, but not at the start.
        slope: its gradient (P,).
        start: where to begin (P,).
    """
    size = len(start)
    place, lowest, gradient = start.copy(), height(start), slope(start)
    metric, n_gradients, last_restart, n_steps = np.eye(size), 1, 1, 1
    while True:
        if last_restart == n_gradients:
            metric = np.eye(size)
        before, old_gradient, length = place, gradient, 1.0
        direction = -metric @ gradient
        descent = float(direction @ gradient)
        is_stuck = True
        if descent < 0:
            place, length, here, is_stuck = _searched(height, before, direction, descent, lowest)
            is_lower = abs(here - lowest) > _RELATIVE * (abs(lowest) + _RELATIVE)
            if not is_lower or not is_stuck:
                lowest = here
            is_stuck = is_stuck or not is_lower
        if not is_stuck:
            gradient = slope(place)
            n_gradients += 1
            n_steps += 1
            moved, bent = length * direction, gradient - old_gradient
            curvature = float(moved @ bent)
            if curvature > 0:
                seen = metric @ bent
                weight = 1 + float(seen @ bent) / curvature
                metric += (weight * np.outer(moved, moved) - np.outer(moved, seen) - np.outer(seen, moved)) / curvature
            else:
                last_restart = n_gradients
        elif last_restart == n_gradients:
            return place, True
        else:
            last_restart = n_gradients
        if n_steps >= _MOST_STEPS:
            return place, False
        if n_gradients - last_restart > 2 * size:
            last_restart = n_gradients


def _searched(
    height: Callable[[Floats], float], before: Floats, direction: Floats, descent: float, lowest: float
) -> tuple[Floats, float, float, bool]:
    """The first place along the direction that is low enough, its step and height; stuck where no step tells apart."""
    length, here = 1.0, lowest
    while True:
        place = before + length * direction
        if (_TELLS_APART + before == _TELLS_APART + place).all():
            return place, length, here, True
        here = height(place)
        if np.isfinite(here) and here <= lowest + descent * length * _ACCEPTS:
            return place, length, here, False
        length *= _SHRINKS
