"""The server's log is JSON, to the minute, and repeats nothing that a library or a request brought."""

import json
import logging

from survey.logs import JsonLines


def line_of(name: str, message: str, *arguments: object) -> dict[str, object]:
    record = logging.LogRecord(name, logging.WARNING, "somewhere.py", 1, message, arguments, None)
    record.created = 1_795_000_059.9
    line: dict[str, object] = json.loads(JsonLines().format(record))
    return line


def test_our_own_lines_are_said_in_full_with_a_time_to_the_minute() -> None:
    line = line_of("survey", "A store does not answer: %s", "OperationalError")
    assert line["what"] == "A store does not answer: OperationalError"
    assert line["time"] == "2026-11-18T18:07+07:00"
    assert (line["level"], line["from"]) == ("warning", "survey")


def test_a_line_of_several_lines_stays_one() -> None:
    record = logging.LogRecord("survey", logging.ERROR, "x.py", 1, "KeyError in citizen.send\n  at x\n", (), None)
    assert "\n" not in JsonLines().format(record)


def test_a_librarys_line_is_not_repeated() -> None:
    for message, arguments in (
        ("Connection from 203.0.113.9 to /r/hai-long reset", ()),
        ("%s asked for %s", ("203.0.113.9", "/r/hai-long")),
        ("Killing worker-%s at %s", ("1", "203.0.113.9")),
        ("Application callable raised an exception\nValueError: C0DE5-XXXXX", ()),
    ):
        said = json.dumps(line_of("_granian", message, *arguments))
        for secret in ("203.0.113.9", "/r/", "C0DE5"):
            assert secret not in said


def test_a_librarys_line_about_its_own_processes_is_said() -> None:
    assert line_of("_granian", "Unexpected exit from worker-2")["what"] == "Unexpected exit from worker-2"
