"""The sections that a unit's page shares with its printed scorecard: one HTML for the screen and for paper."""

import re
from functools import cache

from markupsafe import Markup

from analysis.scorecards.cards import Scorecard
from analysis.scorecards.html import Writer

# How a chart of a scorecard begins. What its title says is told to readers who listen and, on paper, to a PDF's; both
# are escaped already.
_CHART = re.compile(r'<svg xmlns="[^"]*"([^>]*)>\s*(<title>([^<]*)</title>)')
_CRITERIA = "<!-- criteria -->"


def sections_of(card: Scorecard, language: str) -> tuple[Markup, Markup]:
    """The sections between the factors and the criteria, and those below the criteria, as they are printed; no more
    than the edition has, and never a comment.
    """
    html = _writer().sections(card, language, are_all=False)
    above, _, below = _CHART.sub(r'<svg role="img" aria-label="\3"\1>\2', html).partition(_CRITERIA)
    # Everything in it was escaped by the writer's own environment.
    above, below = above.strip(), below.strip()
    return Markup(above), Markup(below)  # noqa: S704  # nosec B704


@cache
def _writer() -> Writer:
    from survey.printing import make_writer

    return make_writer()
