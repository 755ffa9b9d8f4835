"""Other ways in for answers, on tablets: ODK and Kobo in the field, and a kiosk at a counter."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.tablets.collected import CollectedPages
from survey.web.office.tablets.kiosk import KioskPages


def add_tablet_pages(blueprint: Blueprint, services: Services) -> None:
    """The pages about tablets of a round."""
    collected, kiosk = CollectedPages(services), KioskPages(services)
    add = blueprint.add_url_rule
    add("/rounds/<slug>/import", "answers_import", collected.take, methods=["GET", "POST"])
    add("/rounds/<slug>/import/form.xlsx", "tablet_form", collected.form, methods=["GET"])
    add("/rounds/<slug>/kiosk", "kiosk", kiosk.address, methods=["GET"])
