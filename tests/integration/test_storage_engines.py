"""The three stores on both engines."""

from survey.settings import Settings
from survey.storage.lineages import LINEAGES
from survey.storage.stores import Stores
from survey.storage.upgrading import differences, upgrade_stores


def test_the_migrations_make_what_the_models_say(stores: Stores) -> None:
    assert {lineage.store: differences(stores.engine(lineage.store), lineage) for lineage in LINEAGES} == {
        "office": [],
        "frame": [],
        "intake": [],
    }


def test_a_second_upgrade_does_nothing(settings: Settings) -> None:
    assert upgrade_stores(settings) == ()
