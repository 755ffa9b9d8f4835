"""A sealing process that is killed leaves either no archive or a whole one, and another one finishes the work."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.archive import read_archive
from support.rounds import SLUG, Collection, open_collection
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.settings import Settings
from survey.storage.stores import Stores

ROOT = Path(__file__).resolve().parents[2]
# Kills at random moments: tests/crash.
STEPS = ("coarsen", "check", "record")

# The process kills itself, so that it dies at a known step; what comes after is the operating system's.
SEAL_AND_DIE = """
import os, signal, sys
from pathlib import Path
from support.rounds import SLUG
from support.stores import settings_in
from survey.sealing import seal_round
from survey.secrets import Secrets
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

settings = settings_in(Path(sys.argv[1]))
vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file), scrypt_cost=2**14)

def die(step, done, total):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

seal_round(open_stores(settings), Secrets(settings.secret_key), vault, settings, SLUG, die)
"""


@pytest.mark.slow
def test_a_killed_sealing_is_finished_by_the_next(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    collection: Collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    for number, code in enumerate(collection.codes("xa-b", 15)):
        assert collection.send("xa-b", code.qr, visits=str(number + 1), say=f"lời {number}") == "received"
    close_round(sqlite_stores, SLUG)
    path = archive_path(sqlite_settings, SLUG)
    for step in STEPS:
        ended = subprocess.run(
            [sys.executable, "-c", SEAL_AND_DIE, str(sqlite_settings.instance), step],
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
            capture_output=True,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        assert collection.record.state == "closed"
        if path.exists():
            assert sorted(read_archive(path).contents.responses["visits"].to_pylist()) == list(range(1, 16))
        else:
            assert not collection.vault.is_destroyed(SLUG)
    # A process that dies while it writes leaves its draft.
    draft = path.with_name(f".{SLUG}.draft")
    draft.mkdir()
    (draft / "responses.parquet").write_bytes(b"answers in the clear")
    sealed = seal_round(sqlite_stores, collection.secrets, collection.vault, sqlite_settings, SLUG)
    assert sealed.counts.sealed == 15
    assert collection.record.archive_hash == read_archive(path).manifest_sha256
    assert collection.vault.is_destroyed(SLUG)
    assert [entry.name for entry in path.parent.iterdir()] == [SLUG]
