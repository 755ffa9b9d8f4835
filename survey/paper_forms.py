"""Forms on paper: what is printed for a round's questionnaire, blank or with a code of its own on each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from questionnaires.keying import asked_sections, item_numbers, keys_of
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, ItemKind, Questionnaire, Section
from survey.invitations import IssuedCode
from survey.paper_versions import fingerprint_of, version_of
from survey.round_records import RoundRecord
from survey.slips import QrDrawing, draw_qr, heading_of
from survey.texts import Translate, plain_number
from survey.units import UnitRecord

# The PDF engine is heavy: whoever only keys forms does without it.
if TYPE_CHECKING:
    from analysis.scorecards.render import Printer
    from survey.print_pool import Printed

# A form of a rating of several units has places for so many, where nobody says how many.
PLACES = 3
# Twenty forms of seven pages take about a minute of one busy core and 0.8 GB, and both grow with their number.
FORMS_A_FILE = 20
SECONDS_A_FILE = 600.0
_CODE_SHAPE = (5, 5, 4)
_CHARACTERS_A_LINE = 150
_FEWEST_LINES, _MOST_LINES = 3, 8
_LONGEST_IN_COLUMNS, _FEWEST_IN_COLUMNS = 34, 4
_MOST_IN_A_MATRIX = 7


@dataclass(frozen=True, slots=True)
class PrintedChoice:
    """A box to tick: its key, which the clerk types, and what stands beside it; `short` at the head of a table."""

    key: str
    label: str
    short: str


@dataclass(frozen=True, slots=True)
class PrintedItem:
    """A question as it is printed. `skips` say where to go on after which answer."""

    number: int
    kind: ItemKind
    text: str
    hints: tuple[str, ...]
    only_if: str
    choices: tuple[PrintedChoice, ...]
    skips: tuple[str, ...]
    n_lines: int

    @property
    def is_wide(self) -> bool:
        """Whether the boxes fit into two columns."""
        short = all(len(choice.label) <= _LONGEST_IN_COLUMNS for choice in self.choices)
        return short and len(self.choices) >= _FEWEST_IN_COLUMNS


@dataclass(frozen=True, slots=True)
class PrintedBlock:
    """One question, or several with the same boxes, which stand in a table."""

    items: tuple[PrintedItem, ...]

    @property
    def is_matrix(self) -> bool:
        return len(self.items) > 1

    @property
    def choices(self) -> tuple[PrintedChoice, ...]:
        return self.items[0].choices


@dataclass(frozen=True, slots=True)
class PrintedSection:
    """A section as it is printed."""

    title: str
    intro: str
    only_if: str
    blocks: tuple[PrintedBlock, ...]


@dataclass(frozen=True, slots=True)
class PrintedPart:
    """Sections that are answered once (`place` 0), or about the unit at a place."""

    place: int
    sections: tuple[PrintedSection, ...]


@dataclass(frozen=True, slots=True)
class PaperLeaf:
    """One form of a file: whom it is about, its code in groups (spaces where it is to be written), and its QR code."""

    subject: str
    code: tuple[str, ...]
    qr: QrDrawing | None = None


def compose_parts(questionnaire: Questionnaire, language: str, t: Translate, n_places: int) -> tuple[PrintedPart, ...]:
    """The questionnaire as it is printed, with places for so many units where a form rates several."""
    composer = _Composer(questionnaire, language, t)
    parts: list[PrintedPart] = []
    for is_per_unit, group in groupby(asked_sections(questionnaire), key=lambda section: section.per_unit):
        sections = composer.sections(tuple(group))
        if is_per_unit:
            parts += [PrintedPart(place, sections) for place in range(1, n_places + 1)]
        else:
            parts.append(PrintedPart(0, sections))
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class PaperForm:
    """What all forms of a round share: what is asked of which units, in which language, and how they will be keyed.

    `n_places` is for how many units a form has room where it rates several; `needs_two` says that two people key it.
    """

    record: RoundRecord
    questionnaire: Questionnaire
    units: Sequence[UnitRecord]
    language: str
    n_places: int = PLACES
    needs_two: bool = True


def print_blank_form(form: PaperForm, unit: UnitRecord | None) -> "Printed":
    """The PDF of the blank form of a unit, to be copied; its code is written by hand.

    :param unit: the unit the form is about; None where it rates several.
    """
    blank = PaperLeaf(_named(unit, form.language), tuple(" " * length for length in _CODE_SHAPE))
    (printed,) = _print(form, [[blank]], 1)
    return printed


def print_coded_forms(
    form: PaperForm, codes: Sequence[IssuedCode], public_url: str, *, workers: int = 1
) -> "Iterator[Printed]":
    """The PDF files of forms with a code on each, named "1", "2", …, in the order in which they are done."""
    named = {known.code: _named(known, form.language) for known in form.units}
    leaves = [
        PaperLeaf(named.get(code.unit, ""), tuple(code.typed.split("-")), draw_qr(code.address(public_url)))
        for code in codes
    ]
    files = [leaves[start : start + FORMS_A_FILE] for start in range(0, len(leaves), FORMS_A_FILE)]
    yield from _print(form, files, workers)


def _print(form: PaperForm, files: Sequence[Sequence[PaperLeaf]], workers: int) -> "Iterator[Printed]":
    from survey.print_pool import Page, print_pages
    from survey.printing import make_form_printer

    printer = make_form_printer()

    def page(number: int, leaves: Sequence[PaperLeaf]) -> Page:
        return Page(str(number), lambda: _html(printer, form, leaves))

    pages = [page(number, leaves) for number, leaves in enumerate(files, 1)]
    yield from print_pages(pages, make_form_printer, workers=workers, seconds=SECONDS_A_FILE)


def _html(printer: "Printer", form: PaperForm, leaves: Sequence[PaperLeaf]) -> str:
    from survey.printing import form_texts

    record, questionnaire, language = form.record, form.questionnaire, form.language
    t, is_several = form_texts(language), questionnaire.rates_several_units
    n_places = min(form.n_places, questionnaire.most_units)
    return printer.page(
        "form.html.jinja",
        language,
        heading=heading_of(record),
        round_slug=record.slug,
        reference=version_of(record),
        fingerprint=fingerprint_of(questionnaire.content_hash),
        leaves=leaves,
        notice=list(_notice(form, t)),
        about=questionnaire.about.in_language(language) if questionnaire.about else "",
        parts=compose_parts(questionnaire, language, t, n_places),
        n_places=n_places,
        units=sorted((unit.code, _named(unit, language)) for unit in form.units) if is_several else [],
    )


def _notice(form: PaperForm, t: Translate) -> Iterator[str]:
    """What is promised: the sentences of the citizen's page that hold for paper, and what happens to the paper."""
    several = "_several" if form.questionnaire.rates_several_units else ""
    yield t(f"notice_purpose{several}")
    yield t("notice_voluntary")
    yield t(f"notice_stored{several}")
    yield t("form_notice_two" if form.needs_two else "form_notice_one")
    custody = form.record.custody
    if custody is None:
        yield t("notice_key")
    else:
        yield t("notice_key_shared", shares=len(custody.custodians), need=custody.need)
    yield t("notice_final")


