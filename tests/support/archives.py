"""Archives of a questionnaire of three items, made from rows that a test can count by hand."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from analysis.archive import Archive, ArchiveContents, ArchiveUnit, Counts, RoundFacts, read_archive, write_archive
from analysis.responses import tabulate_responses
from analysis.signatures import PrivateKeySigner
from questionnaires.model import Text
from questionnaires.reading import parse_questionnaire

SIGNER = PrivateKeySigner.from_seed(bytes(range(32)))
FORGER = PrivateKeySigner.from_seed(bytes(range(1, 33)))

QUESTIONNAIRE = """\
questionnaire: 1
name: small
version: "1"
title: {vi: Khảo sát nhỏ, en: Small survey}
model_name: SMALL
scales:
  five:
    - {code: "1", value: 1, label: {vi: Rất không hài lòng, en: Very dissatisfied}}
    - {code: "2", value: 2, label: {vi: Không hài lòng, en: Dissatisfied}}
    - {code: "3", value: 3, label: {vi: Bình thường, en: Neutral}}
    - {code: "4", value: 4, label: {vi: Hài lòng, en: Satisfied}}
    - {code: "5", value: 5, label: {vi: Rất hài lòng, en: Very satisfied}}
sections:
  - code: all_items
    title: {vi: Câu hỏi, en: Questions}
    items:
      - {code: a, kind: single, scale: five, dont_know: true, text: {vi: Câu a, en: Item a}}
      - {code: b, kind: single, scale: five, not_applicable: true, text: {vi: Câu b, en: Item b}}
      - {code: c, kind: single, scale: five, text: {vi: Câu c, en: Item c}}
      - code: ways
        kind: multiple
        not_applicable: true
        options:
          - {code: desk, label: {vi: Tại quầy, en: At the desk}}
          - {code: web, label: {vi: Trên mạng, en: Online}}
        text: {vi: "Ông/bà nộp hồ sơ cách nào?", en: "How did you apply?"}
      - {code: days, kind: number, minimum: 0, maximum: 365, whole: true, text: {vi: Số ngày chờ, en: Days waited}}
      - {code: note, kind: text, longest: 200, text: {vi: Góp ý, en: Comment}}
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
        - {item: c, source: ours}
profiles:
  - {name: rescaled, label: {vi: Quy đổi, en: Rescaled}, formula: rescaled, confirmed: true, source: ours}
  - {name: share, label: {vi: Tỷ lệ, en: Share}, formula: share, threshold: 4, confirmed: false, source: ours}
  - {name: of_five, label: {vi: Trên 5, en: Of five}, formula: mean_of_maximum, confirmed: false, source: ours}
default_profile: rescaled
"""
PLAN = 'plan: 1\nversion: "7"\naggregate: persons\nsuppress_below: 10\ncaution_below: 30\n'
# What an item counts for in the root: 3/4 and 1/4 of two thirds, and one third.
ROOT_WEIGHTS = {"a": 0.5, "b": 1 / 6, "c": 1 / 3}

Row = tuple[str, str | None, str | None, str | None]


def questionnaire() -> object:
    return parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")


def tabulated(rows: Sequence[Row], psus: Sequence[str] | None = None, strata: Sequence[str] | None = None) -> pa.Table:
    """Responses from rows of unit and answers to a, b and c."""
    records = []
    for position, (unit, *answers) in enumerate(rows):
        attributes = {"unit": unit, "channel": "web"}
        if psus is not None:
            attributes["psu"] = psus[position]
        if strata is not None:
            attributes["stratum"] = strata[position]
        given = {item: code for item, code in zip("abc", answers, strict=True) if code is not None}
        records.append((attributes, given))
    return tabulate_responses(parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml"), records)


def contents_of(
    responses: pa.Table,
    *,
    blocs: Mapping[str, str],
    plan: str = PLAN,
    design: str | None = None,
    questionnaire_source: str = QUESTIONNAIRE,
    population: Mapping[str, int] | None = None,
    comments: bytes | None = None,
    coarsening: Mapping[str, object] | None = None,
) -> ArchiveContents:
    """Contents of an archive; `blocs` names the bloc of each unit, `population` the people of each stratum."""
    if design is None:
        counted = "".join(f"  {stratum}: {people}\n" for stratum, people in (population or {}).items())
        design = "design: 1\nstrata: [unit]\n" + (f"population:\n{counted}" if counted else "")
    n_rows = responses.num_rows
    return ArchiveContents(
        facts=RoundFacts(
            slug="small-2026",
            title=Text("Khảo sát nhỏ", "Small survey"),
            opens_on=dt.date(2026, 3, 1),
            closes_on=dt.date(2026, 3, 31),
            issuer=Text("Ủy ban", "Committee"),
            decision="",
            hotline="",
            collected="here",
        ),
        questionnaire_source=questionnaire_source.encode(),
        plan_source=plan.encode(),
        design_source=design.encode(),
        units=tuple(
            ArchiveUnit(unit, Text(f"Phường {unit}", f"Ward {unit}"), "ward", bloc, f"Khối {bloc}", 1000)
            for unit, bloc in blocs.items()
        ),
        responses=responses,
        comments=comments,
        comment_count=0 if comments is None else 1,
        counts=Counts(n_rows + 5, n_rows, n_rows, n_rows, {}),
        coarsening=coarsening or {},
        previous_manifest=None,
    )


def archive_at(path: Path, contents: ArchiveContents) -> Archive:
    """The archive of these contents, written and read back."""
    write_archive(contents, path, SIGNER)
    return read_archive(path)
