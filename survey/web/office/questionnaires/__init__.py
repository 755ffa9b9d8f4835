"""Questionnaires in the office: the library of published versions, and drafts that are written here."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.questionnaires.drafts import DraftPages
from survey.web.office.questionnaires.library import FILE_TYPES, LibraryPages


def add_questionnaire_pages(blueprint: Blueprint, services: Services) -> None:
    """The library, a version, two side by side, and everything about a draft."""
    library, drafts = LibraryPages(services), DraftPages(services)
    add, both = blueprint.add_url_rule, ["GET", "POST"]
    version, draft = "/questionnaires/versions/<name>/<version>", "/questionnaires/drafts/<int(max=2147483647):number>"
    add("/questionnaires", "questionnaires", library.questionnaires, methods=["GET"])
    add(version, "questionnaire", library.questionnaire, methods=["GET"])
    add(f"{version}/file.{FILE_TYPES}", "questionnaire_file", library.file, methods=["GET"])
    add(f"{version}/preview", "questionnaire_preview", library.preview, methods=["GET"])
    add("/questionnaires/compare", "questionnaire_compare", library.compare, methods=["GET"])
    add("/questionnaires/import", "questionnaire_import", library.take_in, methods=both)
    add("/questionnaires/drafts", "draft_start", library.start, methods=["POST"])
    add(draft, "draft", drafts.draft, methods=["GET"])
    add(f"{draft}/parts/<part>", "draft_part", drafts.part, methods=both)
    add(f"{draft}/arrange", "draft_arrange", drafts.arrange, methods=["POST"])
    add(f"{draft}/preview", "draft_preview", drafts.preview, methods=["GET"])
    add(f"{draft}/revisions", "draft_revisions", drafts.revisions, methods=both)
    add(f"{draft}/publish", "draft_publish", drafts.publish, methods=both)
    add(f"{draft}/discard", "draft_discard", drafts.discard, methods=["POST"])
    add(f"{draft}/file.{FILE_TYPES}", "draft_file", library.draft_file, methods=["GET"])
