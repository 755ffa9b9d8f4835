"""The house whose word about who somebody is is taken: an issuer of OpenID Connect, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from survey.errors import BadInput
from survey.mail_settings import LOOPBACK_HOSTS, read_private_file

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An issuer, what we are to it, and what people call it on the sign-in page."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str


def oidc_settings(environ: Mapping[str, str]) -> OidcSettings | None:
    """The issuer of HAILONG_OIDC_ISSUER with its client; None where there is none. Raises BadInput."""
    issuer = environ.get("HAILONG_OIDC_ISSUER", "")
    if not issuer:
        return None
    try:
        parts = urlsplit(issuer)
        is_usable = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        parts, is_usable = urlsplit(""), False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
    if not is_usable or not is_safe or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadInput(
            f"HAILONG_OIDC_ISSUER: found {issuer[:100]!r}, expected the https address that the issuer calls itself"
        )
    client_id, path = environ.get("HAILONG_OIDC_CLIENT_ID", ""), environ.get("HAILONG_OIDC_CLIENT_SECRET_FILE", "")
    if not client_id:
        raise BadInput("HAILONG_OIDC_CLIENT_ID: found none, expected what the issuer calls this client")
    if not path:
        raise BadInput("HAILONG_OIDC_CLIENT_SECRET_FILE: found none, expected the file with the client's secret")
    secret = read_private_file("HAILONG_OIDC_CLIENT_SECRET_FILE", Path(path).absolute()).decode("utf-8")
    name = environ.get("HAILONG_OIDC_NAME", "") or str(parts.hostname)
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(f"HAILONG_OIDC_NAME: found {name[:60]!r}, expected a name of at most {LONGEST_NAME} characters")
    return OidcSettings(issuer, client_id, secret, name)
