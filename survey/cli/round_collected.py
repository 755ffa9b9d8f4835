"""`hailong round tablet-form` and `import-answers`: tablets with ODK or Kobo ask, and answers come back."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.options import json_option

if TYPE_CHECKING:
    from survey.collected_answers import RowRefusal

# A round of a province has some hundred thousand answers; ten times that many bytes a row are room enough.
LARGEST_EXPORT = 1_000_000_000
MOST_LINES = 20


@click.command(name="tablet-form")
@click.argument("slug")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new file, FORM.xlsx.")
def tablet_form_command(slug: str, out: Path) -> None:
    """Write the questions of SLUG as an XLSForm for ODK Central or KoboToolbox."""
    from survey.cli.instance import opened
    from survey.collected_answers import tablet_form
    from survey.errors import BadInput
    from survey.round_records import find_round

    with opened() as (_, stores):
        content = tablet_form(stores, find_round(stores, slug))
    try:
        with out.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise BadInput(f"{out}: found a file there, expected a new one") from None
    except OSError as refusal:
        raise BadInput(f"{out}: found no place to write to ({refusal.strerror}), expected one") from None
    click.echo(f"round {slug}: {out}")


@click.command(name="import-answers")
@click.argument("slug")
@click.argument("export", type=click.Path(path_type=Path))
@click.option("--dry-run", "is_dry", is_flag=True, help="Look at the file, receive nothing.")
@json_option
def import_answers_command(slug: str, export: Path, is_dry: bool, as_json: bool) -> None:
    """Receive what tablets collected for the open round SLUG: EXPORT is CSV or XLSX of ODK Central or KoboToolbox.

    The same file once more adds nothing. A row that is refused is named by its line and reason.
    """
    from survey.cli.instance import opened
    from survey.collected_answers import look_at_collected, receive_collected
    from survey.plain_files import read_plain_file
    from survey.round_records import find_round
    from survey.rounds import COMMAND_LINE
    from survey.secrets import Secrets
    from survey.services import today

    content = read_plain_file(export, LARGEST_EXPORT)
    with opened() as (settings, stores):
        secrets, record = Secrets(settings.secret_key), find_round(stores, slug)
        look = look_at_collected(stores, secrets, record, content, str(export), today())
        counts, refused = {"rows": look.n_rows, "ready": len(look.ready)}, look.refused
        if not is_dry:
            done = receive_collected(stores, secrets, None, record, look, today(), actor=COMMAND_LINE)
            counts = {"rows": done.n_rows, "received": done.n_received, "there_before": done.n_repeated}
            refused = done.refused
    if as_json:
        rows = [{"line": one.line, **_said(one)} for one in refused]
        said = {"round": slug, "version": look.version, **counts, "refused": rows, "dropped": list(look.dropped)}
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    listed = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    click.echo(f"round {slug}: {listed}, {len(refused)} refused")
    if look.dropped:
        click.echo(f"not read: {', '.join(look.dropped)}")
    _list_refused(refused, look.version)


def _list_refused(refused: "tuple[RowRefusal, ...]", version: str) -> None:
    from survey.collected_answers import by_reason

    for one, lines in by_reason(refused).items():
        shown = ", ".join(str(line) for line in lines[:MOST_LINES])
        more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
        words = " ".join(part for part in _said(one).values())
        expected = f", expected {version}" if one.version else ""
        click.echo(f"refused: {words}{expected}: line {shown}{more}")


def _said(one: "RowRefusal") -> dict[str, str]:
    said = {"reason": one.reason, "item": one.item, "problem": one.problem or "", "version": one.version}
    return {name: value for name, value in said.items() if value}
