"""What the reader of questionnaires complains of."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong in a questionnaire file, and where.

    `line` counts from 1; `key` is the path of the key ("sections[0].items[2].kind"), empty for the whole file.
    """

    origin: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.origin}:{self.line}: "
        return f"{place}{self.key}: {self.message}" if self.key else f"{place}{self.message}"


class QuestionnaireError(Exception):
    """The root of what this package refuses; the message is one line in the reader's words.

    `complaints` lists everything that is wrong in a file; it is empty when the error is about something else.
    """

    def __init__(self, message: str, complaints: Sequence[Complaint] = ()) -> None:
        super().__init__(message)
        self.complaints = tuple(complaints)

    @classmethod
    def from_complaints(cls, complaints: Sequence[Complaint]) -> "QuestionnaireError":
        """One error for all complaints of a file: the first in full, and how many more there are."""
        more = len(complaints) - 1
        tail = f" (and {more} more complaint{'s' if more > 1 else ''})" if more else ""
        return cls(f"{complaints[0]}{tail}", complaints)
