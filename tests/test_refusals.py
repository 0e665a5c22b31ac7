"""What an application may not ask for: null with a reason, or a refusal of the whole; and nothing is fetched for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from starlette.routing import Route

from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Caller, issue
from tests.answers import data_of
from tests.conftest import Gateway, start
from tests.proofs import proof, thumbprint
from tests.world import speaking_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that leaves out what may not be asked for."""
    async for each in start(tmp_path_factory.mktemp("filter"), speaking_world()):
        yield each


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that refuses an operation in which anything may not be asked for."""
    async for each in start(tmp_path_factory.mktemp("reject"), speaking_world(), unauthorized="reject"):
        yield each


@asynccontextmanager
async def statements(gateway: Gateway) -> AsyncIterator[list[str]]:
    """Every statement that a caller's connection runs meanwhile, as SQLite itself tells them."""
    [route] = [each for each in gateway.app.routes if isinstance(each, Route) and each.path == "/graphql"]
    connections = route.endpoint.app._execution._readers._all
    found: list[str] = []
    for connection in connections:
        await connection.set_trace_callback(found.append)
    yield found
    for connection in connections:
        await connection.set_trace_callback(None)


class Refused(NamedTuple):
    """An operation of which a part is refused; `lack` says where, by which lock, and the scopes that open it."""

    words: str
    scopes: str
    document: str
    data: Any
    lack: dict[str, tuple[str, str]]


ONE = "clients:read alibaba:read"
"""Enough for clients and AliExpress's orders."""

TABLE = [
    Refused(
        "personal data need their own scope; the client stands",
        "clients:read",
        '{ clients(filter: {region: "DINA at ALIBABA"}) { nodes { region profile { name } } } }',
        {"clients": {"nodes": [{"region": "DINA at ALIBABA", "profile": None}]}},
        {"clients.nodes.@.profile": ("ClientProfile", "clients:pii")},
    ),
    Refused(
        "an account needs its partner's scope, and is named as it was asked for",
        "clients:read",
        '{ clients(filter: {region: "DINA at ALIBABA"}) { nodes { pandao: mailru { memberSince } region } } }',
        {"clients": {"nodes": [{"pandao": None, "region": "DINA at ALIBABA"}]}},
        {"clients.nodes.@.pandao": ("Client.mailru", "mailru:read")},
    ),
    Refused(
        "segments need a scope beyond the account's",
        "clients:read mailru:read",
        '{ clients(filter: {region: "CLARA at MAILRU"}) { nodes { mailru { segments { name } memberSince } } } }',
        {"clients": {"nodes": [{"mailru": {"segments": None, "memberSince": "2016-05-01T00:00:00Z"}}]}},
        {"clients.nodes.@.mailru.segments.@": ("MailruAccount.segments", "mailru:segments")},
    ),
    Refused(
        "of several ways in, one that lacks the fewest scopes is named",
        "clients:read",
        '{ clients(filter: {region: "DINA at ALIBABA"}) { totalCount nodes { orders { totalCount } } } }',
        None,
        {"clients.nodes.@.orders": ("OrderConnection", "alibaba:read")},
    ),
    Refused(
        "a list that may not be null takes the answer with it, as GraphQL has it",
        "fund:reports",
        '{ fundReport(quarter: "2017Q1") { version } clients { totalCount } }',
        None,
        {"clients": ("Query.clients", "clients:read")},
    ),
    Refused(
        "the rest of the answer stands",
        "clients:read",
        '{ fundReport(quarter: "2017Q1") { version } caller { party } clients { totalCount } }',
        {"fundReport": None, "caller": {"party": "ALIBABA"}, "clients": {"totalCount": 5}},
        {"fundReport": ("Query.fundReport", "fund:reports")},
    ),
    Refused(
        "one client needs the same scope as all",
        "alibaba:read",
        '{ client(id: "x") { region orders { totalCount } } caller { party } }',
        {"client": None, "caller": {"party": "ALIBABA"}},
        {"client": ("Client", "clients:read")},
    ),
    Refused(
        "a partner's order is not to be had through the interface of all orders",
        ONE,
        '{ node(id: "PandaoOrder:ADA") { id ... on Order { placedAt } ... on PandaoOrder { transactionId } } }',
        {"node": None},
        {"node": ("PandaoOrder", "mailru:read")},
    ),
    Refused(
        "nor through a fragment in a list, of which the others stand",
        ONE,
        '{ clients(filter: {region: "ADA at ALIBABA"}) { nodes { orders { nodes { id ...P } } } } }'
        " fragment P on Order { ... on PandaoOrder { transactionId } }",
        {"clients": {"nodes": [{"orders": {"nodes": [{"id": "AlibabaOrder:ADA"}]}}]}},
        {"clients.nodes.@.orders.nodes.@": ("PandaoOrder", "mailru:read")},
    ),
    Refused(
        "each thing refused is told, at each place where it was asked for",
        "clients:read",
        '{ clients(filter: {region: "DINA at ALIBABA"}) '
        "{ nodes { a: profile { name } b: profile { name } mailru { segments { name } } } } }",
        {"clients": {"nodes": [{"a": None, "b": None, "mailru": None}]}},
        {
            "clients.nodes.@.a": ("ClientProfile", "clients:pii"),
            "clients.nodes.@.b": ("ClientProfile", "clients:pii"),
            "clients.nodes.@.mailru": ("Client.mailru", "mailru:read"),
        },
    ),
    Refused(
        "what is left out of the operation is not refused",
        "clients:read",
        '{ client(id: "x") { region profile @skip(if: true) { name } alibaba @include(if: false) { memberSince } } }',
        {"client": None},
        {},
    ),
]

