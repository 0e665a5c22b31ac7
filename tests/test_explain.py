"""A caller can always see why: what is explained of an operation, and what is not told even then."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import strawberry

from gateway.access.agreements import agreements
from gateway.access.request import Access
from gateway.engine.batch import batch
from gateway.explain.rehearsal import Rehearsal
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from gateway.upstream.http import Request
from gateway.upstream.upstream import Upstream
from tests.conftest import Gateway, start
from tests.engine.rehearsed import EXPLAIN
from tests.engine.stage import Stage
from tests.world import speaking_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that leaves out what may not be asked for."""
    async for each in start(tmp_path_factory.mktemp("explain"), speaking_world(), max_cost=2_000):
        yield each


async def explained(
    gateway: Gateway,
    document: str,
    party: str = "ALIBABA",
    scopes: str | None = None,
    purpose: str = "analytics",
    variables: Any = None,
    **more: Any,
) -> Any:
    """What the gateway explains."""
    sent = {"document": document, "variables": variables}
    answer = await gateway.ask(EXPLAIN, party, scopes, purpose, variables=sent, **more)
    assert "errors" not in answer
    return answer["data"]["explainAccess"]


def by_name(found: Any) -> dict[str, Any]:
    """The explained tables."""
    return {each["name"]: each for each in found["tables"]}


def calls(found: Any) -> dict[str, Any]:
    """The explained calls by their coordinates."""
    return {each["coordinate"]: each for level in found["levels"] for each in level["calls"]}


CLIENTS = "{ clients { nodes { region profile { name } mailru { memberSince segments { name } } } } }"


async def test_the_readme_shows_a_real_explanation(gateway: Gateway) -> None:
    """Its example, asked here, is answered as it says."""
    text = (Path(__file__).parent.parent / "README.md").read_text().partition("## Ask why")[2]
    document = re.search(r"`(\{ clients.*?\})`", text)
    example, answer = (re.search(f"```{kind}\n(.*?)```", text, re.S) for kind in ("graphql", "json"))
    assert document
    assert example
    assert answer
    scopes = "clients:read alibaba:read mailru:read"
    found = await gateway.ask(example[1], "ALIBABA", scopes, variables={"document": document[1]})
    expected = json.loads(answer[1])["data"]
    expected["explainAccess"]["cost"]["limit"] = found["data"]["explainAccess"]["cost"]["limit"]
    assert found["data"] == expected
    assert Settings().max_cost == json.loads(answer[1])["data"]["explainAccess"]["cost"]["limit"]


async def test_each_refused_field_is_told_with_its_lock_and_what_becomes_null(gateway: Gateway) -> None:
    """And those that hide behind it count for the scopes that the whole lacks."""
    found = await explained(gateway, CLIENTS, scopes="clients:read")
    fields = {".".join(each["path"]): each for each in found["fields"]}
    assert (found["runs"], found["allowed"], found["errors"]) == (True, False, [])
    assert found["missingScopes"] == ["clients:pii", "mailru:read", "mailru:segments"]
    assert fields["clients.nodes.@.region"]["allowed"]
    assert fields["clients.nodes.@.profile"]["refusal"] == {
        "message": "Not allowed to ask for ClientProfile: the token lacks clients:pii.",
        "lock": "RETURNED_TYPE",
        "coordinate": "ClientProfile",
        "becomesNull": ["clients", "nodes", "@", "profile"],
    }
    assert fields["clients.nodes.@.mailru"]["refusal"]["lock"] == "FIELD"
    assert "clients.nodes.@.mailru.segments" not in fields


async def test_a_null_that_may_not_be_goes_up_as_far_as_it_does_in_an_answer(gateway: Gateway) -> None:
    """To the whole of the data, where nothing on its way may be null."""
    document = "{ clients { nodes { mailru { lifetimeValue { minor } } } totalCount } caller { party } }"
    [refused] = [
        each for each in (await explained(gateway, document, scopes=""))["fields"] if each["refusal"]
    ]
    assert (refused["coordinate"], refused["refusal"]["becomesNull"]) == ("Query.clients", [])
    answer = await gateway.ask(document, scopes="")
    assert answer["data"] is None


