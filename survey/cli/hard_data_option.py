"""The option that hands hard data to the commands that compute an edition."""

from pathlib import Path

import click

hard_data_option = click.option(
    "--hard-data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The figures of units that a profile counts beside the survey: CSV with unit, indicator, value, source.",
)
