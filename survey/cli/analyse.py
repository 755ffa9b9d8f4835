"""`hailong analyse`: run a round's plan."""

import json
from pathlib import Path

import click

from survey.cli.options import hard_data_option


@click.command(name="analyse")
@click.argument("target", metavar="SLUG|ARCHIVE")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="The folder to write into; here if none.")
@hard_data_option
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(target: str, out: Path, hard_data: Path | None, as_json: bool) -> None:
    """Run the plan of a sealed round: estimates.csv, .parquet, .json and .xlsx, ranks, differences and formulas."""
    from survey.analysing import analyse, archive_of_round, names_a_folder, read_hard_data
    from survey.cli.instance import named_instance
    from survey.result_folders import refuse_foreign
    from survey.services import today

    # An archive is analysed anywhere, by people who have no instance; only a round's name needs one.
    archive = Path(target) if names_a_folder(target) else archive_of_round(named_instance(), target)
    refuse_foreign(out)
    done = analyse(archive, out, today(), read_hard_data(hard_data))
    n_hidden = sum(row.suppressed for row in done.edition.estimates)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "round": done.edition.facts.slug,
                    "files": [str(path) for path in done.files],
                    "rows": len(done.edition.estimates),
                    "suppressed": n_hidden,
                }
            )
        )
        return
    for path in done.files:
        click.echo(str(path))
    click.echo(f"round {done.edition.facts.slug}: {len(done.edition.estimates)} rows, {n_hidden} of them suppressed")