@pytest.mark.parametrize(
    ("document", "null"),
    [
        ("{ clients { nodes { region orders { totalCount } } } }", []),
        ('{ client(id: "x") { region orders { totalCount } } }', ["client"]),
        ("{ clients { nodes { region mailru { memberSince } } } }", ["clients", "nodes", "@", "mailru"]),
    ],
)
async def test_a_null_goes_through_lists_whose_items_may_not_be_null(
    gateway: Gateway, document: str, null: list[str]
) -> None:
    """And stops at the first place that may be."""
    found = await explained(gateway, document, scopes="clients:read")
    assert [each["refusal"]["becomesNull"] for each in found["fields"] if each["refusal"]] == [null]


async def test_of_an_interface_each_type_is_told_of_that_the_document_names_or_the_caller_sees(
    gateway: Gateway,
) -> None:
    """A type that neither is stays without a name."""
    named = "{ clients { nodes { orders { nodes { id ... on PandaoOrder { transactionId } } } } } }"
    unnamed = "{ clients { nodes { orders { nodes { id } } } } }"
    for document, names in (
        (named, {"AlibabaOrder": True, "PandaoOrder": False}),
        (unnamed, {"AlibabaOrder": True}),
    ):
        found = await explained(gateway, document, scopes="clients:read alibaba:read")
        [kinds] = [each["possibleTypes"] for each in found["fields"] if each["possibleTypes"]]
        assert {each["name"]: each["allowed"] for each in kinds} == names
    assert "Pandao" not in str(found)


async def test_each_table_is_told_with_what_it_means_for_this_caller_now(gateway: Gateway) -> None:
    """Its own rows, and whose with the client's consent; and whose rows decide."""
    document = "{ clients { nodes { orders { nodes { lines { name } } } profile { name } } } }"
    tables = by_name(await explained(gateway, document))
    assert tables.keys() == {"accounts", "clients", "order_lines", "orders", "profiles"}
    assert (tables["orders"]["whole"], tables["orders"]["withConsent"]) == (["ALIBABA"], ["MAILRU"])
    assert tables["orders"]["meaning"] == (
        "All orders of ALIBABA; and the orders that MAILRU has of clients who consented to ALIBABA for analytics."
    )
    assert (tables["profiles"]["whole"], tables["profiles"]["withConsent"]) == (["ALIBABA"], [])
    assert (tables["order_lines"]["follows"], tables["orders"]["follows"]) == ("orders", None)
    assert tables["order_lines"]["withConsent"] == ["MAILRU"]
    assert tables["clients"]["rule"] == "A row is seen if a row of accounts that goes with it is seen."


@pytest.mark.parametrize(
    ("more", "whole", "with_consent"),
    [
        ({"purpose": "demand_forecast"}, ["ALIBABA"], []),
        ({"scopes": "clients:read alibaba:read"}, ["ALIBABA"], []),
        ({"scopes": "clients:read mailru:read"}, [], ["MAILRU"]),
        ({"datasets": [("MAILRU", "orders"), ("MAILRU", "accounts")]}, [], ["MAILRU"]),
        ({"datasets": []}, [], []),
    ],
    ids=str,
)
async def test_purpose_scopes_and_what_the_token_is_for_change_the_meaning(
    gateway: Gateway, more: Any, whole: Sequence[str], with_consent: Sequence[str]
) -> None:
    """As they change the rows; where none is left, that is said."""
    found = await explained(gateway, "{ clients { nodes { orders { totalCount } } } }", **more)
    orders = by_name(found)["orders"]
    assert (orders["whole"], orders["withConsent"]) == (whole, with_consent)
    if not (whole or with_consent):
        assert orders["meaning"] == "Nothing: the caller may read no orders now."


async def test_an_agreement_that_is_revoked_is_gone_from_the_next_explanation(gateway: Gateway) -> None:
    """It is read where the rows are read."""
    document = "{ clients { nodes { orders { totalCount } } } }"
    mailrus = (agreements.c.recipient == "MAILRU") & (agreements.c.owner == "ALIBABA")
    async with gateway.writing() as connection:
        kept = [dict(row._mapping) for row in await connection.execute(agreements.select().where(mailrus))]
    assert by_name(await explained(gateway, document, "MAILRU"))["orders"]["withConsent"] == ["ALIBABA"]
    async with gateway.writing() as connection:
        await connection.execute(agreements.delete().where(mailrus))
    assert by_name(await explained(gateway, document, "MAILRU"))["orders"]["withConsent"] == []
    async with gateway.writing() as connection:
        await connection.execute(agreements.insert(), kept)


