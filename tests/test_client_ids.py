"""A client's id is each party's own, lasts, and opens nothing that the party may not see; pages are as wide as that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.access.pseudonyms import pseudonyms
from tests.conftest import Gateway, start
from tests.world import ADA, CLARA, DINA, ELENA, PEOPLE, speaking_world

BY_CLIENT = "query($id: ID!) { client(id: $id) { id region } }"
BY_NODE = "query($id: ID!) { node(id: $id) { id ... on Client { region } } }"
PAGE = """query($first: Int, $after: String, $last: Int, $before: String) {
    clients(first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { id } edges { cursor }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}"""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway over everybody; the tests only read."""
    async for each in start(tmp_path_factory.mktemp("ids"), speaking_world()):
        yield each


async def ids(gateway: Gateway, party: str) -> dict[str, str]:
    """The ids by which a party knows its clients, by their names."""
    answer = await gateway.ask("{ clients(first: 100) { nodes { id region } } }", party)
    return {node["region"].split()[0]: node["id"] for node in answer["data"]["clients"]["nodes"]}


def id_of(gateway: Gateway, party: str, client: int) -> str:
    """The id that a party has, or had when it could still see the client."""
    return pseudonyms(gateway.settings.state).hide(party, [client])[0]


async def found(gateway: Gateway, id: str, party: str = "ALIBABA") -> list[Any]:
    """What `client` and `node` find."""
    answers = [await gateway.ask(document, party, variables={"id": id}) for document in (BY_CLIENT, BY_NODE)]
    assert not [answer for answer in answers if "errors" in answer]
    return [next(iter(answer["data"].values())) for answer in answers]


async def test_no_two_parties_have_one_id_of_a_client(gateway: Gateway) -> None:
    """So their exports cannot be joined by it; nor is it the venture's own key."""
    alibabas, mailrus = await ids(gateway, "ALIBABA"), await ids(gateway, "MAILRU")
    assert alibabas.keys() & mailrus.keys() == {"ADA", "BORIS", "CLARA"}
    assert not set(alibabas.values()) & set(mailrus.values())
    keys = {str(client) for client, _ in PEOPLE.values()}
    assert not keys & {*alibabas.values(), *mailrus.values()}


async def test_an_id_lasts(gateway: Gateway) -> None:
    """From request to request, from purpose to purpose, and, its secret being kept, from start to start."""
    before = await ids(gateway, "ALIBABA")
    answer = await gateway.ask("{ clients { nodes { id region } } }", purpose="demand_forecast")
    assert {node["id"] for node in answer["data"]["clients"]["nodes"]} < set(before.values())
    assert id_of(gateway, "ALIBABA", ADA) == before["ADA"]


async def test_a_client_is_found_by_the_id_its_party_knows(gateway: Gateway) -> None:
    """By `client` and by `node` alike."""
    expected = {"id": id_of(gateway, "ALIBABA", CLARA), "region": "CLARA at MAILRU"}
    assert await found(gateway, expected["id"]) == [expected, expected]


@pytest.mark.parametrize("client", [ADA, CLARA, DINA])
async def test_another_partys_id_of_a_client_finds_nobody(gateway: Gateway, client: int) -> None:
    """Also where the party may see that very client."""
    assert await found(gateway, id_of(gateway, "MAILRU", client)) == [None, None]


async def test_who_may_not_be_seen_is_not_there(gateway: Gateway) -> None:
    """The id Alibaba would have of Elena is answered, byte for byte, like an id that nobody has."""
    hidden, nobody = id_of(gateway, "ALIBABA", ELENA), id_of(gateway, "ALIBABA", 424242)
    token = gateway.token("ALIBABA")
    for document in (BY_CLIENT, BY_NODE):
        answers = [
            await gateway.post({"query": document, "variables": {"id": id}}, token) for id in (hidden, nobody)
        ]
        assert answers[0].status_code == answers[1].status_code == 200
        assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    "text", ["", "x", "101", "é" * 22, "=" * 22, "A" * 22, "A" * 4000, "a:b", ":", "\x00"]
)
async def test_what_is_no_id_finds_nobody(gateway: Gateway, text: str) -> None:
    """And is no error either: it is not there."""
    assert await found(gateway, text) == [None, None]


