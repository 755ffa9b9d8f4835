"""Draws from a joint normal law that are the same on every machine and with every version of the libraries.

What is published rests on these draws, and whoever holds an archive must find the same digits years later. NumPy keeps
the bits of a generator stable and not the numbers it makes of them, so the numbers are made here (NumPy Enhancement
Proposal 19). A Cholesky factor is unique, which the square roots that other factorisations give are not.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Added to each variance, as a share of it: a sample has more items than clusters, so the law has no density without.
_JITTERS = (1e-8, 1e-7, 1e-6)


def standard_normals(generator: np.random.Generator, n_draws: int, n_variables: int) -> Floats:
    """Independent standard normal numbers (n_draws, n_variables) from the generator's raw bits, by inversion."""
    from scipy.special import ndtri

    raw = np.asarray(generator.bit_generator.random_raw(n_draws * n_variables), dtype=np.uint64)
    # The upper 53 bits and a half: never 0 and never 1.
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    normals: Floats = ndtri(uniform).reshape(n_draws, n_variables)
    return normals


def joint_normals(generator: np.random.Generator, n_draws: int, covariance: Floats) -> Floats:
    """Draws (n_draws, n) around zero with the covariance (n, n).

    What has no variance does not vary. The covariance may be singular: each variance is raised by a millionth at most.
    Raises ValueError when it is no covariance.
    """
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    divisor = np.where(scale > 0, scale, 1.0)
    correlation = covariance / divisor[:, None] / divisor[None, :]
    normals = standard_normals(generator, n_draws, len(scale))
    for jitter in _JITTERS:
        np.fill_diagonal(correlation, 1.0 + jitter)
        try:
            factor = np.linalg.cholesky(correlation)
        except np.linalg.LinAlgError:
            continue
        draws: Floats = normals @ factor.T * scale
        return draws
    raise ValueError("found a matrix that is not positive semi-definite, expected a covariance")
