"""Nobody is kept waiting by another's operation: whatever is sent, the event loop is held for 50 ms at most."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from graphql import get_introspection_query

from connectors.alibaba.orders import alibaba_orders
from connectors.mailru.orders import mailru_orders
from gateway.access.agreements import consents
from gateway.app import create_app
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.orders import order_lines, orders
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.workers import settle
from tests.attacks.watched import Watch, watched
from tests.conftest import ORIGIN, empty_database
from tests.door import Door
from tests.world import Rows, account, consent, extra, line, order, profile, write

HELD = 0.050
"""Seconds of the processor's time for the loop's thread, between two looks at who else wants something."""


def large_world(people: int = 100, each: int = 20) -> Rows:
    """So many clients at both partners, with so many orders of three lines at either."""
    known = [(f"C{one}", one, party) for one in range(1, people + 1) for party in ("ALIBABA", "MAILRU")]
    placed = [
        order(party, f"{one}{number:03}", name, one, f"2017-{1 + number % 12:02}-{1 + one % 28:02}T10:00:00Z")
        for name, one, party in known
        for number in range(each)
    ]
    extras = [extra(row) for row in placed]
    return {
        clients: [{"id": one} for one in range(1, people + 1)],
        accounts: [account(party, name, one) for name, one, party in known],
        profiles: [profile(party, name, one) for name, one, party in known],
        orders: placed,
        order_lines: [line(row, number, "Tea") for row in placed for number in (1, 2, 3)],
        alibaba_orders: [row for table, row in extras if table is alibaba_orders],
        mailru_orders: [row for table, row in extras if table is mailru_orders],
        consents: [consent(one, "ALIBABA") for one in range(1, people + 1)],
    }


def chain(length: int, link: str) -> str:
    """Fragments of which each spreads the next one, `%` in its link."""
    links = [f"fragment F{n} on Query {{ {link.replace('%', f'...F{n + 1}')} }}" for n in range(length)]
    return " ".join(["{ ...F0 }", *links, f"fragment F{length} on Query {{ caller {{ party }} }}"])


def many(count: int, part: str) -> str:
    """A part so many times, `%` replaced by its number."""
    return " ".join(part.replace("%", str(number)) for number in range(count))


FILTER = "query ($f: ClientFilter, $a: String) { clients(filter: $f, after: $a) { totalCount } }"
ORDER = """id party placedAt status statusRaw total { amount currency minor }
lines { productId name category quantity total { amount currency minor } }"""


def nodes(selection: str) -> str:
    """A document that asks for something of clients."""
    return f"{{ clients {{ nodes {{ {selection} }} }} }}"


SPREAD = """fragment C on OrderConnection { nodes { ...O } e: nodes { ...O } edges { node { ...O } } }
fragment O on Order { ...I a: total { ...M } b: total { ...M } c: total { ...M } d: total { ...M } }
fragment I on Order { id placedAt party status statusRaw } fragment M on Money { amount currency minor }"""

# What runs costs just less than what is refused.
DOCUMENTS = {
    "a fragment bomb of 60 levels": chain(60, "% %"),
    "one of aliases": chain(60, "a: caller { party } % b: caller { purpose } %"),
    "a chain of fragments": chain(190, "%"),
    "a short text of 900 fields": nodes(many(14, "b%: orders(first: 1) { ...C }")) + SPREAD,
    "300 aliases of a column": nodes(many(299, "a%: region")),
    "aliases of what is asked for": nodes(many(90, "a%: id b%: region c%: alibaba { memberSince }")),
    "120 aliases below an interface": nodes(f"orders {{ nodes {{ {many(120, 'a%: total { minor }')} }} }}"),
    "one field many times": nodes(f"{many(70, 'region')} alibaba {{ {many(70, 'memberSince')} }}"),
    "200 pages of each client": nodes(many(200, "a%: orders(first: %) { totalCount }")),
    "unknown members": f"{{ clients(filter: {{{many(290, 'a%: 1')}}}) {{ totalCount }} }}",
    "900 unknown fields": nodes(many(900, "z%")),
    "fields that conflict": nodes(many(49, "x: id x: region")),
    "a long text": f'{{ node(id: "{"x" * 90_000}") {{ id }} }}',
    "the schema": get_introspection_query(input_value_deprecation=True),
    "the schema three times": f"{{ __schema {{ {many(3, 't%: types { fields { name type { name } } }')} }} }}",
    "the schema 60 times": f"{{ __schema {{ {many(60, 't%: types { fields { name type { name } } }')} }} }}",
    "what has very many values": f"{{ clients(first: 100) {{ edges {{ cursor node {{ id region profile {{ name }} "
    f"orders(first: 11) {{ edges {{ cursor node {{ {ORDER} }} }} }} }} }} }} }}",
    "pages of pages": "{ clients(first: 100) { nodes { orders(first: 40) { nodes { id placedAt } } } } }",
    "an error for each": "{ clients(first: 100) { nodes { id orders(first: -1) { totalCount } } } }",
}
EXPLAIN = """query ($document: String!) { explainAccess(document: $document) {
  runs missingScopes cost { estimated limit } errors { message code line column }
  fields { path coordinate missingScopes refusal { becomesNull } }
  tables { name meaning }
  levels { calls { coordinate statements { sql columns } } }
} }"""
VARIABLES: dict[str, Any] = {
    "60,000 members": {"f": {f"k{number}": number for number in range(60_000)}},
    "1,900 members": {"f": {f"k{number}": number for number in range(1_900)}},
    "a deep list": {"f": {"region": json.loads("[" * 900 + "]" * 900)}},
    "a huge text": {"f": {"region": "x" * 900_000}},
    "a huge cursor": {"a": "A" * 900_000},
}
BODIES = {
    "lists in a part that nobody reads": b'{"query": "{ caller { party } }", "x": ['
    + b"[]," * 300_000
    + b"[]]}",
    "texts in one": b'{"query": "{ caller { party } }", "x": [' + b'"a",' * 200_000 + b"[]]}",
}


class Attacked(NamedTuple):
    """The gateway, with a watch over its loop."""

    door: Door
    watch: Watch

    def held(self, body: bytes) -> float:
        """The longest time that a request holds the loop; the least of three, lest one was unlucky."""
        self.door.post({"query": "{ caller { party } }"})
        found = []
        for _ in range(3):
            self.watch.forget()
            response = self.door.post(body)
            assert response.status_code < 500
            assert "COST_LIMIT" not in response.text
            # The loop has looked up again since.
            self.door.client.get("/healthz")
            found.append(self.watch.longest)
        return min(found)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A gateway with a hundred clients and 4,000 orders, set as it is by default."""
    settings = Settings(state=tmp_path_factory.mktemp("loop"), origin=ORIGIN)
    asyncio.run(fill(settings))
    app = create_app(settings)
    settle()
    with (
        watched(app) as (port, watch),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield Attacked(Door(settings, port, client), watch)


async def fill(settings: Settings) -> None:
    """Make the database."""
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, large_world())
    await database.dispose()


