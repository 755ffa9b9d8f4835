"""The registry of units: imported as a whole, read as it stood on a day."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from survey.errors import BadInput
from survey.storage.audit import record_event
from survey.storage.office import Procedure, Succession, Unit
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.unit_files import ProcedureRow, SuccessionRow, UnitRow, read_procedures, read_succession, read_units

SELECTOR_KEYS = ("kind", "bloc", "code")


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit as the registry has it. A date that is None is open: valid since ever, or until further notice."""

    code: str
    name_vi: str
    name_en: str
    kind: str
    bloc_code: str
    bloc_name: str
    parent_code: str
    valid_from: date | None
    valid_to: date | None
    population: int | None
    area_km2: float | None
    source: str
    bloc_name_en: str = ""

    def bloc_in(self, language: str) -> str:
        """The bloc's name in a language; the Vietnamese one where no English one is known."""
        return self.bloc_name_en if language == "en" and self.bloc_name_en else self.bloc_name

    def is_valid_on(self, day: date) -> bool:
        """Whether the unit exists on that day; both ends count."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class ImportedUnits:
    """What an import did: units added, changed and already so, successions in the file, procedures of units."""

    n_added: int
    n_changed: int
    n_unchanged: int
    n_successions: int
    n_procedures: int


def import_units(
    stores: Stores,
    units_csv: Path,
    succession_csv: Path | None = None,
    procedures_csv: Path | None = None,
    *,
    actor: str = "command line",
) -> ImportedUnits:
    """The registry with these files in it: units and successions added or brought up to date, all of them or none.

    Units that the files do not name stay as they are; a unit that the procedures file names has exactly the procedures
    that it says. Raises BadInput that names file, line, column, what was found and what was expected.
    """
    rows = read_units(units_csv)
    successions = read_succession(succession_csv) if succession_csv is not None else ()
    procedures = read_procedures(procedures_csv) if procedures_csv is not None else ()
    with writing(stores.office) as session:
        known = {unit.code: unit for unit in session.scalars(select(Unit))}
        codes = known.keys() | {row.code for row in rows}
        _refuse_unknown_codes(rows, successions, codes)
        named = {row.code for row in rows}
        _refuse_muddled_blocs(rows, [unit for unit in known.values() if unit.code not in named])
        n_added = n_changed = 0
        for row in rows:
            values = asdict(row)
            values.pop("place")
            unit = known.get(row.code)
            if unit is None:
                session.add(Unit(**values))
                n_added += 1
            elif any(getattr(unit, name) != value for name, value in values.items()):
                for name, value in values.items():
                    setattr(unit, name, value)
                n_changed += 1
        session.flush()
        for succession in successions:
            values = asdict(succession)
            values.pop("place")
            session.merge(Succession(**values))
        n_procedures = _replace_procedures(session, procedures)
        subject = f"{len(rows)} units, {len(successions)} successions"
        record_event(
            session, actor, "units.imported", f"{subject}, {n_procedures} procedures" if procedures else subject
        )
    return ImportedUnits(n_added, n_changed, len(rows) - n_added - n_changed, len(successions), n_procedures)


def _replace_procedures(session: Session, rows: Sequence[ProcedureRow]) -> int:
    """Gives each unit that the rows name the procedures that they say, and no others; returns how many these are."""
    if not rows:
        return 0
    units = tuple(unit_record(unit) for unit in session.scalars(select(Unit).order_by(Unit.code)))
    lasting = tuple(unit for unit in units if unit.valid_to is None)
    codes = frozenset(unit.code for unit in units)
    wanted: dict[tuple[str, str], ProcedureRow] = {}
    chosen: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row.unit not in chosen:
            chosen[row.unit] = _units_named(row, codes, lasting)
        for code in chosen[row.unit]:
            first = wanted.setdefault((code, row.name_vi), row)
            if first.name_en != row.name_en:
                line = first.place.rpartition(":")[2]
                raise BadInput(
                    f"{row.place}: column procedure_en: found {row.name_en!r} for the unit {code}, "
                    f"expected {first.name_en!r} as in line {line}"
                )
    named = {code for code, _ in wanted}
    session.execute(delete(Procedure).where(Procedure.unit_code.in_(named)))
    session.execute(
        insert(Procedure),
        [{"unit_code": code, "name_vi": name, "name_en": row.name_en} for (code, name), row in sorted(wanted.items())],
    )
    return len(wanted)


def _units_named(row: ProcedureRow, codes: frozenset[str], lasting: Sequence[UnitRecord]) -> tuple[str, ...]:
    if "=" not in row.unit:
        if row.unit not in codes:
            raise BadInput(
                f"{row.place}: column unit: found {row.unit!r}, expected the code of a unit or a selector such as "
                "kind=ward,commune"
            )
        return (row.unit,)
    try:
        return tuple(unit.code for unit in _matching(lasting, row.unit, "without a last day"))
    except BadInput as complaint:
        raise BadInput(f"{row.place}: column unit: {complaint}") from None


def _refuse_unknown_codes(rows: Sequence[UnitRow], successions: Sequence[SuccessionRow], codes: set[str]) -> None:
    for row in rows:
        if row.parent_code and row.parent_code not in codes:
            raise BadInput(f"{row.place}: column parent_code: found {row.parent_code!r}, expected the code of a unit")
        if row.parent_code == row.code:
            raise BadInput(
                f"{row.place}: column parent_code: found the unit's own code, expected that of the unit above"
            )
    for succession in successions:
        for column in ("predecessor_code", "successor_code"):
            code = getattr(succession, column)
            if code not in codes:
                raise BadInput(f"{succession.place}: column {column}: found {code!r}, expected the code of a unit")


def _refuse_muddled_blocs(rows: Sequence[UnitRow], others: Sequence[Unit]) -> None:
    """A bloc has one code, one name and at most one English name, in the files and in what is known beside them."""
    codes = {unit.bloc_name: unit.bloc_code for unit in others}
    names = {unit.bloc_code: unit.bloc_name for unit in others}
    english = {unit.bloc_code: unit.bloc_name_en for unit in others}
    for row in rows:
        if names.setdefault(row.bloc_code, row.bloc_name) != row.bloc_name:
            raise BadInput(
                f"{row.place}: column bloc: found {row.bloc_name!r}, expected {names[row.bloc_code]!r}: "
                f"two blocs cannot share the code {row.bloc_code}"
            )
        if codes.setdefault(row.bloc_name, row.bloc_code) != row.bloc_code:
            raise BadInput(
                f"{row.place}: column bloc_code: found {row.bloc_code!r}, expected {codes[row.bloc_name]!r}: "
                f"{row.bloc_name!r} cannot have two codes"
            )
        if english.setdefault(row.bloc_code, row.bloc_name_en) != row.bloc_name_en:
            raise BadInput(
                f"{row.place}: column bloc_en: found {row.bloc_name_en!r}, expected {english[row.bloc_code]!r} "
                f"as for the other units of the bloc {row.bloc_code}"
            )


def units_on(stores: Stores, on: date | None) -> tuple[UnitRecord, ...]:
    """The units valid on a day, by code; every unit that ever was where the day is None."""
    with reading(stores.office) as session:
        records = tuple(unit_record(unit) for unit in session.scalars(select(Unit).order_by(Unit.code)))
    return tuple(record for record in records if on is None or record.is_valid_on(on))


def select_units(stores: Stores, selector: str, on: date) -> tuple[UnitRecord, ...]:
    """The units valid on a day that a selector names, by code; never none.

    A selector is `kind=ward,commune`, `bloc=CODE` or `code=C1,C2`; parts joined by `;` must all hold. Raises BadInput
    when it cannot be read or when one of its words fits no unit of that day: a misspelt word would leave units out.
    """
    return _matching(units_on(stores, on), selector, f"valid on {on}")


def _matching(candidates: Sequence[UnitRecord], selector: str, which: str) -> tuple[UnitRecord, ...]:
    remaining = tuple(candidates)
    fields = {"kind": "kind", "bloc": "bloc_code", "code": "code"}
    for key, words in _read_selector(selector):
        present = {getattr(unit, fields[key]) for unit in remaining}
        missing = [word for word in words if word not in present]
        if missing:
            shown = sorted(present)
            expected = ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "") if shown else "a registry with units"
            raise BadInput(
                f"selector {selector!r}: found {key} {missing[0]!r}, which no unit {which} has; expected {expected}"
            )
        remaining = tuple(unit for unit in remaining if getattr(unit, fields[key]) in words)
    if not remaining:
        raise BadInput(f"selector {selector!r}: found no unit {which}, expected at least one")
    return remaining


def _read_selector(selector: str) -> list[tuple[str, tuple[str, ...]]]:
    parts = []
    for part in selector.split(";"):
        key, separator, values = part.partition("=")
        words = tuple(word.strip() for word in values.split(",") if word.strip())
        if key.strip() not in SELECTOR_KEYS or not separator or not words:
            raise BadInput(
                f"selector {selector!r}: found {part!r}, expected kind=…, bloc=… or code=… with values joined by commas"
            )
        parts.append((key.strip(), words))
    return parts


def unit_record(unit: Unit) -> UnitRecord:
    """The row as a value that outlives its session."""
    return UnitRecord(
        code=unit.code,
        name_vi=unit.name_vi,
        name_en=unit.name_en,
        kind=unit.kind,
        bloc_code=unit.bloc_code,
        bloc_name=unit.bloc_name,
        parent_code=unit.parent_code,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        population=unit.population,
        area_km2=unit.area_km2,
        source=unit.source,
        bloc_name_en=unit.bloc_name_en,
    )
