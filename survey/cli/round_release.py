"""`hailong round preview` and `release`: an edition for its units and for who approves it, and how far it is."""

import json
from pathlib import Path

import click

from survey.cli.options import LANGUAGES, next_edition_options
from survey.cli.printing_progress import report, tell_progress

OUTCOMES = ("open", "rejected", "noted", "upheld")


@click.command()
@click.argument("slug")
@next_edition_options
def preview(
    slug: str,
    reason: str | None,
    workers: int | None,
    language: str,
    passphrase_file: Path | None,
    hard_data: Path | None,
    as_json: bool,
) -> None:
    """Prepare the next edition of SLUG and show it to its units, under the embargo of the round's plan.

    Officers approve it in the office, each signed in as themselves; `hailong round publish` then publishes it as it is.
    """
    from survey.analysing import read_hard_data
    from survey.cli.instance import opened
    from survey.releasing import prepare_preview
    from survey.services import instance_vault, today

    with opened() as (settings, stores):
        vault = instance_vault(settings, passphrase_file)
        made = prepare_preview(
            stores,
            vault,
            settings,
            slug,
            today(),
            reason=reason,
            hard_data=read_hard_data(hard_data),
            languages=LANGUAGES[language],
            workers=workers,
            progress=tell_progress,
        )
    report(made, as_json=as_json)


@click.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="The state as JSON, for a script.")
def release(slug: str, as_json: bool) -> None:
    """Tell how far the preview of SLUG is: who approved it, what units object, and what it waits for."""
    from survey.cli.instance import opened
    from survey.previews import current_preview, objections_of, obstacles
    from survey.publishing import release_plan_of
    from survey.round_records import find_round
    from survey.services import today

    with opened() as (_, stores):
        plan = release_plan_of(find_round(stores, slug))
        found = current_preview(stores, slug)
        waits = obstacles(stores, found, plan.approvals, today()) if found else ()
        said = objections_of(stores, slug)
    state = {
        "round": slug,
        "embargo_days": plan.embargo_days,
        "approvals_needed": plan.approvals,
        "edition": found.number if found else None,
        "manifest_sha256": found.manifest_hash if found else None,
        "publish_from": found.publish_from.isoformat() if found else None,
        "approved_by": list(found.approved_by) if found else [],
        "objections": {outcome: sum(one.outcome == outcome for one in said) for outcome in OUTCOMES},
        "waits_for": [obstacle.kind for obstacle in waits],
    }
    if as_json:
        click.echo(json.dumps(state, ensure_ascii=False, indent=2))
        return
    click.echo(f"round {slug}: embargo of {plan.embargo_days} days, approvals of {plan.approvals} officers")
    if found is None:
        click.echo("no preview")
        return
    click.echo(
        f"edition {found.number}, manifest sha256 {found.manifest_hash}, to be published from {found.publish_from}"
    )
    click.echo(f"approved by {', '.join(found.approved_by) or 'nobody'}")
    for obstacle in waits:
        click.echo(obstacle.in_words())
    if not waits:
        click.echo(f"ready: hailong round publish {slug}")
