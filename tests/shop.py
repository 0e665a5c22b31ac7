"""A shop at the gateway's door: applications that prove possession of keys, over a real socket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from gateway.app import create_app
from gateway.oauth.applications import Known, add, applications
from gateway.oauth.dpop import ALGORITHMS
from gateway.store.database import writer
from tests.conftest import ORIGIN
from tests.door import CALLER, Door, filled, opened
from tests.proofs import proof

TOKEN, GRAPHQL = f"{ORIGIN}/oauth/token", f"{ORIGIN}/graphql"
KNOWN = Known({"ALIBABA"}, {"clients:read", "alibaba:read"}, {"analytics"})


class Shop:
    """Alibaba's applications at the gateway's door: `shop` may prove possession, `strict` must."""

    def __init__(self, door: Door, secrets: dict[str, str]) -> None:
        self.door = door
        self.secrets = secrets

    def ask(self, *proofs: str, id: str = "shop", client: httpx.Client | None = None) -> httpx.Response:
        """Ask for a token with these proofs."""
        pair = base64.b64encode(f"{id}:{self.secrets[id]}".encode()).decode()
        headers = [("Authorization", f"Basic {pair}"), *(("DPoP", each) for each in proofs)]
        form = {"grant_type": "client_credentials"}
        return (client or self.door.client).post("/oauth/token", data=form, headers=headers)

    def token(self, algorithm: str = "ES256") -> str:
        """A token bound to the key of this algorithm."""
        answer = self.ask(proof(TOKEN, algorithm=algorithm))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def call(
        self, token: str, *proofs: str, scheme: str = "DPoP", client: httpx.Client | None = None, **other: str
    ) -> httpx.Response:
        """Send an operation with a token and these proofs."""
        headers = [
            ("Authorization", f"{scheme} {token}"),
            *(("DPoP", each) for each in proofs),
            *other.items(),
        ]
        return (client or self.door.client).post("/graphql", json=CALLER, headers=headers)

    def nonce(self) -> str:
        """A nonce, as any answer to a proof brings one."""
        return str(self.ask(proof(TOKEN)).headers["dpop-nonce"])


async def register(state: Path) -> dict[str, str]:
    """The two applications; their secrets by id."""
    engine = writer(state / "gateway.db")
    async with engine.begin() as connection:
        scopes, purposes = ["clients:read", "alibaba:read"], ["analytics"]
        secrets = {
            id: await add(connection, id, id, "ALIBABA", scopes, purposes, KNOWN) for id in ("shop", "strict")
        }
        must = update(applications).where(applications.c.id == "strict").values(dpop_required=1)
        await connection.execute(must)
    await engine.dispose()
    return secrets


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    used = asyncio.run(filled(tmp_path_factory.mktemp("dpop")))
    secrets = asyncio.run(register(used.state))
    with opened(create_app(used), used) as door:
        yield Shop(door, secrets)


def refused(answer: httpx.Response, error: str = "invalid_dpop_proof") -> None:
    """The answer refuses the proof, at either place, in words of the gateway's own."""
    if answer.url.path == "/oauth/token":
        assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    else:
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith(f'DPoP error="{error}", error_description="')
        assert f'algs="{" ".join(ALGORITHMS)}"' in answer.headers["www-authenticate"]
