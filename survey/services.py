"""What the pages and the commands work with: the stores, the keys and the calendar of one instance."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, exc, text

from survey.errors import StoreUnavailable
from survey.limits import Counters
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import Stores, open_stores
from survey.vault import KeyVault, read_passphrase

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


def open_services(settings: Settings, counters: Counters | None = None) -> Services:
    """The stores, keys and vault of the settings, without the right to read ballots where an engine can refuse it.

    Without `counters` that other processes share, this one counts for itself.

    Raises BadInput, WrongState or HailongError when a store is not fit to serve from; see `open_stores`.
    """
    return Services(
        settings=settings,
        stores=open_stores(settings, "serving"),
        secrets=Secrets(settings.secret_key),
        vault=KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file)),
        counters=counters or Counters.private(),
    )


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
    """The day in Viet Nam, where rounds open and close; the country has one time and no summer time."""
    return dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
