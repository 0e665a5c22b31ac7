"""Every way to a field comes to the same: what is refused in one way is refused in all (GHSA-x33c-7c2v-mrj9)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import combinations

import pytest
import pytest_asyncio
from sqlalchemy import Table, func, select

from gateway.discovery import dataset_scopes, discover
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.store.tables import NOBODY, RowRule, metadata
from gateway.sync.runs import sync_cursors
from tests.conftest import ALL_SCOPES, Gateway, start
from tests.world import speaking_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID = "PandaoOrder:ADA"
ROUTES = {
    "the type by its id": f'{{ node(id: "{ID}") {{ ... on PandaoOrder {{ statusRaw }} }} }}',
    "the interface by its id": f'{{ node(id: "{ID}") {{ ... on Order {{ statusRaw }} }} }}',
    "interfaces within each other": f'{{ node(id: "{ID}") {{ ... on Node {{ ... on Order {{ statusRaw }} }} }} }}',
    "a fragment without a type": f'{{ node(id: "{ID}") {{ ... {{ ... on PandaoOrder {{ statusRaw }} }} }} }}',
    "a named fragment": f'{{ node(id: "{ID}") {{ ...f }} }} fragment f on PandaoOrder {{ statusRaw }}',
    "fragments of fragments": f'{{ node(id: "{ID}") {{ ...g }} }} fragment g on Order {{ ...f }} '
    "fragment f on PandaoOrder { statusRaw }",
    "an alias": f'{{ __typename: node(id: "{ID}") {{ ... on PandaoOrder {{ __proto__: statusRaw }} }} }}',
    "a client's orders": "{ clients { nodes { orders { nodes { ... on PandaoOrder { statusRaw } } } } } }",
    "their edges": "{ clients { edges { node { orders { edges { node { ...f } } } } } } } "
    "fragment f on Order { statusRaw }",
    "an account": "{ clients { nodes { mailru { orders { nodes { statusRaw } } } } } }",
    "a switch": f'query ($y: Boolean = true) {{ node(id: "{ID}") {{ ... on PandaoOrder @include(if: $y) '
    "{ statusRaw @skip(if: false) } } }",
}
STATUS = "SHIPPED"
"""What Mail.ru's orders say of where they are, and no other."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway whose rows say whose they are."""
    at = {"cursor": "{}", "records": 1, "pulled_at": "2017-01-01T00:00:00Z"}
    pulled = {sync_cursors: [{"connector": "alibaba", "dataset": "orders", **at}]}
    async for each in start(tmp_path_factory.mktemp("routes"), {**speaking_world(), **pulled}):
        yield each


