"""Rounds of three units that were answered and closed through the use cases, for tests of what an office publishes."""

import datetime as dt
from collections.abc import Sequence

from questionnaires.answers import CheckedAnswers, check_answers
from support.standardised import STANDARDISED
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.invitations import CodeRequest, issue_invitations
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import RoundRequest, SourceFile, close_round, create_round, open_round
from survey.sealing import seal_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.vault import KeyVault

SLUG = "so-lieu-2026"
REFERENCE = "small/1"
UNITS = ("phuong-a", "xa-b", "xa-c")
N_SHEETS = 12
WITH_HARD = b'plan: 1\nversion: "7-hard"\naggregate: units\nprofile: with_hard\n'
PLAIN = b'plan: 1\nversion: "7"\naggregate: units\nprofile: std\n'
FIGURES = "unit,indicator,value,source\nphuong-a,h,10.5,Báo cáo\nxa-b,h,30,Báo cáo\nxa-c,h,20,\n"


def publish_small(stores: Stores) -> None:
    """The small questionnaire, whose profile with_hard counts the figure h."""
    publish_questionnaire(stores, STANDARDISED.encode(), "small.yaml", today())


def sealed_round(
    settings: Settings,
    stores: Stores,
    *,
    plan: bytes = WITH_HARD,
    design: bytes | None = None,
    strata: Sequence[str] = ("",),
) -> None:
    """The round, sealed, with twelve ballots a unit; everybody answers a as b."""
    publish_small(stores)
    request = RoundRequest(
        slug=SLUG,
        questionnaire=REFERENCE,
        units="code=" + ",".join(UNITS),
        opens_on=today(),
        closes_on=today() + dt.timedelta(days=9),
        design=SourceFile(design, "design.yaml") if design else None,
        plan=SourceFile(plan, "plan.yaml"),
    )
    create_round(stores, request, today())
    # scrypt at its cheapest: the key in it is the same to every reader of the vault.
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    secrets = Secrets(settings.secret_key)
    open_round(stores, vault, SLUG, today())
    requests = [CodeRequest(unit, N_SHEETS // len(strata), stratum) for unit in UNITS for stratum in strata]
    codes = issue_invitations(stores, secrets, SLUG, requests)
    questionnaire = load_questionnaire_of(stores, find_round(stores, SLUG))
    round_today = round_open_on(find_round(stores, SLUG), questionnaire, today())
    for place, code in enumerate(codes):
        liked = str(1 + (place + UNITS.index(code.unit)) % 5)
        answers = check_answers(questionnaire, {"a": [liked], "b": [liked], "c": [str(1 + place % 5)]})
        assert isinstance(answers, CheckedAnswers), answers
        sent = receive_ballot(stores, secrets, round_today, code.unit, code.typed, new_nonce(), answers)
        assert sent == "received"
    close_round(stores, SLUG)
    seal_round(stores, secrets, vault, settings, SLUG)