async def test_the_plan_has_levels_calls_and_sql_without_a_value(gateway: Gateway) -> None:
    """Each level waits for the one above; arguments are question marks."""
    document = """query ($region: String) { clients(first: 7, filter: {region: $region}) {
        nodes { mailru { orders(first: 3) { nodes { lines { name } } } } } } }"""
    found = await explained(gateway, document, variables={"region": "Zanzibar"})
    told = [[each["coordinate"] for each in level["calls"]] for level in found["levels"]]
    assert told == [
        ["Query.clients"],
        ["Client.mailru"],
        ["MailruAccount.orders"],
        ["AlibabaOrder.lines", "PandaoOrder.lines"],
    ]
    [statement] = calls(found)["MailruAccount.orders"]["statements"]
    assert statement["tables"] == ["orders"]
    assert {"orders.id", "orders.client_id", "orders.placed_at", "orders.party"} == set(statement["columns"])
    assert all(each["reached"] and each["complete"] for each in calls(found).values())
    assert "Zanzibar" not in str(found)


async def test_what_is_left_out_and_what_is_refused_is_not_in_the_plan(gateway: Gateway) -> None:
    """Nor are the tables of it."""
    document = """query ($no: Boolean!) { clients { nodes { region
        profile { name } mailru { segments { name } } orders @include(if: $no) { totalCount } } } }"""
    found = await explained(gateway, document, scopes="clients:read", variables={"no": False})
    assert by_name(found).keys() == {"accounts", "clients"}
    assert calls(found).keys() == {"Query.clients"}
    assert "orders" not in str(found)


async def test_a_page_of_nothing_asks_nothing_below(gateway: Gateway) -> None:
    """And says so."""
    found = await explained(gateway, "{ clients(first: 0) { nodes { orders { totalCount } } } }")
    assert calls(found)["Query.clients"]["reached"]
    assert not calls(found)["Client.orders"]["reached"]


async def test_an_argument_that_cannot_be_is_told_in_the_words_of_the_answer(gateway: Gateway) -> None:
    """At the call that refuses it."""
    document = "{ clients(first: 101) { nodes { region } } }"
    answer = await gateway.ask(document)
    told = calls(await explained(gateway, document))["Query.clients"]
    assert told["error"] == answer["errors"][0]["message"]
    assert (told["complete"], told["statements"]) == (True, [])


INVALID = {
    "not GraphQL": "{ clients ",
    "an unknown field": "{ clientz { id } }",
    "an unknown field of a type": "{ clients { nodes { income } } }",
    "two operations": "query A { caller { party } } query B { caller { party } }",
    "too deep": "{" + "clients { nodes { " * 9 + "id" + " } }" * 9 + "}",
    "too many fields": "{" + " ".join(f"a{n}: caller {{ party }}" for n in range(60)) + "}",
    "too many tokens": "{" + "caller " * 5_000 + "}",
    "too long": "{ caller { party } } " + " " * 100_000,
    "a variable missing": "query ($id: ID!) { client(id: $id) { region } }",
    "a fragment within itself": "{ caller { ...F } } fragment F on Caller { ...F }",
    "a mutation": "mutation { forget }",
    "too dear": "{ clients(first: 100) { nodes { orders(first: 100) { nodes { lines { name } } } } } }",
}


@pytest.mark.parametrize("what", INVALID)
@pytest.mark.parametrize("party", ["ALIBABA", "RDIF"])
async def test_what_cannot_be_run_is_explained_by_the_errors_of_running_it(
    gateway: Gateway, what: str, party: str
) -> None:
    """The same messages, codes and places; nothing is told beyond that to who could not run it."""
    response = await gateway.post({"query": INVALID[what]}, gateway.token(party))
    errors = [each for each in response.json().get("errors", []) if "path" not in each]
    found = await explained(gateway, INVALID[what], party)
    assert found["runs"] is not bool(errors)
    assert [(each["message"], each["code"], each["line"], each["column"]) for each in found["errors"]] == [
        (
            each["message"],
            each["extensions"]["code"],
            *next(((at["line"], at["column"]) for at in each.get("locations", [])), (None, None)),
        )
        for each in errors
    ]


async def test_a_fault_behind_what_is_refused_does_not_keep_the_refusal_from_being_explained(
    gateway: Gateway,
) -> None:
    """A switch may be null as long as nobody comes to it; with the missing scopes that would be the answer."""
    document = """query ($off: Boolean = false) {
        clients { nodes { mailru { memberSince @skip(if: $off) } } } }"""
    told = await explained(gateway, document, scopes="clients:read", variables={"off": None})
    assert (told["runs"], told["missingScopes"]) == (True, ["mailru:read"])
    told = await explained(gateway, document, variables={"off": None})
    assert [each["code"] for each in told["errors"]] == ["BAD_USER_INPUT"]


