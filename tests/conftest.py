"""Fixtures of every kind of test: fresh stores on both engines."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings as generating

from support.command_line import RunHailong, environment_of_settings, run
from support.stores import LazyServer, Templates
from survey.settings import Settings
from survey.storage.stores import Stores, open_stores

# The same examples each time, so that a change is judged by what it changed; `--hypothesis-profile=search` draws new.
generating.register_profile("steady", derandomize=True, deadline=None)
generating.register_profile("search", print_blob=True, deadline=None)
generating.load_profile("steady")

MEMORY = Path("/dev/shm")
ROOM_NEEDED = 4 * 2**30


def pytest_configure(config: pytest.Config) -> None:
    """Let the tests' files lie in memory, where there is room: thousands of stores are committed to and thrown away.

    What they prove of a disk they prove by the calls that were traced and by what is left after a kill, which are the
    same on every file system. A TMPDIR that is set is left as it is.
    """
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    # Some tests install what they built and run it from there.
    runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if runs_programs and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_NEEDED:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests together that share what a fixture makes once for their file: apart, each worker would make it."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("xdist_group") is None:
            names = item._fixtureinfo.name2fixturedefs.values()
            if any(used[-1].scope == "module" for used in names):
                item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def pytest_collection_finish() -> None:
    """Have no collection of garbage look at what was imported: some libraries ask for one with every call."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[LazyServer]:
    base = tmp_path_factory.getbasetemp()
    # Under xdist every worker has a folder of its own below the session's.
    server = LazyServer(base if worker_id == "master" else base.parent)
    yield server
    server.stack.close()


@pytest.fixture(scope="session")
def store_templates(tmp_path_factory: pytest.TempPathFactory, postgres_server: LazyServer) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"), postgres_server)


# The gate of every commit runs without a server; `make test` runs both.
@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine of the test's stores; every test that wants stores runs once on each."""
    return str(request.param)


@pytest.fixture
def settings(engine_name: str, tmp_path: Path, store_templates: Templates) -> Iterator[Settings]:
    """A fresh instance with upgraded stores, on each engine in turn."""
    yield store_templates.new_instance(engine_name, tmp_path / "var")
    store_templates.server.drop_databases()


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """The opened stores of `settings`."""
    opened = open_stores(settings)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_settings(tmp_path: Path, store_templates: Templates) -> Settings:
    """A fresh embedded instance, for tests in which the engine does not matter."""
    return store_templates.new_instance("sqlite", tmp_path / "var")


@pytest.fixture
def sqlite_stores(sqlite_settings: Settings) -> Iterator[Stores]:
    """The opened stores of `sqlite_settings`."""
    opened = open_stores(sqlite_settings)
    yield opened
    opened.close()


@pytest.fixture
def run_hailong(settings: Settings) -> RunHailong:
    """Runs the command line on the instance of `settings`, in this process."""
    url = None if settings.is_embedded else settings.office_url
    return partial(run, environment_of_settings(settings.instance, url))