NUMBERS = itertools.count()


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_document_holds_the_loop(attacked: Attacked, document: str) -> None:
    """Neither when it is read, planned and refused, nor when it runs and is answered; it is new each time."""
    body = json.dumps({"query": f"{document} # {next(NUMBERS)}"}).encode()
    assert attacked.held(body) < HELD


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_explanation_holds_the_loop(attacked: Attacked, document: str) -> None:
    """It is of what may be as large as what is run."""
    asked = {"query": EXPLAIN, "variables": {"document": f"{document} # {next(NUMBERS)}"}}
    assert attacked.held(json.dumps(asked).encode()) < HELD


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES)
def test_no_variables_hold_the_loop(attacked: Attacked, variables: Any) -> None:
    """However large or deep they are."""
    assert attacked.held(json.dumps({"query": FILTER, "variables": variables}).encode()) < HELD


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_holds_the_loop(attacked: Attacked, body: bytes) -> None:
    """Not even with what nobody asked for."""
    assert attacked.held(body) < HELD


def test_the_watch_sees_what_holds_the_loop() -> None:
    """So that the tests here could fail."""
    watch = Watch()

    async def work() -> None:
        sum(range(3_000_000))

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch)) as runner:
        watch.forget()
        runner.run(asyncio.sleep(0.2))
        assert watch.longest < HELD
        runner.run(work())
    assert watch.longest > 0.01
