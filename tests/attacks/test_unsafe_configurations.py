"""Criterion 35: `hailong serve` refuses eleven unsafe configurations with exit 2 and one line that names what is wrong.

Databases that may lose a commit or that log rows are tried in tests/integration/test_settings_of_servers.py, too.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import environment_of_settings
from support.stores import LazyServer, Templates
from survey.settings import Settings

pytestmark = pytest.mark.slow

Environment = dict[str, str]
Unsafe = Callable[[Settings, Environment, LazyServer], None]


def debugging_in_public(settings: Settings, environment: Environment, server: LazyServer) -> None:
    environment |= {"FLASK_DEBUG": "1", "HAILONG_PUBLIC_URL": "https://khaosat.example.vn"}


def short_key(settings: Settings, environment: Environment, server: LazyServer) -> None:
    (settings.instance / "secret.key").write_bytes(os.urandom(16))


def repeated_key(settings: Settings, environment: Environment, server: LazyServer) -> None:
    (settings.instance / "secret.key").write_bytes(b"0123456789abcdef" * 4)


def readable_key(settings: Settings, environment: Environment, server: LazyServer) -> None:
    (settings.instance / "secret.key").chmod(0o644)


def another_key(settings: Settings, environment: Environment, server: LazyServer) -> None:
    (settings.instance / "secret.key").write_bytes(os.urandom(64))


def short_passphrase(settings: Settings, environment: Environment, server: LazyServer) -> None:
    (settings.instance / "passphrase").write_text("quangninh", encoding="utf-8")


def lossy_file(settings: Settings, environment: Environment, server: LazyServer) -> None:
    environment["HAILONG_INTAKE_DATABASE_URL"] = f"sqlite:///{settings.instance}/intake.db?synchronous=NORMAL"


def shared_file(settings: Settings, environment: Environment, server: LazyServer) -> None:
    environment["HAILONG_INTAKE_DATABASE_URL"] = f"sqlite:///{settings.instance}/frame.db"


def lossy_server(settings: Settings, environment: Environment, server: LazyServer) -> None:
    name = server.new_database()
    server.get().execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    environment["HAILONG_DATABASE_URL"] = server.get().url(name)


def talkative_server(settings: Settings, environment: Environment, server: LazyServer) -> None:
    name = server.new_database()
    server.get().execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
    environment["HAILONG_DATABASE_URL"] = server.get().url(name)


def unproved_server(settings: Settings, environment: Environment, server: LazyServer) -> None:
    environment["HAILONG_DATABASE_URL"] = "postgresql+psycopg://hailong:geheim@db.example.vn/hailong?sslmode=require"


CONFIGURATIONS: dict[str, tuple[Unsafe, str]] = {
    "debug mode on a public address": (debugging_in_public, "FLASK_DEBUG: found debug mode on with the public address"),
    "a short key": (short_key, "found a key of 16 bytes"),
    "a key that repeats itself": (repeated_key, "found a key that repeats itself"),
    "a key that everybody can read": (readable_key, "every user of this machine can open"),
    "a key of other databases": (another_key, "found another key than the one these databases were set up with"),
    "a short passphrase": (short_passphrase, "found a key of 9 bytes"),
    "a file that may lose a commit": (lossy_file, "synchronous=NORMAL"),
    "two stores in one file": (shared_file, "found two stores in one SQLite file"),
    "a server that may lose a commit": (lossy_server, "synchronous_commit=off"),
    "a server that logs rows": (talkative_server, "log_statement=all"),
    "a server elsewhere that proves no name": (unproved_server, "sslmode=require with a server on another machine"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_unsafe_configuration_stops_the_start(
    name: str, tmp_path: Path, store_templates: Templates, postgres_server: LazyServer
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    environment = environment_of_settings(settings.instance, None)
    spoil, complaint = CONFIGURATIONS[name]
    spoil(settings, environment, postgres_server)
    command = [sys.executable, "-m", "survey", "serve", "--port", "1"]
    # A server that starts all the same does not end by itself.
    served = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    postgres_server.drop_databases()
    assert served.returncode == 2
    assert complaint in served.stderr
    assert len(served.stderr.strip().splitlines()) == 1
    assert served.stdout == ""
