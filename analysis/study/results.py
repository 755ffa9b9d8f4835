"""Results as a statistician wants them: a labelled frame, a drawing, files."""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.multiplicity import METHODS, adjusted
from analysis.estimation.questions.rows import NOT_PART
from analysis.exporting.safe_cells import safe_text
from analysis.study.descriptions import Description, Descriptions

if TYPE_CHECKING:
    from analysis.study.drawing import Drawing

NUMBERS = ("estimate", "se", "low", "high", "df", "n", "deff")
WHOLE = {"vi": "Tất cả", "en": "All"}
# What a row has beside, in the layout of the oracle's cases, and a frame has under another name or not at all.
_LAYOUT = frozenset(
    ("domain", "statistic", "ci", "ci_normal", "df_design", "deff_replace", "method", "reason", "note", *NUMBERS)
)
_REASON = re.compile(r"; (?=[a-z_]+: )")


@dataclass(frozen=True, eq=False)
class Results:
    """The answer to one question.

    Attributes:
        answer: what `hailong estimate` would print: kind, ci_level, results, vcov, extra.
        specification: the question, as a file for `hailong estimate` would have it but for the table's name.
        columns: what the table's columns mean; language: of words such as "All".
        statistic_labels: what the names of estimates mean, where that is known.
    """

    answer: Mapping[str, Any]
    specification: Mapping[str, Any]
    columns: Descriptions = field(default_factory=dict)
    language: str = "vi"
    statistic_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows in the layout of `hailong estimate`."""
        found: Sequence[Mapping[str, Any]] = self.answer["results"]
        return found

    @property
    def extra(self) -> Mapping[str, Any]:
        """What else belongs to the answer, such as loadings or what calibration did; empty where there is nothing."""
        return self.answer["extra"] or {}

    @property
    def domains(self) -> tuple[str, ...]:
        """The columns that the rows are domains of."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row["domain"]))

    def frame(self, *, labels: bool = True) -> Any:
        """A pandas DataFrame with a row for each estimate.

        Arguments:
            labels: domains are called by their labels; otherwise by their codes.

        Columns: the domains, `statistic`, `label` where one is known, `estimate`, `se`, `low` and `high` (the interval
        of 95 %), `df`, `n`, `deff`, `method` (of the interval, "" without one), what the kind has beside (`t`,
        `p_value`, …), `reason`. Where a number is missing `reason` names its column and says why; otherwise it is "".
        """
        import pandas as pd

        names = None if self.rows else ["statistic", *NUMBERS, "method", "reason"]
        table = pd.DataFrame([self._record(row, labels=labels) for row in self.rows], columns=names)
        for name in NUMBERS:
            table[name] = table[name].astype("Int64" if name == "n" else "float64")
        return table

    def covariance(self) -> Any:
        """The covariance of the estimates as a DataFrame; None where the kind has none or it is too large."""
        import pandas as pd

        if self.answer["vcov"] is None:
            return None
        size = len(self.answer["vcov"])
        names = [self.name_of(row) for row in self.rows] if size == len(self.rows) else list(range(1, size + 1))
        return pd.DataFrame(np.array(self.answer["vcov"], dtype=np.float64), index=names, columns=names)

    def with_adjusted_p(self, method: str = "holm") -> "Results":
        """The same results with `p_adjusted`, the p values of all rows adjusted together.

        Arguments:
            method: bonferroni, holm, hochberg, BH or BY.

        The p values are those of t where the rows have them. Raises SpecError where they have none.
        """
        key = next(
            (name for name in ("p_value_t", "p_value") if any(row.get(name) is not None for row in self.rows)), ""
        )
        known = next((name for name in METHODS if name == method), None)
        if not key or known is None:
            found = f"the method {method!r}" if key else "no p values"
            raise SpecError(f"with_adjusted_p: found {found}, expected p values and one of {', '.join(METHODS)}")
        values = np.array([math.nan if row.get(key) is None else row[key] for row in self.rows])
        found = adjusted(values, known).tolist()
        rows = [
            dict(row) | {"p_adjusted": None if math.isnan(p) else p} for row, p in zip(self.rows, found, strict=True)
        ]
        return replace(self, answer=dict(self.answer) | {"results": rows})

    def plot(self, *, title: str = "", sort: bool = True) -> "Drawing":
        """A chart of dots and intervals, which a notebook shows.

        Arguments:
            title: over it.
            sort: the highest first, otherwise in the order of the rows.

        The estimate of the whole sample beside domains is a line. A row without a number stands there with its reason.
        Raises AnalysisError where matplotlib is not installed (the extra `notebook`).
        """
        from analysis.study.drawing import drawn

        return drawn(self, title=title, sort=sort)

    def to_csv(self, path: str | Path, *, labels: bool = True) -> None:
        """The frame as a CSV file with the mark that Excel wants; no text in it becomes a formula."""
        self._guarded(labels=labels).to_csv(path, index=False, encoding="utf-8-sig")

    def to_excel(self, path: str | Path, *, labels: bool = True) -> None:
        """The frame as a workbook; no text in it becomes a formula."""
        self._guarded(labels=labels).to_excel(path, index=False, sheet_name="results")

    def name_of(self, row: Mapping[str, Any]) -> str:
        """What a row is called in a chart: its domain, and its statistic where rows differ by that."""
        parts = [self._description(name).label(code) for name, code in row["domain"].items()]
        if not parts or len({one["statistic"] for one in self.rows}) > 1:
            statistic = row["statistic"]
            parts.insert(0, self.statistic_labels.get(statistic, statistic))
        return " · ".join(parts)

    def __repr__(self) -> str:
        return str(self.frame().to_string(index=False, max_rows=60, float_format="{:.4g}".format, na_rep=""))

    def _repr_html_(self) -> str:
        caption = html.escape(f"{self.answer['kind']}, {self.answer['ci_level']:.0%}")
        table = self.frame().to_html(index=False, max_rows=200, float_format="{:.4g}".format, na_rep="", border=0)
        return f"<div>{table}<p>{caption}</p></div>"

    def _record(self, row: Mapping[str, Any], *, labels: bool) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for name in self.domains:
            code = row["domain"].get(name)
            shown = self._description(name).label(code) if labels and code is not None else code
            record[_apart(name)] = WHOLE.get(self.language, WHOLE["vi"]) if code is None else shown
        record["statistic"] = row["statistic"]
        if self.statistic_labels:
            record["label"] = self.statistic_labels.get(row["statistic"], "")
        interval, method = row.get("ci"), row.get("method")
        # Kinds without degrees of freedom have normal intervals; where none are left there is no interval.
        if interval is None and row.get("df") is None and row.get("ci_normal") is not None:
            interval, method = row["ci_normal"], method or "normal"
        low, high = (None, None) if interval is None else interval
        record |= {"estimate": row["estimate"], "se": row["se"], "low": low, "high": high}
        record |= {key: row.get(key) for key in ("df", "n", "deff")}
        record["method"] = method or ("" if interval is None else "t")
        further = {key: value for key, value in row.items() if key not in _LAYOUT}
        record |= further
        if row.get("note"):
            record["note"] = row["note"]
        record["reason"] = _reason(row, record, (*NUMBERS, *further))
        return record

    def _description(self, column: str) -> Description:
        return self.columns.get(column, Description())

    def _guarded(self, *, labels: bool) -> Any:
        table = self.frame(labels=labels)
        table.columns = [safe_text(name) for name in table.columns]
        for name in table.columns:
            if table[name].map(lambda cell: isinstance(cell, str)).any():
                table[name] = table[name].map(lambda cell: safe_text(cell) if isinstance(cell, str) else cell)
        return table


def _apart(name: str) -> str:
    """A domain's column under a name that no column of numbers has."""
    return f"{name} (domain)" if name in (*_LAYOUT, "label", "low", "high") else name


def _reason(row: Mapping[str, Any], record: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Why numbers are missing: their columns and the words of the row, the same words once."""
    said = dict(part.partition(": ")[::2] for part in _REASON.split(row.get("reason") or "") if part)
    said |= {bound: said["ci"] for bound in ("low", "high") if "ci" in said}
    why: dict[str, list[str]] = {}
    for key in keys:
        if record[key] is None:
            why.setdefault(said.get(key, NOT_PART), []).append(key)
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in why.items())
