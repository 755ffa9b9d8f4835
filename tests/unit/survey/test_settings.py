"""Settings from the environment: what is unsafe stops the start."""

import os
from pathlib import Path

import pytest

from survey.errors import BadInput
from survey.settings import Settings


def environment(tmp_path: Path, **names: str) -> dict[str, str]:
    return {"HAILONG_INSTANCE": str(tmp_path / "var"), **names}


def key_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_without_a_word_the_stores_are_three_files_of_the_instance(tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(tmp_path))
    instance = tmp_path / "var"
    assert (settings.office_url, settings.frame_url, settings.intake_url) == (
        f"sqlite:///{instance}/office.db",
        f"sqlite:///{instance}/frame.db",
        f"sqlite:///{instance}/intake.db",
    )
    assert settings.is_embedded
    assert not settings.is_demonstration
    assert settings.public_url is None
    assert settings.warnings == ()


def test_the_instance_is_the_folder_var_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({}).instance == tmp_path / "var"


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    first = Settings.from_environment(environment(tmp_path))
    second = Settings.from_environment(environment(tmp_path))
    assert len(first.secret_key) == 32
    assert first.secret_key == second.secret_key
    for name in ("secret.key", "passphrase"):
        assert (tmp_path / "var" / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "var").iterdir()) == ["passphrase", "secret.key"]


def test_no_setting_shows_the_key_or_a_password(tmp_path: Path) -> None:
    address = "postgresql+psycopg://u:mật-khẩu@db/hailong?sslmode=verify-full"
    settings = Settings.from_environment(environment(tmp_path, HAILONG_DATABASE_URL=address))
    assert "mật-khẩu" not in repr(settings)
    assert repr(settings.secret_key) not in repr(settings)


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (b"", "0 bytes"),
        (b"short", "5 bytes"),
        (bytes(range(31)), "31 bytes"),
        (b"\0" * 32, "repeats itself"),
        (b"changeme" * 8, "repeats itself"),
        (b"0123456789abcdef" * 2, "repeats itself"),
        (b"0123456789abcdef0123456789abcde\n", "31 bytes"),
    ],
)
def test_a_weak_key_stops_the_start(tmp_path: Path, key: bytes, complaint: str) -> None:
    names = environment(tmp_path, HAILONG_SECRET_KEY_FILE=key_file(tmp_path, key))
    with pytest.raises(BadInput, match=complaint):
        Settings.from_environment(names)


def test_a_key_that_everybody_can_read_stops_the_start(tmp_path: Path) -> None:
    names = environment(tmp_path, HAILONG_SECRET_KEY_FILE=key_file(tmp_path, os.urandom(32), 0o644))
    with pytest.raises(BadInput, match="mode 0644"):
        Settings.from_environment(names)


