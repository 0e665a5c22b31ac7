"""A partner misbehaves while a caller waits: its field says so, and all else of the answer stands."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.clients.orders import order_lines, orders
from gateway.sandboxes.bodies import CANARY
from tests.conftest import Gateway, start
from tests.faults.street import Street, street
from tests.world import ADA, order, small_world

SCOPES = "clients:read clients:pii alibaba:read"
DEADLINE = 1.0

QUESTION = """{ clients(first: 10) { totalCount nodes { id profile { name }
    orders(party: ALIBABA, first: 5) { nodes { id status total { minor }
    ... on AlibabaOrder { tracking { trackingNumber events { name } } } } } } } }"""


@pytest.fixture(scope="module")
def partners(books: Path) -> Iterator[Street]:
    """All partners, for the whole module."""
    with street(books) as found:
        yield found


@pytest.fixture
async def gateway(books: Path, partners: Street, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway whose one order with a parcel is known to the partner, and whose operations end soon."""
    partners.forget()
    with closing(sqlite3.connect(books / "alibaba.db")) as known:
        [(sent,)] = known.execute(
            "SELECT id FROM orders WHERE sent > '' AND status = 'FINISH' LIMIT 1"
        ).fetchall()
    theirs = {orders: [order("ALIBABA", str(sent), "ADA", ADA, "2018-01-01T00:00:00Z")], order_lines: []}
    settings = {"connectors": {"alibaba": partners.settings("alibaba")}, "deadline": DEADLINE}
    async for each in start(tmp_path, {**small_world(), **theirs}, **settings):
        yield each


def without_tracking(answer: Any) -> Any:
    """All of an answer that no partner is asked for."""
    for client in answer["data"]["clients"]["nodes"]:
        for each in client["orders"]["nodes"]:
            each.pop("tracking")
    return answer["data"]


def trackings(answer: Any) -> list[Any]:
    """What the partner was asked for, of each order."""
    nodes = answer["data"]["clients"]["nodes"]
    return [each["tracking"] for client in nodes for each in client["orders"]["nodes"]]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("hang", "TRANSIENT"),
        ("drip", "TRANSIENT"),
        ("reset", "TRANSIENT"),
        ("truncated", "TRANSIENT"),
        ("html", "TRANSIENT"),
        ("unavailable", "TRANSIENT"),
        ("nan", "TRANSIENT"),
        ("deep-nesting", "TRANSIENT"),
        ("flood", "DRIFT"),
        ("F05", "AUTH"),
        ("F10", "THROTTLED"),
        ("F13", "TRANSIENT"),
        ("F25", "RETIRED"),
    ],
)
async def test_a_field_fails_and_all_else_stands(
    gateway: Gateway, partners: Street, fault: str, kind: str
) -> None:
    """Null with one error at its place, which names the partner and says whether to come again; before the deadline."""
    partners.tell("alibaba", fault)
    began = time.monotonic()
    answer = await gateway.ask(QUESTION, scopes=SCOPES)
    assert time.monotonic() - began < DEADLINE + 2
    assert partners.struck("alibaba")
    assert trackings(answer) == [None]
    [error] = answer["errors"]
    assert error["path"][-1] == "tracking"
    said = error["extensions"]["partner"]
    assert (said["name"], said["kind"]) == ("alibaba", kind)
    assert said["retryable"] == (kind in ("TRANSIENT", "THROTTLED"))
    assert not any(key in json.dumps(error) for key in [*partners.keys["alibaba"].values(), CANARY])

    data = without_tracking(answer)
    assert data["clients"]["totalCount"] > 1
    partners.forget()
    undisturbed = await gateway.ask(
        QUESTION.replace("tracking {", "tracking @skip(if: true) {"), scopes=SCOPES
    )
    assert "errors" not in undisturbed
    assert data == undisturbed["data"]


async def test_what_is_hostile_in_an_answer_is_left_there(gateway: Gateway, partners: Street) -> None:
    """Members that nobody agreed on, members twice: the field is answered, and nothing of them is in it."""
    straight = await gateway.ask(QUESTION, scopes=SCOPES)
    assert trackings(straight)[0]
    for fault in ("hostile-members", "duplicate-keys"):
        partners.forget()
        partners.tell("alibaba", fault)
        answer = await gateway.ask(QUESTION, scopes=SCOPES)
        assert partners.struck("alibaba")
        assert answer == straight
        assert CANARY not in json.dumps(answer)
