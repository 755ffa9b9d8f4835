"""`hailong round publish`: the next edition of a sealed round, printed, signed and recorded."""

from pathlib import Path

import click

from survey.cli.hard_data_option import hard_data_option
from survey.cli.printing_progress import LANGUAGES, report, tell_progress


@click.command()
@click.argument("slug")
@click.option("--reason", help="Why there is a new edition; every edition after the first needs one.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Documents printed at once; one a core.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="vi", show_default=True)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="The file that holds the vault's passphrase; the instance's own where nothing is said.",
)
@hard_data_option
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for a script.")
def publish(
    slug: str,
    reason: str | None,
    workers: int | None,
    language: str,
    passphrase_file: Path | None,
    hard_data: Path | None,
    as_json: bool,
) -> None:
    """Publish SLUG: compute the edition, print its scorecards and leagues, sign it and record it."""
    from survey.analysing import read_hard_data
    from survey.cli.instance import opened
    from survey.publishing import publish_round
    from survey.services import today
    from survey.vault import KeyVault, read_passphrase

    with opened() as (settings, stores):
        vault = KeyVault(settings.instance / "keys", read_passphrase(passphrase_file or settings.passphrase_file))
        made = publish_round(
            stores,
            vault,
            settings,
            slug,
            today(),
            reason=reason,
            hard_data=read_hard_data(hard_data),
            languages=LANGUAGES[language],
            workers=workers,
            progress=tell_progress,
        )
    report(made, as_json=as_json)
