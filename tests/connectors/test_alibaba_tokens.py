"""Tokens of AliExpress renew themselves, by either protocol, and a list goes on where its token ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from connectors.alibaba.calls import call
from connectors.alibaba.orders import order_list
from connectors.alibaba.profiles import PROFILES
from connectors.alibaba.sandbox import sandbox
from gateway.connector import Kind, PartnerError, Upstream
from tests.connectors.test_alibaba_pull import ORDERS, ids, pulled
from tests.connectors.test_alibaba_world import SETTINGS, books, served

__all__ = ["books"]

PAIR = {**SETTINGS, "refresh_token": "refresh-0"}
METHOD = "aliexpress.solution.order.get"
PAGE = {"param0": {"current_page": 1, "page_size": 1}}


class Expiring:
    """The partner, whose token ends before each call that is told; it counts how often it gave out another."""

    def __init__(self, folder: Path, settings: dict[str, str], *at: int) -> None:
        self.app: Starlette = sandbox(folder, settings)
        self.at = at
        self.calls = 0
        self.grants = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the token and answer from the next on."""
        if "token" in scope["path"]:
            self.grants += 1
        else:
            self.calls += 1
            if self.calls in self.at:
                self.app.state.grants.expire_all()
        await self.app(scope, receive, send)


@pytest.fixture
def partner(books: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Expiring, str]]:
    """The partner, whose token ends at the calls that the test names."""
    app = Expiring(books, PAIR, *getattr(request, "param", ()))
    with served(app) as address:
        yield app, address


@pytest.mark.parametrize("partner", [(9,), (4, 8, 12)], indirect=True)
async def test_a_token_that_ends_midway_costs_nothing(partner: tuple[Expiring, str]) -> None:
    """F12: a pull whose token ends between two pages goes on at the same page; each end is one refresh."""
    app, address = partner
    async with Upstream("alibaba", {**PAIR, "url": address}) as upstream:
        found = ids(await pulled(order_list, upstream, {}))
    assert len(found) == ORDERS
    assert app.grants == len(app.at)


@pytest.mark.parametrize("protocol", PROFILES)
@pytest.mark.parametrize("partner", [(1,)], indirect=True)
async def test_by_each_protocol(partner: tuple[Expiring, str], protocol: str, tmp_path: Path) -> None:
    """IOP refreshes by a signed call, TOP by a form; another process finds the new pair and refreshes nothing."""
    app, address = partner
    settings = {**PAIR, "url": address, "protocol": protocol}
    for _ in range(2):
        async with Upstream("alibaba", settings, state=tmp_path) as upstream:
            assert (await call(upstream, METHOD, PAGE))["result"]["success"]
    assert app.grants == 1


async def test_a_code_becomes_a_pair(books: Path) -> None:
    """The code that a seller's consent gave is exchanged at the first call, once."""
    given: dict[str, Any] = {**SETTINGS, "code": "3_500102_code"}
    app = Expiring(books, given)
    with served(app) as address:
        async with Upstream("alibaba", {**given, "url": address}) as upstream:
            for _ in range(2):
                assert (await call(upstream, METHOD, PAGE))["result"]["success"]
    assert app.grants == 1


@pytest.mark.parametrize("partner", [(1,)], indirect=True)
async def test_where_nothing_is_left_the_seller_must_come_back(partner: tuple[Expiring, str]) -> None:
    """A refresh token that is refused too is said as such, not asked for ever, and no token stands in the error."""
    _, address = partner
    settings = {**PAIR, "refresh_token": "refresh-lost", "url": address}
    async with Upstream("alibaba", settings) as upstream:
        with pytest.raises(PartnerError) as caught:
            await call(upstream, METHOD, PAGE)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "needsReauth")
    assert "refresh-lost" not in caught.value.message


@pytest.mark.parametrize("partner", [(1,)], indirect=True)
async def test_without_a_refresh_token_it_is_the_operators(partner: tuple[Expiring, str]) -> None:
    """With only an access token in the settings, its end is an error that says so, and nothing is tried."""
    app, address = partner
    async with Upstream("alibaba", {**SETTINGS, "url": address}) as upstream:
        with pytest.raises(PartnerError) as caught:
            await call(upstream, METHOD, PAGE)
    assert (caught.value.kind, app.calls, app.grants) == (Kind.AUTH, 1, 0)
