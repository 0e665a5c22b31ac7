"""The code flow with proofs: codes and refresh tokens are held to a key where no secret is (RFC 9449, 5 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gateway.errors import Refusal
from gateway.oauth.applications import applications
from gateway.oauth.keys import signing_keys
from gateway.oauth.nonces import nonces
from gateway.oauth.possession import Possession
from gateway.oauth.verification import Verifier
from tests.people import LOOPBACK, SECRET, Flow, Here, claims, here
from tests.proofs import proof, thumbprint
from tests.shop import GRAPHQL, TOKEN

__all__ = ["here"]


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


async def opens(here: Here, token: str, *proofs: str, scheme: str = "DPoP") -> bool:
    """Whether a token opens the resource with these proofs."""
    used = here.settings
    possession = Possession(here.engine, used.audience, nonces(used.state))
    verifier = Verifier(signing_keys(used.state), used.issuer, used.audience, possession=possession)
    try:
        return bool(await verifier.authenticate(f"{scheme} {token}", "POST", proofs))
    except Refusal:
        return False


async def test_a_persons_tokens_are_bound_to_the_key_that_was_proven(here: Here) -> None:
    """From the code on: the access token opens with a proof and not without, and the refresh token brings another."""
    flow = Proving(here.browser())
    tokens = await flow.tokens(dpop_jkt=thumbprint())
    assert (tokens["token_type"], claims(tokens["access_token"])["cnf"]) == ("DPoP", {"jkt": thumbprint()})
    again = (await flow.refresh(tokens["refresh_token"])).json()
    assert (again["token_type"], claims(again["access_token"])["cnf"]) == ("DPoP", {"jkt": thumbprint()})
    for each in (tokens, again):
        token = each["access_token"]
        assert await opens(here, token, proof(GRAPHQL, token))
        assert not await opens(here, token, scheme="Bearer")


@pytest.mark.parametrize("key", [None, "Ed25519"])
async def test_a_stolen_code_is_worth_nothing_without_the_key_it_was_asked_for(
    here: Here, key: str | None
) -> None:
    """`dpop_jkt`: who took code and verifier off the device still has not its key."""
    flow = Proving(here.browser(), key=key)
    refused(await flow.exchange(await flow.code(dpop_jkt=thumbprint())))


@pytest.mark.parametrize("key", [None, "Ed25519"])
async def test_a_stolen_refresh_token_is_worth_nothing_without_the_key(here: Here, key: str | None) -> None:
    """Also where the code was not asked for with a key: the one that exchanged it counts from then on."""
    flow = Proving(here.browser())
    tokens = await flow.tokens()
    flow.key = key
    refused(await flow.refresh(tokens["refresh_token"]))


async def test_a_code_is_not_used_up_by_a_proof_without_a_nonce(here: Here) -> None:
    """The same request comes again with one (RFC 9449, 8); a code that were spent would lock the person out."""
    async with here.writing() as connection:
        await connection.execute(
            update(applications).where(applications.c.id == "desk").values(dpop_required=1)
        )
    flow = Proving(here.browser())
    code = await flow.code()
    refused(await flow.exchange(code), "use_dpop_nonce")
    tokens = await flow.exchange(code)
    assert tokens.status_code == 200, tokens.text
    flow.nonce = None
    refused(await flow.refresh(tokens.json()["refresh_token"]), "use_dpop_nonce")
    assert (await flow.refresh(tokens.json()["refresh_token"])).status_code == 200


async def test_a_person_is_not_served_without_a_proof_where_one_is_due(here: Here) -> None:
    """And the code survives that too, for whoever can prove."""
    async with here.writing() as connection:
        await connection.execute(
            update(applications).where(applications.c.id == "desk").values(dpop_required=1)
        )
    flow = Proving(here.browser(), key=None)
    code = await flow.code()
    refused(await flow.exchange(code), "invalid_dpop_proof")
    flow.key, flow.nonce = "ES256", None
    refused(await flow.exchange(code), "use_dpop_nonce")
    assert (await flow.exchange(code)).status_code == 200


async def test_a_proof_that_was_used_uses_up_no_code(here: Here) -> None:
    """Whoever replays a proof must not be able to burn a code with it, or end what follows from it."""
    flow = Proving(here.browser())
    flow.given = proof(TOKEN)
    assert (await flow.exchange(await flow.code())).status_code == 200
    code = await flow.code()
    refused(await flow.exchange(code), "invalid_dpop_proof")
    flow.given = None
    assert (await flow.exchange(code)).status_code == 200


@pytest.mark.parametrize("details", [{}, {"scope": "clients:read"}])
async def test_introspection_tells_the_binding(here: Here, details: dict[str, Any]) -> None:
    """RFC 9449, 6.2: a resource that asks learns which key to demand."""
    flow = Proving(here.browser())
    token = (await flow.tokens(**details))["access_token"]
    form = {"token": token, "client_id": "shop", "client_secret": SECRET}
    told = (await flow.browser.post("/oauth/introspect", data=form)).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": thumbprint()})
