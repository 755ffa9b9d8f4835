"""Model formulas in the words of R: which columns explain which, and the matrix of numbers that this means.

`y ~ a + b`, `a * b`, `a:b`, `(a + b)^2`, `a / b`, `- 1`, `+ 0`, `factor(x)`, `I(x == "Yes")`, `I(a - b)`, `log(x)`;
names may hold dots, or anything within backticks.

Source: Wilkinson and Rogers (1973), "Symbolic description of factorial models"; R, formula and model.matrix.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from analysis.errors import SpecError

Term = tuple[str, ...]
Token = tuple[str, str]
FUNCTIONS = ("factor", "as.factor", "ordered", "I", "log", "log2", "log10", "log1p", "exp", "sqrt", "abs")
MOST_TERMS = 500
# Deeper and longer formulas are no question that a person asks, and would exhaust the stack.
MOST_TOKENS = 2_000
MOST_NESTED = 40
_CONSTANT: Term = ()
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<sign>%\w*%|==|!=|<=|>=|&&?|\|\|?|[<>!+*:^/(),~-])|(?P<name>`[^`]+`|[^\W\d][\w.]*|\.[\w.]*))"
)
# R writes these without blanks beside them, and every other sign between two values with.
_TIGHT = ("^", ":", "/")
_WORDS = ("TRUE", "FALSE", "T", "F", "NA")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes:
        text: as it was written.
        response: the label of what is explained; None where nothing stands before the `~`.
        terms: the labels of the variables of each term, main effects first; the constant is not among them.
        has_intercept: whether the model has a constant.
        variables: what each label means: a function of FUNCTIONS, "" for none, and its argument, else the column.
    """

    text: str
    response: str | None
    terms: tuple[Term, ...]
    has_intercept: bool
    variables: Mapping[str, tuple[str, str]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the formula names, each once."""
        found: list[str] = []
        for function, argument in self.variables.values():
            found += _columns_in(argument) if function else [argument]
        return tuple(dict.fromkeys(found))

    @property
    def explaining(self) -> tuple[str, ...]:
        """The labels of the variables on the right, in the order of the formula."""
        used = {label for term in self.terms for label in term}
        return tuple(label for label in self.variables if label in used)


def parse_formula(text: str, place: str) -> Formula:
    """The formula that a text holds.

    Arguments:
        text: for example "score ~ age * factor(region)".
        place: where it stands, for messages.

    Raises SpecError naming what was found and expected, also for functions that are not among FUNCTIONS and for `.`,
    offset and nested functions, which would need a table or another model to have a meaning.
    """
    return _Reader(text, place).read()


def term_label(term: Term) -> str:
    """A term as R spells it, "a:b"."""
    return ":".join(term)


class _Reader:
    """A descent through the formula: sums, crossings, interactions, powers, variables."""

    def __init__(self, text: str, place: str) -> None:
        self.text, self.origin = text, place
        self.tokens = self._tokens()
        self.place = 0
        self.depth = 0
        self.variables: dict[str, tuple[str, str]] = {}

    def read(self) -> Formula:
        response = None
        if not self._take("~"):
            response = self._variable()
            self._expect("~")
        terms = self._sum()
        if self.place < len(self.tokens):
            raise self._refusal("the end")
        has_intercept = _CONSTANT in terms
        order = list(self.variables)
        found = [tuple(sorted(term, key=order.index)) for term in terms if term]
        distinct = sorted(dict.fromkeys(found), key=len)
        if response is not None and any(response in term for term in distinct):
            raise SpecError(f"{self.origin}: found {response} on both sides of {self.text!r}, expected it on one")
        return Formula(self.text, response, tuple(distinct), has_intercept, self.variables)

    def _sum(self) -> list[Term]:
        # The constant is there until it is taken away.
        terms: list[Term] = [_CONSTANT]
        is_added = not self._take("-")
        while True:
            if self._take("0"):
                terms = _without(terms, [_CONSTANT]) if is_added else _union(terms, [_CONSTANT])
            else:
                found = self._crossing()
                terms = _union(terms, found) if is_added else _without(terms, found)
            self._check_size(terms)
            if self._take("+"):
                is_added = True
            elif self._take("-"):
                is_added = False
            else:
                return terms

    def _crossing(self) -> list[Term]:
        left = self._interaction()
        while self._peek() in ("*", "/"):
            is_crossed = self._take("*")
            if not is_crossed:
                self._expect("/")
            right = self._interaction()
            if is_crossed:
                left = _union(left, right, _products(left, right))
            else:
                whole = tuple(dict.fromkeys(label for term in left for label in term))
                left = _union(left, _products([whole], right))
            self._check_size(left)
        return left

    def _interaction(self) -> list[Term]:
        left = self._power()
        while self._take(":"):
            left = _products(left, self._power())
            self._check_size(left)
        return left

    def _power(self) -> list[Term]:
        base = self._part()
        if not self._take("^"):
            return base
        kind, value = self._next("a whole number")
        if kind != "number" or value not in ("1", "2", "3", "4", "5"):
            raise self._refusal("a power from 1 to 5", back=1)
        found = base
        for _ in range(int(value) - 1):
            found = _union(found, _products(found, base))
            self._check_size(found)
        return found

    def _part(self) -> list[Term]:
        if self._take("1"):
            return [_CONSTANT]
        if self._take("("):
            # A constant within parentheses is that of the whole formula.
            self.depth += 1
            if self.depth > MOST_NESTED:
                raise SpecError(f"{self.origin}: found more than {MOST_NESTED} levels, expected a simpler formula")
            inner = self._sum()
            self.depth -= 1
            self._expect(")")
            return [term for term in inner if term] or [_CONSTANT]
        return [(self._variable(),)]

    def _variable(self) -> str:
        kind, name = self._next("a column or a function")
        if kind != "name":
            raise self._refusal("a column or a function", back=1)
        if name == ".":
            raise SpecError(f"{self.origin}: found . in {self.text!r}, expected the columns by their names")
        if self._peek() != "(" or name.startswith("`"):
            label = name.strip("`")
            self.variables.setdefault(label, ("", label))
            return label
        if name not in FUNCTIONS:
            raise SpecError(f"{self.origin}: found the function {name}, known are {', '.join(FUNCTIONS)}")
        argument = self._argument()
        label = f"{name}({_deparsed(argument)})"
        self.variables.setdefault(label, (name, _source(argument)))
        return label

    def _argument(self) -> list[Token]:
        """The tokens within the parentheses that open here, of which `I` may hold any and others no list."""
        self._expect("(")
        depth, start = 1, self.place
        while depth:
            value = self._next(")")[1]
            depth += {"(": 1, ")": -1}.get(value, 0)
            if value == "," and depth == 1:
                raise self._refusal("one argument", back=1)
        argument = self.tokens[start : self.place - 1]
        if not argument:
            raise self._refusal("an expression", back=1)
        return argument

    def _tokens(self) -> list[Token]:
        found: list[Token] = []
        position = 0
        end = len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise SpecError(f"{self.origin}: found {self.text[position:].strip()[:40]!r}, expected a formula")
            found.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
            if len(found) > MOST_TOKENS:
                raise SpecError(f"{self.origin}: found more than {MOST_TOKENS} words, expected a shorter formula")
        return found

    def _check_size(self, terms: list[Term]) -> None:
        if len(terms) > MOST_TERMS:
            raise SpecError(f"{self.origin}: found more than {MOST_TERMS} terms in {self.text[:60]!r}, expected fewer")

    def _peek(self) -> str | None:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else None

    def _next(self, expected: str) -> Token:
        if self.place >= len(self.tokens):
            raise self._refusal(expected)
        self.place += 1
        return self.tokens[self.place - 1]

    def _take(self, sign: str) -> bool:
        if self._peek() == sign:
            self.place += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refusal(sign)

    def _refusal(self, expected: str, back: int = 0) -> SpecError:
        at = self.place - back
        found = self.tokens[at][1] if at < len(self.tokens) else "the end"
        return SpecError(f"{self.origin}: found {found} in {self.text!r}, expected {expected}")


def _union(*parts: list[Term]) -> list[Term]:
    found: dict[frozenset[str], Term] = {}
    for part in parts:
        for term in part:
            found.setdefault(frozenset(term), term)
    return list(found.values())


def _without(terms: list[Term], others: list[Term]) -> list[Term]:
    unwanted = {frozenset(term) for term in others}
    return [term for term in terms if frozenset(term) not in unwanted]


def _products(left: list[Term], right: list[Term]) -> list[Term]:
    return _union([tuple(dict.fromkeys((*a, *b))) for a in left for b in right])


def _columns_in(argument: str) -> list[str]:
    tokens = [(str(match.lastgroup), match[str(match.lastgroup)]) for match in _TOKEN.finditer(argument)]
    following = [value for _, value in tokens[1:]] + [""]
    return [
        value.strip("`")
        for (kind, value), then in zip(tokens, following, strict=True)
        if kind == "name" and value not in _WORDS and then != "("
    ]


def _source(tokens: list[Token]) -> str:
    return " ".join(value for _, value in tokens)


def _deparsed(tokens: list[Token]) -> str:
    """An expression as R writes it back: blanks about signs between two values, double quotation marks."""
    written: list[str] = []
    may_be_binary = False
    for kind, value in tokens:
        if kind == "number":
            written.append(spelled(float(value)))
        elif kind == "text":
            written.append('"' + value[1:-1].replace("\\", "\\\\").replace('"', '\\"') + '"')
        elif value == ",":
            written.append(", ")
        elif kind == "sign" and value not in "()" and may_be_binary and value not in _TIGHT:
            written.append(f" {value} ")
        else:
            written.append(value)
        may_be_binary = kind != "sign" or value == ")"
    return "".join(written)


def spelled(number: float) -> str:
    """A number as R writes it: 15 digits, with an exponent where that is shorter."""
    fixed = f"{number:.15g}"
    if "e" not in fixed:
        digits, _, power = f"{number:.14e}".partition("e")
        mantissa = digits.rstrip("0").rstrip(".")
        exponent = int(power)
        short = f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
        return short if len(short) < len(fixed) else fixed
    return fixed