@pytest.mark.parametrize("document", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("scopes", ["clients:read alibaba:read", "clients:read", ""])
async def test_without_the_scope_no_way_leads_there(gateway: Gateway, document: str, scopes: str) -> None:
    """Not a word of the order, and whoever asked for it by name is told what is lacking."""
    answer = await gateway.ask(document, "ALIBABA", scopes)
    assert STATUS not in json.dumps(answer)
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes <= {"UNAUTHORIZED_FIELD_OR_TYPE"}


@pytest.mark.parametrize("document", ROUTES.values(), ids=ROUTES)
async def test_with_the_scope_every_way_does(gateway: Gateway, document: str) -> None:
    """To the same, under whatever name; so the test above could fail."""
    answer = await gateway.ask(document, "ALIBABA")
    assert "errors" not in answer
    assert STATUS in json.dumps(answer["data"])


async def test_names_that_mean_something_to_a_script_are_names_like_others(gateway: Gateway) -> None:
    """As in CVE-2026-32621: an alias is a key of an object, and nothing else."""
    names = ("__proto__", "constructor", "prototype", "__class__", "toString", "hasOwnProperty")
    parts = " ".join(f"{name}: caller {{ {name}: party }}" for name in names)
    answer = await gateway.ask(f"{{ {parts} }}")
    assert answer["data"] == {name: {name: "ALIBABA"} for name in names}


# What is computed


def datasets(rule: RowRule) -> set[tuple[str | None, str]]:
    """The (owner, dataset) that a table's rows hang on, through the tables that they follow."""
    if rule.dataset is not None:
        return {(rule.owner, rule.dataset)}
    return datasets(metadata.tables[rule.parent].info["rows"]) if rule.parent else set()


DATA = [table for table in metadata.sorted_tables if table.info["rows"] != NOBODY]
SCOPES = sorted(declared_schema().scopes)
SUBSETS = [
    frozenset(each) for size in (0, 1, 2, len(SCOPES) - 1, len(SCOPES)) for each in combinations(SCOPES, size)
]
"""All would be twice as many with each scope more; what takes three scopes together shows where one is lacking."""


@pytest.mark.parametrize("table", DATA, ids=lambda table: table.name)
async def test_no_row_is_seen_without_the_scope_of_its_dataset(gateway: Gateway, table: Table) -> None:
    """So whatever is computed of a table needs what the table itself needs, whichever lock its field has.

    For each scope, each two, all but one, and all; every row that is seen is of a dataset whose scope is held
    (GHSA-m8jr-fxqx-8xx6).
    """
    needed = dataset_scopes(discover())
    [(owner, dataset)] = datasets(table.info["rows"])
    keys = {scope for (party, name), scope in needed.items() if name == dataset and owner in (None, party)}
    query = Query(select(func.count().label("rows")).select_from(table))
    seen = 0
    readers = Readers(gateway.settings.database, 1)
    await readers.open()
    try:
        for party in ("ALIBABA", "MAILRU", "RDIF"):
            for scopes in SUBSETS:
                caller = Caller(party, "app", scopes, "analytics", 2**40)
                [row] = await readers.fetch(caller, query)
                assert not row.rows or scopes & keys, (party, scopes)
                seen += row.rows
    finally:
        await readers.close()
    assert seen


SUM = """{ clients { nodes { id alibaba { lifetimeValue { minor } } mailru { lifetimeValue { minor } }
orders { totalCount } } } f: clients(filter: {placedAfter: "2000-01-01T00:00:00Z"}) { totalCount } }"""


@pytest.mark.parametrize(
    "scopes", ["clients:read alibaba:read", "clients:read mailru:read", ALL_SCOPES["ALIBABA"]]
)
async def test_what_is_summed_and_counted_is_what_is_seen(gateway: Gateway, scopes: str) -> None:
    """A client's value is that of the orders that the same token lists; nor does a filter tell of others."""
    answer = (await gateway.ask(SUM, "ALIBABA", scopes))["data"]
    document = "{ clients { nodes { id orders { nodes { party total { minor } } } } } }"
    found = (await gateway.ask(document, "ALIBABA", scopes))["data"]["clients"]["nodes"]
    listed = {client["id"]: client["orders"]["nodes"] for client in found}
    assert any(listed.values())
    for client in answer["clients"]["nodes"]:
        orders = listed[client["id"]]
        assert client["orders"]["totalCount"] == len(orders)
        for name, party in (("alibaba", "ALIBABA"), ("mailru", "MAILRU")):
            value = ((client[name] or {}).get("lifetimeValue") or {}).get("minor", 0)
            assert value == sum(each["total"]["minor"] for each in orders if each["party"] == party)
    assert answer["f"]["totalCount"] == sum(1 for orders in listed.values() if orders)


async def test_a_filter_by_orders_finds_nobody_for_who_may_read_none(gateway: Gateway) -> None:
    """Not even how many there are."""
    document = '{ clients(filter: {placedAfter: "2000-01-01T00:00:00Z"}) { totalCount } }'
    assert (await gateway.ask(document, "ALIBABA", "clients:read"))["data"] == {"clients": {"totalCount": 0}}
    assert (await gateway.ask(document, "ALIBABA"))["data"]["clients"]["totalCount"]
