"""A round answered by practice people, each answer through the use case that the pages use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.release.plan import parse_plan
from analysis.release.round_design import parse_design
from questionnaires.answers import AnswerProblem, CheckedAnswers, check_answers
from survey.demonstration.practice_design import population_of
from survey.demonstration.practice_frame import Integers, Manners
from survey.demonstration.practice_people import (
    Population,
    PracticeAnswers,
    draw_answers,
    form_of,
    issue_counts,
)
from survey.demonstration.practice_truth import TrueValue, true_indices
from survey.errors import BadInput, HailongError
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.invitations import CodeRequest, IssuedCode, issue_invitations
from survey.round_records import find_round, load_questionnaire_of, units_of_round
from survey.rounds import COMMAND_LINE, mark_simulated
from survey.secrets import Secrets
from survey.storage.stores import Stores

MOST_RESPONDENTS = 1_000_000
_TELL_EVERY = 100


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was done: the codes issued and used, and the true values.

    `is_of_frame` says that these are of the whole practice frame, and not of the people in the design's cells alone.
    """

    slug: str
    n_issued: int
    n_respondents: int
    truth: tuple[TrueValue, ...]
    is_of_frame: bool


def simulate_round(
    stores: Stores,
    secrets: Secrets,
    slug: str,
    n_respondents: int,
    seed: int,
    today: date,
    tell: Callable[[int, int], None] = lambda done, total: None,
    *,
    actor: str = COMMAND_LINE,
) -> Simulated:
    """An open round, issued with codes and answered by n practice people; from then on it says that it is simulated.

    The same seed gives the same people and answers; codes, nonces and keys are drawn anew. `tell` is told how many of
    how many have answered. Raises NotFound, BadInput when the design has too few people, and WrongState when the round
    is not open or somebody has answered it.
    """
    if not 1 <= n_respondents <= MOST_RESPONDENTS:
        raise BadInput(f"respondents: found {n_respondents}, expected a whole number from 1 to {MOST_RESPONDENTS}")
    record = find_round(stores, slug)
    questionnaire = load_questionnaire_of(stores, record)
    open_round = round_open_on(record, questionnaire, today)
    design = parse_design(record.design_source, f"design of the round {slug}")
    population, everybody = population_of(questionnaire, record.unit_codes, design, seed, Manners())
    issued = issue_counts(population, n_respondents)
    if issued.sum() < n_respondents:
        raise BadInput(
            f"respondents: found {n_respondents}, expected at most {issued.sum()}, the people in the cells of the "
            f"design of the round {slug}"
        )
    answers = draw_answers(population, issued, n_respondents)
    plan = parse_plan(record.plan_source, f"plan of the round {slug}")
    bloc_of = {unit.code: unit.bloc_code for unit in units_of_round(stores, record)}
    truth = true_indices(population, everybody, plan, [bloc_of[unit] for unit in population.units])
    mark_simulated(stores, slug, actor=actor)
    codes = _issue(stores, secrets, slug, population, issued, actor)
    for done, (cell, channel, unit, checked) in enumerate(_checked(population, answers)):
        code = next(codes[cell, channel])
        outcome = receive_ballot(stores, secrets, open_round, unit, code.qr, new_nonce(), checked)
        if outcome != "received":
            raise HailongError(f"the round {slug}: answer {done + 1} was {outcome}, expected received")
        if (done + 1) % _TELL_EVERY == 0 or done + 1 == n_respondents:
            tell(done + 1, n_respondents)
    return Simulated(slug, int(issued.sum()), n_respondents, truth, everybody.is_frame)


def _issue(
    stores: Stores, secrets: Secrets, slug: str, population: Population, issued: Integers, actor: str
) -> dict[tuple[int, int], Iterator[IssuedCode]]:
    """The codes of each cell and channel, to be taken one after the other."""
    cells = population.cells
    places = [(int(cell), int(channel)) for cell, channel in np.argwhere(issued > 0)]
    requests = [
        CodeRequest(
            unit=population.units[cells.unit[cell]] if cells.unit[cell] >= 0 else "",
            count=int(issued[cell, channel]),
            stratum=cells.strata[cell],
            psu=cells.psus[cell],
            channel=population.channels[channel],
        )
        for cell, channel in places
    ]
    codes = iter(issue_invitations(stores, secrets, slug, requests, actor=actor))
    return {
        place: iter([next(codes) for _ in range(request.count)])
        for place, request in zip(places, requests, strict=True)
    }


def _checked(population: Population, answers: PracticeAnswers) -> Iterator[tuple[int, int, str, CheckedAnswers]]:
    """Cell, channel, the unit that the code is for and the answers of each person, checked as a page checks them."""
    questionnaire = population.questionnaire
    first = np.searchsorted(answers.person, np.arange(len(answers.cell) + 1))
    for person, (cell, channel) in enumerate(zip(answers.cell.tolist(), answers.channel.tolist(), strict=True)):
        form = form_of(questionnaire, answers.common, person)
        units: list[str] = []
        if questionnaire.rates_several_units:
            for rating in range(first[person], first[person + 1]):
                units.append(population.units[answers.unit[rating]])
                form |= form_of(questionnaire, answers.per_unit, rating, f"{units[-1]}.")
        checked = check_answers(questionnaire, form, units) if units else check_answers(questionnaire, form)
        if not isinstance(checked, CheckedAnswers):
            raise HailongError(f"practice answers: found {_complaint(checked)}, expected answers that fit")
        yield cell, channel, "" if units else population.units[answers.unit[person]], checked


def _complaint(problems: tuple[AnswerProblem, ...]) -> str:
    return ", ".join(f"{problem.item}: {problem.reason}" for problem in problems[:3])
