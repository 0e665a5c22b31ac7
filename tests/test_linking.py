"""Linking: who is one client, and what must never make two people one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.mailru.user_lists import LEAST
from gateway.access.agreements import consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.contacts import hashed_email, hashed_phone
from gateway.clients.linking import Evidence, LinkReport, grouped, link
from gateway.clients.orders import orders
from gateway.demo.consents import seed_consents
from gateway.demo.quality import quality
from gateway.demo.world import SHARES, World
from gateway.store.database import writer
from gateway.store.tables import instant, metadata

SECRET = b"a secret that only the test has."


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    (tmp_path / "gateway.db").touch()
    engine = writer(tmp_path / "gateway.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        yield connection
    await engine.dispose()


async def add(connection: AsyncConnection, account: str, **profile: Any) -> None:
    """An account `<party>:<id>` with its profile, as a sync leaves them."""
    party = account.partition(":")[0]
    await connection.execute(insert(accounts), {"id": account, "party": party})
    await connection.execute(insert(profiles), {"account_id": account, "party": party, **profile})


async def links(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(select(accounts.c.id, accounts.c.client_id))
    return {row.id: row.client_id for row in rows}


# Which accounts are one client


PERSON = {
    "name": "Юлия Щукина",
    "email": "J.Shchukina@Gmail.com",
    "phone": "8 (916) 123-45-67",
    "birth_year": 1980,
}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"email": "jshchukina@gmail.com"}, True, id="the e-mail alone"),
        pytest.param(
            {"email": "jshchukina@gmail.com", "name": "Yu. Sh.", "birth_year": 1980},
            True,
            id="e-mail, other name",
        ),
        pytest.param(
            {"email": "jshchukina@gmail.com", "name": "Yulia Shchukina", "birth_year": 1908},
            True,
            id="e-mail, other year",
        ),
        pytest.param(
            {"email": "jshchukina@gmail.com", "name": "Pyotr Shchukin", "birth_year": 1978},
            False,
            id="e-mail, but name and year of somebody else",
        ),
        pytest.param({"phone": "+7 916 123-45-67"}, False, id="the phone alone"),
        pytest.param({"phone": "+7 916 123-45-67", "email": "x@mail.ru"}, False, id="phone, other e-mail"),
        pytest.param({"phone": "+7 916 123-45-67", "name": "Pyotr Kim"}, False, id="phone, other name"),
        pytest.param({"phone": "+7 916 123-45-67", "birth_year": 1990}, False, id="phone, other year"),
        pytest.param({"phone": "+7 916 123-45-67", "name": "Iuliia Shchukina"}, True, id="phone and name"),
        pytest.param({"phone": "+7 916 123-45-67", "birth_year": 1980}, True, id="phone and year"),
        pytest.param(
            {"name": "Yulia Shchukina", "birth_year": 1980}, False, id="name and year without contact"
        ),
        pytest.param({}, False, id="nothing known"),
    ],
)
async def test_what_makes_two_accounts_one_client(
    connection: AsyncConnection, other: dict[str, Any], same: bool
) -> None:
    await add(connection, "ALIBABA:1", **PERSON)
    await add(connection, "MAILRU:2", **other)
    report = await link(connection, SECRET)
    found = await links(connection)
    assert (found["ALIBABA:1"] == found["MAILRU:2"]) is same
    assert (report.linked, report.founded) == (2, 1 if same else 2)


@pytest.mark.parametrize("contact", [{"email": hashed_email}, {"phone": hashed_phone}])
async def test_a_hashed_contact_meets_the_contact_it_is_made_of(
    connection: AsyncConnection, contact: dict[str, Callable[[str], str]]
) -> None:
    """A partner that hands over nothing but hashes has its accounts linked like any other."""
    [(kind, hashed)] = contact.items()
    await add(connection, "ALIBABA:1", **PERSON)
    spelt = {"email": "jshchukina@gmail.com", "phone": "+79161234567"}[kind]
    await add(connection, "BANK:1", **{kind: hashed(spelt)}, birth_year=1980)
    await add(connection, "BANK:2", **{kind: hashed(f"1{spelt}")}, birth_year=1980)
    await link(connection, SECRET)
    found = await links(connection)
    assert found["ALIBABA:1"] == found["BANK:1"] != found["BANK:2"]


async def test_a_token_that_one_party_has_twice_proves_nothing(connection: AsyncConnection) -> None:
    await add(connection, "ALIBABA:1", email="family@mail.ru")
    await add(connection, "ALIBABA:2", email="Family@mail.ru")
    await add(connection, "MAILRU:3", email="family@mail.ru")
    report = await link(connection, SECRET)
    assert len(set((await links(connection)).values())) == 3
    assert report.refused == 1


async def test_a_shared_phone_joins_whom_the_second_field_tells_apart(connection: AsyncConnection) -> None:
    phone = "+79161234567"
    await add(connection, "ALIBABA:1", phone=phone, birth_year=1950)
    await add(connection, "ALIBABA:2", phone=phone, birth_year=1980)
    await add(connection, "MAILRU:3", phone=phone, birth_year=1980)
    await link(connection, SECRET)
    found = await links(connection)
    assert found["MAILRU:3"] == found["ALIBABA:2"] != found["ALIBABA:1"]


async def test_an_email_outweighs_a_phone_and_no_client_has_two_accounts_of_a_party(
    connection: AsyncConnection,
) -> None:
    await add(connection, "ALIBABA:1", email="y@mail.ru", phone="+79161234567", birth_year=1980)
    await add(connection, "MAILRU:2", phone="+79161234567", birth_year=1980)
    await add(connection, "MAILRU:3", email="y@mail.ru")
    report = await link(connection, SECRET)
    found = await links(connection)
    assert found["ALIBABA:1"] == found["MAILRU:3"] != found["MAILRU:2"]
    assert report.refused == 1


async def test_accounts_of_three_parties_under_one_email_are_one_client(connection: AsyncConnection) -> None:
    for account in ("ALIBABA:1", "MAILRU:2", "MEGAFON:3"):
        await add(connection, account, email="y@mail.ru")
    await link(connection, SECRET)
    assert len(set((await links(connection)).values())) == 1


async def test_a_third_party_joins_through_either_of_the_others(connection: AsyncConnection) -> None:
    await add(connection, "ALIBABA:1", email="y@mail.ru", phone="+79161234567", birth_year=1980)
    await add(connection, "MAILRU:2", email="y@mail.ru")
    await add(connection, "MEGAFON:3", phone="+79161234567", birth_year=1980)
    await link(connection, SECRET)
    assert len(set((await links(connection)).values())) == 1


# Stability


async def test_an_account_that_appears_later_joins_the_client(connection: AsyncConnection) -> None:
    await add(connection, "MAILRU:2", **PERSON)
    await link(connection, SECRET)
    before = await links(connection)
    await add(connection, "ALIBABA:1", email="jshchukina@gmail.com")
    report = await link(connection, SECRET)
    after = await links(connection)
    assert after["ALIBABA:1"] == after["MAILRU:2"] == before["MAILRU:2"]
    assert (report.linked, report.founded) == (1, 0)


async def test_links_outlive_the_data_they_came_from(connection: AsyncConnection) -> None:
    await add(connection, "ALIBABA:1", **PERSON)
    await add(connection, "MAILRU:2", **PERSON)
    await link(connection, SECRET)
    before = await links(connection)
    await connection.execute(update(profiles).values(email=None, phone=None))
    await link(connection, SECRET)
    assert await links(connection) == before


async def test_clients_that_exist_are_never_joined(connection: AsyncConnection) -> None:
    await add(connection, "ALIBABA:1", phone="+79161234567")
    await add(connection, "MAILRU:2", phone="+79161234567")
    await link(connection, SECRET)
    before = await links(connection)
    await connection.execute(update(profiles).values(email="now@mail.ru"))
    report = await link(connection, SECRET)
    assert await links(connection) == before
    assert (report.linked, report.refused) == (0, 1)


async def test_a_client_id_depends_on_its_account_and_the_secret_alone(connection: AsyncConnection) -> None:
    await add(connection, "MAILRU:2", **PERSON)
    alone = await link_afresh(connection, SECRET)
    await add(connection, "ALIBABA:9", name="Иван Ли", email="li@mail.ru")
    among_others = await link_afresh(connection, SECRET)
    assert among_others["MAILRU:2"] == alone["MAILRU:2"]
    assert (await link_afresh(connection, b"another secret"))["MAILRU:2"] != alone["MAILRU:2"]
    assert all(0 <= client < 2**63 for client in among_others.values())


async def link_afresh(connection: AsyncConnection, secret: bytes) -> dict[str, int]:
    """The links as if there had been none before."""
    await connection.execute(update(accounts).values(client_id=None))
    await connection.execute(update(profiles).values(client_id=None))
    await connection.execute(clients.delete())
    await link(connection, secret)
    return await links(connection)


async def test_an_account_that_comes_back_never_shares_a_client_with_its_successor(
    connection: AsyncConnection,
) -> None:
    await add(connection, "ALIBABA:1", email="y@mail.ru")
    await add(connection, "MAILRU:2", email="y@mail.ru")
    await link(connection, SECRET)
    await connection.execute(accounts.delete().where(accounts.c.id == "ALIBABA:1"))
    await connection.execute(profiles.delete().where(profiles.c.account_id == "ALIBABA:1"))
    await add(connection, "ALIBABA:5", email="y@mail.ru")
    await link(connection, SECRET)
    await add(connection, "ALIBABA:1")
    await link(connection, SECRET)
    found = await links(connection)
    assert found["ALIBABA:5"] == found["MAILRU:2"] != found["ALIBABA:1"]


# The whole world


async def fill(connection: AsyncConnection, world: World, party: str, *, purchases: bool) -> None:
    members = {f"{party}:{member.account}": member for member in world.members(party)}
    await connection.execute(insert(accounts), [{"id": account, "party": party} for account in members])
    known = [
        {"account_id": account, "party": party}
        | {name: getattr(member, name) for name in ("name", "email", "phone", "birth_year")}
        for account, member in members.items()
    ]
    await connection.execute(insert(profiles), known)
    bought = world.purchases(party) if purchases else ()
    if orders_there := [order(f"Order:{p.number}", f"{party}:{p.account}", p.at) for p in bought]:
        await connection.execute(insert(orders), orders_there)


def order(number: str, account: str, at: datetime) -> dict[str, Any]:
    moments = {"placed_at": instant(at), "placed_at_raw": str(at), "modified_at": instant(at)}
    rest = {"status": "UNKNOWN", "status_raw": "?", "total_minor": 1, "currency": "USD"}
    return {"id": number, "party": account.partition(":")[0], "account_id": account} | moments | rest


async def dump(connection: AsyncConnection) -> list[Any]:
    return [
        (await connection.execute(select(t).order_by(*t.primary_key))).all() for t in metadata.sorted_tables
    ]


async def test_every_row_of_an_account_gets_its_client_and_a_second_run_changes_nothing(
    connection: AsyncConnection,
) -> None:
    world = World.complete_journey(households=60)
    await connection.execute(insert(orders), order("Order:0", "ALIBABA:unknown", world.last))
    for party in SHARES:
        await fill(connection, world, party, purchases=True)
    first = await link(connection, SECRET)
    found = await links(connection)
    for table in (orders, profiles):
        rows = (await connection.execute(select(table.c.account_id, table.c.client_id))).all()
        assert len(rows) >= len(found)
        assert {row.client_id == found.get(row.account_id) for row in rows} == {True}
    assert set(found.values()) == set((await connection.execute(select(clients.c.id))).scalars())
    before = await dump(connection)
    assert await link(connection, SECRET) == LinkReport(len(found), 0, 0, first.refused, 0)
    assert await dump(connection) == before


async def reachable(connection: AsyncConnection, region: str | None = None) -> int:
    """How many e-mail addresses AliExpress has of clients who consented to Mail.ru Group's offers."""
    given = consents.c.recipient == "MAILRU", consents.c.purpose == "targeted_offers"
    willing = select(consents.c.client_id).where(*given)
    mine = profiles.c.party == "ALIBABA", profiles.c.email.is_not(None), profiles.c.client_id.in_(willing)
    asked = select(profiles.c.email).join(accounts, accounts.c.id == profiles.c.account_id).where(*mine)
    if region is not None:
        asked = asked.where(accounts.c.region == region)
    return len({email.lower() for (email,) in await connection.execute(asked)})


