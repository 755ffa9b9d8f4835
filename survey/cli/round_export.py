"""`hailong round export`: the microdata of a sealed round for other tools."""

import json
from pathlib import Path

import click

FORMATS = ("csv", "xlsx", "parquet", "sav", "dta", "ddi")


@click.command()
@click.argument("target", metavar="SLUG|ARCHIVE")
@click.option("--format", "kind", type=click.Choice(FORMATS), required=True, help="What the other tool reads.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option("--language", type=click.Choice(("vi", "en")), default="vi", help="Of the labels; vi if none.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(target: str, kind: str, out: Path, language: str, as_json: bool) -> None:
    """Write the responses of a sealed round with codes, labels and weights; they are microdata, keep them safe."""
    from survey.analysing import archive_of_round, names_a_folder
    from survey.cli.instance import named_instance
    from survey.exporting import export_archive
    from survey.result_folders import refuse_foreign

    archive = Path(target) if names_a_folder(target) else archive_of_round(named_instance(), target)
    refuse_foreign(out)
    files = export_archive(archive, kind, out, language)
    if as_json:
        click.echo(json.dumps({"format": kind, "files": [str(path) for path in files]}, ensure_ascii=False))
        return
    for path in files:
        click.echo(str(path))
