"""The wheel carries everything: built from the sdist and installed elsewhere, it serves, migrates and prints."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import pathlib, sys
import survey
assert "site-packages" in survey.__file__, survey.__file__
from survey.application import create_app
from survey.settings import Settings
import os
app = create_app(Settings.from_environment(os.environ))
page = app.test_client().get("/results")
assert page.status_code == 200, page.status_code
"""


def run(command, cwd, environment):
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_wheel_built_from_the_sdist_works_outside_the_checkout(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HAILONG_", "PYTHON"))}
    run([sys.executable, "-m", "build", "--outdir", tmp_path / "dist", ROOT], tmp_path, environment)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    names = run([sys.executable, "-m", "zipfile", "--list", wheel], tmp_path, environment)
    assert "survey/templates/base.html" in names
    assert "survey/migrations/env.py" in names
    assert "tests/" not in names

    # The dependencies come from this environment: what is tested is our wheel, not the registry.
    home = tmp_path / "elsewhere"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    site = next((home / "lib").glob("python*/site-packages"))
    run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site, wheel],
        tmp_path,
        environment,
    )
    ours = Path(sys.executable).parents[1]
    dependencies = next((ours / "lib").glob("python*/site-packages"))
    # The wheel's folder comes first on the path, and the editable checkout's own entry is left out.
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(site), str(dependencies)]),
        "HAILONG_INSTANCE": str(tmp_path / "var"),
    }
    run([python, "-m", "survey", "database", "upgrade"], tmp_path, environment)
    run([python, "-c", PROGRAM], tmp_path, environment)
    run([python, "-m", "survey", "demo", "prepare"], tmp_path, environment)
    cards = tmp_path / "cards"
    run(
        [python, "-m", "survey", "scorecards", "kansas-city-2021-09", "--unit", "district1", "--out", cards],
        tmp_path,
        environment,
    )
    assert (cards / "district1.pdf").read_bytes().startswith(b"%PDF-")
