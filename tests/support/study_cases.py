"""Cases of the oracle asked through the methods of a study, as a statistician would type them."""

from typing import Any

from analysis.study import Results, Study
from support.oracle import GOLDEN

CALIBRATED = ("postStratify", "rake", "calibrate", "trimWeights", "svystandardize")


def asked(case: dict[str, Any], folder: str) -> Results:
    """The answer to a case; its design's replicates and calibration are made by methods too."""
    estimator = dict(case["estimator"])
    kind = estimator.pop("type")
    # Missing answers are a domain everywhere but where a case says otherwise, and no method has a word for that.
    if estimator.pop("na_rm", None) is False:
        return study_of(case, folder).ask(kind, na_rm=False, **estimator)
    study = study_of(case, folder)
    by = estimator.pop("by", None)
    if kind in ("svyciprop", "composite_index"):
        # What a file calls itself is what its share or index is called.
        estimator.setdefault("label", case["case"].rsplit("__", 1)[-1])
    if kind.removeprefix("rep_") in CALIBRATED:
        return study.ask(kind, by=by, **estimator)
    return _METHODS[kind](study, by, estimator)


def study_of(case: dict[str, Any], folder: str) -> Study:
    """The study of a case: a CSV file with a design."""
    design = dict(case["design"] or {})
    replicates, calibration = design.pop("replicates", None), design.pop("calibration", None)
    factors = design.pop("replicates_file", None)
    table: Any = GOLDEN / folder / case["data"][0] if case["data"] else {"nothing": [0]}
    study = Study.read(table, {key: value for key, value in design.items() if key != "note"})
    if factors is not None:
        study = study.with_replicates(factors=GOLDEN / folder / factors)
    if replicates is not None:
        study = study.with_replicates(
            replicates["type"],
            factors=GOLDEN / folder / replicates["file"],
            **{key: replicates.get(key) for key in ("scale", "rscales", "n_replicates")},
            mse=replicates["mse"],
            combined_weights=replicates["combined_weights"],
        )
    return study if calibration is None else calibrated(study, calibration)


def calibrated(study: Study, step: dict[str, Any]) -> Study:
    """The study after one calibration, and after those that came before it."""
    after = step.get("after")
    if isinstance(after, dict):
        study = calibrated(study, after)
    elif isinstance(after, str):
        _, function, formula = after.split(maxsplit=2)
        study = study.calibrate(formula, step["totals"], function=function)
    match step["method"]:
        case "postStratify":
            [(columns, totals)] = step["margins"].items()
            return study.poststratify(columns, totals)
        case "rake":
            control = step.get("control") or {}
            return study.rake(step["margins"], max_turns=control.get("maxit"), epsilon=control.get("epsilon"))
        case "calibrate":
            return study.calibrate(
                step["formula"],
                step["totals"],
                function=step.get("calfun", "linear"),
                bounds=step.get("bounds"),
                stage=step.get("aggregate_stage"),
            )
        case "trimWeights":
            return study.trim(lower=step.get("lower"), upper=step.get("upper"), strict=step.get("strict", False))
    order = step.get("order") or step[f"{step['by']}_order"]
    population = dict(zip(order, step["population"], strict=True))
    return study.standardise(step["by"], step["over"], population, answered=step.get("excluding_missing") or ())


def _index(study: Study, by: Any, of: dict[str, Any]) -> Results:
    items = dict(zip(of["items"], of["coefficients"], strict=True))
    return study.index(items, by=by, label=of.get("label"), **(of.get("item_transform") or {}))


_METHODS: dict[str, Any] = {
    "svymean": lambda s, by, of: s.mean(*of.pop("variables"), by=by, **of),
    "svytotal": lambda s, by, of: s.total(*of.pop("variables"), by=by, **of),
    "svyratio": lambda s, by, of: s.ratio(of["numerator"], of["denominator"], by=by),
    "svyvar": lambda s, by, of: s.variance(*of["variables"], by=by),
    "svyquantile": lambda s, by, of: s.quantile(
        *of["variables"],
        quantiles=of["quantiles"],
        by=by,
        rule=of.get("qrule"),
        interval=of.get("interval_type"),
    ),
    "svyciprop": lambda s, by, of: s.proportion(of.pop("expression"), by=by, **of),
    "domain_difference": lambda s, by, of: s.difference(*of["variables"], by, of["pairs"]),
    "domain_vs_rest": lambda s, by, of: s.against_rest(*of["variables"], by),
    "composite_index": _index,
    "svychisq": lambda s, by, of: s.chisq(*of.pop("variables"), **of),
    "svyttest": lambda s, by, of: s.ttest(of["formula"]),
    "svyranktest": lambda s, by, of: s.ranktest(of.pop("formula"), **of),
    "svyglm": lambda s, by, of: s.glm(of.pop("formula"), **of),
    "svyolr": lambda s, by, of: s.ordinal(of.pop("formula"), **of),
    # The method has the interval in its row, which R's layout has not: see test_study.py.
    "svycralpha": lambda s, by, of: s.ask("svycralpha", **of),
    "cronbach_alpha": lambda s, by, of: s.alpha(*of["items"], keys=of.get("keys")),
    "omega": lambda s, by, of: s.omega(*of["items"], factors=of["nfactors"], keys=of.get("keys")),
    "fay_herriot": lambda s, by, of: s.small_areas(
        of["direct"], of["sampling_variance"], of["covariates"], area=of.get("area"), method=of["method"]
    ),
    "p_adjust": lambda s, by, of: s.ask("p_adjust", **of),
}
