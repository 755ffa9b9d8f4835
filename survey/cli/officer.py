"""`hailong officer`: create officers and reset their passwords."""

import sys
from getpass import getpass

import click

from survey.cli.instance import opened


@click.group(name="officer")
def command() -> None:
    """Create officers and reset their passwords."""


@command.command()
@click.argument("login")
@click.option("--name", required=True, help="The officer's name, as colleagues know it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def create(login: str, name: str, password_stdin: bool) -> None:
    """Create an officer who may enter the office with LOGIN."""
    from survey.officers import create_officer
    from survey.rounds import COMMAND_LINE

    with opened() as (_, stores):
        officer = create_officer(stores, login, name, _password(password_stdin), actor=COMMAND_LINE)
    click.echo(f"created officer {officer.login} ({officer.name})")


@command.command(name="list")
def list_all() -> None:
    """List the officers: login, name and role, separated by tabs."""
    from survey.officers import list_officers

    with opened() as (_, stores):
        for officer in list_officers(stores):
            click.echo(f"{officer.login}\t{officer.name}\t{officer.role}")


@command.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def password(login: str, password_stdin: bool) -> None:
    """Set a new password for LOGIN; sessions opened with the old one end."""
    from survey.officers import set_password
    from survey.rounds import COMMAND_LINE

    with opened() as (_, stores):
        officer = set_password(stores, login, _password(password_stdin), actor=COMMAND_LINE)
    click.echo(f"set a new password for {officer.login}")


def _password(from_stdin: bool) -> str:
    # A password never rides in an argument: the list of processes and the shell's history would keep it.
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass("Password: ")
    if getpass("Repeat it: ") != first:
        raise click.UsageError("the two passwords differ; expected the same one twice")
    return first
