"""Which rows of a table satisfy an expression, in the few words of R that name a subset.

Comparisons (== != < <= > >=), %in% c(…), is.na(…), & | ! and parentheses over columns, text, numbers, TRUE and FALSE.
A comparison with a missing value is neither true nor false, and a row where the whole is not true is left out.
"""

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import SpecError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<text>'[^']*'|\"[^\"]*\")|(?P<in>%in%)"
    r"|(?P<sign>==|!=|<=|>=|<|>|&&?|\|\|?|!|\(|\)|,|-)|(?P<name>`[^`]+`|[^\W\d][\w.]*|\.[\w.]*))"
)
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
Token = tuple[str, str]


def columns_in(expression: str) -> tuple[str, ...]:
    """The columns an expression names, in its order.

    Raises SpecError where the expression has a sign that is not known.
    """
    tokens = _tokens(expression)
    words = {"TRUE", "FALSE", "T", "F", "c", "is.na"}
    return tuple(dict.fromkeys(value for kind, value in tokens if kind == "name" and value not in words))


def rows_satisfying(
    expression: str, labels: Callable[[str], pa.Array], numbers: Callable[[str], pa.Array | None]
) -> pa.Array:
    """One boolean for each row: true where the expression is true.

    Arguments:
        expression: for example "agecat == '(19,39]' & age >= 20".
        labels: gives a column as text.
        numbers: gives a column as numbers, or None where it is not numeric.

    Raises SpecError where the expression cannot be read.
    """
    return pc.fill_null(_Reader(expression, labels, numbers).read(), False)


def _tokens(expression: str) -> list[Token]:
    tokens, position = [], 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if match is None:
            raise SpecError(f"design.subset: found {expression[position:].strip()!r}, expected a comparison")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind].strip("`") if kind == "name" else match[kind]))
        position = match.end()
    return tokens


class _Reader:
    """A descent through the expression: or, and, not, comparison."""

    def __init__(
        self, expression: str, labels: Callable[[str], pa.Array], numbers: Callable[[str], pa.Array | None]
    ) -> None:
        self.expression, self.labels, self.numbers = expression, labels, numbers
        self.tokens = _tokens(expression)
        self.place = 0

    def read(self) -> pa.Array:
        found = self._either()
        if self.place < len(self.tokens):
            raise self._refusal("the end")
        return found

    def _either(self) -> pa.Array:
        found = self._both()
        while self._take("|", "||"):
            found = pc.or_kleene(found, self._both())
        return found

    def _both(self) -> pa.Array:
        found = self._negated()
        while self._take("&", "&&"):
            found = pc.and_kleene(found, self._negated())
        return found

    def _negated(self) -> pa.Array:
        if self._take("!"):
            return pc.invert(self._negated())
        if self._take("("):
            found = self._either()
            self._expect(")")
            return found
        return self._comparison()

    def _comparison(self) -> pa.Array:
        kind, name = self._next("a column")
        if kind != "name":
            raise self._refusal("a column", back=1)
        if name == "is.na":
            self._expect("(")
            column = self._next("a column")[1]
            self._expect(")")
            return pc.is_null(self.labels(column))
        sign = self._next("a comparison")[1]
        if sign == "%in%":
            return self._among(name)
        if sign not in _COMPARISONS:
            raise self._refusal("a comparison", back=1)
        return self._compared(name, sign, self._literal())

    def _among(self, name: str) -> pa.Array:
        # In R nothing missing is ever among the values, so that the answer is always true or false.
        if not self._take("c"):
            return pc.fill_null(self._compared(name, "==", self._literal()), False)
        self._expect("(")
        found = pc.fill_null(self._compared(name, "==", self._literal()), False)
        while self._take(","):
            found = pc.or_(found, pc.fill_null(self._compared(name, "==", self._literal()), False))
        self._expect(")")
        return found

    def _compared(self, name: str, sign: str, literal: str | float) -> pa.Array:
        if isinstance(literal, float):
            numbers = self.numbers(name)
            if numbers is None:
                raise SpecError(f"design.subset: found a number beside the text column {name}, expected quoted text")
            return _COMPARISONS[sign](numbers, literal)
        return _COMPARISONS[sign](self.labels(name), literal)

    def _literal(self) -> str | float:
        kind, value = self._next("a value")
        if (kind, value) == ("sign", "-"):
            kind, value = self._next("a number")
            value = f"-{value}"
        if kind == "number":
            return float(value)
        if kind == "text":
            return value[1:-1]
        if value in ("TRUE", "FALSE", "T", "F"):
            return "TRUE" if value.startswith("T") else "FALSE"
        raise self._refusal("a value", back=1)

    def _next(self, expected: str) -> Token:
        if self.place >= len(self.tokens):
            raise self._refusal(expected)
        self.place += 1
        return self.tokens[self.place - 1]

    def _take(self, *signs: str) -> bool:
        if self.place < len(self.tokens) and self.tokens[self.place][1] in signs:
            self.place += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refusal(sign)

    def _refusal(self, expected: str, back: int = 0) -> SpecError:
        at = self.place - back
        found = self.tokens[at][1] if at < len(self.tokens) else "the end"
        return SpecError(f"design.subset: found {found} in {self.expression!r}, expected {expected}")
