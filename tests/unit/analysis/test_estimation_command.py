"""`hailong estimate`: what it answers, and what it refuses in one line that names the place."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from support.command_line import Run, run
from support.oracle import GOLDEN, differences

ROWS = "stratum,psu,w,group,score,fpc\n" + "".join(
    f"s{h},{h}{i},{1.5 + i},{'ab'[i % 2]},{3 * h + i * i},20\n" for h in (1, 2) for i in range(4)
)
SPEC: dict[str, Any] = {
    "data": ["answers.csv"],
    "design": {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "fpc": ["fpc"]},
    "estimator": {"type": "svymean", "variables": ["score"], "na_rm": True},
}
Ask = Callable[..., Run]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask for an estimate of a small table; keywords replace parts of the specification, `rows` the table."""

    def asking(*arguments: object, rows: str | bytes = ROWS, **parts: Any) -> Run:
        content = rows.encode() if isinstance(rows, str) else rows
        (tmp_path / "answers.csv").write_bytes(content)
        spec = {**SPEC, **{key: value for key, value in parts.items() if key in ("data", "design", "estimator")}}
        (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        out = tmp_path / "answer.json"
        found = run({}, "estimate", tmp_path / "spec.json", "--data", tmp_path, *(arguments or ("--out", out)))
        if found.exit_code:
            assert not out.exists()
            assert found.output == ""
            assert len(found.errors.strip().splitlines()) == 1
        return found

    return asking


def _design(**parts: Any) -> dict[str, Any]:
    return {**SPEC["design"], **parts}


def test_a_case_file_is_a_valid_specification(tmp_path: Path) -> None:
    path = GOLDEN / "oracle" / "expected" / "api_clus1_fpc__by__stype__mean__api00.json"
    found = run({}, "estimate", path, "--data", GOLDEN / "oracle", "--out", tmp_path / "answer.json")
    assert (found.exit_code, found.output) == (0, "")
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert list(differences(json.loads(path.read_text(encoding="utf-8")), answer)) == []
    assert {path.name for path in tmp_path.iterdir()} == {"answer.json"}


def test_without_out_the_answer_is_printed(tmp_path: Path, ask: Ask) -> None:
    found = ask("--data", tmp_path)
    assert found.exit_code == 0
    assert list(json.loads(found.output)) == ["kind", "ci_level", "results", "vcov", "extra"]


def test_yaml_and_parquet_give_the_same_answer_as_json_and_csv(tmp_path: Path, ask: Ask) -> None:
    found = ask("--data", tmp_path)
    rows = [line.split(",") for line in ROWS.splitlines()]
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    numbers = {name: pa.array([float(value) for value in columns[name]]) for name in ("psu", "w", "score", "fpc")}
    texts = {name: pa.array(columns[name]).dictionary_encode() for name in ("stratum", "group")}
    pyarrow.parquet.write_table(pa.table({**numbers, **texts}), tmp_path / "answers.parquet")
    (tmp_path / "spec.yaml").write_text(
        "data: answers.parquet\n"
        "design: {ids: [psu], strata: stratum, weights: w, fpc: fpc}\n"
        "estimator: {type: svymean, variables: [score]}\n",
        encoding="utf-8",
    )
    again = run({}, "estimate", tmp_path / "spec.yaml")
    assert (again.exit_code, again.errors) == (0, "")
    assert json.loads(again.output) == json.loads(found.output)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"design": _design(wieghts="w")}, "design: found the unknown key wieghts, expected one of ids, strata"),
        ({"estimator": {**SPEC["estimator"], "quantile": 0.5}}, "estimator: found the unknown key quantile"),
        ({"estimator": {"type": "svymode", "variables": ["score"]}}, '"svymode", supported are svymean'),
        ({"estimator": {"type": ["svymean"], "variables": ["score"]}}, '["svymean"], supported are svymean'),
        ({"design": _design(lonely_psu="ignore")}, "expected one of fail, remove, adjust, average, certainty"),
        ({"design": _design(nest="yes")}, 'design.nest: found "yes", expected true or false'),
        ({"design": _design(fpc=["fpc", "w"])}, "fpc: found 2 columns, expected at most 1"),
        ({"design": _design(strata=["stratum", "stratum"])}, "design.strata: found a column twice"),
        ({"design": _design(weights="weight")}, "answers.csv: found no column weight, expected it among stratum, psu"),
        ({"estimator": {**SPEC["estimator"], "variables": ["missing"]}}, "answers.csv: found no column missing"),
        ({"estimator": {**SPEC["estimator"], "variables": []}}, "estimator.variables: found nothing"),
        ({"data": ["../answers.csv"]}, "may lead out of the data folder"),
        ({"data": ["/etc/passwd"]}, "may lead out of the data folder"),
        ({"data": ["other.csv"]}, "other.csv: No such file"),
        ({"data": ["answers.csv", "answers.csv"]}, "found the further file answers.csv"),
        ({"data": []}, "data: found no file, expected a table"),
        ({"design": _design(subset="score >")}, "design.subset: found the end"),
        ({"design": _design(subset="score > 1000")}, "found no row where score > 1000"),
        ({"design": _design(subset="other == 1")}, "found no column other"),
    ],
)
def test_a_specification_that_cannot_be_is_refused(ask: Ask, parts: dict[str, Any], expected: str) -> None:
    found = ask(**parts)
    assert found.exit_code == 2
    assert expected in found.errors


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("", "answers.csv: found an empty file"),
        ("\n", "answers.csv: found an empty file"),
        (ROWS.splitlines()[0] + "\n", "answers.csv: found no rows"),
        (ROWS.replace("s1,11,", "s1,11,-"), "answers.csv: row 2, column w: found the weight -2.5"),
        (ROWS.replace("s1,11,2.5", "s1,11,0"), "row 2, column w: found the weight 0, expected a weight above 0"),
        (ROWS.replace("s1,11,2.5", "s1,11,NaN"), "row 2, column w: found no value"),
        (ROWS.replace("s1,11,2.5", "s1,11,"), "row 2, column w: found no value"),
        (ROWS.replace("s1,11,2.5", "s1,11,Inf"), "row 2, column w: found infinity"),
        (ROWS.replace("s1,11,2.5", 's1,11,"2,5"'), "row 2, column w: found '2,5', expected a number"),
        (ROWS.replace("s1,11,", ",11,"), "row 2, column stratum: found no value"),
        (ROWS.replace("s1,11,", "s1,NA,"), "row 2, column psu: found no value"),
        (ROWS.replace(",b,4,", ",b,four,"), "row 2, column score: found 'four', expected a number"),
        (ROWS.replace(",b,4,20", ",b,4,20,1"), "Row #3: Expected 6 columns, got 7"),
        (ROWS.replace(",b,4,20", ",b,4"), "Row #3: Expected 6 columns, got 5"),
        (ROWS.replace(",20", ",3"), "a population of 3 in stratum s1 with a sample of 4"),
        (ROWS.replace("b,4,20", "b,4,30"), "column fpc: found several populations in stratum s1"),
        (ROWS.replace("b,4,20", "b,4,0.5"), "expected all counts (>= 1) or all fractions (<= 1)"),
        (ROWS.replace("b,4,20", "b,4,-1"), "row 2, column fpc: found -1"),
        (ROWS.replace("s2,20,", "s2,10,"), "column psu: found one PSU label in strata s1 and s2"),
        (ROWS.replace("group,", "score,"), "found the column score twice"),
        (ROWS.replace("s1", '"s1', 1), "found a quotation mark that is never closed"),
        (ROWS.encode().replace(b",b,4,", b",\xe9,4,"), "line 3: found a byte that is not UTF-8"),
        (ROWS.encode("utf-16"), "found a byte that is not UTF-8"),
        (ROWS.encode().replace(b",b,4,", b",b\0,4,"), "line 3: found a zero byte"),
    ],
)
def test_a_table_that_cannot_be_is_refused_at_its_place(ask: Ask, rows: str | bytes, expected: str) -> None:
    found = ask(rows=rows)
    assert found.exit_code == 2
    assert expected in found.errors


