"""Hadamard matrices: signs whose columns are orthogonal, which balance the halves of half-samples.

Source: Sylvester (1867), doubling; Paley (1933), "On orthogonal matrices", theorems 1 and 2; Wolter (2007),
Introduction to Variance Estimation, section 3.2 and appendix A.
"""

import numpy as np

from analysis.estimation.totals import Integers

MOST_ORDER = 20_000


def hadamard(at_least: int) -> Integers:
    """A Hadamard matrix (R, R) of -1 and 1, its first row and column all 1, of the smallest order that can be made.

    The order is at least the one asked for: 1, 2, or a multiple of 4 made by Sylvester's doubling of a matrix after
    Paley (orders q + 1 and 2 q + 2 for primes q). Raises ValueError beyond MOST_ORDER.
    """
    if at_least > MOST_ORDER:
        raise ValueError(f"order: found {at_least}, expected at most {MOST_ORDER}")
    order = at_least if at_least <= 2 else -(-at_least // 4) * 4
    while True:
        found = _made(max(order, 1))
        if found is not None:
            # Changed signs of whole rows and columns leave them orthogonal.
            found = found * found[:, :1]
            return np.asarray(found * found[:1, :])
        order += 4


def _made(order: int) -> Integers | None:
    if order == 1:
        return np.ones((1, 1), dtype=np.int64)
    if order == 2:
        return np.array([[1, 1], [1, -1]])
    if order % 4:
        return None
    if _is_prime(order - 1):
        return _of_residues(order - 1)
    half = order // 2 - 1
    if half % 4 == 1 and _is_prime(half):
        return _of_even_residues(half)
    smaller = _made(order // 2)
    return None if smaller is None else np.kron(np.array([[1, 1], [1, -1]]), smaller)


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _characters(q: int) -> Integers:
    """For the differences of two numbers modulo a prime q (q, q): 1 for a square, -1 for none, 0 for no difference."""
    signs = -np.ones(q, dtype=np.int64)
    signs[(np.arange(1, q) ** 2) % q] = 1
    signs[0] = 0
    found: Integers = signs[(np.arange(q)[:, None] - np.arange(q)[None, :]) % q]
    return found


def _of_residues(q: int) -> Integers:
    """Paley's first matrix, of order q + 1 for a prime q that leaves 3 when divided by 4."""
    skew = np.zeros((q + 1, q + 1), dtype=np.int64)
    skew[0, 1:], skew[1:, 0] = 1, -1
    skew[1:, 1:] = _characters(q)
    return skew + np.eye(q + 1, dtype=np.int64)


def _of_even_residues(q: int) -> Integers:
    """Paley's second matrix, of order 2 q + 2 for a prime q that leaves 1 when divided by 4."""
    core = np.zeros((q + 1, q + 1), dtype=np.int64)
    core[0, 1:], core[1:, 0] = 1, 1
    core[1:, 1:] = _characters(q)
    same, none = np.array([[1, 1], [1, -1]]), np.array([[1, -1], [-1, -1]])
    return np.kron(core, same) + np.kron(np.eye(q + 1, dtype=np.int64), none)
