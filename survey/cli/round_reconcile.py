"""`hailong round reconcile`: who answers for a restored round's going on."""

import click


@click.command()
@click.argument("slug")
@click.option("--decision", "reason", required=True, metavar="TEXT", help="What was found, and why it goes on.")
@click.option("--by", "decided_by", required=True, metavar="NAME", help="Who answers for it.")
def reconcile(slug: str, reason: str, decided_by: str) -> None:
    """Let SLUG go on after a restore; the decision stands in the audit log and in the archive's manifest.

    A round that was open in the backup is halted: invitations used since count as unused again, and their ballots are
    gone. Compare the counts with what is known before you decide.
    """
    from survey.cli.instance import opened
    from survey.reconciling import reconcile_round
    from survey.rounds import COMMAND_LINE
    from survey.secrets import Secrets
    from survey.services import today

    with opened() as (settings, stores):
        secrets = Secrets(settings.secret_key)
        done = reconcile_round(
            stores, secrets, slug, decided_by=decided_by, reason=reason, today=today(), actor=COMMAND_LINE
        )
    click.echo(f"round {slug}: {done.round.state} again, {done.issued} invitations, {done.spent} of them used")
    click.echo(f"decided by {done.decision.decided_by}: {done.decision.reason}")
