"""Runs the command line in this process, as `main` does, and keeps what it said."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

from survey.cli import main


@dataclass(frozen=True)
class Run:
    exit_code: int
    output: str
    errors: str


RunHailong = Callable[..., Run]


def run(environment: Mapping[str, str], *arguments: object) -> Run:
    """Run `hailong` with these arguments and nothing else of ours in the environment."""
    output, errors = StringIO(), StringIO()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAILONG_")}
    exit_code = 0
    with ExitStack() as context:
        context.enter_context(patch.dict(os.environ, {**kept, **environment}, clear=True))
        context.enter_context(patch.object(sys, "argv", ["hailong", *map(str, arguments)]))
        context.enter_context(redirect_stdout(output))
        context.enter_context(redirect_stderr(errors))
        try:
            main()
        except SystemExit as end:
            exit_code = int(end.code or 0)
    return Run(exit_code, output.getvalue(), errors.getvalue())


def environment_of_settings(instance: object, url: str | None) -> dict[str, str]:
    """The environment in which a command finds the instance of a test."""
    environment = {"HAILONG_INSTANCE": str(instance), "HAILONG_PUBLIC_URL": "https://hailong.example.vn"}
    if url is not None:
        environment |= {
            "HAILONG_DATABASE_URL": url,
            "HAILONG_SECRET_KEY_FILE": f"{instance}/secret.key",
            "HAILONG_KEY_PASSPHRASE_FILE": f"{instance}/passphrase",
        }
    return environment
