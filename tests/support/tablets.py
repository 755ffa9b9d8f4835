"""Exports of a round's form as ODK Central and KoboToolbox write them.

KoboToolbox: formpack's `Export.to_csv` quotes every cell and parts them by semicolons; with “XML values and headers” a
column is called by its groups and its name with a stroke between, select_multiple stands as names with spaces between,
then a column for each answer, and `_id`, `_uuid`, `_submission_time`, `_validation_status`, `_notes`, `_status`,
`_submitted_by`, `__version__` (the project's own, not the form's), `_tags` and `_index` follow. ODK Central: central-
backend's `streamBriefcaseCsvs` writes commas and quotes where they are needed, hyphens between groups, `SubmissionDate`
first and `KEY`, the submitter, `ReviewState`, `DeviceID`, `Edits` and `FormVersion` last; split answers bear a stroke.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from questionnaires.model import Questionnaire
from questionnaires.xlsform_rounds import CODE, MARK, SCAN, AskedColumn, asked_columns, mark_of, version_of

# A submission: what stands under each name of the form, and what is said of it by the tool.
Submission = Mapping[str, str]


def submission(slug: str, questionnaire: Questionnaire, code: str, n: int, **answers: str) -> dict[str, str]:
    """What a tablet sends in: the answers under the names of the form, the code, the mark and a name of its own."""
    identity = f"{n:08x}-58cc-4372-a567-0e02b2c3d479"
    return {MARK: mark_of(slug, questionnaire), CODE: code, "identity": identity, **answers}


def kobo_csv(
    questionnaire: Questionnaire, submissions: Sequence[Submission], multiple: str = "both", groups: str = "/"
) -> bytes:
    """The CSV of KoboToolbox. `multiple` is both, summary or details; without `groups` names stand alone."""
    columns: list[tuple[str, AskedColumn | None, str]] = [(MARK, None, ""), (SCAN, None, ""), (CODE, None, "")]
    for asked in asked_columns(questionnaire):
        name = groups.join(asked.path) if groups else asked.path[-1]
        if not asked.options or multiple != "details":
            columns.append((name, asked, ""))
        if asked.options and multiple != "summary":
            columns += [(f"{name}/{option}", asked, option) for option in asked.options]
    after = ("_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by")
    header = ["start", "deviceid", *(name for name, _, _ in columns), *after, "__version__", "_tags", "_index"]
    lines = [header]
    for n, sent in enumerate(submissions, 1):
        line = ["2026-11-23T08:00:00.000+07:00", "ee.example:x1"]
        line += [_cell(sent, name, asked, option) for name, asked, option in columns]
        line += [
            str(1000 + n),
            sent["identity"],
            "2026-11-23T01:05:00",
            sent.get("review", ""),
            "",
            "submitted_via_web",
        ]
        lines.append([*line, "nguoi-nhap", "vYh3bKq2", "", str(n)])
    return "".join(";".join('"' + cell.replace('"', '""') + '"' for cell in line) + "\r\n" for line in lines).encode()


def central_csv(
    questionnaire: Questionnaire,
    submissions: Sequence[Submission],
    *,
    is_split: bool = False,
    has_groups: bool = True,
    version: str | None = None,
) -> bytes:
    """The CSV of ODK Central, with “split select multiples” and “remove group names” as chosen."""
    columns: list[tuple[str, AskedColumn | None, str]] = [(MARK, None, ""), ("about_note", None, "")]
    columns += [(SCAN, None, ""), (CODE, None, "")]
    for asked in asked_columns(questionnaire):
        name = "-".join(asked.path) if has_groups else asked.path[-1]
        columns.append((name, asked, ""))
        if is_split:
            columns += [(f"{name}/{option}", asked, option) for option in asked.options]
    after = ["KEY", "SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected", "Status"]
    after += ["ReviewState", "DeviceID", "Edits", "FormVersion"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["SubmissionDate", *(name for name, _, _ in columns), "meta-instanceID", *after])
    for sent in submissions:
        identity = f"uuid:{sent['identity']}"
        writer.writerow(
            ["2026-11-23T01:05:00.000Z"]
            + [_cell(sent, name, asked, option) for name, asked, option in columns]
            + [identity, identity, "7", "Lan", "0", "0", "", sent.get("review", ""), "collect:abc", "0"]
            + [version_of(questionnaire) if version is None else version]
        )
    return text.getvalue().encode()


def labelled_csv(questionnaire: Questionnaire, submissions: Sequence[Submission]) -> bytes:
    """The CSV of KoboToolbox with the questions' texts in place of their names."""
    labels = ["Nhập mã trên giấy mời", *(item.text.vi for item in questionnaire.items), "_uuid"]
    lines = [labels, *([sent[CODE], *("1" for _ in questionnaire.items), sent["identity"]] for sent in submissions)]
    return "".join(";".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines).encode()


def names_of(questionnaire: Questionnaire) -> Iterator[str]:
    """The names of the form's questions."""
    return (asked.path[-1] for asked in asked_columns(questionnaire))


def _cell(sent: Submission, name: str, asked: AskedColumn | None, option: str) -> str:
    answer = sent.get(asked.path[-1] if asked else name, "")
    if not option:
        return answer
    return "" if not answer else "1" if option in answer.split() else "0"
