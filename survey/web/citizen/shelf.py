"""The rounds that citizens' pages are about, kept at hand for the minutes in which a store does not answer."""

import datetime as dt
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from questionnaires.model import Questionnaire
from survey.errors import HailongError
from survey.intake import OpenRound, round_open_on
from survey.procedures import search_words
from survey.round_records import RoundRecord, find_round, list_rounds, load_questionnaire_of, units_of_round
from survey.round_setup import languages_of
from survey.round_watch import Likeness, likeness_of
from survey.services import STORE_FAILURES, Services
from survey.storage.sessions import n_written
from survey.units import UnitRecord
from survey.web.citizen.kept import Kept
from survey.web.citizen.kept_pages import MOST_PAGES, KeptPage
from survey.web.citizen.questions import MOST_QUESTIONS, Question
from survey.web.pages import log_store_failure

Season = Literal["early", "open", "closed"]

# How long names and search words that changed in the registry may take to reach the pages of an open round.
KEPT_SECONDS = 60
# For how long one look at a round is enough for the pages of all who come in that moment.
GLANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ShelvedRound:
    """A round, what it asks, its units by code, and the words that each unit is found by.

    `pages` and `questions` are those of its pages and of their questions that were drawn already; they go with it.
    """

    record: RoundRecord
    questionnaire: Questionnaire
    units: Mapping[str, UnitRecord]
    words: Mapping[str, tuple[str, ...]]
    likeness: Likeness
    read_at: float = field(compare=False)
    pages: Kept[KeptPage] = field(compare=False, default_factory=lambda: Kept(MOST_PAGES))
    questions: Kept[Question] = field(compare=False, default_factory=lambda: Kept(MOST_QUESTIONS))
    _opened: dict[dt.date, OpenRound] = field(compare=False, default_factory=dict)

    @property
    def is_open_link(self) -> bool:
        """Whether the round takes answers without a code, too."""
        return self.record.open_link_cap is not None and not self.questionnaire.rates_several_units

    def season_on(self, day: dt.date) -> Season:
        """Whether the round takes answers on a day, does not yet, or does no more."""
        if self.record.state == "draft" or (self.record.state == "open" and day < self.record.opens_on):
            return "early"
        return "open" if self.record.accepts_answers_on(day) else "closed"

    def open_on(self, day: dt.date) -> OpenRound:
        """The round as intake takes ballots for it on a day; raises WrongState when it takes none."""
        opened = self._opened.get(day)
        if opened is None:
            opened = self._opened[day] = round_open_on(self.record, self.questionnaire, day)
        return opened


class Shelf:
    """Rounds as the office store has them now, or as it had them last while it is silent.

    Each time one short look tells whether anything about the round has changed. Its questionnaire never does, and its
    units seldom do: they are read once a minute. A silent store must not cost a citizen the page that holds what they
    typed; whether the round is still open is asked again when the answers are stored.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, ShelvedRound] = {}
        self._looked: dict[str, tuple[float, int]] = {}

    def fill(self, day: dt.date) -> None:
        """Put the rounds that are open on a day onto the shelf; what a silent store keeps back is found later.

        A process that begins just before a store falls silent has their pages all the same.
        """
        # A round that cannot be read says so to whoever asks for it; the others are served.
        with suppress(HailongError, *STORE_FAILURES):
            for record in list_rounds(self._services.stores):
                if record.accepts_answers_on(day):
                    with suppress(HailongError):
                        self.find(record.slug)

    def find(self, slug: str, since: float = math.inf) -> ShelvedRound:
        """The round of this slug; raises NotFound, or the store's failure when the round was never seen.

        :param since: a moment of `time.monotonic`; a look that began no earlier is enough, and no other is taken.
        """
        known = self._known.get(slug)
        if known is not None and self._looked_at(slug)[0] >= since:
            return known
        looked = time.monotonic(), n_written()
        try:
            found = self._read(slug, known)
        except STORE_FAILURES as failure:
            if known is None:
                raise
            log_store_failure(failure)
            return known
        self._known[slug], self._looked[slug] = found, looked
        return found

    def glance(self, slug: str) -> ShelvedRound:
        """The round as it was a moment ago, for what stores nothing: many who come at once share one look.

        What this process itself has written since is always seen.
        """
        known = self._known.get(slug)
        looked_at, n_before = self._looked_at(slug)
        is_now = time.monotonic() < looked_at + GLANCE_SECONDS and n_before == n_written()
        return known if known is not None and is_now and _is_fresh(known) else self.find(slug)

    def recall(self, slug: str) -> ShelvedRound:
        """The round as it was at most a minute ago, for a page that depends on nothing but its names."""
        known = self._known.get(slug)
        return known if known is not None and _is_fresh(known) else self.find(slug)

    def _looked_at(self, slug: str) -> tuple[float, int]:
        """When the last look began, and what this process had written by then."""
        return self._looked.get(slug, (-math.inf, 0))

    def _read(self, slug: str, known: ShelvedRound | None) -> ShelvedRound:
        stores = self._services.stores
        # The look comes first: a step that is taken while the round is read shows itself at the next look.
        likeness = likeness_of(stores, slug)
        if known is not None and known.likeness == likeness and _is_fresh(known):
            return known
        record = find_round(stores, slug)
        questionnaire = load_questionnaire_of(stores, record)
        chosen = languages_of(stores, slug)
        if chosen:
            kept = tuple(language for language in questionnaire.languages if language in chosen)
            questionnaire = replace(questionnaire, languages=kept)
        units = units_of_round(stores, record)
        by_code = {unit.code: unit for unit in units}
        found = ShelvedRound(record, questionnaire, by_code, search_words(stores, units), likeness, time.monotonic())
        # What is as it was keeps its pages.
        return replace(known, read_at=found.read_at) if known == found and known is not None else found


def _is_fresh(known: ShelvedRound) -> bool:
    return time.monotonic() < known.read_at + KEPT_SECONDS
