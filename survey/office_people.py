"""The people of the office: whom an administrator invited, what they may do, and who is shut out again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from survey.errors import BadInput, NotFound, WrongState
from survey.notices import one_line
from survey.officers import LOGIN_PATTERN, OFFICER, OfficerRecord, known_login, record_of
from survey.password_hashes import hash_password
from survey.passwords import checked_password, words_of_place
from survey.permissions import checked_roles, spelled_roles
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Officer, OfficerSession, SecondFactor
from survey.storage.people import OfficePerson
from survey.storage.portal import Passkey
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.unit_people import (
    INVITED_FOR,
    checked_address,
    forget_ways_in,
    new_invitation_code,
    symbols_of_invitation,
)


@dataclass(frozen=True, slots=True)
class OfficePersonRecord:
    """Somebody of the office, and until when an invitation waits for them; None when none does.

    `address` is where letters to them go, empty where none is known. `oidc_issuer` speaks for them at the sign-in page.
    """

    account: OfficerRecord
    invited_until: datetime | None
    has_password: bool
    has_passkey: bool
    address: str
    oidc_issuer: str | None


@dataclass(frozen=True, slots=True)
class OfficeInvitation:
    """An invitation as it is handed over, once: its code is stored nowhere."""

    person: OfficePersonRecord
    code: str
    until: datetime


def invite_officer(
    stores: Stores,
    secrets: Secrets,
    login: str,
    name: str,
    roles: Collection[str],
    *,
    actor: str,
    now: datetime,
    address: str = "",
) -> OfficeInvitation:
    """A new account with these roles, and the code with which its owner chooses a password within fourteen days.

    :param address: the e-mail address that a letter goes to and by which the issuer of OpenID Connect may know them.

    Raises BadInput for a login, a name or an address that cannot be used, for a login that exists, for an address that
    is somebody else's, and for no role.
    """
    reached = checked_address(address) if address else ""
    known, held, words = known_login(login), checked_roles(roles), one_line("the name", name)
    if LOGIN_PATTERN.fullmatch(known) is None:
        raise BadInput(f"found the login {login[:60]!r}, expected 2 to 40 of a-z, digits, dot, dash and underscore")
    if not words:
        raise BadInput("the name is empty; expected the name that colleagues know")
    with writing(stores.office) as session:
        if session.scalar(select(Officer.id).where(Officer.login == known)) is not None:
            raise BadInput(f"the login {known!r} exists already; expected a login that nobody has")
        account = Officer(login=known, name=words, password_hash="", role=OFFICER, roles=",".join(held))
        session.add(account)
        session.flush()
        return _invited_anew(session, secrets, account, f"{known}: {', '.join(held)}", reached, actor, now)


def invite_again(
    stores: Stores, secrets: Secrets, number: int, *, actor: str, now: datetime, address: str = ""
) -> OfficeInvitation:
    """A new code for somebody who never came in or lost the way; until they accept, everything stays as it is.

    :param address: as of :func:`invite_officer`; the one of before goes.

    Raises NotFound, WrongState for whoever is shut out, and BadInput for an address that cannot be used.
    """
    reached = checked_address(address) if address else ""
    with writing(stores.office) as session:
        account = _account(session, number)
        if account.is_disabled:
            raise WrongState(f"{account.login} is shut out; let them in before you invite them again")
        return _invited_anew(session, secrets, account, account.login, reached, actor, now)


def accept_office_invitation(
    stores: Stores, secrets: Secrets, code: str, password: str, now: datetime, *, breached: Path | None = None
) -> OfficerRecord | None:
    """Whoever was invited with this code, who has this password from now on; None when the code is good no more.

    An app, passkeys and sessions of before are gone. Raises WeakPassword.
    """
    with reading(stores.office) as session:
        found = _waiting(session, secrets, code, now)
        if found is None:
            return None
        login, name = found.login, found.name
    chosen = checked_password(password, login=login, name=name, words=words_of_place(stores), breached=breached)
    password_hash = hash_password(chosen)
    with writing(stores.office) as session:
        account = _waiting(session, secrets, code, now)
        if account is None:
            return None
        row = session.get_one(OfficePerson, account.id)
        row.invitation_mark = row.invited_until = None
        account.password_hash = password_hash
        forget_ways_in(session, account.id)
        record_event(session, actor=login, action="officer.accepted", subject=login)
        return record_of(account)


def set_roles(stores: Stores, number: int, roles: Collection[str], *, actor: str) -> OfficerRecord:
    """The officer with exactly these roles, from the next page they open.

    Raises NotFound, BadInput for no role or an unknown one, and WrongState where nobody would administer any more.
    """
    held = checked_roles(roles)
    with writing(stores.office) as session:
        account = _account(session, number)
        if spelled_roles(account.roles) != held:
            if "administrator" not in held:
                _refuse_last_administrator(session, account)
            account.roles = ",".join(held)
            record_event(
                session, actor=actor, action="officer.roles_set", subject=f"{account.login}: {', '.join(held)}"
            )
        return record_of(account)


def shut_officer_out(stores: Stores, number: int, *, actor: str) -> OfficerRecord:
    """The officer, who cannot sign in any more; sessions and an open invitation are over.

    Raises NotFound, and WrongState where nobody would administer any more.
    """
    with writing(stores.office) as session:
        account = _account(session, number)
        _refuse_last_administrator(session, account)
        if not account.is_disabled:
            record_event(session, actor=actor, action="officer.disabled", subject=account.login)
        account.is_disabled = True
        row = session.get(OfficePerson, number)
        if row is not None:
            row.invitation_mark = row.invited_until = None
        session.execute(delete(OfficerSession).where(OfficerSession.officer_id == number))
        return record_of(account)


def let_officer_in(stores: Stores, number: int, *, actor: str) -> OfficerRecord:
    """The officer, who may sign in again as before. Raises NotFound."""
    with writing(stores.office) as session:
        account = _account(session, number)
        if account.is_disabled:
            record_event(session, actor=actor, action="officer.enabled", subject=account.login)
        account.is_disabled = False
        return record_of(account)


def reset_ways_in(stores: Stores, number: int, *, actor: str) -> OfficerRecord:
    """The officer without an app, recovery codes, passkeys and the issuer's word; the password stays.

    Every session has ended. Raises NotFound.
    """
    with writing(stores.office) as session:
        account = _account(session, number)
        forget_ways_in(session, number)
        row = session.get(OfficePerson, number)
        if row is not None:
            row.oidc_issuer = row.oidc_subject = None
        record_event(session, actor=actor, action="officer.second_factor_reset", subject=account.login)
        return record_of(account)


def find_office_person(stores: Stores, number: int) -> OfficePersonRecord:
    """The officer of this number; NotFound where there is none."""
    with reading(stores.office) as session:
        return _record(session, _account(session, number))


def list_office_people(stores: Stores) -> tuple[OfficePersonRecord, ...]:
    """Everybody of the office, by login."""
    with reading(stores.office) as session:
        accounts = session.scalars(select(Officer).where(Officer.role == OFFICER).order_by(Officer.login))
        return tuple(_record(session, account) for account in accounts.all())


def _account(session: Session, number: int) -> Officer:
    account = session.get(Officer, number)
    if account is None or account.role != OFFICER:
        raise NotFound("the account is no officer's")
    return account


def _refuse_last_administrator(session: Session, leaving: Officer) -> None:
    has_way_in = or_(Officer.password_hash != "", OfficePerson.oidc_subject.is_not(None))
    query = (
        select(Officer)
        .outerjoin(OfficePerson, OfficePerson.officer_id == Officer.id)
        .where(Officer.role == OFFICER, Officer.is_disabled.is_(False), has_way_in)
    )
    others = [one for one in session.scalars(query) if one.id != leaving.id]
    is_one = "administrator" in spelled_roles(leaving.roles)
    if is_one and not any("administrator" in spelled_roles(other.roles) for other in others):
        raise WrongState(f"{leaving.login} is the last administrator who can sign in; make somebody else one first")


def _invited_anew(
    session: Session, secrets: Secrets, account: Officer, subject: str, address: str, actor: str, now: datetime
) -> OfficeInvitation:
    theirs = (OfficePerson.address == address, OfficePerson.officer_id != account.id)
    if address and session.scalar(select(OfficePerson.officer_id).where(*theirs)) is not None:
        raise BadInput(f"the address {address!r} is another officer's; expected one that nobody has")
    code, until = new_invitation_code(), now + INVITED_FOR
    row = session.get(OfficePerson, account.id)
    if row is None:
        row = OfficePerson(officer_id=account.id)
        session.add(row)
    row.address, row.invitation_mark = address, secrets.portal_mark(symbols_of_invitation(code) or "")
    row.invited_until = until
    record_event(session, actor=actor, action="officer.invited", subject=subject)
    session.flush()
    return OfficeInvitation(_record(session, account), code, until)


def _waiting(session: Session, secrets: Secrets, code: str, now: datetime) -> Officer | None:
    symbols = symbols_of_invitation(code)
    if symbols is None:
        return None
    row = session.scalar(select(OfficePerson).where(OfficePerson.invitation_mark == secrets.portal_mark(symbols)))
    if row is None or row.invited_until is None or row.invited_until < now:
        return None
    account = session.get_one(Officer, row.officer_id)
    return None if account.is_disabled else account


def _record(session: Session, account: Officer) -> OfficePersonRecord:
    row = session.get(OfficePerson, account.id)
    has_factor = session.get(SecondFactor, account.id) is not None
    has_passkey = (
        session.scalars(select(Passkey.officer_id).where(Passkey.officer_id == account.id)).first() is not None
    )
    return OfficePersonRecord(
        record_of(account, has_second_factor=has_factor),
        None if row is None else row.invited_until,
        bool(account.password_hash),
        has_passkey,
        "" if row is None else row.address,
        None if row is None else row.oidc_issuer,
    )
