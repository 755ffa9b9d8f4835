"""Forms on paper in the browser: printed blank or with codes, keyed twice, compared, received."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.paper.entering import EntryPages
from survey.web.office.paper.forms import PaperPages


def add_paper_pages(blueprint: Blueprint, services: Services) -> None:
    """The pages about a round's forms on paper."""
    paper, entry = PaperPages(services), EntryPages(services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/rounds/<slug>/paper", "paper", paper.paper, methods=["GET"])
    add("/rounds/<slug>/paper/form.pdf", "paper_form", paper.blank, methods=["GET"])
    add("/rounds/<slug>/paper/forms", "paper_forms", paper.coded, methods=both)
    add("/rounds/<slug>/paper/enter", "paper_enter", entry.enter, methods=both)
    add("/rounds/<slug>/paper/settle", "paper_settle", entry.settle, methods=["POST"])
