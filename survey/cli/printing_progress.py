"""What the commands that print say while they work and when they are done."""

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.print_pool import Printed
    from survey.printed_editions import PrintedEdition

_BAR_WIDTH = 30


def tell_progress(done: int, total: int, printed: "Printed") -> None:
    """A bar that grows on a terminal, a line for each document elsewhere; both on stderr."""
    if sys.stderr.isatty():
        filled = _BAR_WIDTH * done // total
        bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
        click.echo(f"\rprinting [{bar}] {done} of {total}", nl=done == total, err=True)
    else:
        click.echo(f"{done} of {total}: {printed.name}{' FAILED' if printed.failure else ''}", err=True)


def report(made: "PrintedEdition", *, as_json: bool) -> None:
    """Says where the edition lies and what is missing from it; exit 1 when a document could not be printed."""
    failures = {document.name: document.failure for document in made.failures}
    if as_json:
        answer = {
            "round": made.edition.facts.slug,
            "edition": made.edition.number,
            "folder": str(made.folder),
            "manifest_sha256": made.manifest_sha256,
            "documents": made.n_documents,
            "failures": failures,
        }
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        click.echo(
            f"edition {made.edition.number} of {made.edition.facts.slug}: {made.n_documents} PDFs in {made.folder}"
        )
        click.echo(f"manifest sha256 {made.manifest_sha256}")
    for name, failure in failures.items():
        click.echo(f"hailong: {name} could not be printed: {failure}", err=True)
    if failures:
        sys.exit(1)
