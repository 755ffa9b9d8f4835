"""`hailong sample`: from a frame to a list of selected people, a batch of codes and a round's design."""

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("frame", type=click.Path(path_type=Path))
@click.option("--design", "plan", type=click.Path(path_type=Path), help="The sampling plan, a YAML file.")
@click.option("--out", type=click.Path(path_type=Path), help="The new folder; `sample` here if none.")
@click.option("--seed", type=int, help="What the draw follows from; the plan's, or a fresh one that is kept.")
@click.option("--check", "checked", type=click.Path(path_type=Path), help="Draw a written sample again and compare.")
@click.option("--json", "as_json", is_flag=True, help="Print sample.json, or the findings, as JSON.")
def command(
    frame: Path, plan: Path | None, out: Path | None, seed: int | None, checked: Path | None, as_json: bool
) -> None:
    """Draw a sample from FRAME (CSV, XLSX or Parquet, one row a person or transaction).

    The folder has selected.csv (the people), batch.csv (for `round codes --batch`), design.yaml (for `round create
    --design`), sample.json (sizes, allocation, seed, hashes, warnings) and sample.yaml (the plan). With --check exit 1
    names what differs.
    """
    if checked is not None:
        if plan is not None or out is not None or seed is not None:
            raise click.UsageError("found --check beside --design, --out or --seed, expected it alone")
        _check(checked, frame, as_json=as_json)
        return
    if plan is None:
        raise click.UsageError("found no --design, expected the YAML file of a sampling plan")
    from survey.sampling import sample_frame, write_sample

    sampled = sample_frame(frame, plan, seed)
    folder = Path("sample") if out is None else out
    write_sample(sampled, folder)
    facts = sampled.facts
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    for warning in facts["warnings"]:
        click.echo(f"hailong: warning: {warning}", err=True)
    for group in facts["sizes"]:
        width = "no interval" if group["half_width"] is None else f"± {group['half_width']:.3g} expected"
        click.echo(
            f"{group['name']}: {group['asked']} of {group['population']} drawn, {width} "
            f"(circulars {group['circular']}, honest {group['honest']})"
        )
    click.echo(f"{folder}: {facts['asked']} people in {len(facts['allocation'])} strata, seed {facts['seed']}")


def _check(folder: Path, frame: Path, *, as_json: bool) -> None:
    from survey.sampling import check_sample

    findings = check_sample(folder, frame)
    if as_json:
        told = [{"place": one.place, "found": one.found, "expected": one.expected} for one in findings]
        click.echo(json.dumps({"sample": str(folder), "same": not findings, "findings": told}, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo(f"{folder}: {'the same sample' if not findings else f'{len(findings)} differences'}")
    if findings:
        sys.exit(1)
