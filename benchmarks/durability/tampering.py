"""Criterion 12: a sealed round is edited in a thousand ways, and `hailong verify` is asked each time.

Half of the edits change one byte of one file. The others are an insider's: two rows exchanged, also two with the same
score, or one answer changed, the file written anew; with the manifest as it was, with its hashes put right, or with all
of it signed again by a key that is not the office's.
"""

import io
import json
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive import MANIFEST, manifest_bytes
from analysis.errors import AnalysisError
from analysis.release.verification import examine
from analysis.sealed_folders import sha256_hex
from analysis.signatures import PrivateKeySigner, public_key_of, signed
from benchmarks.durability.rounds import SLUG, Trial, trial
from benchmarks.durability.sealings import answer_by_two_channels
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round

RESPONSES = "responses.parquet"
SCORED, UNSCORED = "overall", "paid"
INSIDER_EDITS = ("two rows", "two rows of one score", "one answer")
COVERS = ("nothing else", "the hashes put right", "signed by another key")


@dataclass(frozen=True, slots=True)
class Tampered:
    """How many edits of each kind were made, and which of them were not noticed."""

    made: Counter[str]
    unnoticed: tuple[str, ...]


def tamper(n_edits: int, seed: int) -> Tampered:
    """So many edits of one sealed round, each on the untouched archive."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    with trial("sqlite") as attacked:
        original = _sealed(attacked)
        office_key = public_key_of(json.loads((original / MANIFEST).read_bytes()))
        assert not examine(original, None, office_key).findings
        made: Counter[str] = Counter()
        unnoticed = []
        copy = attacked.folder / "edited"
        for number in range(n_edits):
            shutil.copytree(original, copy)
            if number % 2:
                kind, what = "one byte", _flip(copy, chance)
            else:
                cover = COVERS[(number // 2) % len(COVERS)]
                edit = INSIDER_EDITS[(number // 6) % len(INSIDER_EDITS)]
                kind, what = f"{edit}, {cover}", _rewrite(copy, edit, cover, chance)
            made[kind] += 1
            if not _is_noticed(copy, office_key):
                unnoticed.append(f"{kind}: {what}")
            shutil.rmtree(copy)
        return Tampered(made, tuple(unnoticed))


def _sealed(attacked: Trial) -> Path:
    asked = attacked.asked
    answer_by_two_channels(attacked, 60)
    close_round(asked.stores, SLUG)
    seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, SLUG)
    return archive_path(attacked.settings, SLUG)


def _is_noticed(folder: Path, office_key: bytes) -> bool:
    try:
        return bool(examine(folder, None, office_key).findings)
    except AnalysisError:
        return True


def _flip(folder: Path, chance: random.Random) -> str:
    file = chance.choice(sorted(path for path in folder.iterdir() if path.stat().st_size))
    content = bytearray(file.read_bytes())
    position, mask = chance.randrange(len(content)), chance.randrange(1, 256)
    content[position] ^= mask
    file.write_bytes(content)
    return f"byte {position} of {file.name}"


def _rewrite(folder: Path, edit: str, cover: str, chance: random.Random) -> str:
    file = folder / RESPONSES
    table = pq.read_table(file)
    edited, what = _edited(table, edit, chance)
    target = io.BytesIO()
    pq.write_table(edited, target)
    file.write_bytes(target.getvalue())
    if cover != COVERS[0]:
        _put_right(folder, is_signed_again=cover == COVERS[2])
    return what


def _edited(table: pa.Table, edit: str, chance: random.Random) -> tuple[pa.Table, str]:
    scores = table.column(SCORED).to_pylist()
    n_rows = table.num_rows
    first = chance.randrange(n_rows)
    if edit == "one answer":
        rows = table.to_pylist()
        rows[first][SCORED] = next(score for score in sorted({*scores} - {None}) if score != scores[first])
        return pa.Table.from_pylist(rows, schema=table.schema), f"the score of row {first}"
    others = [
        row
        for row in range(n_rows)
        if table.slice(row, 1) != table.slice(first, 1) and (edit == "two rows" or scores[row] == scores[first])
    ]
    second = chance.choice(others)
    order = list(range(n_rows))
    order[first], order[second] = second, first
    return table.take(pa.array(order)), f"rows {first} and {second}"


def _put_right(folder: Path, *, is_signed_again: bool) -> None:
    """The manifest with the hash of the edited file, its old signature, or one by a key of the insider's own."""
    path = folder / MANIFEST
    text = path.read_text(encoding="utf-8")
    old, new = json.loads(text)["files"][RESPONSES]["sha256"], sha256_hex((folder / RESPONSES).read_bytes())
    manifest = json.loads(text.replace(old, new))
    if is_signed_again:
        manifest = signed(manifest, PrivateKeySigner.from_seed(b"a key that the office never saw!"))
    path.write_bytes(manifest_bytes(manifest))
