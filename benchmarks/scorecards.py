"""Scorecards: our printer and its worker processes against plain WeasyPrint on the same HTML.

Plain WeasyPrint is what its documentation shows: a document with its style sheet inside, parsed again for every
document, fonts named as files, no tags, no checks. Both clocks are shown, because machines that run benchmarks are
seldom idle; the pool, whose start is included, has the wall clock alone. Ratios are to plain WeasyPrint on that clock.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

N_DOCUMENTS = 10


def main() -> None:
    from pypdf import PdfReader
    from weasyprint import HTML

    from support.editions import make_edition
    from survey.print_pool import Page, default_workers, print_pages
    from survey.printing import bundled_fonts, make_printer
    from survey.publishing import pages_of
    from survey.resources import bundled_dir

    edition = make_edition(54)
    composing = time.process_time()
    documents = [page.html() for page in pages_of(edition, ["vi"], [unit.code for unit in edition.units[:N_DOCUMENTS]])]
    composing = (time.process_time() - composing) / N_DOCUMENTS

    css = (bundled_dir("templates") / "scorecard" / "scorecard.css").read_text(encoding="utf-8")
    for name, path in bundled_fonts().items():
        css = css.replace(f"asset:{name}", Path(str(path)).as_uri())
    plain_documents = [html.replace("</head>", f"<style>{css}</style></head>") for html in documents]

    printer = make_printer()
    printer.pdf(documents[0])
    ours, printed = _seconds(printer.pdf, documents)
    plain, plain_printed = _seconds(lambda html: bytes(HTML(string=html).write_pdf()), plain_documents)
    plain_bytes, our_bytes = (sum(map(len, pdfs)) / N_DOCUMENTS for pdfs in (plain_printed, printed))
    n_pages = sum(len(PdfReader(io.BytesIO(pdf)).pages) for pdf in printed)

    workers = default_workers()
    start = time.perf_counter()
    pages = [Page(f"{place}.pdf", lambda html=html: html) for place, html in enumerate(documents)]
    side_by_side = {document.name: document.pdf for document in print_pages(pages, make_printer, workers=workers)}
    pool = (time.perf_counter() - start) / N_DOCUMENTS
    assert list(dict(sorted(side_by_side.items(), key=lambda pair: int(pair[0][:-4]))).values()) == printed

    print(f"{N_DOCUMENTS} scorecards, {n_pages} pages, {len(documents[0]) / 1000:.0f} kB of HTML each; s/scorecard:")
    print(f"{'':40}{'CPU':>7}{'ratio':>7}{'clock':>7}{'ratio':>7}{'pages/s':>9}{'kB each':>9}")
    for name, (cpu, clock), size in (
        ("plain WeasyPrint, one process", plain, plain_bytes),
        ("our printer, one process, tagged", ours, our_bytes),
    ):
        ratios = (cpu / plain[0], clock / plain[1])
        rate = n_pages / N_DOCUMENTS / clock
        print(f"{name:40}{cpu:7.2f}{ratios[0]:7.2f}{clock:7.2f}{ratios[1]:7.2f}{rate:9.2f}{size / 1000:9.0f}")
    rate = n_pages / N_DOCUMENTS / pool
    name = f"our printer, {workers} workers"
    print(f"{name:40}{'':14}{pool:7.2f}{pool / plain[1]:7.2f}{rate:9.2f}{our_bytes / 1000:9.0f}")
    print(f"{'composing the HTML':40}{composing:7.3f}{composing / plain[0]:7.2f}")


def _seconds(write: Callable[[str], bytes], documents: list[str]) -> tuple[tuple[float, float], list[bytes]]:
    """Processor seconds and seconds by the clock for a document, and the documents."""
    cpu, clock = time.process_time(), time.perf_counter()
    printed = [write(html) for html in documents]
    return ((time.process_time() - cpu) / len(documents), (time.perf_counter() - clock) / len(documents)), printed


if __name__ == "__main__":
    main()