async def test_what_is_too_dear_has_its_cost_and_its_plan(gateway: Gateway) -> None:
    """For these say what to leave out."""
    found = await explained(gateway, INVALID["too dear"])
    assert (found["runs"], found["errors"][0]["code"]) == (False, "COST_LIMIT")
    assert found["cost"]["estimated"] > found["cost"]["limit"] == 2_000
    assert len(found["levels"]) == 3


async def test_the_cost_is_the_one_that_running_it_is_charged_for(gateway: Gateway) -> None:
    """As estimated with these variables."""
    document = "query ($n: Int) { clients(first: $n) { nodes { region } } }"
    answer = await gateway.ask(document, variables={"n": 9})
    found = await explained(gateway, document, variables={"n": 9})
    assert found["cost"]["estimated"] == answer["extensions"]["cost"]["estimated"]


async def test_variables_must_be_an_object(gateway: Gateway) -> None:
    """As those of a request."""
    answer = await gateway.ask(EXPLAIN, variables={"document": "{ caller { party } }", "variables": [1]})
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "variables"}


async def test_explaining_an_explanation_ends(gateway: Gateway) -> None:
    """The inner one is not held; that it reads the caller's rights is told."""
    inner = (
        'query { explainAccess(document: "{ clients { totalCount } }") { runs levels { calls { path } } } }'
    )
    found = await explained(gateway, inner)
    call = calls(found)["Query.explainAccess"]
    assert (call["reached"], call["complete"]) == (True, False)
    assert "caller_right" in call["statements"][0]["sql"]


@pytest.mark.parametrize("id", ["AlibabaOrder:ADA", "PandaoOrder:ADA", "whoever"])
@pytest.mark.parametrize("selection", ["id", "__typename", "... on Node { id }"])
async def test_the_fund_is_told_of_no_table_of_persons(gateway: Gateway, id: str, selection: str) -> None:
    """`node` looks for orders and clients, of which none is the fund's; and that is all that is said."""
    document = f'{{ node(id: "{id}") {{ {selection} }} fundReport(quarter: "2017Q1") {{ nav {{ minor }} }} }}'
    found = await explained(gateway, document, "RDIF")
    assert by_name(found).keys() == {"fund_reports"}
    assert calls(found)["Query.node"] | {"path": []} == {
        "path": [],
        "coordinate": "Query.node",
        "function": "node",
        "error": None,
        "reached": True,
        "complete": False,
        "statements": [],
        "partnerCalls": [],
    }
    for word in ("lient", "rders", "Order", "ccount", "consent", "egion", "ALIBABA", "MAILRU"):
        assert word not in str({**found, "fields": None})


async def test_a_subscription_is_explained_up_to_its_first_events(gateway: Gateway) -> None:
    """What each level of events will ask, beginning with the source."""
    found = await explained(gateway, "subscription { orderChanged { id lines { name } } }")
    assert found["runs"]
    levels = [[each["coordinate"] for each in level["calls"]] for level in found["levels"]]
    assert levels[0] == ["Subscription.orderChanged"]
    assert set(levels[1]) == {"AlibabaOrder.lines", "PandaoOrder.lines"}
    assert calls(found)["Subscription.orderChanged"]["statements"]


async def test_a_call_to_a_partner_is_told_and_not_made() -> None:
    """What follows from its answer is not known."""

    async def prices(roots: Sequence[None], access: Access) -> list[float]:
        asked = Request("GET", "/rates", {"currency": "USD"}, name="rates")
        found = await access.partner("bank").read(lambda: asked, lambda answer: answer.json())
        return [found for _ in roots]

    @strawberry.type
    class Query:
        price: float = batch(prices)

    stage = Stage(Query)
    prepared = stage.engine.prepare(stage.view, "{ price }", {}, None)
    caller = Caller("ALIBABA", "app", frozenset(), "analytics")
    bank = {"bank": Upstream("bank", {"url": "http://127.0.0.1:1"})}
    rehearsal = Rehearsal(prepared, Access(caller, None, None, bank), [])  # type: ignore[arg-type]
    await rehearsal.hold()
    [[call]] = [level.calls for level in rehearsal.levels]
    assert [(each.connector, each.name) for each in call.partner_calls] == [("bank", "rates")]
    assert (call.reached, call.complete, call.error) == (True, False, None)
