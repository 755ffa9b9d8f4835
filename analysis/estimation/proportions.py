"""Shares of people, with the intervals that fit shares: they end where a share ends, and hold what they promise.

Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive counts
estimated from survey data"; R survey 4.1, svyciprop. Golden files: tests/golden/oracle, tests/golden/proportions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.domains import Domains, df_of, everybody, means_of_parts, n_design_rows
from analysis.estimation.functionals import Means
from analysis.estimation.intervals import (
    arcsine_interval,
    discrete_interval,
    logit_interval,
    standard_error,
    t_interval,
    t_quantile,
    unanimous_interval,
)
from analysis.estimation.likelihood import Fit, likelihood_interval
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.samples import Sample
from analysis.estimation.stages import CENSUS
from analysis.estimation.totals import Floats, Integers

METHODS = ("logit", "likelihood", "asin", "beta", "mean", "xlogit")
# Of these R gives the share itself as the interval where all answers are alike.
BLIND_METHODS = ("logit", "mean")
Interval = tuple[float, float] | None
# A standard error of a share below 1e-13 is rounding.
ROUNDING = 1e-26


@dataclass(frozen=True, slots=True)
class Proportion:
    """The share of one domain.

    Attributes:
        value: the weighted share, from 0 to 1; None where nobody answered.
        se: its standard error; None where it is unknown.
        df: degrees of freedom of the domain, also of those of its rows that did not answer.
        n: rows that answered; n_missing: rows that did not.
        is_unanimous: all answers were alike, so that the standard error of 0 says nothing.
        independent: how many independent answers they are then taken for; None where answers differ.
        intervals: method → the two bounds, None where the method has none.
    """

    value: float | None
    se: float | None
    df: float
    n: int
    n_missing: int
    is_unanimous: bool
    independent: float | None
    intervals: Mapping[str, Interval]


def proportions(
    sample: Sample,
    answers: Floats,
    domains: Domains | None = None,
    methods: Sequence[str] = ("beta",),
    level: float = 0.95,
) -> tuple[Proportion, ...]:
    """The share of 1 among the answers in each domain, with its intervals.

    Arguments:
        sample: the sample.
        answers: (n,) 1 or 0, NaN where missing; a row without an answer is left out but stays in the design.
        domains: D domains; None: all analysed rows.
        methods: some of METHODS. mean: p ± t · se. logit, xlogit: the t interval of ln(p / (1 - p)), whose replicates
            are those of the logit itself under logit, and of p under xlogit. asin: of arcsin √p. beta: Clopper and
            Pearson with the effective number of answers (Korn and Graubard). likelihood: `likelihood_interval`.
        level: confidence, above 0 and below 1.

    Returns D proportions. Degrees of freedom are those of the domain.

    Where all answers of a domain are alike no variance can be seen. beta, xlogit, asin and likelihood then give the
    interval of Clopper and Pearson of some number of independent answers: n over the design effect of the same share in
    all analysed rows (at least 1), times the squared ratio of t quantiles as in beta; the number of PSUs where that
    design effect does not exist or the domain has no degree of freedom. A full count keeps the share itself. logit and
    mean give the share itself, as R does, where there are degrees of freedom: `is_unanimous` warns of it.

    Raises SpecError where a method is not known or an answer neither 1 nor 0; DesignError under "fail" where a stratum
    of a domain has one PSU.
    """
    if unknown := [method for method in methods if method not in METHODS]:
        raise SpecError(f"methods: found {unknown[0]!r}, expected some of {', '.join(METHODS)}")
    if not (np.isin(answers, (0.0, 1.0)) | np.isnan(answers)).all():
        raise SpecError("answers: found a number that is neither 1 nor 0, expected 1, 0 or NaN")
    parts = (everybody(sample) if domains is None else domains).rows()
    answered = [rows[~np.isnan(answers[rows])] for rows in parts]
    found = means_of_parts(sample, ((rows, answers[rows][:, None]) for rows in answered))
    overall = _Overall(sample, answers)
    n_model = int((~np.isnan(answers[sample.rows])).sum())
    return tuple(
        _proportion(
            _Domain(
                sample,
                rows,
                given,
                answers[given],
                float(value[0]),
                _without_rounding(float(variance[0])),
                df_of(sample, rows),
                level,
                n_model if sample.calibration else len(given),
            ),
            methods,
            overall,
        )
        for rows, given, (value, variance) in zip(parts, answered, found, strict=True)
    )


class _Overall:
    """The design effect of the share in all analysed rows, found when it is first needed."""

    def __init__(self, sample: Sample, answers: Floats) -> None:
        self.sample, self.answers = sample, answers
        self._deff: float | None = None

    def deff(self) -> float:
        """At least 1; NaN where the share has no variance of its own."""
        if self._deff is None:
            answered = self.sample.within(~np.isnan(self.answers))
            found = answered.estimate(Means(np.nan_to_num(self.answers)[:, None]))
            share, variance = float(found.values[0]), float(found.covariance[0, 0])
            simple = share * (1 - share) / max(int(answered.inside.sum()) - 1, 1)
            self._deff = max(variance / simple, 1.0) if simple > 1e-12 and variance > 0 else math.nan
        return self._deff


def _proportion(domain: "_Domain", methods: Sequence[str], overall: _Overall) -> Proportion:
    n, df, y = len(domain.answered), domain.df, domain.y
    n_missing = len(domain.rows) - n
    if not math.isfinite(domain.value):
        return Proportion(None, None, df, n, n_missing, False, None, dict.fromkeys(methods))
    if not (y == y[0]).all():
        intervals = {method: domain.interval(method) for method in methods}
        return Proportion(domain.value, standard_error(domain.variance), df, n, n_missing, False, None, intervals)
    value = float(y[0])
    independent = _independent(domain.sample, domain.answered, df, overall)
    own: Interval = (value, value)
    if not _is_census(domain.sample, domain.answered):
        own = unanimous_interval(value, independent, (0.0, 1.0), domain.level)
    blind = t_interval(value, 0.0, df, domain.level) or own
    intervals = {method: blind if method in BLIND_METHODS else own for method in methods}
    return Proportion(value, 0.0, df, n, n_missing, True, independent, intervals)


def _without_rounding(variance: float) -> float:
    """The variance of a share, 0 where it is what rounding leaves of 0."""
    return 0.0 if variance < ROUNDING else variance


def _is_census(sample: Sample, rows: Integers) -> bool:
    return all(bool((stage.left_out[stage.stratum[rows]] < CENSUS).all()) for stage in sample.stages)


def _independent(sample: Sample, rows: Integers, df: float, overall: _Overall) -> float:
    n, deff = len(rows), overall.deff()
    n_psus = float(len(np.unique(sample.stages[0].unit[rows])) if sample.stages[0].unit is not None else n)
    if not math.isfinite(deff) or df <= 0:
        return n_psus
    return n / deff * _known(n, df, 0.95)


def _known(n: int, df: float, level: float) -> float:
    """What is left of n effective answers when their variance is known with df degrees of freedom only."""
    if n < 2 or df >= n - 1:
        return 1.0
    return (t_quantile((1 - level) / 2, n - 1) / t_quantile((1 - level) / 2, df)) ** 2


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain with its share.

    Attributes:
        rows: its rows; answered: those that answered; y: their answers.
        value, variance: of the share; df: degrees of freedom.
        n_model: the rows of R's model, which are those of all domains where the sample is calibrated.
    """

    sample: Sample
    rows: Integers
    answered: Integers
    y: Floats
    value: float
    variance: float
    df: float
    level: float
    n_model: int

    def interval(self, method: str) -> Interval:
        """The bounds by one method, where the answers differ."""
        if not math.isfinite(self.variance):
            return None
        if method != "mean" and not 0 < self.value < 1:
            # Weights below 0, as linear calibration may make them, can lead a share out of its scale.
            return None
        if method == "likelihood" and (self.sample.weights[self.answered] < 0).any():
            return None
        variance, df, level = max(self.variance, 0.0), self.df, self.level
        if method == "mean":
            return t_interval(self.value, variance, df, level)
        if method == "asin":
            return arcsine_interval(self.value, variance, df, level)
        if method == "beta":
            return discrete_interval(self.value, variance, n_design_rows(self.sample, self.rows), df, level)
        if method == "xlogit":
            return logit_interval(self.value, variance, df, level)
        variance = self._of_logits()
        if method == "logit" or not variance > 0:
            return logit_interval(self.value, variance, df, level)
        return likelihood_interval(self._fit(variance), df, level)

    def _of_logits(self) -> float:
        """The variance of the share as that of its logit says it, from replicates of the logit where there are any."""
        if self.sample.replicates is None:
            return max(self.variance, 0.0)
        again = self.sample.replicates.weights[self.answered]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = (self.y @ again) / again.sum(axis=0)
            # Where a replicate has nothing but one answer its logit does not exist, and it is left out.
            logits = np.where((shares > 0) & (shares < 1), np.log(shares / (1 - shares)), np.nan)
        centre = np.array([math.log(self.value / (1 - self.value))])
        spread = float(replicate_covariance(logits[None, :], centre, self.sample.replicates)[0, 0])
        return spread * (self.value * (1 - self.value)) ** 2

    def _fit(self, variance: float) -> Fit:
        weights, n = self.sample.weights, len(self.answered)
        w = weights[self.answered]
        # Weights have a mean of 1 over the rows of the domain; over those that answered the residuals see another.
        scale = n_design_rows(self.sample, self.rows) / float(weights[self.rows].sum())
        n_answered = n_design_rows(self.sample, self.answered)
        dispersion = scale / (n_answered / float(w.sum())) * n / max(n - 1, 1)
        return Fit.of(self.y, scale * w, variance, dispersion, self.n_model)
