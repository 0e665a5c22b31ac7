"""Client: a person in the shared base, as one party may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, Text, bindparam, column, exists, func, select
from sqlalchemy import table as plain_table

from gateway.access.request import Access, Page, page_size
from gateway.access.rules import follows
from gateway.access.scopes import requires
from gateway.clients.accounts import accounts, profiles
from gateway.clients.connections import FORWARD, Connection, Node
from gateway.clients.orders import Order, order_pages, orders
from gateway.clients.scalars import DateTime, Party
from gateway.engine.batch import batch
from gateway.errors import FieldError
from gateway.store.queries import Query, Row, as_keys, keys
from gateway.store.tables import table

_ATTRIBUTES = ("key", "region")
_CALLER = plain_table("caller", column("party", Text))

clients = table(
    "clients",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    rows=follows("accounts", "accounts.client_id = this.id"),
)
"""A row a person. The id is random, so that it says nothing, and never leaves the gateway: see `pseudonyms`."""


def client_ids(rows: Sequence[Row], access: Access) -> list[str]:
    """The id by which the caller's party knows this client. Another party's id of it differs."""
    return access.pseudonyms.hide(access.caller.party, [row.key for row in rows])


async def client_profiles(rows: Sequence[Row], access: Access) -> list[Row | None]:
    """Name, e-mail and phone, as the caller's own party has them."""
    columns = access.columns(profiles, "ClientProfile")
    return await access.one(profiles, "client_id", [row.key for row in rows], columns)


async def client_orders(
    rows: Sequence[Row],
    access: Access,
    *,
    first: int | None = None,
    after: str | None = None,
    party: Party | None = None,
) -> list[Page]:
    """What the client bought, from all partners whose orders the caller may see; newest first."""
    return await order_pages(access, [row.key for row in rows], party=party, first=first, after=after)


@strawberry.type(directives=[requires("clients:pii")])
class ClientProfile:
    """A client's personal data."""

    name: str | None
    email: str | None
    phone: str | None = strawberry.field(description="As the partner has it.")


@strawberry.type(directives=[requires("clients:read")])
class Client(Node):
    """A person in the shared client base."""

    id: strawberry.ID = batch(client_ids, needs=["key"])
    region: str | None = strawberry.field(description="Where the client lives, as its accounts say.")
    profile: ClientProfile | None = batch(client_profiles, needs=["key"], cost=1)
    orders: Connection[Order] = batch(client_orders, needs=["key"], list_size=FORWARD)


@strawberry.input
class ClientFilter:
    """Which clients; all that is given must hold. Only what the caller may see counts."""

    region: str | None = strawberry.UNSET
    party: Party | None = strawberry.field(
        default=strawberry.UNSET, description="Has an account at this party."
    )
    placed_after: DateTime | None = strawberry.field(
        default=strawberry.UNSET, description="Placed an order at or after this."
    )
    placed_before: DateTime | None = strawberry.field(
        default=strawberry.UNSET, description="Placed an order before this."
    )


async def client_page(
    access: Access,
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    filter: ClientFilter | None,
) -> Page:
    """A page of the clients the caller may see, in a random but lasting order. Raises `FieldError`."""
    if first is not None and last is not None:
        raise FieldError("Give `first` or `last`, not both.", "BAD_USER_INPUT", argument="last")
    backward = last is not None
    size = page_size(last, "last") if backward else page_size(first)
    wanted = _wanted(filter)
    given = {"after": after, "before": before}
    bounds = {name: _key(access, name, text) for name, text in given.items() if text is not None}
    query = _page(_columns(access), backward, tuple(sorted(bounds)), tuple(sorted(wanted)))
    found = await access.fetch(query, limit=size + 1, **bounds, **wanted)
    rows = found[:size][::-1] if backward else found[:size]
    more = len(found) > size
    total: int | None = None
    if "total_count" in access.asked.get("ClientConnection", ()):
        [(total,)] = await access.fetch(_count(tuple(sorted(wanted))), **wanted)
    return Page(
        rows,
        has_next_page="before" in bounds if backward else more,
        has_previous_page=more if backward else "after" in bounds,
        total_count=total,
        cursor=lambda row: access.pseudonyms.hide(access.caller.party, [row.key])[0],
    )


