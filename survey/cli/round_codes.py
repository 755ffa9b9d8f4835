"""`hailong round codes` and `hailong round seal`: invitations go out, ballots become an archive."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.options import json_option, passphrase_option
from survey.cli.round_custody import read_shares, share_option, share_passphrase_option

if TYPE_CHECKING:
    from survey.sealing import SealedRound

# In the demonstration nobody prints slips; the address is the one that `make run` serves at.
DEMONSTRATION_URL = "http://127.0.0.1:8000"
STEPS = {
    "unlock": "unlocking the key",
    "open": "opening the ballots",
    "coarsen": "coarsening small cells",
    "write": "writing the archive",
    "check": "reading the archive back",
    "destroy": "destroying the ballot key",
    "record": "recording the seal",
}


@click.command()
@click.argument("slug")
@click.option("--unit", metavar="CODE", help="The unit the codes are for; none where respondents choose.")
@click.option("--count", type=int, help="How many codes.")
@click.option("--channel", help="How the invitations reach people; slip where nothing is said.")
@click.option("--stratum", help="The stratum the codes are for.")
@click.option("--psu", help="The cluster the codes are for.")
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help="CSV with the columns unit, stratum, psu, channel, count, instead of one unit.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new file: unit, code, url, channel.")
def codes(
    slug: str,
    unit: str | None,
    count: int | None,
    channel: str | None,
    stratum: str | None,
    psu: str | None,
    batch: Path | None,
    out: Path,
) -> None:
    """Issue invitations for SLUG and write their codes into a new file: the only copy there is."""
    single = (unit, count, channel, stratum, psu)
    if batch is not None and any(option is not None for option in single):
        raise click.UsageError("found --batch beside --unit, --count, --channel, --stratum or --psu, expected one way")
    if batch is None and count is None:
        raise click.UsageError("found neither --batch nor --count, expected one of the two ways")
    from survey.cli.instance import opened
    from survey.code_files import LARGEST_BATCH_BYTES, issued_codes_csv, new_code_file, read_batch
    from survey.invitations import DEFAULT_CHANNEL, CodeRequest, invited_units, issue_invitations
    from survey.plain_files import read_plain_file
    from survey.round_records import find_round
    from survey.secrets import Secrets

    with opened() as (settings, stores):
        units = invited_units(stores, find_round(stores, slug))
        if batch is not None:
            content = read_plain_file(batch, LARGEST_BATCH_BYTES)
            requests = read_batch(content, str(batch), units)
        else:
            if unit is None and "" not in units:
                raise click.UsageError("found --count without --unit, expected both: each code is for one unit")
            if unit is not None and "" in units:
                raise click.UsageError(f"found --unit, expected none: respondents choose the units in the round {slug}")
            requests = [CodeRequest(unit or "", count or 0, stratum or "", psu or "", channel or DEFAULT_CHANNEL)]
        public_url = settings.public_url or (DEMONSTRATION_URL if settings.is_demonstration else None)
        with new_code_file(out) as file:
            issued = issue_invitations(
                stores,
                Secrets(settings.secret_key),
                slug,
                requests,
                keep=lambda issued: file.fill(issued_codes_csv(issued, public_url)),
            )
    if public_url is None:
        click.echo(
            "hailong: warning: HAILONG_PUBLIC_URL is not set: the url column holds paths only, "
            "slips cannot be printed until it is",
            err=True,
        )
    click.echo(f"round {slug}: {len(issued)} codes in {out}; nobody else has them, keep the file safe")


@click.command()
@click.argument("slug")
@passphrase_option
@share_option
@share_passphrase_option
@click.option("--missing", type=int, metavar="N", help="Go on although N used invitations have no ballot.")
@click.option("--unmarked", type=int, metavar="N", help="Go on although N ballots have no used invitation.")
@click.option("--decision", "reason", metavar="TEXT", help="Why, beside --missing or --unmarked.")
@click.option("--by", "decided_by", metavar="NAME", help="Who answers for it.")
@json_option
def seal(
    slug: str,
    passphrase_file: Path | None,
    share_files: tuple[Path, ...],
    passphrase_files: tuple[Path, ...],
    missing: int | None,
    unmarked: int | None,
    reason: str | None,
    decided_by: str | None,
    as_json: bool,
) -> None:
    """Seal SLUG: decrypt, check, coarsen, shuffle, sign; then destroy the ballot key.

    Where custodians hold the key, name the share files of as many as are needed. Rows that were not written here are
    set aside and counted. Where rows were taken away the sealing stops and says how many: to go on all the same takes
    those numbers, a reason and a name, which stand in the audit log and in the manifest.
    """
    is_decided = missing is not None or unmarked is not None
    if is_decided != (reason is not None) or is_decided != (decided_by is not None):
        raise click.UsageError("expected --decision and --by beside --missing or --unmarked, and none of them alone")
    from survey.cli.instance import opened
    from survey.reconciling import accept_counts
    from survey.rounds import COMMAND_LINE
    from survey.sealing import seal_round
    from survey.secrets import Secrets
    from survey.services import instance_vault, today

    with opened() as (settings, stores):
        vault = instance_vault(settings, passphrase_file)
        shares = read_shares(share_files, passphrase_files)
        if is_decided:
            accept_counts(
                stores,
                slug,
                n_missing=missing or 0,
                n_unmarked=unmarked or 0,
                decided_by=decided_by or "",
                reason=reason or "",
                today=today(),
                actor=COMMAND_LINE,
            )
        sealed = seal_round(stores, Secrets(settings.secret_key), vault, settings, slug, _tell, shares=shares)
    if as_json:
        click.echo(json.dumps(_result(sealed), ensure_ascii=False, indent=2))
        return
    _show(sealed)


def _show(sealed: "SealedRound") -> None:
    counts = sealed.counts
    rejected, forged = (
        ", ".join(f"{name} {count}" for name, count in found.items()) or "0"
        for found in (counts.rejected, counts.forged)
    )
    click.echo(f"round {sealed.slug}: {'was sealed already' if sealed.was_sealed_before else 'sealed'}, {sealed.path}")
    click.echo(
        f"issued {counts.issued}, spent {counts.spent}, spooled {counts.spooled}, sealed {counts.sealed}, "
        f"rejected: {rejected}"
    )
    if counts.forged:
        click.echo(f"set aside as forged: {forged}")
    if counts.missing or counts.unmarked:
        click.echo(f"let pass by a decision: missing {counts.missing}, unmarked {counts.unmarked}")
    if counts.untagged:
        click.echo(f"from before ballots were tagged: {counts.untagged}")
    click.echo(f"manifest sha256 {sealed.manifest_sha256}")


def _tell(step: str, done: int, total: int) -> None:
    """One line a step, on stderr; on a terminal the count of ballots goes on in its line."""
    if step == "open":
        is_last = done == total
        if sys.stderr.isatty():
            click.echo(f"\r{STEPS[step]}: {done} of {total}", nl=is_last, err=True)
        elif is_last:
            click.echo(f"{STEPS[step]}: {total}", err=True)
    elif done == 0:
        click.echo(STEPS[step], err=True)


def _result(sealed: "SealedRound") -> dict[str, object]:
    from analysis.archive import counts_to_json

    return {
        "round": sealed.slug,
        "archive": str(sealed.path),
        "manifest_sha256": sealed.manifest_sha256,
        "was_sealed_before": sealed.was_sealed_before,
        **counts_to_json(sealed.counts),
    }
