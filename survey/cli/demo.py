"""`hailong demo`: the demonstration that `make run` shows."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.demonstration.marker import Demonstration


@click.group()
def command() -> None:
    """Set up the demonstration."""


@command.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port for the addresses.")
def prepare(port: int) -> None:
    """Set up both rounds of the demonstration, or find them set up, and print what there is to look at."""
    from survey.cli.instance import current_settings
    from survey.demonstration.marker import found_demonstration

    settings = current_settings()
    demonstration = found_demonstration(settings) or _prepare()
    address = settings.public_url or f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"  Results (Kansas City, published)  {address}/results",
        f"  Office                            {address}/office/",
        f"    login {demonstration.login} · password {demonstration.password}",
        "  Open round, three codes to try (type the code, or open the address as a QR code would):",
        *(f"    {code.typed}  {address}{code.path}  {code.unit}" for code in demonstration.codes),
        "",
        "  This is a demonstration: its keys, codes and password lie in the instance folder.",
        "",
    ]
    click.echo("\n".join(lines))


def _prepare() -> "Demonstration":
    from survey.cli.instance import current_settings
    from survey.demonstration.preparing import claim_instance, prepare_demonstration
    from survey.services import open_services, today
    from survey.storage.stores import open_stores
    from survey.storage.upgrading import upgrade_stores

    settings = current_settings()
    upgrade_stores(settings)
    stores = open_stores(settings)
    try:
        claim_instance(settings, stores)
    finally:
        stores.close()
    # Read again: the instance has become a demonstration since the first reading.
    services = open_services(current_settings())
    try:
        return prepare_demonstration(services, today(), click.echo)
    finally:
        services.stores.close()
