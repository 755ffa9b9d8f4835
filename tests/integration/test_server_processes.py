"""The server's processes: what is begun is finished, what is killed is replaced, and nothing is left behind (C8)."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from support.citizens import UNIT, Asked, ask
from support.server import RunningServer, running_server
from support.stores import Templates, opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

PATIENCE = 20.0


@pytest.fixture
def asked(tmp_path: Path, store_templates: Templates) -> Iterator[Asked]:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    yield ask(settings, stores, tmp_path)
    stores.close()


def workers_of(server: RunningServer) -> list[int]:
    return [
        int(child)
        for child in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    ]


def soon(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


def answers(server: RunningServer) -> bool:
    try:
        with urllib.request.urlopen(f"{server.address}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def begun_sending(server: RunningServer, code: str) -> tuple[socket.socket, bytes]:
    """A connection over which half of a form has come, and the other half."""
    parts = urlsplit(server.address)
    fields = {"code": code, "nonce": "n" * 32, "visited": "no", "gave_feedback": "no"}
    body = urlencode(fields).encode()
    head = (
        f"POST /r/hai-long/{UNIT} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((str(parts.hostname), parts.port or 80), timeout=PATIENCE)
    connection.sendall(head.encode() + body[:20])
    return connection, body[20:]


def test_a_sending_that_has_begun_is_finished_when_the_server_is_stopped(asked: Asked) -> None:
    (code,) = asked.codes()
    with running_server(asked.settings) as server:
        connection, rest = begun_sending(server, code.typed)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(rest)
        assert connection.recv(100).startswith(b"HTTP/1.1 303")
        connection.close()
        assert server.process.wait(timeout=PATIENCE) == 0


def test_a_sending_that_breaks_off_is_no_sending(asked: Asked) -> None:
    (code,) = asked.codes()
    with running_server(asked.settings) as server:
        connection, _ = begun_sending(server, code.typed)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
        connection.close()
        connection, rest = begun_sending(server, code.typed)
        connection.sendall(rest)
        assert connection.recv(100).startswith(b"HTTP/1.1 303"), "the code was not used by half a form"
        connection.close()


def test_a_killed_worker_is_replaced(asked: Asked) -> None:
    with running_server(asked.settings, workers=2) as server:
        before = workers_of(server)
        os.kill(before[0], signal.SIGKILL)
        assert soon(lambda: len(set(workers_of(server)) - set(before)) == 1 and len(workers_of(server)) == 2)
        assert soon(lambda: answers(server))
        assert server.process.poll() is None


def test_workers_end_with_the_process_that_started_them(asked: Asked) -> None:
    with running_server(asked.settings, workers=2) as server:
        workers = workers_of(server)
        server.process.kill()
        server.process.wait(timeout=PATIENCE)
        assert soon(lambda: all(is_gone(worker) for worker in workers))
