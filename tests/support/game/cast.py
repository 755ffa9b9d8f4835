"""Who plays the unlinkability game: respondents with distinct answers, in an order that the adversary knows."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ITEMS = tuple(f"q{number}" for number in range(1, 13))
NUMBER = "wait"
TEXT = "say"
# What the archive keeps of an answer, as the adversary compares it: the items' codes, then the number.
Vector = tuple[str, ...]
Habit = Literal["plain", "double_click", "retry", "abandon"]

ODD_HABITS: tuple[Habit, ...] = ("double_click", "retry", "abandon")
SHARE_OF_EACH_HABIT = 0.05

QUESTIONNAIRE = (
    """\
questionnaire: 1
name: game
version: "1"
title: {vi: Phiếu thử, en: Form of the game}
model_name: Game
scales:
  five:
"""
    + "".join(
        f'    - {{code: "{code}", value: {code}, label: {{vi: Mức {code}, en: Level {code}}}}}\n'
        for code in range(1, 6)
    )
    + """\
sections:
  - code: all
    title: {vi: Câu hỏi, en: Questions}
    items:
"""
    + "".join(
        f"      - {{code: {item}, kind: single, scale: five, required: true, "
        f"text: {{vi: Câu {item}, en: Item {item}}}}}\n"
        for item in ITEMS
    )
    + f"      - {{code: {NUMBER}, kind: number, minimum: 1, maximum: 99999, whole: true, "
    "text: {vi: Số phút, en: Minutes}}\n"
    f"      - {{code: {TEXT}, kind: text, longest: 400, text: {{vi: Ý kiến, en: Comment}}}}\n"
)


@dataclass(frozen=True, slots=True)
class Answers:
    """One respondent's answers; no two respondents of a cast have the same vector."""

    unit: str
    vector: Vector
    say: str

    def form(self) -> dict[str, str]:
        """What a browser sends of them."""
        return {**dict(zip((*ITEMS, NUMBER), self.vector, strict=True)), TEXT: self.say}

    def as_json(self) -> str:
        """How a careless program would write them down."""
        return json.dumps(self.form(), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Respondent:
    """One invitation: who holds it, what they answer, how they behave."""

    number: int
    answers: Answers
    habit: Habit

    @property
    def address(self) -> str:
        """An address of this machine that nobody else of the cast uses."""
        return f"127.{83 + self.number // 60_000}.{1 + self.number // 240 % 250}.{1 + self.number % 240}"

    @property
    def is_counted(self) -> bool:
        return self.habit != "abandon"


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who was invited, in the order in which they come."""

    respondents: tuple[Respondent, ...]
    k: int

    @property
    def counted(self) -> tuple[Respondent, ...]:
        return tuple(respondent for respondent in self.respondents if respondent.is_counted)


def make_cast(units: Sequence[str], k: int, seed: int) -> Cast:
    """`k` respondents of each unit who answer, and five in a hundred more who give up, in a random order."""
    draw = random.Random(seed)  # noqa: S311 - a game that can be played again
    n_odd = round(k * SHARE_OF_EACH_HABIT)
    places = [unit for unit in units for _ in range(k + n_odd)]
    numbers = draw.sample(range(10_000, 99_999), len(places))
    lengths = {unit: draw.sample(range(20, 20 + 2 * (k + n_odd), 2), k + n_odd) for unit in units}
    answers = [
        Answers(
            unit,
            (*(str(draw.randint(1, 5)) for _ in ITEMS), str(number)),
            _comment(draw, number, lengths[unit].pop()),
        )
        for unit, number in zip(places, numbers, strict=True)
    ]
    habits: list[Habit] = []
    for _ in units:
        kinds: list[Habit] = [kind for kind in ODD_HABITS for _ in range(n_odd)]
        habits += kinds + ["plain"] * (k + n_odd - len(kinds))
    pairs = list(zip(answers, habits, strict=True))
    draw.shuffle(pairs)
    return Cast(tuple(Respondent(number, *pair) for number, pair in enumerate(pairs)), k)


def _comment(draw: random.Random, number: int, length: int) -> str:
    """A comment that nobody else writes, of a length that nobody else in the unit has: a canary for searches."""
    canary = f"canary{number}x"
    return (
        (canary + "".join(draw.choice("abcdefghi klmno") for _ in range(length)))[:length].rstrip().ljust(length, ".")
    )


def vector_of(found: Mapping[str, object]) -> Vector | None:
    """The vector in a record of answers, however its values are spelled; None where one is missing."""
    try:
        return (*(str(found[item]) for item in ITEMS), str(int(float(str(found[NUMBER])))))
    except (KeyError, ValueError):
        return None


def vector_in(text: str) -> Vector | None:
    """The vector in a text, if the text is answers in JSON, alone or inside something else."""
    if f'"{NUMBER}"' not in text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    inner = found.get("answers", found) if isinstance(found, dict) else None
    return vector_of(inner) if isinstance(inner, dict) else None
