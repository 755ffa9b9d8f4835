"""Passkeys (W3C Web Authentication): a device keeps a key for this site alone and signs a challenge with it, after a
finger, a face or its PIN. No false site can ask for it, so it stands for the password and the second factor together.
"""

import base64
import hashlib
import json
import secrets as randomness
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from survey.errors import BadInput
from survey.limits import Counters
from survey.notices import one_line
from survey.officers import OfficerRecord, Role
from survey.storage.audit import record_event
from survey.storage.office import Officer
from survey.storage.portal import Passkey
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

CHALLENGE_BYTES = 32
# How long somebody may look for their key.
CHALLENGE_SECONDS = 600
MOST_PASSKEYS = 10
LONGEST_NAME = 60
LONGEST_CREDENTIAL = 1023
LONGEST_ANSWER = 16_000


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: the address of the pages, and its host, which devices bind a key to."""

    origin: str

    @property
    def host(self) -> str:
        """The host alone, which browsers compare with the page's."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class PasskeyRecord:
    """A passkey as its owner sees it. `name` was chosen by them; `mark` tells it from their others."""

    mark: str
    name: str
    added_on: date


def new_challenge() -> str:
    """What a device is asked to sign: 32 random bytes, spelled base64url."""
    return _spelled(randomness.token_bytes(CHALLENGE_BYTES))


def registration_options(site: Site, account: OfficerRecord, challenge: str) -> str:
    """What the browser hands a device to make a key for this account: JSON after the standard's own names."""
    return json.dumps(
        {
            "challenge": challenge,
            "rp": {"id": site.host, "name": "Hailong"},
            # The number says nothing of its owner to whoever finds it on a device.
            "user": {"id": _spelled(_handle(account.id)), "name": account.login, "displayName": account.name},
            # EdDSA, ES256 and RS256: what devices can do.
            "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in (-8, -7, -257)],
            "timeout": CHALLENGE_SECONDS * 1000,
            "attestation": "none",
            "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
        },
        ensure_ascii=False,
    )


def authentication_options(site: Site, challenge: str) -> str:
    """What the browser hands any device that has a key for this site: JSON after the standard's own names."""
    return json.dumps(
        {
            "challenge": challenge,
            "rpId": site.host,
            "userVerification": "required",
            "timeout": CHALLENGE_SECONDS * 1000,
        }
    )


def add_passkey(
    stores: Stores, site: Site, account: OfficerRecord, challenge: str, answer: str, name: str, today: date
) -> PasskeyRecord:
    """The account's new passkey; raises BadInput when the device's answer is no good, and beyond ten of them."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    words = one_line("the name", name, longest=LONGEST_NAME)
    if not words:
        raise BadInput("the name is empty; expected what its owner knows the device by")
    try:
        proved = verify_registration_response(
            credential=_answer(answer),
            expected_challenge=_unspelled(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as refusal:
        raise BadInput(f"the device's answer cannot be used ({type(refusal).__name__})") from None
    credential = proved.credential_id
    if len(credential) > LONGEST_CREDENTIAL:
        raise BadInput("the device's key has too long a name")
    with writing(stores.office) as session:
        known = session.scalars(select(Passkey.credential_id).where(Passkey.officer_id == account.id)).all()
        if len(known) >= MOST_PASSKEYS:
            raise BadInput(f"found {len(known)} passkeys, expected at most {MOST_PASSKEYS}")
        if session.get(Passkey, credential) is not None:
            raise BadInput("the device's key is known already")
        session.add(
            Passkey(
                credential_id=credential,
                officer_id=account.id,
                public_key=proved.credential_public_key,
                sign_count=proved.sign_count,
                name=words,
                added_on=today,
            )
        )
        record_event(session, actor=account.login, action=f"{account.role}.passkey_added", subject=account.login)
    return PasskeyRecord(_mark_of(credential), words, today)


def list_passkeys(stores: Stores, account: OfficerRecord) -> tuple[PasskeyRecord, ...]:
    """The account's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.officer_id == account.id).order_by(Passkey.added_on, Passkey.name)
    with reading(stores.office) as session:
        return tuple(
            PasskeyRecord(_mark_of(row.credential_id), row.name, row.added_on) for row in session.scalars(query)
        )


def remove_passkey(stores: Stores, account: OfficerRecord, mark: str) -> bool:
    """Whether the account had a passkey of this mark; it is good for nothing now."""
    with writing(stores.office) as session:
        known = session.scalars(select(Passkey.credential_id).where(Passkey.officer_id == account.id)).all()
        removed = [credential for credential in known if _mark_of(credential) == mark]
        if removed:
            session.execute(delete(Passkey).where(Passkey.credential_id.in_(removed)))
            record_event(session, actor=account.login, action=f"{account.role}.passkey_removed", subject=account.login)
    return bool(removed)


def owner_of_answer(
    stores: Stores, counters: Counters, site: Site, challenge: str, answer: str, role: Role
) -> int | None:
    """The number of the account whose device signed the challenge; None for any other answer.

    A challenge is good once, on whichever process of this server it comes back.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        sent = _answer(answer)
        credential = _unspelled(str(sent["rawId"]))
        expected = _unspelled(challenge)
    except (ValueError, KeyError, TypeError):
        return None
    if len(expected) != CHALLENGE_BYTES or not counters.allow("passkey challenge", expected, 1, CHALLENGE_SECONDS):
        return None
    with writing(stores.office) as session:
        row = session.get(Passkey, credential[:LONGEST_CREDENTIAL], with_for_update=True)
        owner = None if row is None else session.get(Officer, row.officer_id)
        if row is None or owner is None or owner.role != role:
            return None
        try:
            proved = verify_authentication_response(
                credential=sent,
                expected_challenge=expected,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            return None
        # A count that does not grow is a copy of the key; the library refuses it where the device counts at all.
        row.sign_count = proved.new_sign_count
        return owner.id


def _answer(text: str) -> dict[str, object]:
    if len(text) > LONGEST_ANSWER:
        raise ValueError("too long")
    read = json.loads(text)
    if not isinstance(read, dict):
        raise TypeError("no object")
    return read


def _handle(account_id: int) -> bytes:
    return hashlib.sha256(b"hailong 1 passkey of " + str(account_id).encode()).digest()


def _mark_of(credential: bytes) -> str:
    return hashlib.sha256(credential).hexdigest()[:16]


def _spelled(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unspelled(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
