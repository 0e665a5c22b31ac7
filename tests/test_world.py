"""The demo's world: real purchases, made-up people, the same every time."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pytest
from pyarrow import parquet
from sqlalchemy import insert, select, update

from gateway.access.agreements import CONTRACT, consents
from gateway.clients.client import clients
from gateway.demo import purchases
from gateway.demo.consents import seed_consents
from gateway.demo.members import Member, members
from gateway.demo.people import people
from gateway.demo.world import SHARES, World
from gateway.store.database import writer
from gateway.store.tables import metadata

NUMBERS = range(1, 2_001)


@pytest.fixture(scope="module")
def world() -> World:
    return World.complete_journey(households=60)


@pytest.fixture(scope="module")
def copies() -> dict[str, list[Member]]:
    """2,000 people as each party writes them down."""
    everyone = people(NUMBERS)
    start = datetime(2017, 6, 1, tzinfo=UTC)
    known = [(person, start) for person in everyone.values()]
    return {party: members(party, style, known, list(everyone.values())) for party, style in SHARES.items()}


def test_the_world_is_the_same_every_time(world: World) -> None:
    again = World.complete_journey(households=60)
    for party in SHARES:
        assert again.members(party) == world.members(party)
        assert list(again.purchases(party)) == list(world.purchases(party))
    assert again.truth() == world.truth()


def test_a_smaller_world_is_part_of_a_larger_one(world: World) -> None:
    smaller = World.complete_journey(households=20)
    assert len(set(smaller.truth().values())) == 20
    for party in SHARES:
        assert {m.account for m in smaller.members(party)} < {m.account for m in world.members(party)}


def test_sales_are_split_three_to_one_by_whole_stores() -> None:
    _, measured = purchases.read_goods()
    lines = purchases.read_lines(measured)
    sides = purchases.split(lines.select(["store", "cents", "basket"]), {"ALIBABA": 75, "MAILRU": 25})
    sales = {party: pc.sum(side["cents"]).as_py() for party, side in sides.items()}
    assert sum(sales.values()) == pc.sum(lines["cents"]).as_py()
    assert sales["ALIBABA"] / sum(sales.values()) == pytest.approx(0.75, abs=0.002)
    baskets = {party: set(pc.unique(side["basket"]).to_pylist()) for party, side in sides.items()}
    assert not baskets["ALIBABA"] & baskets["MAILRU"]


def test_every_line_with_a_price_is_there_to_the_cent(world: World) -> None:
    columns = ["household_id", "basket_id", "product_id", "sales_value"]
    raw = parquet.read_table(purchases.data_folder() / "transactions.parquet", columns=columns)
    households = set(world.truth().values())
    rows = zip(*(raw[name].to_pylist() for name in columns), strict=True)
    real = {
        (basket, product): int(Decimal(str(price)) * 100)
        for household, basket, product, price in rows
        if household in households and price > 0
    }
    ours = {
        (p.number, n.product): n.cents for party in SHARES for p in world.purchases(party) for n in p.lines
    }
    assert ours == real


def test_purchases_come_oldest_first_and_belong_to_members(world: World) -> None:
    seen: set[int] = set()
    newest = []
    for party in SHARES:
        since = {member.account: member.since for member in world.members(party)}
        found = list(world.purchases(party))
        assert len(found) == world.count(party)
        assert [p.at for p in found] == sorted(p.at for p in found)
        assert all(p.at > since[p.account] and p.at.utcoffset() == timedelta(0) for p in found)
        assert {p.account for p in found} == since.keys()
        assert not seen & {p.number for p in found}
        seen |= {p.number for p in found}
        newest.append(found[-1].at)
    assert max(newest) == world.last
    assert max(seen) < 2**40


def test_lines_are_named_positive_and_of_a_size_that_is_bought(world: World) -> None:
    for party in SHARES:
        for line in (line for purchase in world.purchases(party) for line in purchase.lines):
            assert line.name
            assert line.category
            assert line.cents > 0
            assert 1 <= line.quantity <= 1_000
            assert line.product < 10**8


def test_progress_is_told_up_to_the_last_purchase() -> None:
    told: list[tuple[int, int]] = []
    world = World.complete_journey(households=60, on_progress=lambda done, total: told.append((done, total)))
    count = sum(1 for _ in world.purchases("ALIBABA"))
    assert told[-1] == (count, world.count("ALIBABA"))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_truth_names_a_person_behind_every_account(world: World) -> None:
    truth = world.truth()
    for party in SHARES:
        people_there = [truth[f"{party}:{member.account}"] for member in world.members(party)]
        assert len(set(people_there)) == len(people_there)
    assert sum(count == 2 for count in Counter(truth.values()).values()) > 20


def test_accounts_say_nothing_across_parties(copies: dict[str, list[Member]]) -> None:
    accounts = {party: {member.account for member in found} for party, found in copies.items()}
    assert all(len(found) == len(NUMBERS) for found in accounts.values())
    assert not set.intersection(*accounts.values())
    assert all(re.fullmatch(r"[1-9]\d{9}", account) for found in accounts.values() for account in found)


def test_parties_write_in_their_own_style(copies: dict[str, list[Member]]) -> None:
    for member in copies["ALIBABA"]:
        assert re.fullmatch(r"[A-Za-z -]+", member.name)
        assert member.email is None or member.email == member.email.lower()
        assert member.phone is None or re.fullmatch(r"\+7 9\d\d \d{3}-\d\d-\d\d", member.phone)
    for member in copies["MAILRU"]:
        assert re.fullmatch(r"[А-Яа-яЁё -]+", member.name)
        assert member.email is None or member.email != member.email.lower()
        assert member.phone is None or re.fullmatch(r"8 \(9\d\d\) \d{3}-\d\d-\d\d", member.phone)


def test_aliexpress_has_nearly_everybodys_e_mail_address(copies: dict[str, list[Member]]) -> None:
    """And so the more of the phone numbers are missing there."""
    found = copies["ALIBABA"]
    assert 0.005 <= sum(member.email is None for member in found) / len(found) <= 0.03
    assert 0.25 <= sum(member.phone is None for member in found) / len(found) <= 0.32


def test_fields_are_missing_as_often_as_in_real_life(copies: dict[str, list[Member]]) -> None:
    for found in copies.values():
        lacking = sum(member.phone is None or member.email is None for member in found) / len(found)
        assert 0.25 <= lacking <= 0.35
        assert all(member.phone or member.email for member in found)
        assert 0.05 <= sum(member.region is None for member in found) / len(found) <= 0.12
        assert 0.15 <= sum(member.birth_year is None for member in found) / len(found) <= 0.25


def test_people_live_where_people_live() -> None:
    homes = Counter(person.region for person in people(NUMBERS).values())
    assert homes.most_common(1)[0][0] == "RU-MOW"
    assert len(homes) > 60


async def test_consents_are_given_by_about_their_share_and_stand(tmp_path: Path) -> None:
    (tmp_path / "consents.db").touch()
    engine = writer(tmp_path / "consents.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(clients), [{"id": number} for number in range(1_000)])
        new = await seed_consents(connection)
        rows = (await connection.execute(select(consents))).all()
        assert new == len(rows)
        asked = {(a.recipient, purpose) for a in CONTRACT.agreements for purpose in a.purposes}
        given = Counter((row.recipient, row.purpose) for row in rows)
        assert given.keys() == asked
        offers = {asked: given.pop(asked) for asked in list(given) if asked[1] == "targeted_offers"}
        assert all(540 <= count <= 660 for count in given.values())
        assert all(890 <= count <= 950 for count in offers.values())
        assert {row.valid_from for row in rows} == {"2017-01-01T00:00:00Z"}
        await connection.execute(update(consents).values(valid_until="2018-01-01T00:00:00Z"))
        assert await seed_consents(connection) == 0
        assert None not in (await connection.execute(select(consents.c.valid_until))).scalars().all()
    await engine.dispose()
