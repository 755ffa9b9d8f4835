"""The sentences that people read, in Vietnamese and in English, and how numbers and dates are written in each.

A folder of templates holds its sentences in `texts.yaml`:

    received_title:
      vi: Đã nhận phiếu của bạn
      en: Your answers have been received
    answers_counted:
      vi: "{count} phiếu"
      en: {one: "{count} answer sheet", other: "{count} answer sheets"}

What citizens read is there in Korean, Chinese and Japanese too (`ko`, `zh`, `ja`); a file has the same languages under
every key. A sentence is plain text, never HTML; what stands in braces is given when the sentence is asked for. English
may have a form for one and a form for the others, chosen by `count`; the other languages need none.
"""

import datetime as dt
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import jinja2
import yaml

from survey.errors import BadInput

LANGUAGES = ("vi", "en")
# Citizens read in more languages than officers: a file of texts has either the two or all of these.
CITIZEN_LANGUAGES = ("vi", "en", "ko", "zh", "ja")
MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_FORMS = ("one", "other")
_VIETNAMESE_SIGNS = str.maketrans(",.", ".,")
_FORMATTER = string.Formatter()

Translate = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in one language: the form for a count of one and the form for every other."""

    one: str
    other: str

    def placeholders(self) -> frozenset[str]:
        """The names that stand in braces in either form."""
        return _placeholders(self.one) | _placeholders(self.other)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of one or more folders: every key has every language, and the same names in braces in each."""

    sentences: Mapping[str, Mapping[str, Sentence]]
    origin: str
    languages: tuple[str, ...] = LANGUAGES

    @classmethod
    def load(cls, *directories: Path) -> "Catalogue":
        """The sentences of `texts.yaml` in each of the folders together, in the languages that all of them have.

        Raises BadInput when a file cannot be read, a key is defined twice, a language is missing, or the languages
        do not name the same values in braces.
        """
        sentences: dict[str, dict[str, Sentence]] = {}
        languages: tuple[str, ...] = CITIZEN_LANGUAGES
        for directory in directories:
            path = directory / "texts.yaml"
            for key, by_language in _read(path):
                if key in sentences:
                    raise BadInput(f"{path}: found the text {key} a second time, expected each key once")
                sentences[key] = by_language
                languages = tuple(language for language in languages if language in by_language)
        return cls(sentences, ", ".join(directory.name for directory in directories), languages)

    def text(self, key: str, language: str, **values: object) -> str:
        """The sentence of a key with its values filled in; raises KeyError for an unknown key or a value not given.

        `count` chooses between the English forms and is itself written as a whole number in the language.
        """
        if key not in self.sentences:
            raise KeyError(f"the texts of {self.origin} hold no key {key!r}")
        sentence = self.sentences[key][language]
        count = values.get("count")
        form = sentence.one if count == 1 else sentence.other
        if isinstance(count, int):
            values = {**values, "count": number(count, 0, language)}
        return form.format(**values)

    def translator(self, language: str) -> Translate:
        """The function that templates call `t`: a key and its values in, the sentence in this language out."""
        if language not in self.languages:
            raise KeyError(f"the texts of {self.origin} are written in {', '.join(self.languages)}, not {language!r}")

        def translate(key: str, /, **values: object) -> str:
            return self.text(key, language, **values)

        return translate


def number(value: float | None, decimals: int, language: str) -> str:
    """The number with a fixed count of decimals: `1.234,5` in Vietnamese, `1,234.5` elsewhere, `–` when absent.

    Halves go away from zero, as readers expect, judged on the shortest decimal that stands for the float. The minus is
    U+2212, which screen readers and line breaking treat as a sign; a zero carries none.
    """
    if value is None or not isfinite(value):
        return ABSENT
    rounded: Decimal | int
    if decimals == 0 and isinstance(value, int):
        # Most figures are counts, and a page of them is thousands.
        rounded, digits = value, f"{abs(value):,}"
    else:
        rounded = Decimal(repr(float(value)) if isinstance(value, float) else str(value)).quantize(
            Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP
        )
        digits = f"{abs(rounded):,f}"
    if language == "vi":
        digits = digits.translate(_VIETNAMESE_SIGNS)
    return MINUS + digits if rounded < 0 else digits


def plain_number(value: float | None, language: str) -> str:
    """The number with the decimals it was written with: `89,4`; `–` when absent."""
    if value is None or not isfinite(value):
        return ABSENT
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return number(value, max(0, -exponent) if isinstance(exponent, int) else 0, language)


def signed(value: float | None, decimals: int, language: str) -> str:
    """The number with its sign always shown: `+1,4`, `−11,9`, and `0,0` when it rounds to nothing."""
    shown = number(value, decimals, language)
    has_digits = any(symbol in "123456789" for symbol in shown)
    return "+" + shown if has_digits and not shown.startswith(MINUS) else shown


