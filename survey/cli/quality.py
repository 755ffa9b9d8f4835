"""`hailong quality`: flags on a round's answers, gaps between channels, and what they do to the indices."""

import json
from pathlib import Path

import click


@click.command(name="quality")
@click.argument("target", metavar="SLUG|ARCHIVE")
@click.option("--control", default="", metavar="CHANNEL", help="The channel no unit has a hand in; else the plan's.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="The folder to write into; here if none.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(target: str, control: str, out: Path, as_json: bool) -> None:
    """Flag answers of a sealed round: quality.csv, channel_gaps.csv and sensitivity.csv. Nothing is deleted."""
    from analysis.release.quality_rows import GAP, UNUSUAL
    from survey.analysing import archive_of_round, names_a_folder
    from survey.cli.instance import named_instance
    from survey.quality import write_quality

    archive = Path(target) if names_a_folder(target) else archive_of_round(named_instance(), target)
    done = write_quality(archive, out, control)
    unusual = [
        {"unit": row.unit, "channel": row.channel, "measure": row.measure}
        for row in done.quality.rows
        if row.verdict == UNUSUAL
    ]
    gaps = [
        {"unit": row.unit, "channel": row.channel, "beyond_others": row.excess_verdict == GAP}
        for row in done.quality.gaps
        if row.verdict == GAP
    ]
    if done.quality.lost_control:
        click.echo(
            f"hailong: warning: control: found no answers by {done.quality.lost_control!r}, which the plan names "
            "(sealing calls a channel “other” where a cell has fewer of its answers than k): no gap is tested",
            err=True,
        )
    if as_json:
        found = {
            "round": done.slug,
            "files": [str(path) for path in done.files],
            "control": done.quality.control or None,
            "unusual": unusual,
            "gaps": gaps,
        }
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for path in done.files:
        click.echo(str(path))
    against = f"{len(gaps)} gaps to {done.quality.control}" if done.quality.control else "no control channel named"
    click.echo(f"round {done.slug}: {len(unusual)} unusual counts or means, {against}; nothing was left out")