RULES = {
    "OrderConnection": '[["alibaba:read"], ["mailru:read"]]',
    "Client.mailru": '[["clients:read", "mailru:read"]]',
    "MailruAccount.segments": '[["mailru:read", "mailru:segments"]]',
}
"""The locks of more than one scope."""


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.words)
async def test_what_may_not_be_asked_for_is_null_and_the_error_says_what_is_lacking(
    gateway: Gateway, line: Refused
) -> None:
    """Code, path, rule and the smallest set of scopes that would do; no other error."""
    answer = await gateway.ask(line.document, "ALIBABA", line.scopes)
    assert answer["data"] == line.data
    told = {".".join(map(str, error["path"])): error for error in answer.get("errors", [])}
    assert told.keys() == line.lack.keys()
    for path, (coordinate, scope) in line.lack.items():
        rule = RULES.get(coordinate, f'[["{scope}"]]')
        assert told[path]["extensions"] == {
            "code": "UNAUTHORIZED_FIELD_OR_TYPE",
            "coordinate": coordinate,
            "rule": f"@requiresScopes(scopes: {rule})",
            "missingScopes": [scope],
        }
        assert coordinate in told[path]["message"]
        assert scope in told[path]["message"]


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.words)
async def test_where_the_operator_wants_it_the_whole_operation_is_refused(
    strict: Gateway, line: Refused
) -> None:
    """403 with the scopes that the token lacks (RFC 6750, 3.1), and not a statement is run for what was allowed."""
    token = strict.token("ALIBABA", line.scopes)
    async with statements(strict) as run:
        answer = await strict.post({"query": line.document}, token)
    if not line.lack:
        assert (answer.status_code, data_of(answer.json())) == (200, line.data)
        return
    lacking = " ".join(sorted({scope for _, scope in line.lack.values()}))
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{lacking}"'
    assert answer.json().keys() == {"errors"}
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHORIZED_OPERATION"}
    assert run == []


