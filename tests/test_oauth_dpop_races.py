"""A proof counts once, in whatever process and at whatever moment; and nothing of it is left lying about."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway.errors import Refusal
from gateway.oauth.keys import signing_keys
from gateway.oauth.nonces import nonces
from gateway.oauth.possession import Possession
from gateway.oauth.verification import Verifier
from gateway.store.database import writer
from tests.door import Lines, log
from tests.processes import command, forked
from tests.proofs import KEYS, proof
from tests.shop import GRAPHQL, TOKEN, Shop, shop

__all__ = ["log", "shop"]


def gateway(state: Path, port: int) -> None:
    """A process that serves the gateway."""
    command(state, "serve", "--port", str(port))


@pytest.fixture(scope="module")
def second(shop: Shop) -> Iterator[httpx.Client]:
    """Another process of the same gateway."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = forked(gateway, shop.door.settings.state, port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            for _ in range(300):
                try:
                    assert client.get("/readyz").status_code == 200
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.join()


@pytest.mark.parametrize("place", [TOKEN, GRAPHQL])
def test_thirty_uses_of_a_proof_at_once_are_one(shop: Shop, second: httpx.Client, place: str) -> None:
    """A4: with two processes; who looks first and notes after lets several through."""
    token = shop.token()
    for _ in range(3):
        used = proof(place, token)

        def use(number: int, used: str = used) -> int:
            client = second if number % 2 else shop.door.client
            answer = (
                shop.ask(used, client=client) if place == TOKEN else shop.call(token, used, client=client)
            )
            return answer.status_code

        with ThreadPoolExecutor(30) as pool:
            statuses = sorted(pool.map(use, range(30)))
        assert statuses == [200] + [400 if place == TOKEN else 401] * 29


def test_thirty_proofs_at_once_all_count(shop: Shop, second: httpx.Client) -> None:
    """The claim of one must not turn another away."""
    token = shop.token()

    def use(number: int) -> int:
        client = second if number % 2 else shop.door.client
        return shop.call(token, proof(GRAPHQL, token), client=client).status_code

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(use, range(30))) == {200}


async def test_a_proof_that_cannot_be_used_up_opens_nothing(shop: Shop, tmp_path: Path) -> None:
    """A database that is no longer what it was, full or locked: closed, and a word on when to come again; no 500."""
    used, token = shop.door.settings, shop.token()
    (tmp_path / "empty.db").touch()
    engine = writer(tmp_path / "empty.db")
    possession = Possession(engine, GRAPHQL, nonces(used.state))
    verifier = Verifier(signing_keys(used.state), used.issuer, used.audience, possession=possession)
    with pytest.raises(Refusal) as caught:
        await verifier.authenticate(f"DPoP {token}", "POST", [proof(GRAPHQL, token)])
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    await engine.dispose()


async def test_a_verifier_that_cannot_check_proofs_takes_no_bound_token(shop: Shop) -> None:
    """Rather than take it for a bearer token."""
    used, token = shop.door.settings, shop.token()
    verifier = Verifier(signing_keys(used.state), used.issuer, used.audience)
    for scheme in ("DPoP", "Bearer"):
        with pytest.raises(Refusal) as caught:
            await verifier.authenticate(f"{scheme} {token}", "POST", [proof(GRAPHQL, token)])
        assert caught.value.status == 401


def test_no_proof_and_no_token_is_in_the_log(shop: Shop, log: Lines) -> None:
    """A20: who reads the log must not be able to use what stands there, refused or not."""
    token = shop.token()
    sent = [proof(GRAPHQL, token), proof(GRAPHQL, token, iat=1, jti="canary-of-a-jti"), "canary-of-garbage"]
    assert [shop.call(token, each).status_code for each in sent] == [200, 401, 401]
    assert log.lines
    for secret in (*sent, token, "canary-of-a-jti", KEYS["ES256"].as_dict(private=True)["d"]):
        assert not any(str(secret).rpartition(".")[2] in line for line in log.lines)
