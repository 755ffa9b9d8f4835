"""`hailong round import`: answers collected elsewhere become a sealed archive."""

import json
from pathlib import Path

import click


@click.command(name="import")
@click.argument("slug")
@click.option("--questionnaire", required=True, metavar="NAME/VERSION", help="What was asked.")
@click.option("--answers", type=click.Path(path_type=Path), required=True, help="CSV or Parquet, a row a respondent.")
@click.option("--design", type=click.Path(path_type=Path), required=True, help="YAML: strata, population, import.")
@click.option("--plan", type=click.Path(path_type=Path), help="YAML: every choice of the analysis.")
@click.option("--module", "modules", multiple=True, metavar="NAME/VERSION", help="What was asked along; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def import_command(
    slug: str,
    questionnaire: str,
    answers: Path,
    design: Path,
    plan: Path | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a sealed archive SLUG of answers collected elsewhere; the design says which column is what."""
    from survey.cli.instance import opened
    from survey.importing import ImportRequest, import_round
    from survey.services import instance_vault, today

    with opened() as (settings, stores):
        vault = instance_vault(settings)
        request = ImportRequest(slug, questionnaire, answers, design, plan, modules)
        imported = import_round(stores, vault, settings, request, today())
    if as_json:
        click.echo(
            json.dumps(
                {
                    "round": imported.slug,
                    "archive": str(imported.archive),
                    "manifest_sha256": imported.manifest_sha256,
                    "sealed": imported.n_sealed,
                    "withheld": imported.n_withheld,
                }
            )
        )
        return
    withheld = f", {imported.n_withheld} withheld in cells that are too small" if imported.n_withheld else ""
    click.echo(f"round {slug}: sealed, {imported.n_sealed} responses{withheld}")
    click.echo(f"archive: {imported.archive}")
    click.echo(f"manifest SHA-256: {imported.manifest_sha256}")
