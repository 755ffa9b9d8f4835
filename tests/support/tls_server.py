"""A PostgreSQL server as on another machine: reached over TLS alone, by whoever holds a certificate, no password."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.authority import Authority, written
from support.postgres import account, binaries, make_cluster, own_to_account
from support.server import free_port

# What certificate names; the address 127.0.0.1 is told beside it, so that nobody asks for the name.
HOST = "db.example.vn"
DATABASE = "hailong"
_ACCESS = """\
local    all all              trust
hostssl  all all 127.0.0.1/32 cert
"""


@dataclass(frozen=True)
class TlsServer:
    """A running server; `client` is the certificate and key of the user hailong."""

    port: int
    authority: Authority
    client: tuple[Path, Path]

    def url(
        self, *, host: str = HOST, root: Path | None = None, client: tuple[Path, Path] | None = None, mode: str = "full"
    ) -> str:
        """The address of the one database, with another name, authority or certificate where one is given."""
        certificate, key = client or self.client
        return (
            f"postgresql+psycopg://hailong@{host}:{self.port}/{DATABASE}?hostaddr=127.0.0.1&sslmode=verify-{mode}"
            f"&sslrootcert={root or self.authority.file}&sslcert={certificate}&sslkey={key}"
        )


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsServer]:
    """A server with a database, for a few tests; `folder` gets the authority's files."""
    authority = Authority(folder, "authority")
    home = Path(tempfile.mkdtemp(prefix="hltls"))
    own_to_account(home)
    make_cluster(home)
    cluster = home / "cluster"
    certificate, key = authority.issue(HOST)
    for name, file in (("server.crt", certificate), ("server.key", key), ("root.crt", authority.file)):
        own_to_account(written(cluster / name, file.read_bytes()))
    (cluster / "pg_hba.conf").write_text(_ACCESS)
    port = free_port()
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=on "
        "-c ssl=on -c ssl_ca_file=root.crt -c shared_buffers=16MB"
    )
    control = [str(binaries() / "pg_ctl"), "-D", str(cluster), "-w", "-t", "60"]
    _run([*control, "-o", options, "-l", str(home / "log"), "start"], home)
    try:
        created = [str(binaries() / "createdb"), "-h", str(home), "-p", str(port), "-U", "hailong", DATABASE]
        _run(created, home)
        yield TlsServer(port, authority, authority.issue("hailong"))
    finally:
        _run([*control, "-m", "immediate", "stop"], home)
        shutil.rmtree(home, ignore_errors=True)


def _run(arguments: list[str], home: Path) -> None:
    with (home / "output").open("w") as output:
        subprocess.run(
            arguments,
            cwd=home,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
            **account(),  # type: ignore[call-overload]
        )
