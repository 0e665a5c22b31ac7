"""Bound tokens at connections that stay open: the proof comes with the handshake, and holds for what it opened."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.proofs import proof, thumbprint
from tests.subscribers import Socket, Station, errors, shared
from tests.test_sockets import QUERY, refused

__all__ = ["shared"]


def headers(station: Station, token: str, **claims: Any) -> dict[str, str]:
    """Those of a handshake, which is a GET."""
    found = proof(station.settings.audience, token, **{"htm": "GET", **claims})
    return {"authorization": f"DPoP {token}", "dpop": found}


async def opened(socket: Socket) -> None:
    """Make the caller known by what the handshake brought."""
    await socket.say("connection_init")
    assert await socket.hear() == {"type": "connection_ack"}


async def test_a_bound_token_opens_a_socket_with_its_proof(shared: Station) -> None:
    """And is looked after without another; the proof is used up."""
    token = shared.token(key=thumbprint())
    once = headers(shared, token)
    async with shared.socket(**once) as socket:
        await opened(socket)
        await (await socket.subscribe()).heard("AlibabaOrder:ADA")
        asked = await socket.subscribe(QUERY, "2")
        message = await socket.hear()
        while message.get("id") != asked.id:
            message = await socket.hear()
        assert message["payload"]["data"]["caller"]["party"] == "ALIBABA"
    assert await refused(shared, **once) == 401


async def test_a_bound_token_is_nothing_without_its_proof(shared: Station) -> None:
    """By another method, for another token, as a bearer token, or in the first message."""
    token = shared.token(key=thumbprint())
    assert await refused(shared, **headers(shared, token, htm="POST")) == 401
    assert (
        await refused(
            shared,
            **headers(shared, shared.token(key=thumbprint(), user="x")) | {"authorization": f"DPoP {token}"},
        )
        == 401
    )
    assert await refused(shared, authorization=f"Bearer {token}") == 401
    for scheme in ("DPoP", "Bearer"):
        async with shared.socket() as socket:
            await socket.say("connection_init", payload={"authorization": f"{scheme} {token}"})
            assert (await socket.closed())[0] == 4403


async def test_a_bound_token_that_expires_ends_the_socket(shared: Station) -> None:
    token = shared.token(key=thumbprint(), lifetime=2)
    async with shared.socket(**headers(shared, token)) as socket, asyncio.timeout(5):
        await opened(socket)
        assert (await socket.closed())[0] == 4403


async def test_a_bound_token_opens_a_stream_with_its_proof(shared: Station) -> None:
    token = shared.token(key=thumbprint())
    sent = {
        "authorization": f"DPoP {token}",
        "dpop": proof(shared.settings.audience, token),
        "accept": "text/event-stream",
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{shared.port}") as client:
        answer = await client.post("/graphql", json={"query": QUERY}, headers=sent)
        assert answer.text.startswith(":\n\nevent: next\ndata: {")
        again = await client.post("/graphql", json={"query": QUERY}, headers=sent)
        assert again.status_code == 401
        assert errors(again.json()) == ["UNAUTHENTICATED"]
