"""What this instance is told from outside; the only reader of the environment."""

import difflib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from survey.breached_passwords import refuse_odd_file
from survey.errors import BadInput
from survey.mail_settings import MailSettings, mail_settings
from survey.oidc_settings import OidcSettings, oidc_settings
from survey.server_addresses import checked_server

KNOWN_NAMES = (
    "HAILONG_INSTANCE",
    "HAILONG_PUBLIC_URL",
    "HAILONG_DATABASE_URL",
    "HAILONG_INTAKE_DATABASE_URL",
    "HAILONG_FRAME_DATABASE_URL",
    "HAILONG_SECRET_KEY_FILE",
    "HAILONG_KEY_PASSPHRASE_FILE",
    "HAILONG_PROXIES",
    "HAILONG_METRICS_TOKEN_FILE",
    "HAILONG_BREACHED_PASSWORDS",
    "HAILONG_SECOND_FACTOR",
    "HAILONG_SECOND_PERSON",
    "HAILONG_PDF_CERTIFICATE",
    "HAILONG_PDF_PASSPHRASE_FILE",
    "HAILONG_SMTP_URL",
    "HAILONG_SMTP_PASSWORD_FILE",
    "HAILONG_SMTP_CA_FILE",
    "HAILONG_MAIL_FROM",
    "HAILONG_OIDC_ISSUER",
    "HAILONG_OIDC_CLIENT_ID",
    "HAILONG_OIDC_CLIENT_SECRET_FILE",
    "HAILONG_OIDC_NAME",
)
PKCS11_SCHEME = "pkcs11:"
# The demonstration's own certificate for PDFs and its passphrase, in its instance.
DEMONSTRATION_CERTIFICATE = ("demonstration.p12", "demonstration.p12.passphrase")
SHORTEST_KEY = 32
MOST_PROXIES = 9
# A passphrase is stretched by scrypt before it is used, so five chosen words are enough.
SHORTEST_PASSPHRASE = 16
FEWEST_DISTINCT_BYTES = 10
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DURABLE_SYNCHRONOUS = frozenset({"FULL", "2", "EXTRA", "3"})
STORE_NAMES = ("office", "frame", "intake")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything this instance is told from outside, checked once.

    `secret_key` is at least 32 bytes; `passphrase_file` holds what wraps the rounds' keys. `is_embedded` says that the
    three stores are SQLite files of the instance itself. `public_url` has no slash at its end; None means that nothing
    may be printed outside the demonstration. `n_proxies` is how many proxies stand before this server and write down
    whom they were asked by. Who shows `metrics_token` may read /metrics; without one nobody may. `breached_passwords`
    is a file of hashes of stolen passwords, None where there is none. Where `must_have_second_factor`, no officer works
    with a password alone; where `must_have_second_person`, nobody seals, hands out codes or publishes alone.
    `pdf_certificate` is a PKCS#12 file or a `pkcs11:` address, None where PDFs are not signed; the file beside it holds
    its passphrase or PIN. `mail` is the server that letters go through, `oidc` whose word is taken about who somebody
    is; either may be missing. `warnings` are sentences for the operator.
    """

    instance: Path
    public_url: str | None
    office_url: str
    frame_url: str
    intake_url: str
    secret_key: bytes
    passphrase_file: Path
    is_embedded: bool
    is_demonstration: bool
    is_debug: bool = False
    n_proxies: int = 0
    metrics_token: bytes | None = None
    breached_passwords: Path | None = None
    must_have_second_factor: bool = False
    must_have_second_person: bool = False
    pdf_certificate: str | None = None
    pdf_passphrase_file: Path | None = None
    mail: MailSettings | None = None
    oidc: OidcSettings | None = None
    warnings: tuple[str, ...] = ()

    @property
    def other_house(self) -> str:
        """What the house is called whose word about who somebody is is taken; empty where there is none."""
        return "" if self.oidc is None else self.oidc.name

    def __repr__(self) -> str:
        # Settings end up in tracebacks and logs; the key and the databases' passwords must not.
        return f"Settings(instance={str(self.instance)!r}, is_embedded={self.is_embedded})"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings that `environ` gives, with the instance's own keys made where there are none yet.

        Raises BadInput for a value that is not usable or not safe. Unknown HAILONG_ names become warnings.
        """
        warnings = warnings_of_unknown_names(environ)
        instance = instance_folder(environ)
        public_url = _public_url(environ.get("HAILONG_PUBLIC_URL", ""))
        is_debug = environ.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no")
        if is_debug and public_url is not None and urlsplit(public_url).hostname not in LOOPBACK_HOSTS:
            raise BadInput(
                f"FLASK_DEBUG: found debug mode on with the public address {public_url}, "
                "expected debug mode on this machine alone: it shows answers and runs code for whoever asks"
            )
        urls = _database_urls(environ, instance)
        warnings += _warnings_of_servers(environ, urls)
        has_files = is_embedded(environ)
        make_private_dir(instance)
        key_file, key_note = _key_file(environ, "HAILONG_SECRET_KEY_FILE", instance / "secret.key", has_files)
        passphrase_file, passphrase_note = _key_file(
            environ, "HAILONG_KEY_PASSPHRASE_FILE", instance / "passphrase", has_files
        )
        read_key_file(passphrase_file, SHORTEST_PASSPHRASE)
        is_demonstration = (instance / "demonstration").exists()
        pdf_certificate, pdf_passphrase_file = _pdf_certificate(environ, instance, is_demonstration)
        return cls(
            instance=instance,
            public_url=public_url,
            office_url=urls["office"],
            frame_url=urls["frame"],
            intake_url=urls["intake"],
            secret_key=read_key_file(key_file),
            passphrase_file=passphrase_file,
            is_embedded=has_files,
            is_demonstration=is_demonstration,
            is_debug=is_debug,
            n_proxies=_n_proxies(environ.get("HAILONG_PROXIES", "")),
            metrics_token=_metrics_token(environ.get("HAILONG_METRICS_TOKEN_FILE", "")),
            breached_passwords=_breached_passwords(environ.get("HAILONG_BREACHED_PASSWORDS", "")),
            must_have_second_factor=_must_have_second_factor(environ.get("HAILONG_SECOND_FACTOR", ""), public_url),
            must_have_second_person=_must_have_second_person(environ.get("HAILONG_SECOND_PERSON", ""), public_url),
            pdf_certificate=pdf_certificate,
            pdf_passphrase_file=pdf_passphrase_file,
            mail=mail_settings(environ),
            oidc=oidc_settings(environ),
            warnings=(*warnings, *key_note, *passphrase_note),
        )


