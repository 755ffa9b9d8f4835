"""Expressions over the columns of a table, in the few words of R that subsets, proportions and tests need.

Comparisons (== != < <= > >=), %in% c(…), is.na(…), & | ! , sums and products (+ - * / ^), I(…), abs, log, exp, sqrt and
parentheses, over columns, text, numbers, TRUE and FALSE, with R's precedence. What is computed from a missing value is
missing, but FALSE & NA is false, TRUE | NA is true, and nothing missing is %in% anything.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import SpecError
from analysis.estimation.truths import Truth, Truths, plain_truths, truth_of_column

Floats = npt.NDArray[np.float64]
Token = tuple[str, str]

# Deeper and longer expressions are no question that a person asks, and would exhaust the stack.
MOST_TOKENS = 2_000
MOST_NESTED = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L?|(?P<text>'[^']*'|\"[^\"]*\")|(?P<in>%in%)"
    r"|(?P<sign>==|!=|<=|>=|<|>|&&?|\|\|?|!|\(|\)|,|\+|-|\*|/|\^)|(?P<name>`[^`]+`|[^\W\d][\w.]*|\.[\w.]*))"
)
_COMPARISONS: Mapping[str, Callable[[Floats, Floats], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TEXT_COMPARISONS: Mapping[str, Callable[..., Any]] = {
    "==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "abs": np.abs, "log": np.log, "exp": np.exp, "sqrt": np.sqrt, "as.numeric": np.asarray,
}  # fmt: skip
_TRUTHS = {"TRUE": True, "T": True, "FALSE": False, "F": False}
_SPELLED = (["TRUE", "T"], ["FALSE", "F"])


class Columns(Protocol):
    """Where an expression finds its columns; a Sheet is one."""

    def labels(self, column: str) -> Any:
        """The column as text, NULL where missing."""

    def is_numeric(self, column: str) -> bool:
        """Whether every value that is there is a number."""

    def numbers(self, column: str) -> Floats:
        """The column as numbers (n,), NaN where missing."""


def columns_in(expression: str, place: str = "expression") -> tuple[str, ...]:
    """The columns an expression names, in its order, each once.

    Arguments:
        expression: for example "A3 >= 4 & !is.na(unit)".
        place: where it stands, for messages.

    Raises SpecError where the expression has a sign that is not known.
    """
    tokens = [*_tokens(expression, place), ("end", "")]
    names = [
        value
        for (kind, value), (_, following) in pairwise(tokens)
        if kind == "name" and following != "(" and value not in _TRUTHS
    ]
    return tuple(dict.fromkeys(name.strip("`") for name in names))


def truths_of(expression: str, columns: Columns, place: str = "expression") -> Truth:
    """One truth for each row (n,).

    Arguments:
        expression: one that is true or false, for example "agecat == '(19,39]' & age >= 20", or the name of a column of
            TRUE and FALSE, or of 1 and 0.
        columns: the table.
        place: where the expression stands, for messages.

    Raises SpecError naming what cannot be read, or does not fit its column.
    """
    reader = _Reader(expression, columns, place)
    found = reader.truth(reader.read())
    if not found.is_true.ndim:
        raise SpecError(f"{place}: found no column in {expression!r}, expected one at least")
    return found


def numbers_of(expression: str, columns: Columns, place: str = "expression") -> Floats:
    """One number for each row (n,), NaN where missing.

    Arguments:
        expression: one that is a number, for example "after - before", or true (1) or false (0).
        columns: the table.
        place: where the expression stands, for messages.

    Raises SpecError naming what cannot be read, or does not fit its column.
    """
    reader = _Reader(expression, columns, place)
    found = reader.number(reader.read())
    if not found.ndim:
        raise SpecError(f"{place}: found no column in {expression!r}, expected one at least")
    return np.where(np.isfinite(found), found, np.nan)


def value_of(expression: str, columns: Columns, place: str = "expression") -> Truth | Floats:
    """One truth or one number for each row (n,), whichever the expression is; infinities are kept, NaN where missing.

    Arguments and SpecError as for `truths_of`.
    """
    reader = _Reader(expression, columns, place)
    read = reader.read()
    found = read if isinstance(read, Truth) else reader.number(read)
    if not (found.is_true if isinstance(found, Truth) else found).ndim:
        raise SpecError(f"{place}: found no column in {expression!r}, expected one at least")
    return found


def _tokens(expression: str, place: str) -> list[Token]:
    tokens: list[Token] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise SpecError(f"{place}: found {expression[position:].strip()[:40]!r}, expected a comparison")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        position = match.end()
        if len(tokens) > MOST_TOKENS:
            raise SpecError(f"{place}: found more than {MOST_TOKENS} words, expected a shorter expression")
    return tokens


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is read as what its neighbours need."""

    name: str


