"""The demonstration's two rounds, set up once; setting up again finds them and changes nothing."""

import datetime as dt
import secrets as randomness
from collections.abc import Callable
from pathlib import Path

from survey.demonstration.marker import Demonstration, DemonstrationCode, keep_demonstration, marker_path
from survey.demonstration.signing import with_demonstration_certificate
from survey.errors import WrongState
from survey.importing import ImportRequest, import_round
from survey.invitations import CodeRequest, issue_invitations
from survey.notices import read_notice
from survey.officers import create_officer, list_officers, set_password
from survey.published_scores import import_published
from survey.publishing import publish_round
from survey.rounds import RoundRequest, create_round, find_round, list_rounds, open_round, read_source, units_of_round
from survey.services import Services
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.unit_people import accept_invitation, invite_person
from survey.units import import_units

PUBLISHED_ROUND = "kansas-city-2021-09"
OPEN_ROUND = "sipas-2026-demo"
# A ward of the old city, a ward of the tourists and the special zone of the islands.
UNITS = "code=06673,06685,06994"
DAYS_OPEN = 365
LOGIN = "officer"
# Who looks at the scorecard of one district of the published round.
PORTAL_LOGIN, PORTAL_UNIT, PORTAL_NAME = "district1@example.org", "district1", "Cán bộ Quận 1"
ACTOR = "demonstration"
FILES = Path(__file__).parent


def claim_instance(settings: Settings, stores: Stores) -> None:
    """Make an instance a demonstration; raises WrongState when it has rounds of its own."""
    if marker_path(settings).exists():
        return
    rounds = list_rounds(stores)
    if rounds:
        raise WrongState(
            f"{settings.instance}: found an instance with {len(rounds)} rounds of its own, expected an empty one; "
            "start it with `hailong serve`, or name another folder in HAILONG_INSTANCE"
        )
    keep_demonstration(settings, None)


def prepare_demonstration(services: Services, today: dt.date, say: Callable[[str], None]) -> Demonstration:
    """Both rounds, an officer and three codes. What an earlier start that was cut off has made is kept."""
    stores, settings = services.stores, with_demonstration_certificate(services.settings)
    say("Importing the registry of Quảng Ninh …")
    registry = [FILES / "quang_ninh" / name for name in ("units.csv", "succession.csv", "procedures.csv")]
    import_units(stores, *registry, actor=ACTOR)
    import_published(
        settings.instance, *(FILES / "quang_ninh" / f"published_{name}.csv" for name in ("scores", "breaks"))
    )
    states = {record.slug: record.state for record in list_rounds(stores)}
    if PUBLISHED_ROUND not in states:
        say("Importing the resident survey of Kansas City …")
        request = ImportRequest(
            slug=PUBLISHED_ROUND,
            questionnaire="kansas_city/2021.1",
            answers=FILES / "kansas_city" / "answers.csv",
            design=FILES / "kansas_city" / "design.yaml",
            plan=FILES / "kansas_city" / "plan.yaml",
        )
        import_round(stores, services.vault, settings, request, today)
    if states.get(PUBLISHED_ROUND) != "published":
        say("Computing its edition and printing the scorecards …")
        publish_round(stores, services.vault, settings, PUBLISHED_ROUND, today, languages=("vi", "en"), actor=ACTOR)
    if OPEN_ROUND not in states:
        say("Opening a round for three units …")
        new_round = RoundRequest(
            slug=OPEN_ROUND,
            questionnaire="sipas/2017.2",
            units=UNITS,
            opens_on=today,
            closes_on=today + dt.timedelta(days=DAYS_OPEN),
            notice=read_notice(FILES / "quang_ninh" / "notice.yaml"),
            design=read_source(FILES / "quang_ninh" / "design.yaml"),
            plan=read_source(FILES / "quang_ninh" / "plan.yaml"),
        )
        create_round(stores, new_round, today, actor=ACTOR)
    if states.get(OPEN_ROUND, "draft") == "draft":
        open_round(stores, services.vault, OPEN_ROUND, today, actor=ACTOR)
    names = {unit.code: unit.name_vi for unit in units_of_round(stores, find_round(stores, OPEN_ROUND))}
    issued = issue_invitations(stores, services.secrets, OPEN_ROUND, [CodeRequest(code, 1) for code in names])
    codes = tuple(DemonstrationCode(names[code.unit], code.typed, code.address(None)) for code in issued)
    password = randomness.token_urlsafe(12)
    if any(officer.login == LOGIN for officer in list_officers(stores)):
        set_password(stores, LOGIN, password, actor=ACTOR)
    else:
        create_officer(stores, LOGIN, "Cán bộ trình diễn", password, actor=ACTOR)
    prepared = Demonstration(LOGIN, password, codes, PORTAL_LOGIN, _portal_password(services))
    keep_demonstration(settings, prepared)
    return prepared


def _portal_password(services: Services) -> str:
    """The password of the person of one unit, who has accepted an invitation to the portal."""
    stores, secrets, now = services.stores, services.secrets, dt.datetime.now(dt.UTC)
    invited = invite_person(stores, secrets, PORTAL_UNIT, PORTAL_LOGIN, PORTAL_NAME, actor=ACTOR, now=now)
    password = randomness.token_urlsafe(12)
    accept_invitation(stores, secrets, invited.code, password, now)
    return password
