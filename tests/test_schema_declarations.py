"""What stops the start of a gateway: declarations that leave a door open, or that do not go together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import pytest
import strawberry

from gateway.clients.client import Client
from gateway.connector import Access, Connector, Order, batch, requires, subscription
from gateway.discovery import discover
from gateway.errors import SchemaError
from gateway.schema import Schema


@pytest.fixture
def declared() -> Iterator[Any]:
    """Makes the schema with a bank beside the partners; `Client` is as it was afterwards."""
    fields = Client.__strawberry_definition__.fields  # type: ignore[attr-defined]
    before = list(fields)

    def make(*banks: dict[str, Any]) -> Schema:
        named = [
            {"name": f"bank{place}", "party": "RDIF", "scopes": {}, **bank}
            for place, bank in enumerate(banks)
        ]
        return Schema([*discover(), *(Connector(**bank) for bank in named)])

    yield make
    fields[:] = before


def texts(parents: Sequence[Any], access: Access) -> list[str]:
    """Something to show."""
    return ["" for _ in parents]


async def rates(access: Access) -> AsyncGenerator[list[str], None]:
    """Something to follow."""
    yield [""]


def extension(**fields: Any) -> type:
    """A Strawberry type with text fields."""
    return strawberry.type(type("Bank", (), {"__annotations__": dict.fromkeys(fields, str), **fields}))


BANK = {"bank:read": "Read accounts."}
LOCKED = {"requires": requires("bank:read")}


def test_a_connector_that_is_declared_right_adds_its_fields(declared: Any) -> None:
    """The tests below fail for what they say, then."""
    fields = {
        "client": extension(iban=batch(texts, **LOCKED)),
        "query": extension(rates=batch(texts, **LOCKED)),
        "subscription": extension(rate_set=subscription(rates, **LOCKED)),
    }
    schema = declared({**fields, "scopes": BANK})
    opened = {"Client.iban", "Query.rates", "Subscription.rateSet"}
    assert not opened & schema.reachable(frozenset(["clients:read"]))
    assert opened <= schema.reachable(frozenset(["bank:read", "clients:read"]))


def test_a_field_that_nothing_locks_stops_the_start(declared: Any) -> None:
    """And is named."""
    with pytest.raises(SchemaError, match=r"nothing locks Query\.rates"):
        declared({"query": extension(rates=batch(texts))})
    with pytest.raises(SchemaError, match=r"nothing locks Subscription\.rateSet"):
        declared({"subscription": extension(rate_set=subscription(rates))})


def test_a_type_that_nothing_locks_stops_the_start_though_only_node_leads_to_it(declared: Any) -> None:
    """`node` is for everybody."""

    @strawberry.type
    class BankOrder(Order):
        """A payment."""

    with pytest.raises(SchemaError, match=r"nothing locks BankOrder\.id"):
        declared({"types": (BankOrder,)})


def test_a_scope_that_nobody_declares_stops_the_start(declared: Any) -> None:
    """A lock without a key is a mistake in spelling."""
    with pytest.raises(SchemaError, match="bank:read"):
        declared({"query": extension(rates=batch(texts, **LOCKED))})


@pytest.mark.parametrize("target", ["client", "query"])
def test_two_connectors_with_one_field_stop_the_start(declared: Any, target: str) -> None:
    """Neither wins silently."""
    one, other = (extension(iban=batch(texts, **LOCKED)) for _ in range(2))
    with pytest.raises(SchemaError, match=r"(Client|Query)\.iban is defined"):
        declared({target: one, "scopes": BANK}, {target: other})


@pytest.mark.parametrize(
    ("target", "name"),
    [("client", "region"), ("query", "clients"), ("query", "fund_report"), ("subscription", "order_changed")],
)
def test_a_connector_cannot_replace_a_field_of_others(declared: Any, target: str, name: str) -> None:
    """Nor one of the gateway's own, whose lock it would replace with it."""
    with pytest.raises(SchemaError, match=rf"\.{name} is defined"):
        declared({target: extension(**{name: batch(texts, **LOCKED)}), "scopes": BANK})


def test_a_connector_cannot_declare_the_scope_of_another(declared: Any) -> None:
    """What a scope means is said once."""
    with pytest.raises(SchemaError, match="clients:read"):
        declared({"scopes": {"clients:read": "Whatever the bank likes."}})
