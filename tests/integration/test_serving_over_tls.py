"""`hailong serve` speaks TLS by itself where the web server in front is on another machine (ASVS 12.3.1, 12.3.3)."""

import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.authority import Authority
from support.command_line import environment_of_settings
from support.server import START_SECONDS, free_port
from survey.settings import Settings

pytestmark = pytest.mark.slow

EVERYWHERE = "0.0.0.0"  # noqa: S104 — what it is about


@contextmanager
def serving(settings: Settings, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    command = [sys.executable, "-m", "survey", "serve", "--port", str(port), "--workers", "1", *options]
    process = subprocess.Popen(
        command,
        env=environment_of_settings(settings.instance, None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not listen"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(timeout=40)


def test_it_speaks_tls_and_nothing_else(sqlite_settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("localhost")
    with serving(sqlite_settings, "--certificate", str(certificate), "--key", str(key)) as (port, process):
        context = ssl.create_default_context(cafile=str(authority.file))
        with urllib.request.urlopen(f"https://localhost:{port}/healthz", context=context, timeout=20) as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"https://localhost:{port}/healthz", timeout=20)
        old = ssl.create_default_context(cafile=str(authority.file))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"https://localhost:{port}/healthz", context=old, timeout=20)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with suppress(ConnectionResetError):
                assert not plain.recv(100).startswith(b"HTTP")
        process.terminate()
        assert process.stdout is not None
        assert f"Serving at https://127.0.0.1:{port}/" in process.stdout.read()


def test_plain_text_to_other_machines_is_warned_of(sqlite_settings: Settings) -> None:
    with serving(sqlite_settings, "--host", EVERYWHERE) as (_, process):
        process.terminate()
        assert process.stdout is not None
        said = process.stdout.read()
    assert f"{EVERYWHERE} is an address that other machines reach" in said


def test_a_certificate_that_cannot_be_used_stops_the_start(sqlite_settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("localhost")
    _, another = authority.issue("other")
    open_key = tmp_path / "open.key"
    open_key.write_bytes(key.read_bytes())
    open_key.chmod(0o644)
    for options, complaint in (
        (["--certificate", str(certificate)], "found one of --certificate and --key"),
        (["--certificate", str(certificate), "--key", str(another)], "found no certificate with its key"),
        (["--certificate", str(tmp_path / "none"), "--key", str(key)], "No such file"),
        (["--certificate", str(certificate), "--key", str(open_key)], "every user of this machine can open"),
    ):
        refused = subprocess.run(
            [sys.executable, "-m", "survey", "serve", "--port", "1", *options],
            env=environment_of_settings(sqlite_settings.instance, None),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert complaint in refused.stderr
