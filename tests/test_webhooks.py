"""Messages at the door: the partner's own are taken and thanked for, and all others cost little and learn nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from connectors.alibaba.push import sign_push
from gateway.telemetry.metrics import registry
from gateway.webhooks import reception
from tests.connectors.test_alibaba_world import SETTINGS
from tests.shopkeeper import NOW, PUSHED, Shop, push, pushed, shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop for all tests that only read, or whose orders are theirs."""
    async with shop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(filled: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway's door."""
    async with filled.serving() as found:
        yield found


def counted(outcome: str) -> float:
    """Messages with this outcome until now."""
    labels = {"connector": "alibaba", "outcome": outcome}
    return registry.get_sample_value("gateway_webhook_messages_total", labels) or 0.0


async def settled(found: Shop) -> None:
    """Wait until nothing is left to do."""
    async with asyncio.timeout(5):
        while found.ask("SELECT 1 FROM partner_events WHERE done_at IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_message_becomes_of_the_order(filled: Shop, client: httpx.AsyncClient) -> None:
    """Acknowledged with nothing but 200, written without a call to the partner, and told to subscribers."""
    [order] = filled.orders()
    filled.write("INSERT INTO order_listeners VALUES ('test', '2099-01-01T00:00:00Z')")
    calls = len(filled.calls)
    response = await push(client, pushed(order, "WAIT_SELLER_SEND_GOODS"))
    assert (response.status_code, response.content) == (200, b"")
    await settled(filled)
    since = NOW.isoformat().replace("+00:00", "Z")
    assert filled.stands(order) == ("AWAITING_SHIPMENT", "WAIT_SELLER_SEND_GOODS", since)
    assert filled.ask("SELECT order_id FROM order_changes") == [(f"AlibabaOrder:{order}",)]
    assert len(filled.calls) == calls
    filled.write("DELETE FROM order_listeners")


async def test_the_same_again_is_thanked_for_and_is_nothing_new(
    filled: Shop, client: httpx.AsyncClient
) -> None:
    """Byte for byte, or sent anew with another time of sending; by this worker's memory and by the database."""
    order = filled.orders(2)[1]
    body = pushed(order, "WAIT_BUYER_ACCEPT_GOODS")
    assert (await push(client, body)).status_code == 200
    events, repeated = filled.ask("SELECT count(*) FROM partner_events"), counted("repeated")
    assert (await push(client, body)).status_code == 200
    anew = pushed(order, "WAIT_BUYER_ACCEPT_GOODS", sent=NOW + timedelta(seconds=30))
    async with filled.serving() as other:
        assert (await push(other, anew)).status_code == 200
    assert counted("repeated") == repeated + 2
    assert filled.ask("SELECT count(*) FROM partner_events") == events


GOOD = pushed(1, "IN_ISSUE")

FORGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "without a signature": (GOOD, {"authorization": ""}),
    "signed with another secret": (GOOD, {"authorization": sign_push({**SETTINGS, "app_secret": "x"}, GOOD)}),
    "signed for another application": (
        GOOD,
        {"authorization": sign_push({**SETTINGS, "app_key": "1"}, GOOD)},
    ),
    "another body's signature": (GOOD, {"authorization": sign_push(SETTINGS, GOOD + b" ")}),
    "a space more": (GOOD + b" ", {"authorization": sign_push(SETTINGS, GOOD)}),
    "half a signature": (GOOD, {"authorization": sign_push(SETTINGS, GOOD)[:32]}),
    "a scheme before it": (GOOD, {"authorization": "Bearer " + sign_push(SETTINGS, GOOD)}),
    "no hexadecimal digits": (GOOD, {"authorization": "ü" * 64}),
    "a token of ours": (GOOD, {"authorization": "DPoP e30.e30.e30"}),
    "nothing at all": (b"", {"authorization": sign_push({**SETTINGS, "app_secret": ""}, b"")}),
}


@pytest.mark.parametrize("case", FORGED)
async def test_a_forged_message_learns_nothing(filled: Shop, client: httpx.AsyncClient, case: str) -> None:
    """403 without a word, the same for each, and nothing is kept of it."""
    body, headers = FORGED[case]
    before = filled.ask("SELECT count(*) FROM partner_events"), counted("forged")
    sent: Any = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value]
    response = await client.post(PUSHED, content=body, headers=sent)
    assert (response.status_code, response.content) == (403, b"")
    assert filled.ask("SELECT count(*) FROM partner_events") == before[0]
    assert counted("forged") == before[1] + 1


async def test_two_signatures_are_none(client: httpx.AsyncClient) -> None:
    """So that nobody can choose which of them counts."""
    signature = sign_push(SETTINGS, GOOD).encode()
    headers = [(b"authorization", b"x"), (b"authorization", signature)]
    assert (await client.post(PUSHED, content=GOOD, headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(NOW - timedelta(days=1, minutes=1), id="a day ago"),
        pytest.param(NOW - timedelta(days=3000), id="years ago"),
        pytest.param(NOW + timedelta(hours=1), id="in an hour"),
    ],
)
async def test_a_message_of_another_time_is_refused(client: httpx.AsyncClient, sent: Any) -> None:
    """A good signature does not last."""
    late = counted("late")
    response = await push(client, pushed(1, "IN_ISSUE", sent=sent))
    assert (response.status_code, response.content) == (403, b"")
    assert counted("late") == late + 1


