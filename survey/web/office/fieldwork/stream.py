"""The monitor's news as server-sent events: what has changed since the last look, without loading the page again."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from flask import Response, request, stream_with_context

from survey.fieldwork import fieldwork_of
from survey.round_records import find_round
from survey.services import STORE_FAILURES, Services, today
from survey.web.office.fieldwork.showing import cells_of, clock, unit_cells
from survey.web.pages import page_language

EVENT_STREAM = "text/event-stream"
LOOK_SECONDS = 2.0
# A stream ends soon and is taken up again by the browser: whoever was signed out meanwhile gets no more of it, and a
# server that is told to stop does not wait for a page that somebody left open.
STREAM_SECONDS = 20.0
# Streams of one process; whoever comes after them is told the counts once and asked to come again.
MOST_STREAMS = 24
RETRY_MS, RETRY_CROWDED_MS = 1_000, 10_000


class StreamPage:
    """The news of rounds, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._room = threading.BoundedSemaphore(MOST_STREAMS)

    def news(self, slug: str) -> Response:
        """The counts of a round as events: all of them first, and then what has changed."""
        find_round(self._services.stores, slug)
        language = page_language()
        is_streamed = request.headers.get("Accept", "").startswith(EVENT_STREAM) and request.method == "GET"
        has_room = is_streamed and self._room.acquire(blocking=False)
        retry = RETRY_MS if has_room else RETRY_CROWDED_MS
        events = self._while_open(slug, language) if has_room else self._once(slug, language)
        response = Response(
            stream_with_context(_with_retry(retry, events)), content_type=f"{EVENT_STREAM}; charset=utf-8"
        )
        response.headers["Cache-Control"] = "no-store"
        # A web server in between would otherwise keep the events together until there are some kilobytes.
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def _once(self, slug: str, language: str) -> Iterator[str]:
        seen, rows = self._seen(slug, language)
        yield _event(seen | {"rows": rows})

    def _while_open(self, slug: str, language: str) -> Iterator[str]:
        try:
            told: dict[str, tuple[str, ...]] = {}
            ends = time.monotonic() + STREAM_SECONDS
            while time.monotonic() < ends:
                # A silent store ends the stream; the browser asks again.
                with suppress(*STORE_FAILURES):
                    seen, rows = self._seen(slug, language)
                    news = {unit: cells for unit, cells in rows.items() if told.get(unit) != cells}
                    told |= news
                    yield _event(seen | {"rows": news})
                time.sleep(LOOK_SECONDS)
        finally:
            self._room.release()

    def _seen(self, slug: str, language: str) -> tuple[dict[str, object], dict[str, tuple[str, ...]]]:
        record = find_round(self._services.stores, slug)
        fieldwork = fieldwork_of(self._services.stores, self._services.watch, record, today())
        rows = unit_cells(fieldwork, self._services.watch, language)
        n_alerts = sum(len(one.alerts) for one in fieldwork.units)
        total = cells_of(fieldwork.total, language)
        return {"at": clock(fieldwork.counted_at), "total": total, "alerts": n_alerts}, rows


def _with_retry(milliseconds: int, events: Iterator[str]) -> Iterator[str]:
    yield f"retry: {milliseconds}\n\n"
    yield from events


def _event(seen: object) -> str:
    return f"data: {json.dumps(seen, ensure_ascii=False, separators=(',', ':'))}\n\n"
