"""Families of generalised linear models: how the variance follows the mean, and how the mean follows the predictors.

Source: McCullagh and Nelder (1989), Generalized Linear Models, chapter 2; R, family.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy import special

from analysis.errors import SpecError
from analysis.estimation.totals import Floats

Curve = Callable[[Floats], Floats]
_SMALLEST = 2.2250738585072014e-16
_ROOT_OF_TWO_PI = 2.5066282746310002


@dataclass(frozen=True, slots=True)
class Link:
    """How a mean is bent to a line.

    Attributes:
        of_mean: mean → linear predictor; mean: the way back; slope: the derivative of the mean by the predictor, at the
            predictor.
    """

    name: str
    of_mean: Curve
    mean: Curve
    slope: Curve


def _normal_density(eta: Floats) -> Floats:
    found: Floats = np.exp(-(eta**2) / 2) / _ROOT_OF_TWO_PI
    return found


def _logistic_density(eta: Floats) -> Floats:
    found: Floats = special.expit(eta) * special.expit(-eta)
    return found


LINKS: Mapping[str, Link] = MappingProxyType({
    link.name: link
    for link in (
        Link("identity", lambda mu: mu, lambda eta: eta, np.ones_like),
        Link("log", np.log, np.exp, np.exp),
        Link("logit", special.logit, special.expit, _logistic_density),
        Link("probit", special.ndtri, special.ndtr, _normal_density),
        Link(
            "cloglog",
            lambda mu: np.log(-np.log1p(-mu)),
            lambda eta: -np.expm1(-np.exp(eta)),
            lambda eta: np.exp(eta - np.exp(eta)),
        ),
        Link("inverse", lambda mu: 1 / mu, lambda eta: 1 / eta, lambda eta: -1 / eta**2),
        Link("sqrt", np.sqrt, lambda eta: eta**2, lambda eta: 2 * eta),
    )
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """How answers vary about their mean.

    Attributes:
        links: those that are possible, the usual one first.
        variance: mean → variance, but for a factor; deviance: answers and means → what each row adds to the deviance.
        start: answers and weights of mean 1 → means to begin with.
        expected: what the answers have to be, in words; fits: whether they are; is_possible: whether means are.
        counts_categories: categories may be answers: the first against all others.
    """

    name: str
    links: tuple[str, ...]
    variance: Curve
    deviance: Callable[[Floats, Floats], Floats]
    start: Callable[[Floats, Floats], Floats]
    expected: str
    fits: Callable[[Floats], bool]
    is_possible: Callable[[Floats], bool]
    counts_categories: bool = False


def _unit(y: Floats, mu: Floats) -> Floats:
    found: Floats = special.xlogy(y, y) - special.xlogy(y, mu)
    return found


_GAUSSIAN = Family(
    "gaussian", ("identity", "log", "inverse"), np.ones_like, lambda y, mu: (y - mu) ** 2,
    lambda y, w: y, "numbers", lambda y: True, lambda mu: True,
)  # fmt: skip
_BINOMIAL = Family(
    "binomial", ("logit", "probit", "cloglog", "log", "identity"), lambda mu: mu * (1 - mu),
    lambda y, mu: 2 * (_unit(y, mu) + _unit(1 - y, 1 - mu)),
    lambda y, w: (w * y + 0.5) / (w + 1), "numbers from 0 to 1, truth or categories",
    lambda y: bool(((y >= 0) & (y <= 1)).all()), lambda mu: bool(((mu > 0) & (mu < 1)).all()), counts_categories=True,
)  # fmt: skip
_POISSON = Family(
    "poisson", ("log", "identity", "sqrt"), lambda mu: mu, lambda y, mu: 2 * (_unit(y, mu) - (y - mu)),
    lambda y, w: y + 0.1, "numbers of at least 0",
    lambda y: bool((y >= 0).all()), lambda mu: bool((mu > 0).all()),
)  # fmt: skip
_GAMMA = Family(
    "Gamma", ("inverse", "log", "identity"), lambda mu: mu**2,
    lambda y, mu: 2 * ((y - mu) / mu - np.log(y / mu)), lambda y, w: y, "numbers above 0",
    lambda y: bool((y > 0).all()), lambda mu: bool((mu > 0).all()),
)  # fmt: skip
FAMILIES: Mapping[str, Family] = MappingProxyType({
    "gaussian": _GAUSSIAN,
    "binomial": _BINOMIAL,
    "quasibinomial": replace(_BINOMIAL, name="quasibinomial"),
    "poisson": _POISSON,
    "quasipoisson": replace(_POISSON, name="quasipoisson"),
    "Gamma": _GAMMA,
})  # fmt: skip


def family_of(name: str, link: str | None, place: str) -> tuple[Family, Link]:
    """The family and its link, the family's usual one without a name.

    Raises SpecError with the names that are possible.
    """
    if name not in FAMILIES:
        raise SpecError(f"{place}.family: found {name!r}, expected one of {', '.join(FAMILIES)}")
    family = FAMILIES[name]
    if link is not None and link not in family.links:
        raise SpecError(f"{place}.link: found {link!r}, expected one of {', '.join(family.links)} for {name}")
    return family, LINKS[link or family.links[0]]


def means_of(family: Family, link: Link, eta: Floats) -> Floats:
    """The means of linear predictors.

    Where a link comes so near to an end of the range that digits no longer tell, the mean stays off the end by less
    than any digit shows, so that no row's variance is 0.
    """
    mu = link.mean(eta)
    if link.name in ("logit", "probit", "cloglog"):
        return np.clip(mu, _SMALLEST, 1 - _SMALLEST)
    if link.name == "log" and not family.counts_categories:
        return np.maximum(mu, _SMALLEST)
    return mu