async def test_links_of_the_whole_world_are_right_and_most_are_found(
    connection: AsyncConnection, record_property: Any
) -> None:
    """Of the linked pairs 99 in 100 are one person; of those known to both parties 85 in 100 are found."""
    world = World.complete_journey()
    for party in SHARES:
        await fill(connection, world, party, purchases=False)
        await link(connection, SECRET)
    found = await quality(connection, world.truth())
    record_property("precision", round(found.precision, 4))
    record_property("recall", round(found.recall, 4))
    assert found.true > 1_000
    assert found.precision >= 0.99
    assert found.recall >= 0.85
    await seed_consents(connection)
    # With room: an audience of so many is what the demo shows an activation with, and one of the capital is too small.
    everybody, moscow = await reachable(connection), await reachable(connection, "RU-MOW")
    assert moscow + 500 < LEAST < everybody - 50


_TOKEN = st.none() | st.sampled_from([b"a", b"b", b"c"])
_EVIDENCE = st.lists(
    st.builds(
        Evidence,
        account=st.integers(0, 99).map(str),
        party=st.sampled_from("ABC"),
        client=st.none(),
        email=_TOKEN,
        phone=_TOKEN,
        name=_TOKEN,
        birth_year=st.none() | st.sampled_from([1950, 1980]),
    ),
    max_size=8,
    unique_by=lambda one: one.account,
)


