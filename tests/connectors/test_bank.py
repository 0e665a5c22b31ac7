"""The fourth partner: a bank behind OAuth, whose customers are known by hashes; and whose sums are seen by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select
from starlette.applications import Starlette

from connectors.bank import connector
from connectors.bank.customers import customers, read_customer
from connectors.bank.payments import bank_payments, payments, read_payment
from connectors.bank.sandbox import Bank
from connectors.bank.sandbox import sandbox as stand_in
from gateway.access.agreements import consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.linking import link
from gateway.connector import Kind, PartnerError, Unreadable, Upstream, instant
from gateway.store.database import writer
from gateway.sync.pull import pull
from tests.conftest import Gateway, start
from tests.partners import batches_of, served, small_purchases
from tests.world import consent

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"client_id": "venture", "client_secret": "an open secret"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("bank")
    assert connector.furnish is not None
    connector.furnish(small_purchases(), found)
    return found


def bank_of(app: Starlette) -> Bank:
    """The bank behind a sandbox."""
    return app.routes[0].endpoint.__self__  # type: ignore[attr-defined,no-any-return]


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(folder: Path) -> AsyncIterator[tuple[Bank, Upstream]]:
    app = stand_in(folder, KEYS)
    async with served(app) as url, Upstream("bank", {**KEYS, "url": url}) as upstream:
        yield bank_of(app), upstream


async def test_a_token_serves_until_the_bank_takes_it_no_more(sandbox: tuple[Bank, Upstream]) -> None:
    bank, upstream = sandbox
    whole = await batches_of(payments, upstream)
    assert len(whole) > 1
    assert len(bank.tokens) == 1
    bank.tokens.clear()
    assert await batches_of(payments, upstream) == whole
    assert len(bank.tokens) == 1


async def test_a_cursor_that_the_bank_forgot_costs_a_second_reading_and_nothing_else(
    sandbox: tuple[Bank, Upstream],
) -> None:
    whole = await batches_of(payments, sandbox[1])
    forgotten = {**whole[0].cursor, "page": "what was that"}
    assert await batches_of(payments, sandbox[1], forgotten) == whole


async def test_a_pull_goes_back_an_hour_behind_the_newest(sandbox: tuple[Bank, Upstream]) -> None:
    whole = await batches_of(payments, sandbox[1])
    newest = max(record["updated_at"] for batch in whole for record in batch.records)
    again = await batches_of(payments, sandbox[1], whole[-1].cursor)
    found = [record["updated_at"] for batch in again for record in batch.records]
    assert newest in found
    assert len(found) < sum(len(batch.records) for batch in whole) / 10


async def test_a_change_from_the_future_hides_none_from_the_present(
    sandbox: tuple[Bank, Upstream],
) -> None:
    began = instant(datetime.now(UTC) - timedelta(hours=1))
    cursor = {"since": "", "newest": "2100-01-01T00:00:00Z"}
    last = (await batches_of(payments, sandbox[1], cursor))[-1]
    assert began <= last.cursor["since"] <= instant(datetime.now(UTC))


async def test_wrong_credentials_are_told_once(folder: Path) -> None:
    app = stand_in(folder, KEYS)
    async with served(app) as url, Upstream("bank", {**KEYS, "client_secret": "no", "url": url}) as upstream:
        with pytest.raises(PartnerError) as caught:
            await batches_of(payments, upstream)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "invalid_client")


PAYMENT = {
    "id": "1",
    "customer": "7",
    "amount": {"value": "12.50", "currency": "RUB"},
    "status": "settled",
    "settled_at": "2017-03-01T12:00:00+03:00",
}


async def test_a_status_that_nobody_knows_keeps_its_word() -> None:
    [row] = read_payment({**PAYMENT, "status": "frozen", "settled_at": None})[bank_payments]
    assert (row["status"], row["status_raw"], row["total_minor"]) == ("UNKNOWN", "frozen", 1250)


@pytest.mark.parametrize(
    "change", [{"amount": {"value": 12.5, "currency": "RUB"}}, {"settled_at": "2017-03-01"}, {"customer": 7}]
)
async def test_a_payment_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_payment({**PAYMENT, **change})


async def test_a_contact_that_is_not_hashed_is_refused_and_not_repeated() -> None:
    record = {"id": "7", "since": "2017-01-01T00:00:00Z", "email_sha256": "anna@example.com"}
    with pytest.raises(Unreadable) as caught:
        read_customer(record)
    assert "anna" not in str(caught.value)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> AsyncIterator[Gateway]:
    """AliExpress's members in the base, the bank pulled, and all linked."""
    members = small_purchases().members("ALIBABA")
    rows: Any = {
        accounts: [{"id": f"ALIBABA:{each.account}", "party": "ALIBABA"} for each in members],
        profiles: [
            {"account_id": f"ALIBABA:{each.account}", "party": "ALIBABA", "email": each.email, "phone": each.phone,
             "name": each.name, "birth_year": each.birth_year}
            for each in members
        ],
    }  # fmt: skip
    async for each in start(tmp_path_factory.mktemp("gateway"), rows):
        app = stand_in(folder, KEYS)
        async with served(app) as url, Upstream("bank", {**KEYS, "url": url}) as upstream:
            engine = writer(each.settings.database)
            for dataset in (customers, payments):
                await pull(engine, upstream, "bank", dataset)
            await engine.dispose()
            async with each.writing() as connection:
                await link(connection, b"secret")
        yield each


ASKED = "{ clients(first: 100) { nodes { id bank { settled { amount currency } lastSettledAt } } } }"
SCOPES = "clients:read alibaba:read bank:read"


async def sums(gateway: Gateway, party: str, purpose: str = "analytics", scopes: str = SCOPES) -> list[str]:
    """What clients paid, as far as a party sees it."""
    answer = await gateway.ask(ASKED, party, scopes, purpose)
    found = [each["bank"]["settled"] for each in answer["data"]["clients"]["nodes"] if each["bank"]]
    assert {money["currency"] for settled in found for money in settled} <= {"RUB"}
    return sorted(settled[0]["amount"] for settled in found)


async def test_the_bank_sees_what_its_customers_paid_and_alibaba_whom_it_knows_and_who_consented(
    gateway: Gateway,
) -> None:
    own = await sums(gateway, "BANK", scopes="clients:read bank:read")
    assert own
    assert await sums(gateway, "ALIBABA") == []
    async with gateway.writing() as connection:
        linked = select(accounts.c.client_id).where(accounts.c.id.like("BANK:%"))
        [client, *_] = (await connection.execute(linked)).scalars()
        await connection.execute(insert(consents), [consent(client, "ALIBABA")])
    [seen] = await sums(gateway, "ALIBABA")
    assert seen in own
    assert await sums(gateway, "ALIBABA", "targeted_offers") == []
    assert await sums(gateway, "MAILRU") == []
    assert await sums(gateway, "RDIF") == []
