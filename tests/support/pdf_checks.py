"""What PDF/UA-1 and PDF/A-3a ask of a file's structure, held against it: written from the standards for these tests.

It says nothing of what no program can judge, such as whether an alternative text tells the truth.
"""

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pypdf
from pypdf.generic import ContentStream, DictionaryObject, NameObject

_PAINTS = {b"Tj", b"TJ", b"'", b'"', b"f", b"F", b"f*", b"S", b"s", b"B", b"B*", b"b", b"b*", b"Do", b"sh"}
_FORBIDDEN_ACTIONS = {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData"}


def structural_findings(pdf: bytes) -> list[str]:
    """Everything that is wrong with the structure of a tagged archival PDF; empty when nothing is."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root = reader.root_object
    return [
        *_file_findings(pdf, reader),
        *_metadata_findings(reader),
        *_font_findings(reader),
        *_attachment_findings(root),
        *_action_findings(reader),
        *_structure_findings(reader),
        *_content_findings(reader),
    ]


def elements(node: Any, kind: str | None = None) -> Iterator[Any]:
    """The elements of a structure tree in reading order, of one kind (`/Figure`) or all."""
    found = node.get_object()
    if isinstance(found, list):
        for child in found:
            yield from elements(child, kind)
        return
    if not isinstance(found, DictionaryObject):
        return
    if "/S" in found and (kind is None or found["/S"] == kind):
        yield found
    if "/K" in found:
        yield from elements(found["/K"], kind)


def attachments(pdf: bytes) -> dict[str, bytes]:
    """The files inside a PDF by name."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return {name: contents[0] for name, contents in reader.attachments.items()}


def _file_findings(pdf: bytes, reader: pypdf.PdfReader) -> Iterator[str]:
    if not pdf.startswith(b"%PDF-1.7"):
        yield "the file is not PDF 1.7"
    if "/Encrypt" in reader.trailer:
        yield "the file is encrypted"
    if len(reader.trailer.get("/ID", [])) != 2:
        yield "the file has no identifier"
    root = reader.root_object
    if not root.get("/Lang"):
        yield "the document has no language"
    if not root.get("/MarkInfo", {}).get("/Marked"):
        yield "the document is not marked as tagged"
    if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle"):
        yield "viewers show the file's name and not its title"
    if not root.get("/Outlines"):
        yield "the document has no bookmarks"
    intents = [intent.get_object() for intent in root.get("/OutputIntents", [])]
    if [intent.get("/S") for intent in intents] != ["/GTS_PDFA1"] or "/DestOutputProfile" not in intents[0]:
        yield "the document names no colour profile to be seen with"


def _metadata_findings(reader: pypdf.PdfReader) -> Iterator[str]:
    xmp = reader.root_object["/Metadata"].get_object().get_data().decode()  # type: ignore[attr-defined]
    expected = {
        "PDF/A part 3": r'pdfaid:part="3"',
        "conformance A": r'pdfaid:conformance="A"',
        "PDF/UA part 1": r'pdfuaid:part="1"',
        "the description of pdfuaid": r"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>",
        "a title": r"<dc:title>.*<rdf:li[^>]*>[^<]+</rdf:li>",
    }
    for what, pattern in expected.items():
        if not re.search(pattern, xmp, re.DOTALL):
            yield f"the metadata lack {what}"
    info = reader.metadata or {}
    for entry, name in (("/CreationDate", "xmp:CreateDate"), ("/ModDate", "xmp:ModifyDate")):
        day = str(info.get(entry, ""))[2:10]
        if not day or f"{day[:4]}-{day[4:6]}-{day[6:]}" not in xmp:
            yield f"{entry} and {name} are not the same day"


def _font_findings(reader: pypdf.PdfReader) -> Iterator[str]:
    fonts = {
        font.get_object()["/BaseFont"]: font.get_object()
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()  # type: ignore[union-attr, index]
    }
    for name, font in fonts.items():
        if "/ToUnicode" not in font:
            yield f"the letters of {name} have no meaning"
        for descendant in font.get("/DescendantFonts", [font]):
            inner = descendant.get_object()
            descriptor = inner["/FontDescriptor"]
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor):
                yield f"{name} is not in the file"
            if inner.get("/Subtype") == "/CIDFontType2" and inner.get("/CIDToGIDMap") is None:
                yield f"{name} has no map to its glyphs"