def test_a_broken_specification_is_refused(tmp_path: Path) -> None:
    for name, content, expected in (
        ("broken.json", b"{", "broken.json: found text that cannot be read"),
        ("list.json", b"[]", "list.json: found [], expected keys with values"),
        ("twice.json", b'{"data": [], "data": []}', "found the key data twice"),
        ("nan.json", b'{"data": NaN}', "found NaN, expected a finite number"),
        ("latin.json", b'{"data": "\xe9"}', "found a byte that is not UTF-8"),
        ("deep.json", b"[" * 100_000, "found text that cannot be read"),
        ("twice.yaml", b"data: a\ndata: b\n", "found the key data twice"),
        ("object.yaml", b"data: !!python/object:os.system {}\n", "found text that cannot be read"),
        ("empty.yaml", b"", "expected keys with values"),
        ("none.json", b"{}", "found no key data"),
    ):
        (tmp_path / name).write_bytes(content)
        found = run({}, "estimate", tmp_path / name)
        assert (found.exit_code, found.output) == (2, ""), name
        assert expected in found.errors
    assert run({}, "estimate", tmp_path / "absent.json").exit_code == 2
    assert run({}, "estimate", tmp_path / "none.json", "--data", tmp_path / "absent").exit_code == 2
    assert run({}, "estimate", tmp_path / "none.json", "--out", tmp_path / "absent" / "out.json").exit_code == 2


