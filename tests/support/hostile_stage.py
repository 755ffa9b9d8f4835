"""An instance on which hostile words are put, and its office, for tests of what is shown of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.citizens import Asked, ask
from support.office import Office, open_office
from support.stores import Templates, opened


@dataclass(frozen=True, slots=True)
class Stage:
    """The instance with its open round, and its office, in which an officer has signed in."""

    asked: Asked
    office: Office


@contextmanager
def hostile_stage(folder: Path, templates: Templates, prepare: Callable[[Asked], object]) -> Iterator[Stage]:
    """The stage as `prepare` leaves it; the office is opened afterwards and has seen nothing else."""
    settings = templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    asked = ask(settings, stores, folder)
    prepare(asked)
    office = open_office(settings)
    assert office.sign_in().status_code == 303
    yield Stage(asked, office)
    office.services.stores.close()
    stores.close()
