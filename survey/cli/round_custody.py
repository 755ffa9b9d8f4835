"""`hailong round custodians`, `trial`, `custody`, `shares-destroyed`: a round's key in the hands of several people."""

import json
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from survey.custody import ShareFile
    from survey.custody_record import CustodyStatus
    from survey.shares import Share
    from survey.vault import Passphrase

LARGEST_PASSPHRASE_FILE = 4_096

share_option = click.option(
    "--share",
    "share_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A custodian's share file; as many as are needed.",
)
share_passphrase_option = click.option(
    "--share-passphrase-file",
    "passphrase_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file with a custodian's passphrase, one for each, in the same order; asked for where nothing is said.",
)


@click.command()
@click.argument("slug")
@click.option("--need", type=int, required=True, metavar="K", help="How many custodians open the ballots together.")
@click.option(
    "--custodian", "names", multiple=True, required=True, metavar="NAME", help="Who holds a share; repeatable."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder for the share files.")
@click.option(
    "--passphrase-file",
    "--share-passphrase-file",
    "passphrase_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file with a custodian's passphrase, one for each, in the same order; asked for where nothing is said.",
)
def custodians(slug: str, need: int, names: tuple[str, ...], out: Path, passphrase_files: tuple[Path, ...]) -> None:
    """Make the key of the draft SLUG and split it among custodians: no whole key is kept anywhere."""
    from survey.cli.instance import opened
    from survey.custody import NewCustodian, entrust_key

    if passphrase_files and len(passphrase_files) != len(names):
        raise click.UsageError(
            f"found {len(passphrase_files)} passphrase files for {len(names)} custodians, expected one for each or none"
        )
    with opened() as (_, stores):
        people = [
            NewCustodian(name, _read_passphrase(passphrase_files[place]) if passphrase_files else _new_passphrase(name))
            for place, name in enumerate(names)
        ]
        record = entrust_key(stores, slug, need, people, lambda files: _keep(files, out))
    click.echo(f"round {slug}: {need} of {len(names)} custodians open its ballots, key {record.key_fingerprint}")
    for custodian in record.custody.custodians if record.custody else ():
        click.echo(f"share {custodian.number}: {custodian.name}")
    click.echo(
        f"the share files are in {out}: hand each to its custodian and delete it there; then `hailong round trial`"
    )
    if need == len(names):
        click.echo("hailong: warning: every single share is needed: one that is lost loses all ballots", err=True)


@click.command()
@click.argument("slug")
@share_option
@share_passphrase_option
def trial(slug: str, share_files: tuple[Path, ...], passphrase_files: tuple[Path, ...]) -> None:
    """Try the shares of SLUG: what is sealed to its key must open with them. A round opens only after that."""
    from survey.cli.instance import opened
    from survey.custody import try_shares
    from survey.services import today

    with opened() as (_, stores):
        record = try_shares(stores, slug, read_shares(share_files, passphrase_files), today())
    click.echo(f"round {slug}: the shares open what is sealed to its key {record.key_fingerprint}")
    for custodian in record.custody.custodians if record.custody else ():
        if custodian.tried_on is None:
            click.echo(f"not tried yet: share {custodian.number}, {custodian.name}")


@click.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a script.")
def custody(slug: str, as_json: bool) -> None:
    """Tell who holds the shares of SLUG, which were tried and which are destroyed."""
    from survey.cli.instance import opened
    from survey.custody_record import custody_status

    with opened() as (_, stores):
        status = custody_status(stores, slug)
    if as_json:
        click.echo(json.dumps(_status_json(status), ensure_ascii=False, indent=2))
        return
    _show(status)


@click.command(name="shares-destroyed")
@click.argument("slug")
@click.option("--custodian", required=True, metavar="NAME", help="Who says that every copy of the share is destroyed.")
@click.option("--by", "actor", required=True, metavar="NAME", help="Who records it.")
def shares_destroyed(slug: str, custodian: str, actor: str) -> None:
    """Record that a custodian of the sealed round SLUG has destroyed a share, file and paper."""
    from survey.cli.instance import opened
    from survey.custody_record import record_destruction
    from survey.services import instance_vault, today

    with opened() as (settings, stores):
        vault = instance_vault(settings)
        status = record_destruction(stores, vault, settings, slug, custodian, today(), actor=actor)
    _show(status)


def read_shares(share_files: Sequence[Path], passphrase_files: Sequence[Path]) -> list["Share"]:
    """The shares in these files, each opened with its passphrase; ShareError names the first that cannot be used."""
    from survey.plain_files import read_plain_file
    from survey.shares import LARGEST_SHARE_FILE, read_share, share_passphrase, whose_share

    if passphrase_files and len(passphrase_files) != len(share_files):
        raise click.UsageError(
            f"found {len(passphrase_files)} passphrase files for {len(share_files)} shares, expected one each or none"
        )
    shares = []
    for place, path in enumerate(share_files):
        content = read_plain_file(path, LARGEST_SHARE_FILE)
        custodian = whose_share(content, str(path))
        passphrase = (
            _read_passphrase(passphrase_files[place])
            if passphrase_files
            else share_passphrase(getpass(f"Passphrase of {custodian}: "))
        )
        shares.append(read_share(content, passphrase, str(path)))
    return shares


def _show(status: "CustodyStatus") -> None:
    custody, record = status.custody, status.record
    click.echo(
        f"round {record.slug}: {record.state}, {custody.need} of {len(custody.custodians)} shares open its ballots, "
        f"key {record.key_fingerprint}"
    )
    for custodian in custody.custodians:
        tried = f"tried {custodian.tried_on}" if custodian.tried_on else "not tried"
        destroyed = f", destroyed {custodian.destroyed_on}" if custodian.destroyed_on else ""
        click.echo(f"{custodian.number:>3}  {tried}{destroyed}  {custodian.name}")
    if status.sealed_on is None:
        return
    if custody.n_to_destroy:
        click.echo(
            f"{custody.n_to_destroy} more shares are to be destroyed by {status.destroy_by}: then the key is gone"
        )
    else:
        click.echo("so many shares are destroyed that the rest cannot give the key")


def _status_json(status: "CustodyStatus") -> dict[str, object]:
    return {
        "round": status.record.slug,
        "state": status.record.state,
        "key_fingerprint": status.record.key_fingerprint,
        "need": status.custody.need,
        "is_tried": status.custody.is_tried,
        "custodians": [
            {
                "number": custodian.number,
                "name": custodian.name,
                "tried_on": custodian.tried_on.isoformat() if custodian.tried_on else None,
                "destroyed_on": custodian.destroyed_on.isoformat() if custodian.destroyed_on else None,
            }
            for custodian in status.custody.custodians
        ],
        "destroy_by": status.destroy_by.isoformat() if status.destroy_by else None,
        "n_to_destroy": status.custody.n_to_destroy,
    }


def _new_passphrase(name: str) -> "Passphrase":
    # It never rides in an argument: the list of processes and the shell's history would keep it.
    from survey.shares import share_passphrase

    first = getpass(f"Passphrase of {name}: ")
    if getpass(f"Repeat it, {name}: ") != first:
        raise click.UsageError(f"the two passphrases of {name} differ; expected the same one twice")
    return share_passphrase(first)


def _read_passphrase(path: Path) -> "Passphrase":
    from survey.errors import BadInput
    from survey.plain_files import read_plain_file
    from survey.shares import share_passphrase

    try:
        return share_passphrase(read_plain_file(path, LARGEST_PASSPHRASE_FILE).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{path}: found bytes that are no text, expected a passphrase in UTF-8") from None


def _keep(files: Sequence["ShareFile"], out: Path) -> None:
    """All files in the folder, on the disk and readable by their owner alone; or none of them."""
    from survey.errors import BadInput
    from survey.vault import write_private_file

    written: list[Path] = []
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            path = out / file.name
            write_private_file(path, file.content, replace=False)
            written.append(path)
    except OSError as refusal:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(refusal, FileExistsError):
            raise BadInput(f"{out}: found a share of an earlier key in it, expected a folder without one") from None
        raise BadInput(f"{out}: the shares cannot be written ({refusal.strerror}), expected a folder") from None