def _named(unit: UnitRecord | None, language: str) -> str:
    if unit is None:
        return ""
    return unit.name_en if language == "en" else unit.name_vi


@dataclass(frozen=True, slots=True)
class _Composer:
    """What all questions of a form share."""

    questionnaire: Questionnaire
    language: str
    t: Translate

    def sections(self, group: Sequence[Section]) -> tuple[PrintedSection, ...]:
        places = [(section, item) for section in group for item in section.items]
        is_last = group[-1] is asked_sections(self.questionnaire)[-1]
        printed = {
            item.code: self._item(item, places[at - 1][1] if at else None, places[at + 1 :], is_last)
            for at, (_, item) in enumerate(places)
        }
        return tuple(
            PrintedSection(
                title=section.title.in_language(self.language),
                intro=section.intro.in_language(self.language) if section.intro else "",
                only_if=self._section_only_if(section, places, is_last),
                blocks=tuple(_blocks(section.items, printed)),
            )
            for section in group
        )

    def _item(
        self, item: Item, before: Item | None, later: Sequence[tuple[Section, Item]], is_last: bool
    ) -> PrintedItem:
        keys = keys_of(item)
        # What several items in a row hang on is said once in full.
        is_first = before is None or before.show_if != item.show_if
        otherwise = [at for at, (_, other) in enumerate(later) if other.show_if != item.show_if]
        return PrintedItem(
            number=self._number(item),
            kind=item.kind,
            text=item.text.in_language(self.language),
            hints=tuple(self._hints(item)),
            only_if=self._only_if(item.show_if, later, otherwise, is_last) if is_first else self._only_if(item.show_if),
            choices=tuple(
                PrintedChoice(key, self._label(item, code), self._short(item, code)) for code, key in keys.items()
            ),
            skips=tuple(self._skips(item, later, is_last)),
            n_lines=max(_FEWEST_LINES, min(_MOST_LINES, (item.longest or 0) // _CHARACTERS_A_LINE)),
        )

    def _skips(self, item: Item, later: Sequence[tuple[Section, Item]], is_last: bool) -> Iterator[str]:
        """Where to go on after answers that lead past what follows at once."""
        targets: dict[int, list[str]] = {}
        if item.kind not in ("single", "number"):
            return
        for code in item.accepted_codes:
            shown = (at for at, place in enumerate(later) if not _is_shut(place, item.code, code))
            target = next(shown, len(later))
            if target:
                targets.setdefault(target, []).append(code)
        for target, codes in targets.items():
            answers = self._either([self._label(item, code) for code in codes])
            if target < len(later):
                yield self.t("form_skip", answers=answers, number=self._number(later[target][1]))
            else:
                yield self.t("form_skip_end" if is_last else "form_skip_part", answers=answers)

    def _section_only_if(self, section: Section, places: Sequence[tuple[Section, Item]], is_last: bool) -> str:
        own = [at for at, (found, _) in enumerate(places) if found is section]
        later = places[own[-1] + 1 :] if own else ()
        # The section before may hang on the same answer; whoever was sent past that one does not come here.
        otherwise = [at for at, (found, _) in enumerate(later) if found.show_if != section.show_if]
        return self._only_if(section.show_if, later, otherwise, is_last)

    def _only_if(
        self,
        condition: Condition | None,
        later: Sequence[tuple[Section, Item]] | None = None,
        otherwise: Sequence[int] = (),
        is_last: bool = False,
    ) -> str:
        """On which answer an item or section hangs, and where whoever gave another goes on."""
        if condition is None:
            return ""
        item = self.questionnaire.item(condition.item)
        answers = self._either([self._label(item, code) for code in condition.any_of])
        said = self.t("only_if", number=self._number(item), answers=answers)
        if later is None:
            return said
        if otherwise:
            return f"{said} {self.t('form_otherwise', number=self._number(later[otherwise[0]][1]))}"
        return f"{said} {self.t('form_otherwise_end' if is_last else 'form_otherwise_part')}"

    def _either(self, labels: Sequence[str]) -> str:
        quoted = [self.t("quoted", answer=label) for label in labels]
        return self.t("either", some=", ".join(quoted[:-1]), last=quoted[-1]) if len(quoted) > 1 else quoted[0]

    def _label(self, item: Item, code: str) -> str:
        if code in (NOT_APPLICABLE, DONT_KNOW):
            return self.t("not_applicable" if code == NOT_APPLICABLE else "dont_know")
        return next(option.label.in_language(self.language) for option in item.options if option.code == code)

    def _short(self, item: Item, code: str) -> str:
        return self.t(f"form_{code}_short") if code in (NOT_APPLICABLE, DONT_KNOW) else self._label(item, code)

    def _hints(self, item: Item) -> Iterator[str]:
        if item.hint:
            yield item.hint.in_language(self.language)
        if item.required:
            yield self.t("form_required")
        if item.kind == "multiple":
            yield self.t("choose_several")
        if item.kind == "number" and item.minimum is not None and item.maximum is not None:
            ends = {name: plain_number(getattr(item, name), self.language) for name in ("minimum", "maximum")}
            yield self.t("number_between", **ends)
        if item.kind == "text":
            yield self.t("form_write")

    def _number(self, item: Item) -> int:
        return item_numbers(self.questionnaire)[item.code]


def _is_shut(place: tuple[Section, Item], asked: str, answered: str) -> bool:
    """Whether an answer to an item shuts a later one by itself."""
    return any(
        condition is not None and condition.item == asked and answered not in condition.any_of
        for condition in (place[0].show_if, place[1].show_if)
    )


def _blocks(items: Sequence[Item], printed: Mapping[str, PrintedItem]) -> Iterator[PrintedBlock]:
    """The items of a section; those that follow each other with the same boxes stand together."""
    row: list[PrintedItem] = []
    for item in items:
        found = printed[item.code]
        may_join = item.kind == "single" and not found.only_if and not found.skips and not item.required
        if not may_join or len(found.choices) > _MOST_IN_A_MATRIX:
            if row:
                yield PrintedBlock(tuple(row))
                row = []
            yield PrintedBlock((found,))
        elif row and row[0].choices != found.choices:
            yield PrintedBlock(tuple(row))
            row = [found]
        else:
            row.append(found)
    if row:
        yield PrintedBlock(tuple(row))
