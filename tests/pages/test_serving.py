"""The production server: what goes over the wire, what the log says, and what stops the start."""

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from support.citizens import UNIT, Asked, ask
from support.server import RunningServer, environment_of, free_port, running_server
from support.stores import Templates, opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

LARGEST_FIRST_VIEW = 14_000
LARGEST_SCRIPT = 6_000


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("served")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield ask(settings, stores, folder)
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


def on_the_wire(server: RunningServer, path: str) -> bytes:
    """Every byte that the server sends for one request of a phone's browser, headers and all."""
    parts = urlsplit(server.address)
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Accept-Language: vi\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as connection:
        connection.sendall(request.encode())
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    return answer


def text_of(server: RunningServer, path: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=20)
    connection.request("GET", path)
    text = connection.getresponse().read().decode("utf-8")
    connection.close()
    return text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_whole_form_and_its_style_are_14_kb_on_the_wire_and_its_script_6_more(
    server: RunningServer, language: str
) -> None:
    path = f"/r/hai-long/{UNIT}?lang={language}"
    source = text_of(server, path)
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', source)
    (script,) = re.findall(r'<script src="([^"]+)"', source)
    others = re.findall(r'(?:src|href)="(?!data:|#|\?)([^"]+)"', source)
    assert sorted(others) == sorted([style, script]), "a page is three requests: itself, its style, its script"
    assert len(on_the_wire(server, path)) + len(on_the_wire(server, style)) <= LARGEST_FIRST_VIEW
    assert len(on_the_wire(server, script)) <= LARGEST_SCRIPT


def test_static_files_are_kept_for_good_and_pages_never(server: RunningServer) -> None:
    source = text_of(server, f"/r/hai-long/{UNIT}")
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', source):
        head = on_the_wire(server, path).partition(b"\r\n\r\n")[0]
        assert b"immutable" in head
    assert b"no-store" in on_the_wire(server, f"/r/hai-long/{UNIT}").partition(b"\r\n\r\n")[0]


def test_the_machines_that_watch_are_answered(server: RunningServer) -> None:
    assert (text_of(server, "/healthz"), text_of(server, "/readyz")) == ("ok\n", "ok\n")


def test_after_sending_failing_and_rubbish_the_log_names_nobody(asked: Asked, server: RunningServer) -> None:
    parts = urlsplit(server.address)
    (code,) = asked.codes()
    nonce = re.search(r'name="nonce" value="([^"]+)"', text_of(server, f"/r/hai-long/{UNIT}"))
    assert nonce is not None
    fields = {"code": code.typed, "nonce": nonce[1], "visited": "no", "gave_feedback": "no"}
    for sent, status in ((fields, 303), (fields, 303), (fields | {"nonce": "x" * 32}, 422), ({"code": "%ff"}, 422)):
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/r/hai-long/{UNIT}", urlencode(sent), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Set-Cookie")) == (status, None)
        connection.close()
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    said = server.said()
    assert "A request could not be read" in said
    for secret in (code.typed, code.qr, nonce[1], "/r/", UNIT, "POST", "127.0.0.1 "):
        assert secret not in said.replace(f"Serving at {server.address}/", "")


def serve(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "survey", "serve", "--port", str(free_port())]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=60, check=False)


def test_stores_that_were_never_set_up_stop_the_start_with_one_line(tmp_path: Path) -> None:
    from support.stores import settings_in

    environment = environment_of(settings_in(tmp_path / "var"), "http://127.0.0.1:1")
    ended = serve(environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "hailong database upgrade" in ended.stderr


def test_a_port_that_is_taken_is_said(asked: Asked, server: RunningServer) -> None:
    environment = environment_of(asked.settings, server.address)
    port = str(urlsplit(server.address).port)
    command = [sys.executable, "-m", "survey", "serve", "--port", port]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert port in ended.stderr