def instance_folder(environ: Mapping[str, str]) -> Path:
    """Where the instance is, or would be; nothing is made there."""
    return Path(environ.get("HAILONG_INSTANCE") or "var").absolute()


def make_private_dir(path: Path) -> None:
    """Make the folder, readable by its owner alone, with the folders above it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refusal:
        raise BadInput(
            f"{path}: found no folder and could not make it ({refusal.strerror}), expected a folder"
        ) from None


def read_key_file(path: Path, shortest: int = SHORTEST_KEY) -> bytes:
    """The bytes of a key file that is private and strong enough; raises BadInput that says why it is not."""
    try:
        mode = path.stat().st_mode
        key = path.read_bytes()
    except OSError as refusal:
        raise BadInput(f"{path}: found no readable key file ({refusal.strerror}), expected random bytes") from None
    if mode & 0o007:
        raise BadInput(
            f"{path}: found a key file that every user of this machine can open (mode {mode & 0o777:04o}), "
            "expected mode 0600"
        )
    # An editor or `echo` ends a text with a line break that nobody means as part of the key.
    if key.rstrip(b"\r\n").isascii() and key.rstrip(b"\r\n").decode("ascii").isprintable():
        key = key.rstrip(b"\r\n")
    if len(key) < shortest:
        raise BadInput(f"{path}: found a key of {len(key)} bytes, expected at least {shortest} random bytes")
    if len(set(key)) < FEWEST_DISTINCT_BYTES or _is_repetition(key):
        raise BadInput(f"{path}: found a key that repeats itself, expected at least {shortest} random bytes")
    return key


def _is_repetition(key: bytes) -> bool:
    # A text equals a proper rotation of itself exactly when it is a shorter text repeated.
    return key in (key + key)[1:-1]


def is_set_up(environ: Mapping[str, str]) -> bool:
    """Whether there are stores to work with. Those of database servers are there until the server says otherwise."""
    return not is_embedded(environ) or (instance_folder(environ) / "office.db").exists()


def is_embedded(environ: Mapping[str, str]) -> bool:
    """Whether the stores are files in the instance, because no address of a database is given."""
    return not any(environ.get(name) for name in KNOWN_NAMES if name.endswith("DATABASE_URL"))


def warnings_of_unknown_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each HAILONG_ name that is no setting, with the nearest that is one."""
    warnings = []
    for name in sorted(environ):
        if name.startswith("HAILONG_") and name not in KNOWN_NAMES:
            nearest = difflib.get_close_matches(name, KNOWN_NAMES, n=1, cutoff=0.6)
            advice = f"; did you mean {nearest[0]}?" if nearest else f"; the names are {', '.join(KNOWN_NAMES)}"
            warnings.append(f"{name} is not a setting and was ignored{advice}")
    return tuple(warnings)


