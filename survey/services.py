"""What the pages and the commands work with: the stores, the keys and the calendar of one instance."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, exc, text

from survey.errors import StoreUnavailable
from survey.fieldwork_counts import FieldworkWatch
from survey.fieldwork_days import DayBook
from survey.limits import Counters
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import Stores, open_stores
from survey.vault import KeyVault, read_passphrase
from survey.viet_nam import VIET_NAM

# A store that is down, locked, read-only or full answers with one of these; anything else is a mistake of ours.
STORE_FAILURES: tuple[type[Exception], ...] = (
    StoreUnavailable,
    exc.OperationalError,
    exc.InterfaceError,
    exc.TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Services:
    """One instance, opened: what every use case is handed."""

    settings: Settings
    stores: Stores
    secrets: Secrets
    vault: KeyVault
    counters: Counters
    watch: FieldworkWatch
    days: DayBook


def open_services(settings: Settings, counters: Counters | None = None) -> Services:
    """The stores, keys and vault of the settings, without the right to read ballots where an engine can refuse it.

    Without `counters` that other processes share, this one counts for itself.

    Raises BadInput, WrongState or HailongError when a store is not fit to serve from; see `open_stores`.
    """
    stores, secrets = open_stores(settings, "serving"), Secrets(settings.secret_key)
    return Services(
        settings=settings,
        stores=stores,
        secrets=secrets,
        vault=instance_vault(settings),
        counters=counters or Counters.private(),
        watch=FieldworkWatch(stores, secrets),
        days=DayBook(stores),
    )


def instance_vault(settings: Settings, passphrase_file: Path | None = None) -> KeyVault:
    """The keys of an instance, with the passphrase in this file, or in the instance's own where none is named."""
    return KeyVault(settings.instance / "keys", read_passphrase(passphrase_file or settings.passphrase_file))


def silent_stores(stores: Stores) -> tuple[str, ...]:
    """The names of the stores that do not answer; none when the instance can work."""
    engines = {"office": stores.office, "frame": stores.frame, "intake": stores.intake}
    return tuple(name for name, engine in engines.items() if not _answers(engine))


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except STORE_FAILURES:
        return False
    return True


def today() -> dt.date:
    """The day in Viet Nam, where rounds open and close."""
    return dt.datetime.now(VIET_NAM).date()
