"""`hailong verify`: recompute and check what was sealed and published."""

import json
import os
import sys
from pathlib import Path

import click

WHAT = {
    "archive": "archive",
    "edition": "edition",
    "custody": "record of a round's shares",
    "document": "document of an edition",
    "table": "table of published scores",
}


@click.command(name="verify")
@click.argument("target", metavar="ARCHIVE|EDITION|FILE", type=click.Path(path_type=Path))
@click.option("--archive", type=click.Path(path_type=Path), help="The archive that an edition was computed from.")
@click.option("--edition", type=click.Path(path_type=Path), help="The edition that a PDF lying elsewhere belongs to.")
@click.option(
    "--earlier",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="EDITION",
    help="An edition of an earlier round that the trends rest on; may be given again.",
)
@click.option("--key", metavar="HEX", help="The Ed25519 public key that must have signed.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    target: Path,
    archive: Path | None,
    edition: Path | None,
    earlier: tuple[Path, ...],
    key: str | None,
    as_json: bool,
) -> None:
    """Check an archive, an edition, a PDF of an edition, or a CSV table of published scores.

    Every hash and signature is checked, and every figure is computed again where the archive is at hand. A PDF is
    printed again from the tables of its edition, which is looked for where it lies and in the instance. Exit 1 names
    what differs and where.
    """
    from survey.settings import instance_folder
    from survey.verifying import verify_path

    verification = verify_path(target, instance_folder(os.environ), archive, key, edition, earlier)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "target": str(target),
                    "kind": verification.kind,
                    "sound": verification.is_sound,
                    "findings": [
                        {"place": finding.place, "found": finding.found, "expected": finding.expected}
                        for finding in verification.findings
                    ],
                    "notes": list(verification.notes),
                },
                ensure_ascii=False,
            )
        )
    else:
        for finding in verification.findings:
            click.echo(str(finding))
        for note in verification.notes:
            click.echo(f"note: {note}")
        n_findings = len(verification.findings)
        verdict = "sound" if verification.is_sound else f"{n_findings} finding{'s' if n_findings > 1 else ''}"
        click.echo(f"{WHAT[verification.kind]} {target}: {verdict}")
    if not verification.is_sound:
        sys.exit(1)
