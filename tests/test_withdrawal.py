"""What a client or a party takes back is gone with the next request, over the connections that are open already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from gateway.access.agreements import agreements, consents, rights, write_rights
from gateway.access.agreements import read_contract as read
from gateway.clients.accounts import accounts
from gateway.clients.orders import orders
from gateway.discovery import dataset_scopes, discover
from gateway.store.tables import instant
from tests.conftest import Gateway, start
from tests.questions import CLIENTS, LINES, ORDER_COUNTS, ORDERS, PAID_TO_MAILRU, SEGMENTS, Question, node
from tests.world import ADA, BORIS, CLARA, consent, speaking_world

CLARAS = (CLIENTS, ORDERS, ORDER_COUNTS, LINES, SEGMENTS, PAID_TO_MAILRU, node("PandaoOrder:CLARA"))


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with as many connections as there are questions at once, so that each is used again."""
    async for each in start(tmp_path, speaking_world(), readers=2):
        yield each


async def told(gateway: Gateway, question: Question, party: str = "ALIBABA") -> str:
    """The answer as text, in which Clara is named or not."""
    return str((await gateway.ask(question.document, party))["data"])


async def names_clara(gateway: Gateway) -> list[bool]:
    """For each question about her, whether Alibaba's answer tells of Clara."""
    answers = [await told(gateway, each) for each in CLARAS]
    return ["CLARA" in answer or "'PandaoOrder'" in answer for answer in answers]


async def test_a_withdrawn_consent_holds_from_the_next_request_on(gateway: Gateway) -> None:
    """Clients, orders, counts, lines, segments, sums and the order by its id: all are gone at once."""
    assert all(await names_clara(gateway))
    async with gateway.writing() as connection:
        await connection.execute(delete(consents).where(consents.c.client_id == CLARA))
    assert not any(await names_clara(gateway))


async def test_a_consent_given_anew_holds_from_the_next_request_on(gateway: Gateway) -> None:
    """Boris, asked again, agrees."""
    assert "Pandao BORIS" not in str(ORDERS.read((await gateway.ask(ORDERS.document))["data"]))
    async with gateway.writing() as connection:
        await connection.execute(insert(consents), [consent(BORIS, "ALIBABA")])
    assert "Pandao BORIS" in str(ORDERS.read((await gateway.ask(ORDERS.document))["data"]))


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (-60, None, True),
        (-60, 60, True),
        (-60, -1, False),
        (-60, 0, False),
        (60, None, False),
        (60, 120, False),
        (0, 60, True),
    ],
)
async def test_a_consent_holds_from_its_first_second_to_before_its_last(
    gateway: Gateway, since: int, until: int | None, holds: bool
) -> None:
    """To the second, not to the day: seconds from now."""
    now = datetime.now(UTC)
    first = instant(now + timedelta(seconds=since))
    last = instant(now + timedelta(seconds=until)) if until is not None else None
    async with gateway.writing() as connection:
        await connection.execute(delete(consents))
        await connection.execute(insert(consents), [consent(CLARA, "ALIBABA", since=first, until=last)])
    assert await names_clara(gateway) == [holds] * len(CLARAS)


async def test_a_consent_is_for_the_recipient_it_names(gateway: Gateway) -> None:
    """What Clara says to the fund or to Mail.ru says nothing to Alibaba."""
    async with gateway.writing() as connection:
        await connection.execute(delete(consents))
        await connection.execute(insert(consents), [consent(CLARA, to) for to in ("RDIF", "MAILRU")])
    assert not any(await names_clara(gateway))


async def test_a_revoked_agreement_holds_from_the_next_request_on(gateway: Gateway) -> None:
    """Without a new start: the contract is applied to the database, and consents help no more."""
    assert all(await names_clara(gateway))
    async with gateway.writing() as connection:
        await connection.execute(delete(agreements).where(agreements.c.consent == 1))
    assert not any(await names_clara(gateway))
    assert "Alibaba ADA" in str(ORDERS.read((await gateway.ask(ORDERS.document))["data"]))


async def test_a_narrowed_agreement_takes_what_it_no_longer_names(gateway: Gateway, tmp_path: Path) -> None:
    """Orders without accounts: an order is found by its id still, but no client by its account."""
    path = tmp_path / "agreements.toml"
    path.write_text(
        """
        parties = {ALIBABA = "A", MAILRU = "M", RDIF = "R"}
        purposes = {analytics = "To know."}
        [[agreements]]
        recipient = "ALIBABA"
        owner = "MAILRU"
        datasets = ["orders"]
        purposes = ["analytics"]
        """
    )
    async with gateway.writing() as connection:
        await write_rights(connection, rights(read(path), dataset_scopes(discover())))
    assert await names_clara(gateway) == [False] * 6 + [True]


async def test_an_order_that_moves_to_another_client_is_seen_as_that_client_allows(gateway: Gateway) -> None:
    """Linking may find that an account was Boris's: then his word counts, for the account and its orders."""
    async with gateway.writing() as connection:
        for table in (accounts, orders):
            key = table.c.id if table is accounts else table.c.account_id
            await connection.execute(update(table).where(key == "MAILRU:CLARA").values(client_id=BORIS))
    assert "Pandao CLARA" not in str(ORDERS.read((await gateway.ask(ORDERS.document))["data"]))
    assert await told(gateway, node("PandaoOrder:CLARA")) == "{'node': None}"


async def test_rows_not_yet_linked_to_a_client_are_their_partys_alone(gateway: Gateway) -> None:
    """Nobody can have consented for them."""
    async with gateway.writing() as connection:
        await connection.execute(
            update(orders).where(orders.c.client_id.in_([ADA, CLARA])).values(client_id=None)
        )
    assert await told(gateway, node("PandaoOrder:CLARA")) == "{'node': None}"
    assert "PandaoOrder" in await told(gateway, node("PandaoOrder:CLARA"), "MAILRU")
