"""Keyed marks: one purpose, one key."""

import pytest

from survey.secrets import Secrets

KEY = bytes(range(32))


def test_marks_depend_on_the_key_and_the_purpose() -> None:
    one, other = Secrets(KEY), Secrets(KEY[::-1])
    content = b"0123456789abcdef"
    marks = {
        one.invitation_tag(content),
        other.invitation_tag(content),
        one.nullifier("r", content),
        one.nullifier("s", content),
        other.nullifier("r", content),
        one.nonce_tag("r", content, "n"),
        one.nonce_tag("r", content, "m"),
        one.nonce_tag("s", content, "n"),
        other.nonce_tag("r", content, "n"),
        one.flask_key,
        other.flask_key,
    }
    assert len(marks) == 11
    assert {len(mark) for mark in marks} == {32}


def test_the_same_key_makes_the_same_marks_again() -> None:
    assert Secrets(KEY).nullifier("r", b"id") == Secrets(KEY).nullifier("r", b"id")
    assert Secrets(KEY).flask_key == Secrets(KEY).flask_key


def test_parts_do_not_run_into_each_other() -> None:
    secrets = Secrets(KEY)
    assert secrets.nullifier("ab", b"c") != secrets.nullifier("a", b"bc")
    assert secrets.nonce_tag("a", b"b", "cd") != secrets.nonce_tag("a", b"bc", "d")


def test_a_nonce_that_is_no_valid_unicode_is_a_nonce() -> None:
    assert len(Secrets(KEY).nonce_tag("r", b"n", "\ud800")) == 32


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes; at least 32"):
        Secrets(bytes(31))


def test_secrets_do_not_show_themselves() -> None:
    assert repr(Secrets(KEY)) == "Secrets(…)"
