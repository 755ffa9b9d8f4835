"""`hailong unit-account`: invite the people of units to the portal, shut them out, tell them of scorecards."""

import click

from survey.cli.instance import opened


@click.group(name="unit-account")
def command() -> None:
    """Invite the people of units to the portal, shut them out, tell them of scorecards."""


@command.command()
@click.argument("address")
@click.option("--unit", "unit_code", required=True, help="The unit's code.")
@click.option("--name", required=True, help="The person's name, as colleagues know it.")
@click.option("--send", is_flag=True, help="Send the invitation by e-mail, too.")
def invite(address: str, unit_code: str, name: str, send: bool) -> None:
    """Invite the person with this e-mail ADDRESS; prints the address to open and the code, which is shown once."""
    from datetime import UTC, datetime

    from survey.portal_notices import portal_address, send_invitation
    from survey.rounds import COMMAND_LINE
    from survey.secrets import Secrets
    from survey.unit_people import invite_person

    with opened() as (settings, stores):
        secrets = Secrets(settings.secret_key)
        now = datetime.now(UTC)
        invitation = invite_person(stores, secrets, unit_code, address, name, actor=COMMAND_LINE, now=now)
        click.echo(f"{portal_address(settings, 'invited')}#{invitation.code}")
        if send:
            send_invitation(settings, invitation)
            click.echo(f"sent to {invitation.person.account.login}")


@command.command(name="list")
def list_all() -> None:
    """List the units' people: login, name, unit, and whether invited, active or disabled; between tabs."""
    from survey.unit_people import list_people

    with opened() as (_, stores):
        for person in list_people(stores):
            account = person.account
            state = "disabled" if account.is_disabled else "active" if person.is_active else "invited"
            click.echo(f"{account.login}\t{account.name}\t{person.unit_code}\t{state}")


@command.command()
@click.argument("address")
def disable(address: str) -> None:
    """Shut the person with this e-mail ADDRESS out at once."""
    from survey.rounds import COMMAND_LINE
    from survey.unit_people import shut_out

    with opened() as (_, stores):
        person = shut_out(stores, address, actor=COMMAND_LINE)
    click.echo(f"disabled {person.account.login}")


@command.command()
@click.argument("address")
def enable(address: str) -> None:
    """Let the person with this e-mail ADDRESS in again."""
    from survey.rounds import COMMAND_LINE
    from survey.unit_people import let_in_again

    with opened() as (_, stores):
        person = let_in_again(stores, address, actor=COMMAND_LINE)
    click.echo(f"enabled {person.account.login}")


@command.command()
@click.argument("slug", metavar="ROUND")
def notify(slug: str) -> None:
    """Tell the people of ROUND's units by e-mail that its newest scorecards are there; nobody is told twice."""
    from survey.errors import HailongError
    from survey.portal_notices import send_notices
    from survey.rounds import COMMAND_LINE
    from survey.services import today

    with opened() as (settings, stores):
        sent = send_notices(stores, settings, slug, today(), actor=COMMAND_LINE)
    click.echo(f"sent {sent.n_sent} letters")
    if sent.refused:
        raise HailongError(f"the mail server refused the letters to {', '.join(sent.refused)}")
