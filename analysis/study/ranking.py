"""The ranks that domains may hold, from the joint law of an index of theirs.

Source: Mogstad, Romano, Shaikh and Wilhelm (2024); see `analysis.indices.ranking`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from analysis.errors import SpecError
from analysis.estimation.columnar_findings import DomainNumbers, df_by_domain
from analysis.estimation.domain_codes import domain_codes
from analysis.estimation.functionals import Totals
from analysis.estimation.questions.registry import Answer, Asked
from analysis.estimation.questions.rows import covariance_rows, result_row
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats, Integers
from analysis.indices.ranking import rank_sets, rankable

METHOD = "mogstad"


def ranked_domains(
    asked: Asked,
    coefficients: Mapping[str, float],
    by: Sequence[str],
    *,
    level: float,
    decimals: int,
    draws: int,
    seed: int,
) -> Answer:
    """A row for each domain with its index, rank, joint and own rank set and tier; the covariance of the indices.

    Arguments:
        asked: the sample and its table.
        coefficients: column → what the mean of its answers counts for.
        by: the columns of the domains.
        level: confidence of the sets.
        decimals: domains whose indices are equal after rounding to so many share a rank.
        draws: what critical values rest on.
        seed: what the draws follow from.

    A domain without an index or without a standard error is not ranked, and its row says why.
    Raises SpecError where fewer than two domains can be ranked.
    """
    sheet, sample = asked.sheet, asked.sample
    domains, code = domain_codes(sheet, by, sample.inside & sample.rows)
    answers = {name: sheet.numbers(name) for name in coefficients}
    values, covariance = joint_indices(sample, answers, coefficients, code, len(domains))
    df = df_by_domain(sample, code, len(domains))
    variances = np.where(np.isnan(values), np.nan, np.diag(covariance))
    chosen = np.flatnonzero(rankable(variances, df))
    if len(chosen) < 2:
        raise SpecError(f"rank_sets: found {len(chosen)} domains with an index and a standard error, expected two")
    sets = rank_sets(
        values[chosen],
        covariance[np.ix_(chosen, chosen)],
        df[chosen],
        sample.df_design,
        level,
        decimals,
        draws=draws,
        seed=seed,
    )
    place = dict(zip(chosen.tolist(), sets, strict=True))
    n = np.bincount(code[code >= 0], minlength=len(domains))
    rows = []
    for d, labels in enumerate(domains):
        found = place.get(d)
        reasons = {"estimate": "no row answered an item"} if np.isnan(values[d]) else {}
        if found is None:
            why = reasons.get("estimate", "no spread or no degree of freedom, which is no certainty")
            reasons |= dict.fromkeys(("rank", "rank_low", "rank_high", "own_low", "own_high", "tier"), why)
        rows.append(
            result_row(
                "index",
                float(values[d]),
                float(np.sqrt(max(variances[d], 0.0))),
                float(df[d]),
                sample.df_design,
                domain=dict(zip(by, labels, strict=True)),
                reasons=reasons,
                n=int(n[d]),
                rank=None if found is None else found.rank,
                rank_low=None if found is None else found.rank_low,
                rank_high=None if found is None else found.rank_high,
                own_low=None if found is None else found.own_low,
                own_high=None if found is None else found.own_high,
                tier=None if found is None else found.tier,
            )
        )
    extra = {"method": METHOD, "level": level, "draws": draws, "seed": seed, "critical": sets[0].critical}
    return Answer(rows, covariance_rows(covariance), extra, "rank_sets")


def joint_indices(
    sample: Sample, answers: Mapping[str, Floats], coefficients: Mapping[str, float], code: Integers, n_domains: int
) -> tuple[Floats, Floats]:
    """The index Σ a · (mean of the item) of D domains and its covariance between them, by the delta method.

    Arguments:
        sample: the rows.
        answers: item → its answers (n,), NaN where missing.
        coefficients: item → a.
        code: the domain of each row (n,), -1 for none.
        n_domains: D.

    Returns values (D,), NaN where an item has no answer, and the covariance (D, D). Clusters that domains share make
    them err together.
    """
    active = sample.active
    values, influence = np.zeros(n_domains), np.zeros(sample.n_rows)
    for item, coefficient in coefficients.items():
        y = answers[item]
        numbers = DomainNumbers(
            np.nan_to_num(y), np.ones(len(y)), np.where(np.isnan(y), -1, code), n_domains, is_total=False
        )
        values += coefficient * numbers.values(active)
        influence += coefficient * numbers.influence_in_domain(active)
    rows = np.flatnonzero((code >= 0) & (active != 0))
    scattered = sparse.csr_array((influence[rows], (rows, code[rows])), shape=(sample.n_rows, n_domains))
    if sample.replicates is None:
        return values, sample.covariance_of_totals(scattered)
    # The replicates of a linear function are those of its totals, which is the delta method of the index itself.
    linear = np.asarray(scattered.toarray()) / np.where(active != 0, active, 1.0)[:, None]
    return values, sample.estimate(Totals(linear)).covariance
