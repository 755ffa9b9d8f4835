"""A study: a table with labels and design, and one method for each estimator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Self

from analysis.archive import Archive
from analysis.errors import SpecError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.tables import read_sheet
from analysis.indices.ranking import DRAWS, SEED
from analysis.study.designing import DesignedTable
from analysis.study.ranking import ranked_domains
from analysis.study.reading import design_document, found_table
from analysis.study.results import Results

Names = str | Sequence[str]
Index = str | Sequence[str] | Mapping[str, float]

LEVEL = 0.95
# All pairs of more domains than this are a table that nobody reads; `against_rest` says as much in one row each.
MOST_DOMAINS_IN_PAIRS = 20


@dataclass(frozen=True, eq=False)
class Study(DesignedTable):
    """A table, how it was sampled and what its columns mean; every method answers one question as `Results`.

    Attributes:
        nodes: of an archive, what each node of its index takes from the columns; node_labels: their labels.

    A method is the `estimator.type` that stands in its docstring, asked with the study's design; what it means, its
    source and its golden files are those of that kind. Every one raises SpecError where a column or an argument is not
    what it needs, and DesignError where the design cannot be.
    """

    nodes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        table: Archive | str | Path | Any,
        design: Mapping[str, Any] | SurveyDesign | None = None,
        *,
        codebook: str | Path | None = None,
        language: str = "vi",
        profile: str | None = None,
    ) -> Self:
        """The study of a table.

        Arguments:
            table: the folder of an archive or an archive; a CSV, Parquet, SAV, DTA or XLSX file, or the XML file of a
                DDI codebook; a pandas DataFrame, an Arrow table, or columns by their names.
            design: how it was sampled, as `design` in a specification, or a SurveyDesign. An archive has its own, of
                which the keys given here are replaced. None: every row counts alike.
            codebook: a CSV file of `hailong round export` that says what the columns of a CSV or Parquet file mean.
            language: "vi" or "en", of labels where a file has both.
            profile: of an archive, which scores its index is made of; by default its plan's.

        A choice on a scale is numbers (of an archive and of its exports; DDI knows no values but codes that are
        numbers), yes and no are 1 and 0, "not applicable" and "don't know" are missing. An archive's items have scores
        under their code with ".score" behind it; answers from an open link are not in it. A Parquet file without a
        codebook stays where it is, and its columns are read when they are asked for.
        """
        found = found_table(table, None if codebook is None else Path(codebook), language, profile)
        return cls(
            found.source,
            found.file,
            dict(found.design) | design_document(design),
            found.columns,
            language,
            found.nodes,
            found.node_labels,
        )

    def codebook(self) -> Any:
        """What the columns mean, as a DataFrame: column, text, labels."""
        import pandas as pd

        rows = [
            {"column": name, "text": one.text, "labels": "; ".join(f"{c} = {t}" for c, t in one.labels.items())}
            for name, one in self.columns.items()
        ]
        return pd.DataFrame(rows, columns=["column", "text", "labels"])

    def to_pandas(self) -> Any:
        """The table as it is computed with, as a DataFrame of codes and numbers."""
        import pandas as pd

        sheet = read_sheet(self.source, self.file, None)
        return pd.DataFrame({name: column.to_pandas() for name, column in sheet.columns.items()})

    def mean(self, *variables: str, by: Names | None = None, factors: Names | None = None) -> Results:
        """Means (svymean), of categories their shares, in domains where `by` names some.

        Arguments:
            variables: the columns.
            by: the columns of the domains.
            factors: those of the variables that are categories, whatever they look like.
        """
        return self.ask("svymean", variables=variables, by=by, factors=factors)

    def total(self, *variables: str, by: Names | None = None, factors: Names | None = None) -> Results:
        """Totals (svytotal); the arguments are those of `mean`."""
        return self.ask("svytotal", variables=variables, by=by, factors=factors)

    def ratio(self, numerator: str, denominator: str, *, by: Names | None = None) -> Results:
        """The ratio of two totals (svyratio)."""
        return self.ask("svyratio", numerator=numerator, denominator=denominator, by=by)

    def variance(self, *variables: str, by: Names | None = None) -> Results:
        """Variances in the population (svyvar)."""
        return self.ask("svyvar", variables=variables, by=by)

    def quantile(
        self,
        *variables: str,
        quantiles: float | Sequence[float] = (0.25, 0.5, 0.75),
        by: Names | None = None,
        rule: str | None = None,
        interval: str | None = None,
    ) -> Results:
        """Quantiles (svyquantile).

        Arguments:
            variables: the columns.
            quantiles: probabilities from 0 to 1.
            by: the columns of the domains.
            rule: math, school, shahvaish or hf1 to hf9; math by default.
            interval: mean, beta, xlogit or asin, with replicates also quantile; mean by default.
        """
        return self.ask(
            "svyquantile", variables=variables, quantiles=quantiles, by=by, qrule=rule, interval_type=interval
        )

    def proportion(
        self, expression: str, *, by: Names | None = None, methods: Names | None = None, label: str | None = None
    ) -> Results:
        """The share of rows that satisfy an expression (svyciprop).

        Arguments:
            expression: for example "overall >= 4".
            by: the columns of the domains.
            methods: logit, likelihood, asin, beta, mean, xlogit; a row each. beta by default.
            label: what the share is called.
        """
        return self.ask("svyciprop", expression=expression, methods=methods, by=by, label=label)

    def difference(self, variable: str, by: Names, pairs: Sequence[tuple[str, str]] | None = None) -> Results:
        """Differences between the means of domains (domain_difference).

        Arguments:
            variable: whose means.
            by: the columns of the domains.
            pairs: codes of domains, first minus second, those of several columns joined by a full stop; None: all pairs
                of at most 20 domains.

        Raises SpecError where no pairs are given and there are fewer than two domains with answers, or too many.
        """
        if pairs is None:
            rows = [row for row in self.mean(variable, by=by).rows if row["domain"] and row["estimate"] is not None]
            names = [".".join(row["domain"].values()) for row in rows]
            if not 2 <= len(names) <= MOST_DOMAINS_IN_PAIRS:
                raise SpecError(
                    f"difference: found {len(names)} domains with answers, expected 2 to {MOST_DOMAINS_IN_PAIRS}, "
                    "or pairs"
                )
            pairs = list(combinations(names, 2))
        found = self.ask("domain_difference", variables=variable, by=by, pairs=pairs)
        columns = [by] if isinstance(by, str) else list(by)
        labels = self.columns[columns[0]] if len(columns) == 1 and columns[0] in self.columns else None
        if labels is None or not labels.labels:
            return found
        named = {f"{a} - {b}": f"{labels.label(str(a))} – {labels.label(str(b))}" for a, b in pairs}
        return replace(found, statistic_labels=named)

    def against_rest(self, variable: str, by: Names) -> Results:
        """Each domain's mean against that of all others (domain_vs_rest), with t and its two-sided p value."""
        from analysis.estimation.models import two_sided_p

        found = self.ask("domain_vs_rest", variables=variable, by=by)
        rows = []
        for row in found.rows:
            tested: dict[str, Any] = {"t": None, "p_value_t": None}
            if row["se"] and (row["df"] or 0) > 0:
                t = row["estimate"] / row["se"]
                tested = {"t": t, "p_value_t": two_sided_p(t, row["df"])}
            else:
                why = "there is no standard error above 0, or no degree of freedom"
                said = [row["reason"], f"t: {why}", f"p_value_t: {why}"]
                tested["reason"] = "; ".join(part for part in said if part)
            rows.append(dict(row) | tested)
        return replace(found, answer=dict(found.answer) | {"results": rows})

    def index(
        self,
        items: Index,
        *,
        by: Names | None = None,
        label: str | None = None,
        subtract: float = 0.0,
        multiply: float = 1.0,
    ) -> Results:
        """A composite index, the weighted sum of item means, each over those who answered (composite_index).

        Arguments:
            items: column → what its mean counts for; columns that count alike; or the code of a node of an archive's
                index, whose root is "index".
            by: the columns of the domains.
            label: what the index is called.
            subtract: taken from each answer first.
            multiply: what each answer is multiplied by then.
        """
        coefficients, name = self._coefficients(items)
        return self.ask(
            "composite_index",
            items=list(coefficients),
            coefficients=list(coefficients.values()),
            item_transform={"subtract": subtract, "multiply": multiply},
            by=by,
            label=label or name,
        )

    def rank_sets(
        self,
        items: Index,
        by: Names,
        *,
        level: float = LEVEL,
        decimals: int = 1,
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> Results:
        """The ranks that domains may hold by an index: `rank`, the joint set `rank_low`..`rank_high`, each domain's own
        set `own_low`..`own_high`, and its `tier` beside the mean of the others.

        Arguments:
            items: as `index` takes them.
            by: the columns of the domains; `where` leaves those in that are to be ranked.
            level: the confidence of the sets.
            decimals: domains whose indices are equal after rounding to so many share a rank.
            draws: what the critical values rest on.
            seed: what the draws follow from.
        """
        coefficients, _ = self._coefficients(items)
        columns = [by] if isinstance(by, str) else list(by)
        asked = {"level": level, "decimals": decimals, "draws": draws, "seed": seed}
        found = ranked_domains(
            self._asked((*coefficients, *columns)),
            coefficients,
            columns,
            level=level,
            decimals=decimals,
            draws=draws,
            seed=seed,
        )
        answer = {
            "kind": found.kind,
            "ci_level": LEVEL,
            "results": found.results,
            "vcov": found.vcov,
            "extra": found.extra,
        }
        document = self._document({"type": "rank_sets", "items": coefficients, "by": columns} | asked)
        return self._results(answer, document)

    def chisq(self, rows: str, columns: str, *, statistics: Names | None = None) -> Results:
        """Whether two columns are independent (svychisq): F, Chisq, Wald and adjWald, or those of `statistics`."""
        return self.ask("svychisq", variables=[rows, columns], statistics=statistics)

    def ttest(self, formula: str) -> Results:
        """Whether two means are equal (svyttest): "y ~ group", or "y ~ 0" for a mean of 0."""
        return self.ask("svyttest", formula=formula)

    def ranktest(self, formula: str, *, tests: Names | None = None) -> Results:
        """Whether ranks differ between groups (svyranktest): wilcoxon, vanderWaerden, median, or KruskalWallis."""
        return self.ask("svyranktest", formula=formula, tests=tests)

    def glm(
        self,
        formula: str,
        *,
        family: str | None = None,
        link: str | None = None,
        levels: Mapping[str, Sequence[str]] | None = None,
    ) -> Results:
        """A generalised linear model (svyglm).

        Arguments:
            formula: as in R, for example "y ~ age + factor(region)".
            family: gaussian by default, binomial, quasibinomial, poisson, quasipoisson, Gamma.
            link: the family's own by default.
            levels: the categories of a column, the first of them the one that others are compared with.
        """
        return self.ask("svyglm", formula=formula, family=family, link=link, levels=levels)

    def ordinal(
        self, formula: str, *, method: str | None = None, levels: Mapping[str, Sequence[str]] | None = None
    ) -> Results:
        """A model of ordered answers (svyolr) with logistic (by default) or probit steps."""
        return self.ask("svyolr", formula=formula, method=method, levels=levels)

    def alpha(self, *items: str, keys: Sequence[int] | Sequence[str] | None = None) -> Results:
        """Cronbach's alpha of items, with an interval: weighted by the design (svycralpha), plain without a design
        (cronbach_alpha).

        Arguments:
            items: the columns.
            keys: 1 or -1 for each, or the items that are turned round.
        """
        if not self._has_design():
            return self.ask("cronbach_alpha", items=items, keys=keys)
        found = self.ask("svycralpha", items=items, keys=keys)
        # R's layout has no interval of it; ours stands in `extra` and belongs into the row of a frame.
        own = {key: found.extra.get(key) for key in ("se", "ci", "df", "n")}
        reason = found.extra.get("reason")
        row = (
            dict(found.rows[0]) | own | {"reason": f"se: {reason}; ci: {reason}" if reason else None, "method": "log_t"}
        )
        return replace(found, answer=dict(found.answer) | {"results": [row]})

    def omega(self, *items: str, factors: int = 3, keys: Sequence[int] | Sequence[str] | None = None) -> Results:
        """McDonald's omega, hierarchical and total (omega). Unweighted, whatever the design: rows alone enter."""
        return self._unweighted().ask("omega", items=items, nfactors=factors, keys=keys)

    def small_areas(
        self,
        direct: str,
        sampling_variance: str,
        covariates: Names = (),
        *,
        area: str | None = None,
        method: str = "REML",
    ) -> Results:
        """Estimates of areas drawn toward what covariates say of them (fay_herriot); a row of the table is an area.

        Arguments:
            direct: the column of direct estimates.
            sampling_variance: that of their variances, above 0.
            covariates: what explains them.
            area: the column of the areas' names.
            method: REML, ML, PM or DL.
        """
        return self._unweighted().ask(
            "fay_herriot",
            direct=direct,
            sampling_variance=sampling_variance,
            covariates=covariates,
            area=area,
            method=method,
        )

    def __repr__(self) -> str:
        said = ", ".join(f"{key}: {value}" for key, value in self.design.items() if value not in (None, [], False))
        return f"Study({self.file}; {said or 'every row counts alike'})"

    def _coefficients(self, items: Index) -> tuple[Mapping[str, float], str | None]:
        if isinstance(items, Mapping):
            return items, None
        if isinstance(items, str):
            if items not in self.nodes:
                known = ", ".join(self.nodes) or "none, for the table is no archive or its profile is standardised"
                raise SpecError(f"index: found the node {items!r}, expected columns or one of the nodes: {known}")
            return self.nodes[items], self.node_labels[items]
        if not items:
            raise SpecError("index: found no items, expected at least one")
        return dict.fromkeys(items, 1 / len(items)), None

    def _has_design(self) -> bool:
        return any(self.design.get(key) for key in self.design if key not in ("subset", "nest", "lonely_psu", "note"))

    def _unweighted(self) -> Self:
        """The same rows, of which none stands for others."""
        kept = {key: value for key, value in self.design.items() if key == "subset"}
        return replace(self, design=kept)
