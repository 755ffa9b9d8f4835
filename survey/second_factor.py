"""The second factor of officers: six digits from an app (TOTP, RFC 6238), and recovery codes on paper."""

import base64
import binascii
import hmac
import secrets as randomness
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlalchemy import Delete, Update, delete, update
from sqlalchemy.orm import Session

from survey.codes import SYMBOLS, plain_symbols
from survey.secrets import Secrets
from survey.storage.office import RecoveryCode, SecondFactor

# What every app takes without being told; 160 bits are what RFC 4226 recommends for SHA-1.
KEY_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
# A phone's clock may be a little off, and typing takes a while: RFC 6238 (5.2) grants one step either side.
STEPS_OFF = (0, -1, 1)
N_RECOVERY_CODES = 10
# 25 of 25 symbols are 116 bits, so that a keyed mark is enough to store and nobody has to count tries.
RECOVERY_SYMBOLS = 25
_NONCE_BYTES = 12

Used = Literal["app", "recovery"]


def new_key() -> bytes:
    """The key of a new app, 20 random bytes."""
    return randomness.token_bytes(KEY_BYTES)


def spell_key(key: bytes) -> str:
    """A key as people type it into an app: eight groups of four letters and digits."""
    letters = base64.b32encode(key).decode()
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def address_of_key(key: bytes, login: str, issuer: str) -> str:
    """The address that an app reads from a picture: the key, whose it is and who issued it."""
    label = quote(f"{issuer}:{login}", safe="")
    fields = {"secret": base64.b32encode(key).decode(), "issuer": issuer}
    return f"otpauth://totp/{label}?{urlencode(fields, quote_via=quote)}"


def step_of(key: bytes, text: str, now: datetime) -> int | None:
    """The half minute since 1970 whose six digits these are, this one or one beside it; None when they are not."""
    typed = _digits(text)
    if typed is None:
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    hotp = HOTP(key, DIGITS, SHA1())  # noqa: S303 - apps know no other, and HMAC needs no more  # nosec B303
    for off in STEPS_OFF:
        if hmac.compare_digest(hotp.generate(present + off), typed):
            return present + off
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Ten new codes, each five groups of five symbols."""
    drawn = ("".join(randomness.choice(SYMBOLS) for _ in range(RECOVERY_SYMBOLS)) for _ in range(N_RECOVERY_CODES))
    return tuple("-".join(code[start : start + 5] for start in range(0, RECOVERY_SYMBOLS, 5)) for code in drawn)


def seal_key(secrets: Secrets, officer_id: int, key: bytes) -> bytes:
    """The key as it is stored: only the instance's secret key opens it, and only as this officer's."""
    return _seal(secrets, key, b"second factor", officer_id)


def offer_key(secrets: Secrets, officer_id: int, key: bytes) -> str:
    """The key as it waits in the form until its owner has typed the first digits."""
    return base64.urlsafe_b64encode(_seal(secrets, key, b"offered", officer_id)).decode()


def read_offer(secrets: Secrets, officer_id: int, text: str) -> bytes | None:
    """The key that was offered to this officer; None for whatever else was sent."""
    try:
        return _open(secrets, base64.urlsafe_b64decode(text.encode("ascii")), b"offered", officer_id)
    except (binascii.Error, UnicodeEncodeError):
        return None


def use_code(session: Session, secrets: Secrets, officer_id: int, text: str, now: datetime) -> Used | None:
    """Which kind of code of this officer the text is, good now; it is none from now on. None when it is not."""
    if _digits(text) is not None:
        return "app" if _use_digits(session, secrets, officer_id, text, now) else None
    symbols = plain_symbols(text)
    if len(symbols) != RECOVERY_SYMBOLS or not set(symbols) <= set(SYMBOLS):
        return None
    mark = secrets.recovery_mark(officer_id, symbols)
    of_this_code = (RecoveryCode.officer_id == officer_id, RecoveryCode.mark == mark)
    return "recovery" if _n_changed(session, delete(RecoveryCode).where(*of_this_code)) else None


def keep_second_factor(session: Session, secrets: Secrets, officer_id: int, key: bytes, step: int) -> tuple[str, ...]:
    """The officer's recovery codes, all new; the app with this key, whose digits of `step` were used, is theirs now."""
    forget_second_factor(session, officer_id)
    session.add(SecondFactor(officer_id=officer_id, sealed_key=seal_key(secrets, officer_id, key), last_step=step))
    return keep_recovery_codes(session, secrets, officer_id)


def keep_recovery_codes(session: Session, secrets: Secrets, officer_id: int) -> tuple[str, ...]:
    """The officer's recovery codes, all new; those before are worth nothing."""
    codes = new_recovery_codes()
    session.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    session.add_all(
        RecoveryCode(officer_id=officer_id, mark=secrets.recovery_mark(officer_id, plain_symbols(code)))
        for code in codes
    )
    return codes


def forget_second_factor(session: Session, officer_id: int) -> bool:
    """The officer has neither an app nor a recovery code; whether there was one before."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    return _n_changed(session, delete(SecondFactor).where(SecondFactor.officer_id == officer_id)) > 0


def _use_digits(session: Session, secrets: Secrets, officer_id: int, text: str, now: datetime) -> bool:
    stored = session.get(SecondFactor, officer_id)
    # A key that does not open was sealed under another secret key: nobody's digits fit.
    key = None if stored is None else _open(secrets, stored.sealed_key, b"second factor", officer_id)
    step = None if key is None else step_of(key, text, now)
    if step is None:
        return False
    # Of two requests with the same digits one finds the row as it was.
    is_unused = (SecondFactor.officer_id == officer_id, SecondFactor.last_step < step)
    return _n_changed(session, update(SecondFactor).where(*is_unused).values(last_step=step)) == 1


def _digits(text: str) -> bytes | None:
    typed = "".join(text.split())
    return typed.encode() if len(typed) == DIGITS and typed.isascii() and typed.isdigit() else None


def _seal(secrets: Secrets, key: bytes, purpose: bytes, officer_id: int) -> bytes:
    nonce = randomness.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(secrets.second_factor_key).encrypt(nonce, key, _bound(purpose, officer_id))


def _open(secrets: Secrets, sealed: bytes, purpose: bytes, officer_id: int) -> bytes | None:
    nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(secrets.second_factor_key).decrypt(nonce, content, _bound(purpose, officer_id))
    except (InvalidTag, ValueError):
        return None


def _bound(purpose: bytes, officer_id: int) -> bytes:
    return b"hailong 1 " + purpose + b"\0" + str(officer_id).encode()


def _n_changed(session: Session, statement: Delete | Update) -> int:
    return session.connection().execute(statement).rowcount
