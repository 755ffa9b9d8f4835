"""`hailong units`: the registry of units."""

import json
from datetime import datetime
from pathlib import Path

import click


@click.group(name="units")
def command() -> None:
    """The registry of units."""


@command.command(name="import")
@click.argument("units_csv", type=click.Path(path_type=Path))
@click.argument("succession_csv", type=click.Path(path_type=Path), required=False)
@click.option(
    "--procedures",
    "procedures_csv",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CSV with the columns unit, procedure_vi, procedure_en: what people look for a unit by.",
)
def import_command(units_csv: Path, succession_csv: Path | None, procedures_csv: Path | None) -> None:
    """Import UNITS_CSV and SUCCESSION_CSV, all of it or nothing; units known already are brought up to date."""
    from survey.cli.instance import opened
    from survey.units import import_units

    with opened() as (_, stores):
        done = import_units(stores, units_csv, succession_csv, procedures_csv)
    click.echo(
        f"units: {done.n_added} added, {done.n_changed} changed, {done.n_unchanged} as before; "
        f"successions: {done.n_successions}"
        + (f"; procedures of units: {done.n_procedures}" if procedures_csv is not None else "")
    )


@command.command(name="list")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only the units valid on that day.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for a script.")
def list_command(day: datetime | None, as_json: bool) -> None:
    """List the units: code, kind, bloc, days of validity, name."""
    from survey.cli.instance import opened
    from survey.units import units_on

    with opened() as (_, stores):
        units = units_on(stores, day.date() if day else None)
    if as_json:
        records = [
            {
                "code": unit.code,
                "name_vi": unit.name_vi,
                "name_en": unit.name_en,
                "kind": unit.kind,
                "bloc": unit.bloc_code,
                "bloc_name": unit.bloc_name,
                "bloc_name_en": unit.bloc_name_en or None,
                "parent": unit.parent_code or None,
                "valid_from": unit.valid_from.isoformat() if unit.valid_from else None,
                "valid_to": unit.valid_to.isoformat() if unit.valid_to else None,
                "population": unit.population,
                "area_km2": unit.area_km2,
            }
            for unit in units
        ]
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
        return
    for unit in units:
        validity = f"{unit.valid_from or '…'} – {unit.valid_to or '…'}"
        click.echo(f"{unit.code:<14}{unit.kind:<14}{unit.bloc_code:<32}{validity:<26}{unit.name_vi}")
