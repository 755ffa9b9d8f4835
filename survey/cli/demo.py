"""`hailong demo`: the demonstration that `make run` shows, and rounds answered by practice people."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.options import json_option

if TYPE_CHECKING:
    from survey.demonstration.marker import Demonstration


@click.group()
def command() -> None:
    """Set up the demonstration, and let practice people answer a round."""


@command.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port for the addresses.")
def prepare(port: int) -> None:
    """Set up both rounds of the demonstration, or find them set up, and print what there is to look at."""
    from survey.cli.instance import current_settings
    from survey.demonstration.marker import found_demonstration

    settings = current_settings()
    demonstration = found_demonstration(settings) or _prepare()
    address = settings.public_url or f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"  Results (Kansas City, published)    {address}/results",
        f"  Office                              {address}/office/",
        f"    login {demonstration.login} · password {demonstration.password}",
        *_portal_lines(demonstration, address),
        "  Open round, three codes to try (type the code, or open the address as a QR code would):",
        *(f"    {code.typed}  {address}{code.path}  {code.unit}" for code in demonstration.codes),
        "",
        "  This is a demonstration: its keys, codes and password lie in the instance folder.",
        "",
    ]
    click.echo("\n".join(lines))


def _portal_lines(demonstration: "Demonstration", address: str) -> list[str]:
    """Where one unit's people see its scorecard; nothing where a former version set the demonstration up."""
    if not demonstration.portal_login:
        return []
    return [
        f"  Portal of one unit (its scorecard)  {address}/unit/",
        f"    login {demonstration.portal_login} · password {demonstration.portal_password}",
    ]


@command.command()
@click.option(
    "--units", required=True, metavar="SELECTOR", help="kind=ward,commune, bloc=CODE or code=C1,C2; joined by ';'."
)
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day the units are valid on.")
@click.option("--psus", default=10, show_default=True, type=click.IntRange(4, 40), help="PSUs to draw in each unit.")
@click.option("--household", metavar="ITEM", help="The item that asks how many adults live in the household.")
@click.option("--seed", required=True, type=click.IntRange(min=0), help="The same seed gives the same frame and draw.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new design.yaml.")
def design(units: str, day: datetime, psus: int, household: str | None, seed: int, out: Path) -> None:
    """Draw quarters and villages of a practice frame, with unequal probabilities, into a design."""
    from survey.cli.instance import opened
    from survey.demonstration.practice_design import practice_design
    from survey.units import select_units

    with opened() as (_, stores):
        codes = [unit.code for unit in select_units(stores, units, day.date())]
    _write_new(out, practice_design(codes, seed, psus, household))
    click.echo(f"{out}: {len(codes)} units, {psus} PSUs in each, drawn from the practice frame of seed {seed}")


@command.command()
@click.argument("slug")
@click.option("--respondents", required=True, type=int, help="How many people answer.")
@click.option("--seed", required=True, type=click.IntRange(min=0), help="The same seed gives the same people.")
@click.option("--truth", type=click.Path(path_type=Path), help="A new CSV for the true values: unit, node, truth.")
@json_option
def simulate(slug: str, respondents: int, seed: int, truth: Path | None, as_json: bool) -> None:
    """Issue codes for the open round SLUG and let practice people answer; every page of it says so from then on."""
    from survey.cli.instance import opened
    from survey.demonstration.practice_truth import truth_csv
    from survey.demonstration.simulating import simulate_round
    from survey.secrets import Secrets
    from survey.services import today

    if truth is not None:
        _refuse_existing(truth)
    with opened() as (settings, stores):
        done = simulate_round(stores, Secrets(settings.secret_key), slug, respondents, seed, today(), _tell)
    if truth is not None:
        _write_new(truth, truth_csv(done.truth))
    if as_json:
        answer = {
            "round": slug,
            "seed": seed,
            "issued": done.n_issued,
            "respondents": done.n_respondents,
            "true_values": len(done.truth),
            "truth_of": "frame" if done.is_of_frame else "design",
        }
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(f"round {slug}: simulated, {done.n_issued} codes issued, {done.n_respondents} practice people answered")
    if truth is not None:
        whom = "the whole practice frame" if done.is_of_frame else "the people in the design's cells"
        click.echo(f"{truth}: {len(done.truth)} true values of {whom}")


def _tell(done: int, total: int) -> None:
    """The count goes on in its line on a terminal; elsewhere a line every thousand; both on stderr."""
    if sys.stderr.isatty():
        click.echo(f"\ranswers: {done} of {total}", nl=done == total, err=True)
    elif done % 1000 == 0 or done == total:
        click.echo(f"answers: {done} of {total}", err=True)


def _refuse_existing(path: Path) -> None:
    from survey.errors import BadInput

    if path.exists() or path.is_symlink() or not path.parent.is_dir():
        found = "something there already" if path.parent.is_dir() else "no folder to put it into"
        raise BadInput(f"{path}: found {found}, expected the name of a new file")


def _write_new(path: Path, content: bytes) -> None:
    _refuse_existing(path)
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as refusal:
        from survey.errors import BadInput

        raise BadInput(f"{path}: found {refusal.strerror}, expected a file that can be written") from None


def _prepare() -> "Demonstration":
    from survey.cli.instance import current_settings
    from survey.demonstration.preparing import claim_instance, prepare_demonstration
    from survey.services import open_services, today
    from survey.storage.stores import open_stores
    from survey.storage.upgrading import upgrade_stores

    settings = current_settings()
    upgrade_stores(settings)
    stores = open_stores(settings)
    try:
        claim_instance(settings, stores)
    finally:
        stores.close()
    # Read again: the instance has become a demonstration since the first reading.
    services = open_services(current_settings())
    try:
        return prepare_demonstration(services, today(), click.echo)
    finally:
        services.stores.close()
