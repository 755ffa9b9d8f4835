"""A slow sender keeps nobody else waiting: a request's body is read whole before any work on it begins.

Threads that wait for a body cost next to nothing, so there are many; few work at a time, so that the interpreter and
the database's connections are not fought over. A body that breaks off is no request: half a form is never a form.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from queue import SimpleQueue
from typing import Any

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

# Longer than any form or file that the pages take; what is longer is refused by the page, which need not read it.
LARGEST_BODY = 2 * 1024 * 1024
BROKEN, UNMEASURED = "400 Bad Request", "411 Length Required"


class Patient:
    """An application that is called once a request has come in whole, and for a few requests at a time.

    :param at_work: how many requests are worked on at a time; the others wait their turn.
    """

    def __init__(self, application: Wsgi, *, at_work: int) -> None:
        self._application = application
        # A queue of turns: the threading module has semaphores, too, written in Python and twenty times as dear.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(at_work):
            self._turns.put(None)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The application's answer, or a bare refusal of a body that broke off or that names no length."""
        refusal = _read_whole(environ)
        if refusal:
            start_response(refusal, [("Content-Length", "0"), ("Connection", "close")])
            return [b""]
        turn = self._turns.get()
        try:
            return self._application(environ, start_response)
        finally:
            self._turns.put(turn)


def _read_whole(environ: dict[str, Any]) -> str:
    """Put the body into memory; the status to answer with when that cannot be done."""
    named = str(environ.get("CONTENT_LENGTH") or "0")
    length = int(named) if named.isascii() and named.isdigit() else -1
    if length < 0 or environ.get("HTTP_TRANSFER_ENCODING"):
        return UNMEASURED
    if length > LARGEST_BODY:
        return ""
    body = b""
    if length:
        try:
            body = environ["wsgi.input"].read(length)
        except OSError:
            return BROKEN
    environ["wsgi.input"] = BytesIO(body)
    return "" if len(body) == length else BROKEN
