"""What the office's pages show of rounds and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from survey.round_records import RoundRecord
from survey.round_status import RoundStatus
from survey.units import UnitRecord
from survey.web.pages import catalogue_of

STATES = ("draft", "open", "closed", "sealed", "published")
NEXT_STEPS = {"draft": "open", "open": "close", "closed": "seal", "sealed": "publish"}

Place = Literal["done", "current", "coming"]


@dataclass(frozen=True, slots=True)
class CountRow:
    """Codes issued for a unit through a channel, and how many were used; `unit_name` is empty in the total."""

    unit_name: str
    channel: str
    issued: int
    spent: int

    @property
    def rate(self) -> float | None:
        return self.spent / self.issued if self.issued else None


def next_step_of(record: RoundRecord) -> str | None:
    """The step that leads on from where the round is; none for a draft that waits for answers to be imported."""
    return None if record.is_imported and record.state == "draft" else NEXT_STEPS.get(record.state)


def progress_of(record: RoundRecord) -> tuple[tuple[str, Place], ...]:
    """Every state of the round's life with where it stands to it; imported answers were never open here."""
    states = tuple(state for state in STATES if not record.is_imported or state not in ("open", "closed"))
    at = states.index(record.state)
    return tuple(
        (known, "done" if place < at else "current" if place == at else "coming") for place, known in enumerate(states)
    )


def count_rows(status: RoundStatus, names: Mapping[str, str], language: str) -> tuple[tuple[CountRow, ...], CountRow]:
    """The counts as the page lists them, and their total."""
    # A code of a round whose ballots rate several units is for no unit.
    names = {"": catalogue_of("office").text("whole_round", language), **names}
    rows = tuple(
        CountRow(names.get(cell.unit, cell.unit), channel_label(cell.channel, language), cell.issued, cell.spent)
        for cell in status.cells
    )
    return rows, CountRow("", "", status.issued, status.spent)


def unit_name(unit: UnitRecord, language: str) -> str:
    """The unit's name in the language of the page."""
    return unit.name_en if language == "en" else unit.name_vi


def facts_of(record: RoundRecord, address: str, language: str) -> tuple[tuple[str, str], ...]:
    """The facts of a round: (end of the label's key, what it is, empty where nothing was recorded)."""
    rows = [
        ("slug", record.slug),
        ("questionnaire", record.questionnaire_reference),
        *((("modules", ", ".join(record.module_references)),) if record.module_references else ()),
        ("issuer", record.issuer.in_language(language)),
        ("decision", record.decision),
        ("hotline", record.hotline),
    ]
    if not record.is_imported:
        rows.append(("address", address))
        rows.append(("custody", custody_in_words(record, language)))
        rows.append(("open_link", open_link_in_words(record, language)))
    if record.key_fingerprint:
        rows.append(("key", record.key_fingerprint))
    if record.archive_hash:
        rows.append(("archive", record.archive_hash))
    return tuple(rows)


def custody_in_words(record: RoundRecord, language: str) -> str:
    """Who holds the key of a round's ballots."""
    text = catalogue_of("office").text
    if record.custody is None:
        return text("custody_machine", language)
    return text("custody_shares", language, need=record.custody.need, shares=len(record.custody.custodians))


def open_link_in_words(record: RoundRecord, language: str) -> str:
    """Whether a round takes answers without a code, and how many."""
    text = catalogue_of("office").text
    if record.open_link_cap is None:
        return text("open_link_none", language)
    return text("open_link_some", language, most=record.open_link_cap)


def channel_label(channel: str, language: str) -> str:
    """The channel in the page's words; one that was named in a batch file keeps its own name."""
    return _known(f"channel_{channel or 'unrecorded'}", language) or channel


def kind_label(kind: str, language: str) -> str:
    """The kind of unit in the page's words; a kind we have no word for keeps its code."""
    return _known(f"kind_{kind}", language) or kind


def _known(key: str, language: str) -> str | None:
    catalogue = catalogue_of("office")
    return catalogue.text(key, language) if key in catalogue.sentences else None
