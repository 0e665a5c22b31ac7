"""An identity provider of somebody else's, on a socket: its metadata, its keys, and every way in which it can fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.errors import Refusal
from gateway.oauth.issuers import outside_issuers
from gateway.oauth.keys import Keys
from gateway.oauth.registration import Known
from gateway.oauth.tokens import Caller
from gateway.oauth.verification import Verifier
from gateway.trust import Source, Trust
from tests.conftest import ORIGIN
from tests.door import listening
from tests.proofs import signed

AUDIENCE = f"{ORIGIN}/graphql"
OWN = f"{ORIGIN}/oauth"
OURS = ECKey.generate_key("P-256", auto_kid=True)
KNOWN = Known(
    {"ALIBABA", "MAILRU"}, {"clients:read", "clients:pii", "alibaba:read"}, {"analytics", "targeted_offers"}
)


class Idp:
    """An issuer whose answers a test may change; `asked` lists the paths that were asked for."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: dict[str, Key] = {"one": ECKey.generate_key("P-256")}
        self.asked: list[str] = []
        self.forms = {"openid-configuration", "oauth-authorization-server"}
        self.metadata: dict[str, Any] = {}
        self.key_set: Any = None
        self.fault = ""
        self.delay = 0.0

    def app(self) -> Starlette:
        """Its server."""
        paths = (
            "/realm/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/realm",
            "/realm/keys",
        )
        return Starlette(routes=[Route(path, self._answer) for path in (*paths, "/elsewhere")])

    def _published(self) -> Any:
        if self.key_set is not None:
            return self.key_set
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig"} for kid, key in self.keys.items()
            ]
        }

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        await asyncio.sleep(self.delay)
        match self.fault:
            case "down":
                return Response(status_code=503)
            case "redirect" if path != "/elsewhere":
                return RedirectResponse("/elsewhere")
            case "large":
                return JSONResponse({"keys": [], "padding": "x" * 1_000_000})
            case "text":
                return Response("<html>canary-of-an-answer</html>")
            case "list":
                return JSONResponse([])
            case "deep":
                return Response("[" * 100_000)
        if path in ("/realm/keys", "/elsewhere"):
            return self._told(self._published())
        if not any(form in path for form in self.forms):
            return Response(status_code=404)
        return self._told({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.metadata})

    def _told(self, content: Any) -> Response:
        if self.fault != "packed":
            return JSONResponse(content)
        return Response(gzip.compress(json.dumps(content).encode()), headers={"Content-Encoding": "gzip"})

    def header(self, kid: str = "one", **other: Any) -> dict[str, Any]:
        """The header of its tokens; `other` replaces some members, with None takes one away."""
        return _without({"typ": "at+jwt", "alg": "ES256", "kid": kid, **other})

    def claims(self, **other: Any) -> dict[str, Any]:
        """The claims of a good token; `other` replaces some, with None takes one away."""
        now = int(time.time())
        found = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "client_id": "insights", "iat": now}
        found |= {"exp": now + 300, "jti": "1", "scope": "clients:read clients:pii", "org": "aliexpress"}
        return _without({**found, **other})

    def token(self, kid: str = "one", **other: Any) -> str:
        """A token of its own."""
        return signed(self.header(kid), self.claims(**other), self.keys[kid])


def _without(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def provider() -> Iterator[Idp]:
    """An issuer at work."""
    idp = Idp()
    with listening(idp.app()) as port:
        idp.issuer = f"http://127.0.0.1:{port}/realm"
        yield idp


def trust(idp: Idp, **other: Any) -> Trust:
    """What an operator may make of it: two of its scopes, and a party by what it calls the organisation."""
    found: dict[str, Any] = {
        "name": "keycloak",
        "issuer": idp.issuer,
        "algorithms": ("ES256",),
        "party": Source(claim=("org",), values={"aliexpress": "ALIBABA"}),
        "purpose": Source(fixed="analytics"),
        "scopes": ("clients:read", "alibaba:read"),
    }
    return Trust(**{**found, **other})


@pytest.fixture(scope="module")
def _provider() -> Iterator[Idp]:
    with provider() as idp:
        yield idp


@pytest.fixture
def idp(_provider: Idp) -> Idp:
    """An issuer at work that nobody has meddled with yet."""
    issuer = _provider.issuer
    _provider.__init__()  # type: ignore[misc]
    _provider.issuer = issuer
    return _provider


def verifier(*trusts: Trust, clock: Any = time.time) -> Verifier:
    """The gateway's, which trusts these issuers."""
    outside = outside_issuers(trusts, OWN, AUDIENCE, KNOWN)
    return Verifier(Keys(OURS), OWN, AUDIENCE, clock, outside=outside)


async def accepted(token: str, *trusts: Trust) -> Caller:
    """The caller that a token of theirs stands for."""
    return await verifier(*trusts).authenticate(f"Bearer {token}")


async def refused(token: str, *trusts: Trust) -> None:
    """The token is no good."""
    with pytest.raises(Refusal) as caught:
        await accepted(token, *trusts)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
