"""Whatever is posted to the citizen's form, the answer is a page of the house or a receipt, never a failure."""

from collections.abc import Iterator
from itertools import count
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.citizens import UNIT, Asked, ask
from support.firms import SLUG, add_firm_round, import_firms
from support.pages import PageClient, checked_page
from support.stores import Templates, opened
from survey.application import create_app
from survey.limits import Counters

pytestmark = pytest.mark.slow

ADDRESS = f"/r/hai-long/{UNIT}"
FIELDS = ("code", "nonce", "lang", "switch-lang", "form-part", "overall", "why", "how_slow", "paid", "main")
LIKELY = ("", "1", "5", "9", "na", "dk", "slow", "none", "-1", "1,5", "1e9", "vi", "en", "x" * 300, "\u202e", "<b>")
SEVERAL = f"/r/{SLUG}"
SEVERAL_FIELDS = (
    *FIELDS[:5],
    *("step", "units", "change-units", "has_land", "say", "so-y-te.clear", "06673.clear", "06673.unclear"),
    *("06673.visits", "06673.land_say", "khong-co.clear", ".clear", "06673."),
)
SEVERAL_LIKELY = (
    *LIKELY,
    "answers",
    "so-y-te",
    "06673",
    "06652",
    "so-tai-chinh",
    "khong-co",
    "yes",
    "forms",
    "nothing",
)
EXPECTED = {200, 303, 400, 422}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("bodies")
    instance = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(instance)
    asked = ask(instance, stores, folder, questionnaire="kinds/1")
    import_firms(stores, folder)
    add_firm_round(asked, SLUG)
    yield asked
    stores.close()


@pytest.fixture(scope="module")
def client(asked: Asked) -> PageClient:
    # A second passes between two looks: what is tried here is not how fast somebody may send.
    seconds = count(1_800_000_000)
    return PageClient(create_app(asked.settings, Counters.private(lambda: float(next(seconds)))))


def post(client: PageClient, body: bytes, address: str = ADDRESS) -> int:
    response = client.raw.post(address, data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in EXPECTED
    if response.status_code != 303:
        checked_page(response, address)
    return response.status_code


values = st.sampled_from(LIKELY) | st.text(max_size=30)


@given(st.lists(st.tuples(st.sampled_from(FIELDS) | st.text(max_size=8), values), max_size=30))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_fields_with_any_values_are_answered_with_a_page(client: PageClient, pairs: list[tuple[str, str]]) -> None:
    encoded = "&".join(
        f"{quote_plus(name, errors='surrogatepass')}={quote_plus(value, errors='surrogatepass')}"
        for name, value in pairs
    )
    post(client, encoded.encode())


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered_with_a_page(client: PageClient, body: bytes) -> None:
    post(client, body)


@given(
    st.lists(
        st.tuples(st.sampled_from(SEVERAL_FIELDS), st.sampled_from(SEVERAL_LIKELY) | st.text(max_size=30)), max_size=40
    )
)
@settings(max_examples=150, deadline=None)
def test_any_fields_of_a_form_that_rates_several_units_are_answered_with_a_page(
    client: PageClient, pairs: list[tuple[str, str]]
) -> None:
    encoded = "&".join(
        f"{quote_plus(name, errors='surrogatepass')}={quote_plus(value, errors='surrogatepass')}"
        for name, value in pairs
    )
    post(client, encoded.encode(), SEVERAL)


@given(st.dictionaries(st.sampled_from(FIELDS[5:]), values, max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_page_with_problems_brings_back_what_was_typed(client: PageClient, typed: dict[str, str]) -> None:
    sent = {"code": "00000-00000-0000", "nonce": "n" * 32, "lang": "en"} | typed
    page = client.post(ADDRESS, sent)
    assert page.status == 422
    shown = page.fields()
    for item in ("paid", "main"):
        # Line ends and letters that no page can hold change on the way; everything else is as it was.
        if typed.get(item, "").isprintable() and typed.get(item):
            assert shown[item] == [typed[item]]
