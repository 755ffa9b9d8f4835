"""Which documents an edition is printed as, and what each is made of."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from analysis.release.edition import Edition
from analysis.release.row_files import rows_to_csv
from analysis.release.rows import BLOC_PREFIX, EstimateRow
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.attached import Attached
from analysis.scorecards.content import Composer
from analysis.scorecards.html import Document
from analysis.scorecards.province import compose_province
from survey.errors import BadInput
from survey.print_pool import Page
from survey.printing import make_printer
from survey.texts import LANGUAGES

if TYPE_CHECKING:
    from analysis.scorecards.render import Printer

# The name of the document that tells how an edition came about.
METHOD_ANNEX = "method"
# That of the document that has all blocs beside each other.
PROVINCE = "province"
# What stands behind a unit's code in the name of the scorecard that is for the unit alone: it has the comments.
OF_UNIT = ".unit"


def pages_of(edition: Edition, languages: Sequence[str], only_units: Sequence[str] = ()) -> tuple[Page, ...]:
    """The documents of an edition: `<unit>.pdf`, `league-<bloc>.pdf`, `province.pdf` and `method.pdf`; where comments
    on a unit were released, its own scorecard with them is `<unit>.unit.pdf`. English beside Vietnamese is
    `<name>.en.pdf`.

    Their HTML is composed when it is asked for. Raises BadInput when a unit or a language is unknown.
    """
    known = {unit.code for unit in edition.units}
    for code in only_units:
        if code not in known:
            raise BadInput(
                f"found the unit {code[:60]!r}, expected one of the {len(known)} units of {edition.facts.slug}"
            )
    if not languages or not set(languages) <= set(LANGUAGES):
        raise BadInput(f"found the languages {', '.join(languages) or 'none'}, expected {' or '.join(LANGUAGES)}")
    composer, printer = Composer(edition), make_printer()
    codes = only_units or [unit.code for unit in edition.units]
    pages: list[Page] = []
    for language in languages:
        ending = ".en.pdf" if language == "en" and len(languages) > 1 else ".pdf"

        def page(
            name: str,
            compose: Callable[[], Document],
            tables: Callable[[], Sequence[Attached]] = tuple,
            *,
            language: str = language,
            ending: str = ending,
        ) -> Page:
            return Page(name + ending, partial(_html, printer, compose, language), tables)

        for code in codes:
            table = partial(_table_of_unit, edition, code, language)
            pages.append(page(code, partial(composer.scorecard, code), table))
            if composer.has_comments(code):
                pages.append(page(code + OF_UNIT, partial(composer.scorecard, code, with_comments=True), table))
        if not only_units:
            pages.extend(page(f"league-{bloc}", partial(composer.league, bloc)) for bloc, _ in edition.blocs)
            pages.append(page(PROVINCE, partial(compose_province, composer)))
            pages.append(page(METHOD_ANNEX, partial(compose_annex, edition)))
    return tuple(pages)


def _html(printer: "Printer", compose: Callable[[], Document], language: str) -> str:
    return printer.html(compose(), language)


def _table_of_unit(edition: Edition, code: str, language: str) -> tuple[Attached, ...]:
    """The rows of the edition's estimates that a scorecard shows: the unit's and its bloc's."""
    owners = (code, BLOC_PREFIX + edition.unit(code).bloc_code)
    rows = [row for row in edition.estimates if row.unit in owners]
    description = "Số liệu của phiếu điểm này" if language == "vi" else "The figures of this scorecard"
    return (Attached(f"{code}.csv", rows_to_csv(rows, EstimateRow), description, edition.published_on),)
