"""Which secret key the stores were set up with."""

import contextlib
import hashlib
import hmac

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from survey.errors import BadInput
from survey.storage.office import InstanceKey
from survey.storage.sessions import reading, writing


def fingerprint_of(secret_key: bytes) -> str:
    """A name of the key from which the key cannot be computed: 64 hexadecimal digits."""
    return hmac.new(secret_key, b"hailong instance key fingerprint", hashlib.sha256).hexdigest()


def remember_key(office: Engine, secret_key: bytes) -> None:
    """Note the key of a new instance; an instance that knows one keeps that."""
    # Two first upgrades may meet here with the same key; one of them notes it.
    with contextlib.suppress(IntegrityError), writing(office) as session:
        if session.scalars(select(InstanceKey)).first() is None:
            session.add(InstanceKey(fingerprint=fingerprint_of(secret_key)))


def refuse_another_key(office: Engine, secret_key: bytes) -> None:
    """Raise BadInput when the stores were set up with another key.

    Under another key every printed invitation would be refused, and nobody would know why.
    """
    with reading(office) as session:
        # A restored instance knows the key it was made with and the one of the instance it came from.
        known = session.scalars(select(InstanceKey.fingerprint)).all()
    if known and fingerprint_of(secret_key) not in known:
        raise BadInput(
            "HAILONG_SECRET_KEY_FILE: found another key than the one these databases were set up with, "
            "expected that one: under another key no printed invitation is valid"
        )