def _public_url(text: str) -> str | None:
    if not text:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc or parts.path.strip("/"):
        raise BadInput(
            f"HAILONG_PUBLIC_URL: found {text!r}, expected the address people type, such as https://hailong.example.vn"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _n_proxies(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_PROXIES):
        raise BadInput(f"HAILONG_PROXIES: found {text[:20]!r}, expected how many proxies stand before this server")
    return int(text)


def _must_have_second_factor(text: str, public_url: str | None) -> bool:
    if text not in ("", "required", "offered"):
        raise BadInput(f"HAILONG_SECOND_FACTOR: found {text[:20]!r}, expected required or offered")
    return text == "required" if text else _is_for_others(public_url)


def _must_have_second_person(text: str, public_url: str | None) -> bool:
    if text not in ("", "required", "none"):
        raise BadInput(f"HAILONG_SECOND_PERSON: found {text[:20]!r}, expected required or none")
    return text == "required" if text else _is_for_others(public_url)


def _is_for_others(public_url: str | None) -> bool:
    # The demonstration on one's own machine is no place that others sign in to.
    parts = urlsplit(public_url or "")
    return parts.scheme == "https" and parts.hostname not in LOOPBACK_HOSTS


def _metrics_token(path: str) -> bytes | None:
    return read_key_file(Path(path).absolute(), SHORTEST_KEY) if path else None


def _breached_passwords(path: str) -> Path | None:
    if not path:
        return None
    file = Path(path).absolute()
    refuse_odd_file(file)
    return file


def _pdf_certificate(
    environ: Mapping[str, str], instance: Path, is_demonstration: bool
) -> tuple[str | None, Path | None]:
    given, passphrase = environ.get("HAILONG_PDF_CERTIFICATE", ""), environ.get("HAILONG_PDF_PASSPHRASE_FILE", "")
    if not given and passphrase:
        raise BadInput(
            "HAILONG_PDF_PASSPHRASE_FILE: found a passphrase without a certificate, "
            "expected HAILONG_PDF_CERTIFICATE beside it"
        )
    if not given:
        certificate, own = (instance / name for name in DEMONSTRATION_CERTIFICATE)
        return (str(certificate), own) if is_demonstration and certificate.exists() else (None, None)
    place = given if given.startswith(PKCS11_SCHEME) else str(Path(given).absolute())
    return place, Path(passphrase).absolute() if passphrase else None


def _key_file(environ: Mapping[str, str], name: str, own_file: Path, is_embedded: bool) -> tuple[Path, tuple[str, ...]]:
    given = environ.get(name)
    if given:
        return Path(given).absolute(), ()
    if own_file.exists():
        return own_file, ()
    _write_new_key(own_file, is_passphrase=own_file.name == "passphrase")
    if is_embedded:
        return own_file, ()
    note = f"{name} is not set: {own_file} was made; every server that shares these databases needs a copy of that file"
    return own_file, (note,)


def _write_new_key(path: Path, *, is_passphrase: bool) -> None:
    key = secrets.token_urlsafe(32).encode() + b"\n" if is_passphrase else secrets.token_bytes(32)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces a key that another process has just made.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _database_urls(environ: Mapping[str, str], instance: Path) -> dict[str, str]:
    office = environ.get("HAILONG_DATABASE_URL") or f"sqlite:///{instance / 'office.db'}"
    urls = {}
    for store in STORE_NAMES:
        given = environ.get(_setting_of(store))
        urls[store] = _checked_url(_setting_of(store), given or _default_url(store, office))
    files = [urlsplit(url).path for url in urls.values() if url.startswith("sqlite")]
    if len(set(files)) < len(files):
        raise BadInput(
            "HAILONG_DATABASE_URL: found two stores in one SQLite file, expected a file for each: "
            "they are kept apart so that nobody can join them"
        )
    return urls


def _warnings_of_servers(environ: Mapping[str, str], urls: Mapping[str, str]) -> tuple[str, ...]:
    warnings: list[str] = []
    for store, url in urls.items():
        if not url.startswith("sqlite") and environ.get(_setting_of(store)):
            warnings += checked_server(_setting_of(store), url, environ)
    return tuple(warnings)


def _setting_of(store: str) -> str:
    return "HAILONG_DATABASE_URL" if store == "office" else f"HAILONG_{store.upper()}_DATABASE_URL"


def _default_url(store: str, office_url: str) -> str:
    # One PostgreSQL database holds the three stores as schemas; SQLite has no schemas, so files lie side by side.
    if not office_url.startswith("sqlite"):
        return office_url
    address, _, query = office_url.partition("?")
    beside = f"{address.rpartition('/')[0]}/{store}.db"
    if store == "office":
        return office_url
    return f"{beside}?{query}" if query else beside


def _checked_url(name: str, url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and separator:
        return f"postgresql+psycopg://{rest}"
    if scheme not in ("sqlite", "sqlite+pysqlite") or not separator:
        # The address may hold a password, so only its beginning is shown.
        raise BadInput(f"{name}: found {scheme[:20]!r}, expected sqlite:///FILE or postgresql+psycopg://…")
    address, _, query = rest.partition("?")
    path = address.removeprefix("/")
    if not address.startswith("/") or path in ("", ":memory:"):
        raise BadInput(
            f"{name}: found no file in the SQLite address, expected sqlite:///FILE: a store must outlive the process"
        )
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        if key != "synchronous":
            raise BadInput(f"{name}: found the option {key!r}, expected none but `synchronous`")
        if value.upper() not in DURABLE_SYNCHRONOUS:
            raise BadInput(
                f"{name}: found synchronous={value}, expected FULL or EXTRA: less may lose an acknowledged answer"
            )
    file = Path(path).absolute()
    return f"sqlite:///{file}?{query}" if query else f"sqlite:///{file}"
