"""What stops the start of a gateway: declarations that leave a door open, or that do not go together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import pytest
import strawberry

from gateway.clients.client import Client
from gateway.clients.connections import Node
from gateway.connector import Access, Connector, Order, batch, requires, subscription
from gateway.discovery import discover
from gateway.engine.weights import Cost, ListSize, list_size
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


BANK = {"till:read": "Read accounts."}
LOCKED = {"requires": requires("till:read")}


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
    assert opened <= schema.reachable(frozenset(["till:read", "clients:read"]))


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


def test_a_lock_on_an_interface_holds_for_what_implements_it(declared: Any) -> None:
    """Asked for in whatever way: by `node` the interface is not come by at all."""

    @strawberry.interface(directives=[requires("till:read")])
    class Payment(Node):
        """What was paid."""

        text: str = batch(texts)

    @strawberry.type(directives=[requires("clients:read")])
    class BankPayment(Payment):
        """What was paid at the bank."""

    for _ in range(2):
        schema = declared({"types": (BankPayment,), "scopes": BANK})
        opened = {"BankPayment.id", "BankPayment.text", "Payment.text"}
        for scopes in (["clients:read"], ["till:read"]):
            assert not opened & schema.reachable(frozenset(scopes))
        assert schema.reachable(frozenset(["till:read", "clients:read"])) >= {
            "BankPayment.id",
            "BankPayment.text",
        }


def test_a_scope_that_nobody_declares_stops_the_start(declared: Any) -> None:
    """A lock without a key is a mistake in spelling."""
    with pytest.raises(SchemaError, match="till:read"):
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


def listed(annotation: Any, **declared: Any) -> type:
    """A type with a field that gives a list, or a type with one."""
    field = batch(listing, requires=requires("till:read"), **declared)
    return strawberry.type(type("Bank", (), {"__annotations__": {"rates": annotation}, "rates": field}))


def listing(parents: Sequence[Any], access: Access, *, first: int | None = None) -> list[Any]:
    """The rates."""
    return [[] for _ in parents]


@strawberry.type(directives=[requires("till:read")])
class Board:
    """A board of rates."""

    rates: list[str]


@strawberry.type(directives=[requires("till:read"), Cost(weight="much")])
class Dear:
    """A type of no weight."""

    name: str


@pytest.mark.parametrize(
    ("annotation", "options", "reason"),
    [
        pytest.param(list[str], {}, r"nothing says how long Query\.rates is", id="a list of no size"),
        pytest.param(Board, {}, r"nothing says how long Board\.rates is", id="nor of its parent's"),
        pytest.param(str, {"list_size": 5}, "which is no list", id="no list"),
        pytest.param(
            Board, {"list_size": list_size(5, sized=["name"])}, "name of @listSize", id="no list there"
        ),
        pytest.param(
            list[str], {"list_size": list_size(5, slicing=["last"])}, "last of @listSize", id="no argument"
        ),
        pytest.param(
            list[str], {"list_size": ListSize(slicing_arguments=["first"])}, "assumes no size", id="no size"
        ),
        pytest.param(
            list[str],
            {"list_size": ListSize(assumed_size=5, slicing_arguments=["first"])},
            "cannot assume a size and require",
            id="two minds",
        ),
        pytest.param(
            str, {"cost": -1}, r"the weight of Query\.rates is below 0", id="a field that gives back"
        ),
        pytest.param(Dear, {}, "is not a whole number", id="no weight"),
    ],
)
def test_costs_that_nobody_can_tell_stop_the_start(
    declared: Any, annotation: Any, options: dict[str, Any], reason: str
) -> None:
    """Every list has a size and every weight is one (sections 7 to 9 of the specification)."""
    with pytest.raises(SchemaError, match=reason):
        declared({"query": listed(annotation, **options), "scopes": BANK})


def test_lists_whose_size_is_known_start(declared: Any) -> None:
    """So that the ones above fail for what they say."""
    fields = [
        (list[str], {"list_size": 5}),
        (Board, {"list_size": list_size(5, slicing=["first"], sized=["rates"])}),
    ]
    for annotation, options in fields:
        assert declared({"query": listed(annotation, **options), "scopes": BANK})
