"""Query: what can be asked at the root, whoever the partners are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.access.request import Access, Page
from gateway.access.scopes import requires
from gateway.clients.client import Client, ClientFilter, client_page, clients_by_key
from gateway.clients.connections import EITHER_WAY, Connection, Node
from gateway.clients.orders import orders
from gateway.clients.scalars import Party
from gateway.engine.batch import batch
from gateway.engine.weights import cost, list_size
from gateway.oauth.details import Datasets, by_party
from gateway.store.queries import Row


@strawberry.type
class PartnerData:
    """Datasets of one party."""

    party: Party
    datasets: list[str] = strawberry.field(directives=[list_size(10)])


@strawberry.type
class Caller:
    """Who is asking: what the token says."""

    party: Party
    application: str
    scopes: list[str] = strawberry.field(directives=[list_size(10)])
    purpose: str = strawberry.field(description="What the answer may be used for; consent is asked for it.")
    data: list[PartnerData] | None = strawberry.field(
        description="The datasets that the token was narrowed to; null where it was not.",
        directives=[list_size(5)],
    )


def callers(roots: Sequence[None], access: Access) -> list[Caller]:
    """Who the gateway takes the caller for."""
    who = access.caller
    found = Caller(
        party=who.party,
        application=who.application,
        scopes=sorted(who.scopes),
        purpose=who.purpose,
        data=_narrowed(who.datasets),
    )
    return [found for _ in roots]


def _narrowed(found: Datasets | None) -> list[PartnerData] | None:
    if found is None:
        return None
    return [PartnerData(party=party, datasets=datasets) for party, datasets in by_party(found)]


async def node(roots: Sequence[None], access: Access, *, id: strawberry.ID) -> list[Row | None]:
    """Anything by its id, if the caller may see it."""
    columns = access.columns(orders, "Order", "id")
    found = await access.one(orders, "id", [id], columns) if ":" in id else await _clients(access, id)
    return [found[0] for _ in roots]


async def client(roots: Sequence[None], access: Access, *, id: strawberry.ID) -> list[Row | None]:
    """A client by the id its party knows it by."""
    found = await _clients(access, id)
    return [found[0] for _ in roots]


async def _clients(access: Access, id: str) -> list[Row | None]:
    return await clients_by_key(access, [access.pseudonyms.reveal(access.caller.party, id)])


async def clients(
    roots: Sequence[None],
    access: Access,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[ClientFilter | None, strawberry.argument(directives=[cost(20)])] = None,
) -> list[Page]:
    """The clients the caller may see, in an order that says nothing."""
    page = await client_page(access, first=first, after=after, last=last, before=before, filter=filter)
    return [page for _ in roots]


@strawberry.type
class Query:
    """What can be read."""

    caller: Caller = batch(callers)
    node: Node | None = batch(node)
    client: Client | None = batch(client)
    clients: Connection[Client] = batch(clients, requires=requires("clients:read"), list_size=EITHER_WAY)
