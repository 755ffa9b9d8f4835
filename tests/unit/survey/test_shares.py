"""Shares of a key: any k of n give it, fewer tell nothing, and a file says what is wrong with it (C2)."""

import itertools
import json
import unicodedata
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from survey.shares import (
    ORDER,
    Share,
    ShareError,
    is_one_polynomial,
    joined,
    polynomial,
    read_share,
    refuse_repeated,
    share_key,
    share_passphrase,
    split,
    whose_share,
    write_share,
)
from survey.vault import Passphrase, public_point

PASSPHRASE = Passphrase("cầu Bãi Cháy nhìn từ xa".encode())
CHEAP = 2**14


def solved(values: dict[int, int], prime: int) -> int:
    """The constant coefficient, by Gauss's elimination of the Vandermonde system: another road to the same secret."""
    rows = [[pow(number, power, prime) for power in range(len(values))] + [value] for number, value in values.items()]
    for column in range(len(rows)):
        pivot = next(row for row in range(column, len(rows)) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = pow(rows[column][column], -1, prime)
        rows[column] = [entry * inverse % prime for entry in rows[column]]
        for row in range(len(rows)):
            if row != column:
                factor = rows[row][column]
                rows[row] = [(a - factor * b) % prime for a, b in zip(rows[row], rows[column], strict=True)]
    return rows[0][-1]


def share(value: int = 12345, **changes: object) -> Share:
    said = {
        "round_slug": "r",
        "custodian": "Sở Nội vụ",
        "number": 1,
        "need": 2,
        "n_shares": 3,
        "public_key": b"\x04" * 65,
    }
    return Share(**(said | changes), value=value)  # type: ignore[arg-type]


def test_the_order_is_that_of_the_curve() -> None:
    # One less than the order is a private key; the order itself is none.
    minus_one = ec.derive_private_key(ORDER - 1, ec.SECP256R1()).public_key().public_numbers()
    one = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()
    assert minus_one.x == one.x
    assert minus_one.y != one.y
    with pytest.raises(ValueError, match="range"):
        ec.derive_private_key(ORDER, ec.SECP256R1())


def test_a_polynomial_known_from_elsewhere_gives_its_shares() -> None:
    # 1234 + 166 x + 94 x² modulo 1613: the usual textbook example.
    values = {number: polynomial([1234, 166, 94], number, 1613) for number in range(1, 7)}
    assert values == {1: 1494, 2: 329, 3: 965, 4: 176, 5: 1188, 6: 775}
    for chosen in itertools.combinations(values, 3):
        assert joined({number: values[number] for number in chosen}, 1613) == 1234


def test_shares_that_another_library_made_give_their_key() -> None:
    # `shamirs` 4.0.0, three of five over the order of P-256; its joining reads our shares as well.
    values = {
        1: 0xA0721444F9C9868706E6483FA4B1F874DD9773F9963694D7A8628A3D52344D18,
        2: 0x9AF121D22BC9E4796D11CE0673D1C308CB0D505CE2A7EEB30C314531791FFFF9,
        3: 0xB47B9B3C6D305F0A601BCB4303E7E0EF2F285D5E1E6C5CFE1E17E1DAF771C09E,
        4: 0xED118083BDFCF639E0043FF554F4522809E89AFD4983DFB8DE166039CD298F07,
        5: 0x44B2D1A91E2FAA06ECCB2C1D66F716B39E670E8CBCD6D85E5872F58AFDE445E3,
    }
    assert is_one_polynomial(values, 3)
    for chosen in itertools.combinations(values, 3):
        found = joined({number: values[number] for number in chosen})
        assert found == 0xC4FE7294D72F45332D9939EE9688813366C6C83439184F6BF2ABB0FE82AEA7FB


@pytest.mark.parametrize(("need", "n_shares"), [(1, 1), (2, 2), (2, 3), (3, 5), (5, 9)])
def test_any_so_many_shares_give_the_key_and_no_fewer(need: int, n_shares: int) -> None:
    secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    values = split(secret, need, n_shares)
    assert sorted(values) == list(range(1, n_shares + 1))
    assert is_one_polynomial(values, need)
    for chosen in itertools.combinations(values, need):
        some = {number: values[number] for number in chosen}
        assert joined(some) == secret == solved(some, ORDER)
    for chosen in itertools.combinations(values, need - 1):
        assert joined({number: values[number] for number in chosen}) != secret


def test_one_share_fewer_fits_every_secret_alike() -> None:
    # Over a small field all can be counted: two shares of three needed, seen over all polynomials, say nothing.
    prime = 7
    seen = Counter(
        (polynomial([secret, b, c], 1, prime), polynomial([secret, b, c], 3, prime), secret)
        for secret in range(prime)
        for b in range(prime)
        for c in range(prime)
    )
    assert set(seen.values()) == {1}
    assert len(seen) == prime**3


def test_a_share_that_is_of_no_polynomial_with_the_others_is_seen() -> None:
    values = split(5, 3, 5)
    assert not is_one_polynomial(values | {5: values[5] + 1}, 3)


@pytest.mark.parametrize(("need", "n_shares", "secret"), [(0, 3, 1), (4, 3, 1), (2, 3, -1), (2, 3, ORDER)])
def test_numbers_out_of_range_are_refused(need: int, n_shares: int, secret: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        split(secret, need, n_shares)


def test_the_points_of_the_shares_belong_to_the_public_key() -> None:
    secret = 987654321
    values = split(secret, 2, 3)
    assert share_key(secret) == public_point(ec.derive_private_key(secret, ec.SECP256R1()).public_key())
    assert len({share_key(value) for value in values.values()}) == 3


def test_a_share_is_read_from_its_file_with_its_passphrase_alone() -> None:
    content = write_share(share(), PASSPHRASE, scrypt_cost=CHEAP)
    assert read_share(content, PASSPHRASE, "a.json") == share()
    assert whose_share(content, "a.json") == "Sở Nội vụ"
    assert PASSPHRASE.secret not in content
    assert "12345" not in content.decode()
    assert "12345" not in repr(share())
    with pytest.raises(ShareError, match="does not open the share of “Sở Nội vụ”") as refusal:
        read_share(content, Passphrase(b"another passphrase"), "a.json")
    assert refusal.value.kind == "passphrase"


def test_a_passphrase_is_the_same_however_its_letters_are_composed() -> None:
    text = "  cầu Bãi Cháy nhìn từ xa \n"
    assert share_passphrase(unicodedata.normalize("NFD", text)) == share_passphrase(text) == PASSPHRASE
    with pytest.raises(ShareError, match="found a passphrase of 4 characters") as refusal:
        share_passphrase("  ngắn ")
    assert refusal.value.kind == "short"
    assert share_passphrase("mười hai byte \ud800").secret


def test_a_damaged_file_is_called_damaged_and_not_a_wrong_passphrase() -> None:
    content = write_share(share(), PASSPHRASE, scrypt_cost=CHEAP)
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]
        if changed.split() == content.split():
            continue
        with pytest.raises(ShareError) as refusal:
            whose_share(changed, "a.json")
        assert refusal.value.kind in ("damaged", "no_share")
    for length in (0, 10, len(content) // 2, len(content) - 2):
        with pytest.raises(ShareError, match=r"a\.json: found"):
            whose_share(content[:length], "a.json")


def test_a_file_that_was_given_another_name_or_number_does_not_open() -> None:
    # Whoever rewrites a file can write its checksum too; what is wrapped knows whose it is.
    from survey.shares import _checksum

    record = json.loads(write_share(share(), PASSPHRASE, scrypt_cost=CHEAP))
    for name, value in (("number", 2), ("custodian", "Ai đó"), ("round", "s"), ("need", 1), ("public", "BAQE")):
        changed = record | {name: value}
        changed["sha256"] = _checksum(changed)
        with pytest.raises(ShareError) as refusal:
            read_share(json.dumps(changed).encode(), PASSPHRASE, "a.json")
        assert refusal.value.kind == "passphrase"


@pytest.mark.parametrize(
    "change",
    [
        {"scrypt": {"n": 2**30, "r": 8, "p": 1, "salt": "AAAA"}},
        {"scrypt": {"n": 2**14 + 1, "r": 8, "p": 1, "salt": "AAAA"}},
        {"scrypt": []},
        {"number": "1"},
        {"number": True},
        {"number": 4},
        {"nonce": "AAAA"},
        {"wrapped": None},
        {"custodian": 5},
        {"round": None},
    ],
)
def test_a_file_that_asks_for_anything_odd_is_damaged(change: dict[str, object]) -> None:
    from survey.shares import _checksum

    record = json.loads(write_share(share(), PASSPHRASE, scrypt_cost=CHEAP)) | change
    record["sha256"] = _checksum(record)
    with pytest.raises(ShareError) as refusal:
        read_share(json.dumps(record).encode(), PASSPHRASE, "a.json")
    assert refusal.value.kind == "damaged"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b"x" * 9000, b'{"format": 1, "wrapped": NaN}']
)
def test_what_is_no_share_is_not_taken_for_one(content: bytes) -> None:
    with pytest.raises(ShareError) as refusal:
        read_share(content, PASSPHRASE, "a.json")
    assert refusal.value.kind in ("no_share", "damaged")


def test_one_share_counts_once() -> None:
    refuse_repeated([(1, "A"), (2, "B")])
    with pytest.raises(ShareError, match="the share of “B” ") as refusal:
        refuse_repeated([(2, "B"), (1, "A"), (2, "B")])
    assert refusal.value.kind == "twice"
