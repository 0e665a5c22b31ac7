"""The token service as a whole: an application asks for a token, and the gateway knows who calls."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from gateway.errors import SettingsError
from gateway.oauth.applications import add
from gateway.oauth.keys import Keys, signing_keys
from gateway.oauth.registration import Known
from gateway.oauth.routes import routes
from gateway.oauth.verification import Verifier
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.tables import metadata

SCOPES = {"orders:read": "Orders.", "clients:read": "Clients.", "clients:pii": "Names."}
KNOWN = Known({"ALIBABA", "MAILRU"}, SCOPES, {"analytics", "targeted_offers", "reporting"})
ORIGIN = "https://gateway.example"


@dataclass
class World:
    """The service's own routes in an application, its database, and a client of it over HTTP."""

    settings: Settings
    engine: AsyncEngine
    keys: Keys
    app: Starlette
    http: httpx.AsyncClient
    secrets: dict[str, str]

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.keys, self.settings.issuer, self.settings.audience)

    def basic(self, id: str = "shop", secret: str | None = None) -> dict[str, str]:
        pair = f"{id}:{self.secrets['shop'] if secret is None else secret}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    async def ask(self, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """A token request; with the credentials of `shop` in HTTP Basic unless `headers` says otherwise."""
        chosen = self.basic() if headers is None else headers
        data = {"grant_type": "client_credentials", **form}
        return await self.http.post("/oauth/token", data=data, headers=chosen)


@asynccontextmanager
async def world(state: Path, origin: str = ORIGIN) -> AsyncIterator[World]:
    settings = Settings(state=state, origin=origin)
    await lay_tables(settings)
    engine = writer(settings.database)
    try:
        secrets = await furnish(engine)
        keys = signing_keys(state)
        app = Starlette(routes=routes(settings, engine, keys, SCOPES))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=origin) as http:
            yield World(settings, engine, keys, app, http, secrets)
    finally:
        await engine.dispose()


_TABLES: list[bytes] = []


async def lay_tables(settings: Settings) -> None:
    """A database with all tables; to make them takes longer than most tests, so it is done once for all."""
    if not _TABLES:
        settings.database.touch()
        engine = writer(settings.database)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()
        _TABLES.append(settings.database.read_bytes())
    settings.database.write_bytes(_TABLES[0])


async def furnish(engine: AsyncEngine) -> dict[str, str]:
    """Three applications of one party; their secrets by id."""
    given = {"shop": ["orders:read", "clients:read"], "other": ["orders:read"], "bare": []}
    async with engine.begin() as connection:
        purposes = ["analytics", "targeted_offers"]
        return {
            id: await add(connection, id, id.title(), "ALIBABA", scopes, purposes, KNOWN)
            for id, scopes in given.items()
        }


async def test_a_token_that_was_asked_for_makes_its_bearer_the_caller(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        answer = await here.ask(scope="orders:read", purpose="targeted_offers")
        assert answer.status_code == 200
        token = answer.json()
        caller = await here.verifier.authenticate(f"Bearer {token['access_token']}")
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 300, "orders:read")
    assert (caller.party, caller.application, caller.purpose) == ("ALIBABA", "shop", "targeted_offers")
    assert caller.scopes == {"orders:read"}


async def test_another_process_of_the_same_state_verifies_the_token(tmp_path: Path) -> None:
    """Gateway replicas hold no state: what one issues, the other accepts."""
    async with world(tmp_path) as here:
        token = (await here.ask()).json()["access_token"]
    again = Verifier(signing_keys(tmp_path), here.settings.issuer, here.settings.audience)
    assert (await again.authenticate(f"Bearer {token}")).application == "shop"


async def test_no_secret_and_no_token_is_in_the_log_even_at_debug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Authlib writes whole tokens at DEBUG; whoever reads the log could use them for five minutes."""
    caplog.set_level(logging.DEBUG)
    async with world(tmp_path) as here:
        basic = await here.ask()
        post = await here.ask(headers={}, client_id="shop", client_secret=here.secrets["shop"])
        wrong = await here.ask(headers=here.basic(secret="canary-of-a-wrong-secret"))
        await here.verifier.authenticate(f"Bearer {basic.json()['access_token']}")
        credentials = here.basic()["Authorization"].removeprefix("Basic ")
        private = here.keys.current.as_dict(private=True)["d"]
    assert (basic.status_code, post.status_code, wrong.status_code) == (200, 200, 401)
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "SELECT" in said, "the capture does not work"
    tokens = [one.json()["access_token"] for one in (basic, post)]
    for secret in [*here.secrets.values(), "canary-of-a-wrong-secret", credentials, private, *tokens]:
        assert secret not in said
        assert secret.rpartition(".")[2] not in said


@pytest.mark.parametrize(
    "origin", ["http://gateway.example", "http://0.0.0.0:8000", "gateway.example", "http://["]
)
async def test_an_origin_that_would_send_tokens_in_the_clear_stops_the_start(
    tmp_path: Path, origin: str
) -> None:
    """Trap 7: Authlib refuses such an address only when a request comes, as a 500."""
    with pytest.raises(SettingsError, match="https"):
        routes(Settings(state=tmp_path, origin=origin), writer(tmp_path / "x.db"), signing_keys(tmp_path), {})


@pytest.mark.parametrize("origin", ["https://gateway.example/", "https://gateway.example/base"])
async def test_an_origin_with_a_path_stops_the_start(tmp_path: Path, origin: str) -> None:
    """The well-known addresses would not be where the standards look for them."""
    with pytest.raises(SettingsError, match="path"):
        routes(Settings(state=tmp_path, origin=origin), writer(tmp_path / "x.db"), signing_keys(tmp_path), {})
