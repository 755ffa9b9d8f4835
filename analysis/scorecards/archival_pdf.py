"""One page of HTML as a PDF that is tagged for readers who listen (PDF/UA-1) and made to be kept (PDF/A-3a), at once.

The engine knows either of the two; as both, a file needs the mark of the first in the metadata of the second, with a
description of what the mark means. ISO 14289-1:2014, clause 5; ISO 19005-3:2012, clause 6.6.2.3.
"""

import datetime as dt
import io
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from analysis.scorecards.attached import Attached

_VARIANT = "pdf/a-3a"
_DOCTYPE = "<!doctype html>"
_END = b"</rdf:RDF>"
_UA_MARK = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"\
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""


class _Page(HTML):  # type: ignore[misc]
    """A page that our templates wrote. They write what XML can be read as, which takes a tenth of the time."""

    def __init__(self, html: str, fetcher: URLFetcher) -> None:
        tree = _as_xml(html)
        super().__init__(string=html if tree is None else "<p>", url_fetcher=fetcher, base_url="asset:")
        if tree is not None:
            wrapper: Any = type(self.wrapper_element)  # type: ignore[has-type]
            self.wrapper_element = wrapper.from_html_root(tree, content_language=None)
            self.etree_element = tree


def write_archival_pdf(
    html: str,
    attached: Sequence[Attached],
    *,
    fetcher: URLFetcher,
    stylesheet: CSS,
    font_configuration: FontConfiguration,
    identifier: bytes,
    finisher: Callable[[Any, Any], None],
) -> bytes:
    """The bytes of the PDF; the same arguments give the same bytes.

    Arguments: identifier, 16 bytes that no other document has; finisher, called with the document and the PDF before it
    is written.
    """
    document = _Page(html, fetcher).render(
        stylesheets=[stylesheet], font_config=font_configuration, pdf_variant=_VARIANT, pdf_tags=True
    )
    written = document.metadata.generate_rdf_metadata

    def with_both_marks(variant: str, version: int, conformance: str) -> bytes:
        described: bytes = written(variant, version, conformance)
        return described.replace(_END, _UA_MARK + _END, 1)

    document.metadata.generate_rdf_metadata = with_both_marks
    document.metadata.attachments.extend(_attachment(one) for one in attached)

    def finished(document: Any, pdf: Any) -> None:
        # The engine names each file that it associates with the document twice.
        if "AF" in pdf.catalog:
            pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])
        finisher(document, pdf)

    target = io.BytesIO()
    document.write_pdf(target, finisher=finished, pdf_variant=_VARIANT, pdf_tags=True, pdf_identifier=identifier)
    return target.getvalue()


def _attachment(one: Attached) -> Attachment:
    day = dt.datetime.combine(one.day, dt.time())
    return Attachment(
        file_obj=io.BytesIO(one.content),
        name=one.name,
        description=one.description,
        created=day,
        modified=day,
        relationship="Data",
    )


def _as_xml(html: str) -> ElementTree.Element | None:
    """The tree of a page whose text is XML too, the same one as a reader of HTML makes of it; None for any other."""
    if not html.startswith(_DOCTYPE) or ("<tbody" not in html and "<table" in html):
        return None
    try:
        tree = ElementTree.fromstring(html[len(_DOCTYPE) :])  # noqa: S314 — without a document type nothing unfolds  # nosec B314
    except ElementTree.ParseError:
        return None
    return tree if tree.tag == "html" else None