async def test_the_challenge_is_in_the_way_that_the_token_came(strict: Gateway) -> None:
    """To a token that is bound to a key, of DPoP, with what a proof may be signed by (RFC 9449, 7.1)."""
    now, used = int(time.time()), strict.settings
    caller = Caller("ALIBABA", "shop", frozenset(), "analytics", now + 60, key=thumbprint())
    token = issue(caller, signing_keys(used.state), used.issuer, used.audience, now)
    body = {"query": "{ clients { totalCount } }"}
    answer = await strict.post(body, authorization=f"DPoP {token}", dpop=proof(used.audience, token))
    assert answer.status_code == 403
    expected = 'DPoP error="insufficient_scope", scope="clients:read", algs="ES256 PS256 Ed25519 EdDSA"'
    assert answer.headers["www-authenticate"] == expected


NOTHING_ALLOWED = [
    "{ clients { totalCount nodes { id profile { name } } } }",
    '{ client(id: "x") { id region } }',
    '{ fundReport(quarter: "2017Q1") { version positions { shareholder } } }',
    "{ __schema { types { name } } caller { party scopes } }",
]


@pytest.mark.parametrize("document", NOTHING_ALLOWED)
async def test_for_what_is_refused_the_database_is_not_asked(gateway: Gateway, document: str) -> None:
    """Not a single statement, not even to say who is asking."""
    async with statements(gateway) as run:
        await gateway.ask(document, "ALIBABA", "mailru:segments")
    assert run == []


async def test_for_a_field_that_is_refused_no_table_is_read(gateway: Gateway) -> None:
    """Clients are fetched, and profiles, orders and segments, which were asked for too, are not."""
    document = """{ clients { nodes { region profile { name } orders { totalCount nodes { lines { name } } }
        alibaba { lifetimeValue { minor } } mailru { segments { name } } } } }"""
    async with statements(gateway) as run:
        await gateway.ask(document, "ALIBABA", "clients:read")
    assert [each for each in run if "FROM clients" in each]
    assert not [
        each for each in run for table in ("profiles", "orders", "order_lines", "segment") if table in each
    ]
    async with statements(gateway) as run:
        await gateway.ask(document, "ALIBABA")
    # The same search finds them where they may be asked for, so that it would find them above.
    for table in ("profiles", "orders", "order_lines", "mailru_segments"):
        assert [each for each in run if table in each]


async def test_a_token_without_any_scope_learns_who_it_is_and_nothing_else(gateway: Gateway) -> None:
    """`caller` is for everybody; a node, of whatever id, is not there."""
    document = (
        '{ caller { party purpose scopes application } node(id: "AlibabaOrder:ADA") { id __typename } }'
    )
    who = {"party": "ALIBABA", "purpose": "analytics", "scopes": [], "application": "alibaba-app"}
    assert data_of(await gateway.ask(document, "ALIBABA", "")) == {"caller": who, "node": None}


async def test_a_scope_that_nobody_declared_opens_nothing(gateway: Gateway) -> None:
    """Nor does a scope that only resembles one."""
    answer = await gateway.ask(
        "{ clients { totalCount } }", "ALIBABA", "clients Clients:Read clients:* admin"
    )
    assert answer["errors"][0]["extensions"]["missingScopes"] == ["clients:read"]


async def test_a_refusal_does_not_stay_with_the_operation(gateway: Gateway) -> None:
    """The plan of one application is not another's: the same text by turns, allowed and refused."""
    document = '{ clients(filter: {region: "DINA at ALIBABA"}) { nodes { profile { name } } } }'
    for _ in range(3):
        assert "errors" in await gateway.ask(document, "ALIBABA", "clients:read")
        allowed = await gateway.ask(document, "ALIBABA", "clients:read clients:pii")
        assert data_of(allowed) == {"clients": {"nodes": [{"profile": {"name": "Dina at Alibaba"}}]}}
        foreign = await gateway.ask(document, "MAILRU", "clients:read clients:pii")
        assert data_of(foreign) == {"clients": {"nodes": []}}
