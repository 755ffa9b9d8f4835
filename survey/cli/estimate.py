"""`hailong estimate`: any table and design, no database."""

from pathlib import Path

import click


@click.command()
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data; default: the folder of SPEC.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; default: standard output.")
def command(spec: Path, data: Path | None, out: Path | None) -> None:
    """Estimate what SPEC (JSON or YAML) asks, from any table and design, without a database.

    SPEC names the data, the design and the estimator; the answer is JSON.
    """
    from survey.estimating import estimate_file

    answer = estimate_file(spec, data, out)
    if out is None:
        click.echo(answer, nl=False)
