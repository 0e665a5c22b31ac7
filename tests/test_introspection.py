"""The schema is shown to a caller as far as it may use it, and no message shows more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from graphql import build_client_schema, get_introspection_query

from tests.answers import data_of
from tests.conftest import Gateway, start
from tests.world import small_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway; introspection needs no rows."""
    async for each in start(tmp_path_factory.mktemp("introspection"), small_world()):
        yield each


TYPES = """{ __schema { types { name fields { name type { name ofType { name ofType { name } } } }
    interfaces { name } possibleTypes { name } inputFields { name } } directives { name } } }"""


async def shown(gateway: Gateway, party: str, scopes: str | None = None) -> dict[str, list[str]]:
    """Each type that a caller is shown, with its fields."""
    answer = await gateway.ask(TYPES, party, scopes)
    kinds = answer["data"]["__schema"]["types"]
    return {kind["name"]: [field["name"] for field in kind["fields"] or []] for kind in kinds}


async def test_the_fund_finds_no_client_and_no_order(gateway: Gateway) -> None:
    """Not their types, not their fields, not their filters, not a word of them anywhere."""
    found = await shown(gateway, "RDIF")
    assert found["Query"] == ["caller", "explainAccess", "fundReport", "node"]
    assert "FundReport" in found
    everything = str(await gateway.ask(get_introspection_query(descriptions=False), "RDIF"))
    for word in ("Client", "Order", "Alibaba", "Mailru", "Pandao", "Segment", "profile", "region"):
        assert word not in everything


async def test_a_party_finds_what_its_scopes_open(gateway: Gateway) -> None:
    """Field by field: with clients:read alone neither accounts nor orders nor personal data."""
    found = await shown(gateway, "ALIBABA", "clients:read")
    assert found["Client"] == ["id", "region"]
    assert not {"Order", "OrderConnection", "ClientProfile", "FundReport"} & found.keys()
    found = await shown(gateway, "ALIBABA", "clients:read mailru:read")
    assert found["Client"] == ["id", "mailru", "orders", "region"]
    assert found["MailruAccount"] == ["lifetimeValue", "memberSince", "orders"]
    assert "PandaoOrder" in found
    assert "AlibabaOrder" not in found


@pytest.mark.parametrize(
    "name", ["Client", "AlibabaOrder", "Order", "ClientFilter", "OrderStatus", "Nothing"]
)
async def test_a_type_that_may_not_be_used_is_as_one_that_is_not_there(gateway: Gateway, name: str) -> None:
    """`__type` answers null for both."""
    document = "query($name: String!) { __type(name: $name) { name fields { name } } }"
    answer = await gateway.ask(document, "RDIF", variables={"name": name})
    assert data_of(answer) == {"__type": None}


async def test_the_possible_types_of_an_interface_are_those_the_caller_may_use(gateway: Gateway) -> None:
    """`Order` of somebody who reads AliExpress alone is AliExpress's order."""
    document = '{ __type(name: "Order") { possibleTypes { name } interfaces { name } } }'
    answer = await gateway.ask(document, "ALIBABA", "clients:read alibaba:read")
    assert answer["data"]["__type"] == {
        "possibleTypes": [{"name": "AlibabaOrder"}],
        "interfaces": [{"name": "Node"}],
    }


@pytest.mark.parametrize(
    "scopes", ["", "clients:read", "fund:reports", "mailru:read", "alibaba:read clients:pii", None]
)
async def test_the_schema_that_is_shown_is_whole(gateway: Gateway, scopes: str | None) -> None:
    """A client library can build it: every type that a field names is there."""
    answer = await gateway.ask(get_introspection_query(input_value_deprecation=True), "ALIBABA", scopes)
    assert build_client_schema(answer["data"]).query_type


MISSPELT: list[tuple[str, dict[str, Any]]] = [
    ("{ cliens { totalCount } }", {}),
    ("{ clients { nodes { reigon } } }", {}),
    ("{ clients { nodes { profle { name } } } }", {}),
    ("{ clients(firs: 1) { totalCount } }", {}),
    ("{ clients(filter: {regoin: 1}) { totalCount } }", {}),
    ("{ clients(filter: {party: ALIBABBA}) { totalCount } }", {}),
    ('{ node(id: "x") { ... on Cliant { region } } }', {}),
    ('{ node(id: "x") { region placedAt } }', {}),
    ("query($f: ClientFilters) { clients(filter: $f) { totalCount } }", {}),
    ("query($f: ClientFilter) { clients(filter: $f) { totalCount } }", {"f": {"regoin": "x"}}),
    ("query($f: ClientFilter) { clients(filter: $f) { totalCount } }", {"f": {"party": "ALIBABBA"}}),
    ("{ caller @inclde(if: true) { party } }", {}),
    ("{ ...Frgment } fragment Fragment on Query { caller { party } }", {}),
]


@pytest.mark.parametrize(("document", "variables"), MISSPELT, ids=[document for document, _ in MISSPELT])
@pytest.mark.parametrize("party", ["ALIBABA", "RDIF"])
async def test_a_misspelt_name_is_answered_without_a_guess_at_the_right_one(
    gateway: Gateway, party: str, document: str, variables: dict[str, Any]
) -> None:
    """So that nobody learns names by near misses (OWASP GraphQL cheat sheet)."""
    response = await gateway.post({"query": document, "variables": variables}, gateway.token(party))
    errors = response.json()["errors"]
    assert response.status_code == 200
    assert "data" not in response.json()
    for error in errors:
        assert "Did you mean" not in error["message"]
        assert error["extensions"]["code"] in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")
        said = set(error["message"].replace('"', " ").replace("'", " ").replace(".", " ").split())
        asked = f"{document} {variables}"
        assert not {word for word in said & NAMES if word not in asked}


NAMES = {"region", "profile", "clients", "placedAfter", "AlibabaOrder", "PandaoOrder", "ALIBABA", "Fragment"}
"""What was meant, or stands beside it."""
