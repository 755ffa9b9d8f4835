"""The analysis of a sealed round in the browser: its plan is run, its results are read, compared and approved."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.analysis.tables import PARTS
from survey.web.office.analysis.views import AnalysisPages
from survey.web.office.tables_to_download import TABLE_FILE


def add_analysis_pages(blueprint: Blueprint, services: Services) -> None:
    """The pages of an analysis, below those of its round."""
    pages = AnalysisPages(services)
    add = blueprint.add_url_rule
    address, part = "/rounds/<slug>/analysis", f"<any({', '.join(PARTS)}):part>"
    add(address, "analysis", pages.analysis, methods=["GET", "POST"])
    add(f"{address}/approval", "analysis_approve", pages.approve, methods=["POST"])
    add(f"{address}/estimates.xlsx", "analysis_book", pages.book, methods=["GET"])
    add(f"{address}/{part}", "analysis_part", pages.part, methods=["GET"])
    add(f"{address}/{part}{TABLE_FILE}", "analysis_file", pages.file, methods=["GET"])
