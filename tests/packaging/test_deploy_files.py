"""The files that operators copy: they name what exists, and write down nobody (C8)."""

import configparser
import re
import shlex
from pathlib import Path

from survey.cli import COMMANDS
from survey.cli.serve import GRACE_SECONDS, command
from survey.settings import KNOWN_NAMES

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def unit(name: str = "hailong.service") -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(DEPLOY / name, encoding="utf-8")
    return read


def options_of_serve() -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_the_unit_serves_as_a_user_of_its_own_and_is_started_again() -> None:
    service = unit()["Service"]
    assert (service["User"], service["Restart"], service["ProtectSystem"]) == ("hailong", "always", "strict")
    assert set(re.findall(r"--[a-z]+", service["ExecStart"])) <= options_of_serve()
    assert "journal" not in service.get("StandardError", "journal"), "the journal gives each line a finer time"


def test_the_unit_waits_longer_than_the_server_needs_to_finish() -> None:
    assert int(unit()["Service"]["TimeoutStopSec"]) > GRACE_SECONDS


def test_another_machine_fetches_the_logs_and_changes_none_that_it_has() -> None:
    """ASVS 16.4.3."""
    log = unit()["Service"]["StandardError"].removeprefix("append:")
    command = shlex.split(unit("hailong-audit.service")["Service"]["ExecStart"])
    assert (Path(command[0]).name, COMMANDS[command[1]][0]) == ("hailong", "audit_log")
    folder = Path(command[2]).parent
    assert Path(log).parent == folder
    made = (DEPLOY / "tmpfiles.conf").read_text()
    assert all(re.search(rf"^f {path} 0640 hailong hailong", made, re.MULTILINE) for path in (log, command[2]))
    fetched = shlex.split(unit("log-host/hailong-logs.service")["Service"]["ExecStart"])
    # Without --append a file that was rewritten here would be rewritten there.
    assert "--append" in fetched
    assert not {"--inplace", "--delete", "--append-verify"} & set(fetched)
    assert f'command="rrsync -ro {folder}",restrict' in (DEPLOY / "log-host" / "hailong-logs.service").read_text()
    for timer in ("hailong-audit.timer", "hailong-frames.timer", "log-host/hailong-logs.timer"):
        assert unit(timer)["Install"]["WantedBy"] == "timers.target"


def test_lists_of_people_are_erased_each_night() -> None:
    command = shlex.split(unit("hailong-frames.service")["Service"]["ExecStart"])
    assert (Path(command[0]).name, COMMANDS[command[1]][0], command[2:]) == ("hailong", "frames", ["erase"])
    assert "Asia/Ho_Chi_Minh" in unit("hailong-frames.timer")["Timer"]["OnCalendar"], "days are those of Viet Nam"


def test_the_example_names_settings_that_exist() -> None:
    named = re.findall(r"^#?(HAILONG_[A-Z_]+)=", (DEPLOY / "environment.example").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= set(KNOWN_NAMES)


def test_the_web_server_in_front_writes_no_log_and_no_body_to_the_disk() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert set(re.findall(r"^\s*access_log (\S+);", text, re.MULTILINE)) == {"off"}
    assert set(re.findall(r"^\s*error_log (\S+)", text, re.MULTILINE)) == {"/dev/null"}
    assert "proxy_request_buffering on;" in text
    largest, memory = (
        re.search(rf"{name} (\S+);", text) for name in ("client_max_body_size", "client_body_buffer_size")
    )
    assert largest is not None
    assert memory is not None
    assert largest[1] == memory[1], "a body that does not fit into memory would be written to a file"


def test_the_container_is_built_from_what_lies_in_the_checkout() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    assert re.search(r"^USER hailong$", text, re.MULTILINE)
    packages = re.search(r'^run="([^"]+)"', (ROOT / ".ci" / "system-packages").read_text(), re.MULTILINE)
    assert packages is not None
    assert all(package in text for package in packages[1].split())
