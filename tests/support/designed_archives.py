"""Archives under designs with cells, household and margins: of one unit a ballot, and of several."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from analysis.estimation.means import MeanSet, estimate_means
from analysis.indices.trees import index_tree
from analysis.release.framing import SCORE, FramedResponses, frame_responses
from analysis.release.plan import parse_plan
from analysis.release.round_design import parse_design
from analysis.responses import AnswerValue, tabulate_responses
from questionnaires.model import Questionnaire
from questionnaires.reading import parse_questionnaire
from support.archives import PLAN, QUESTIONNAIRE, contents_of

_PEOPLE = """\
  - code: people
    title: {vi: Về ông/bà, en: About you}
    items:
      - code: sex
        kind: single
        options:
          - {code: female, label: {vi: Nữ, en: Female}}
          - {code: male, label: {vi: Nam, en: Male}}
        text: {vi: Giới tính, en: Sex}
      - code: age
        kind: number
        minimum: 18
        maximum: 110
        whole: true
        bands: [18, 35, 55]
        text: {vi: Tuổi, en: Age}
      - code: adults
        kind: number
        minimum: 1
        maximum: 20
        whole: true
        text: {vi: Số người lớn trong hộ, en: Adults in the household}
"""
DESIGNED = QUESTIONNAIRE.replace("index:\n  label", f"{_PEOPLE}index:\n  label", 1)
SEVERAL = DESIGNED.replace('version: "1"\n', 'version: "1"\nmost_units: 5\n', 1).replace(
    "  - code: all_items\n", "  - code: all_items\n    per_unit: true\n", 1
)

# A row is its origin (unit, stratum, psu, channel, and ballot where there are several) and its answers.
OriginAndAnswers = tuple[Mapping[str, str], Mapping[str, AnswerValue]]


def designed_questionnaire(source: str = DESIGNED) -> Questionnaire:
    return parse_questionnaire(source.encode(), "designed.yaml")


def responses_of(rows: Sequence[OriginAndAnswers], source: str = DESIGNED) -> pa.Table:
    return tabulate_responses(designed_questionnaire(source), rows)


def framed_under(
    design: bytes,
    responses: pa.Table,
    units: Sequence[str],
    *,
    source: str = DESIGNED,
    coarsening: Mapping[str, object] | None = None,
    one_row_a_ballot: bool = False,
) -> FramedResponses:
    """The responses with the weights that they have under a design, as every computation on their archive begins."""
    contents = contents_of(
        responses,
        blocs=dict.fromkeys(units, "east"),
        design=design.decode(),
        questionnaire_source=source,
        coarsening=coarsening,
    )
    questionnaire = designed_questionnaire(source)
    return frame_responses(
        contents,
        questionnaire,
        index_tree(questionnaire),
        questionnaire.profile("rescaled"),
        parse_design(design, "design.yaml"),
        parse_plan(PLAN.encode(), "plan.yaml"),
        one_row_a_ballot=one_row_a_ballot,
    )


def means_of(framed: FramedResponses, items: Sequence[str], domain: Sequence[str]) -> MeanSet:
    import ibis

    connection = ibis.duckdb.connect()
    connection.con.register("responses", framed.table)
    return estimate_means(connection.table("responses"), framed.design, [SCORE + item for item in items], domain)
