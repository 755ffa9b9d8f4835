"""What units do for people, and the words under which a person looks for a unit without knowing its name."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from questionnaires.model import Text
from survey.storage.office import Procedure, Succession, Unit
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import UnitRecord


def procedures_of(stores: Stores, units: Sequence[UnitRecord]) -> Mapping[str, tuple[Text, ...]]:
    """The procedures that each of these units handles, by its code; a unit without any is left out.

    A procedure without an English name keeps the Vietnamese one.
    """
    codes = {unit.code for unit in units}
    handled: dict[str, tuple[Text, ...]] = {}
    with reading(stores.office) as session:
        for row in session.scalars(select(Procedure).order_by(Procedure.unit_code, Procedure.name_vi)):
            if row.unit_code in codes:
                name = Text(row.name_vi, row.name_en or row.name_vi)
                handled[row.unit_code] = (*handled.get(row.unit_code, ()), name)
    return handled


def search_words(stores: Stores, units: Sequence[UnitRecord]) -> Mapping[str, tuple[str, ...]]:
    """What each unit is found by, by its code: its names, the places it was made of, and its procedures; none twice.

    Names come in both languages, the unit's own first. A place that went into the unit whole is followed back to what
    it was made of; behind a place of which only a part came, the trail ends.
    """
    with reading(stores.office) as session:
        names = {unit.code: (unit.name_vi, unit.name_en) for unit in session.scalars(select(Unit))}
        made_of: dict[str, list[tuple[str, str]]] = {}
        for row in session.scalars(select(Succession).order_by(Succession.predecessor_code)):
            made_of.setdefault(row.successor_code, []).append((row.predecessor_code, row.relation))
        handles: dict[str, list[str]] = {}
        for procedure in session.scalars(select(Procedure).order_by(Procedure.unit_code, Procedure.name_vi)):
            handles.setdefault(procedure.unit_code, []).extend((procedure.name_vi, procedure.name_en))
    words = {}
    for unit in units:
        found = [unit.name_vi, unit.name_en]
        for code in _places_of(unit.code, made_of):
            found.extend(names[code])
        found.extend(handles.get(unit.code, ()))
        words[unit.code] = tuple(dict.fromkeys(word for word in found if word))
    return words


def _places_of(code: str, made_of: Mapping[str, Sequence[tuple[str, str]]]) -> tuple[str, ...]:
    places: dict[str, None] = {}
    trail = [code]
    while trail:
        for predecessor, relation in made_of.get(trail.pop(0), ()):
            if predecessor not in places:
                places[predecessor] = None
                if relation != "split":
                    trail.append(predecessor)
    return tuple(places)
