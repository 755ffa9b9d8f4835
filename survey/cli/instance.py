"""What a command opens before it works: the settings of this environment and the stores they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from survey.settings import Settings
from survey.storage.stores import Stores


def current_settings() -> Settings:
    """The settings of this environment; what the operator should know about them goes to stderr."""
    settings = Settings.from_environment(os.environ)
    for warning in settings.warnings:
        click.echo(f"hailong: warning: {warning}", err=True)
    return settings


@contextmanager
def opened() -> Iterator[tuple[Settings, Stores]]:
    """The settings and the opened stores, closed again at the end."""
    from survey.storage.stores import open_stores

    settings = current_settings()
    stores = open_stores(settings)
    try:
        yield settings, stores
    finally:
        stores.close()