def test_a_symbolic_link_is_refused(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere" / "real.csv")
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    for path in ("link.csv", "folder/real.csv"):
        found = ask(data=[path])
        assert found.exit_code == 2
        assert "found a symbolic link" in found.errors


def test_what_is_no_regular_file_or_too_large_is_refused(tmp_path: Path, ask: Ask) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with (tmp_path / "large.csv").open("wb") as large:
        large.truncate(2**31 + 1)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really PAR1")
    assert "found no regular file" in ask(data=["pipe.csv"]).errors
    assert "expected at most 2147483648" in ask(data=["large.csv"]).errors
    assert "found no regular file" in ask(data=["folder.csv"]).errors
    assert ask(data=["broken.parquet"]).exit_code == 2


def test_replicates_must_fit_the_data(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "short.csv").write_text("r1,r2\n1,2\n", encoding="utf-8")
    (tmp_path / "whole.csv").write_text("r1,r2\n" + "0,2\n2,0\n" * 4, encoding="utf-8")
    (tmp_path / "gap.csv").write_text("r1,r2\n" + "0,2\n2,\n" * 4, encoding="utf-8")
    for parts, expected in (
        ({"file": "short.csv", "scale": 1}, "short.csv: found 1 rows, expected 8"),
        ({"file": "whole.csv", "scale": 1, "n_replicates": 3}, "found 2 replicates, expected n_replicates 3"),
        ({"file": "whole.csv", "scale": 1, "rscales": [1, 1, 1]}, "found 2 replicates, expected 3 as in rscales"),
        ({"file": "whole.csv", "type": "JK1"}, "replicates.scale: found nothing"),
        ({"file": "gap.csv", "scale": 1}, "gap.csv: row 2, column r2: found no value"),
        ({"file": "../whole.csv", "scale": 1}, "may lead out of the data folder"),
        ({"scale": 1}, "replicates.file: found nothing"),
        ({"file": "whole.csv", "scales": 1}, "found the unknown key scales"),
    ):
        found = ask(design=_design(replicates=parts))
        assert found.exit_code == 2
        assert expected in found.errors


def test_a_stratum_with_one_psu_is_named(ask: Ask) -> None:
    found = ask(rows="\n".join(ROWS.splitlines()[:6]) + "\n")
    assert found.exit_code == 2
    assert "answers.csv: stratum s2: found one PSU at stage 1" in found.errors


def test_what_does_not_exist_is_null_with_a_reason(ask: Ask, tmp_path: Path) -> None:
    rows = ROWS.replace(",a,3,", ",a,,").replace(",a,7,", ",a,,").replace(",a,6,", ",a,,").replace(",a,10,", ",a,,")
    found = ask("--data", tmp_path, rows=rows, estimator={**SPEC["estimator"], "by": ["group"]})
    first, second = json.loads(found.output)["results"]
    assert (first["domain"], first["estimate"], first["se"], first["ci"], first["n"]) == (
        {"group": "a"},
        None,
        None,
        None,
        0,
    )
    assert "estimate: no row answered" in first["reason"]
    assert second["n"] == 4
    assert second["reason"] == "deff_replace: not part of this kind"


@pytest.mark.parametrize("kind", ["svymean", "svyvar", "svyratio", "composite_index"])
def test_a_domain_inside_one_psu_is_flagged_and_has_no_interval(ask: Ask, kind: str, tmp_path: Path) -> None:
    rows = ROWS.replace("s1,10,1.5,a,", "s1,10,1.5,c,")
    question: dict[str, Any] = {
        "svyratio": {"numerator": "score", "denominator": "fpc"},
        "composite_index": {"items": ["score"], "coefficients": [1]},
    }.get(kind, {"variables": ["score"]})
    found = ask("--data", tmp_path, rows=rows, estimator={"type": kind, "by": ["group"], **question})
    row = next(row for row in json.loads(found.output)["results"] if row["domain"] == {"group": "c"})
    assert (row["ci"], row["df"]) == (None, 0)
    assert row["se"] is None or "the standard error of 0 is not certainty" in row["note"]
    assert row["reason"]


def test_missing_answers_without_na_rm_leave_no_estimate(ask: Ask, tmp_path: Path) -> None:
    found = ask("--data", tmp_path, rows=ROWS.replace(",a,3,", ",a,,"), estimator={**SPEC["estimator"], "na_rm": False})
    row = json.loads(found.output)["results"][0]
    assert row["estimate"] is None
    assert "1 rows have no answer and na_rm is false" in row["reason"]


def test_numbers_are_categories_where_the_specification_says_so(ask: Ask, tmp_path: Path) -> None:
    rows = ROWS.replace("score", "level")
    estimator = {"type": "svymean", "variables": ["level"], "factors": ["level"]}
    rows_found = json.loads(ask("--data", tmp_path, rows=rows, estimator=estimator).output)["results"]
    assert [row["statistic"] for row in rows_found] == [f"level{value}" for value in (3, 4, 6, 7, 10, 12, 15)]
    assert sum(row["estimate"] for row in rows_found) == pytest.approx(1)


def test_columns_that_differ_in_case_alone_are_told_apart(ask: Ask, tmp_path: Path) -> None:
    plain = json.loads(ask("--data", tmp_path).output)
    rows = ROWS.replace("stratum,psu,w", "W,__row,w", 1)
    design = {"ids": ["__row"], "strata": ["W"], "weights": "w", "fpc": ["fpc"]}
    assert json.loads(ask("--data", tmp_path, rows=rows, design=design).output) == plain


def test_the_order_of_the_rows_does_not_change_the_answer(ask: Ask, tmp_path: Path) -> None:
    header, *rows = ROWS.splitlines()
    estimator = {"type": "svytotal", "variables": ["score", "group"], "by": ["stratum"]}
    one, other = (
        json.loads(ask("--data", tmp_path, rows="\n".join([header, *some]), estimator=estimator).output)
        for some in (rows, rows[::-1])
    )
    for first, second in zip(one["results"], other["results"], strict=True):
        assert (first["domain"], first["statistic"]) == (second["domain"], second["statistic"])
        assert first["se"] == pytest.approx(second["se"], rel=1e-12)


def test_an_answer_that_cannot_be_written_leaves_nothing(tmp_path: Path, ask: Ask) -> None:
    assert ask("--out", tmp_path).exit_code == 2
    long = tmp_path / ("x" * 255)
    assert "File name too long" in ask("--out", long).errors
