"""`hailong scorecards`: an edition with its scorecards and leagues in a folder, from a round or from any archive."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.hard_data_option import hard_data_option
from survey.cli.printing_progress import LANGUAGES, report, tell_progress

if TYPE_CHECKING:
    from analysis.release.hard_data import HardData
    from survey.publishing import PrintedEdition


@click.command(name="scorecards")
@click.argument("source", metavar="SLUG|ARCHIVE")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or an empty folder.")
@click.option("--unit", "units", multiple=True, metavar="CODE", help="Print this unit alone; may be given again.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Documents printed at once; one a core.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="vi", show_default=True)
@click.option(
    "--published-on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day the pages carry; today, or the day the round was published.",
)
@hard_data_option
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for a script.")
def command(
    source: str,
    out: Path,
    units: tuple[str, ...],
    workers: int | None,
    language: str,
    published_on: datetime | None,
    hard_data: Path | None,
    as_json: bool,
) -> None:
    """Print the edition of a round or of an archive into a folder: scorecards, leagues and edition.json.

    What is printed from an archive is signed with a key made for this folder alone; only the office that sealed the
    round can sign with its own.
    """
    day = published_on.date() if published_on else None
    chosen = LANGUAGES[language]
    from survey.analysing import names_a_folder, read_hard_data

    figures = read_hard_data(hard_data)
    if names_a_folder(source):
        from survey.publishing import print_archive

        made = print_archive(
            Path(source),
            out,
            day,
            hard_data=figures,
            languages=chosen,
            only_units=units,
            workers=workers,
            progress=tell_progress,
        )
    else:
        made = _of_round(source, out, day, figures, chosen, units, workers)
    report(made, as_json=as_json)


def _of_round(
    slug: str,
    out: Path,
    day: date | None,
    hard_data: "HardData | None",
    languages: tuple[str, ...],
    units: tuple[str, ...],
    workers: int | None,
) -> "PrintedEdition":
    from survey.cli.instance import opened
    from survey.publishing import print_round
    from survey.vault import KeyVault, read_passphrase

    with opened() as (settings, stores):
        vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file))
        return print_round(
            stores,
            vault,
            settings,
            slug,
            out,
            day,
            hard_data=hard_data,
            languages=languages,
            only_units=units,
            workers=workers,
            progress=tell_progress,
        )
