"""Archives of the small questionnaire under standardised profiles: units held against each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.archive import Archive
from support.archives import QUESTIONNAIRE, Row, archive_at, contents_of, tabulated

# c is better the lower it is; h comes from no survey.
STANDARDISED = (
    QUESTIONNAIRE[: QUESTIONNAIRE.index("index:\n")]
    + """\
index:
  label: {vi: Chỉ số, en: Index}
  factors:
    - code: first
      label: {vi: Yếu tố một, en: First factor}
      weight: 2
      criteria:
        - {item: a, weight: 3, source: ours}
        - {item: b, weight: 1, source: ours}
    - code: second
      label: {vi: Yếu tố hai, en: Second factor}
      weight: 1
      criteria:
        - {item: c, reversed: true, source: ours}
        - {hard: h, label: {vi: Số liệu h, en: Figure h}, source: ours}
profiles:
  - name: std
    label: {vi: Chuẩn hóa, en: Standardised}
    formula: standardised
    confirmed: false
    source: ours
    bands:
      - {low: 10, label: {vi: Thấp, en: Low}}
      - {low: 50, label: {vi: Khá, en: Fair}}
      - {low: 80, label: {vi: Tốt, en: Good}}
  - {name: with_hard, label: {vi: Có số liệu, en: With figures}, formula: standardised, hard: true, points: 1000,
     confirmed: false, source: ours}
  - {name: strict, label: {vi: Chặt, en: Strict}, formula: standardised, same_extremes: missing, confirmed: false,
     source: ours}
default_profile: std
"""
)
PLAN = 'plan: 1\nversion: "1"\naggregate: units\n'
BLOCS = {"u1": "east", "u2": "east", "u3": "east", "v1": "west"}


def rows_of(answers: Mapping[str, Sequence[Sequence[str | None]]], n: Mapping[str, int]) -> list[Row]:
    """As many rows of each unit as wanted, its answers to a, b and c in turn."""
    return [(unit, *answers[unit][j % len(answers[unit])]) for unit, count in n.items() for j in range(count)]


def standardised_archive(
    path: Path,
    rows: Sequence[Row],
    *,
    plan: str = PLAN,
    blocs: Mapping[str, str] = BLOCS,
    psus: Sequence[str] | None = None,
    design: str | None = None,
) -> Archive:
    """An archive of these rows."""
    contents = contents_of(
        tabulated(rows, psus), blocs=blocs, plan=plan, design=design, questionnaire_source=STANDARDISED
    )
    return archive_at(path, contents)
