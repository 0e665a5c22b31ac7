"""The code flow with proofs: codes and refresh tokens are held to a key where no secret is (RFC 9449, 5 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gateway.oauth.applications import applications
from tests.conftest import Gateway
from tests.door import CALLER
from tests.people import LOOPBACK, Flow, at, browser, claims
from tests.proofs import proof, thumbprint
from tests.shop import GRAPHQL, TOKEN

__all__ = ["at"]


@dataclass
class Proving(Flow):
    """A walk through the code flow with a proof in each token request: by a key, or one that is given, or none."""

    application: str = "desk"
    redirect_uri: str = LOOPBACK
    key: str | None = "ES256"
    given: str | None = None
    nonce: str | None = None

    async def ask(self, form: Mapping[str, str | None]) -> httpx.Response:
        """A token request with a proof."""
        made = None if self.key is None else proof(TOKEN, algorithm=self.key, nonce=self.nonce)
        sent = self.given or made
        headers = {} if sent is None else {"DPoP": sent}
        body = {"client_id": self.application, **form}
        answer = await self.browser.post("/oauth/token", data=body, headers=headers)
        self.nonce = answer.headers.get("dpop-nonce")
        return answer


def refused(answer: httpx.Response, error: str = "invalid_grant") -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


async def called(at: Gateway, token: str, *proofs: str, scheme: str = "DPoP") -> int:
    """The status of an operation with this token and these proofs."""
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", each) for each in proofs)]
    return (await at.client.post("/graphql", json=CALLER, headers=headers)).status_code


async def test_a_persons_tokens_are_bound_to_the_key_that_was_proven(at: Gateway) -> None:
    """From the code on: the access token opens with a proof and not without, and the refresh token brings another."""
    flow = Proving(browser(at))
    tokens = await flow.tokens(dpop_jkt=thumbprint())
    assert (tokens["token_type"], claims(tokens["access_token"])["cnf"]) == ("DPoP", {"jkt": thumbprint()})
    again = (await flow.refresh(tokens["refresh_token"])).json()
    assert (again["token_type"], claims(again["access_token"])["cnf"]) == ("DPoP", {"jkt": thumbprint()})
    for each in (tokens, again):
        token = each["access_token"]
        assert await called(at, token, proof(GRAPHQL, token)) == 200
        assert await called(at, token, scheme="Bearer") == 401


@pytest.mark.parametrize("key", [None, "Ed25519"])
async def test_a_stolen_code_is_worth_nothing_without_the_key_it_was_asked_for(
    at: Gateway, key: str | None
) -> None:
    """`dpop_jkt`: who took code and verifier off the device still has not its key."""
    flow = Proving(browser(at), key=key)
    refused(await flow.exchange(await flow.code(dpop_jkt=thumbprint())))


@pytest.mark.parametrize("key", [None, "Ed25519"])
async def test_a_stolen_refresh_token_is_worth_nothing_without_the_key(at: Gateway, key: str | None) -> None:
    """Also where the code was not asked for with a key: the one that exchanged it counts from then on."""
    flow = Proving(browser(at))
    tokens = await flow.tokens()
    flow.key = key
    refused(await flow.refresh(tokens["refresh_token"]))


async def test_a_code_is_not_used_up_by_a_proof_without_a_nonce(at: Gateway) -> None:
    """The same request comes again with one (RFC 9449, 8); a code that were spent would lock the person out."""
    async with at.writing() as connection:
        await connection.execute(
            update(applications).where(applications.c.id == "desk").values(dpop_required=1)
        )
    flow = Proving(browser(at))
    code = await flow.code()
    refused(await flow.exchange(code), "use_dpop_nonce")
    tokens = await flow.exchange(code)
    assert tokens.status_code == 200, tokens.text
    flow.nonce = None
    refused(await flow.refresh(tokens.json()["refresh_token"]), "use_dpop_nonce")
    assert (await flow.refresh(tokens.json()["refresh_token"])).status_code == 200


async def test_a_person_is_not_served_without_a_proof_where_one_is_due(at: Gateway) -> None:
    """And the code survives that too, for whoever can prove."""
    async with at.writing() as connection:
        await connection.execute(
            update(applications).where(applications.c.id == "desk").values(dpop_required=1)
        )
    flow = Proving(browser(at), key=None)
    code = await flow.code()
    refused(await flow.exchange(code), "invalid_dpop_proof")
    flow.key, flow.nonce = "ES256", None
    refused(await flow.exchange(code), "use_dpop_nonce")
    assert (await flow.exchange(code)).status_code == 200


async def test_a_proof_that_was_used_uses_up_no_code(at: Gateway) -> None:
    """Whoever replays a proof must not be able to burn a code with it, or end what follows from it."""
    flow = Proving(browser(at))
    flow.given = proof(TOKEN)
    assert (await flow.exchange(await flow.code())).status_code == 200
    code = await flow.code()
    refused(await flow.exchange(code), "invalid_dpop_proof")
    flow.given = None
    assert (await flow.exchange(code)).status_code == 200


@pytest.mark.parametrize("details", [{}, {"scope": "clients:read"}])
async def test_introspection_tells_the_binding(at: Gateway, details: dict[str, Any]) -> None:
    """RFC 9449, 6.2: a resource that asks learns which key to demand."""
    flow = Proving(browser(at))
    token = (await flow.tokens(**details))["access_token"]
    form = {"token": token, "client_id": "shop", "client_secret": "a secret of the application, long enough"}
    told = (await at.client.post("/oauth/introspect", data=form)).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": thumbprint()})
