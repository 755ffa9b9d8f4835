"""The fieldwork monitor: how many were asked, how many answered, and where that leads; never what they answered."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.fieldwork.stream import StreamPage
from survey.web.office.fieldwork.views import FieldworkPages
from survey.web.office.tables_to_download import TABLE_FILE


def add_fieldwork_pages(blueprint: Blueprint, services: Services) -> None:
    """The monitor of a round, a page for each unit, its tables as files, its news as they come, and its targets."""
    pages = FieldworkPages(services)
    add = blueprint.add_url_rule
    add("/rounds/<slug>/fieldwork", "fieldwork", pages.monitor, methods=["GET"])
    add("/rounds/<slug>/fieldwork/news", "fieldwork_news", StreamPage(services).news, methods=["GET"])
    add("/rounds/<slug>/fieldwork/channels", "fieldwork_channels", pages.channels, methods=["GET"])
    add("/rounds/<slug>/fieldwork/target", "fieldwork_target", pages.target, methods=["GET", "POST"])
    add("/rounds/<slug>/fieldwork/unit", "fieldwork_unit", pages.unit, methods=["GET", "POST"])
    add(f"/rounds/<slug>/fieldwork/table{TABLE_FILE}", "fieldwork_file", pages.file, methods=["GET"])
