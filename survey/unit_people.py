"""The people of units: whom the office invited to the portal, whose they are, and who is shut out again.

An account of theirs is one of the role `unit` (`survey.officers`): the same passwords, apps, passkeys and sessions as
an officer's, at another door. Its login is the e-mail address that the invitation goes to.
"""

import re
import secrets as randomness
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import Session

from questionnaires.model import Text
from survey.codes import SYMBOLS, plain_symbols
from survey.errors import BadInput, NotFound
from survey.notices import one_line
from survey.officers import OfficerRecord, Role, known_login, record_of
from survey.password_hashes import hash_password
from survey.passwords import checked_password, words_of_place
from survey.second_factor import forget_second_factor
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Officer, OfficerSession, SecondFactor, Unit
from survey.storage.portal import Passkey, UnitPerson
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

UNIT: Role = "unit"
LONGEST_ADDRESS = 64
INVITED_FOR = timedelta(days=14)
# 25 of 25 symbols are 116 bits: nobody has to count tries.
CODE_SYMBOLS = 25
# What mail servers of agencies take; what is refused here would be refused there, or is a slip of the finger.
_ADDRESS = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,40}[a-z0-9])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,20}")


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Somebody of a unit: the account, the unit, and until when an invitation waits for them, None when none does."""

    account: OfficerRecord
    unit_code: str
    unit_name: Text
    invited_until: datetime | None
    has_password: bool
    has_passkey: bool
    oidc_issuer: str | None

    @property
    def is_active(self) -> bool:
        """Whether they have a way in and are not shut out."""
        return not self.account.is_disabled and (self.has_password or self.oidc_issuer is not None)


@dataclass(frozen=True, slots=True)
class PortalInvitation:
    """An invitation as it is handed over, once: its code is stored nowhere."""

    person: PersonRecord
    code: str
    until: datetime


def invite_person(
    stores: Stores, secrets: Secrets, unit_code: str, address: str, name: str, *, actor: str, now: datetime
) -> PortalInvitation:
    """An invitation that lets whoever has the code choose a password for this address, for fourteen days.

    Somebody who was invited before keeps everything until they accept again; the code of before is worth nothing.
    Raises NotFound for a unit that is not there, BadInput for an address or a name that cannot be used, and for an
    address that is an account of another unit.
    """
    login = checked_address(address)
    name = one_line("the name", name)
    if not name:
        raise BadInput("the name is empty; expected the name that colleagues know")
    code = new_invitation_code()
    until = now + INVITED_FOR
    with writing(stores.office) as session:
        if session.get(Unit, unit_code) is None:
            raise NotFound(f"found no unit {unit_code[:40]!r}, expected a code that `hailong units list` shows")
        account = session.scalar(select(Officer).where(Officer.login == login))
        if account is None:
            account = Officer(login=login, name=name, password_hash="", role=UNIT)
            session.add(account)
            session.flush()
            session.add(UnitPerson(officer_id=account.id, unit_code=unit_code))
            session.flush()
        person = session.get(UnitPerson, account.id)
        if person is None or person.unit_code != unit_code:
            raise BadInput(f"the address {login!r} is an account of another unit; expected one that nobody has")
        account.name, account.is_disabled = name, False
        person.invitation_mark, person.invited_until = secrets.portal_mark(plain_symbols(code)), until
        record_event(session, actor=actor, action="unit.invited", subject=f"{unit_code}: {login}")
        session.flush()
        return PortalInvitation(_person_of(session, account.id), code, until)


def invited_person(stores: Stores, secrets: Secrets, code: str, now: datetime) -> PersonRecord | None:
    """Whom a code invites; None when it is none, was used, or its time is over."""
    with reading(stores.office) as session:
        row = _invited(session, secrets, code, now)
        return None if row is None else _person_of(session, row.officer_id)


def accept_invitation(
    stores: Stores, secrets: Secrets, code: str, password: str, now: datetime, *, breached: Path | None = None
) -> PersonRecord | None:
    """Whoever was invited with this code, who has this password from now on; None when the code is good no more.

    An app, passkeys and sessions of before are gone: whoever accepts again had lost them. Raises WeakPassword.
    """
    person = invited_person(stores, secrets, code, now)
    if person is None:
        return None
    login, name = person.account.login, person.account.name
    chosen = checked_password(password, login=login, name=name, words=words_of_place(stores), breached=breached)
    password_hash = hash_password(chosen)
    with writing(stores.office) as session:
        row = _invited(session, secrets, code, now)
        if row is None:
            return None
        row.invitation_mark = row.invited_until = None
        session.get_one(Officer, row.officer_id).password_hash = password_hash
        forget_ways_in(session, row.officer_id)
        record_event(session, actor=login, action="unit.accepted", subject=f"{row.unit_code}: {login}")
        session.flush()
        return _person_of(session, row.officer_id)


def shut_out(stores: Stores, login: str, *, actor: str) -> PersonRecord:
    """The person, who cannot sign in any more; their sessions and an open invitation are over."""
    with writing(stores.office) as session:
        account, person = _account_with(session, login)
        if not account.is_disabled:
            record_event(session, actor=actor, action="unit.shut_out", subject=f"{person.unit_code}: {account.login}")
        account.is_disabled = True
        person.invitation_mark = person.invited_until = None
        session.execute(delete(OfficerSession).where(OfficerSession.officer_id == account.id))
        session.flush()
        return _person_of(session, account.id)


def let_in_again(stores: Stores, login: str, *, actor: str) -> PersonRecord:
    """The person, who may sign in again as before."""
    with writing(stores.office) as session:
        account, person = _account_with(session, login)
        if account.is_disabled:
            record_event(session, actor=actor, action="unit.let_in", subject=f"{person.unit_code}: {account.login}")
        account.is_disabled = False
        session.flush()
        return _person_of(session, account.id)


def find_person(stores: Stores, account_id: int) -> PersonRecord:
    """The person whose account this is; NotFound when it is no person's of a unit."""
    with reading(stores.office) as session:
        return _person_of(session, account_id)


