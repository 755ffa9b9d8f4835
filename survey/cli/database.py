"""`hailong database`: the three stores, kept up to date and safe."""

from pathlib import Path

import click


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
    """Compare the tables with the models, and look at durability, keys and the audit log; exit 1 when one fails."""
    from survey.checking import check_instance
    from survey.cli.instance import current_settings

    findings = check_instance(current_settings())
    for finding in findings:
        click.echo(f"{'ok  ' if finding.is_fine else 'FAIL'}  {finding.subject}: {finding.found}")
    if not all(finding.is_fine for finding in findings):
        raise click.exceptions.Exit(1)


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
        written = write_backup(settings, stores, file)
    click.echo(f"{written.sha256}  {file}")
    for name, count in written.n_rows.items():
        click.echo(f"{name}: {count} rows")
    click.echo("the keys are not in it: keep a copy of the secret key, the passphrase and the folder keys elsewhere")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verify", "recompute", is_flag=True, help="Recompute the last index from the restored archive as well.")
def restore(file: Path, recompute: bool) -> None:
    """Bring back FILE into empty stores, and prove that everything in it came back."""
    from survey.backup import restore_backup
    from survey.cli.instance import current_settings

    restored = restore_backup(current_settings(), file, recompute=recompute)
    for sentence in restored.sentences:
        click.echo(sentence)
    if not restored.is_whole:
        raise click.exceptions.Exit(1)
