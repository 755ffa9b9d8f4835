"""`hailong officer`: create officers, reset what they sign in with, shut them out."""

import sys
from getpass import getpass

import click

from survey.cli.instance import opened
from survey.permissions import EVERY_TASK, OFFICE_ROLES


@click.group(name="officer")
def command() -> None:
    """Create officers, reset what they sign in with, shut them out."""


@command.command()
@click.argument("login")
@click.option("--name", required=True, help="The officer's name, as colleagues know it.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(OFFICE_ROLES),
    help="What the officer may do; may be given several times. Every task, as in an office of one, without it.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def create(login: str, name: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Create an officer who may enter the office with LOGIN."""
    from survey.officers import create_officer
    from survey.rounds import COMMAND_LINE

    with opened() as (settings, stores):
        password, breached = _password(password_stdin), settings.breached_passwords
        officer = create_officer(
            stores, login, name, password, actor=COMMAND_LINE, breached=breached, roles=roles or EVERY_TASK
        )
    click.echo(f"created officer {officer.login} ({officer.name}): {', '.join(officer.roles)}")


@command.command(name="list")
def list_all() -> None:
    """List the officers, between tabs: login, name, roles, active or disabled, and whether with a second factor."""
    from survey.officers import list_officers

    with opened() as (_, stores):
        for officer in list_officers(stores):
            state = "disabled" if officer.is_disabled else "active"
            factor = "second factor" if officer.has_second_factor else "password alone"
            click.echo(f"{officer.login}\t{officer.name}\t{','.join(officer.roles)}\t{state}\t{factor}")


@command.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def password(login: str, password_stdin: bool) -> None:
    """Set a new password for LOGIN; every session ends."""
    from survey.officers import set_password
    from survey.rounds import COMMAND_LINE

    with opened() as (settings, stores):
        new, breached = _password(password_stdin), settings.breached_passwords
        officer = set_password(stores, login, new, actor=COMMAND_LINE, breached=breached)
    click.echo(f"set a new password for {officer.login}")


@command.command()
@click.argument("login")
def disable(login: str) -> None:
    """Shut LOGIN out at once: every session ends, and no password lets in."""
    from survey.officers import disable_officer
    from survey.rounds import COMMAND_LINE

    with opened() as (_, stores):
        officer = disable_officer(stores, login, actor=COMMAND_LINE)
    click.echo(f"disabled {officer.login}")


@command.command()
@click.argument("login")
def enable(login: str) -> None:
    """Let LOGIN in again, with the password and the second factor of before."""
    from survey.officers import enable_officer
    from survey.rounds import COMMAND_LINE

    with opened() as (_, stores):
        officer = enable_officer(stores, login, actor=COMMAND_LINE)
    click.echo(f"enabled {officer.login}")


@command.command(name="reset-second-factor")
@click.argument("login")
def reset_factor(login: str) -> None:
    """Take the app and the recovery codes of LOGIN away; every session ends, and a new app is set up at a sign-in."""
    from survey.officers import reset_second_factor
    from survey.rounds import COMMAND_LINE

    with opened() as (_, stores):
        officer = reset_second_factor(stores, login, actor=COMMAND_LINE)
    click.echo(f"reset the second factor of {officer.login}")


def _password(from_stdin: bool) -> str:
    # A password never rides in an argument: the list of processes and the shell's history would keep it.
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass("Password: ")
    if getpass("Repeat it: ") != first:
        raise click.UsageError("the two passwords differ; expected the same one twice")
    return first
