"""Addresses of PostgreSQL servers: one on another machine has to prove who it is before it is told anything."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from survey.errors import BadInput

LOOPBACK_NAME = "localhost"
PROVING_MODE = "verify-full"


def checked_server(name: str, address: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Sentences for the operator about a PostgreSQL address, which is judged with what libpq reads from `environ`.

    Raises BadInput where the server is not on this machine and the connection would be made with anything less than a
    proof of its name: on that way lie answers to be sealed, officers' passwords' hashes and invitations.
    """
    given = _what_libpq_is_told(name, address, environ)
    if given.get("service"):
        raise BadInput(
            f"{name}: found a service of libpq, whose file may say anything, expected host, sslmode and the others "
            "in the address"
        )
    remote = [host for host in _hosts(given) if not is_of_this_machine(host)]
    if not remote:
        return ()
    if given.get("sslmode") != PROVING_MODE:
        raise BadInput(
            f"{name}: found sslmode={given.get('sslmode') or 'prefer'} with a server on another machine "
            f"({remote[0][:100]}), expected sslmode={PROVING_MODE} and sslrootcert=FILE: anything less shows the rows "
            "to whoever stands between"
        )
    if given.get("password"):
        advice = "a client certificate (sslcert=FILE and sslkey=FILE in the address) needs none"
        return (f"{name} holds a password, which stays good for whoever finds it; {advice}",)
    return ()


def _what_libpq_is_told(name: str, address: str, environ: Mapping[str, str]) -> dict[str, Any]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
        _, given = url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        # The address may hold a password, so nothing of it is shown.
        raise BadInput(f"{name}: found an address that cannot be read, expected postgresql+psycopg://…") from None
    # What the address leaves open libpq takes from the environment.
    for key in ("host", "hostaddr", "sslmode", "service", "password"):
        if not given.get(key) and environ.get(f"PG{key.upper()}"):
            given[key] = environ[f"PG{key.upper()}"]
    return dict(given)


def _hosts(given: Mapping[str, Any]) -> list[str]:
    return [host.strip() for key in ("host", "hostaddr") for host in str(given.get(key) or "").split(",")]


def is_of_this_machine(host: str) -> bool:
    """Whether a host, in the words of libpq, is loopback or a socket: nothing, a folder, an abstract name (@)."""
    if not host or host.startswith(("/", "@")) or host.lower() == LOOPBACK_NAME:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
