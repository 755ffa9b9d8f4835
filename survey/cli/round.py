"""`hailong round`: a round's life. Steps that bring their own machinery are modules that are imported when called."""

import importlib
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.rounds import RoundRecord, RoundStatus

# Help lines stand here, so that showing them imports none of the modules.
STEPS_ELSEWHERE = {
    "codes": ("round_codes", "codes", "Issue invitations and write their codes into a file."),
    "custodians": ("round_custody", "custodians", "Split a draft's key among custodians, k of n."),
    "custody": ("round_custody", "custody", "Tell who holds the shares of a round's key."),
    "export": ("round_export", "export", "Write the responses of a sealed round for other tools."),
    "forms": ("round_forms", "forms", "Print a form on paper for each code of a list."),
    "import": ("round_archive", "import_command", "Make a sealed archive of answers collected elsewhere."),
    "import-answers": ("round_collected", "import_answers_command", "Receive what ODK or Kobo tablets collected."),
    "preview": ("round_release", "preview", "Show the next edition to its units before it is public."),
    "reconcile": ("round_reconcile", "reconcile", "Let a restored round go on, with a name and a reason."),
    "publish": ("round_publish", "publish", "Compute and publish an edition of a sealed round."),
    "release": ("round_release", "release", "Tell how far the preview of a round is, and what it waits for."),
    "seal": ("round_codes", "seal", "Open the ballots of a closed round and seal them as an archive."),
    "shares-destroyed": ("round_custody", "shares_destroyed", "Record that a custodian has destroyed a share."),
    "slips": ("round_slips", "slips", "Print the codes of a list as slips to be cut, with QR codes."),
    "stands": ("round_slips", "stands", "Print a stand a unit for its counter, with a QR code."),
    "tablet-form": ("round_collected", "tablet_form_command", "Write the questions for ODK or Kobo tablets."),
    "trial": ("round_custody", "trial", "Try the shares of a round's key; before it opens, and whenever one likes."),
}
DAY = click.DateTime(["%Y-%m-%d"])


class RoundGroup(click.Group):
    """A group that knows some of its commands by name and imports them when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *STEPS_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in STEPS_ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name, _ = STEPS_ELSEWHERE[cmd_name]
        found = getattr(importlib.import_module(f"survey.cli.{module}"), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"survey.cli.{module}.{name} is not a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = {name: line for name, (_, _, line) in STEPS_ELSEWHERE.items()}
        lines |= {name: own.get_short_help_str(limit=100) for name, own in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))


@click.group(name="round", cls=RoundGroup)
def command() -> None:
    """A round's life, from its creation to its publication."""


@command.command()
@click.argument("slug")
@click.option("--questionnaire", required=True, metavar="NAME/VERSION", help="A published questionnaire.")
@click.option(
    "--units", required=True, metavar="SELECTOR", help="kind=ward,commune, bloc=CODE or code=C1,C2; joined by ';'."
)
@click.option("--opens", "opens_on", type=DAY, required=True, help="The first day.")
@click.option("--closes", "closes_on", type=DAY, required=True, help="The last day; it counts.")
@click.option("--design", type=click.Path(path_type=Path), help="YAML: strata, clusters, population.")
@click.option("--plan", type=click.Path(path_type=Path), help="YAML: every choice of the analysis.")
@click.option("--title", help="The round's name in Vietnamese; the questionnaire's title where none is given.")
@click.option("--title-en", help="The round's name in English; the Vietnamese one where none is given.")
@click.option("--notice", type=click.Path(path_type=Path), help="YAML: title, issuer, decision, hotline.")
@click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="NAME/VERSION",
    help="What is asked along, with an index of its own; repeatable.",
)
@click.option("--open-link", is_flag=True, help="Take answers without a code too; they are in no index.")
@click.option("--open-link-cap", type=int, metavar="N", help="How many of them a unit takes a day; 200.")
def create(
    slug: str,
    questionnaire: str,
    units: str,
    opens_on: datetime,
    closes_on: datetime,
    design: Path | None,
    plan: Path | None,
    title: str | None,
    title_en: str | None,
    notice: Path | None,
    modules: tuple[str, ...],
    open_link: bool,
    open_link_cap: int | None,
) -> None:
    """Create the round SLUG in draft, for the units that are valid on its first day."""
    from questionnaires.model import Text
    from survey.cli.instance import opened
    from survey.notices import NO_NOTICE, read_notice
    from survey.round_sources import sources_of_round
    from survey.rounds import DEFAULT_CAP, RoundRequest, create_round, read_source
    from survey.services import today

    if title_en and not title:
        raise click.UsageError("found --title-en without --title, expected both or the Vietnamese one alone")
    if open_link_cap is not None and not open_link:
        raise click.UsageError("found --open-link-cap without --open-link, expected both or neither")
    request = RoundRequest(
        slug=slug,
        questionnaire=questionnaire,
        units=units,
        opens_on=opens_on.date(),
        closes_on=closes_on.date(),
        title=Text(title, title_en or title) if title else None,
        notice=read_notice(notice) if notice else NO_NOTICE,
        design=read_source(design) if design else None,
        plan=read_source(plan) if plan else None,
        modules=modules,
        open_link_cap=(DEFAULT_CAP if open_link_cap is None else open_link_cap) if open_link else None,
    )
    with opened() as (_, stores):
        created = create_round(stores, request, today())
        outline = sources_of_round(stores, created).design if design else None
    click.echo(f"round {slug}: draft, {len(created.unit_codes)} units, {created.opens_on} to {created.closes_on}")
    for said, found in (
        ("does not count the people of", outline.uncounted if outline else ()),
        ("counts people of units that are not in the round:", outline.strange if outline else ()),
    ):
        if found:
            listed = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
            click.echo(f"warning: {design} {said} {listed}", err=True)


