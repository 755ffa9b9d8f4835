"""Scorecards, leagues and annexes as HTML, for paper and for the screen: no PDF engine is needed for it.

It is handed the Jinja environment and finds no files itself. All text is NFC, and everything that comes from an edition
is escaped.
"""

import unicodedata
from collections.abc import Callable, Mapping

import jinja2

from analysis.scorecards import charts, drawing, layout
from analysis.scorecards.annex import Annex
from analysis.scorecards.cards import League, Scorecard
from analysis.scorecards.content import is_equally_weighted
from analysis.scorecards.league_factors import league_factors
from analysis.scorecards.province import Province, unit_points
from analysis.scorecards.qr_codes import qr_code

Document = Scorecard | League | Annex | Province

TEMPLATES: Mapping[type, str] = {
    Scorecard: "scorecard",
    League: "league",
    Annex: "method",
    Province: "report/province",
}
# The sections of a scorecard without the page around them, for a page of the web.
SECTIONS = "sections_page"
# Those that a page shows beside its own tables of factors and criteria.
SECTIONS_BESIDE = "sections_beside"


class Writer:
    """Writes the documents of any edition in either language."""

    def __init__(self, environment: jinja2.Environment) -> None:
        """Arguments: environment, with the templates of the documents and the global `texts`, which maps a language to
        the function `t`.
        """
        self._environment = environment
        self._texts: Mapping[str, Callable[..., str]] = environment.globals["texts"]  # type: ignore[assignment]

    def html(self, document: Document, language: str) -> str:
        """The whole document in one language."""
        return self._write(f"{TEMPLATES[type(document)]}.html.jinja", document, language)

    def sections(self, card: Scorecard, language: str, *, are_all: bool = True) -> str:
        """The sections of a scorecard after its summary, as HTML for a page that has its own head and style sheet.

        Without `are_all` those that hold the position, the factors and the criteria are left out.
        """
        return self._write(f"{SECTIONS if are_all else SECTIONS_BESIDE}.html.jinja", card, language)

    def texts(self, language: str) -> Callable[..., str]:
        """The function `t` of a language: a key and its values in, the sentence out."""
        return self._texts[language]

    def page(self, template: str, language: str, **values: object) -> str:
        """The HTML of any template of the environment, which finds `t`, `language` and these values in it."""
        html = self._environment.get_template(template).render(language=language, t=self._texts[language], **values)
        # Piece by piece: a name that begins with a combining stroke must not melt into the end of the tag before it.
        return ">".join(unicodedata.normalize("NFC", piece) for piece in html.split(">"))

    def _write(self, template: str, document: Document, language: str) -> str:
        questionnaire = document.edition.questionnaire
        index_name = "" if questionnaire.index is None else questionnaire.index.short_label.in_language(language)
        return self.page(
            template,
            language,
            card=document,
            edition=document.edition,
            is_equally_weighted=is_equally_weighted(questionnaire, document.edition.profile),
            is_several=questionnaire.rates_several_units,
            index_name=index_name,
            charts=charts,
            drawing=drawing,
            layout=layout,
            qr_code=qr_code,
            league_factors=league_factors,
            unit_points=unit_points,
        )
