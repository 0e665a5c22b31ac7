"""Rich authorization requests: what may be asked for is granted as asked, and everything else is refused in words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.oauth.details import MAX_DETAILS
from tests.exchange import Exchange, detail, exchange, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVALID = "invalid_authorization_details"
MAY = "ALIBABA accounts, contacts, orders, profiles; MAILRU accounts, orders, segments"
ORDERS = detail("MAILRU", "orders")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path_factory.mktemp("details")) as found:
        yield found


# What is granted


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([ORDERS], [ORDERS]),
        ([detail("MAILRU", "segments", "orders")], [detail("MAILRU", "orders", "segments")]),
        ([detail("ALIBABA", "profiles")], [detail("ALIBABA", "profiles")]),
        (
            [ORDERS, detail("ALIBABA", "accounts"), detail("MAILRU", "accounts", purpose="analytics")],
            [detail("ALIBABA", "accounts"), detail("MAILRU", "accounts", "orders")],
        ),
    ],
)
async def test_what_is_granted_is_in_answer_and_token_with_its_purpose(
    here: Exchange, asked: Any, told: Any
) -> None:
    """RFC 9396, 7 and 9.1: the details as assigned to the token, one entry a party."""
    answer = await here.details("bazaar", asked)
    told = [{**each, "purpose": "analytics"} for each in told]
    assert answer.status_code == 200
    assert answer.json()["authorization_details"] == told
    claims = here.claims(answer.json()["access_token"])
    assert claims["authorization_details"] == told
    assert claims["purpose"] == "analytics"


async def test_the_caller_can_see_what_its_token_was_narrowed_to(here: Exchange) -> None:
    """`caller { data }`, which is null for a token without details."""
    document = "{ caller { data { party datasets } } }"
    tokens = [await here.token("bazaar", detail("MAILRU", "orders", "accounts")), await here.token("bazaar")]
    told = [(await here.ask(token, document))["data"]["caller"]["data"] for token in tokens]
    assert told == [[{"party": "MAILRU", "datasets": ["accounts", "orders"]}], None]


async def test_introspection_tells_what_a_token_was_narrowed_to(here: Exchange) -> None:
    """RFC 9396, 9.2."""
    token = await here.token("bazaar", ORDERS)
    secret = here.secrets["bazaar"]
    answer = await here.http.post("/oauth/introspect", data={"token": token}, auth=("bazaar", secret))
    assert answer.json()["active"]
    assert answer.json()["authorization_details"] == [{**ORDERS, "purpose": "analytics"}]


async def test_a_token_asked_for_without_details_has_none(here: Exchange) -> None:
    """Also with the parameter left empty, which is left out (RFC 6749, 3.2)."""
    for answer in (await here.post("bazaar", {}), await here.details("bazaar", "")):
        assert "authorization_details" not in answer.json()
        assert "authorization_details" not in here.claims(answer.json()["access_token"])


async def test_details_change_nothing_of_the_scopes(here: Exchange) -> None:
    """Both narrow, each in its own way (RFC 9396, 3.1)."""
    answer = await here.details("bazaar", [ORDERS], scope="mailru:read")
    assert answer.json()["scope"] == "mailru:read"


async def test_the_purpose_of_the_details_is_that_of_the_token(here: Exchange) -> None:
    offers = detail("MAILRU", "orders", purpose="targeted_offers")
    for form in ({}, {"purpose": "targeted_offers"}):
        answer = await here.details("bazaar", [offers, detail("MAILRU", "segments")], **form)
        assert here.claims(answer.json()["access_token"])["purpose"] == "targeted_offers"
        assert {each["purpose"] for each in answer.json()["authorization_details"]} == {"targeted_offers"}
    answer = await here.details("bazaar", [ORDERS], purpose="targeted_offers")
    assert answer.json()["authorization_details"] == [offers]


async def test_the_type_is_in_the_metadata_of_server_and_resource(here: Exchange) -> None:
    """RFC 9396, 10 and RFC 9728, 2."""
    for name in ("oauth-authorization-server/oauth", "oauth-protected-resource/graphql"):
        found = (await here.http.get(f"/.well-known/{name}")).json()
        assert found["authorization_details_types_supported"] == ["partner_data"]


# What is refused


MALFORMED = [
    "x", "{}", "[]", "null", "true", "1", '"partner_data"', "[null]", "[1]", "[[]]", '["partner_data"]', "[{}]",
    "[" * MAX_DETAILS, "[" * 2000 + "]" * 2000, "1" * MAX_DETAILS, "NaN", "[Infinity]", "\x00", '"\\ud800"', "é",
    json.dumps([ORDERS]) + "x", json.dumps(ORDERS), json.dumps([ORDERS]).replace('"', "'"),
    '[{"type": "partner_data", "party": "MAILRU", "party": "ALIBABA", "datasets": ["orders"]}]',
    json.dumps([ORDERS]) + " " * MAX_DETAILS,
]  # fmt: skip
WRONG = [
    *({**ORDERS, "type": each} for each in ("account_information", "", "PARTNER_DATA", None, 1, ["partner_data"])),
    *({**ORDERS, name: "x"} for name in ("actions", "locations", "datatypes", "identifier", "Party", "")),
    *({key: value for key, value in ORDERS.items() if key != name} for name in ORDERS),
    *({**ORDERS, "party": each} for each in (None, 1, [], ["MAILRU"], {}, "")),
    *({**ORDERS, "datasets": each} for each in (None, [], {}, "orders", [1], [None], [["orders"]], {"orders": 1})),
    *({**ORDERS, "purpose": each} for each in (None, 1, [], ["analytics"], {})),
    detail("MAILRU", "orders", "orders"),
]  # fmt: skip
MORE = [
    detail("MAILRU", "profiles"),
    detail("MAILRU", "orders", "profiles"),
    detail("MAILRU", "nonsense"),
    detail("MAILRU", "ORDERS"),
    detail("MAILRU", "*"),
    detail("*", "orders"),
    detail("mailru", "orders"),
    detail("MEGAFON", "orders"),
    detail("RDIF", "reports"),
    detail("ALIBABA", "segments"),
    detail("MAILRU orders", "segments"),
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:30])
async def test_what_is_no_array_of_objects_is_refused(here: Exchange, text: str) -> None:
    """A13: deep, endless, doubled, or no JSON at all."""
    refused(await here.details("bazaar", text), INVALID)


@pytest.mark.parametrize("entry", WRONG, ids=json.dumps)
async def test_an_entry_of_another_form_is_refused(here: Exchange, entry: Any) -> None:
    """A13, RFC 9396, 5: unknown type, unknown member, a member missing or of another type; also beside a good one."""
    refused(await here.details("bazaar", [entry]), INVALID)
    refused(await here.details("bazaar", [detail("ALIBABA", "orders"), entry]), INVALID)


@pytest.mark.parametrize("entry", MORE, ids=json.dumps)
async def test_more_than_agreed_is_refused_with_what_may_be_had(here: Exchange, entry: Any) -> None:
    """A13: what is not there and what is another's are refused in the same words."""
    expected = f"For this purpose and with these scopes may be asked for: {MAY}."
    for asked in ([entry], [ORDERS, entry] if entry["datasets"][0] != "orders" else [entry]):
        assert refused(await here.details("bazaar", asked), INVALID) == expected


