"""A gateway on a real socket, as partners' libraries find it, with an application of each kind registered."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import trustme
import uvicorn
from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy import insert

from gateway.app import create_app
from gateway.oauth import users
from gateway.oauth.applications import applications, hash_secret
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.tables import instant
from tests.answers import data_of
from tests.conftest import ALL_SCOPES, empty_database
from tests.people import KNOWN
from tests.processes import CONTEXT
from tests.world import small_world, write

Key = ECKey | OKPKey | RSAKey

ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519")
"""What an application may sign its assertions with."""

CALLBACK = "https://app.example/callback"
PERSON = "li.wei@alibaba.example"
PASSWORD = "correct horse battery staple"
QUERY = "{ caller { party } clients { totalCount } }"


@cache
def key(algorithm: str, name: str = "") -> Key:
    """A key pair for an algorithm, another for each name."""
    about = {"use": "sig", "alg": algorithm}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", about, auto_kid=True)
    if algorithm == "Ed25519":
        return OKPKey.generate_key("Ed25519", about, auto_kid=True)
    return RSAKey.generate_key(2048, about, auto_kid=True)


def secret(id: str) -> str:
    """The secret of an application; of the characters that all have, some of which strict libraries encode."""
    return f"-_secret-of_{id}-_"


def _signer(id: str, algorithm: str, **other: Any) -> dict[str, Any]:
    keys = {"keys": [key(algorithm, id).as_dict(private=False)]}
    return {"id": id, "authentication": "private_key_jwt", "jwks": json.dumps(keys), **other}


def _applications() -> list[dict[str, Any]]:
    people = {"grant_types": "authorization_code refresh_token", "redirect_uris": CALLBACK}
    return [
        {"id": "shop"},
        *(_signer(f"signer-{algorithm.lower()}", algorithm) for algorithm in ALGORITHMS),
        _signer("strict", "ES256", strict_audience=1),
        _signer("bound", "ES256", dpop_required=1),
        {"id": "browser", "authentication": "none", **people},
        {"id": "site", **people},
        _signer("portal", "ES256", dpop_required=1, **people),
    ]


def _row(about: Mapping[str, Any]) -> dict[str, Any]:
    kept = about.get("authentication", "client_secret") == "client_secret"
    return {
        "name": about["id"].title(),
        "party": "ALIBABA",
        "secret_hash": hash_secret(secret(about["id"])) if kept else None,
        "scopes": ALL_SCOPES["ALIBABA"],
        "purposes": "analytics targeted_offers",
        "created_at": instant(datetime.now(UTC)),
        **about,
    }


@dataclass
class Served:
    """A gateway that listens, and what a stranger needs to know of it."""

    settings: Settings
    http: httpx.Client = field(repr=False)
    trusted: ssl.SSLContext = field(repr=False)
    certificates: Path
    """The certificate of who signed the gateway's own, PEM."""

    @property
    def issuer(self) -> str:
        """The address a library is given, and discovers the rest from."""
        return self.settings.issuer

    @property
    def resource(self) -> str:
        """The GraphQL endpoint."""
        return self.settings.audience

    def answers(self, token: str, **headers: str) -> Any:
        """What the GraphQL endpoint answers to the bearer of a token."""
        sent = {"Authorization": f"Bearer {token}", **headers}
        response = self.http.post("/graphql", json={"query": QUERY}, headers=sent)
        assert response.status_code == 200, response.text
        return checked(response.json())


def checked(answer: Any, party: str = "ALIBABA") -> Any:
    """The data of an answer to `QUERY` by an application of that party, which sees its clients."""
    found = data_of(answer)
    assert found["caller"]["party"] == party
    assert found["clients"]["totalCount"] > 0
    return found


async def furnish(settings: Settings) -> None:
    """The small world, and the applications, in the gateway's database."""
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, small_world())
        for about in _applications():
            await connection.execute(insert(applications).values(_row(about)))
        scopes, purposes = ALL_SCOPES["ALIBABA"].split(), ["analytics", "targeted_offers"]
        await users.add(connection, PERSON, "Li Wei", "ALIBABA", PASSWORD, scopes, purposes, KNOWN)
    await database.dispose()


@contextmanager
def listening(state: Path, secure: bool = True, **options: Any) -> Iterator[Served]:
    """A gateway with its issuer at a path of `https://localhost:…`, or of `http://127.0.0.1:…`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        origin = f"https://localhost:{port}" if secure else f"http://127.0.0.1:{port}"
        settings = Settings(state=state, origin=origin, **options)
        asyncio.run(furnish(settings))
        authority = trustme.CA()
        certificates = state / "authority.pem"
        authority.cert_pem.write_to_path(certificates)
        trusted = ssl.create_default_context()
        authority.configure_trust(trusted)
        process = CONTEXT.Process(
            target=serve,
            args=(settings, listener, _certified(state, authority) if secure else {}),
            daemon=True,
        )
        process.start()
        try:
            with httpx.Client(base_url=origin, verify=trusted, timeout=20) as http:
                http.get("/healthz").raise_for_status()
                yield Served(settings, http, trusted, certificates)
        finally:
            process.kill()
            process.join()


def serve(settings: Settings, listener: socket.socket, certified: dict[str, str]) -> None:
    """Serve, in a process of its own, until it is killed."""
    config = uvicorn.Config(
        create_app(settings), log_config=None, access_log=False, server_header=False, **certified
    )
    uvicorn.Server(config).run([listener])


def _certified(state: Path, authority: trustme.CA) -> dict[str, str]:
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(state / "server.key")
    certificate.cert_chain_pems[0].write_to_path(state / "server.pem")
    return {"ssl_keyfile": str(state / "server.key"), "ssl_certfile": str(state / "server.pem")}