async def pages(gateway: Gateway, party: str, size: int, backward: bool) -> list[Any]:
    """All pages of a party's clients, forward from the start or backward from the end."""
    found: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        variables = {"last" if backward else "first": size, **more}
        answer = await gateway.ask(PAGE, party, variables=variables)
        found.append(answer["data"]["clients"])
        info = found[-1]["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found[::-1] if backward else found
        more = {"before": info["startCursor"]} if backward else {"after": info["endCursor"]}


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(("party", "total"), [("ALIBABA", 5), ("MAILRU", 7)])
async def test_pages_are_full_and_have_each_client_once(
    gateway: Gateway, party: str, total: int, size: int, backward: bool
) -> None:
    """No page is short because somebody on it may not be seen, and the count is that of all pages together."""
    everybody = [node["id"] for node in (await pages(gateway, party, 100, False))[0]["nodes"]]
    found = await pages(gateway, party, size, backward)
    assert [node["id"] for page in found for node in page["nodes"]] == everybody
    sizes = [len(page["nodes"]) for page in found]
    short = sizes[:1] if backward else sizes[-1:]
    assert all(length == size for length in (sizes[1:] if backward else sizes[:-1]))
    assert short == [total % size or size]
    assert {page["totalCount"] for page in found} == {total}
    assert len(everybody) == len(set(everybody)) == total


async def test_the_first_page_says_that_none_is_before_it_and_the_last_that_none_is_behind(
    gateway: Gateway,
) -> None:
    """As the Relay specification has it, in both directions."""
    forward, backward = await pages(gateway, "ALIBABA", 2, False), await pages(gateway, "ALIBABA", 2, True)
    ways = [[(page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) for page in found]
            for found in (forward, backward)]  # fmt: skip
    assert ways == [[(False, True), (True, True), (True, False)]] * 2


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"last": 101}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"after": "rubbish"}, "after"),
        ({"before": "rubbish"}, "before"),
        ({"after": ""}, "after"),
        ({"before": ""}, "before"),
    ],
)
async def test_a_page_that_cannot_be_says_which_argument_is_wrong(
    gateway: Gateway, arguments: dict[str, Any], argument: str
) -> None:
    """An error of the field, in words, for `clients`."""
    answer = await gateway.ask(PAGE, variables=arguments)
    [error] = answer["errors"]
    assert answer["data"] is None
    assert (error["path"], error["extensions"]) == (
        ["clients"],
        {"code": "BAD_USER_INPUT", "argument": argument},
    )


async def test_another_partys_cursor_is_none(gateway: Gateway) -> None:
    """A cursor among clients is an id, and as such its party's own."""
    answer = await gateway.ask(PAGE, variables={"after": id_of(gateway, "MAILRU", ADA)})
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}


BAD_CURSORS = ["", "x", "W10", "WzFd", "bnVsbA", "e30", "W251bGwsbnVsbF0", "W1tdLFtdXQ",
               "WzE4NDQ2NzQ0MDczNzA5NTUxNjE1LCJ4Il0", "WzEuNSwieCJd", "W3RydWUsInRydWUiXQ"]  # fmt: skip


@pytest.mark.parametrize("text", BAD_CURSORS)
async def test_a_made_up_cursor_among_orders_is_refused(gateway: Gateway, text: str) -> None:
    """Lists of the wrong length or of what no order has: an error in words, never a failure of the gateway."""
    document = (
        "query($after: String) { clients(first: 1) { nodes { orders(after: $after) { nodes { id } } } } }"
    )
    answer = await gateway.ask(document, variables={"after": text})
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}
