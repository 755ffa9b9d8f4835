"""Passwords as they are stored: Argon2id, with what it takes to compare one."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106's second recommended option: 64 MiB, three passes, four lanes.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


def hash_password(password: str) -> str:
    """What is stored of a password: salted, with the parameters in it."""
    return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether the stored hash is this password's. None, where there is nobody, costs the same and is nobody's."""
    try:
        return _HASHER.verify(stored or _hash_of_nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than are used now."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
