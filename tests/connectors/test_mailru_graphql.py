"""A client's account at Mail.ru Group in the graph: its own party sees it whole, another only what was agreed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.mailru import connector
from connectors.mailru.sandbox import sandbox
from connectors.mailru.segments import mailru_segment_members, mailru_segments
from gateway.access.agreements import CONTRACT, consents, rights, write_rights
from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.clients.accounts import accounts
from gateway.clients.client import clients
from gateway.connector import Upstream
from gateway.discovery import dataset_scopes, discover
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.run import Result
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.store.database import writer
from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.sync.pull import pull
from tests.connectors.test_mailru_world import KEYS, SmallWorld, folder, look, new_database, partner

__all__ = ["folder"]

SCHEMA = declared_schema()
SCOPES = frozenset({"clients:read", "mailru:read", "mailru:segments"})
MAILRU = Caller("MAILRU", "app", SCOPES, "analytics")
ALIBABA = Caller("ALIBABA", "app", SCOPES, "analytics")

ALL = """{ clients(first: 100) { nodes { mailru {
    memberSince lifetimeValue { minor currency } segments { id name }
    orders(first: 3) { totalCount nodes { id statusRaw lines { quantity } ... on PandaoOrder { transactionId } } }
} } } }"""


PULLED: list[bytes] = []


@pytest.fixture
async def readers(folder: Path) -> AsyncIterator[Readers]:
    """All of Pandao and myTarget pulled in, each account a client; every second client consents to ALIBABA."""
    path = new_database(folder)
    if not PULLED:
        await fill(path, folder)
        PULLED.append(path.read_bytes())
    path.write_bytes(PULLED[0])
    found = Readers(path, 2)
    await found.open()
    yield found
    await found.close()


async def fill(path: Path, folder: Path) -> None:
    engine = writer(path)
    async with partner(sandbox(folder, {**KEYS, "rps": "1000"})) as upstream:
        for dataset in connector.datasets:
            assert (await pull(engine, upstream, "mailru", dataset)).unreadable == 0
    async with engine.begin() as connection:
        await write_rights(connection, rights(CONTRACT, dataset_scopes(discover())))
        await make_clients(connection)
    await engine.dispose()


async def make_clients(connection: AsyncConnection) -> None:
    """Client n has the n-th account."""
    for number, account in enumerate(await connection.scalars(select(accounts.c.id).order_by(accounts.c.id))):
        await connection.execute(insert(clients), {"id": number})
        await connection.execute(
            text("UPDATE accounts SET client_id = :n WHERE id = :a"), {"n": number, "a": account}
        )
        if number % 2:
            row = {"client_id": number, "recipient": "ALIBABA", "purpose": "analytics"}
            await connection.execute(insert(consents), {**row, "valid_from": "2017-01-01T00:00:00Z"})
    for name in ("orders", "mailru_segment_members"):
        of_account = f"SELECT client_id FROM accounts WHERE accounts.id = {name}.account_id"
        await connection.execute(text(f"UPDATE {name} SET client_id = ({of_account})"))


class Partners:
    """The one partner there is, or none."""

    def __init__(self, upstream: Upstream | None) -> None:
        self._upstream = upstream

    def get(self, name: str) -> Upstream | None:
        """See `gateway.access.request.Partners`."""
        return self._upstream if name == "mailru" else None


async def answer(
    readers: Readers, caller: Caller, operation: str, upstream: Upstream | None = None
) -> Result:
    engine = Engine(SCHEMA.graphql, Limits(4000, 15))
    prepared = engine.prepare(SCHEMA.view(caller.scopes), operation, {}, None)
    secret = Pseudonyms(b"a secret that only the test has.")
    return await prepared.run(
        lambda asked: Access(caller, readers, secret, Partners(upstream), asked=asked), 10
    )


async def found_by(readers: Readers, caller: Caller) -> list[Any]:
    result = await answer(readers, caller, ALL)
    assert result.errors == []
    assert result.data is not None
    return [node["mailru"] for node in result.data["clients"]["nodes"]]


async def test_its_own_party_sees_every_account_with_its_figures(readers: Readers, folder: Path) -> None:
    found = await found_by(readers, MAILRU)
    # In the books a member's registration tells it from all others.
    members = {m.since.strftime("%Y-%m-%dT%H:%M:%SZ"): m.account for m in SmallWorld().members("MAILRU")}
    assert {account["memberSince"] for account in found} == members.keys()
    for account in found:
        user = members[account["memberSince"]]
        [(count, paid)] = look(
            folder,
            "SELECT count(*), sum(total) FILTER (WHERE state <> 'REFUNDED') FROM orders WHERE user_id = ?",
            user,
        )
        value = {"minor": paid, "currency": "RUB"} if paid else None
        assert (account["orders"]["totalCount"], account["lifetimeValue"]) == (count, value)
        names = "SELECT name FROM segments JOIN members ON id = segment_id WHERE user_id = ? ORDER BY name"
        assert [segment["name"] for segment in account["segments"]] == [
            name for (name,) in look(folder, names, user)
        ]


async def test_an_order_is_pandaos_own_and_says_its_checkout(readers: Readers, folder: Path) -> None:
    checkouts = dict(look(folder, "SELECT order_id, transaction_id FROM orders"))
    orders = [order for account in await found_by(readers, MAILRU) for order in account["orders"]["nodes"]]
    assert len(orders) > 20
    for order in orders:
        kind, _, identity = order["id"].partition(":")
        assert kind == "PandaoOrder"
        assert order["transactionId"] == checkouts[identity]
        assert len(order["lines"]) == 1


async def test_another_party_sees_the_accounts_of_those_who_consented(readers: Readers) -> None:
    own, others = await found_by(readers, MAILRU), await found_by(readers, ALIBABA)
    assert len(others) == len(own) // 2 == 30
    assert all(account in own for account in others)
    assert any(account["segments"] for account in others)


async def test_for_a_purpose_that_nobody_agreed_to_there_is_nothing(readers: Readers) -> None:
    assert await found_by(readers, Caller("ALIBABA", "app", SCOPES, "reporting")) == []


async def test_without_the_segments_scope_they_are_null_and_the_rest_stands(readers: Readers) -> None:
    caller = Caller("MAILRU", "app", SCOPES - {"mailru:segments"}, "analytics")
    result = await answer(readers, caller, ALL)
    assert result.data is not None
    found = [node["mailru"] for node in result.data["clients"]["nodes"]]
    assert len(found) == 60
    assert all(account["segments"] is None and account["memberSince"] for account in found)
    [error] = {(error.extensions or {})["code"] for error in result.errors}
    assert error == "UNAUTHORIZED_FIELD_OR_TYPE"


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        (MAILRU, 60),
        (ALIBABA, 30),
        (Caller("ALIBABA", "app", SCOPES, "demand_forecast"), 0),
        (Caller("MAILRU", "app", SCOPES - {"mailru:segments"}, "analytics"), 0),
        (Caller("RDIF", "app", SCOPES, "analytics"), 0),
    ],
)
async def test_the_database_itself_holds_memberships_back(
    readers: Readers, folder: Path, caller: Caller, number: int
) -> None:
    members = mailru_segment_members
    everyone = {f"MAILRU:{user}" for (user,) in look(folder, "SELECT user_id FROM members")}
    chosen = sorted(f"MAILRU:{member.account}" for member in SmallWorld().members("MAILRU"))
    seen = set(chosen if number == 60 else chosen[1::2] if number else [])
    found = await readers.fetch(caller, Query(select(members.c.segment_id, members.c.account_id)))
    assert {row.account_id for row in found} == everyone & seen
    named = await readers.fetch(caller, Query(select(mailru_segments.c.id)))
    assert {row.id for row in named} == {row.segment_id for row in found}


async def test_the_fund_reaches_none_of_it(readers: Readers) -> None:
    assert await found_by(readers, Caller("RDIF", "app", SCOPES, "reporting")) == []
