"""Criterion 35: which PostgreSQL addresses are good enough, judged without asking a server (ASVS 12.3)."""

import pytest

from survey.errors import BadInput
from survey.server_addresses import checked_server

SETTING = "HAILONG_DATABASE_URL"
PROVED = "sslmode=verify-full&sslrootcert=/etc/hailong/ca.pem"


def judged(rest: str, **environ: str) -> tuple[str, ...]:
    return checked_server(SETTING, f"postgresql+psycopg://{rest}", environ)


@pytest.mark.parametrize(
    "rest",
    [
        "u@/hailong",
        "u@/hailong?host=/var/run/postgresql",
        "u@/hailong?host=@abstract",
        "u:geheim@localhost/hailong",
        "u:geheim@127.0.0.1:5433/hailong",
        "u@[::1]/hailong",
        "u@/hailong?host=127.0.0.1:5432&host=127.0.0.2:5433",
        f"u@db.example.vn/hailong?{PROVED}",
        f"u@/hailong?host=a.example.vn:5432&host=b.example.vn:5432&{PROVED}",
    ],
)
def test_this_machine_and_a_server_that_proves_its_name_are_good(rest: str) -> None:
    assert judged(rest) == ()


@pytest.mark.parametrize(
    "rest",
    [
        "u:geheim@db.example.vn/hailong",
        "u:geheim@192.0.2.7/hailong",
        "u:geheim@db.example.vn/hailong?sslmode=require",
        # A certificate of the right authority for another machine.
        "u:geheim@db.example.vn/hailong?sslmode=verify-ca",
        "u:geheim@/hailong?host=db.example.vn",
        # One of several, and the way that is really taken.
        "u:geheim@/hailong?host=127.0.0.1:5432&host=db.example.vn:5432",
        "u:geheim@localhost,db.example.vn/hailong",
        "u:geheim@localhost/hailong?hostaddr=192.0.2.7",
    ],
)
def test_a_server_elsewhere_has_to_prove_its_name(rest: str) -> None:
    with pytest.raises(BadInput, match=r"^HAILONG_DATABASE_URL: found sslmode=.*sslmode=verify-full") as refusal:
        judged(rest)
    assert "geheim" not in str(refusal.value)


def test_what_libpq_reads_by_itself_is_judged_too() -> None:
    with pytest.raises(BadInput, match=r"sslmode=prefer .*\(db.example.vn\)"):
        judged("u@/hailong", PGHOST="db.example.vn")
    with pytest.raises(BadInput, match="sslmode=prefer"):
        judged("u@localhost/hailong", PGHOSTADDR="192.0.2.7")
    assert judged("u@db.example.vn/hailong", PGSSLMODE="verify-full") == ()
    # The address has the last word.
    with pytest.raises(BadInput, match="sslmode=require"):
        judged("u@db.example.vn/hailong?sslmode=require", PGSSLMODE="verify-full")
    for rest, environ in (("u@/hailong?service=far", {}), ("u@/hailong", {"PGSERVICE": "far"})):
        with pytest.raises(BadInput, match="a service of libpq"):
            judged(rest, **environ)


@pytest.mark.parametrize(
    ("rest", "environ"), [("u:geheim@db.example.vn", {}), ("u@db.example.vn", {"PGPASSWORD": "x"})]
)
def test_a_password_for_another_machine_is_warned_of(rest: str, environ: dict[str, str]) -> None:
    (warning,) = judged(f"{rest}/hailong?{PROVED}", **environ)
    assert "HAILONG_DATABASE_URL holds a password" in warning
    assert "geheim" not in warning


def test_an_address_that_nobody_can_read_is_not_shown() -> None:
    with pytest.raises(BadInput, match="an address that cannot be read") as refusal:
        judged("u:geheim@a:1,b:2/hailong")
    assert "geheim" not in str(refusal.value)
