"""The citizen's pages on which units are chosen: one of a list, or several that are rated together."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, url_for

from survey.web.citizen.forms import BallotForm
from survey.web.citizen.shelf import ShelvedRound
from survey.web.citizen.showing import Place, braces, form_address, frame_of, in_language, name_of, said_at
from survey.web.pages import catalogue_of, render_page

# Those of the page on which several units are chosen, and what they are called by the script that both pages share.
CHOICE_TEXTS = {
    "code_filled": "code_filled",
    "code_missing": "code_missing",
    "code_mistyped": "code_mistyped",
    "draft_clear": "draft_clear",
    "draft_clear_no": "draft_clear_no",
    "draft_clear_sure": "draft_clear_sure",
    "draft_clear_yes": "draft_clear_yes",
    "draft_cleared": "draft_cleared",
    "draft_expired": "draft_expired",
    "draft_kept": "draft_kept",
    "draft_restored": "draft_restored",
    "error_word": "error_word",
    "not_sent_yet": "not_sent_yet",
    "offline": "offline_units",
    "problems_part": "problems_part",
    "sending": "units_go_on",
    "units_chosen": "units_chosen",
    "units_full": "units_full",
}


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A unit to choose. `words` are what else it is found by; a number stands for a word of the list's shared ones."""

    code: str
    name: str
    address: str
    words: str
    is_chosen: bool


def list_page(place: Place) -> Response:
    """The units of a round, each with a link to its form."""
    found, language = place.round, place.language
    shared = _shared_words(found)
    units = _listed(found, language, shared)
    return render_page("citizen/choose.html", language, **frame_of(place), units=units, shared="|".join(shared))


def choice_page(
    place: Place,
    form: BallotForm,
    chosen: Collection[str] = (),
    carried: Sequence[tuple[str, str]] = (),
    problems: Mapping[str, str] | None = None,
) -> Response:
    """The page on which the units that are rated together are chosen.

    :param carried: the fields of the other page, which this one keeps for it.
    :param problems: what is wrong, by `code` and `units`.
    """
    found, language = place.round, place.language
    t = catalogue_of("citizen").translator(language)
    most = found.questionnaire.most_units
    shared = _shared_words(found)
    blocs: dict[str, list[ListedUnit]] = {}
    for entry in _listed(found, language, shared, chosen):
        unit = found.units[entry.code]
        bloc = ("" if language == "vi" else unit.bloc_name_en) or unit.bloc_name
        blocs.setdefault(bloc, []).append(entry)
    return render_page(
        "citizen/choose_several.html",
        language,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        **frame_of(place),
        form=form,
        blocs=sorted(blocs.items(), key=lambda bloc: _alphabetical(bloc[0])),
        shared="|".join(shared),
        most=most,
        carried=carried,
        problems=problems or {},
        action=form_address(place),
        script_texts={name: t(said_at(place, key), **braces(), most=most) for name, key in CHOICE_TEXTS.items()},
    )


def _shared_words(found: ShelvedRound) -> list[str]:
    """The words that find more than one unit, such as procedures that every commune has: the page says them once."""
    counts = Counter(_speakable(word) for words in found.words.values() for word in words)
    return [word for word, count in counts.items() if count > 1]


def _listed(
    found: ShelvedRound, language: str, shared: Sequence[str], chosen: Collection[str] = ()
) -> list[ListedUnit]:
    places = {word: str(place) for place, word in enumerate(shared)}
    entries = []
    for unit in found.units.values():
        name = name_of(unit, language)
        words = [_speakable(word) for word in found.words.get(unit.code, ()) if word != name]
        listed = "|".join(places.get(word, word) for word in words)
        address = in_language(url_for("citizen.show", slug=found.record.slug, unit_code=unit.code), language)
        entries.append(ListedUnit(unit.code, name, address, listed, unit.code in chosen))
    return sorted(entries, key=lambda entry: _alphabetical(entry.name))


def _speakable(word: str) -> str:
    # The stroke parts words in the page, and a number alone would be taken for the place of a shared word.
    return f"{word} " if word.isdigit() else word.replace("|", " ")


def _alphabetical(name: str) -> tuple[str, str]:
    # The letters decide, đ after d, and only then the marks on them: Bãi Cháy comes before Bình Khê.
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "dz"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)), name
