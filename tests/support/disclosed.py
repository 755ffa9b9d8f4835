"""Rounds of a few units made of counts, published by the rules of disclosure, and a reader who solves for the rest."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog

from analysis.indices.trees import index_tree
from analysis.release.disclosure import RULES, Candidate, disclose
from analysis.release.edition import Edition
from analysis.release.plan import Plan
from analysis.release.rows import EstimateRow
from questionnaires.reading import parse_questionnaire
from support.archives import PLAN as PLAN_SOURCE
from support.archives import QUESTIONNAIRE, contents_of, tabulated

SMALL = parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")
TREE = index_tree(SMALL)
CRITERIA = tuple(node.code for node in TREE.nodes if node.item is not None)


@dataclass(frozen=True)
class Answered:
    """A unit: how many answered each of the three items, what they said on average, how many people it has."""

    n: tuple[int, int, int]
    means: tuple[float, float, float]
    people: int = 1000

    @property
    def n_respondents(self) -> int:
        return max(self.n)


Blocs = Sequence[Sequence[Answered]]


@dataclass(frozen=True)
class SmallRound:
    """Blocs of units; what totals take of a unit (`weight`), and every row as it was computed."""

    blocs: Blocs
    plan: Plan

    @property
    def units(self) -> dict[str, Answered]:
        return {f"b{b}u{u}": unit for b, members in enumerate(self.blocs) for u, unit in enumerate(members)}

    @property
    def units_of_bloc(self) -> dict[str, list[str]]:
        return {f"b{b}": [f"b{b}u{u}" for u in range(len(members))] for b, members in enumerate(self.blocs)}

    def weight(self, unit: str, k: int) -> float:
        answered = self.units[unit]
        if not answered.n[k]:
            return 0.0
        return 1.0 if self.plan.aggregate == "units" else answered.people * answered.n[k] / answered.n_respondents

    def candidates(self) -> list[Candidate]:
        found = []
        for unit, answered in self.units.items():
            values = np.array([mean if n else np.nan for n, mean in zip(answered.n, answered.means, strict=True)])
            weights = [self.weight(unit, k) for k in range(3)]
            found.extend(self._rows(unit, answered.n_respondents, answered.n, TREE.values_of(values), weights))
        owners = {**{f"bloc:{bloc}": units for bloc, units in self.units_of_bloc.items()}, "all": list(self.units)}
        for owner, members in owners.items():
            counts = tuple(sum(self.units[unit].n[k] for unit in members) for k in range(3))
            respondents = sum(self.units[unit].n_respondents for unit in members)
            found.extend(self._rows(owner, respondents, counts, self._total(members), [1.0] * 3))
        return found

    def _total(self, members: Sequence[str]) -> np.ndarray:
        if self.plan.aggregate == "persons":
            sums = [sum(self.weight(unit, k) for unit in members) for k in range(3)]
            items = [
                sum(self.weight(unit, k) * self.units[unit].means[k] for unit in members) / sums[k]
                if sums[k]
                else np.nan
                for k in range(3)
            ]
            return TREE.values_of(np.array(items))
        values = np.array(
            [
                TREE.values_of(np.array([m if n else np.nan for n, m in zip(u.n, u.means, strict=True)]))
                for u in (self.units[unit] for unit in members)
            ]
        )
        known = ~np.isnan(values)
        sums = np.where(known, values, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)

    def _rows(
        self, owner: str, respondents: int, counts: Sequence[int], values: np.ndarray, weights: Sequence[float]
    ) -> list[Candidate]:
        found = []
        for m, node in enumerate(TREE.nodes):
            below = [counts[k] for k in range(3) if TREE.coefficients[m, k]]
            value = None if np.isnan(values[m]) else float(values[m])
            n = counts[TREE.items.index(node.item)] if node.item is not None else respondents
            shown = (value, 1.0, max(value - 2, 0.0), min(value + 2, 100.0)) if value is not None else (None,) * 4
            row = EstimateRow(
                "small-2026", owner, node.code, node.label.vi, *shown, 0.95, "t", 9.0, n, n / 1.2, 1.2, False,
                "" if value is not None else "no_answers", False, float(TREE.weights[m]),
            )  # fmt: skip
            weight = weights[TREE.items.index(node.item)] if node.item is not None else 1.0
            found.append(Candidate(row, respondents, min(below), 0.0, weight))
        return found

    def rows(self, *, rules: int = RULES, completes: bool = True) -> list[EstimateRow]:
        """What is published; with `completes` false nothing is hidden beside totals."""
        return disclose(
            self.candidates(), TREE, self.units_of_bloc, self.plan, rules=rules, totals_hold_hidden_units=completes
        )

    def weights(self) -> dict[tuple[str, str], float]:
        return {(unit, node): self.weight(unit, k) for unit in self.units for k, node in enumerate(CRITERIA)}


def edition_of(played: SmallRound, rows: Sequence[EstimateRow], number: int = 1) -> Edition:
    """An edition of these rows and nothing else."""
    blocs = {unit: bloc for bloc, units in played.units_of_bloc.items() for unit in units}
    contents = contents_of(tabulated([]), blocs=blocs)
    people = {unit: answered.people for unit, answered in played.units.items()}
    return Edition(
        facts=contents.facts,
        number=number,
        reason=None,
        published_on=dt.date(2026, 5, 1),
        public_url=None,
        questionnaire=SMALL,
        questionnaire_source=QUESTIONNAIRE.encode(),
        plan=played.plan,
        plan_source=PLAN_SOURCE.encode(),
        profile="rescaled",
        units=tuple(replace(unit, population=people[unit.code]) for unit in contents.units),
        estimates=tuple(rows),
        ranks=(),
        distributions=(),
        counts=contents.counts,
        coverage={},
        archive_manifest_sha256="ab" * 32,
        disclosure_rules=RULES,
    )


def solved(
    played: SmallRound, published: Sequence[Sequence[EstimateRow]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """What a reader finds of each criterion that the first of some publications hides, by two linear programs each.

    Written from the definition of the totals, for one criterion and all units at a time, with the digits as they were
    published; it shares nothing with the auditor but the solver.
    """
    tables = [{(row.unit, row.node): row for row in rows} for rows in published]
    found = {}
    for k, node in enumerate(CRITERIA):
        units = [unit for unit in played.units if played.units[unit].n[k]]
        bounds = [(0.0, 100.0)] * len(units)
        left, right = [], []
        for table in tables:
            for j, unit in enumerate(units):
                if table[unit, node].estimate is not None:
                    bounds[j] = (table[unit, node].estimate,) * 2
            for owner, members in {
                **{f"bloc:{bloc}": inside for bloc, inside in played.units_of_bloc.items()},
                "all": list(played.units),
            }.items():
                row = table[owner, node]
                if row.estimate is None:
                    continue
                taken = np.array([played.weight(unit, k) if unit in members else 0.0 for unit in units])
                slack = 0.05 if round(row.estimate, 1) == row.estimate else 0.0
                left += [taken / taken.sum(), -taken / taken.sum()]
                right += [row.estimate + slack + 1e-7, -row.estimate + slack + 1e-7]
        for j, unit in enumerate(units):
            if not tables[0][unit, node].suppressed:
                continue
            ends = []
            for sign in (1.0, -1.0):
                objective = np.zeros(len(units))
                objective[j] = sign
                program = linprog(objective, A_ub=np.array(left) if left else None, b_ub=right or None, bounds=bounds)
                assert program.status == 0, program.message
                ends.append(sign * program.fun)
            found[unit, node] = (ends[0], ends[1])
    return found


def narrowest(ranges: Mapping[tuple[str, str], tuple[float, float]]) -> float:
    """The width of the narrowest range."""
    return min((high - low for low, high in ranges.values()), default=100.0)