@settings(deadline=None)
@given(_EVIDENCE)
def test_groups_share_out_all_accounts_with_a_reason_for_every_link(evidence: list[Evidence]) -> None:
    groups, _ = grouped(evidence)
    assert sorted(one.account for group in groups for one in group) == sorted(one.account for one in evidence)
    for group in groups:
        assert len({one.party for one in group}) == len(group)
        for one in group:
            assert len(group) == 1 or any(_reason(one, other) for other in group if other is not one)


def _reason(one: Evidence, other: Evidence) -> bool:
    second = (one.name and one.name == other.name) or (one.birth_year and one.birth_year == other.birth_year)
    return bool(
        (one.email and one.email == other.email) or (one.phone and one.phone == other.phone and second)
    )


@settings(deadline=None)
@given(_EVIDENCE, st.data())
def test_what_was_linked_before_stays_together(evidence: list[Evidence], data: st.DataObject) -> None:
    groups, _ = grouped(evidence)
    linked = [one._replace(client=number) for number, group in enumerate(groups) for one in group]
    forgotten = [
        one._replace(email=data.draw(_TOKEN), phone=data.draw(_TOKEN), name=data.draw(_TOKEN))
        for one in linked
    ]
    again, _ = grouped(forgotten)
    assert sorted({one.client for one in group} for group in again) == [
        {number} for number in range(len(groups))
    ]
