"""The command line: each command is a module that is imported when it is called, so that `--help` stays quick."""

import importlib
import sys

import click

# The table carries the help lines, because reading them from the modules would import every use case.
COMMANDS = {
    "analyse": ("analyse", "Run a round's plan: estimates and ranks."),
    "audit-log": ("audit_log", "Write what staff did to a file that is kept elsewhere."),
    "change": ("change", "What changed between two rounds, across mergers too."),
    "database": ("database", "Upgrade, check, back up and restore the three stores."),
    "demo": ("demo", "Set up the demonstration, and let practice people answer."),
    "disclosure": ("disclosure", "Audit what an edition tells of the figures that it hides."),
    "estimate": ("estimate", "Estimate from any table and design, without a database."),
    "frames": ("frames", "The lists that people are drawn from: erased on their day."),
    "officer": ("officer", "Create officers and reset their passwords."),
    "published": ("published", "Indices that others published of the province."),
    "quality": ("quality", "Flag a round's answers, compare its channels; nothing is deleted."),
    "questionnaire": ("questionnaire", "List, check, publish and compare questionnaires."),
    "round": ("round", "A round's life, from its creation to its publication."),
    "sample": ("sample", "Draw people from a frame: sizes, strata, clusters, a seed."),
    "scorecards": ("scorecards", "Print an edition into a folder: scorecards and leagues."),
    "serve": ("serve", "Serve the pages with the production server."),
    "unit-account": ("unit_account", "Invite the people of units to the portal."),
    "units": ("units", "The registry of units."),
    "verify": ("verify", "Recompute and check an archive, an edition or a scorecard."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module_name, _ = COMMANDS[cmd_name]
        command = importlib.import_module(f"survey.cli.{module_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"survey.cli.{module_name}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hailong", message="hailong %(version)s")
def hailong() -> None:
    """Ask citizens and businesses how public agencies serve them, and tell every agency the truth about it."""


def main() -> None:
    """Run the command line: exit 0 when done, 2 on bad usage or input, 1 when it failed."""
    from analysis.errors import AnalysisError
    from questionnaires.errors import QuestionnaireError
    from survey.errors import HailongError

    try:
        outcome = hailong(prog_name="hailong", standalone_mode=False)
    except click.Abort:
        sys.exit(1)
    except click.ClickException as complaint:
        _say(complaint.format_message())
        sys.exit(2)
    except (AnalysisError, QuestionnaireError, HailongError) as complaint:
        _say(str(complaint))
        sys.exit(2)
    # Outside its standalone mode click hands back the exit code of `ctx.exit` as the result.
    if isinstance(outcome, int):
        sys.exit(outcome)


def _say(complaint: str) -> None:
    # One line is the promise: a script can show it, and a person reads it whole.
    click.echo("hailong: " + " ".join(complaint.split()), err=True)
