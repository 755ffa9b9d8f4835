"""An instance with a published round and two people of its units, and a browser without a screen for each."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Flask

from support.office import Office
from support.published import publish_by_hand, sipas_edition
from survey.application import create_app, services_of
from survey.officers import create_officer
from survey.promises import make_promise
from survey.receipts import acknowledge
from survey.second_factor import keep_second_factor, new_key
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.portal import Passkey
from survey.storage.sessions import writing
from survey.storage.stores import Stores
from survey.unit_people import PersonRecord, accept_invitation, invite_person

# A unit with many answers, one with others, and one whose figures are suppressed.
UNIT, OTHER, HIDDEN = "06652", "06655", "06664"
ADDRESS, OTHER_ADDRESS = "chi@ha-tu.gov.vn", "an@khac.gov.vn"
PASSWORD, OTHER_PASSWORD = "bốn từ của đơn vị", "năm từ nơi khác hẳn"
SLUG = "sipas-2026"
PROMISE = "Mở thêm một quầy vào sáng thứ Bảy, có cán bộ trực."
DUE = date(2027, 3, 31)
PASSKEY, OFFICERS_PASSKEY = b"of a unit", b"of an officer"
PASSKEY_MARK, OFFICERS_PASSKEY_MARK = (hashlib.sha256(name).hexdigest()[:16] for name in (PASSKEY, OFFICERS_PASSKEY))


@dataclass(frozen=True)
class Portal:
    """The application and whoever signed in; `officer` is somebody of the office."""

    app: Flask
    officer: Office

    @property
    def stores(self) -> Stores:
        return services_of(self.app).stores

    def stranger(self) -> Office:
        client = self.app.test_client()
        client.environ_base["wsgi.url_scheme"] = "https"
        return Office(self.app, client)

    def person(self, address: str = ADDRESS, password: str = PASSWORD) -> Office:
        """A browser in which this person has signed in."""
        browser = self.stranger()
        response = browser.send("/unit/sign-in", login=address, password=password)
        assert response.status_code == 303, response.text
        return browser


def people_of(settings: Settings, stores: Stores) -> tuple[PersonRecord, PersonRecord]:
    """Two people of two units, each with a password."""
    secrets, now = Secrets(settings.secret_key), datetime.now(UTC)
    found = []
    for unit, address, name, password in (
        (UNIT, ADDRESS, "Lê Thị Chi", PASSWORD),
        (OTHER, OTHER_ADDRESS, "Trần Văn An", OTHER_PASSWORD),
    ):
        invitation = invite_person(stores, secrets, unit, address, name, actor="lan", now=now)
        person = accept_invitation(stores, secrets, invitation.code, password, now)
        assert person is not None
        found.append(person)
    return found[0], found[1]


def add_people(settings: Settings, stores: Stores) -> None:
    """Two people of two units: the first has a passkey, has read the scorecard and promised something, the second an
    app.
    """
    chi, an = people_of(settings, stores)
    with writing(stores.office) as session:
        keep_second_factor(session, Secrets(settings.secret_key), an.account.id, new_key(), step=0)
    keep_passkey(stores, chi.account.id, PASSKEY)
    acknowledge(stores, SLUG, 1, chi, date(2026, 11, 1))
    node = sipas_edition().questionnaire.nodes()[2].code
    make_promise(stores, SLUG, chi, [node], node=node, text=PROMISE, due=DUE, today=date(2026, 11, 1))


def keep_passkey(stores: Stores, account_id: int, credential: bytes) -> None:
    """A passkey that no device has, for pages that show it."""
    with writing(stores.office) as session:
        session.add(
            Passkey(
                credential_id=credential,
                officer_id=account_id,
                public_key=b"",
                sign_count=0,
                name="Điện thoại",
                added_on=date(2026, 11, 1),
            )
        )


def open_portal(settings: Settings) -> Portal:
    """A portal with one published round, two people of units, and an officer who has signed in."""
    app = create_app(settings)
    services = services_of(app)
    publish_by_hand(settings, services.stores, sipas_edition())
    people_of(settings, services.stores)
    create_officer(services.stores, "lan", "Nguyễn Thị Lan", "bốn từ chọn bừa", actor="command line")
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    office = Office(app, client)
    assert office.sign_in().status_code == 303
    return Portal(app, office)