UNREADABLE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"message_type": 0}',
    b'{"message_type": 0, "timestamp": 1e400}',
    b'{"message_type": 0, "timestamp": 99999999999999999}',
    pushed(1, "", NOW),
    pushed(1, "IN_ISSUE", NOW, trade_order_id=1.5),
    pushed(1, "IN_ISSUE", NOW, trade_order_id="1; DROP TABLE orders"),
    pushed(1, "IN_ISSUE", NOW, trade_order_id=str(2**64)),
    pushed(1, "IN_ISSUE", NOW, status_update_time="yesterday"),
    b"\xff\xfe",
    b"[" * 30_000,
]


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_what_cannot_be_read_is_put_aside_and_not_sent_for_again(
    filled: Shop, client: httpx.AsyncClient, body: bytes
) -> None:
    """It is the partner's own, and would be no better the second time; the operator finds it with the reason."""
    before = filled.ask("SELECT count(*) FROM dead_letters")[0][0]
    for _ in range(2):
        assert (await push(client, body)).status_code == 200
    rows = filled.ask("SELECT connector, dataset, reason FROM dead_letters")
    assert len(rows) == before + 1
    assert all(row[:2] == ("alibaba", "messages") for row in rows)


async def test_messages_of_other_things_are_thanked_for(filled: Shop, client: httpx.AsyncClient) -> None:
    """A product's, a seller's: nothing is kept of them."""
    before = filled.ask("SELECT count(*) FROM partner_events")
    milliseconds = int(NOW.timestamp() * 1000)
    body = b'{"message_type": 12, "data": {"category": 7}, "timestamp": %d}' % milliseconds
    assert (await push(client, body)).status_code == 200
    assert filled.ask("SELECT count(*) FROM partner_events") == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PUSHED, 405),
        ("PUT", PUSHED, 405),
        ("OPTIONS", PUSHED, 405),
        ("POST", "/webhooks/mailru", 404),
        ("POST", "/webhooks/nobody", 404),
        ("POST", "/webhooks/alibaba/", 404),
        ("POST", "/webhooks/", 404),
        ("POST", "/webhooks/%00", 404),
    ],
)
async def test_nothing_else_is_there(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """Not for partners without messages either."""
    signature = sign_push(SETTINGS, GOOD)
    response = await client.request(method, path, content=GOOD, headers={"authorization": signature})
    assert response.status_code == status


async def test_a_message_is_small_and_comes_soon(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said beforehand or not, more than a message may have is not read; nor is it waited for for long."""
    large = b" " * (reception.LARGEST + 1)
    assert (await push(client, large)).status_code == 413

    async def dripped() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield large[:1000]

    async def late() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)

    headers = {"authorization": "x"}
    assert (await client.post(PUSHED, content=dripped(), headers=headers)).status_code == 413
    monkeypatch.setattr(reception, "SECONDS", 0.05)
    assert (await client.post(PUSHED, content=late(), headers=headers)).status_code == 408


async def test_more_than_are_read_at_once_are_sent_away(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 429 and without reading, so that slow bodies take no memory; there is room again afterwards."""
    monkeypatch.setattr(reception, "AT_ONCE", 3)
    release = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await release.wait()

    waiting = [
        asyncio.create_task(client.post(PUSHED, content=slow(), headers={"authorization": "x"}))
        for _ in range(3)
    ]
    await asyncio.sleep(0.05)
    assert (await push(client, GOOD)).status_code == 429
    release.set()
    assert [each.status_code for each in await asyncio.gather(*waiting)] == [403, 403, 403]
    assert (await push(client, GOOD)).status_code == 200


async def test_a_burst_is_taken_together(filled: Shop, client: httpx.AsyncClient) -> None:
    """Two hundred at once, each once, and again: none is lost, none doubled."""
    before = filled.ask("SELECT count(*) FROM partner_events")[0][0]
    bodies = [pushed(10**15 + n, "IN_ISSUE", NOW) for n in range(100)]
    responses = await asyncio.gather(*(push(client, body) for body in bodies * 2))
    assert {each.status_code for each in responses} == {200}
    assert filled.ask("SELECT count(*) FROM partner_events")[0][0] == before + 100


async def test_nothing_of_a_message_is_in_the_log(
    filled: Shop, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither of the partner's own, nor of others, nor the signature."""
    caplog.set_level("DEBUG", "gateway")
    canary = 777_000_111_222_333
    body = pushed(canary, "CANARY_STATUS", seller="canary seller")
    await push(client, body)
    await push(client, body, authorization="canary signature")
    await client.post("/webhooks/canary", content=body)
    await asyncio.sleep(0.1)
    said = " ".join(str(record.__dict__) for record in caplog.records)
    assert "accepted" in said
    assert "forged" in said
    assert str(canary) not in said
    assert "canary" not in said.lower()


async def test_what_cannot_be_kept_is_not_thanked_for(tmp_path: Path, filled: Shop) -> None:
    """So that it comes again: 503, for the partner's own alone."""
    async with shop(tmp_path, filled.folder) as other, other.serving() as client:
        other.write("DROP TABLE partner_events")
        response = await push(client, pushed(1, "IN_ISSUE"))
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert (await push(client, GOOD, authorization="x")).status_code == 403
