"""Letters to the people of units go through a real mail server, in both languages, once (issue 6, S7)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete

from support.authority import Authority, written
from support.command_line import environment_of_settings, run
from support.portal import ADDRESS, OTHER_ADDRESS, SLUG, UNIT, people_of
from support.post_office import PASSWORD, USER, PostOffice, post_office
from support.published import corrected, publish_by_hand, sipas_edition
from support.stores import Templates, opened
from survey.errors import BadInput
from survey.mail import MailFailure
from survey.mail_settings import MailSettings, mail_settings
from survey.portal_notices import Sent, send_invitation, send_notices
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.portal import ScorecardNotice
from survey.storage.sessions import writing
from survey.storage.stores import Stores
from survey.unit_people import invite_person

pytestmark = pytest.mark.slow

TODAY = date(2026, 11, 23)


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[tuple[Settings, Stores]]:
    settings = store_templates.new_instance("sqlite", tmp_path_factory.mktemp("letters") / "var")
    stores = opened(settings)
    publish_by_hand(settings, stores, sipas_edition())
    people_of(settings, stores)
    yield settings, stores
    stores.close()


def with_mail(settings: Settings, port: int) -> Settings:
    environment = {"HAILONG_SMTP_URL": f"smtp://127.0.0.1:{port}", "HAILONG_MAIL_FROM": "khao-sat@tinh.gov.vn"}
    return replace(settings, mail=mail_settings(environment), public_url="https://hailong.example.vn")


def test_everybody_is_told_once_of_an_edition_and_again_of_a_correction(
    place: tuple[Settings, Stores], post: PostOffice
) -> None:
    settings, stores = with_mail(place[0], post.port), place[1]
    post.refused = {OTHER_ADDRESS}
    assert send_notices(stores, settings, SLUG, TODAY, actor="lan") == Sent(1, (OTHER_ADDRESS,))
    post.refused = set()
    assert send_notices(stores, settings, SLUG, TODAY, actor="lan") == Sent(1, ()), "who was refused comes again"
    assert send_notices(stores, settings, SLUG, TODAY, actor="lan") == Sent(0, ())
    (to, letter), _ = post.letters
    assert to == [ADDRESS]
    assert letter["From"] == "khao-sat@tinh.gov.vn"
    assert "Đã có phiếu điểm" in letter["Subject"]
    assert "Your unit" in letter["Subject"]
    text = post.text(0)
    assert "Lê Thị Chi" in text
    assert "https://hailong.example.vn/unit/rounds/sipas-2026" in text
    assert UNIT not in text
    publish_by_hand(place[0], stores, corrected(sipas_edition(), "Một phiếu nhập nhầm."))
    assert send_notices(stores, settings, SLUG, TODAY, actor="lan") == Sent(2, ())


def test_an_invitation_carries_its_code_behind_the_sign_that_no_server_sees(
    place: tuple[Settings, Stores], post: PostOffice
) -> None:
    settings, stores = with_mail(place[0], post.port), place[1]
    secrets = Secrets(settings.secret_key)
    invitation = invite_person(
        stores, secrets, UNIT, "moi@ha-tu.gov.vn", "Đỗ Thị Mới", actor="lan", now=datetime.now(UTC)
    )
    send_invitation(settings, invitation)
    assert f"https://hailong.example.vn/unit/invited#{invitation.code}" in post.text(0)
    post.refused = {"moi@ha-tu.gov.vn"}
    with pytest.raises(MailFailure, match="refused"):
        send_invitation(settings, invitation)


def test_the_command_line_invites_lists_and_shuts_out(place: tuple[Settings, Stores], post: PostOffice) -> None:
    environment = environment_of_settings(place[0].instance, None)
    environment |= {"HAILONG_SMTP_URL": f"smtp://127.0.0.1:{post.port}", "HAILONG_MAIL_FROM": "a@b.gov.vn"}

    def said(*words: str) -> str:
        result = run(environment, "unit-account", *words)
        assert result.exit_code == 0, result.errors
        return result.output

    assert "#" in said("invite", "dong@ha-tu.gov.vn", "--unit", UNIT, "--name", "Vũ Đông", "--send")
    assert len(post.letters) == 1
    assert f"dong@ha-tu.gov.vn\tVũ Đông\t{UNIT}\tinvited\n" in said("list")
    assert said("disable", "dong@ha-tu.gov.vn") == "disabled dong@ha-tu.gov.vn\n"
    assert f"dong@ha-tu.gov.vn\tVũ Đông\t{UNIT}\tdisabled\n" in said("list")
    said("enable", "dong@ha-tu.gov.vn")
    refused = run(environment, "unit-account", "invite", "x", "--unit", UNIT, "--name", "X")
    assert (refused.exit_code, "expected an e-mail address" in refused.errors) == (2, True)
    refused = run(environment, "unit-account", "notify", "khong-co")
    assert refused.exit_code == 2


def test_a_letter_travels_over_tls_with_a_password_or_not_at_all(
    tmp_path: Path, place: tuple[Settings, Stores]
) -> None:
    authority, strange = Authority(tmp_path, "authority"), Authority(tmp_path, "strange")
    secret = written(tmp_path / "secret", PASSWORD.encode())
    with post_office(authority.issue("localhost")) as office:
        environment = {
            "HAILONG_SMTP_URL": f"smtps://{USER}@localhost:{office.port}",
            "HAILONG_MAIL_FROM": "a@b.gov.vn",
            "HAILONG_SMTP_PASSWORD_FILE": str(secret),
        }
        trusting = environment | {"HAILONG_SMTP_CA_FILE": str(authority.file)}
        invitation = invite_person(
            place[1], Secrets(place[0].secret_key), UNIT, "tls@ha-tu.gov.vn", "T", actor="lan", now=datetime.now(UTC)
        )
        send_invitation(replace(place[0], mail=mail_settings(trusting)), invitation)
        assert len(office.letters) == 1
        for others in (environment, environment | {"HAILONG_SMTP_CA_FILE": str(strange.file)}):
            with pytest.raises(MailFailure):
                send_invitation(replace(place[0], mail=mail_settings(others)), invitation)
        written(secret, "mật khẩu".encode())
        with pytest.raises(BadInput, match="ASCII"):
            mail_settings(trusting)
        written(secret, b"wrong")
        with pytest.raises(MailFailure):
            send_invitation(replace(place[0], mail=mail_settings(trusting)), invitation)
        assert len(office.letters) == 1


def test_without_a_mail_server_or_an_edition_nothing_is_sent(place: tuple[Settings, Stores]) -> None:
    settings, stores = place
    with writing(stores.office) as session:
        session.execute(delete(ScorecardNotice))
    with pytest.raises(BadInput, match="HAILONG_SMTP_URL"):
        send_notices(stores, replace(settings, mail=None), SLUG, TODAY, actor="lan")
    silent = MailSettings("127.0.0.1", 1, "none", "a@b.gov.vn")
    with pytest.raises(MailFailure):
        send_notices(stores, replace(settings, mail=silent), SLUG, TODAY, actor="lan")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"HAILONG_SMTP_URL": "mail.example.vn"}, "expected smtps://"),
        ({"HAILONG_SMTP_URL": "http://mail.example.vn"}, "expected smtps://"),
        ({"HAILONG_SMTP_URL": "smtps://a:secret@mail.example.vn"}, "HAILONG_SMTP_PASSWORD_FILE"),
        ({"HAILONG_SMTP_URL": "smtps://a@mail.example.vn"}, "HAILONG_SMTP_PASSWORD_FILE"),
        ({"HAILONG_MAIL_FROM": "ai đó"}, "HAILONG_MAIL_FROM"),
        ({"HAILONG_SMTP_CA_FILE": "/khong-co"}, "HAILONG_SMTP_CA_FILE"),
    ],
)
def test_unsafe_mail_settings_stop_the_start(changed: dict[str, str], complaint: str) -> None:
    environment = {"HAILONG_SMTP_URL": "smtps://mail.example.vn", "HAILONG_MAIL_FROM": "a@b.gov.vn"}
    with pytest.raises(BadInput, match=complaint) as refused:
        mail_settings(environment | changed)
    assert "secret" not in str(refused.value)


def test_tls_is_asked_for_wherever_it_is_not_this_machine() -> None:
    base = {"HAILONG_MAIL_FROM": "a@b.gov.vn"}
    found = {
        address: mail_settings(base | {"HAILONG_SMTP_URL": address})
        for address in ("smtp://mail.example.vn", "smtps://mail.example.vn", "smtp://127.0.0.1:25")
    }
    assert [settings and (settings.security, settings.port) for settings in found.values()] == [
        ("starttls", 587),
        ("tls", 465),
        ("none", 25),
    ]
    assert mail_settings({}) is None
