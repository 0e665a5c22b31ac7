"""The metadata is true: every member of it is tried, and one that nobody tries here fails the test."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import insert

from gateway.oauth.applications import applications
from gateway.oauth.public_keys import TYPE_OF, read_keys
from tests.assertions import claims as assertion_claims
from tests.assertions import form, jwks, key, signed
from tests.inspection import Inspection, here
from tests.people import _APPLICATION, SECRET, Flow, claims
from tests.proofs import proof

__all__ = ["here"]

DOCUMENTS = [
    "/.well-known/oauth-authorization-server/oauth",
    "/.well-known/openid-configuration/oauth",
    "/.well-known/oauth-protected-resource/graphql",
]

BATCH = {
    **_APPLICATION,
    "id": "batch",
    "name": "Batch",
    "authentication": "private_key_jwt",
    "grant_types": "client_credentials",
    "jwks": read_keys(jwks(key("RSA"), key("EC"), key("OKP")).encode()),
}
"""An application that authenticates by a key, of which it has one of each type."""


class Truth:
    """A gateway, one of the documents about it, and a trial of each member there may be."""

    def __init__(self, here: Inspection, document: dict[str, Any]) -> None:
        self.here = here
        self.document = document
        self.issuer = here.gateway.settings.issuer
        self.trials: dict[str, Callable[[Any], Awaitable[None]]] = {
            "issuer": self.issuer_signs,
            "resource": self.tokens_are_for,
            "authorization_servers": self.describe_themselves,
            "authorization_endpoint": self.asks_people,
            "token_endpoint": self.answers,
            "introspection_endpoint": self.answers,
            "revocation_endpoint": self.answers,
            "jwks_uri": self.verifies,
            "scopes_supported": self.are_all_there_are,
            "subject_types_supported": self.name_the_same_subject_to_all,
            "response_types_supported": self.bring_a_code,
            "response_modes_supported": self.bring_it_in_the_query,
            "grant_types_supported": self.bring_tokens,
            "code_challenge_methods_supported": self.are_the_only_challenges,
            "authorization_response_iss_parameter_supported": self.names_the_issuer,
            "authorization_details_types_supported": self.narrow,
            "bearer_methods_supported": self.take_tokens,
            "dpop_signing_alg_values_supported": self.bind_tokens,
            "dpop_bound_access_tokens_required": self.is_up_to_the_application,
        }
        for name in ("token", "introspection", "revocation"):
            self.trials[f"{name}_endpoint_auth_methods_supported"] = self.authenticating(name)
            self.trials[f"{name}_endpoint_auth_signing_alg_values_supported"] = self.signing(name)

    async def service_token(self, **more: str) -> dict[str, Any]:
        data = {"grant_type": "client_credentials", "client_id": "silent", "client_secret": SECRET, **more}
        answer = await self.here.http.post("/oauth/token", data=data)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def issuer_signs(self, issuer: str) -> None:
        assert claims((await self.service_token())["access_token"])["iss"] == issuer

    async def tokens_are_for(self, resource: str) -> None:
        assert claims((await self.service_token(resource=resource))["access_token"])["aud"] == resource

    async def describe_themselves(self, issuers: list[str]) -> None:
        for issuer in issuers:
            found = await self.here.http.get(f"{issuer}/.well-known/oauth-authorization-server")
            assert found.json()["issuer"] == issuer

    async def asks_people(self, address: str) -> None:
        answer = await self.here.http.get(address, params=Flow(self.here.http).asked())
        assert answer.status_code == 200
        assert 'name="password"' in answer.text

    async def answers(self, address: str) -> None:
        assert address.startswith(f"{self.issuer}/")
        answer = await self.here.http.post(address, data={"grant_type": "client_credentials", "token": "x"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")

    async def verifies(self, address: str) -> None:
        keys = KeySet.import_key_set((await self.here.http.get(address)).json())
        token = (await self.service_token())["access_token"]
        assert jwt.decode(token, keys, algorithms=["ES256"]).claims["client_id"] == "silent"

    async def are_all_there_are(self, scopes: list[str]) -> None:
        held = (await self.service_token())["scope"].split()
        assert set(held) <= set(scopes)
        assert len(scopes) == len(set(scopes)) > len(held)

    async def name_the_same_subject_to_all(self, types: list[str]) -> None:
        assert types == ["public"]
        tokens = [await self.here.tokens(id) for id in ("shop", "other")]
        assert len({claims(each["access_token"])["sub"] for each in tokens}) == 1

    async def bring_a_code(self, types: list[str]) -> None:
        assert types == ["code"]
        assert (await self.here.tokens("shop")).keys() >= {"access_token", "refresh_token"}
        answer = await self.here.http.get(
            "/oauth/authorize", params=Flow(self.here.http).asked(response_type="token")
        )
        assert "unsupported_response_type" in answer.headers["location"]

    async def bring_it_in_the_query(self, modes: list[str]) -> None:
        assert modes == ["query"]
        answer = await self.walk()
        assert "code=" in urlsplit(answer).query
        assert not urlsplit(answer).fragment

    async def walk(self) -> str:
        """Where the browser is sent with a code."""
        flow = Flow(self.here.http)
        location: str = (await flow.consented()).headers["location"]
        return location

    async def names_the_issuer(self, supported: bool) -> None:
        assert supported
        assert "iss=" in urlsplit(await self.walk()).query

    async def bring_tokens(self, grants: list[str]) -> None:
        tokens = await self.here.tokens("shop")
        tried = {
            "client_credentials": await self.service_token(),
            "authorization_code": tokens,
            "refresh_token": (await Flow(self.here.http).refresh(tokens["refresh_token"])).json(),
        }
        assert tried.keys() == set(grants)
        assert all(each["access_token"] for each in tried.values())

    async def are_the_only_challenges(self, methods: list[str]) -> None:
        assert methods == ["S256"]
        assert await self.here.tokens("shop")
        asked = Flow(self.here.http).asked(code_challenge_method="plain")
        answer = await self.here.http.get("/oauth/authorize", params=asked)
        assert "invalid_request" in answer.headers["location"]

    async def narrow(self, types: list[str]) -> None:
        for kind in types:
            details = json.dumps([{"type": kind, "party": "ALIBABA", "datasets": ["accounts"]}])
            token = await self.service_token(authorization_details=details)
            assert token["authorization_details"][0]["type"] == kind

    async def take_tokens(self, ways: list[str]) -> None:
        assert ways == ["header"]
        token = (await self.service_token())["access_token"]
        assert await self.here.works(token)
        answer = await self.here.http.post(
            f"/graphql?access_token={token}", json={"query": "{ caller { party } }"}
        )
        assert answer.status_code == 401

    async def bind_tokens(self, algorithms: list[str]) -> None:
        settings, http = self.here.gateway.settings, self.here.http
        data = {"grant_type": "client_credentials", "client_id": "silent", "client_secret": SECRET}
        for algorithm in algorithms:
            sent = {"DPoP": proof(f"{self.issuer}/token", algorithm=algorithm)}
            token = (await http.post("/oauth/token", data=data, headers=sent)).json()
            assert token["token_type"] == "DPoP"
            shown = proof(settings.audience, token["access_token"], algorithm)
            headers = {"DPoP": shown, "Authorization": f"DPoP {token['access_token']}"}
            answer = await http.post("/graphql", json={"query": "{ caller { party } }"}, headers=headers)
            assert answer.status_code == 200, f"{algorithm}: {answer.text}"

    async def is_up_to_the_application(self, required: bool) -> None:
        assert not required
        assert await self.here.works((await self.service_token())["access_token"])

    def authenticating(self, endpoint: str) -> Callable[[Any], Awaitable[None]]:
        """Each method that is named authenticates there."""

        async def trial(methods: list[str]) -> None:
            for method in methods:
                await self.prove(endpoint, method)

        return trial

    def signing(self, endpoint: str) -> Callable[[Any], Awaitable[None]]:
        """An assertion of each algorithm that is named authenticates there."""

        async def trial(algorithms: list[str]) -> None:
            assert algorithms
            for algorithm in algorithms:
                await self.prove(endpoint, "private_key_jwt", algorithm)

        return trial

    async def prove(self, endpoint: str, method: str, algorithm: str = "ES256") -> None:
        """Authenticate in one way at one endpoint."""
        data, auth = {"grant_type": "client_credentials", "token": "x"}, None
        if method == "client_secret_basic":
            auth = ("silent", SECRET)
        elif method == "client_secret_post":
            data |= {"client_id": "silent", "client_secret": SECRET}
        elif method == "private_key_jwt":
            said = assertion_claims("batch", aud=self.issuer)
            data |= form(signed({"alg": algorithm}, said, key(TYPE_OF[algorithm])))
        else:
            assert method == "none"
            # A public application has no business of its own: it brings a person's code.
            tokens = await self.here.tokens("desk")
            data |= {
                "client_id": "desk",
                "grant_type": "refresh_token",
                "refresh_token": tokens["refresh_token"],
            }
        answer = await self.here.http.post(self.document[f"{endpoint}_endpoint"], data=data, auth=auth)
        assert answer.status_code == 200, f"{endpoint} by {method}: {answer.text}"


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_every_member_of_the_metadata_is_true(here: Inspection, path: str) -> None:
    """Each endpoint answers, each method and each algorithm works, and nothing is named that is not tried."""
    async with here.gateway.writing() as connection:
        await connection.execute(insert(applications).values(BATCH))
    document = (await here.http.get(path)).json()
    truth = Truth(here, document)
    assert document.keys() <= truth.trials.keys(), "try what is new in the metadata here"
    for name, value in document.items():
        await truth.trials[name](value)
