"""Shares of a round's private key: one file a custodian, opened by that custodian's own passphrase.

A private key on P-256 is a number below the curve's order n. It is the value at 0 of a random polynomial over the
integers modulo n, and each share is the value at the number of its custodian: as many shares as the polynomial has
coefficients give the key, fewer tell nothing about it (A. Shamir, How to share a secret, CACM 22, 1979). A share is
itself a private key, so its public point tells a right share from a wrong one and lets nobody compute it (P. Feldman,
A practical scheme for non-interactive verifiable secret sharing, FOCS 1987).
"""

import base64
import hashlib
import json
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from analysis.signatures import canonical_json
from survey.errors import BadInput
from survey.vault import SCRYPT_COST, SCRYPT_COSTS, SHORTEST_PASSPHRASE, Passphrase, public_point

FORMAT: Final = "hailong share 1"
LARGEST_SHARE_FILE: Final = 8_000
FEWEST_NEEDED, MOST_CUSTODIANS = 2, 15
LONGEST_NAME: Final = 120
# The order of P-256 (FIPS 186-5 and SP 800-186, section 3.2.1.3).
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_NUMBER_BYTES: Final = 32
_FIELDS: Final = frozenset(
    ("format", "round", "custodian", "number", "need", "shares", "public", "scrypt", "nonce", "wrapped", "sha256")
)

Complaint = Literal["no_share", "damaged", "passphrase", "other_round", "other_key", "twice", "too_few", "short"]


class ShareError(BadInput):
    """A share that cannot be used: what kind of complaint it is, and what a page needs to say it in other words."""

    def __init__(self, kind: Complaint, message: str, **values: object) -> None:
        super().__init__(message)
        self.kind: Complaint = kind
        self.values: Mapping[str, object] = values


@dataclass(frozen=True, slots=True)
class Share:
    """An opened share: the value at `number` of the polynomial whose value at 0 is the private key. Never printed."""

    round_slug: str
    custodian: str
    number: int
    need: int
    n_shares: int
    public_key: bytes
    value: int = field(repr=False)


def share_passphrase(text: str) -> Passphrase:
    """A custodian's passphrase, the same whichever keyboard typed its letters, without white space around it.

    Raises ShareError when it has fewer than twelve characters.
    """
    composed = unicodedata.normalize("NFC", text).strip()
    if len(composed) < SHORTEST_PASSPHRASE:
        raise ShareError(
            "short",
            f"found a passphrase of {len(composed)} characters, expected at least {SHORTEST_PASSPHRASE}",
            least=SHORTEST_PASSPHRASE,
        )
    return Passphrase(composed.encode("utf-8", "surrogatepass"))


def split(secret: int, need: int, n_shares: int, prime: int = ORDER) -> dict[int, int]:
    """The shares by number, from 1 to n_shares; any `need` of them give the secret, fewer tell nothing about it.

    `secret` is from 0 to prime − 1, and 1 ≤ need ≤ n_shares < prime.
    """
    if not 1 <= need <= n_shares < prime or not 0 <= secret < prime:
        raise ValueError("the secret or the numbers of shares are out of range")
    while True:
        coefficients = [secret, *(secrets.randbelow(prime) for _ in range(need - 1))]
        values = {number: polynomial(coefficients, number, prime) for number in range(1, n_shares + 1)}
        # No private key is 0; it happens once in 2²⁵⁶ draws.
        if all(values.values()) or prime != ORDER:
            return values


def polynomial(coefficients: Sequence[int], at: int, prime: int = ORDER) -> int:
    """The value of a polynomial whose coefficients begin with the constant one (Horner)."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * at + coefficient) % prime
    return value


def joined(values: Mapping[int, int], prime: int = ORDER, at: int = 0) -> int:
    """The value at `at` of the polynomial of lowest degree through the shares (Lagrange)."""
    total = 0
    for number, value in values.items():
        above = below = 1
        for other in values:
            if other != number:
                above = above * (at - other) % prime
                below = below * (number - other) % prime
        total += value * above * pow(below, -1, prime)
    return total % prime


def share_key(value: int) -> bytes:
    """The public point of a share, 65 bytes: it knows the share again and does not tell it."""
    return public_point(ec.derive_private_key(value, ec.SECP256R1()).public_key())


def write_share(share: Share, passphrase: Passphrase, *, scrypt_cost: int = SCRYPT_COST) -> bytes:
    """The file of a share: JSON, the share in it wrapped with scrypt and AES-256-GCM."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    said: dict[str, Any] = {
        "format": FORMAT,
        "round": share.round_slug,
        "custodian": share.custodian,
        "number": share.number,
        "need": share.need,
        "shares": share.n_shares,
        "public": _text(share.public_key),
        "scrypt": {"n": scrypt_cost, "r": 8, "p": 1, "salt": _text(salt)},
        "nonce": _text(nonce),
    }
    wrapping_key = _stretched(passphrase, salt, scrypt_cost)
    wrapped = AESGCM(wrapping_key).encrypt(nonce, share.value.to_bytes(_NUMBER_BYTES, "big"), _bound(said))
    record = {**said, "wrapped": _text(wrapped)}
    record["sha256"] = _checksum(record)
    return json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n"


