"""Numbers for the machines that watch over this one, in Prometheus's text format; nothing in them can time a person.

What citizens do is told in steps of ten and at most every ten minutes; everything else, and every failure, as it is.
The counts lie in anonymous memory that the workers share, made before they are forked, and are gone with the server.
"""

import fcntl
import hmac
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, request

from survey.services import Services, silent_stores

AREAS = {"r": "citizen", "office": "office", "unit": "unit", "results": "public", "static": "static"}
ALL_AREAS = (*AREAS.values(), "other")
CLASSES = ("2xx", "3xx", "4xx", "5xx")
# Upper bounds of the classes of seconds; the last class has none.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STEP = 10
DELAY_SECONDS = 600
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_MICROSECONDS = 1_000_000
_PER_AREA = len(CLASSES) + len(BOUNDS) + 1 + 1
_SLOTS = len(ALL_AREAS) * _PER_AREA
# A process adds to a region of its own, so that nobody waits; a worker that takes another's place goes on in the next.
_REGIONS = 128
_BEGAN_AT, _TAKEN_AT, _NEXT_REGION = 0, 1, 2
_HEADER = 8
_TOLD = _HEADER
_COUNTED = _HEADER + _SLOTS

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Meters:
    """Counts of requests by area and outcome, and how long they took, over all processes of a server."""

    def __init__(self, *, lock_file: int | None = None) -> None:
        self._slots = memoryview(mmap.mmap(-1, 8 * (_COUNTED + _REGIONS * _SLOTS))).cast("Q")
        self._file = lock_file
        self._lock = threading.Lock()
        self._owner = 0
        self._region = 0
        self._slots[_BEGAN_AT] = int(time.time())

    @classmethod
    def shared(cls) -> "Meters":
        """Meters that this process shares with those that it forks from now on."""
        return cls(lock_file=os.memfd_create("hailong-metrics"))

    def count(self, area: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        place = ALL_AREAS.index(area) * _PER_AREA
        bucket = next((n for n, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        with self._lock:
            if self._owner != os.getpid():
                self._claim()
            base = self._region + place
            self._slots[base + min(max(status // 100 - 2, 0), len(CLASSES) - 1)] += 1
            self._slots[base + len(CLASSES) + bucket] += 1
            self._slots[base + _PER_AREA - 1] += int(seconds * _MICROSECONDS)

    def around(self, application: Wsgi) -> Wsgi:
        """The application, each of whose answers is counted."""

        def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            began = time.perf_counter()
            seen = [500]

            def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                seen[0] = int(status[:3])
                return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

            try:
                return application(environ, start)
            finally:
                self.count(_area_of(str(environ.get("PATH_INFO", ""))), seen[0], time.perf_counter() - began)

        return counted

    def told(self, now: float) -> list[int]:
        """The slots as they may be told: those of citizens in steps of ten, as they were some minutes ago at most."""
        with self._locked():
            totals = [
                sum(self._slots[_COUNTED + region * _SLOTS + slot] for region in range(_REGIONS))
                for slot in range(_SLOTS)
            ]
            citizens = slice(0, _PER_AREA)
            if now - self._slots[_TAKEN_AT] >= DELAY_SECONDS:
                self._slots[_TAKEN_AT] = int(now)
                for slot in range(_PER_AREA):
                    self._slots[_TOLD + slot] = totals[slot]
            kept = [self._slots[_TOLD + slot] // STEP * STEP for slot in range(_PER_AREA)]
            # Seconds are told for as many requests as are told, so that a sum does not tell what the counts do not.
            n_all = sum(self._slots[_TOLD + slot] for slot in range(len(CLASSES)))
            n_told = sum(kept[: len(CLASSES)])
            kept[-1] = self._slots[_TOLD + _PER_AREA - 1] * n_told // n_all if n_all else 0
        totals[citizens] = kept
        return totals

    def failures(self) -> int:
        """How many requests of any area ended in a failure of ours, as it is now."""
        place = CLASSES.index("5xx")
        with self._locked():
            return sum(
                self._slots[_COUNTED + region * _SLOTS + area * _PER_AREA + place]
                for region in range(_REGIONS)
                for area in range(len(ALL_AREAS))
            )

    @property
    def began_at(self) -> int:
        """The second since 1970 in which these counts began."""
        return self._slots[_BEGAN_AT]

    def _claim(self) -> None:
        with self._locked():
            self._region = _COUNTED + self._slots[_NEXT_REGION] % _REGIONS * _SLOTS
            self._slots[_NEXT_REGION] += 1
        self._owner = os.getpid()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        # The kernel takes a record lock from a process that is killed.
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def make_blueprint(services: Services, meters: Meters, token: bytes | None) -> Blueprint:
    """`/metrics` for whoever has the token; without a token in the settings there is no such page."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if token is None:
            abort(HTTPStatus.NOT_FOUND)
        # A proxy on this machine makes every reader look like one from this machine: an address proves nothing.
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, token):
            refusal = Response("a token is needed\n", HTTPStatus.UNAUTHORIZED, content_type=CONTENT_TYPE)
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        text = "\n".join(_lines(meters, len(silent_stores(services.stores)), time.time()))
        return Response(f"{text}\n", content_type=CONTENT_TYPE)

    return blueprint


def _area_of(path: str) -> str:
    first = path.removeprefix("/").partition("/")[0]
    return AREAS.get(first, "other")


def _lines(meters: Meters, n_silent: int, now: float) -> Iterator[str]:
    slots = meters.told(now)
    yield "# HELP hailong_requests_total Answered requests; those of citizens in steps of 10, ten minutes late."
    yield "# TYPE hailong_requests_total counter"
    for place, area in enumerate(ALL_AREAS):
        for number, status in enumerate(CLASSES):
            yield f'hailong_requests_total{{area="{area}",status="{status}"}} {slots[place * _PER_AREA + number]}'
    yield "# HELP hailong_request_seconds How long answers took."
    yield "# TYPE hailong_request_seconds histogram"
    for place, area in enumerate(ALL_AREAS):
        base = place * _PER_AREA + len(CLASSES)
        running = 0
        for number, bound in enumerate((*(f"{bound:g}" for bound in BOUNDS), "+Inf")):
            running += slots[base + number]
            yield f'hailong_request_seconds_bucket{{area="{area}",le="{bound}"}} {running}'
        yield f'hailong_request_seconds_sum{{area="{area}"}} {slots[base + len(BOUNDS) + 1] / _MICROSECONDS:.6f}'
        yield f'hailong_request_seconds_count{{area="{area}"}} {running}'
    yield "# HELP hailong_failures_total Requests of any area that ended in a failure of ours, without delay."
    yield "# TYPE hailong_failures_total counter"
    yield f"hailong_failures_total {meters.failures()}"
    yield "# HELP hailong_silent_stores Stores that do not answer now."
    yield "# TYPE hailong_silent_stores gauge"
    yield f"hailong_silent_stores {n_silent}"
    yield "# HELP hailong_start_time_seconds When this server began."
    yield "# TYPE hailong_start_time_seconds gauge"
    yield f"hailong_start_time_seconds {meters.began_at}"
