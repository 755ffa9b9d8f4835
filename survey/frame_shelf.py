"""Where lists of people lie: files beside the stores, sealed under a key of their own, and in no backup.

A list can be had again from whoever made it, and what no backup holds is gone when it is erased.
"""

import io
import os
import secrets as randomness
import shutil
from pathlib import Path
from typing import Literal

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from survey.errors import HailongError
from survey.secrets import Secrets

Part = Literal["uploaded", "kept", "left_out", "selected"]
FOLDER = "frames"
_NONCE_BYTES = 12


def new_sealed_key(secrets: Secrets, slug: str) -> bytes:
    """A fresh key for the files of a round's list, sealed: it opens in this installation, for this round alone."""
    nonce = randomness.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(secrets.frame_key).encrypt(nonce, AESGCM.generate_key(256), slug.encode())


class FrameShelf:
    """The sealed files of one round's list.

    :param sealed_key: as `new_sealed_key` made it.
    """

    def __init__(self, instance: Path, secrets: Secrets, slug: str, sealed_key: bytes) -> None:
        self._folder = folder_of(instance, slug)
        self._slug = slug
        try:
            key = AESGCM(secrets.frame_key).decrypt(sealed_key[:_NONCE_BYTES], sealed_key[_NONCE_BYTES:], slug.encode())
        except InvalidTag:
            raise HailongError(f"the list of the round {slug} was sealed under another secret key") from None
        self._cipher = AESGCM(key)

    def put(self, part: Part, table: pa.Table) -> None:
        """Keep a table in place of the one that was there."""
        from pyarrow import parquet

        stream = io.BytesIO()
        parquet.write_table(table, stream, compression="zstd")
        nonce = randomness.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, stream.getvalue(), self._bound(part))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{part}.{randomness.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / f"{part}.sealed")

    def get(self, part: Part) -> pa.Table:
        """The table that was kept last; raises HailongError where there is none, or it is not what was kept."""
        from pyarrow import parquet

        try:
            sealed = (self._folder / f"{part}.sealed").read_bytes()
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound(part))
        except (OSError, InvalidTag):
            raise HailongError(f"the list of the round {self._slug}: found no readable file, upload it again") from None
        return parquet.read_table(io.BytesIO(content))

    def drop(self, part: Part) -> None:
        (self._folder / f"{part}.sealed").unlink(missing_ok=True)

    def _bound(self, part: Part) -> bytes:
        return f"hailong list 1 {self._slug} {part}".encode()


def folder_of(instance: Path, slug: str) -> Path:
    """The folder with the files of a round's list."""
    return instance / FOLDER / slug


def erase_files(instance: Path, slug: str) -> None:
    """No file of a round's list is left."""
    shutil.rmtree(folder_of(instance, slug), ignore_errors=True)
