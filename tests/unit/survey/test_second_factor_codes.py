"""Digits of authenticator apps and recovery codes (ASVS 5.0: 6.5.1 to 6.5.5, 6.6)."""

import base64
import math
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from support.authenticator import App
from survey.codes import SYMBOLS, plain_symbols
from survey.second_factor import (
    KEY_BYTES,
    N_RECOVERY_CODES,
    RECOVERY_SYMBOLS,
    address_of_key,
    new_key,
    new_recovery_codes,
    offer_key,
    read_offer,
    seal_key,
    spell_key,
    step_of,
)
from survey.secrets import Secrets

SECRETS = Secrets(bytes(range(32)))
# RFC 6238, appendix B, SHA-1: the last six of the eight digits.
KEY = b"12345678901234567890"
VECTORS = (
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "digits"), VECTORS)
def test_digits_are_those_of_the_standard(seconds: int, digits: str) -> None:
    assert App(KEY).shows(seconds) == digits
    assert step_of(KEY, digits, moment(seconds)) == seconds // 30


def test_a_code_is_taken_one_half_minute_early_or_late_and_no_more() -> None:
    key, now = new_key(), 1_800_000_015
    taken = {off for off in range(-5, 6) if step_of(key, App(key).shows(now + 30 * off), moment(now)) is not None}
    assert taken == {-1, 0, 1}


@pytest.mark.parametrize(
    "text", ["", "28708", "2870822", "28708x", "２８７０８２", "٢٨٧٠٨٢", "-28708", "287082\x00", "000000"]
)
def test_what_is_not_six_digits_is_no_code(text: str) -> None:
    assert step_of(KEY, text, moment(59)) is None


def test_spaces_between_digits_are_forgiven() -> None:
    assert step_of(KEY, " 287 082\n", moment(59)) == 1


def test_keys_are_random_and_long_enough() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert KEY_BYTES * 8 >= 160


def test_the_picture_says_what_an_app_needs() -> None:
    parts = urlsplit(address_of_key(KEY, "lan", "Hailong hailong.example.vn"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Hailong hailong.example.vn:lan"
    assert parse_qs(parts.query) == {
        "secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"],
        "issuer": ["Hailong hailong.example.vn"],
    }
    # Apps read %20 and take a plus sign for a plus sign.
    assert "+" not in parts.query
    assert spell_key(KEY) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"


def test_a_sealed_key_opens_for_its_officer_its_purpose_and_its_instance_alone() -> None:
    offer = offer_key(SECRETS, 7, KEY)
    assert read_offer(SECRETS, 7, offer) == KEY
    assert read_offer(SECRETS, 8, offer) is None
    assert read_offer(Secrets(bytes(range(1, 33))), 7, offer) is None
    assert KEY not in seal_key(SECRETS, 7, KEY)
    assert seal_key(SECRETS, 7, KEY) != seal_key(SECRETS, 7, KEY), "each sealing has a nonce of its own"


@pytest.mark.parametrize("text", ["", "x", "====", "ếẽ", "AAAA", "A" * 64, "\ud800", "-" * 5000])
def test_whatever_else_is_sent_in_its_place_is_no_offer(text: str) -> None:
    assert read_offer(SECRETS, 7, text) is None


def test_a_stored_key_sent_as_an_offer_is_none() -> None:
    stored = base64.urlsafe_b64encode(seal_key(SECRETS, 7, KEY)).decode()
    assert read_offer(SECRETS, 7, stored) is None


def test_recovery_codes_are_random_and_too_many_to_try() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == N_RECOVERY_CODES == 10
    assert RECOVERY_SYMBOLS * math.log2(len(SYMBOLS)) >= 112, "ASVS 6.5.2: a plain hash is enough from 112 bits"
    for code in codes:
        assert [len(group) for group in code.split("-")] == [5] * 5
        assert plain_symbols(code.lower().replace("-", " ")) == code.replace("-", "")
