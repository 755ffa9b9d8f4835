"""A database on another machine over TLS: certificates on both sides, no password (ASVS 12.3.1 to 12.3.4, 13.2.1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from support.authority import Authority
from support.command_line import run
from support.tls_server import TlsServer, tls_server
from survey.errors import BadInput, StoreUnavailable
from survey.settings import Settings
from survey.storage.stores import open_stores

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with tls_server(tmp_path_factory.mktemp("tls")) as running:
        yield running


def settings_at(instance: Path, address: str) -> Settings:
    return Settings.from_environment({"HAILONG_INSTANCE": str(instance), "HAILONG_DATABASE_URL": address})


def test_the_stores_lie_on_a_server_that_proved_its_name_and_asked_for_a_certificate(
    server: TlsServer, tmp_path: Path
) -> None:
    environment = {"HAILONG_INSTANCE": str(tmp_path / "var"), "HAILONG_DATABASE_URL": server.url()}
    upgraded = run(environment, "database", "upgrade")
    assert upgraded.exit_code == 0, upgraded.errors
    settings = Settings.from_environment(environment)
    assert not any("password" in warning for warning in settings.warnings)
    stores = open_stores(settings)
    for engine in (stores.office, stores.frame, stores.intake):
        with engine.connect() as connection:
            found = connection.execute(
                text("SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            ).one()
        assert (found.ssl, found.client_dn) == (True, "/CN=hailong")
        assert found.version in ("TLSv1.2", "TLSv1.3")
    stores.close()
    # The narrow role of citizens' requests comes the same way.
    open_stores(settings, "serving").close()


def test_a_server_of_another_authority_is_told_nothing(server: TlsServer, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        open_stores(settings_at(tmp_path / "var", server.url(root=other.file)))


def test_a_server_of_another_name_is_told_nothing(server: TlsServer, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="does not match host name"):
        open_stores(settings_at(tmp_path / "var", server.url(host="other.example.vn")))


def test_without_a_look_at_the_name_the_program_does_not_start(server: TlsServer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="sslmode=verify-ca with a server on another machine"):
        settings_at(tmp_path / "var", server.url(mode="ca"))


def test_the_server_lets_nobody_in_with_the_certificate_of_somebody_else(server: TlsServer, tmp_path: Path) -> None:
    for stranger in (server.authority.issue("stranger"), Authority(tmp_path, "other").issue("hailong")):
        with pytest.raises(StoreUnavailable, match=r"certificate authentication failed|unknown ca"):
            open_stores(settings_at(tmp_path / "var", server.url(client=stranger)))
