"""Reading fields out of marked YAML: every wrong field is a complaint, and a placeholder lets the reading go on.

Placeholders are how one reading reports everything that is wrong with a file. They never leave this package: a file
with a complaint is refused as a whole.
"""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from questionnaires.errors import Complaint, QuestionnaireError
from questionnaires.marked_yaml import MOST_COMPLAINTS, Entries, Fields, MarkedNode, Scalar, list_words, quote
from questionnaires.model import FURTHER_LANGUAGES, LANGUAGES, Text

LONGEST_TEXT = 1000
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


class Notes:
    """What was found wrong in a file so far, and the line of every key."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._complaints: list[Complaint] = []
        self._lines: dict[str, int] = {}
        self._spoiled: set[str] = set()

    def place(self, path: str, line: int) -> None:
        self._lines[path] = line

    def complain(self, path: str, message: str) -> None:
        # A key that is missing has no line of its own: the nearest thing around it has.
        placed = path
        while placed and placed not in self._lines:
            placed = _parent_of(placed)
        self._complaints.append(Complaint(self._origin, self._lines.get(placed, 1), path, message))
        spoiled = path
        while spoiled and spoiled not in self._spoiled:
            self._spoiled.add(spoiled)
            spoiled = _parent_of(spoiled)

    def is_spoiled(self, path: str) -> bool:
        """True when there is a complaint at this path or below it: what stands there now may be a placeholder."""
        return path in self._spoiled

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """What was found wrong, in the order of lines, as far as anybody reads it."""
        return tuple(sorted(self._complaints, key=lambda complaint: complaint.line)[:MOST_COMPLAINTS])

    def raise_if_any(self) -> None:
        if self._complaints:
            raise QuestionnaireError.from_complaints(self.complaints)


def _parent_of(path: str) -> str:
    return path[: max(path.rfind("."), path.rfind("["), 0)]


def _a_number(within: tuple[float, float]) -> str:
    low, high = (f"{end:,.0f}" if float(end).is_integer() else f"{end:g}" for end in within)
    return f"a number from {low} to {high}"


class Record:
    """The fields of a mapping. Fields that are not in `known` are complained of at once."""

    def __init__(self, node: MarkedNode, path: str, notes: Notes, known: Collection[str]) -> None:
        self.path = path
        self._notes = notes
        self._is_readable = isinstance(node, Fields)
        self._fields = node if isinstance(node, Fields) else Fields({}, {}, node.line)
        notes.place(path, node.line)
        if not self._is_readable:
            notes.complain(path, f"found {describe(node)}, expected fields ({list_words(sorted(known))})")
        for key, line in self._fields.key_lines.items():
            notes.place(self.path_of(key), line)
        self.expect_only(known)

    def expect_only(self, known: Collection[str]) -> None:
        for key in self._fields.nodes:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"; did you mean “{near[0]}”?" if near else f" ({list_words(sorted(known))})"
                self._notes.complain(
                    self.path_of(key), f"found the unknown key {quote(key)}, expected a known one{hint}"
                )

    def path_of(self, key: str) -> str:
        return f"{self.path}.{key[:40]}" if self.path else key[:40]

    def has(self, key: str) -> bool:
        return key in self._fields.nodes

    def complain(self, key: str, message: str) -> None:
        self._notes.complain(self.path_of(key) if key else self.path, message)

    def word(self, key: str, expected: str, pattern: re.Pattern[str], *, is_required: bool = True) -> str:
        """The text of a field that must look like `pattern`; "" when it is absent or refused."""
        node = self._node(key, expected, is_required=is_required)
        if node is None:
            return ""
        if isinstance(node, Scalar) and isinstance(node.value, str) and pattern.fullmatch(node.value):
            return node.value
        self.complain(key, f"found {describe(node)}, expected {expected}")
        return ""

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """The text of a field that is one of a few words; "" when it is absent or another."""
        expected = list_words(allowed)
        node = self._node(key, expected)
        if node is None:
            return ""
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value in allowed:
            return node.value
        self.complain(key, f"found {describe(node)}, expected {expected}")
        return ""

    def sentence(self, key: str) -> str:
        """The text of a field, on one line; "" when it is absent, empty, too long or no text."""
        node = self._node(key, "a text")
        if node is None:
            return ""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            quoted = f" (in quotes: {quote(node.raw)})" if isinstance(node, Scalar) and node.raw else ""
            self.complain(key, f"found {describe(node)}, expected a text{quoted}")
            return ""
        if len(node.value) > LONGEST_TEXT:
            self.complain(key, f"found {len(node.value):,} characters, expected at most {LONGEST_TEXT:,}")
            return ""
        text = re.sub(r"[ \n]+", " ", node.value).strip()
        if not text:
            self.complain(key, "found an empty text, expected words")
        if text.startswith(FORMULA_SIGNS):
            # Labels stand in published tables, which are opened in spreadsheets and leave byte for byte.
            self.complain(key, f"found a text that begins with {quote(text[0])}, expected words: a spreadsheet runs it")
        return text

    def text(self, key: str) -> Text:
        """The text of a field in both languages."""
        node = self._node(key, f"a text in each language ({list_words(LANGUAGES)})")
        if node is None:
            return Text("", "")
        languages = Record(node, self.path_of(key), self._notes, LANGUAGES)
        return Text(languages.sentence("vi"), languages.sentence("en"))

    def optional_text(self, key: str) -> Text | None:
        return self.text(key) if self.has(key) else None

    def asked_text(self, key: str) -> Text:
        """The text of a field that respondents read: in both languages, and in further ones where they are there."""
        node = self._node(key, f"a text in each language ({list_words(LANGUAGES)})")
        if node is None:
            return Text("", "")
        known = (*LANGUAGES, *FURTHER_LANGUAGES)
        languages = Record(node, self.path_of(key), self._notes, known)
        return Text(*(languages.sentence(one) if one in LANGUAGES or languages.has(one) else "" for one in known))

    def optional_asked_text(self, key: str) -> Text | None:
        return self.asked_text(key) if self.has(key) else None

    def flag(self, key: str, *, is_required: bool = False) -> bool:
        node = self._node(key, "true or false", is_required=is_required)
        if node is None:
            return False
        # YAML also reads yes, on and their like as true; one spelling is enough, and JSON Schema sees the same.
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.complain(key, f"found {describe(node)}, expected true or false")
        return False

    def number(self, key: str, *, is_required: bool = False, within: tuple[float, float] = (-1e9, 1e9)) -> float | None:
        """The number of a field between two bounds, which are allowed themselves; None when absent or refused."""
        expected = _a_number(within)
        node = self._node(key, expected, is_required=is_required)
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, float) and within[0] <= node.value <= within[1]:
            return node.value
        self.complain(key, f"found {describe(node)}, expected {expected}")
        return None

    def whole_number(self, key: str, *, is_required: bool = False, within: tuple[float, float]) -> int | None:
        """The number of a field as `number` has it, when it is a whole one."""
        number = self.number(key, is_required=is_required, within=within)
        if number is not None and not number.is_integer():
            self.complain(key, f"found the number {number:g}, expected a whole number")
            return None
        return None if number is None else int(number)

    def numbers(
        self, key: str, lengths: tuple[int, int], *, within: tuple[float, float] = (-1e9, 1e9)
    ) -> tuple[float, ...]:
        """The numbers of a list, those refused left out."""
        numbers: list[float] = []
        for n, node in enumerate(self._list(key, lengths)):
            path = f"{self.path_of(key)}[{n}]"
            self._notes.place(path, node.line)
            if isinstance(node, Scalar) and isinstance(node.value, float) and within[0] <= node.value <= within[1]:
                numbers.append(node.value)
            else:
                self._notes.complain(path, f"found {describe(node)}, expected {_a_number(within)}")
        return tuple(numbers)

    def record(self, key: str, known: Collection[str]) -> "Record | None":
        node = self._node(key, f"fields ({list_words(sorted(known))})", is_required=False)
        return None if node is None else Record(node, self.path_of(key), self._notes, known)

    def records(self, key: str, known: Collection[str], lengths: tuple[int, int]) -> list["Record"]:
        """The mappings of a list whose length lies between two bounds."""
        nodes = self._list(key, lengths)
        return [Record(node, f"{self.path_of(key)}[{n}]", self._notes, known) for n, node in enumerate(nodes)]

    def words(self, key: str, expected: str, pattern: re.Pattern[str], lengths: tuple[int, int]) -> tuple[str, ...]:
        """The different words of a list, those refused left out."""
        words: list[str] = []
        for n, node in enumerate(self._list(key, lengths)):
            path = f"{self.path_of(key)}[{n}]"
            self._notes.place(path, node.line)
            if not (isinstance(node, Scalar) and isinstance(node.value, str) and pattern.fullmatch(node.value)):
                self._notes.complain(path, f"found {describe(node)}, expected {expected}")
            elif node.value in words:
                self._notes.complain(path, f"found {quote(node.value)} twice, expected it once")
            else:
                words.append(node.value)
        return tuple(words)

    def named_lists(self, key: str, expected: str, pattern: re.Pattern[str]) -> "list[tuple[str, Record]]":
        """The names under a field that is a mapping of names, each with the record that holds it, if it is there."""
        node = self._node(key, expected, is_required=False)
        if node is None:
            return []
        if not isinstance(node, Fields):
            self.complain(key, f"found {describe(node)}, expected {expected}")
            return []
        holder = Record(node, self.path_of(key), self._notes, node.nodes.keys())
        for name in node.nodes:
            if not pattern.fullmatch(name):
                holder.complain(name, f"found the name {quote(name)}, expected {expected}")
        return [(name, holder) for name in node.nodes]

    def scalar(self, key: str) -> str | None:
        """The text of a field that may be a text or something else; None when it is something else or absent."""
        node = self._fields.nodes.get(key)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None

    def _list(self, key: str, lengths: tuple[int, int]) -> Sequence[MarkedNode]:
        expected = f"a list of {lengths[0]}" + ("" if lengths[0] == lengths[1] else f" to {lengths[1]}")
        node = self._node(key, expected)
        if node is None:
            return ()
        if not isinstance(node, Entries):
            self.complain(key, f"found {describe(node)}, expected {expected}")
            return ()
        if not lengths[0] <= len(node.nodes) <= lengths[1]:
            self.complain(key, f"found a list of {len(node.nodes)}, expected {expected}")
        return node.nodes[: lengths[1]]

    def _node(self, key: str, expected: str, *, is_required: bool = True) -> MarkedNode | None:
        node = self._fields.nodes.get(key)
        if node is None and is_required and self._is_readable:
            self.complain(key, f"found no “{key}”, expected {expected}")
        return node


def describe(node: MarkedNode) -> str:
    """What a node is, in the words of somebody who wrote it."""
    if isinstance(node, Entries):
        return "a list"
    if isinstance(node, Fields):
        return "fields"
    if not node.raw and not isinstance(node.value, str):
        return "nothing"
    if isinstance(node.value, bool):
        return f"{quote(node.raw)}, which YAML reads as {'true' if node.value else 'false'}"
    if isinstance(node.value, float):
        return f"the number {node.raw}"
    if isinstance(node.value, str):
        return quote(node.value)
    return f"{quote(node.raw)}, which YAML does not read as text"
