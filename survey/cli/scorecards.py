"""`hailong scorecards`: an edition with its scorecards and leagues in a folder, from a round or from any archive."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.options import LANGUAGES, hard_data_option, json_option, language_option, workers_option
from survey.cli.printing_progress import report, tell_progress

if TYPE_CHECKING:
    from analysis.release.hard_data import HardData
    from survey.printed_editions import PrintedEdition


@click.command(name="scorecards")
@click.argument("source", metavar="SLUG|ARCHIVE")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or an empty folder.")
@click.option("--unit", "units", multiple=True, metavar="CODE", help="Print this unit alone; may be given again.")
@workers_option
@language_option
@click.option(
    "--published-on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day the pages carry; today, or the day the round was published.",
)
@click.option(
    "--earlier",
    "earlier",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="EDITION",
    help="The edition of an earlier round, for trends beside an ARCHIVE; may be given again.",
)
@hard_data_option
@json_option
def command(
    source: str,
    out: Path,
    units: tuple[str, ...],
    workers: int | None,
    language: str,
    published_on: datetime | None,
    earlier: tuple[Path, ...],
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
    from survey.errors import BadInput

    figures = read_hard_data(hard_data)
    if names_a_folder(source):
        from survey.printed_editions import print_archive

        made = print_archive(
            Path(source),
            out,
            day,
            hard_data=figures,
            languages=chosen,
            only_units=units,
            workers=workers,
            progress=tell_progress,
            earlier_rounds=earlier,
        )
    elif earlier:
        raise BadInput(f"{earlier[0]}: found an earlier edition beside a round, expected it beside an archive only")
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
    from survey.services import instance_vault

    with opened() as (settings, stores):
        vault = instance_vault(settings)
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
