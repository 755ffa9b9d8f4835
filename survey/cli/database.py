"""`hailong database`: the three stores, kept up to date and safe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.checking import CheckFinding


@click.group(name="database")
def command() -> None:
    """Upgrade, check, back up and restore the three stores."""


@command.command()
def upgrade() -> None:
    """Bring the three stores to the newest revision; nothing happens when they are there."""
    from survey.cli.instance import current_settings
    from survey.storage.upgrading import upgrade_stores

    done = upgrade_stores(current_settings())
    for sentence in done or ("the three stores are up to date",):
        click.echo(sentence)


@command.command()
def check() -> None:
    """Compare tables and models; look at durability, rights, keys and the audit log. Exit 1 when one of them fails."""
    from survey.checking import check_instance
    from survey.cli.instance import current_settings, refuse_unset

    refuse_unset()
    _show(check_instance(current_settings()))


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the three stores and the sealed archives and editions into FILE while work goes on.

    The SHA-256 of FILE is printed: write it down elsewhere. The keys are not in it; without them the codes and the
    ballots in FILE cannot be used, so keep a copy of them in another place.
    """
    from survey.backup import write_backup
    from survey.cli.instance import opened

    with opened() as (settings, stores):
        written = write_backup(settings, stores, file, _tell)
    click.echo(f"{written.sha256}  {file}")
    for name, count in written.n_rows.items():
        click.echo(f"{name}: {count} rows")
    click.echo("the keys are not in it: keep a copy of the secret key, the passphrase and the folder keys elsewhere")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verify", "is_proved", is_flag=True, help="Check the restored instance and recompute the last index.")
def restore(file: Path, is_proved: bool) -> None:
    """Bring back FILE into empty stores; every table and file in it is compared with its digest."""
    from survey.backup import restore_backup
    from survey.cli.instance import current_settings

    settings = current_settings()
    restored = restore_backup(settings, file, _tell)
    click.echo(f"{restored.sha256}  {file}")
    for name, count in restored.n_rows.items():
        click.echo(f"{name}: {count} rows, each as it was")
    click.echo(f"archives and editions: {restored.n_files} files, each as it was")
    for note in restored.notes:
        click.echo(f"note: {note}")
    if is_proved:
        from survey.proving import prove_instance

        _show(prove_instance(settings))


def _show(findings: "Sequence[CheckFinding]") -> None:
    for finding in findings:
        click.echo(f"{'ok  ' if finding.is_fine else 'FAIL'}  {finding.subject}: {finding.found}")
    if not all(finding.is_fine for finding in findings):
        raise click.exceptions.Exit(1)


def _tell(step: str) -> None:
    click.echo(step, err=True)
