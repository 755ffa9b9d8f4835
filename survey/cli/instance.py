"""What a command opens before it works: the settings of this environment and the stores they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from survey.errors import WrongState
from survey.settings import Settings, instance_folder, is_set_up, warnings_of_unknown_names
from survey.storage.stores import Stores


def current_settings() -> Settings:
    """The settings of this environment; what the operator should know about them goes to stderr."""
    settings = Settings.from_environment(os.environ)
    for warning in settings.warnings:
        click.echo(f"hailong: warning: {warning}", err=True)
    return settings


def named_instance() -> Path:
    """The folder of this environment's instance, for commands that only read its files: nothing is made there."""
    for warning in warnings_of_unknown_names(os.environ):
        click.echo(f"hailong: warning: {warning}", err=True)
    return instance_folder(os.environ)


def refuse_unset() -> None:
    """Raise WrongState when this environment names an instance that was never set up, before anything is made there."""
    if not is_set_up(os.environ):
        raise WrongState(
            f"{instance_folder(os.environ)}: found no instance, expected one where HAILONG_INSTANCE says; "
            "`hailong database upgrade` sets a new one up"
        )


@contextmanager
def opened() -> Iterator[tuple[Settings, Stores]]:
    """The settings and the opened stores, closed again at the end; WrongState where there are none yet."""
    from survey.storage.stores import open_stores

    refuse_unset()
    settings = current_settings()
    stores = open_stores(settings)
    try:
        yield settings, stores
    finally:
        stores.close()
