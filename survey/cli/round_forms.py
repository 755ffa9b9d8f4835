"""`hailong round forms`: forms on paper, a code and its QR code on each."""

from dataclasses import replace
from pathlib import Path

import click

from survey.cli.round_slips import address_for, new_files, pdf_of
from survey.paper_forms import PLACES
from survey.texts import LANGUAGES


@click.command()
@click.argument("slug")
@click.option(
    "--codes",
    "codes_csv",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The list of codes: unit, code, url, channel.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.pdf", help="The new file.")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="Printed in; Vietnamese as usual.")
@click.option("--places", type=click.IntRange(min=1), default=PLACES, metavar="N", help="Units on a form, if several.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Files printed at once; one a core.")
def forms(slug: str, codes_csv: Path, out: Path, language: str, places: int, workers: int | None) -> None:
    """Print a form of SLUG for each code of a list, to be answered on paper and keyed in the office.

    More than 20 forms fill several files: FILE-1.pdf, FILE-2.pdf and so on.
    """
    from survey.cli.instance import opened
    from survey.cli.printing_progress import tell_progress
    from survey.code_files import LARGEST_BATCH_BYTES
    from survey.paper_forms import FORMS_A_FILE, PaperForm, print_coded_forms
    from survey.plain_files import read_plain_file
    from survey.print_pool import default_workers
    from survey.round_records import find_round, load_questionnaire_of, units_of_round
    from survey.secrets import Secrets
    from survey.slips import read_issued_codes, refuse_unknown_codes

    with opened() as (settings, stores):
        record = find_round(stores, slug)
        address = address_for(settings, record)
        codes = read_issued_codes(read_plain_file(codes_csv, LARGEST_BATCH_BYTES), str(codes_csv), record)
        refuse_unknown_codes(stores, Secrets(settings.secret_key), record, codes, str(codes_csv))
        units, questionnaire = units_of_round(stores, record), load_questionnaire_of(stores, record)
    total = -(-len(codes) // FORMS_A_FILE)
    paths = [out] if total == 1 else [out.with_name(f"{out.stem}-{n}{out.suffix}") for n in range(1, total + 1)]
    with new_files(paths) as files:
        click.echo(f"printing {len(codes)} forms: 20 take about a minute", err=True)
        form = PaperForm(record, questionnaire, units, language, places, settings.must_have_second_person)
        printed = print_coded_forms(form, codes, address, workers=workers or default_workers())
        for done, file in enumerate(printed, 1):
            place = int(file.name) - 1
            tell_progress(done, total, replace(file, name=paths[place].name))
            files[place].fill(pdf_of(file))
    named = str(out) if total == 1 else f"{paths[0]} to {paths[-1].name}"
    made = f"{len(codes)} form{'s' if len(codes) > 1 else ''}"
    click.echo(f"round {slug}: {made} in {named}; keep them as safe as the codes")