async def test_nobody_is_told_of_the_arrangements_of_others(here: Exchange) -> None:
    """Mail.ru has no segments of Alibaba's to ask for, and Alibaba's rights are not named to it; the fund's neither."""
    said = refused(await here.details("pandao", [detail("RDIF", "reports")]), INVALID)
    assert said.endswith(": ALIBABA accounts, orders; MAILRU accounts, contacts, orders, profiles, segments.")
    assert refused(await here.details("fund", [ORDERS]), INVALID).endswith(": RDIF reports.")


async def test_a_dataset_whose_scope_the_token_lacks_is_refused(here: Exchange) -> None:
    """The token could not read it; whoever asks is told so now."""
    said = refused(await here.details("bazaar", [ORDERS], scope="alibaba:read clients:read"), INVALID)
    assert said.endswith(": ALIBABA accounts, orders; MAILRU accounts.")
    refused(await here.details("bazaar", [ORDERS], scope="nonsense"), "invalid_scope")


async def test_what_is_agreed_for_another_purpose_is_refused(here: Exchange) -> None:
    """Mail.ru may forecast with Alibaba's orders; for what nobody agreed to, it has its own data."""
    ours = detail("ALIBABA", "orders")
    assert (await here.details("pandao", [{**ours, "purpose": "demand_forecast"}])).status_code == 200
    async with here.gateway.writing() as connection:
        await connection.exec_driver_sql("UPDATE applications SET purposes = 'reporting' WHERE id = 'pandao'")
    said = refused(await here.details("pandao", [ours]), INVALID)
    assert said.endswith(": MAILRU accounts, contacts, orders, profiles, segments.")
    async with here.gateway.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE applications SET purposes = 'analytics demand_forecast' WHERE id = 'pandao'"
        )


async def test_a_contradiction_about_the_purpose_is_refused(here: Exchange) -> None:
    """Among the entries, with the request, and with what the application may."""
    for_offers = detail("MAILRU", "segments", purpose="targeted_offers")
    refused(
        await here.details("bazaar", [detail("MAILRU", "orders", purpose="analytics"), for_offers]), INVALID
    )
    refused(await here.details("bazaar", [for_offers], purpose="analytics"), INVALID)
    for purpose in ("reporting", "curiosity", "*", ""):
        refused(await here.details("bazaar", [{**ORDERS, "purpose": purpose}]), INVALID)
    refused(await here.details("bazaar", [ORDERS], purpose="reporting"), "invalid_request")


async def test_scopes_are_not_widened_by_details(here: Exchange) -> None:
    """A11: what an application may not have it does not get by asking for its dataset, or with one it may have."""
    refused(await here.details("fund", [detail("RDIF", "reports")], scope="clients:read"), "invalid_scope")
    refused(await here.details("bazaar", [ORDERS], scope="mailru:read fund:reports"), "invalid_scope")


async def test_the_parameter_may_be_sent_once(here: Exchange) -> None:
    pair = ("authorization_details", json.dumps([ORDERS]))
    refused(await here.post("bazaar", [pair, pair]), "invalid_request")
