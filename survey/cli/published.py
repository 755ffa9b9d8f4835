"""`hailong published`: indices that others have published of the province, shown at /results/published."""

from pathlib import Path

import click


@click.group(name="published")
def command() -> None:
    """Indices that others published of the province, copied with their sources."""


@command.command(name="import")
@click.argument("scores_csv", type=click.Path(path_type=Path))
@click.argument("breaks_csv", type=click.Path(path_type=Path), required=False)
def import_command(scores_csv: Path, breaks_csv: Path | None) -> None:
    """Show the scores of SCORES_CSV and the breaks of BREAKS_CSV in place of those shown before.

    SCORES_CSV has the columns index, year, unit_name, bloc, score, scale, rank, source; BREAKS_CSV has index, year,
    bloc, text_vi, text_en, source, where an empty index or bloc means all of them.
    """
    from survey.cli.instance import current_settings
    from survey.published_scores import import_published

    done = import_published(current_settings().instance, scores_csv, breaks_csv)
    n_indices = len({score.index for score in done.scores})
    click.echo(f"published: {len(done.scores)} scores and ranks of {n_indices} indices, {len(done.breaks)} breaks")
