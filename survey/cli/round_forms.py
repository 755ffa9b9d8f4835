"""`hailong round forms`: forms on paper, a code and its QR code on each."""

from pathlib import Path

import click

from survey.cli.round_slips import address_for, codes_in, codes_option, numbered_files, out_option, workers_option
from survey.paper_forms import PLACES
from survey.texts import LANGUAGES


@click.command()
@click.argument("slug")
@codes_option
@out_option
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="Printed in; Vietnamese as usual.")
@click.option("--places", type=click.IntRange(min=1), default=PLACES, metavar="N", help="Units on a form, if several.")
@workers_option
def forms(slug: str, codes_csv: Path, out: Path, language: str, places: int, workers: int | None) -> None:
    """Print a form of SLUG for each code of a list, to be answered on paper and keyed in the office.

    More than 20 forms fill several files: FILE-1.pdf, FILE-2.pdf and so on.
    """
    from survey.cli.instance import opened
    from survey.paper_forms import FORMS_A_FILE, PaperForm, print_coded_forms
    from survey.print_pool import default_workers
    from survey.round_records import find_round, load_questionnaire_of, units_of_round

    with opened() as (settings, stores):
        record = find_round(stores, slug)
        address = address_for(settings, record)
        codes = codes_in(codes_csv, settings, stores, record)
        units, questionnaire = units_of_round(stores, record), load_questionnaire_of(stores, record)
    with numbered_files(out, -(-len(codes) // FORMS_A_FILE)) as files:
        click.echo(f"printing {len(codes)} forms: 20 take about a minute", err=True)
        form = PaperForm(record, questionnaire, units, language, places, settings.must_have_second_person)
        files.take(print_coded_forms(form, codes, address, workers=workers or default_workers()))
    made = f"{len(codes)} form{'s' if len(codes) > 1 else ''}"
    click.echo(f"round {slug}: {made} in {files.named}; keep them as safe as the codes")