def test_a_named_key_file_is_never_made(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(BadInput, match="no readable key file"):
        Settings.from_environment(environment(tmp_path, HAILONG_SECRET_KEY_FILE=str(absent)))
    assert not absent.exists()


def test_a_weak_passphrase_stops_the_start(tmp_path: Path) -> None:
    names = environment(tmp_path, HAILONG_KEY_PASSPHRASE_FILE=key_file(tmp_path, b"123456\n"))
    with pytest.raises(BadInput, match="6 bytes"):
        Settings.from_environment(names)


def test_an_unknown_name_is_a_warning_that_offers_the_nearest(tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(tmp_path, HAILONG_DATABSE_URL="x", HAILONG_ZZZ="y"))
    assert "did you mean HAILONG_DATABASE_URL?" in settings.warnings[0]
    assert "HAILONG_ZZZ" in settings.warnings[1]


@pytest.mark.parametrize("value", ["1", "true", "on"])
def test_debug_mode_on_a_public_address_stops_the_start(tmp_path: Path, value: str) -> None:
    names = environment(tmp_path, FLASK_DEBUG=value, HAILONG_PUBLIC_URL="https://hailong.example.vn")
    with pytest.raises(BadInput, match="debug mode"):
        Settings.from_environment(names)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_debug_mode_on_this_machine_is_allowed(tmp_path: Path, address: str) -> None:
    settings = Settings.from_environment(environment(tmp_path, FLASK_DEBUG="1", HAILONG_PUBLIC_URL=address))
    assert settings.is_debug
    assert settings.public_url == address


@pytest.mark.parametrize(
    "address",
    [
        "hailong.vn",
        "ftp://hailong.vn",
        "https://",
        "https://h.vn/?a=1",
        "https://h.vn/#x",
        "https://u:p@h.vn",
        "https://h.vn:x",
    ],
)
def test_a_public_address_that_nobody_can_type_stops_the_start(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadInput, match="HAILONG_PUBLIC_URL"):
        Settings.from_environment(environment(tmp_path, HAILONG_PUBLIC_URL=address))


def test_the_public_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(tmp_path, HAILONG_PUBLIC_URL="https://hailong.vn/"))
    assert settings.public_url == "https://hailong.vn"


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("sqlite:////data/office.db?synchronous=NORMAL", "synchronous=NORMAL"),
        ("sqlite:////data/office.db?synchronous=off", "synchronous=off"),
        ("sqlite:////data/office.db?synchronous=1", "synchronous=1"),
        ("sqlite:////data/office.db?mode=memory", "'mode'"),
        ("sqlite://", "no file"),
        ("sqlite:///:memory:", "no file"),
        ("mysql://u:geheim@db/hailong", "'mysql'"),
        ("/data/office.db", "expected sqlite"),
    ],
)
def test_an_address_that_may_lose_a_commit_stops_the_start(tmp_path: Path, address: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as refusal:
        Settings.from_environment(environment(tmp_path, HAILONG_DATABASE_URL=address))
    assert "geheim" not in str(refusal.value)
    assert not (tmp_path / "var").exists()


def test_one_postgresql_address_serves_the_three_stores(tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(tmp_path, HAILONG_DATABASE_URL="postgresql://u@/hailong"))
    expected = "postgresql+psycopg://u@/hailong"
    assert (settings.office_url, settings.frame_url, settings.intake_url) == (expected, expected, expected)
    assert not settings.is_embedded
    assert any("needs a copy" in warning for warning in settings.warnings)


def test_one_sqlite_address_puts_the_other_files_beside_it(tmp_path: Path) -> None:
    address = "sqlite:////data/main.db?synchronous=EXTRA"
    settings = Settings.from_environment(environment(tmp_path, HAILONG_DATABASE_URL=address))
    assert settings.frame_url == "sqlite:////data/frame.db?synchronous=EXTRA"
    assert settings.intake_url == "sqlite:////data/intake.db?synchronous=EXTRA"


def test_two_stores_never_share_a_file(tmp_path: Path) -> None:
    names = environment(
        tmp_path,
        HAILONG_DATABASE_URL="sqlite:////data/a.db",
        HAILONG_FRAME_DATABASE_URL="sqlite:////data/b.db",
        HAILONG_INTAKE_DATABASE_URL="sqlite:////data/b.db",
    )
    with pytest.raises(BadInput, match="two stores in one SQLite file"):
        Settings.from_environment(names)


def test_the_marker_file_makes_a_demonstration(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "demonstration").touch()
    assert Settings.from_environment(environment(tmp_path)).is_demonstration


def test_a_file_of_stolen_passwords_is_looked_at_before_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "stolen.txt"
    file.write_text("".join(f"{digit * 40}:{number}\n" for number, digit in enumerate("0123456789ABCDEF")))
    settings = Settings.from_environment(environment(tmp_path, HAILONG_BREACHED_PASSWORDS=str(file)))
    assert settings.breached_passwords == file
    file.write_text("password\n")
    with pytest.raises(BadInput, match=r"stolen\.txt: found no hash"):
        Settings.from_environment(environment(tmp_path, HAILONG_BREACHED_PASSWORDS=str(file)))


@pytest.mark.parametrize(
    ("names", "must"),
    [
        ({}, False),
        ({"HAILONG_PUBLIC_URL": "http://127.0.0.1:8000"}, False),
        ({"HAILONG_PUBLIC_URL": "https://localhost:8443"}, False),
        ({"HAILONG_PUBLIC_URL": "https://khaosat.example.vn"}, True),
        ({"HAILONG_PUBLIC_URL": "https://khaosat.example.vn", "HAILONG_SECOND_FACTOR": "offered"}, False),
        ({"HAILONG_SECOND_FACTOR": "required"}, True),
    ],
)
def test_a_second_factor_is_asked_of_officers_at_a_public_address(
    tmp_path: Path, names: dict[str, str], must: bool
) -> None:
    assert Settings.from_environment(environment(tmp_path, **names)).must_have_second_factor is must


def test_another_word_about_the_second_factor_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="HAILONG_SECOND_FACTOR: found 'no', expected required or offered"):
        Settings.from_environment(environment(tmp_path, HAILONG_SECOND_FACTOR="no"))
