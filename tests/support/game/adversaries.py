"""Every adversary of the unlinkability game: each knows one way in which databases and logs give people away.

An adversary is handed a view and says whose answer is whose. Where its channel is closed it says nothing at all, and
is then counted as one who guesses at random. Where the channel leads to sealed ballots only, it goes on: the archive
might still hold the rows in the order of the ballots' keys, of their places, or of their arrival. Of several ways to
go on the luckiest counts.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qs

from support.game.cast import vector_of
from support.game.knowledge import Evidence, Guess, Knowledge, Row, sortable

Adversary = Callable[[Evidence, Knowledge], Iterator[Guess]]

_JSON = re.compile(rb'\{"q1": ?"[^{}]{20,1200}\}')
_FORM = re.compile(rb"q1=\d&[!-~]{20,2400}")
_WORD = re.compile(r"[A-Za-z0-9_-]{8,}")
_POST_LINE = re.compile(r"POST \S*/r/[^/\s]+/([^/\s]+) .*?(\d+)\s*$", re.MULTILINE)
# How far from an answer a mark may lie to be of the same row, in bytes.
_NEARBY = 200


def same_transaction(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L1: the mark of use and the answers were written by one transaction."""
    yield from _paired_by("xmin", evidence, known)


def transaction_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L2: transactions are numbered in the order they began."""
    yield from _ordered_by("xmin", evidence, known)


def place_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L3: rows lie in a table's file in the order they were added."""
    yield from _ordered_by("ctid", evidence, known)


def dump_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L3: a dump, or the archive itself, lists rows in the order they were added."""
    yield _matched(range(len(known.final)), known)
    yield from _ordered_by("position", evidence, known)


def row_number(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L5: SQLite numbers the rows of a table unless it is told not to."""
    yield from _ordered_by("rowid", evidence, known)


def key_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L4: keys are counted up or begin with the time; long values are stored under numbers that are counted up."""
    for rows in evidence.tables().values():
        width = len(rows[0].values)
        for column in range(width):
            keys = [row.values[column] if column < len(row.values) else None for row in rows]
            if all(isinstance(key, int) for key in keys) or (column == 0 and all(_is_key(key) for key in keys)):
                yield from _followed(rows, [_time_first(key) for key in keys], evidence, known)
    yield from _ordered_by("toast", evidence, known)


def leaf_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L7: the entries of an index are sorted, but within a page they lie in the order they were added."""
    yield from _ordered_by("leaf", evidence, known)


