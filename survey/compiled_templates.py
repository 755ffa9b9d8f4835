"""Templates compiled once a process, however many applications and printers it makes."""

from types import CodeType

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class CompiledOnce(BytecodeCache):
    """What was compiled for environments that escape and trim alike; a text that changed is compiled anew."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket with the code of the same text, where there is one."""
        checksum, code = self._kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code that the bucket was filled with."""
        if bucket.code is not None:
            self._kept[bucket.key] = (bucket.checksum, bucket.code)
