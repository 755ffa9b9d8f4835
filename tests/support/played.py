"""Forms sent to a running server as a browser without its script sends them; many of them, one after the other."""

import http.client
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

_NONCE = re.compile(r'name="nonce" value="([^"]+)"')


class PlainBrowser:
    """One connection to a server, which takes no redirect by itself and keeps no cookie."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)

    def get(self, path: str) -> str:
        """The page at `path`; anything but 200 fails."""
        status, _, body = self._ask("GET", path, None)
        assert status == 200, (status, body[:500])
        return body

    def post(self, path: str, form: Mapping[str, Sequence[str]]) -> str:
        """The page that answers a form; anything but 200 fails."""
        status, _, body = self._ask("POST", path, form)
        assert status == 200, (status, body[:2000])
        return body

    def send(self, path: str, form: Mapping[str, Sequence[str]]) -> None:
        """Send a form that is complete: its answer leads on to the page that says it was received."""
        status, location, body = self._ask("POST", path, form)
        assert status == 303, (status, body[:4000])
        assert 'data-state="received"' in self.get(location)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, form: Mapping[str, Sequence[str]] | None) -> tuple[int, str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        body = None if form is None else urlencode(form, doseq=True)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        page = answer.read().decode("utf-8")
        assert answer.getheader("Set-Cookie") is None
        return answer.status, answer.getheader("Location") or "", page


def nonce_of(page: str) -> str:
    """The nonce that the form on a page carries."""
    found = _NONCE.search(page)
    assert found is not None
    return found.group(1)
