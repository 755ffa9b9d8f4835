"""An issuer of OpenID Connect on this machine: Authlib's own server, with people who sign in by pressing their name."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from support.office import Office

CLIENT, SECRET = "hailong", "bí mật của phần mềm, không ai khác biết"


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """The one client; Authlib asks it what it may."""

    redirect_uri: str = ""

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Person:
    """Somebody whom the issuer knows."""

    subject: str
    address: str
    is_verified: bool = True

    def get_user_id(self) -> str:
        return self.subject


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was given out and not used yet."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    person: Person
    code_challenge: str
    code_challenge_method: str
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    """A running issuer. What it says can be bent: `changes` are put over the claims of each ID token."""

    address: str = ""
    client: Client = field(default_factory=Client)
    people: dict[str, Person] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: RSAKey | None = None


def _grant_of(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]  # noqa: RUF012 - the library's own way

        def save_authorization_code(self, code: str, request: Any) -> None:
            asked = request.payload.data
            provider.codes[code] = Code(
                code=code,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                nonce=asked.get("nonce", ""),
                person=request.user,
                code_challenge=asked.get("code_challenge", ""),
                code_challenge_method=asked.get("code_challenge_method", ""),
            )

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> Person:
            return authorization_code.person

    return Grant


def _identity_of(provider: Provider) -> OpenIDCode:
    class Identity(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def resolve_client_private_key(self, client: Client) -> Any:
            return provider.key

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": provider.address, "aud": [CLIENT]}

        def get_client_algorithm(self, client: Client) -> str:
            return "RS256"

        def get_encode_header(self, client: Client) -> dict[str, str]:
            return {"alg": "RS256", "kid": "one"}

        def get_compatible_claims(self, request: Any) -> dict[str, Any]:
            now = int(time.time())
            return {"iss": provider.address, "aud": CLIENT, "iat": now, "exp": now + 300}

        def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
            told = {"sub": user.subject, "email": user.address, "email_verified": user.is_verified}
            return told | provider.changes

    return Identity(require_nonce=True)


def _application(provider: Provider) -> Flask:
    app = Flask("issuer")
    server = AuthorizationServer(app, lambda _: provider.client, lambda token, request: None)
    server.register_grant(_grant_of(provider), [_identity_of(provider), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        return jsonify(
            issuer=provider.address,
            authorization_endpoint=f"{provider.address}/authorize",
            token_endpoint=f"{provider.address}/token",
            jwks_uri=f"{provider.address}/keys",
            token_endpoint_auth_methods_supported=["client_secret_basic"],
        )

    @app.get("/keys")
    def keys() -> Any:
        return jsonify(KeySet([provider.published or provider.key]).as_dict(private=False))

    @app.get("/authorize")
    def authorize() -> Any:
        fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in request.args.items())
        buttons = "".join(f'<button name="as" value="{name}">{name}</button>' for name in provider.people)
        return f'<!doctype html><title>Issuer</title><form method="post" action="/authorize">{fields}{buttons}</form>'

    @app.post("/authorize")
    def authorized() -> Any:
        person = provider.people[request.form["as"]]
        grant = server.get_consent_grant(end_user=person)
        return server.create_authorization_response(grant_user=person, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app


@contextmanager
def identity_provider() -> Iterator[Provider]:
    """A running issuer at `localhost`, which is another site than 127.0.0.1."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, _application(provider), threaded=True)
    provider.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def environment_of(provider: Provider, secret: Path) -> dict[str, str]:
    """The settings of an instance that takes this issuer's word."""
    return {
        "HAILONG_OIDC_ISSUER": provider.address,
        "HAILONG_OIDC_CLIENT_ID": CLIENT,
        "HAILONG_OIDC_CLIENT_SECRET_FILE": str(secret),
        "HAILONG_OIDC_NAME": "Tài khoản cán bộ tỉnh",
    }


def pressed(address: str, name: str) -> str:
    """Where the issuer sends a browser in which this person pressed their name."""
    fields = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()} | {"as": name}
    target = address.partition("?")[0]
    opener = build_opener(_Stay())
    try:
        opener.open(Request(target, urlencode(fields).encode()), timeout=10)
    except OSError as answer:
        headers = getattr(answer, "headers", {})
        return str(headers["Location"])
    raise AssertionError("the issuer sent nobody back")


def comes_back(
    browser: Office, location: str, change: Callable[[dict[str, str]], dict[str, str]] = dict
) -> TestResponse:
    """The answer to a browser that the issuer sent there, perhaps with something changed on the way."""
    parts = urlsplit(location)
    sent = change({key: values[0] for key, values in parse_qs(parts.query).items()})
    return browser.client.get(f"{parts.path}?{urlencode(sent)}")
