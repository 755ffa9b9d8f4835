"""Printing that goes on where it was cut off: each document that is done lies whole in a folder beside the edition's.

A document is found again by what it is made of: its HTML, the files inside it, and the versions of the programs that
print it. Anything else is printed anew.
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from survey.print_pool import SECONDS_PER_DOCUMENT, Composed, MakePrinter, Page, Printed, print_pages

_BEGINNING, _END = b"%PDF-", b"%%EOF"


def spool_of(out: Path) -> Path:
    """Where the documents of the edition that becomes the folder `out` lie until all of them are done."""
    whole = out.resolve()
    return whole.with_name(f".{whole.name}.printing")


def print_resumably(
    pages: Iterable[Page],
    make_printer: MakePrinter,
    *,
    workers: int,
    spool: Path,
    versions: Mapping[str, str],
    seconds: float = SECONDS_PER_DOCUMENT,
) -> Iterator[Printed]:
    """Every page printed or with its failure, as `print_pages` gives them, without those that lie in `spool` already.

    A document that failed is tried again next time. No file of the folder is ever half of a document.
    """
    spool.mkdir(parents=True, exist_ok=True)
    found: list[Printed] = []
    keys: dict[str, str] = {}

    def missing() -> Iterator[Page]:
        for page in pages:
            try:
                composed = page.composed()
            except Exception:
                # The pool asks for it again, and tells of what its page stumbles over.
                yield page
                continue
            key = _key(composed, versions)
            pdf = _whole(spool / key)
            if pdf is not None:
                found.append(Printed(page.name, pdf, None))
                continue
            keys[page.name] = key
            yield Page(page.name, partial(str, composed.html), partial(tuple, composed.attached))

    for printed in print_pages(missing(), make_printer, workers=workers, seconds=seconds):
        if printed.pdf is not None and printed.name in keys:
            _keep(spool / keys[printed.name], printed.pdf)
        yield printed
        while found:
            yield found.pop(0)
    yield from found


def clear_spool(spool: Path) -> None:
    """Removes what was kept, once the edition is whole."""
    shutil.rmtree(spool, ignore_errors=True)


def _key(composed: Composed, versions: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    parts = [part for pair in sorted(versions.items()) for part in pair] + [composed.html]
    parts += [f"{one.name}\n{one.description}\n{one.day.isoformat()}" for one in composed.attached]
    for part in [*(part.encode() for part in parts), *(one.content for one in composed.attached)]:
        digest.update(len(part).to_bytes(8, "big") + part)
    return f"{digest.hexdigest()}.pdf"


def _whole(path: Path) -> bytes | None:
    try:
        pdf = path.read_bytes()
    except OSError:
        return None
    # After a power cut a file may have its name and not its bytes.
    return pdf if pdf.startswith(_BEGINNING) and pdf.rstrip().endswith(_END) else None


def _keep(path: Path, pdf: bytes) -> None:
    half = path.with_suffix(".half")
    half.write_bytes(pdf)
    half.replace(path)
