"""`hailong change`: what changed between two rounds."""

import dataclasses
import json
from pathlib import Path

import click

from analysis.release.rows import ROOT


@click.command(name="change")
@click.argument("earlier", metavar="EARLIER")
@click.argument("later", metavar="LATER")
@click.option("--succession", type=click.Path(path_type=Path), help="Which units went into which; as shipped if none.")
@click.option("--mode-mix", type=click.Path(path_type=Path), help="A CSV of channel and share to hold the mode fixed.")
@click.option("--pool", is_flag=True, help="The mean of both rounds, and not their difference.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder to write changes.csv or pooled.csv into.")
def command(
    earlier: str,
    later: str,
    succession: Path | None,
    mode_mix: Path | None,
    pool: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Compare the rounds (a SLUG or an ARCHIVE each) EARLIER and LATER, unit by unit and node by node."""
    from analysis.release.rows import ChangeRow
    from survey.analysing import archive_of_round, names_a_folder
    from survey.changing import compare_rounds
    from survey.cli.instance import named_instance

    # An archive is compared anywhere, by people who have no instance; only a round's name needs one.
    archives = [
        Path(target) if names_a_folder(target) else archive_of_round(named_instance(), target)
        for target in (earlier, later)
    ]
    done = compare_rounds(*archives, succession=succession, mode_mix=mode_mix, pool=pool, out=out)
    if as_json:
        click.echo(json.dumps({"rows": [dataclasses.asdict(row) for row in done.rows]}, ensure_ascii=False))
        return
    for row in done.rows:
        if row.node != ROOT:
            continue
        value = row.change if isinstance(row, ChangeRow) else row.estimate
        if value is None:
            click.echo(f"{row.unit}: none ({row.reason})")
            continue
        sign = "+" if isinstance(row, ChangeRow) else ""
        said = f"{row.unit}: {value:{sign}.2f}"
        if row.low is not None and row.high is not None:
            said += f" ({row.low:.2f} to {row.high:.2f})"
        click.echo(said + (f", {row.verdict}" if isinstance(row, ChangeRow) else ""))
    if done.file is not None:
        click.echo(str(done.file))
