"""A unit's page shows the sections of its printed scorecard, every chart described, and no comment (S1, S5)."""

from lxml import html

from analysis.scorecards.content import Composer
from support.full_editions import COMMENTS, full_edition
from survey.web.public.sections import sections_of


def test_the_sections_of_paper_stand_on_the_screen_without_comments() -> None:
    card = Composer(full_edition(12)).scorecard("06652")
    for language, first, last in (("vi", "Việc nên làm trước", "Ai đã trả lời"), ("en", "What to do first", "Who")):
        above, below = (html.fromstring(f"<div>{part}</div>") for part in sections_of(card, language))
        headings = [[heading.text_content() for heading in part.xpath(".//h2")] for part in (above, below)]
        assert headings[0][0] == first
        assert headings[1][-1].startswith(last)
        assert len(headings[0]) + len(headings[1]) == 9
        for part in (above, below):
            drawings = part.xpath(".//svg")
            assert drawings
            assert all(drawing.get("role") == "img" and drawing.get("aria-label") for drawing in drawings)
            assert not part.xpath(".//@style | .//style | .//script")
            assert not any(words in part.text_content() for _, words in COMMENTS)


def test_a_unit_without_figures_has_the_sections_that_there_are() -> None:
    card = Composer(full_edition(6, sheets=(400, 7, 300, 90, 90, 90))).scorecard("06655")
    for part in sections_of(card, "vi"):
        assert "None" not in part
