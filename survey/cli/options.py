"""Options that several commands have, so that they read and mean the same in each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

LANGUAGES = {"vi": ("vi",), "en": ("en",), "both": ("vi", "en")}

Command = Callable[..., Any]

hard_data_option = click.option(
    "--hard-data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The figures of units that a profile counts beside the survey: CSV with unit, indicator, value, source.",
)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="The file that holds the vault's passphrase; the instance's own where nothing is said.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Documents printed at once; one a core."
)
language_option = click.option("--language", type=click.Choice(list(LANGUAGES)), default="vi", show_default=True)
json_option = click.option("--json", "as_json", is_flag=True, help="The result as JSON, for a script.")
_reason_option = click.option("--reason", help="Why there is a new edition; every edition after the first needs one.")


def next_edition_options(command: Command) -> Command:
    """The command with every option of making a round's next edition, in this order in its help."""
    options = (_reason_option, workers_option, language_option, passphrase_option, hard_data_option, json_option)
    for option in reversed(options):
        command = option(command)
    return command
