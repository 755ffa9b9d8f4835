"""`hailong frames`: the lists that people are drawn from; who is on them is erased on their day."""

import click

from survey.cli.instance import current_settings, opened, refuse_unset


@click.group(name="frames")
def command() -> None:
    """The lists that people are drawn from: when each is erased, and erasing them."""


@command.command(name="list")
def list_all() -> None:
    """List the lists: round, state, rows as they were handed in, and the day on which it is erased; between tabs."""
    from survey.frames import list_frames

    with opened() as (_, stores):
        for frame in list_frames(stores):
            click.echo(f"{frame.slug}\t{frame.state}\t{frame.n_rows}\t{frame.erased_on or frame.erase_on}")


@command.command()
@click.argument("slug", required=False)
def erase(slug: str | None) -> None:
    """Erase every list whose day has come, or at once that of the round SLUG."""
    from survey.frames import erase_due_frames, erase_frame
    from survey.rounds import COMMAND_LINE
    from survey.services import open_services, today

    refuse_unset()
    services = open_services(current_settings())
    try:
        if slug is None:
            erased = erase_due_frames(services, today(), actor=COMMAND_LINE)
        else:
            erased = (erase_frame(services, slug, today(), actor=COMMAND_LINE).slug,)
    finally:
        services.stores.close()
    for name in erased:
        click.echo(f"erased the list of {name}")
