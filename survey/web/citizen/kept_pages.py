"""Pages that were drawn once and differ from reader to reader in nothing but the form's nonce."""

import struct
import zlib
from dataclasses import dataclass

# Each takes some 40 kB; a process that shows more units than these draws the others anew.
MOST_PAGES = 256

# Ten bytes of gzip (RFC 1952): deflate, no name, no time, written on no system in particular.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# An empty last block of deflate (RFC 1951) and the bits that fill its byte.
_DEFLATE_END = b"\x03\x00"
_WINDOW = 32_768
# Stands in the compressor's memory where a nonce will stand; no page holds this character.
_NOTHING = b"\0"


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page in the pieces that stand around its nonces, each compressed for itself; one piece where it has none."""

    pieces: tuple[bytes, ...]
    packed: tuple[bytes, ...]
    nonce_bytes: int

    @classmethod
    def cut(cls, html: str, nonce: str = "") -> "KeptPage":
        """The page around a nonce; the same for everybody where the nonce is empty."""
        written = nonce.encode()
        pieces = tuple(html.encode().split(written)) if written else (html.encode(),)
        packed = []
        before = b""
        for piece in pieces:
            # A reader's decompressor has seen all that stands before, nonces and all, and so has this compressor.
            compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, before[-_WINDOW:])
            packed.append(compressor.compress(piece) + compressor.flush(zlib.Z_SYNC_FLUSH))
            before += piece + _NOTHING * len(written)
        return cls(pieces, tuple(packed), len(written))

    def plain_with(self, nonce: str = "") -> bytes:
        """The page with this nonce."""
        return nonce.encode().join(self.pieces)

    def packed_with(self, nonce: str = "") -> bytes:
        """The same as one gzip member; nonces travel as they are, and nothing is compressed anew.

        Raises ValueError for a nonce of another length than the one that the page was cut around.
        """
        written = nonce.encode()
        if len(written) != self.nonce_bytes:
            raise ValueError(f"found a nonce of {len(written)} bytes, expected {self.nonce_bytes}")
        # A stored block: its length, and the same with every bit turned.
        stored = b"\x00" + struct.pack("<HH", len(written), len(written) ^ 0xFFFF) + written
        page = written.join(self.pieces)
        trailer = struct.pack("<II", zlib.crc32(page), len(page))
        return b"".join((_GZIP_HEAD, stored.join(self.packed), _DEFLATE_END, trailer))