def chosen(filter: ClientFilter | None) -> dict[str, Any]:
    """What a filter asks for, to be kept and given to `client_keys` later."""
    return {name: getattr(value, "value", value) for name, value in _wanted(filter).items()}


def client_keys(wanted: Mapping[str, Any], past: bool) -> Query:
    """The internal keys of the clients the caller may see and that are `chosen`, up to `:limit`, after `:after`."""
    return _page(("key",), False, ("after",) if past else (), tuple(sorted(wanted)))


async def clients_by_key(access: Access, found: Sequence[int | None]) -> list[Row | None]:
    """For each internal key the client, or None where there is none that the caller may see."""
    wanted = [key for key in found if key is not None]
    rows = await access.fetch(_some(_columns(access)), keys=as_keys(wanted))
    by_key = {row.key: row for row in rows}
    return [by_key.get(key) for key in found]


def _columns(access: Access) -> tuple[str, ...]:
    asked = access.asked.get("Client", frozenset()) | {"key"}
    return tuple(name for name in _ATTRIBUTES if name in asked)


def _key(access: Access, argument: str, text: str) -> int:
    key = access.pseudonyms.reveal(access.caller.party, text)
    if key is None:
        raise FieldError("The cursor is not one this list gave out.", "BAD_USER_INPUT", argument=argument)
    return key


def _wanted(given: ClientFilter | None) -> dict[str, Any]:
    names = ("region", "party", "placed_after", "placed_before")
    values = {name: getattr(given, name, None) for name in names}
    return {
        name: value for name, value in values.items() if value is not None and value is not strawberry.UNSET
    }


def _region() -> Any:
    """Where the visible accounts of a client say that it lives; the caller's own party is asked first."""
    own = (accounts.c.party == select(_CALLER.c.party).scalar_subquery()).desc()
    return (
        select(accounts.c.region)
        .where(accounts.c.client_id == clients.c.id, accounts.c.region.is_not(None))
        .order_by(own, accounts.c.party, accounts.c.id)
        .limit(1)
        .scalar_subquery()
    )


_CONDITIONS: dict[str, Callable[[], Any]] = {
    "region": lambda: _region() == bindparam("region"),
    "party": lambda: exists().where(
        accounts.c.client_id == clients.c.id, accounts.c.party == bindparam("party")
    ),
    "placed_after": lambda: exists().where(
        orders.c.client_id == clients.c.id, orders.c.placed_at >= bindparam("placed_after")
    ),
    "placed_before": lambda: exists().where(
        orders.c.client_id == clients.c.id, orders.c.placed_at < bindparam("placed_before")
    ),
}


def _select(columns: tuple[str, ...]) -> Any:
    found = {"key": clients.c.id.label("key"), "region": _region().label("region")}
    return select(*(found[name] for name in columns))


@cache
def _page(
    columns: tuple[str, ...], backward: bool, bounds: tuple[str, ...], wanted: tuple[str, ...]
) -> Query:
    places = {"after": clients.c.id > bindparam("after"), "before": clients.c.id < bindparam("before")}
    return Query(
        _select(columns)
        .where(*(places[name] for name in bounds), *(_CONDITIONS[name]() for name in wanted))
        .order_by(clients.c.id.desc() if backward else clients.c.id)
        .limit(bindparam("limit"))
    )


@cache
def _count(wanted: tuple[str, ...]) -> Query:
    return Query(select(func.count(clients.c.id)).where(*(_CONDITIONS[name]() for name in wanted)))


@cache
def _some(columns: tuple[str, ...]) -> Query:
    return Query(_select(columns).where(clients.c.id.in_(select(keys().c.value))))
