"""What people change about their own way in. Whoever calls has just proved who they are; see `survey.sign_in`."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from survey.errors import WrongState
from survey.office_sessions import SessionRecord, begin_session, remove_sessions
from survey.officers import OfficerRecord
from survey.password_hashes import hash_password
from survey.passwords import checked_password, words_of_place
from survey.second_factor import keep_recovery_codes, keep_second_factor
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Officer, RecoveryCode, SecondFactor
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores


def chosen_password(stores: Stores, officer: OfficerRecord, password: str, *, breached: Path | None = None) -> str:
    """The password as it is hashed, if this officer may choose it; raises WeakPassword if not.

    :param breached: a file of hashes of stolen passwords; None where there is none.
    """
    words = words_of_place(stores)
    return checked_password(password, login=officer.login, name=officer.name, words=words, breached=breached)


def change_password(stores: Stores, secrets: Secrets, current: SessionRecord, chosen: str, now: datetime) -> str:
    """The token of the one session that the officer has from now on, with the chosen password (`chosen_password`)."""
    login, role = current.officer.login, current.officer.role
    password_hash = hash_password(chosen)
    with writing(stores.office) as session:
        session.get_one(Officer, current.officer.id).password_hash = password_hash
        remove_sessions(session, current.officer.id)
        record_event(session, actor=login, action=f"{role}.password_changed", subject=login)
        return begin_session(session, secrets, current.officer.id, current.browser, now, is_complete=True)


def set_second_factor(
    stores: Stores, secrets: Secrets, current: SessionRecord, key: bytes, step: int, now: datetime
) -> tuple[str, tuple[str, ...]]:
    """The token of the one session that the officer has from now on, and the recovery codes that are shown once.

    :param step: the half minute whose digits proved that the app has the key.
    :raises WrongState: when a session of the password alone comes after another one that has set an app up.
    """
    officer = current.officer
    with writing(stores.office) as session:
        # Of two requests at once the second sees what the first has done.
        session.get_one(Officer, officer.id, with_for_update=True)
        is_replaced = session.get(SecondFactor, officer.id) is not None
        if is_replaced and not current.is_complete:
            raise WrongState(f"the officer {officer.login} has a second factor already and has not shown it")
        action = f"{officer.role}.second_factor_{'replaced' if is_replaced else 'set'}"
        codes = keep_second_factor(session, secrets, officer.id, key, step)
        remove_sessions(session, officer.id)
        record_event(session, actor=officer.login, action=action, subject=officer.login)
        if not current.is_complete:
            record_event(session, actor=officer.login, action=f"{officer.role}.signed_in", subject=officer.login)
        token = begin_session(session, secrets, officer.id, current.browser, now, is_complete=True)
    return token, codes


def renew_recovery_codes(stores: Stores, secrets: Secrets, officer: OfficerRecord) -> tuple[str, ...]:
    """New recovery codes, shown once; those before are worth nothing."""
    with writing(stores.office) as session:
        codes = keep_recovery_codes(session, secrets, officer.id)
        record_event(session, actor=officer.login, action=f"{officer.role}.recovery_codes_made", subject=officer.login)
    return codes


def count_recovery_codes(stores: Stores, officer: OfficerRecord) -> int:
    """How many recovery codes the officer has left."""
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.officer_id == officer.id)
    with reading(stores.office) as session:
        return session.scalar(query) or 0