def percent(share: float | None, decimals: int, language: str) -> str:
    """A share between 0 and 1 as a percentage: 0.687 is `68,7%` in Vietnamese, `68.7%` in English."""
    if share is None or not isfinite(share):
        return ABSENT
    # Decimal keeps 0.285 at 28.5, where the product of floats would give 28.499999999999996.
    return number(float(Decimal(repr(float(share))) * 100), decimals, language) + "%"


def interval(low: float | None, high: float | None, decimals: int, language: str) -> str:
    """Two ends of an interval: `73,7–76,7`; with a negative end the dash gives way to a word: `−3,2 đến 1,4`."""
    if low is None or high is None:
        return ABSENT
    ends = number(low, decimals, language), number(high, decimals, language)
    if any(end.startswith(MINUS) for end in ends):
        return f" {'đến' if language == 'vi' else 'to'} ".join(ends)
    return ABSENT.join(ends)


def date(value: dt.date | str | None, language: str) -> str:
    """A day as people write it: `23/11/2026` in Vietnamese, `23 November 2026` in English, `2026年11月23日` in Chinese.

    ISO text is read too.
    """
    if value is None:
        return ABSENT
    day = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    if language == "vi":
        return f"{day.day:02d}/{day.month:02d}/{day.year}"
    if language == "ko":
        return f"{day.year}년 {day.month}월 {day.day}일"
    if language in ("zh", "ja"):
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def install_filters(environment: jinja2.Environment) -> None:
    """Gives templates the filters number, plain_number, signed, percent, interval and date, in the page's language.

    They read the variable `language` of the context, so that one environment serves both languages; a file of macros
    that uses them is imported `with context`.
    """
    environment.filters["number"] = _with_language(number)
    environment.filters["plain_number"] = _with_language(plain_number)
    environment.filters["signed"] = _with_language(signed)
    environment.filters["percent"] = _with_language(percent)
    environment.filters["interval"] = _with_language(interval)
    environment.filters["date"] = _with_language(date)


def _with_language(write: Callable[..., str]) -> Callable[..., str]:
    @jinja2.pass_context
    def filtered(context: jinja2.runtime.Context, *arguments: Any) -> str:
        language = context.get("language")
        if language not in CITIZEN_LANGUAGES:
            raise KeyError("the template has no variable `language`; a file of macros is imported `with context`")
        return write(*arguments, language)

    return filtered


def _placeholders(form: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in _FORMATTER.parse(form) if name is not None)


def _read(path: Path) -> Iterator[tuple[str, dict[str, Sentence]]]:
    try:
        source = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise BadInput(f"{path}: the texts cannot be read ({problem.strerror})") from problem
    try:
        # The node tree, not the loaded dict, because a dict forgets a key that was written twice and every line number.
        root = yaml.compose(unicodedata.normalize("NFC", source), Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        raise BadInput(f"{path}: found text that is not YAML ({problem})") from problem
    languages: tuple[str, ...] = ()
    for key, node in _pairs(root, path):
        forms = dict(_pairs(node, path))
        # The first key says which languages the file has.
        languages = languages or (CITIZEN_LANGUAGES if set(forms) - set(LANGUAGES) else LANGUAGES)
        if sorted(forms) != sorted(languages):
            raise BadInput(_complaint(path, node, f"{key}: found {_listed(forms)}", " and ".join(languages)))
        by_language = {language: _sentence(forms[language], path, key) for language in languages}
        names = {language: sentence.placeholders() for language, sentence in by_language.items()}
        for language in languages[1:]:
            if names[language] != names["vi"]:
                found = f"{{{_listed(names['vi'])}}} in vi and {{{_listed(names[language])}}} in {language}"
                raise BadInput(_complaint(path, node, f"{key}: found {found}", "the same names in braces"))
        yield key, by_language


def _sentence(node: yaml.Node, path: Path, key: str) -> Sentence:
    if isinstance(node, yaml.MappingNode):
        forms = dict(_pairs(node, path))
        if sorted(forms) != sorted(_FORMS):
            raise BadInput(_complaint(path, node, f"{key}: found {_listed(forms)}", "one and other"))
        return Sentence(_scalar(forms["one"], path, key), _scalar(forms["other"], path, key))
    text = _scalar(node, path, key)
    return Sentence(text, text)


def _scalar(node: yaml.Node, path: Path, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise BadInput(_complaint(path, node, f"{key}: found no text", "a sentence"))
    text = str(node.value).strip()
    try:
        _placeholders(text)
    except ValueError as problem:
        raise BadInput(_complaint(path, node, f"{key}: found {problem}", "names in pairs of braces")) from problem
    return text


def _pairs(node: yaml.Node | None, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(f"{path}: found no keys with texts, expected `key: {{vi: …, en: …}}`")
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in seen:
            raise BadInput(_complaint(path, key_node, f"{key} a second time", "each key once"))
        seen.add(key)
        yield key, value_node


def _complaint(path: Path, node: yaml.Node, found: str, expected: str) -> str:
    return f"{path}:{node.start_mark.line + 1}: {found}, expected {expected}"


def _listed(names: Mapping[str, object] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
