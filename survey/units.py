"""The registry of units: imported as a whole, read as it stood on a day."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import select

from survey.errors import BadInput
from survey.storage.audit import record_event
from survey.storage.office import Succession, Unit
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.unit_files import SuccessionRow, UnitRow, read_succession, read_units

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

    def is_valid_on(self, day: date) -> bool:
        """Whether the unit exists on that day; both ends count."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class ImportedUnits:
    """What an import did: units added, units changed, units that were already so, successions in the file."""

    n_added: int
    n_changed: int
    n_unchanged: int
    n_successions: int


def bloc_code_of(bloc_name: str) -> str:
    """The ASCII code of a bloc's Vietnamese name: "Khối địa phương" is khoi-dia-phuong."""
    # The letter đ is no d with a mark to Unicode, so taking marks away leaves it standing.
    bare = bloc_name.lower().replace("đ", "d")
    letters = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in letters).split())


def import_units(
    stores: Stores, units_csv: Path, succession_csv: Path | None = None, *, actor: str = "command line"
) -> ImportedUnits:
    """The registry with these files in it: units and successions added or brought up to date, all of them or none.

    Units that the files do not name stay as they are. Raises BadInput that names file, line, column, what was found and
    what was expected.
    """
    rows = read_units(units_csv)
    successions = read_succession(succession_csv) if succession_csv is not None else ()
    with writing(stores.office) as session:
        known = {unit.code: unit for unit in session.scalars(select(Unit))}
        codes = known.keys() | {row.code for row in rows}
        _refuse_unknown_codes(rows, successions, codes)
        named = {row.code for row in rows}
        _refuse_blocs_of_one_code(rows, {u.bloc_code: u.bloc_name for u in known.values() if u.code not in named})
        n_added = n_changed = 0
        for row in rows:
            values = asdict(row)
            values.pop("place")
            values["bloc_code"] = bloc_code_of(row.bloc_name)
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
        record_event(session, actor, "units.imported", f"{len(rows)} units, {len(successions)} successions")
    return ImportedUnits(n_added, n_changed, len(rows) - n_added - n_changed, len(successions))


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


def _refuse_blocs_of_one_code(rows: Sequence[UnitRow], known: dict[str, str]) -> None:
    names = dict(known)
    for row in rows:
        code = bloc_code_of(row.bloc_name)
        if not code:
            raise BadInput(f"{row.place}: column bloc: found {row.bloc_name!r}, expected a name with letters or digits")
        if names.setdefault(code, row.bloc_name) != row.bloc_name:
            raise BadInput(
                f"{row.place}: column bloc: found {row.bloc_name!r}, expected {names[code]!r}: "
                f"two blocs cannot share the code {code}"
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
    candidates = units_on(stores, on)
    wanted = _read_selector(selector)
    fields = {"kind": "kind", "bloc": "bloc_code", "code": "code"}
    for key, words in wanted:
        present = {getattr(unit, fields[key]) for unit in candidates}
        missing = [word for word in words if word not in present]
        if missing:
            shown = sorted(present)
            expected = ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "") if shown else "a registry with units"
            raise BadInput(
                f"selector {selector!r}: found {key} {missing[0]!r}, which no unit valid on {on} has; "
                f"expected {expected}"
            )
        candidates = tuple(unit for unit in candidates if getattr(unit, fields[key]) in words)
    if not candidates:
        raise BadInput(f"selector {selector!r}: found no unit valid on {on}, expected at least one")
    return candidates


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
    )