def _attachment_findings(root: DictionaryObject) -> Iterator[str]:
    named = root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
    files = [one.get_object() for one in named[1::2]]
    associated = [one.get_object() for one in root.get("/AF", [])]
    if len(files) != len(associated):
        yield f"{len(files)} files are inside, {len(associated)} are associated with the document"
    for file in associated:
        name = file.get("/UF", "a file")
        if file.get("/AFRelationship") not in ("/Data", "/Source", "/Alternative", "/Supplement"):
            yield f"{name} says not how it belongs to the document"
        stream = file["/EF"]["/F"].get_object()
        if not stream.get("/Subtype") or not stream.get("/Params", {}).get("/ModDate"):
            yield f"{name} has no type or no date"
        if not file.get("/Desc") or not file.get("/F"):
            yield f"{name} has no description or no name"


def _action_findings(reader: pypdf.PdfReader) -> Iterator[str]:
    if "/OpenAction" in reader.root_object or "/AA" in reader.root_object or "/AcroForm" in reader.root_object:
        yield "the document acts by itself or has a form"
    for number, page in enumerate(reader.pages, start=1):
        for reference in page.get("/Annots", []):
            annotation = reference.get_object()
            action = annotation.get("/A", {})
            if action.get("/S") in _FORBIDDEN_ACTIONS:
                yield f"page {number}: an annotation runs {action['/S']}"
            if annotation.get("/Subtype") == "/Link" and not annotation.get("/Contents"):
                yield f"page {number}: a link has no words"
            if page.get("/Tabs") != "/S":
                yield f"page {number}: annotations are not in the order of the structure"


def _structure_findings(reader: pypdf.PdfReader) -> Iterator[str]:
    tree = reader.root_object.get("/StructTreeRoot")
    if tree is None:
        yield "the document has no structure"
        return
    levels = [int(str(one["/S"])[2:]) for one in elements(tree) if re.fullmatch(r"/H[1-6]", str(one["/S"]))]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield f"headings begin with {levels[:1]}, with {levels.count(1)} of level 1"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"
    for figure in elements(tree, "/Figure"):
        if not str(figure.get("/Alt", "")).strip():
            yield "a figure has no words"
    for table in elements(tree, "/Table"):
        yield from _table_findings(table)


def _table_findings(table: Any) -> Iterator[str]:
    headers = list(elements(table, "/TH"))
    known = {str(header.get("/ID")) for header in headers if header.get("/ID")}
    named = {
        str(name) for cell in elements(table, "/TD") for one in _attributes(cell) for name in one.get("/Headers", [])
    }
    if not headers:
        yield "a table has no headers"
    for name in sorted(named - known):
        yield f"a cell names the header {name}, which its table does not have"
    for cell in elements(table, "/TD"):
        if not any(one.get("/Headers") for one in _attributes(cell)):
            yield "a cell of a table has no header"
    for row in elements(table, "/TR"):
        strange = {str(one.get_object()["/S"]) for one in row.get("/K", []) if hasattr(one.get_object(), "get")}
        if strange - {"/TH", "/TD"}:
            yield f"a row has {', '.join(sorted(strange))} in it"


def _attributes(element: Any) -> list[Any]:
    found = element.get("/A", [])
    found = found.get_object() if hasattr(found, "get_object") else found
    return [one.get_object() for one in found] if isinstance(found, list) else [found]


def _content_findings(reader: pypdf.PdfReader) -> Iterator[str]:
    mapped = reader.root_object["/StructTreeRoot"]["/ParentTree"]["/Nums"]  # type: ignore[index]
    of_page = dict(zip(mapped[::2], mapped[1::2], strict=True))
    for number, page in enumerate(reader.pages, start=1):
        n_unmarked, seen = 0, set()
        depth = 0
        for operands, operator in ContentStream(page.get_contents(), reader).operations:
            if operator in (b"BDC", b"BMC"):
                depth += 1
                properties = operands[1] if len(operands) > 1 else None
                if isinstance(properties, DictionaryObject) and "/MCID" in properties:
                    seen.add(int(properties["/MCID"]))
            elif operator == b"EMC":
                depth -= 1
            elif operator in _PAINTS and depth == 0:
                n_unmarked += 1
        if n_unmarked:
            yield f"page {number}: {n_unmarked} marks are neither in the structure nor artifacts"
        if depth:
            yield f"page {number}: {depth} marked parts are not closed"
        entries = of_page.get(page.get(NameObject("/StructParents")))
        if entries is None or len(entries.get_object()) <= max(seen, default=-1):
            yield f"page {number}: its marked parts are not in the structure"
