"""Signing in with the word of another house (OpenID Connect Core 1.0, the code flow with PKCE), through Authlib.

The house says who somebody is: `sub`, which never changes. At their first coming the verified e-mail address has to be
that of an open invitation, and from then on `sub` alone counts: an address that somebody else has now opens nothing.
"""

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from survey.errors import HailongError
from survey.mail_settings import LOOPBACK_HOSTS
from survey.officers import Role, known_login
from survey.oidc_settings import OidcSettings
from survey.storage.audit import record_event
from survey.storage.office import Officer
from survey.storage.people import OfficePerson
from survey.storage.portal import UnitPerson
from survey.storage.sessions import writing
from survey.storage.stores import Stores

TIMEOUT_SECONDS = 10
LARGEST_ANSWER = 256 * 1024
# How long what a house says of itself is believed; after a new key it is asked again at once.
KEPT_SECONDS = 600
LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_SECRET_LENGTH = 48
# Where it is kept who waits for an invitation to be accepted, and the address that it went to.
_Person = UnitPerson | OfficePerson
_PEOPLE: Mapping[Role, type[_Person]] = {"unit": UnitPerson, "officer": OfficePerson}
_ADDRESSES: Mapping[Role, InstrumentedAttribute[str]] = {"unit": Officer.login, "officer": OfficePerson.address}


class OidcFailure(HailongError):
    """The house did not answer, or what it said cannot be believed; the message names no person and no token."""


@dataclass(frozen=True, slots=True)
class OidcAttempt:
    """What one sign-in is bound to; the browser carries it, signed, to the house and back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class OidcIdentity:
    """Who the house says somebody is; the address is None unless the house has verified it."""

    issuer: str
    subject: str
    address: str | None


class OidcHouse:
    """The issuer of the settings: its endpoints and keys, asked for when they are needed."""

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._metadata: Mapping[str, Any] | None = None
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def begin(self, redirect_uri: str) -> tuple[str, OidcAttempt]:
        """Where to send a browser that wants to sign in, and what it has to bring back. Raises OidcFailure."""
        from authlib.common.security import generate_token
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        attempt = OidcAttempt(*(generate_token(_SECRET_LENGTH) for _ in range(3)))
        address: str = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            self.settings.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope="openid email",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address, attempt

    def finish(self, attempt: OidcAttempt, code: str, redirect_uri: str) -> OidcIdentity:
        """Who the code stands for; raises OidcFailure unless the house itself says so, to us, for this attempt."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        token = _ask(self._endpoint("token_endpoint"), fields, self._credentials(fields))
        id_token, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(id_token, str):
            raise OidcFailure("the issuer gave no ID token")
        claims = self._claims(id_token, attempt.nonce, access_token if isinstance(access_token, str) else "")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise OidcFailure("the issuer named nobody")
        if "email" not in claims and isinstance(access_token, str) and "userinfo_endpoint" in self._said():
            told = _ask(self._endpoint("userinfo_endpoint"), None, {"Authorization": f"Bearer {access_token}"})
            # What is told of somebody else is worth nothing (OpenID Connect Core 1.0, 5.3.2).
            claims = {**told, **claims} if told.get("sub") == subject else claims
        address = claims.get("email") if claims.get("email_verified") is True else None
        return OidcIdentity(self.settings.issuer, subject, address if isinstance(address, str) else None)

    def _claims(self, id_token: str, nonce: str, access_token: str) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        options = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        params = {"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token}
        for is_fresh in (False, True):
            try:
                keys = KeySet.import_key_set(_ask(self._endpoint("jwks_uri", is_fresh=is_fresh)))  # type: ignore[arg-type]
                read = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
                claims = CodeIDToken(read.claims, read.header, options, params)
                claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
            except (JoseError, ValueError, KeyError, TypeError) as refusal:
                if is_fresh:
                    raise OidcFailure(f"the ID token cannot be believed ({type(refusal).__name__})") from None
            else:
                return dict(claims)
        raise AssertionError("the second try returns or raises")

    def _credentials(self, fields: dict[str, str]) -> dict[str, str]:
        """The header that says who we are; where the issuer takes it in the form alone, the fields say it."""
        client, secret = self.settings.client_id, self.settings.client_secret
        ways = self._said().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in ways:
            pair = ":".join(quote(part, safe="") for part in (client, secret))
            spelled = base64.b64encode(pair.encode()).decode()
            return {"Authorization": f"Basic {spelled}"}
        fields |= {"client_id": client, "client_secret": secret}
        return {}

    def _endpoint(self, name: str, *, is_fresh: bool = False) -> str:
        address = self._said(is_fresh=is_fresh).get(name)
        if not isinstance(address, str):
            raise OidcFailure(f"the issuer does not say its {name}")
        return address

    def _said(self, *, is_fresh: bool = False) -> Mapping[str, Any]:
        from authlib.oidc.discovery import get_well_known_url

        with self._lock:
            is_old = time.monotonic() - self._asked_at > KEPT_SECONDS
            if self._metadata is None or is_old or is_fresh:
                said = _ask(get_well_known_url(self.settings.issuer, external=True))
                if said.get("issuer") != self.settings.issuer:
                    raise OidcFailure("the issuer calls itself by another name than HAILONG_OIDC_ISSUER")
                self._metadata, self._asked_at = said, time.monotonic()
            return self._metadata


def account_of(stores: Stores, identity: OidcIdentity, role: Role, now: datetime) -> int | None:
    """The number of the account of this role that an identity is, bound to it now where an open invitation waits for
    its address.

    None for whoever was not invited: nobody gets an account by another house's word alone.
    """
    table = _PEOPLE[role]
    bound = (table.oidc_issuer == identity.issuer, table.oidc_subject == identity.subject)
    with writing(stores.office) as session:
        known = cast("_Person | None", session.scalar(select(table).where(*bound)))
        if known is not None:
            return known.officer_id
        if identity.address is None:
            return None
        query = select(table, Officer).join(Officer, Officer.id == table.officer_id)
        is_theirs = _ADDRESSES[role] == known_login(identity.address)
        is_waiting = (table.invited_until >= now, table.oidc_subject.is_(None), Officer.is_disabled.is_(False))
        invited = session.execute(query.where(is_theirs, *is_waiting)).all()
        if len(invited) != 1:
            # Two who wait under one address: which of them it is, nobody could say.
            return None
        person, account = cast("tuple[_Person, Officer]", invited[0])
        person.oidc_issuer, person.oidc_subject = identity.issuer, identity.subject
        person.invitation_mark = person.invited_until = None
        whose = f"{person.unit_code}: " if isinstance(person, UnitPerson) else ""
        record_event(session, actor=account.login, action=f"{role}.bound", subject=f"{whose}{account.login}")
        return person.officer_id


def _ask(
    address: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The object that an address of the house answers with. No redirect is followed: it would lead elsewhere."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        raise OidcFailure("the issuer names an address without TLS")
    body = None if fields is None else urlencode(fields)
    sent = {"Accept": "application/json", **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
        try:
            target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request("GET" if body is None else "POST", target, body, sent)
            response = connection.getresponse()
            content = response.read(LARGEST_ANSWER + 1)
        finally:
            connection.close()
        if response.status != http.client.OK or len(content) > LARGEST_ANSWER:
            raise OidcFailure(f"the issuer answered with {response.status}")
        read = json.loads(content)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise OidcFailure(f"the issuer does not answer as it should ({type(problem).__name__})") from None
    if not isinstance(read, dict):
        raise OidcFailure("the issuer answered with no object")
    return read
