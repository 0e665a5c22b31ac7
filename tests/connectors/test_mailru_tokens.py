"""myTarget's tokens and refusals: one token for all, renewed once for all, and never a loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.mailru.answers import accept
from connectors.mailru.mytarget import read
from connectors.mailru.sandbox import sandbox
from connectors.mailru.segments import LIST, segments
from gateway.connector import Answer, Kind, PartnerError, Upstream
from tests.connectors.test_mailru_world import KEYS, folder, partner
from tests.partners import served

__all__ = ["folder"]


async def names(upstream: Upstream) -> list[str]:
    page = await read(upstream, LIST, {"limit": "10", "offset": "0"})
    return [item["name"] for item in page["items"]]


# Tokens


async def test_ten_calls_at_once_take_one_token(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    async with partner(app) as upstream:
        found = await asyncio.gather(*(names(upstream) for _ in range(10)))
    assert len(found) == 10
    assert app.state.tokens.granted == 1


async def test_another_worker_takes_the_same_token(folder: Path) -> None:
    """Also after all that were there ended, and also one that was renewed meanwhile."""
    app = sandbox(folder, KEYS)
    async with served(app) as url:
        for _ in range(2):
            async with (
                Upstream("mailru", {**KEYS, "url": url}, state=folder / "state") as one,
                Upstream("mailru", {**KEYS, "url": url}, state=folder / "state") as other,
            ):
                await asyncio.gather(names(one), names(other))
                app.state.tokens.expire_all()
                await names(one)
                await names(other)
    assert (app.state.tokens.granted, app.state.tokens.refreshed) == (1, 2)


async def test_an_expired_token_is_refreshed_once_for_all_who_meet_it(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    async with partner(app) as upstream:
        for times in (1, 2):
            await names(upstream)
            app.state.tokens.expire_all()
            found = await asyncio.gather(*(names(upstream) for _ in range(10)))
            assert all(len(each) == 5 for each in found)
            assert (app.state.tokens.granted, app.state.tokens.refreshed) == (1, times)


async def test_a_token_that_another_worker_deleted_is_replaced_by_a_new_one(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    async with partner(app) as upstream:
        await names(upstream)
        app.state.tokens.delete_all()
        await asyncio.gather(*(names(upstream) for _ in range(5)))
    assert (app.state.tokens.granted, len(app.state.tokens.held)) == (2, 1)


async def test_at_the_ceiling_the_tokens_left_behind_are_deleted_once(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    for _ in range(5):
        app.state.tokens.grant()
    async with partner(app) as upstream:
        await asyncio.gather(*(names(upstream) for _ in range(5)))
    assert len(app.state.tokens.held) == 1


async def test_a_ceiling_that_stays_is_an_error_and_no_loop(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    app.state.tokens.grant = lambda: None
    async with partner(app) as upstream:
        with pytest.raises(PartnerError) as caught:
            await names(upstream)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "limit_reached")


async def test_a_revoked_token_stops_the_calls(folder: Path) -> None:
    app = sandbox(folder, KEYS)
    async with partner(app) as upstream:
        await names(upstream)
        app.state.tokens.revoke_all()
        with pytest.raises(PartnerError) as caught:
            await names(upstream)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "revoked_token")
    assert app.state.tokens.granted == 1


async def test_a_wrong_secret_is_an_error_that_does_not_say_it(folder: Path) -> None:
    app = sandbox(folder, {**KEYS, "client_secret": "renewed"})
    async with partner(app) as upstream:
        with pytest.raises(PartnerError) as caught:
            await names(upstream)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "invalid_client")
    assert KEYS["client_secret"] not in f"{caught.value!r} {caught.value.__context__!r}"


async def test_a_limit_per_second_is_waited_out(folder: Path) -> None:
    app = sandbox(folder, {**KEYS, "rps": "4"})
    async with partner(app) as upstream:
        batches = [batch async for batch in segments.pull(upstream, {})]
    assert sum(len(batch.records) for batch in batches) == 5


@pytest.mark.parametrize(
    ("body", "least", "most"),
    [
        (b'{"remaining": {"1": 0, "60": 7}}', 0, 1),
        (b'{"remaining": {"1": 0, "3600": 0}}', 0, 3600),
        (b'{"remaining": {"86400": 0}}', 0, 86400),
    ],
)
def test_a_spent_window_says_when_it_ends(body: bytes, least: float, most: float) -> None:
    with pytest.raises(PartnerError) as caught:
        accept(Answer(429, {}, body))
    assert caught.value.kind is Kind.THROTTLED
    assert caught.value.retry_after is not None
    assert least < caught.value.retry_after <= most


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"remainings": {"rps": 0}}', b'{"remaining": {"0": 0}}']
)
def test_a_throttling_that_says_nothing_is_still_one(body: bytes) -> None:
    with pytest.raises(PartnerError) as caught:
        accept(Answer(429, {}, body))
    assert (caught.value.kind, caught.value.retry_after) == (Kind.THROTTLED, None)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Answer(401, {}, b'{"code": "revoked_token", "message": "x"}'), Kind.AUTH, "revoked_token"),
        (Answer(403, {}, b'{"message": "no right"}'), Kind.AUTH, "forbidden"),
        (Answer(404, {}, b""), Kind.BUSINESS, "404"),
        (Answer(502, {}, b"<html>"), Kind.TRANSIENT, "502"),
        (Answer(200, {}, b"<html>"), Kind.TRANSIENT, None),
    ],
)
def test_refusals_are_told_apart(answer: Answer, kind: Kind, code: str | None) -> None:
    with pytest.raises(PartnerError) as caught:
        accept(answer)
    assert (caught.value.kind, caught.value.code) == (kind, code)
