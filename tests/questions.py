"""Questions: what the promises about access are about; each an operation, and what of its answer counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """An operation, and what is read out of its data."""

    document: str
    read: Callable[[Any], Any]


def page(data: Any) -> tuple[int, list[str]]:
    """How many clients there are, and their regions (which name them) in the order of the alphabet."""
    found = data["clients"]
    return found["totalCount"], sorted(node["region"] for node in found["nodes"])


def of_each(selection: str, read: Callable[[Any], Any]) -> Question:
    """A question about each client: what is read, under its region, for those of whom there is anything."""

    def found(data: Any) -> Any:
        each = {node["region"]: read(node) for node in data["clients"]["nodes"]}
        return {region: value for region, value in each.items() if value}

    return Question(f"{{ clients(first: 100) {{ nodes {{ region {selection} }} }} }}", found)


def clients_where(condition: str) -> Question:
    """How many clients fit a filter, and which."""
    return Question(
        f"{{ clients(first: 100, filter: {{{condition}}}) {{ totalCount nodes {{ region }} }} }}", page
    )


def node(id: str) -> Question:
    """What is found by an id: its type."""
    document = f'{{ node(id: "{id}") {{ __typename ... on Order {{ lines {{ name }} }} }} }}'
    return Question(document, lambda data: data["node"] and data["node"]["__typename"])


def _orders(client: Any) -> list[str]:
    return [each["id"].replace("Order:", " ") for each in client["orders"]["nodes"]]


def _lines(client: Any) -> list[str]:
    return [line["name"] for order in client["orders"]["nodes"] for line in order["lines"]]


def _segments(client: Any) -> list[str]:
    return [each["name"] for each in client["mailru"]["segments"]] if client["mailru"] else []


CLIENTS = Question("{ clients(first: 100) { totalCount nodes { region } } }", page)
ORDERS = of_each("orders { nodes { id } }", _orders)
ORDER_COUNTS = of_each("orders { totalCount }", lambda client: client["orders"]["totalCount"])
LINES = of_each("orders { nodes { lines { name } } }", _lines)
PROFILES = of_each("profile { name }", lambda client: client["profile"] and client["profile"]["name"])
SEGMENTS = of_each("mailru { segments { name } }", _segments)
PAID_TO_ALIBABA = of_each(
    "alibaba { lifetimeValue { minor } }",
    lambda client: client["alibaba"] and client["alibaba"]["lifetimeValue"]["minor"],
)
PAID_TO_MAILRU = of_each(
    "mailru { lifetimeValue { minor } }",
    lambda client: client["mailru"] and client["mailru"]["lifetimeValue"]["minor"],
)
ORDERS_AT_MAILRU = of_each(
    "mailru { orders { totalCount } }",
    lambda client: client["mailru"] and client["mailru"]["orders"]["totalCount"],
)
REFUNDS = of_each(
    "mailru { orders { nodes { ... on PandaoOrder { refunds { amount { minor } } } } } }",
    lambda client: (
        client["mailru"]
        and [
            refund["amount"]["minor"]
            for order in client["mailru"]["orders"]["nodes"]
            for refund in order["refunds"]
        ]
    ),
)
CATALOGUE = Question(
    '{ pandaoProducts { totalCount } pandaoProduct(id: "1") { name variants { stock } } }',
    lambda data: (data["pandaoProducts"]["totalCount"], data["pandaoProduct"]),
)
PARCELS = of_each(
    "orders(first: 5) { nodes { shipments { orderIds events { place } } } }",
    lambda client: [
        each["events"][-1]["place"] + " " + each["orderIds"][0].partition("Order")[0]
        for order in client["orders"]["nodes"]
        for each in order["shipments"]
    ],
)
CORRIDORS = Question(
    "{ corridors { route volume legs { leg volume median } } }",
    lambda data: [
        (each["route"], each["volume"], {leg["leg"]: (leg["volume"], leg["median"]) for leg in each["legs"]})
        for each in data["corridors"]
    ],
)


def shipment(number: str) -> Question:
    """What is found by the number of a parcel: which orders it holds."""
    document = f'{{ shipment(trackingNumber: "{number}") {{ orderIds epcis }} }}'
    return Question(document, lambda data: data["shipment"] and data["shipment"]["orderIds"])


REPORT = Question(
    '{ fundReport(quarter: "2017Q1") { quarter nav { minor } positions { shareholder } } }',
    lambda data: data["fundReport"],
)

PAID_BY_CARD = of_each(
    "bank { settled { minor } }",
    lambda client: client["bank"] and [money["minor"] for money in client["bank"]["settled"]],
)
RATE = Question(
    '{ fxRate(base: "USD", quote: "RUB", on: "2017-12-31") { rate effectiveOn } }',
    lambda data: data["fxRate"],
)

ALL = (
    CLIENTS,
    ORDERS,
    ORDER_COUNTS,
    LINES,
    PROFILES,
    SEGMENTS,
    PAID_TO_ALIBABA,
    PAID_TO_MAILRU,
    ORDERS_AT_MAILRU,
    PARCELS,
    CORRIDORS,
    REPORT,
)
