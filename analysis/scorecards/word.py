"""Leagues and method annexes as documents that an office can write on in: the only module that knows python-docx.

The HTML of a document becomes headings, paragraphs, lists, tables and pictures of Word's own, in the habits of
Vietnamese documents of state (Decree 30/2020/NĐ-CP): A4, Times New Roman, margins of 20, 15, 20 and 30 millimetres,
page numbers at the head from the second page on. The same HTML gives the same bytes.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Mm, Pt, RGBColor
from lxml import html as lxml_html

FONT = "Times New Roman"
TEXT_SIZE, TABLE_SIZE, NOTE_SIZE = 13, 11, 11
# Word's own names of the styles that assistive programs and tables of contents go by.
TABLE_TEXT = "TableText"
HEADINGS = {"h1": "Title", "h2": "Heading 1", "h3": "Heading 2"}
# The template's own preview, which shows another document than ours.
THUMBNAIL = "docProps/thumbnail.jpeg"
_PREVIEW = re.compile(rb"<Relationship [^>]*thumbnail[^>]*/>")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LANGUAGES = {"vi": "vi-VN", "en": "en-GB"}
_WIDTH = 165.0
# A picture stands on one page with its heading and note.
TALLEST = Mm(220)
_BLOCKS = frozenset({"h1", "h2", "h3", "p", "ul", "table", "section", "div", "header", "main", "body", "dl", "img"})


@dataclass(frozen=True, slots=True)
class WordFacts:
    """What a document says of itself: its title, who issued it, its language and the day it was published."""

    title: str
    author: str
    language: str
    published_on: dt.date


def write_word(html: str, facts: WordFacts, pictures: Mapping[str, bytes] | None = None) -> bytes:
    """The document of a page of HTML as .docx.

    Understands h1 to h3, p, ul, table with caption, thead, tbody and tfoot, strong, br and img; `pictures` are PNG
    images by the `src` that the page names. A cell of the class `figure` stands at the right. Raises KeyError for an
    image that is not among the pictures.
    """
    document = Document()
    _set_up(document, facts)
    body = lxml_html.document_fromstring(html).find("body")
    _Filler(document, pictures or {}).fill(() if body is None else body)
    return _same_bytes(document)


class _Filler:
    """Puts the elements of a page into a document, one after the other."""

    def __init__(self, document: Any, pictures: Mapping[str, bytes]) -> None:
        self._document = document
        self._pictures = pictures

    def fill(self, elements: Iterable[Any]) -> None:
        for element in elements:
            if not isinstance(element.tag, str):
                continue
            if element.tag in HEADINGS:
                self._document.add_paragraph(_words(element), style=HEADINGS[element.tag])
            elif element.tag == "p":
                self._paragraph(element)
            elif element.tag == "ul":
                for entry in element.iterchildren("li"):
                    _runs(self._document.add_paragraph(style="List Bullet"), entry)
            elif element.tag == "table":
                self._table(element)
            elif element.tag == "img":
                self._picture(element)
            elif element.tag in _BLOCKS:
                self.fill(element)

    def _paragraph(self, element: Any) -> None:
        if not _words(element):
            return
        kind = str(element.get("class") or "")
        paragraph = self._document.add_paragraph(style="Note" if "note" in kind else None)
        if "centred" in kind:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            paragraph.paragraph_format.first_line_indent = Cm(0)
        _runs(paragraph, element)

    def _picture(self, element: Any) -> None:
        paragraph = self._document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.first_line_indent = Cm(0)
        shape = paragraph.add_run().add_picture(io.BytesIO(self._pictures[str(element.get("src"))]), width=Mm(_WIDTH))
        if shape.height > TALLEST:
            shape.width, shape.height = int(shape.width * TALLEST / shape.height), TALLEST
        described = shape._inline.docPr
        described.set("descr", str(element.get("alt") or ""))
        described.set("title", str(element.get("title") or ""))

    def _table(self, element: Any) -> None:
        caption = element.find("caption")
        if caption is not None and _words(caption):
            _runs(self._document.add_paragraph(style="Caption"), caption)
        heads = list(element.iterfind("thead/tr"))
        rows = [*heads, *element.iterfind("tbody/tr"), *element.iterfind("tfoot/tr")]
        n_columns = max((sum(_span(cell) for cell in row) for row in rows), default=0)
        if not n_columns:
            return
        table = self._document.add_table(rows=0, cols=n_columns)
        table.style = "Table Grid"
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        _describe(table, _words(caption) if caption is not None else "", str(element.get("title") or ""))
        widths = _widths(rows, n_columns)
        for row in rows:
            self._row(table, row, widths, is_head=row in heads)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        gap = self._document.add_paragraph(style="Note")
        gap.paragraph_format.space_after = Pt(2)

    def _row(self, table: Any, row: Any, widths: list[float], *, is_head: bool) -> None:
        cells = table.add_row().cells
        properties = table.rows[-1]._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if is_head:
            properties.append(OxmlElement("w:tblHeader"))
        place = 0
        for source in row:
            span = _span(source)
            cell = cells[place] if span == 1 else cells[place].merge(cells[place + span - 1])
            cell.width = Mm(sum(widths[place : place + span]))
            paragraph = cell.paragraphs[0]
            # By its identity: to look a style up by its name costs more than all the rest of a table.
            paragraph._p.style = TABLE_TEXT
            classes = str(source.get("class") or "").split()
            if is_head:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            elif "figure" in classes:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            is_bold = (
                is_head or "strong" in classes or row.getparent().tag == "tfoot" or "factor" in str(row.get("class"))
            )
            _runs(paragraph, source, is_bold=is_bold)
            place += span


def _set_up(document: Any, facts: WordFacts) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(30), Mm(15)
    section.header_distance = Mm(10)
    section.different_first_page_header_footer = True
    head = section.header.paragraphs[0]
    head.alignment = WD_ALIGN_PARAGRAPH.CENTER
    head.paragraph_format.first_line_indent = Cm(0)
    _page_number(head)
    styles = document.styles
    # The template's own defaults name theme fonts, which would win over the font of a style.
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "Caption", "List Bullet", "Header"):
        _set_font(styles[name], facts.language)
    text = styles["Normal"].paragraph_format
    text.space_after, text.space_before, text.line_spacing = Pt(6), Pt(0), 1.15
    text.first_line_indent = Cm(1)
    styles["Normal"].font.size = Pt(TEXT_SIZE)
    styles["Normal"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    for name, size, before in (("Title", 14, 0), ("Heading 1", 13, 12), ("Heading 2", 13, 6)):
        style = styles[name]
        style.font.size, style.font.bold, style.font.italic = Pt(size), True, name == "Heading 2"
        style.font.color.rgb = RGBColor(0, 0, 0)
        shape = style.paragraph_format
        shape.space_before, shape.space_after, shape.keep_with_next = Pt(before), Pt(6), True
        shape.first_line_indent = Cm(0)
        shape.alignment = WD_ALIGN_PARAGRAPH.CENTER if name == "Title" else WD_ALIGN_PARAGRAPH.LEFT
    for border in styles["Title"].element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
    for name, size, is_italic in (("Table Text", TABLE_SIZE, False), ("Note", NOTE_SIZE, True)):
        style = styles.add_style(name, 1)
        style.base_style = styles["Normal"]
        _set_font(style, facts.language)
        style.font.size, style.font.italic = Pt(size), is_italic
        style.paragraph_format.space_after, style.paragraph_format.line_spacing = Pt(1), 1.0
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
        style.paragraph_format.first_line_indent = Cm(0)
    caption = styles["Caption"]
    caption.font.size, caption.font.bold, caption.font.italic = Pt(NOTE_SIZE), False, True
    caption.font.color.rgb = RGBColor(0, 0, 0)
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
    caption.paragraph_format.first_line_indent = Cm(0)
    styles["List Bullet"].paragraph_format.first_line_indent = Cm(-0.5)
    styles["List Bullet"].paragraph_format.left_indent = Cm(1)
    _tell(document, facts)


def _set_font(style: Any, language: str) -> None:
    style.font.name = FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(kind), FONT)
    for kind in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(kind), None)
    spoken = style.element.rPr.find(qn("w:lang"))
    if spoken is None:
        spoken = OxmlElement("w:lang")
        style.element.rPr.append(spoken)
    spoken.set(qn("w:val"), _LANGUAGES[language])
    spoken.set(qn("w:eastAsia"), _LANGUAGES[language])


def _tell(document: Any, facts: WordFacts) -> None:
    # Never the moment of writing: the same edition gives the same file.
    day = dt.datetime.combine(facts.published_on, dt.time())
    told = document.core_properties
    told.title, told.author, told.language = facts.title, facts.author, _LANGUAGES[facts.language]
    told.created = told.modified = told.last_printed = day
    told.last_modified_by, told.comments, told.keywords, told.revision = "", "", "", 1


def _page_number(paragraph: Any) -> None:
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        if kind is not None:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = text
        run._r.append(mark)


def _describe(table: Any, caption: str, title: str) -> None:
    properties = table._tbl.tblPr
    for name, text in (("w:tblCaption", title or caption), ("w:tblDescription", caption)):
        if text:
            entry = OxmlElement(name)
            entry.set(qn("w:val"), text)
            properties.append(entry)


def _runs(paragraph: Any, element: Any, *, is_bold: bool = False) -> None:
    """The words of an element with what is strong in it, spaces folded as a browser folds them."""
    pieces: list[tuple[str, bool]] = []

    def collect(part: Any, bold: bool) -> None:
        if "unseen" in str(part.get("class") or "") or part.tag == "svg":
            return
        own = bold or part.tag in ("strong", "b") or "strong" in str(part.get("class") or "").split()
        pieces.append((part.text or "", own))
        for child in part:
            if child.tag == "br":
                pieces.append(("\n", own))
            elif isinstance(child.tag, str):
                collect(child, own)
            pieces.append((child.tail or "", own))

    collect(element, is_bold)
    has_text = False
    for n, (text, bold) in enumerate(pieces):
        if text == "\n":
            paragraph.add_run().add_break(WD_BREAK.LINE)
            has_text = False
            continue
        folded = " ".join(text.split())
        starts, ends = text[:1].isspace(), text[-1:].isspace()
        if not folded:
            if starts and has_text and any(later.strip() for later, _ in pieces[n + 1 :]):
                paragraph.add_run(" ")
                has_text = False
            continue
        lead = " " if starts and has_text else ""
        tail = " " if ends and any(later.strip() for later, _ in pieces[n + 1 :]) else ""
        run = paragraph.add_run(f"{lead}{folded}{tail}")
        run.bold = True if bold else None
        has_text = not tail


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _span(cell: Any) -> int:
    return int(cell.get("colspan") or 1)


def _widths(rows: list[Any], n_columns: int) -> list[float]:
    """The columns' widths in millimetres: as long as their words are, the longest ones cut back first."""
    longest = [4.0] * n_columns
    for row in rows:
        place = 0
        for cell in row:
            if _span(cell) == 1:
                words = _words(cell)
                is_number = "figure" in str(cell.get("class") or "") and cell.tag == "td"
                # A number is never broken; words are, between them.
                need = len(words) if is_number else min(len(words) * 0.9, 40.0)
                longest[place] = max(longest[place], need, max((len(word) for word in words.split()), default=0))
            place += _span(cell)
    total = sum(longest)
    return [_WIDTH * length / total for length in longest]


def _same_bytes(document: Any) -> bytes:
    """The file with the date of no moment in it."""
    draft, target = io.BytesIO(), io.BytesIO()
    document.save(draft)
    with zipfile.ZipFile(draft) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            content = source.read(name)
            if name == THUMBNAIL:
                continue
            out.writestr(entry, _PREVIEW.sub(b"", content) if name == "_rels/.rels" else content)
    return target.getvalue()