@command.command(name="open-link")
@click.argument("slug")
@click.option("--cap", type=int, metavar="N", help="Take as many answers without a code a unit and day.")
@click.option("--off", is_flag=True, help="Take none from now on.")
def open_link(slug: str, cap: int | None, off: bool) -> None:
    """Change how many answers without a code SLUG takes; none of them is ever in an index."""
    from survey.cli.instance import opened
    from survey.rounds import limit_open_link

    if off == (cap is not None):
        raise click.UsageError("found neither --cap nor --off, or both; expected one of them")
    with opened() as (_, stores):
        limit_open_link(stores, slug, cap)
    click.echo(
        f"round {slug}: " + ("every answer needs a code" if off else f"{cap} answers without a code a unit and day")
    )


@command.command(name="open")
@click.argument("slug")
def open_command(slug: str) -> None:
    """Open SLUG: make its keys and take answers from its first day on."""
    from survey.cli.instance import opened
    from survey.rounds import open_round
    from survey.services import instance_vault, today

    with opened() as (settings, stores):
        vault = instance_vault(settings)
        record = open_round(stores, vault, slug, today())
    click.echo(f"round {slug}: open, {record.opens_on} to {record.closes_on}, key {record.key_fingerprint}")
    # Said here, because from now on there are ballots to protect, and there is still time to move the passphrase.
    if record.custody is None and settings.passphrase_file.absolute().parent == settings.instance:
        click.echo(
            f"hailong: warning: the passphrase lies beside the keys it protects ({settings.passphrase_file}): "
            "whoever copies the instance can open the ballots until they are sealed",
            err=True,
        )


@command.command()
@click.argument("slug")
def close(slug: str) -> None:
    """Close SLUG: no answer is taken any more."""
    from survey.cli.instance import opened
    from survey.paper_entry import waiting_forms
    from survey.rounds import close_round

    with opened() as (_, stores):
        close_round(stores, slug)
        n_on_paper = waiting_forms(stores, slug).in_all
    click.echo(f"round {slug}: closed")
    if n_on_paper:
        click.echo(f"{n_on_paper} forms on paper were keyed and not received; sealing erases them", err=True)


@command.command()
@click.argument("slug", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON, for a script.")
def status(slug: str | None, as_json: bool) -> None:
    """Count invitations issued and used by unit and channel; without SLUG, list the rounds."""
    from survey.accounting import round_accounting
    from survey.cli.instance import opened
    from survey.rounds import list_rounds, round_status
    from survey.secrets import Secrets

    with opened() as (settings, stores):
        if slug is None:
            rounds = list_rounds(stores)
            if as_json:
                click.echo(json.dumps([_round_json(record) for record in rounds], ensure_ascii=False, indent=2))
            for record in () if as_json else rounds:
                click.echo(f"{record.slug:<32}{record.state:<11}{record.opens_on} – {record.closes_on}")
            return
        secrets = Secrets(settings.secret_key)
        found = round_status(stores, secrets, slug)
        accounting = round_accounting(stores, secrets, settings, slug) if as_json else ()
    if as_json:
        rows = [asdict(row) for row in accounting]
        click.echo(json.dumps({**_status_json(found), "accounting": rows}, ensure_ascii=False, indent=2))
    else:
        _show(found)


def _show(found: "RoundStatus") -> None:
    halted = ", halted since a restore" if found.round.is_halted else ""
    click.echo(
        f"round {found.round.slug}: {found.round.state}{halted}, {found.round.opens_on} to {found.round.closes_on}"
    )
    click.echo(f"{'unit':<16}{'channel':<16}{'issued':>8}{'used':>8}")
    for cell in found.cells:
        click.echo(f"{cell.unit:<16}{cell.channel:<16}{cell.issued:>8}{cell.spent:>8}")
    click.echo(f"{'all':<32}{found.issued:>8}{found.spent:>8}")
    if found.sealed is not None:
        click.echo(f"sealed {found.sealed}, rejected {found.rejected}")


def _status_json(found: "RoundStatus") -> dict[str, object]:
    return {
        **_round_json(found.round),
        "issued": found.issued,
        "spent": found.spent,
        "sealed": found.sealed,
        "rejected": found.rejected,
        "units": [
            {"unit": cell.unit, "channel": cell.channel, "issued": cell.issued, "spent": cell.spent}
            for cell in found.cells
        ],
    }


def _round_json(record: "RoundRecord") -> dict[str, object]:
    return {
        "round": record.slug,
        "state": record.state,
        "opens_on": record.opens_on.isoformat(),
        "closes_on": record.closes_on.isoformat(),
        "questionnaire": record.questionnaire_reference,
        "modules": list(record.module_references),
        "imported": record.is_imported,
        "simulated": record.is_simulated,
        "halted": record.is_halted,
        "key_fingerprint": record.key_fingerprint,
        "custody": {"need": record.custody.need, "shares": len(record.custody.custodians)} if record.custody else None,
        "open_link_cap": record.open_link_cap,
        "archive_hash": record.archive_hash,
    }
