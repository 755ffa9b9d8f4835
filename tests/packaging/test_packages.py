"""The list of packages is the folders, our names are ours alone, and the walls stand."""

import configparser
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[2]
OURS = ("analysis", "questionnaires", "survey")


def read_setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_folder_is_listed_in_setup_cfg():
    listed = set(read_setup_cfg()["options"]["packages"].split())
    mapped = {"survey.templates", "survey.migrations"}
    assert mapped <= listed
    assert listed - mapped == set(find_packages(str(ROOT), include=[f"{name}*" for name in OURS]))


def test_no_other_distribution_owns_one_of_our_names():
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners.get(name, [])) for name in OURS} == {name: {"hailong"} for name in OURS}


@pytest.mark.parametrize("name", ["analysis", "questionnaires"])
def test_the_pure_packages_import_without_web_and_database(name):
    program = (
        f"import pkgutil, importlib, sys\nimport {name}\n"
        f"for module in pkgutil.walk_packages({name}.__path__, '{name}.'):\n"
        "    importlib.import_module(module.name)\n"
        "loaded = {'flask', 'sqlalchemy', 'survey', 'alembic'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {sorted(loaded)}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_who_serves_pages_does_without_the_pdf_engine():
    program = "import sys, survey.application\nsys.exit('loaded: weasyprint' if 'weasyprint' in sys.modules else 0)\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_importing_any_module_reads_no_environment_and_starts_nothing():
    program = (
        "import os, pkgutil, importlib, threading\n"
        "os.environ['HAILONG_INSTANCE'] = '/nonexistent/instance'\n"
        "import analysis, questionnaires, survey\n"
        "for package in (analysis, questionnaires, survey):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__') and '.migrations' not in module.name:\n"
        "            importlib.import_module(module.name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not os.path.exists('/nonexistent/instance')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted_in", "line", "contract"),
    [
        ("analysis/estimation/planted.py", "import questionnaires", "estimation knows no questionnaire"),
        ("analysis/planted.py", "import flask", "know no web and no database"),
        ("analysis/planted.py", "import survey", "survey over analysis over questionnaires"),
        ("survey/storage/planted.py", "import flask", "tables know no web framework"),
        ("survey/web/planted.py", "import sqlalchemy", "views know no SQL"),
        ("survey/planted.py", "import weasyprint", "two files know the PDF engine"),
    ],
)
def test_a_planted_bad_import_breaks_its_wall(tmp_path, planted_in, line, contract):
    for name in OURS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    (tmp_path / planted_in).write_text(line + "\n", encoding="utf-8")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode != 0
    broken = [text for text in done.stdout.splitlines() if "BROKEN" in text]
    assert any(contract in text for text in broken), done.stdout
