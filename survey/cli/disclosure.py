"""`hailong disclosure`: an edition seen with a reader's eyes, and what it tells of the figures that it hides."""

import json
import sys
from pathlib import Path

import click


@click.command(name="disclosure")
@click.argument("edition", metavar="EDITION", type=click.Path(path_type=Path))
@click.option(
    "--earlier",
    multiple=True,
    metavar="EDITION",
    type=click.Path(path_type=Path),
    help="An edition that was published before, for what the two tell together; may be given again.",
)
@click.option("--archive", type=click.Path(path_type=Path), help="The archive, which tells what totals are made of.")
@click.option("--json", "as_json", is_flag=True, help="Print the table and the findings as JSON.")
def command(edition: Path, earlier: tuple[Path, ...], archive: Path | None, as_json: bool) -> None:
    """Audit an edition: every hidden figure with the range that a reader can work out, and what should not be there.

    Exit 1 when anything is found that would stop a publication.
    """
    from survey.auditing import audit_edition

    done = audit_edition(edition, earlier, archive)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "edition": str(edition),
                    "sound": not done.findings,
                    "hidden": [
                        {
                            "unit": figure.unit,
                            "node": figure.node,
                            "reason": figure.reason,
                            "low": figure.low,
                            "high": figure.high,
                            "needed": figure.needed,
                            "shown_in": figure.shown_in,
                        }
                        for figure in done.figures
                    ],
                    "findings": [
                        {"place": finding.place, "found": finding.found, "expected": finding.expected}
                        for finding in done.findings
                    ],
                },
                ensure_ascii=False,
            )
        )
    else:
        click.echo("unit\tnode\treason\tlow\thigh\twidth\tneeded\tshown in edition")
        for figure in done.figures:
            numbers = (f"{number:.2f}" for number in (figure.low, figure.high, figure.width, figure.needed))
            click.echo("\t".join([figure.unit, figure.node, figure.reason, *numbers, str(figure.shown_in or "")]))
        for finding in done.findings:
            click.echo(str(finding))
        verdict = (
            "sound" if not done.findings else f"{len(done.findings)} finding{'s' if len(done.findings) > 1 else ''}"
        )
        click.echo(f"edition {edition}: {len(done.figures)} hidden criteria, {verdict}")
    if done.findings:
        sys.exit(1)
