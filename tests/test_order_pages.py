"""Pages of a client's orders: each order once, newest first, and whether there are more, however that is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import Gateway, start
from tests.world import speaking_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = {
    "by name": "pageInfo { more: hasNextPage hasPreviousPage endCursor }",
    "in fragments": "...Shown",
    "twice": "p: pageInfo { endCursor } pageInfo { hasPreviousPage more: hasNextPage endCursor }",
    "if wanted": "pageInfo { more: hasNextPage @include(if: true) hasPreviousPage endCursor }",
}
FRAGMENTS = """
fragment Shown on OrderConnection { pageInfo { ...More hasPreviousPage endCursor } }
fragment More on PageInfo { more: hasNextPage }
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway over everybody; the tests only read."""
    async for each in start(tmp_path_factory.mktemp("orders"), speaking_world()):
        yield each


async def page(gateway: Gateway, first: int, after: str | None, asked: str) -> dict[str, Any]:
    """A page of the orders of Ada, of whom Alibaba may see two."""
    arguments = "query ($first: Int, $after: String)"
    connection = f"orders(first: $first, after: $after) {{ nodes {{ id }} {asked} }}"
    document = f"{arguments} {{ clients(first: 100) {{ nodes {{ region {connection} }} }} }}"
    if "..." in asked:
        document += FRAGMENTS
    answer = await gateway.ask(document, variables={"first": first, "after": after})
    [found] = [each["orders"] for each in answer["data"]["clients"]["nodes"] if "ADA" in each["region"]]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_tells_whether_there_are_more(gateway: Gateway, way: str) -> None:
    """On the first page, on the last, and on one that holds just all there is."""
    whole = await page(gateway, 2, None, WAYS[way])
    assert whole["pageInfo"]["more"] is False
    first = await page(gateway, 1, None, WAYS[way])
    second = await page(gateway, 1, first["pageInfo"]["endCursor"], WAYS[way])
    told = [(each["pageInfo"]["hasPreviousPage"], each["pageInfo"]["more"]) for each in (first, second)]
    assert told == [(False, True), (True, False)]
    assert [*first["nodes"], *second["nodes"]] == whole["nodes"]
    assert len(whole["nodes"]) == 2


@pytest.mark.parametrize("first", [0, 1, 2, 3])
async def test_a_page_is_as_long_as_it_was_asked_for(gateway: Gateway, first: int) -> None:
    """Whether or not it has to tell if there are more."""
    plain = await page(gateway, first, None, "__typename")
    telling = await page(gateway, first, None, WAYS["by name"])
    assert plain["nodes"] == telling["nodes"]
    assert len(plain["nodes"]) == min(first, 2)
