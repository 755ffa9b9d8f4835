"""`hailong audit-log`: what staff did, in a file that only grows."""

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", "is_checked", is_flag=True, help="Look at FILE alone: each event follows the one before it.")
def command(file: Path, is_checked: bool) -> None:
    """Append to FILE, as lines of JSON, what staff did since its last line.

    FILE only grows: copied to another machine, it shows whether the log was changed afterwards. Exit 2 when FILE's last
    event is not the database's any more.
    """
    if is_checked:
        from survey.audit_file import check_file

        n_events, last = check_file(file)
        click.echo(f"each event follows the one before it: {n_events}, the last {last[:12]}")
        return
    from survey.audit_file import append_events
    from survey.cli.instance import opened

    with opened() as (_, stores):
        n_events = append_events(stores, file)
    click.echo(f"new events in {file}: {n_events}")
