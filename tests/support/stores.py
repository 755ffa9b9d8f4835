"""Upgraded stores for a test, on either engine: a copy of a template that was migrated once."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

from support.postgres import Server
from survey.settings import Settings
from survey.storage.stores import Stores, open_stores
from survey.storage.upgrading import upgrade_stores

ENGINES = ("sqlite", "postgresql")
SECRET_KEY = bytes(range(7, 71))


def settings_in(instance: Path, url: str | None = None) -> Settings:
    """Settings of an instance in a test's folder; `url` is a PostgreSQL database that holds the three stores."""
    instance.mkdir(parents=True, exist_ok=True)
    passphrase = instance / "passphrase"
    if not passphrase.exists():
        passphrase.write_text("bốn từ chọn bừa cho thử nghiệm\n", encoding="utf-8")
        passphrase.chmod(0o600)
    secret_key = instance / "secret.key"
    secret_key.write_bytes(SECRET_KEY)
    secret_key.chmod(0o600)
    return Settings(
        instance=instance,
        public_url="https://hailong.example.vn",
        office_url=url or f"sqlite:///{instance / 'office.db'}",
        frame_url=url or f"sqlite:///{instance / 'frame.db'}",
        intake_url=url or f"sqlite:///{instance / 'intake.db'}",
        secret_key=SECRET_KEY,
        passphrase_file=passphrase,
        is_embedded=url is None,
        is_demonstration=False,
    )


class Templates:
    """The migrated templates of a test session, made when they are first wanted."""

    def __init__(self, folder: Path, server: "LazyServer") -> None:
        self.folder = folder
        self.server = server
        self.sqlite: Path | None = None
        self.postgresql: str | None = None

    def new_instance(self, engine: str, instance: Path) -> Settings:
        """Settings whose stores are fresh and at the newest revision."""
        if engine == "sqlite":
            return self._new_sqlite(instance)
        return self._new_postgresql(instance)

    def _new_sqlite(self, instance: Path) -> Settings:
        if self.sqlite is None:
            self.sqlite = self.folder / "sqlite-template"
            upgrade_stores(settings_in(self.sqlite))
            for database in self.sqlite.glob("*.db"):
                with sqlite3.connect(database) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
        settings = settings_in(instance)
        for database in self.sqlite.glob("*.db"):
            shutil.copy(database, instance / database.name)
        return settings

    def _new_postgresql(self, instance: Path) -> Settings:
        server = self.server.get()
        if self.postgresql is None:
            template = server.new_database()
            upgrade_stores(settings_in(self.folder / "postgresql-template", server.url(template)))
            self.postgresql = template
        return settings_in(instance, server.url(self.server.new_database(self.postgresql)))

    def demonstration(self, settings: Settings) -> Settings:
        """The same instance, marked as a demonstration."""
        (settings.instance / "demonstration").touch()
        return replace(settings, is_demonstration=True)


class LazyServer:
    """The session's PostgreSQL, started by the first test that wants it."""

    def __init__(self, base: Path) -> None:
        from contextlib import ExitStack

        self.base = base
        self.stack = ExitStack()
        self.server: Server | None = None
        self.databases: list[str] = []

    def get(self) -> Server:
        if self.server is None:
            from support.postgres import shared_server

            self.server = self.stack.enter_context(shared_server(self.base))
        return self.server

    def new_database(self, template: str | None = None) -> str:
        name = self.get().new_database(template)
        self.databases.append(name)
        return name

    def drop_databases(self) -> None:
        while self.databases:
            self.get().drop_database(self.databases.pop())


def opened(settings: Settings) -> Stores:
    return open_stores(settings)
