"""A league's chart as a picture for documents that take no SVG: a row for each unit, its dot and its interval."""

import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFont

from analysis.scorecards.cards import League, Member
from analysis.scorecards.charts import nice_bounds

# In pixels of a picture that is printed 165 mm wide: 200 to the inch.
WIDTH = 1300
ROW = 35
NAME = 507
HEAD = 47
TAIL = 16
TEXT = 23
MOST_ROWS = 60
INK, QUIET, GRID, UNIT = "#1a2430", "#56626f", "#d5dce3", "#1d5c8f"


def league_picture(league: League, language: str, font: bytes, number: Callable[[float], str]) -> bytes | None:
    """The PNG of a league's ranked units, best first; None without units, or with more than a page holds.

    Arguments: font, a TrueType file with all letters of the names; number, how a tick of the axis is written.
    """
    members = league.ranked
    if not members or len(members) > MOST_ROWS:
        return None
    bounds = _bounds(league, members)
    height = HEAD + ROW * len(members) + TAIL
    picture = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(picture)
    letters = ImageFont.truetype(io.BytesIO(font), TEXT)

    def at(value: float) -> float:
        return NAME + 20 + (value - bounds[0]) / (bounds[-1] - bounds[0]) * (WIDTH - NAME - 60)

    for tick in bounds:
        pen.line([(at(tick), HEAD - 5), (at(tick), height - TAIL)], fill=GRID, width=2)
        pen.text((at(tick), HEAD - 11), number(tick), font=letters, fill=QUIET, anchor="ms")
    if league.bloc_index.value is not None and len(members) > 1:
        place = at(league.bloc_index.value)
        pen.line([(place, HEAD - 5), (place, height - TAIL)], fill=INK, width=3)
    for n, member in enumerate(members):
        middle = HEAD + ROW * n + ROW // 2
        name = _fitting(member.name.in_language(language), letters)
        pen.text((NAME - 7, middle), name, font=letters, fill=INK, anchor="rm")
        _draw(pen, member, middle, at)
    target = io.BytesIO()
    picture.quantize(32).save(target, "PNG", optimize=False, compress_level=9)
    return target.getvalue()


def _draw(pen: ImageDraw.ImageDraw, member: Member, middle: int, at: Callable[[float], float]) -> None:
    figure = member.figure
    if figure.low is not None and figure.high is not None:
        pen.line([(at(figure.low), middle), (at(figure.high), middle)], fill=UNIT, width=3)
        for end in (figure.low, figure.high):
            pen.line([(at(end), middle - 7), (at(end), middle + 7)], fill=UNIT, width=3)
    if figure.value is not None:
        place = at(figure.value)
        pen.ellipse([(place - 8, middle - 8), (place + 8, middle + 8)], fill=UNIT)


def _bounds(league: League, members: Sequence[Member]) -> tuple[float, ...]:
    figures = [member.figure for member in members]
    ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end is not None]
    if league.bloc_index.value is not None:
        ends.append(league.bloc_index.value)
    return nice_bounds(ends, floor_at=league.scale[0], ceiling_at=league.scale[1])


def _fitting(name: str, letters: ImageFont.FreeTypeFont) -> str:
    if letters.getlength(name) <= NAME - 14:
        return name
    while name and letters.getlength(name + "…") > NAME - 14:
        name = name[:-1]
    return name.rstrip() + "…"
