"""Whole scorecards: seconds of the processor for each, where they go, a whole round on all cores, and memory.

Plain WeasyPrint is what its documentation shows: the same HTML with its style sheet inside, parsed again for every
document, fonts named as files, no tags, no checks. Ratios are to it. `--round N` prints N units in worker processes,
`--memory N` N documents in one process without recycling it; each is a run of its own, because together they take long.
"""

import argparse
import cProfile
import io
import pstats
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

N_DOCUMENTS = 8
# Which part of the work a function of the engine stands for; their cumulative seconds share the measured ones.
PARTS = {
    "reading the HTML": ("archival_pdf.py", "_as_xml"),
    "style sheet on elements": ("css/__init__.py", "get_all_computed_styles"),
    "boxes": ("build.py", "build_formatting_structure"),
    "layout": ("layout/__init__.py", "layout_document"),
    "drawing": ("document.py", "paint"),
    "of it, charts": ("images.py", "draw"),
    "structure for listeners": ("tags.py", "add_tags"),
    "writing the file": ("pydyf/__init__.py", "write"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--round", type=int, default=0, metavar="N", help="print N units in worker processes")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="print N documents in one process")
    arguments = parser.parse_args()
    if arguments.round:
        print_round(arguments.round)
    elif arguments.memory:
        print_memory(arguments.memory)
    else:
        print_seconds()


def print_seconds() -> None:
    """One process, warm: our printer beside plain WeasyPrint, and where ours spends its time."""
    from pypdf import PdfReader
    from weasyprint import HTML

    from support.full_editions import full_edition
    from survey.edition_pages import pages_of
    from survey.printing import bundled_fonts, make_printer
    from survey.resources import bundled_dir

    edition = full_edition(54)
    pages = pages_of(edition, ["vi"], [unit.code for unit in edition.units])
    pages = tuple(page for page in pages if not page.name.endswith(".unit.pdf"))[:N_DOCUMENTS]
    pages[0].composed()
    composing = time.process_time()
    documents = [page.composed() for page in pages]
    composing = (time.process_time() - composing) / N_DOCUMENTS
    css = (bundled_dir("templates") / "scorecard" / "scorecard.css").read_text(encoding="utf-8")
    for name, path in bundled_fonts().items():
        css = css.replace(f"asset:{name}", Path(str(path)).as_uri())
    plain_documents = [document.html.replace("</head>", f"<style>{css}</style></head>") for document in documents]

    printer = make_printer()
    documents[0].printed_by(printer)
    ours, printed = _seconds([lambda document=document: document.printed_by(printer) for document in documents])
    plain, plain_printed = _seconds(
        [lambda html=html: bytes(HTML(string=html).write_pdf()) for html in plain_documents[: N_DOCUMENTS // 2]]
    )
    n_pages = sum(len(PdfReader(io.BytesIO(pdf)).pages) for pdf in printed) / N_DOCUMENTS
    print(f"{N_DOCUMENTS} scorecards of {n_pages:g} pages, {len(documents[0].html) / 1000:.0f} kB of HTML each")
    print(f"{'processor seconds a scorecard':40}{'median':>8}{'least':>8}{'ratio':>8}{'kB each':>9}")
    for name, seconds, pdfs in (
        ("plain WeasyPrint, no tags", plain, plain_printed),
        ("our printer, tagged, archival, CSV inside", ours, printed),
    ):
        size = max(map(len, pdfs)) / 1000
        ratio = _median(seconds) / _median(plain)
        print(f"{name:40}{_median(seconds):8.2f}{min(seconds):8.2f}{ratio:8.2f}{size:9.0f}")
    print(f"{'composing the HTML, beside it':40}{composing:8.3f}")

    profile = cProfile.Profile()
    profile.enable()
    documents[1].printed_by(printer)
    profile.disable()
    statistics = pstats.Stats(profile)
    total = max(entry[3] for entry in statistics.stats.values())  # type: ignore[attr-defined]
    print("where they go (profiled):")
    for name, (file, function) in PARTS.items():
        spent = sum(
            entry[3]
            for (path, _, found), entry in statistics.stats.items()  # type: ignore[attr-defined]
            if found == function and path.endswith(file)
        )
        print(f"  {name:38}{spent / total:8.0%}")


def print_round(n_units: int) -> None:
    """A whole round in worker processes, by the clock; the start of the workers is in it."""
    from support.full_editions import full_edition
    from survey.edition_pages import pages_of
    from survey.print_pool import default_workers, print_pages
    from survey.printing import make_printer

    edition = full_edition(n_units)
    pages = pages_of(edition, ["vi"], [unit.code for unit in edition.units])
    pages = tuple(page for page in pages if not page.name.endswith(".unit.pdf"))
    workers = default_workers()
    start = time.perf_counter()
    sizes = [len(document.pdf or b"") for document in print_pages(pages, make_printer, workers=workers)]
    seconds = time.perf_counter() - start
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(sizes)} scorecards, {workers} workers: {seconds:.1f} s, {len(sizes) / seconds:.2f} a second", end=", ")
    print(f"{children.ru_utime + children.ru_stime:.1f} s of processors, largest {max(sizes) / 1000:.0f} kB", end=", ")
    print(f"largest process {children.ru_maxrss / 1024:.0f} MB")


def print_memory(n_documents: int) -> None:
    """How much memory one process holds after so many documents, without being recycled."""
    import gc

    from support.full_editions import full_edition
    from survey.edition_pages import pages_of
    from survey.printing import make_printer

    edition = full_edition(54)
    pages = pages_of(edition, ["vi"], [unit.code for unit in edition.units])
    documents = [page.composed() for page in pages[:20]]
    printer = make_printer()
    gc.collect()
    gc.freeze()
    start = time.process_time()
    for place in range(n_documents):
        documents[place % len(documents)].printed_by(printer)
        gc.collect()
        if place + 1 in (1, 20, 100, 200, 300, 400, 500):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            each = (time.process_time() - start) / (place + 1)
            print(
                f"after {place + 1:4} documents: at most {peak:.0f} MB, {each:.2f} processor seconds each", flush=True
            )


def _seconds(works: list[Callable[[], bytes]]) -> tuple[list[float], list[bytes]]:
    spent, printed = [], []
    for work in works:
        start = time.process_time()
        printed.append(work())
        spent.append(time.process_time() - start)
    return spent, printed


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