# A text literal is a str; a number is an array without dimensions where it is the same in every row.
_Value: TypeAlias = _Column | str | Truth | Floats


class _Reader:
    """A descent through the expression: or, and, not, comparison, sum, product, membership, sign, power, operand."""

    def __init__(self, expression: str, columns: Columns, place: str) -> None:
        self.expression, self.columns, self.place_name = expression, columns, place
        self.tokens = _tokens(expression, place)
        self.place = 0
        self.depth = 0

    def read(self) -> _Value:
        found = self._either()
        if self.place < len(self.tokens):
            raise self._refusal("the end")
        return found

    def truth(self, value: _Value) -> Truth:
        if isinstance(value, Truth):
            return value
        if isinstance(value, _Column) and not self.columns.is_numeric(value.name):
            return self._truths_of_labels(value.name)
        numbers = self.number(value)
        is_true, is_false = numbers == 1.0, numbers == 0.0
        if not (is_true | is_false | np.isnan(numbers)).all():
            what = f"the numbers of {value.name}" if isinstance(value, _Column) else "numbers"
            raise self._complaint(f"{what} in {self.expression!r}", "a comparison, or TRUE and FALSE")
        return Truth(np.asarray(is_true), np.asarray(is_false))

    def number(self, value: _Value) -> Floats:
        if isinstance(value, str):
            raise self._complaint(f"the text {value!r} in {self.expression!r}", "a comparison or a number")
        if isinstance(value, Truth):
            return value.numbers
        if not isinstance(value, _Column):
            return value
        if self.columns.is_numeric(value.name):
            return self.columns.numbers(value.name)
        return self._truths_of_labels(value.name).numbers

    def _truths_of_labels(self, name: str) -> Truth:
        labels = pc.utf8_upper(self.columns.labels(name))
        is_true, is_false = (plain_truths(pc.is_in(labels, value_set=pa.array(words))) for words in _SPELLED)
        if not (is_true | is_false | plain_truths(pc.is_null(labels))).all():
            raise self._complaint(f"the text column {name} in {self.expression!r}", "numbers, or TRUE and FALSE")
        return Truth(is_true, is_false)

    def _either(self) -> _Value:
        found = self._both()
        while self._take("|", "||"):
            one, other = self.truth(found), self.truth(self._both())
            found = Truth(one.is_true | other.is_true, one.is_false & other.is_false)
        return found

    def _both(self) -> _Value:
        found = self._negated()
        while self._take("&", "&&"):
            one, other = self.truth(found), self.truth(self._negated())
            found = Truth(one.is_true & other.is_true, one.is_false | other.is_false)
        return found

    def _negated(self) -> _Value:
        if not self._take("!"):
            return self._comparison()
        self._deeper()
        found = self.truth(self._negated())
        self.depth -= 1
        return Truth(found.is_false, found.is_true)

    def _comparison(self) -> _Value:
        left = self._sum()
        for sign in _COMPARISONS:
            if self._take(sign):
                return self._compared(left, sign, self._sum())
        return left

    def _sum(self) -> _Value:
        found = self._product()
        while (sign := self._taken("+", "-")) is not None:
            right = self.number(self._product())
            found = self.number(found) + right if sign == "+" else self.number(found) - right
        return found

    def _product(self) -> _Value:
        found = self._member()
        while (sign := self._taken("*", "/")) is not None:
            right = self.number(self._member())
            with np.errstate(all="ignore"):
                found = self.number(found) * right if sign == "*" else self.number(found) / right
        return found

    def _member(self) -> _Value:
        found = self._signed()
        while self._take("%in%"):
            found = self._among(found)
        return found

    def _signed(self) -> _Value:
        if self._take("+"):
            return self.number(self._signed_deeper())
        if self._take("-"):
            return -self.number(self._signed_deeper())
        return self._power()

    def _signed_deeper(self) -> _Value:
        self._deeper()
        found = self._signed()
        self.depth -= 1
        return found

    def _power(self) -> _Value:
        found = self._operand()
        if not self._take("^"):
            return found
        with np.errstate(all="ignore"):
            return np.asarray(self.number(found) ** self.number(self._signed_deeper()))

    def _operand(self) -> _Value:
        kind, value = self._next("a column or a value")
        if kind == "number":
            return np.asarray(float(value))
        if kind == "text":
            return value[1:-1]
        if value == "(":
            return self._inside()
        if kind != "name":
            raise self._refusal("a column or a value", back=1)
        if value in _TRUTHS:
            return Truth(np.asarray(_TRUTHS[value]), np.asarray(not _TRUTHS[value]))
        if self._take("("):
            return self._called(value)
        return _Column(value.strip("`"))

    def _inside(self) -> _Value:
        self._deeper()
        found = self._either()
        self.depth -= 1
        self._expect(")")
        return found

    def _called(self, name: str) -> _Value:
        if name not in ("is.na", "I", *_FUNCTIONS):
            raise self._complaint(f"the function {name}", f"one of is.na, I, {', '.join(_FUNCTIONS)}")
        found = self._inside()
        if name == "I":
            return found
        if name == "is.na":
            is_missing = self._missing(found)
            return Truth(is_missing, ~is_missing)
        with np.errstate(all="ignore"):
            return np.asarray(_FUNCTIONS[name](self.number(found)), dtype=np.float64)

    def _missing(self, value: _Value) -> Truths:
        if isinstance(value, _Column):
            return plain_truths(pc.is_null(self.columns.labels(value.name)))
        return np.isnan(self.number(value))

    def _among(self, left: _Value) -> Truth:
        # In R nothing missing is ever among the values, so that the answer is always true or false.
        values = self._list() if self._is_list() else [self._power()]
        is_among = self._compared(left, "==", values[0]).is_true
        for value in values[1:]:
            is_among = is_among | self._compared(left, "==", value).is_true
        return Truth(is_among, ~is_among)

    def _is_list(self) -> bool:
        return self.tokens[self.place : self.place + 2] == [("name", "c"), ("sign", "(")]

    def _list(self) -> list[_Value]:
        self.place += 2
        values = [self._signed()]
        while self._take(","):
            values.append(self._signed())
        self._expect(")")
        return values

    def _compared(self, left: _Value, sign: str, right: _Value) -> Truth:
        sides = (left, right)
        if any(isinstance(side, Truth) for side in sides):
            one, other = (self.truth(side).numbers if self._is_text(side) else self.number(side) for side in sides)
        elif any(isinstance(side, str) for side in sides) or all(self._is_text(side) for side in sides):
            return truth_of_column(_TEXT_COMPARISONS[sign](*(self._text(side) for side in sides)))
        else:
            for side in sides:
                if isinstance(side, _Column) and self._is_text(side):
                    raise self._complaint(f"a number beside the text column {side.name}", "quoted text")
            one, other = (self.number(side) for side in sides)
        holds = np.asarray(_COMPARISONS[sign](one, other))
        is_known = ~(np.isnan(one) | np.isnan(other))
        return Truth(holds & is_known, ~holds & is_known)

    def _is_text(self, value: _Value) -> bool:
        if isinstance(value, _Column):
            return not self.columns.is_numeric(value.name)
        return isinstance(value, str)

    def _text(self, value: _Value) -> Any:
        if isinstance(value, _Column):
            return self.columns.labels(value.name)
        if isinstance(value, str):
            return value
        raise self._complaint(f"text beside a number in {self.expression!r}", "two of one kind")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self._complaint(f"more than {MOST_NESTED} levels", "a simpler expression")

    def _next(self, expected: str) -> Token:
        if self.place >= len(self.tokens):
            raise self._refusal(expected)
        self.place += 1
        return self.tokens[self.place - 1]

    def _taken(self, *signs: str) -> str | None:
        if self.place < len(self.tokens):
            kind, value = self.tokens[self.place]
            if kind in ("sign", "in") and value in signs:
                self.place += 1
                return value
        return None

    def _take(self, *signs: str) -> bool:
        return self._taken(*signs) is not None

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refusal(sign)

    def _refusal(self, expected: str, back: int = 0) -> SpecError:
        at = self.place - back
        found = self.tokens[at][1] if at < len(self.tokens) else "the end"
        return self._complaint(f"{found} in {self.expression!r}", expected)

    def _complaint(self, found: str, expected: str) -> SpecError:
        return SpecError(f"{self.place_name}: found {found}, expected {expected}")
