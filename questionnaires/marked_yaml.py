"""YAML as nodes that remember their line, of the small part of YAML that questionnaires are written in.

Nothing is constructed from tags, and there is nothing to expand: anchors, aliases, merge keys and explicit tags are
refused, so that the text of a file is all there is to it. The tree is built from the event stream with a stack of our
own, because a recursive composer ends in a crash on a file of ten thousand brackets. The parser is PyYAML's own and
never libyaml, which reads some files that the other refuses: what is read here must be read on every machine.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import yaml

from questionnaires.errors import Complaint, QuestionnaireError

LARGEST_FILE = 1024 * 1024
DEEPEST_NESTING = 24
MOST_COMPLAINTS = 100

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_RESOLVER = yaml.resolver.Resolver()


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `value` is the text itself where YAML reads text, else the number, truth value or None it means.

    `is_odd` marks a bare word that YAML takes for a date, a sexagesimal or octal number and the like.
    """

    value: str | float | bool | None
    raw: str
    line: int
    is_odd: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """A list."""

    nodes: tuple["MarkedNode", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping; `key_lines` says where each key stands."""

    nodes: Mapping[str, "MarkedNode"]
    key_lines: Mapping[str, int]
    line: int


MarkedNode = Scalar | Entries | Fields


@dataclass(slots=True)
class _Open:
    """A list or a mapping that is still being read."""

    line: int
    path: str
    is_mapping: bool
    nodes: list[MarkedNode] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    waiting_key: str | None = None
    skips_value: bool = False

    def path_of_next(self) -> str:
        if not self.is_mapping:
            return f"{self.path}[{len(self.nodes)}]"
        return ".".join(part for part in (self.path, (self.waiting_key or "")[:40]) if part)

    def close(self) -> MarkedNode:
        if self.is_mapping:
            return Fields(dict(zip(self.keys, self.nodes, strict=True)), self.keys, self.line)
        return Entries(tuple(self.nodes), self.line)


def read_marked(source: bytes, origin: str, expected: str = "a questionnaire") -> MarkedNode:
    """The only document of a file, as nodes with lines.

    :param source: the file's bytes: UTF-8 in NFC, at most 1 MiB, without control, bidirectional or invisible
        characters.
    :param origin: the name of the file, for complaints.
    :param expected: what the file is to be, for complaints.
    :raises QuestionnaireError: with every complaint found up to the point where reading had to stop.
    """
    text = _decode(source, origin)
    complaints = list(_foreign_characters(text, origin))
    if complaints:
        raise QuestionnaireError.from_complaints(complaints[:MOST_COMPLAINTS])
    try:
        root = _Composer(origin, complaints).compose(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        found = " ".join(part for part in (problem.context, problem.problem) if part)
        complaints.append(Complaint(origin, mark.line + 1 if mark else 1, "", f"is not YAML: {found}"))
        root = None
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        # The scanner lets the errors of chr() through when an escape names no character.
        complaints.append(Complaint(origin, 1, "", f"is not YAML: {problem}"))
        root = None
    if root is None and not complaints:
        complaints.append(Complaint(origin, 1, "", f"found an empty file, expected {expected}"))
    if complaints or root is None:
        raise QuestionnaireError.from_complaints(complaints[:MOST_COMPLAINTS])
    return root


def is_foreign(character: str) -> bool:
    """True of what nobody can see or print: controls, bidirectional marks, invisible and unpaired characters."""
    if character == "\n":
        return False
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return True
    point = ord(character)
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


def _decode(source: bytes, origin: str) -> str:
    if len(source) > LARGEST_FILE:
        found = f"found {len(source):,} bytes, expected at most {LARGEST_FILE:,}"
        raise QuestionnaireError.from_complaints([Complaint(origin, 1, "", found)])
    try:
        return source.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        line = source.count(b"\n", 0, problem.start) + 1
        byte = source[problem.start]
        found = f"found the byte 0x{byte:02X} at byte position {problem.start}, expected UTF-8"
        raise QuestionnaireError.from_complaints([Complaint(origin, line, "", found)]) from None


def _foreign_characters(text: str, origin: str) -> Iterator[Complaint]:
    for number, line in enumerate(text.split("\n"), start=1):
        yield from (Complaint(origin, number, "", message) for message in _character_complaints(line))


def _character_complaints(text: str) -> Iterator[str]:
    if text.isascii() and text.isprintable():
        return
    foreign = next((character for character in text if is_foreign(character)), None)
    if foreign is not None:
        name = unicodedata.name(foreign, "a control character").lower()
        place = text.index(foreign) + 1
        yield f"found U+{ord(foreign):04X} ({name}) at character {place}, expected characters that can be seen"
    if not unicodedata.is_normalized("NFC", text):
        place = next((place for place, (_, mark) in enumerate(pairwise(text)) if unicodedata.combining(mark)), 0)
        yield (
            f"found letters and marks written apart (decomposed Unicode) near “{text[place : place + 12]}”, "
            "expected composed letters (NFC)"
        )


class _Composer:
    """Turns events into one tree; what it refuses goes into `complaints`."""

    def __init__(self, origin: str, complaints: list[Complaint]) -> None:
        self._origin = origin
        self._complaints = complaints
        self._stack: list[_Open] = []
        self._root: MarkedNode | None = None

    def compose(self, events: Iterator[yaml.Event]) -> MarkedNode | None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._complain(event, "", "found a second document, expected one in a file")
                    break
            elif isinstance(event, yaml.AliasEvent):
                self._complain(event, self._path(), f"found the alias *{event.anchor}, expected the text itself")
                self._add(Scalar(None, "", _line_of(event)), self._path())
            elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
                self._refuse_anchor_and_tag(event)
                if not self._take_node(event):
                    break
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                closed = self._stack.pop()
                self._add(closed.close(), closed.path)
        return self._root

    def _take_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> bool:
        line = _line_of(event)
        path = self._path()
        if isinstance(event, yaml.ScalarEvent):
            for message in _character_complaints(event.value.replace("\n", " ")):
                self._complain(event, path, message)
            self._add(_scalar_of(event, line), path)
            return True
        if len(self._stack) == DEEPEST_NESTING:
            self._complain(event, "", f"found more than {DEEPEST_NESTING} levels of nesting, expected fewer")
            return False
        self._stack.append(_Open(line, path, isinstance(event, yaml.MappingStartEvent)))
        return True

    def _path(self) -> str:
        return self._stack[-1].path_of_next() if self._stack else ""

    def _add(self, node: MarkedNode, path: str) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if not parent.is_mapping:
            parent.nodes.append(node)
        elif parent.waiting_key is None and not parent.skips_value:
            self._take_key(parent, node)
        else:
            if not parent.skips_value:
                parent.nodes.append(node)
            parent.waiting_key, parent.skips_value = None, False

    def _take_key(self, parent: _Open, node: MarkedNode) -> None:
        # After a key that cannot be used, its value is read and dropped, so that the rest is still checked.
        if not isinstance(node, Scalar) or not node.raw:
            self._complain_at(node.line, parent.path, "found a key that is not a word, expected the name of a field")
            parent.skips_value = True
        elif node.raw in parent.keys:
            first = parent.keys[node.raw]
            self._complain_at(
                node.line, parent.path, f"found the key {node.raw} twice (first in line {first}), expected it once"
            )
            parent.skips_value = True
        elif node.raw == "<<":
            self._complain_at(node.line, parent.path, "found the merge key <<, expected the fields themselves")
            parent.skips_value = True
        else:
            parent.keys[node.raw] = node.line
            parent.waiting_key = node.raw

    def _refuse_anchor_and_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._complain(event, self._path(), f"found the anchor &{event.anchor}, expected the text without it")
        if event.tag is not None:
            self._complain(event, self._path(), f"found the tag {event.tag}, expected the text without it")

    def _complain(self, event: yaml.Event, path: str, message: str) -> None:
        self._complain_at(_line_of(event), path, message)

    def _complain_at(self, line: int, path: str, message: str) -> None:
        self._complaints.append(Complaint(self._origin, line, path, message))


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar_of(event: yaml.ScalarEvent, line: int) -> Scalar:
    raw = event.value
    tag = _RESOLVER.resolve(yaml.ScalarNode, raw, event.implicit)  # type: ignore[no-untyped-call]
    if event.style or tag == "tag:yaml.org,2002:str":
        return Scalar(raw, raw, line)
    if tag == "tag:yaml.org,2002:null":
        return Scalar(None, raw, line)
    if tag == "tag:yaml.org,2002:bool":
        return Scalar(raw.lower() in {"yes", "true", "on"}, raw, line)
    if tag == "tag:yaml.org,2002:int" and _INTEGER.fullmatch(raw):
        return Scalar(float(raw), raw, line)
    if tag == "tag:yaml.org,2002:float" and _DECIMAL.fullmatch(raw):
        return Scalar(float(raw), raw, line)
    return Scalar(None, raw, line, is_odd=True)


def quote(found: object) -> str:
    """What was found, short enough for one line."""
    text = " ".join(str(found).split())
    return f"“{text[:37]}…”" if len(text) > 40 else f"“{text}”"


def list_words(words: Sequence[str]) -> str:
    """The words as a sentence has them: "a, b or c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