def list_people(stores: Stores, unit_codes: Sequence[str] | None = None) -> tuple[PersonRecord, ...]:
    """The people of these units, or of all, by unit and login."""
    query = _people().order_by(UnitPerson.unit_code, Officer.login)
    if unit_codes is not None:
        query = query.where(UnitPerson.unit_code.in_(unit_codes))
    with reading(stores.office) as session:
        return tuple(map(_record, session.execute(query)))


def checked_address(text: str) -> str:
    """An e-mail address as it is stored; raises BadInput for what is none that we write to."""
    login = known_login(text)
    if len(text.strip()) > LONGEST_ADDRESS or _ADDRESS.fullmatch(login) is None:
        raise BadInput(
            f"found {unicodedata.normalize('NFC', text)[:80]!r}, expected an e-mail address such as lan@halong.gov.vn, "
            f"of at most {LONGEST_ADDRESS} characters"
        )
    return login


def new_invitation_code() -> str:
    """A code that lets whoever has it choose a password, 25 symbols in groups of five; it is stored nowhere."""
    drawn = "".join(randomness.choice(SYMBOLS) for _ in range(CODE_SYMBOLS))
    return "-".join(drawn[start : start + 5] for start in range(0, CODE_SYMBOLS, 5))


def symbols_of_invitation(code: str) -> str | None:
    """The symbols of the code of an invitation, however they were typed; None for what cannot be one."""
    symbols = plain_symbols(code)
    return symbols if len(symbols) == CODE_SYMBOLS and set(symbols) <= set(SYMBOLS) else None


def _invited(session: Session, secrets: Secrets, code: str, now: datetime) -> UnitPerson | None:
    symbols = symbols_of_invitation(code)
    if symbols is None:
        return None
    query = (
        select(UnitPerson)
        .join(Officer, Officer.id == UnitPerson.officer_id)
        .where(UnitPerson.invitation_mark == secrets.portal_mark(symbols), Officer.is_disabled.is_(False))
    )
    found = session.scalar(query)
    return found if found is not None and found.invited_until is not None and found.invited_until >= now else None


def forget_ways_in(session: Session, account_id: int) -> None:
    """An account has no app, no passkey and no session any more."""
    forget_second_factor(session, account_id)
    session.execute(delete(Passkey).where(Passkey.officer_id == account_id))
    session.execute(delete(OfficerSession).where(OfficerSession.officer_id == account_id))


def _account_with(session: Session, login: str) -> tuple[Officer, UnitPerson]:
    query = select(Officer, UnitPerson).join(UnitPerson, UnitPerson.officer_id == Officer.id)
    found = session.execute(query.where(Officer.login == known_login(login))).one_or_none()
    if found is None:
        raise NotFound(f"nobody of a unit has the address {login[:80]!r}; `hailong unit-account list` shows who does")
    return found[0], found[1]


def _people() -> Select[Officer, UnitPerson, Unit, bool, bool]:
    has_passkey = select(Passkey.officer_id).where(Passkey.officer_id == Officer.id).exists()
    return (
        select(Officer, UnitPerson, Unit, SecondFactor.officer_id.is_not(None), has_passkey)
        .join(UnitPerson, UnitPerson.officer_id == Officer.id)
        .join(Unit, Unit.code == UnitPerson.unit_code)
        .outerjoin(SecondFactor, SecondFactor.officer_id == Officer.id)
    )


def _person_of(session: Session, account_id: int) -> PersonRecord:
    found = session.execute(_people().where(Officer.id == account_id)).one_or_none()
    if found is None:
        raise NotFound("the account is no person's of a unit")
    return _record(found)


def _record(row: Row[Officer, UnitPerson, Unit, bool, bool]) -> PersonRecord:
    account, person, unit, has_factor, has_passkey = row
    return PersonRecord(
        account=record_of(account, has_second_factor=has_factor),
        unit_code=person.unit_code,
        unit_name=Text(unit.name_vi, unit.name_en),
        invited_until=person.invited_until,
        has_password=bool(account.password_hash),
        has_passkey=has_passkey,
        oidc_issuer=person.oidc_issuer,
    )
