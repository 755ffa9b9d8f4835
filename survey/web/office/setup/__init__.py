"""Setting up a round: five pages that lead from nothing to a round whose checklist is green."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.setup.beginning import BeginningPages
from survey.web.office.setup.checking import CheckingPages
from survey.web.office.setup.steps import SetupStepPages
from survey.web.office.setup.unit_tables import UnitTablePages


def add_setup_pages(blueprint: Blueprint, services: Services) -> None:
    """The pages of the set-up, and the one that loads units from a table."""
    beginning, steps, checking = BeginningPages(services), SetupStepPages(services), CheckingPages(services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/set-up", "setup_new", beginning.begin, methods=both)
    add("/rounds/<slug>/setup", "setup", checking.checklist, methods=both)
    add("/rounds/<slug>/setup/units", "setup_units", steps.units, methods=both)
    add("/rounds/<slug>/setup/how", "setup_how", steps.how, methods=both)
    add("/rounds/<slug>/setup/test", "setup_test", checking.test, methods=both)
    add("/units/table", "unit_table", UnitTablePages(services).load, methods=both)
