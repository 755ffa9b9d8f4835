"""`hailong round slips` and `hailong round stands`: what is printed before a round, with QR codes."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from survey.cli.round_codes import DEMONSTRATION_URL

if TYPE_CHECKING:
    from survey.code_files import CodeFile
    from survey.invitations import IssuedCode
    from survey.print_pool import Printed
    from survey.round_records import RoundRecord
    from survey.settings import Settings
    from survey.storage.stores import Stores


codes_option = click.option(
    "--codes",
    "codes_csv",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The list of codes: unit, code, url, channel.",
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE.pdf", help="The new file."
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Files printed at once; one a core."
)


@click.command()
@click.argument("slug")
@codes_option
@out_option
@workers_option
def slips(slug: str, codes_csv: Path, out: Path, workers: int | None) -> None:
    """Print the slips of SLUG: A4 sheets of eight to be cut, a code and its QR on each.

    More than 1,000 slips fill several files: FILE-1.pdf, FILE-2.pdf and so on.
    """
    from survey.cli.instance import opened
    from survey.round_records import find_round, units_of_round
    from survey.slips import n_files, print_slips

    with opened() as (settings, stores):
        record = find_round(stores, slug)
        address = address_for(settings, record)
        codes = codes_in(codes_csv, settings, stores, record)
        units = units_of_round(stores, record)
    with numbered_files(out, n_files(codes)) as files:
        click.echo(f"printing {len(codes)} slips: 1,000 take about a minute", err=True)
        files.take(print_slips(record, units, codes, address, workers=workers))
    slips_made = f"{len(codes)} slip{'s' if len(codes) > 1 else ''}"
    click.echo(f"round {slug}: {slips_made} in {files.named}; keep them as safe as the codes")


@click.command()
@click.argument("slug")
@out_option
@click.option("--unit", metavar="CODE", help="The stand of this unit alone.")
def stands(slug: str, out: Path, unit: str | None) -> None:
    """Print the stands of SLUG: an A6 page a unit for its counter, with a QR code that carries no invitation."""
    from survey.cli.instance import opened
    from survey.errors import BadInput
    from survey.round_records import find_round, load_questionnaire_of, units_of_round
    from survey.slips import print_stands

    with opened() as (settings, stores):
        record = find_round(stores, slug)
        address = address_for(settings, record)
        units = units_of_round(stores, record)
        is_for_all = load_questionnaire_of(stores, record).rates_several_units
    if unit is not None:
        if is_for_all:
            raise BadInput(f"--unit: found {unit!r}, expected none: people choose the units of {slug} themselves")
        units = tuple(known for known in units if known.code == unit)
        if not units:
            raise BadInput(f"--unit: found {unit[:60]!r}, expected a unit of the round {slug}")
    with new_files([out]) as (file,):
        file.fill(pdf_of(print_stands(record, (None,) if is_for_all else units, address)))
    count = 1 if is_for_all else len(units)
    click.echo(f"round {slug}: {count} stand{'s' if count > 1 else ''} in {out}")


def address_for(settings: "Settings", record: "RoundRecord") -> str:
    """The address that is printed; WrongState where nobody could answer with it, or none is set."""
    from survey.slips import printed_address, refuse_printing

    refuse_printing(record)
    return printed_address(settings, DEMONSTRATION_URL)


class NumberedFiles:
    """The files of a long printing: one as it was named, or FILE-1.pdf, FILE-2.pdf and so on. `named` says which."""

    def __init__(self, paths: Sequence[Path], files: "Sequence[CodeFile]") -> None:
        self._paths, self._files = paths, files
        self.named = str(paths[0]) if len(paths) == 1 else f"{paths[0]} to {paths[-1].name}"

    def take(self, printed: "Iterable[Printed]") -> None:
        """Fill each file as it comes, which the printer names by its number; the progress is told."""
        from survey.cli.printing_progress import tell_progress

        for done, file in enumerate(printed, 1):
            place = int(file.name) - 1
            tell_progress(done, len(self._files), replace(file, name=self._paths[place].name))
            self._files[place].fill(pdf_of(file))


@contextmanager
def numbered_files(out: Path, total: int) -> Iterator[NumberedFiles]:
    """So many new files after the name of one; in their places when all of them are whole."""
    paths = [out] if total == 1 else [out.with_name(f"{out.stem}-{n}{out.suffix}") for n in range(1, total + 1)]
    with new_files(paths) as files:
        yield NumberedFiles(paths, files)


def codes_in(path: Path, settings: "Settings", stores: "Stores", record: "RoundRecord") -> "Sequence[IssuedCode]":
    """The codes of a list; BadInput where one of them was not issued in the round."""
    from survey.code_files import LARGEST_BATCH_BYTES
    from survey.plain_files import read_plain_file
    from survey.secrets import Secrets
    from survey.slips import read_issued_codes, refuse_unknown_codes

    codes = read_issued_codes(read_plain_file(path, LARGEST_BATCH_BYTES), str(path), record)
    refuse_unknown_codes(stores, Secrets(settings.secret_key), record, codes, str(path))
    return codes


@contextmanager
def new_files(paths: Sequence[Path]) -> Iterator[list["CodeFile"]]:
    """Files that are not there yet, readable by their owner alone; in their places when all of them are whole."""
    from survey.code_files import new_code_file
    from survey.errors import BadInput

    for path in paths:
        if os.path.lexists(path):
            raise BadInput(f"{path}: is there already; expected a new file")
    with ExitStack() as stack:
        yield [stack.enter_context(new_code_file(path)) for path in paths]


def pdf_of(printed: "Printed") -> bytes:
    """The bytes of a printed file; an error of the command where it could not be printed."""
    if printed.pdf is None:
        raise click.ClickException(f"a file could not be printed: {printed.failure}")
    return printed.pdf