def timestamps(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L4, L15: a column holds the time."""
    for rows in evidence.tables().values():
        for column in range(1, len(rows[0].values)):
            times = [_time_in(row.values[column]) if column < len(row.values) else None for row in rows]
            if all(time is not None for time in times):
                yield from _followed(rows, times, evidence, known)


def log_order(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L9: a log names what was stored, one line after the other; or whose it was, on the same line."""
    named = {name: row for row in evidence.rows for value in row.values for name in _log_names(value)}
    for file in evidence.logs:
        text = file.read_bytes().decode("utf-8", "replace")
        order: dict[int, Row] = {}
        pairs: dict[int, Row] = {}
        for line in text.splitlines():
            words = _WORD.findall(line)
            rows = [named[word] for word in words if word in named and known.token_of(named[word]) is None]
            tokens = [token for token in map(known.token, words) if token is not None]
            for row in rows:
                order.setdefault(id(row), row)
            if rows and tokens:
                pairs.setdefault(tokens[0], rows[0])
        yield from _followed(list(order.values()), range(len(order)), evidence, known)
        yield from _through_pairs(pairs, evidence, known)
        yield from _from_stream(text.encode(), known)


def log_lengths(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L9: a log tells how many bytes each person sent, and the answers' lengths are known."""
    for file in evidence.logs:
        lengths: dict[str, list[int]] = {}
        for found in _POST_LINE.finditer(file.read_bytes().decode("utf-8", "replace")):
            lengths.setdefault(found.group(1), []).append(int(found.group(2)))
        for unit, (arrivals, _) in known.by_unit().items():
            if len(lengths.get(unit, [])) != len(arrivals):
                break
        else:
            sent = {
                arrival: length
                for unit, (arrivals, _) in known.by_unit().items()
                for arrival, length in zip(arrivals, lengths[unit], strict=True)
            }
            yield _matched_by_length(sent, known)


def ciphertext_lengths(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L14: a sealed answer is as long as what is inside it."""
    for rows in evidence.tables().values():
        if len(rows) != len(known.arrivals) or known.answer_of(rows[0], evidence.opener) is not None:
            continue
        for column in range(len(rows[0].values)):
            if not all(isinstance(row.values[column], bytes) for row in rows if column < len(row.values)):
                continue
            for mark in ("commit", "xmin", "rowid", "ctid", "snapshot", "position"):
                marks = [row.marks.get(mark) for row in rows]
                lengths = [len(bytes(row.values[column])) for row in rows]  # type: ignore[call-overload]
                if sortable(marks) and len(set(lengths)) > 1:
                    order = _sorted(range(len(rows)), marks, known)
                    yield _matched_by_length(dict(enumerate(lengths[number] for number in order)), known)


def log_replay(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L6: the write-ahead log holds what was written, commit after commit, also what was deleted since."""
    yield from _paired_by("commit", evidence, known)
    yield from _ordered_by("commit", evidence, known)
    logs: dict[str, list[bytes]] = {}
    for name, content in evidence.streams:
        source, is_log, _ = name.partition(" log ")
        if is_log:
            logs.setdefault(source, []).append(content)
    for contents in logs.values():
        yield from _from_stream(b"".join(contents), known)


def snapshot_difference(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L8: what is in today's backup and was not in yesterday's came in between."""
    first: dict[object, tuple[int, Row]] = {}
    for row in evidence.rows:
        number = row.marks.get("snapshot")
        if isinstance(number, int) and known.token_of(row) is None:
            name = (row.table.rpartition(".")[2].rpartition("/")[2], row.key)
            if name not in first or number < first[name][0]:
                first[name] = (number, row)
    by_table: dict[str, list[tuple[int, Row]]] = {}
    for (table, _), found in first.items():
        by_table.setdefault(str(table), []).append(found)
    for seen in by_table.values():
        yield from _followed([row for _, row in seen], [number for number, _ in seen], evidence, known)


def dead_rows(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L7: what was deleted still lies in the file, beside the invitation's mark or in the order it came."""
    for name, content in evidence.streams:
        if " log " not in name:
            yield from _from_stream(content, known)


def joined_rows(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """L11, L12: a draft, a session or anything else names the invitation beside the answers or beside their key."""
    answers_by_key: dict[object, int] = {}
    for row in evidence.rows:
        answer = known.answer_of(row, evidence.opener)
        if answer is not None and row.values:
            answers_by_key.setdefault(row.key, answer)
    guess: Guess = {}
    for row in evidence.rows:
        token = known.token_of(row)
        if token is None:
            continue
        found = [known.answer_of(row, evidence.opener), *(answers_by_key.get(value) for value in row.values)]
        answer = next((answer for answer in found if answer is not None), None)
        if answer is not None:
            guess.setdefault(token, answer)
    if guess:
        yield guess


def at_random(evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """Nothing to go on: one of the unit's answers for each of its people."""
    yield {}


ADVERSARIES: Mapping[str, Adversary] = {
    "same transaction (xmin)": same_transaction,
    "order of transactions (xmin)": transaction_order,
    "place in the table (ctid)": place_order,
    "order of the dump": dump_order,
    "row number (rowid)": row_number,
    "order of keys": key_order,
    "place in index pages": leaf_order,
    "timestamps": timestamps,
    "order of log lines": log_order,
    "lengths in logs": log_lengths,
    "lengths of sealed ballots": ciphertext_lengths,
    "replay of the write-ahead log": log_replay,
    "difference of backups": snapshot_difference,
    "deleted rows": dead_rows,
    "joined rows (drafts, sessions)": joined_rows,
    "random": at_random,
}


def _ordered_by(mark: str, evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    for rows in _kinds(evidence, known):
        marked = [row for row in rows if mark in row.marks]
        yield from _followed(marked, [row.marks[mark] for row in marked], evidence, known)


def _kinds(evidence: Evidence, known: Knowledge) -> Iterator[list[Row]]:
    """Rows table by table, and those of like tables all together: somebody may keep a table a unit."""
    in_clear: dict[tuple[str, int], list[Row]] = {}
    for (source, _), rows in evidence.tables().items():
        yield rows
        in_clear.setdefault((source, len(rows[0].values)), []).extend(
            row for row in rows if known.answer_of(row, evidence.opener) is not None
        )
    yield from (rows for rows in in_clear.values() if rows)


def _followed(rows: Sequence[Row], marks: Iterable[object], evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """Rows that came in the order of their marks, whether they hold answers or sealed ballots."""
    found = list(marks)
    if len(rows) < 2 or not sortable(found):
        return
    ordered = [rows[number] for number in _sorted(range(len(rows)), found, known)]
    answers = [known.answer_of(row, evidence.opener) for row in ordered]
    in_clear = [answer for answer in answers if answer is not None]
    if len(in_clear) >= len(rows) * 0.9:
        yield _matched(dict.fromkeys(in_clear), known)
    elif not in_clear and len(rows) == len(known.arrivals) and known.token_of(rows[0]) is None:
        yield from _through_the_seal(dict(enumerate(ordered)), evidence, known)


def _sorted(numbers: Iterable[int], marks: Sequence[object], known: Knowledge) -> list[int]:
    return sorted(numbers, key=lambda number: (marks[number], known.random.random()))  # type: ignore[return-value]


def _paired_by(mark: str, evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """Rows that one transaction wrote: the one that names an invitation, and the only other one of its kind."""
    groups: dict[tuple[str, object], list[Row]] = {}
    for row in evidence.rows:
        if mark in row.marks:
            groups.setdefault((row.source, row.marks[mark]), []).append(row)
    pairs: dict[int, Row] = {}
    sealed = _sealed_keys(evidence, known)
    for rows in groups.values():
        tokens = [(row, token) for row in rows if (token := known.token_of(row)) is not None]
        others = [
            row
            for row in rows
            if known.answer_of(row, evidence.opener) is not None or (row.values and row.key in sealed)
        ]
        if len(tokens) == 1 and len(others) == 1:
            pairs.setdefault(tokens[0][1], others[0])
    yield from _through_pairs(pairs, evidence, known)


def _through_pairs(pairs: Mapping[int, Row], evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    in_clear = {token: known.answer_of(row, evidence.opener) for token, row in pairs.items()}
    guess = {token: answer for token, answer in in_clear.items() if answer is not None}
    if guess:
        yield guess
    elif pairs:
        yield from _through_the_seal(pairs, evidence, known)


def _through_the_seal(pairs: Mapping[int, Row], evidence: Evidence, known: Knowledge) -> Iterator[Guess]:
    """Whose sealed ballot is whose is known: the archive may hold their answers in an order of the ballots."""
    yield _matched(range(len(known.final)), known)
    orders: list[Sequence[object]] = [_sealed_keys(evidence, known)]
    orders += [
        [row.key for row in rows]
        for (source, _), rows in evidence.tables().items()
        if len(rows) == len(known.final) and rows[0].key in orders[0] and "position" in rows[0].marks
    ]
    for order in orders:
        place = {key: number for number, key in enumerate(order)}
        if len(place) == len(known.final):
            guess = {token: place[row.key] for token, row in pairs.items() if row.key in place}
            if guess:
                yield guess
        if len(pairs) < len(known.arrivals):
            continue
        by_unit: Guess = {}
        for arrivals, answers in known.by_unit().values():
            ranked = sorted(arrivals, key=lambda arrival: place.get(pairs[arrival].key, -1))
            by_unit |= dict(zip(ranked, answers, strict=False))
        yield by_unit


def _sealed_keys(evidence: Evidence, known: Knowledge) -> list[object]:
    """The keys of the sealed ballots in their own order: rows that name nobody, as many as people came."""
    for rows in evidence.tables().values():
        keys = {row.key for row in rows if row.values}
        if (
            len(keys) == len(rows) == len(known.arrivals)
            and all(isinstance(key, bytes) for key in keys)
            and known.token_of(rows[0]) is None
            and known.token_of(rows[-1]) is None
        ):
            return sorted(keys)  # type: ignore[type-var]
    return []


def _matched(answers: Iterable[int], known: Knowledge) -> Guess:
    """Answers in the order they came, unit by unit, against the people in the order they came: from the last one."""
    came: dict[str, list[int]] = {}
    for answer in answers:
        came.setdefault(known.final[answer].unit, []).append(answer)
    guess: Guess = {}
    for unit, (arrivals, _) in known.by_unit().items():
        guess |= dict(zip(reversed(arrivals), reversed(came.get(unit, [])), strict=False))
    return guess


def _matched_by_length(sent: Mapping[int, int], known: Knowledge) -> Guess:
    guess: Guess = {}
    for arrivals, answers in known.by_unit().values():
        people = sorted((arrival for arrival in arrivals if arrival in sent), key=lambda arrival: sent[arrival])
        ranked = sorted(answers, key=lambda answer: known.final[answer].length)
        guess |= dict(zip(people, ranked, strict=False))
    return guess


def _from_stream(content: bytes, known: Knowledge) -> Iterator[Guess]:
    """Answers that stand somewhere in bytes: beside a mark that names somebody, or one after the other."""
    order: list[int] = []
    pairs: Guess = {}
    for found in (*_JSON.finditer(content), *_FORM.finditer(content)):
        answer = _answer_in_bytes(found.group(), known)
        if answer is None:
            continue
        order.append(answer)
        token = _token_beside(content, found.start(), found.end(), known)
        if token is not None:
            pairs.setdefault(token, answer)
    if pairs:
        yield pairs
    if len(set(order)) > 1:
        yield _matched(dict.fromkeys(order), known)


def _answer_in_bytes(found: bytes, known: Knowledge) -> int | None:
    text = found.decode("utf-8", "replace")
    if text.startswith("{"):
        return known.answer_in(text)
    fields = {name: values[0] for name, values in parse_qs(text).items()}
    vector = vector_of(fields)
    return None if vector is None else known.position(vector)


def _token_beside(content: bytes, start: int, end: int, known: Knowledge) -> int | None:
    for place in (*range(start - 32, start - _NEARBY, -1), *range(end, end + _NEARBY)):
        if place >= 0:
            token = known.token(content[place : place + 32])
            if token is not None:
                return token
    return None


def _is_key(key: object) -> bool:
    return isinstance(key, bytes) and len(key) <= 32


def _time_first(key: object) -> object:
    if isinstance(key, bytes) and len(key) == 16 and key[6] >> 4 == 1:
        # A UUID of the first version: its time has the low digits first.
        return key[6:8] + key[4:6] + key[:4]
    return key


def _time_in(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, str) and re.match(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d", value):
        return value
    return None


def _log_names(value: object) -> Iterator[str]:
    if isinstance(value, bytes) and 8 <= len(value) <= 32:
        yield value.hex()
    elif isinstance(value, str) and 8 <= len(value) <= 64:
        yield value
