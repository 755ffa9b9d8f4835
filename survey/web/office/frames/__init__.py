"""Lists of people in the browser: uploaded, cleaned, drawn from, invited, erased."""

from flask import Blueprint

from survey.services import Services
from survey.web.office.frames.cleaning import FramePages
from survey.web.office.frames.drawing import DrawingPages
from survey.web.office.frames.uploading import erase_daily
from survey.web.office.tables_to_download import TABLE_FILE


def add_frame_pages(blueprint: Blueprint, services: Services) -> None:
    """The pages about the list of a round."""
    frames, drawing = FramePages(services), DrawingPages(services)
    erase_daily(blueprint, services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/rounds/<slug>/frame", "frame", frames.frame, methods=both)
    add("/rounds/<slug>/frame/clean", "frame_clean", frames.clean, methods=both)
    add("/rounds/<slug>/frame/draw", "frame_draw", drawing.draw, methods=both)
    add("/rounds/<slug>/frame/erase", "frame_erase", frames.erase, methods=["POST"])
    add(f"/rounds/<slug>/frame/left-out{TABLE_FILE}", "frame_left_out", frames.left_out, methods=["GET"])
    add(f"/rounds/<slug>/frame/selected{TABLE_FILE}", "frame_selected", drawing.selected, methods=["GET"])
    add("/rounds/<slug>/frame/batch.csv", "frame_batch", drawing.batch, methods=["GET"])
