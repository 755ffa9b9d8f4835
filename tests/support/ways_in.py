"""A door with a clock of its own, and an officer with an app who comes through it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from support.authenticator import App
from support.stores import SECRET_KEY
from survey.account import set_second_factor
from survey.limits import Counters
from survey.office_sessions import SessionRecord, begin_session, find_session
from survey.officers import OfficerRecord, create_officer
from survey.second_factor import new_key, step_of
from survey.secrets import Secrets
from survey.sign_in import Door, Entry, FailedLogins, Refusal, Visitor, show_code, sign_in
from survey.storage.audit import list_events
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

LOGIN, PASSWORD = "lan", "bốn từ chọn bừa"
HOME = Visitor("192.0.2.7", "Firefox · Linux")


@dataclass
class WayIn:
    """The door of an instance at a moment that a test moves, with one officer of whom the test knows everything."""

    door: Door
    officer: OfficerRecord
    now: datetime
    app: App | None = None
    recovery_codes: tuple[str, ...] = ()

    @property
    def stores(self) -> Stores:
        return self.door.stores

    def later(self, **units: float) -> None:
        self.now += timedelta(**units)

    def digits(self, off: int = 0) -> str:
        """What the app shows so many half minutes from now."""
        assert self.app is not None
        return self.app.shows(self.now.timestamp() + 30 * off)

    def knock(self, password: str = PASSWORD, visitor: Visitor = HOME) -> Entry | Refusal:
        return sign_in(self.door, LOGIN, password, visitor, self.now)

    def entered(self, visitor: Visitor = HOME) -> str:
        """The token of a session that began with the right password, which is not looked at here: that takes long."""
        is_complete = self.app is None and not self.door.must_have_second_factor
        with writing(self.stores.office) as session:
            return begin_session(
                session, self.door.secrets, self.officer.id, visitor.browser, self.now, is_complete=is_complete
            )

    def session(self, token: str) -> SessionRecord | None:
        """The session of a token, as a request finds it now."""
        must = self.door.must_have_second_factor
        return find_session(self.stores, self.door.secrets, token, self.now, must_have_second_factor=must)

    def lives(self, token: str) -> bool:
        return self.session(token) is not None

    def found(self, token: str) -> SessionRecord:
        session = self.session(token)
        assert session is not None, "the session is over"
        return session

    def show(self, text: str, visitor: Visitor = HOME) -> Entry | Refusal:
        """What comes of the right password and then this code."""
        return show_code(self.door, self.found(self.entered(visitor)), text, visitor, self.now)

    def shown(self, text: str) -> str:
        """The token of the session that this code opens."""
        entry = self.show(text)
        assert isinstance(entry, Entry), entry
        return entry.token

    def enrol(self, token: str) -> str:
        """The token of the session that goes on, with an app that the officer has from now on."""
        key = new_key()
        self.app = App(key)
        step = step_of(key, self.digits(), self.now)
        assert step is not None
        current = self.found(token)
        going_on, self.recovery_codes = set_second_factor(self.stores, self.door.secrets, current, key, step, self.now)
        return going_on

    def actions(self) -> list[str]:
        """What the audit log says, the oldest first."""
        with reading(self.stores.office) as session:
            return [event.action for event in reversed(list_events(session))]

    def with_another_key(self) -> "WayIn":
        """The same stores, opened under another secret key."""
        return replace(self, door=replace(self.door, secrets=Secrets(SECRET_KEY[::-1])))


def way_in(stores: Stores, *, must_have_second_factor: bool = False) -> WayIn:
    """An instance with one officer, at the full minute of now."""
    officer = create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    failures = FailedLogins(Counters.private())
    door = Door(stores, Secrets(SECRET_KEY), failures, must_have_second_factor)
    return WayIn(door, officer, datetime.now(UTC).replace(second=0, microsecond=0))
