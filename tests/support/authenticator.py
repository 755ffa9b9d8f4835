"""An authenticator app and its owner's phone, after RFC 4226 and RFC 6238; it knows nothing of the program."""

import base64
import hashlib
import hmac
import re
import struct
import time

_KEY = re.compile(r'<code class="key">([A-Z2-7 ]+)</code>')
_OFFER = re.compile(r'name="offer" value="([^"]+)"')


class App:
    """An app with one account: it shows six digits for each half minute."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def typed_from(cls, page: str) -> "App":
        """The app into which somebody typed the key that a page shows."""
        found = _KEY.search(page)
        assert found is not None, "the page shows no key"
        return cls(base64.b32decode(found.group(1).replace(" ", "")))

    def shows(self, at: float) -> str:
        """The digits at so many seconds after 1970."""
        digest = hmac.new(self._key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
        start = digest[-1] & 15
        number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
        return f"{number % 1_000_000:06d}"


def half_minute(left: int = 5) -> float:
    """This moment, with some seconds left of its half minute: digits do not change between a look and the server's."""
    while time.time() % 30 > 30 - left:
        time.sleep(0.2)
    return time.time()


def offer_of(page: str) -> str:
    """What the page's form sends along with the first digits."""
    found = _OFFER.search(page)
    assert found is not None, "the page offers no key"
    return found.group(1)
