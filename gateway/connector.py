"""The face: everything that a connector may import, and what it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from gateway.access.request import Access, Page
from gateway.access.rules import agreed, follows, shared
from gateway.access.scopes import requires
from gateway.activations.activation import Activation
from gateway.activations.deliveries import ContactKind, Delivery, Stage, Upload
from gateway.clients.accounts import accounts, accounts_of, lifetime_values, profiles
from gateway.clients.client import ClientFilter
from gateway.clients.connections import FORWARD, Connection, Edge, Node
from gateway.clients.contacts import hashed_email, hashed_phone, normal_phone
from gateway.clients.orders import (
    Amount,
    Money,
    Order,
    OrderLine,
    OrderStatus,
    order_lines,
    order_pages,
    orders,
)
from gateway.clients.rates import ROUBLE, Wanted, exchange_rates, rates_in_force
from gateway.clients.scalars import BigInt, DateTime, Party
from gateway.engine.batch import batch, subscription
from gateway.engine.weights import cost, list_size
from gateway.errors import FieldError, Kind, PartnerError, Unreadable
from gateway.sandboxes.calls import clock, struck
from gateway.shipments.milestones import Carrier, Milestone
from gateway.shipments.numbers import s10_number
from gateway.shipments.parcels import (
    alike_together,
    open_parcels,
    shipment_id,
    shipment_numbers,
    shipment_orders,
    shipments,
    tracking_events,
    tracking_id,
    tracking_number,
    trackings,
)
from gateway.store.queries import Query, Row, as_keys, keys
from gateway.store.tables import Instant, instant, table
from gateway.sync.datasets import Batch, Cursor, Dataset, Rows
from gateway.upstream.http import Answer, Request
from gateway.upstream.paging import Page as PartnerPage
from gateway.upstream.paging import Part, ahead, by_cursor, by_number, by_offset
from gateway.upstream.terms import DEFAULT_TERMS, Allowance, Quota, Terms
from gateway.upstream.tokens import Token
from gateway.upstream.upstream import Upstream
from gateway.webhooks.events import OrderEvent, partner_events
from gateway.webhooks.webhook import Message, Webhook

if TYPE_CHECKING:
    # The demo's world needs the demo's packages; a gateway at work does without.
    from gateway.demo.world import World

__all__ = [
    "FORWARD",
    "ROUBLE",
    "Access",
    "Activation",
    "Allowance",
    "Amount",
    "Answer",
    "Batch",
    "BigInt",
    "Carrier",
    "ClientFilter",
    "Connection",
    "Connector",
    "ContactKind",
    "Cursor",
    "Dataset",
    "DateTime",
    "Delivery",
    "Edge",
    "FieldError",
    "Instant",
    "Kind",
    "Message",
    "Milestone",
    "Money",
    "Node",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OrderStatus",
    "Page",
    "Part",
    "PartnerError",
    "PartnerPage",
    "Party",
    "Query",
    "Quota",
    "Request",
    "Row",
    "Rows",
    "Stage",
    "Terms",
    "Token",
    "Unreadable",
    "Upload",
    "Upstream",
    "Wanted",
    "Webhook",
    "accounts",
    "accounts_of",
    "agreed",
    "ahead",
    "alike_together",
    "as_keys",
    "batch",
    "by_cursor",
    "by_number",
    "by_offset",
    "clock",
    "cost",
    "exchange_rates",
    "follows",
    "hashed_email",
    "hashed_phone",
    "instant",
    "keys",
    "lifetime_values",
    "list_size",
    "normal_phone",
    "open_parcels",
    "order_lines",
    "order_pages",
    "orders",
    "partner_events",
    "profiles",
    "rates_in_force",
    "requires",
    "s10_number",
    "shared",
    "shipment_id",
    "shipment_numbers",
    "shipment_orders",
    "shipments",
    "struck",
    "subscription",
    "table",
    "tracking_events",
    "tracking_id",
    "tracking_number",
    "trackings",
]


@dataclass(frozen=True, slots=True)
class Connector:
    """One partner, declared.

    `party` is the member of the venture whose data it brings, or the source of public data. `scopes` says each scope in
    a sentence. `client`, `query`, `mutation` and `subscription` are Strawberry types whose fields are added to `Client`
    and to the roots; `types` are object types that nothing names but an interface (a partner's orders). `settings`
    names what the operator must set beside `url`. `terms` are what the partner's API holds its callers to. `webhook`
    says how the partner's messages at `POST /webhooks/<name>` are received, and `delivery` how it takes audiences.
    `sandbox` makes the partner's stand-in, which accepts those settings, from a folder that `furnish` has filled from a
    world. `faults` are those of the partner's own protocol that the sandbox can be told to show, each in a sentence: it
    asks `struck(request, id)`.

    `party` is None for a partner that only tells of what others brought, as a carrier does of their parcels: its rows
    are seen with theirs, and it declares no scopes.
    """

    name: str
    party: str | None
    scopes: Mapping[str, str]
    datasets: tuple[Dataset, ...] = ()
    client: type | None = None
    query: type | None = None
    mutation: type | None = None
    subscription: type | None = None
    types: tuple[type, ...] = ()
    settings: tuple[str, ...] = ()
    webhook: Webhook | None = None
    sandbox: Callable[[Path, Mapping[str, str]], Starlette] | None = None
    furnish: Callable[[World, Path], None] | None = None
    terms: Terms = DEFAULT_TERMS
    faults: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery | None = None
