"""TOP and IOP over one core: what the partner takes by each, and what is mended when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from connectors.alibaba.calls import call
from connectors.alibaba.clocks import clock_of
from connectors.alibaba.profiles import PROFILES
from connectors.alibaba.sandbox import sandbox
from connectors.alibaba.signing import sign_md5
from gateway.connector import Kind, PartnerError, Upstream
from tests.connectors.test_alibaba_world import SETTINGS, books, served

__all__ = ["books"]

METHOD = "aliexpress.solution.order.get"
PAGE = {"param0": {"current_page": 1, "page_size": 50, "order_status": "FINISH"}}


@pytest.fixture(scope="module")
def address(books: Path) -> Iterator[str]:
    """The partner at a socket."""
    with served(sandbox(books, SETTINGS)) as found:
        yield found


@pytest.fixture(params=PROFILES)
async def upstream(request: pytest.FixtureRequest, address: str) -> AsyncIterator[Upstream]:
    """The partner by one of its protocols."""
    # A path of its own, for what is learnt of a partner's clock is kept by address.
    async with Upstream("alibaba", {**SETTINGS, "url": address, "protocol": request.param}) as found:
        yield found
    clock_of(found.settings).offset = timedelta()


async def test_each_protocol_gives_the_same(upstream: Upstream) -> None:
    """Whichever protocol is set, the same call has the same answer, ids beyond 2^53 exact."""
    result = (await call(upstream, METHOD, PAGE))["result"]
    found = result["target_list"]["order_dto"]
    assert len(found) == 50
    assert all(isinstance(each["order_id"], int) for each in found)
    assert any(each["order_id"] > 2**53 for each in found)


@pytest.mark.parametrize("hours", [-3, 5])
async def test_a_wrong_clock_is_mended_once(upstream: Upstream, hours: int) -> None:
    """F06: with a clock that is hours off, the first call already succeeds, and what it learnt stays."""
    clock = clock_of(upstream.settings)
    clock.offset = timedelta(hours=hours)
    assert (await call(upstream, METHOD, PAGE))["result"]["success"]
    assert abs(clock.offset) < timedelta(seconds=5)


async def test_words_that_are_no_latin(upstream: Upstream) -> None:
    """F02, F03: values in any script and booleans are signed as they are sent."""
    asked = {**PAGE, "description": "Чехол 手机", "simplify": True}
    assert isinstance((await call(upstream, METHOD, asked))["result"]["target_list"], list)


@pytest.mark.parametrize("protocol", PROFILES)
async def test_a_wrong_key_is_said(address: str, protocol: str) -> None:
    """A wrong secret, token or application is AUTH by any protocol."""
    for wrong in SETTINGS:
        settings = {**SETTINGS, wrong: "wrong", "url": address, "protocol": protocol}
        async with Upstream("alibaba", settings) as upstream:
            with pytest.raises(PartnerError) as caught:
                await call(upstream, METHOD, PAGE)
        assert caught.value.kind is Kind.AUTH


async def test_no_such_protocol(address: str) -> None:
    """A protocol that is none is the operator's to mend."""
    async with Upstream("alibaba", {**SETTINGS, "url": address, "protocol": "soap"}) as upstream:
        with pytest.raises(PartnerError, match=r"protocol in .* must be iop or top"):
            await call(upstream, METHOD, PAGE)


async def test_top_answers_in_xml_unless_it_is_told(books: Path) -> None:
    """F26: without `format` the partner's TOP writes XML, errors too."""
    transport = httpx.ASGITransport(app=sandbox(books, SETTINGS))
    asked = {"method": METHOD, "app_key": SETTINGS["app_key"], "v": "2.0", "sign_method": "md5"}
    asked |= {"timestamp": "2016-01-01 12:00:00", "session": SETTINGS["access_token"]}
    asked["sign"] = sign_md5(asked, SETTINGS["app_secret"])
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        answer = await client.post("/router/rest", data=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<error_response><code>31</code>" in answer.text