def read_share(content: bytes, passphrase: Passphrase, name: str) -> Share:
    """The share in a file; `name` is what complaints call the file.

    Raises ShareError: `no_share` for another kind of file, `damaged` where a byte of it is no longer as it was
    written, `passphrase` where all is as it was written and the passphrase does not open it.
    """
    record = _record(content, name)
    try:
        nonce, wrapped = (base64.b64decode(record[part], validate=True) for part in ("nonce", "wrapped"))
        public = base64.b64decode(record["public"], validate=True)
        stretching = record["scrypt"]
        salt, cost = base64.b64decode(stretching["salt"], validate=True), stretching["n"]
        number, need, n_shares = (record[part] for part in ("number", "need", "shares"))
        is_ours = (
            all(type(count) is int for count in (number, need, n_shares, cost))
            and all(isinstance(record[part], str) for part in ("round", "custodian"))
            and (stretching["r"], stretching["p"]) == (8, 1)
            and SCRYPT_COSTS[0] <= cost <= SCRYPT_COSTS[1]
            and not cost & (cost - 1)
            and 1 <= number <= n_shares <= MOST_CUSTODIANS
            and len(nonce) == 12
        )
    except (KeyError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        raise _damaged(name)
    bound = _bound({part: record[part] for part in record if part not in ("wrapped", "sha256")})
    try:
        value = int.from_bytes(AESGCM(_stretched(passphrase, salt, cost)).decrypt(nonce, wrapped, bound), "big")
    except (InvalidTag, ValueError):
        custodian = record["custodian"][:LONGEST_NAME]
        raise ShareError(
            "passphrase",
            f"{name}: the passphrase does not open the share of “{custodian}”, expected the one that it was made with",
            file=name,
            custodian=custodian,
        ) from None
    if not 0 < value < ORDER:
        raise _damaged(name)
    return Share(record["round"], record["custodian"], number, need, n_shares, public, value)


def whose_share(content: bytes, name: str) -> str:
    """Whose share a file says it is, before it is opened; ShareError as `read_share`."""
    custodian = _record(content, name)["custodian"]
    if not isinstance(custodian, str):
        raise _damaged(name)
    return custodian[:LONGEST_NAME]


def refuse_repeated(shares: Sequence[tuple[int, str]]) -> None:
    """Raise ShareError `twice` where a number is there a second time; each pair is a number and a custodian."""
    for (number, _), (other, custodian) in pairwise(sorted(shares)):
        if number == other:
            raise ShareError(
                "twice",
                f"found the share of “{custodian}” (number {number}) twice, expected each share once",
                custodian=custodian,
            )


def is_one_polynomial(values: Mapping[int, int], need: int) -> bool:
    """Whether every share lies on the polynomial that the first `need` of them give."""
    first = dict(list(values.items())[:need])
    return all(joined(first, at=number) == value for number, value in values.items())


def file_name(slug: str, number: int) -> str:
    """What the file of a share is called."""
    return f"{slug}-share-{number}.json"


def _record(content: bytes, name: str) -> dict[str, Any]:
    expected = f"{name}: found another kind of file, expected a share that hailong made"
    if len(content) > LARGEST_SHARE_FILE:
        raise ShareError("no_share", expected, file=name)
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        # A file that still says what it is was damaged on its way; any other was never a share.
        if FORMAT.encode() in content:
            raise _damaged(name) from None
        raise ShareError("no_share", expected, file=name) from None
    if not isinstance(record, dict) or not ("format" in record and "wrapped" in record):
        raise ShareError("no_share", expected, file=name)
    try:
        is_whole = record.keys() == _FIELDS and record["format"] == FORMAT and record["sha256"] == _checksum(record)
    except (TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise _damaged(name)
    return record


def _damaged(name: str) -> ShareError:
    return ShareError("damaged", f"{name}: found a share that is damaged, expected the file as it was made", file=name)


def _checksum(record: Mapping[str, Any]) -> str:
    # Not against forgery, which the wrapping is for: it tells a damaged file from a mistyped passphrase.
    return hashlib.sha256(canonical_json({part: record[part] for part in record if part != "sha256"})).hexdigest()


def _bound(said: Mapping[str, Any]) -> bytes:
    # A share whose round, custodian, number or key was exchanged does not open.
    return canonical_json(dict(said))


def _stretched(passphrase: Passphrase, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.secret)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
