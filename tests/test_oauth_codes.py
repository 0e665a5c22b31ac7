"""Codes and refresh tokens: each is good once, for whom and what it was given, and for no longer than it should be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import insert, update

from gateway.oauth import users
from gateway.oauth.applications import applications
from gateway.oauth.authorizations import authorizations
from gateway.oauth.codes import codes
from gateway.oauth.refreshes import refresh_tokens
from gateway.oauth.revocations import revocations
from tests.conftest import ORIGIN
from tests.people import APPLICATIONS, CALLBACK, LI, Flow, Here, claims, here
from tests.proofs import KEYS, proof

__all__ = ["here"]


def refused(answer: httpx.Response, code: str = "invalid_grant") -> None:
    """The answer is this error and brings no token."""
    assert (answer.status_code, answer.json()["error"]) == (400, code), answer.text
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"


async def dead(here: Here, flow: Flow, token: dict[str, Any]) -> None:
    """All that followed from a consent has ended: its refresh token, and in the other workers its access token."""
    refused(await flow.refresh(token["refresh_token"]))
    [family] = [row for row in await here.rows(authorizations) if row.revoked_at is not None]
    assert claims(token["access_token"])["grant"] == family.id
    assert f"grant:{family.id}" in {row.key for row in await here.rows(revocations)}


# Codes


async def test_of_thirty_uses_of_a_code_at_once_one_succeeds_and_is_ended(here: Here) -> None:
    """A1. Nobody knows whether the thief or the owner was first."""
    flow = Flow(here.browser())
    code = await flow.code()
    answers = await asyncio.gather(*(flow.exchange(code) for _ in range(30)))
    [token] = [answer.json() for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer.status_code != 200:
            refused(answer)
    await dead(here, flow, token)


async def test_a_code_is_good_for_a_minute(here: Here) -> None:
    flow = Flow(here.browser())
    code = await flow.code()
    [row] = await here.rows(codes)
    [family] = await here.rows(authorizations)
    lasts = time.mktime(time.strptime(row.expires_at, "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(
        time.strptime(family.created_at, "%Y-%m-%dT%H:%M:%SZ")
    )
    assert 60 <= lasts <= 61
    async with here.writing() as connection:
        await connection.execute(update(codes).values(expires_at="2026-01-01T00:00:00Z"))
    refused(await flow.exchange(code))


@pytest.mark.parametrize(
    ("verifier", "code"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("v" * 42, "invalid_request"),
        ("v" * 129, "invalid_request"),
        ("v" * 42 + "é", "invalid_request"),
        ("v" * 43, "invalid_grant"),
        ("CHALLENGE", "invalid_grant"),
    ],
)
async def test_a_code_without_its_verifier_is_worth_nothing(
    here: Here, verifier: str | None, code: str
) -> None:
    """A15. It is used up, too: whoever tries it that way has no right to it."""
    flow = Flow(here.browser())
    found = await flow.code()
    if verifier == "CHALLENGE":
        verifier = flow.asked()["code_challenge"]
    refused(await flow.exchange(found, code_verifier=verifier), code)
    refused(await flow.exchange(found))


@pytest.mark.parametrize("verifier", ["v" * 43, "v" * 128, "aZ09-._~" * 8])
async def test_a_verifier_has_43_to_128_characters(here: Here, verifier: str) -> None:
    """RFC 7636, 4.1."""
    assert (await Flow(here.browser(), verifier=verifier).tokens())["token_type"] == "Bearer"


@pytest.mark.parametrize("address", [None, CALLBACK + "/", "https://evil.example/"])
async def test_the_token_request_repeats_the_address(here: Here, address: str | None) -> None:
    """RFC 6749, 4.1.3."""
    flow = Flow(here.browser())
    refused(await flow.exchange(await flow.code(), redirect_uri=address))


async def test_a_code_is_of_use_to_no_other_application(here: Here) -> None:
    """Nor can another use it up, or end what it stands for."""
    flow = Flow(here.browser())
    code = await flow.code()
    thief = Flow(here.browser(), "other", verifier=flow.verifier)
    refused(await thief.exchange(code))
    assert (await flow.exchange(code)).status_code == 200
    refused(await thief.exchange(code))
    assert [row.revoked_at for row in await here.rows(authorizations)] == [None]


@pytest.mark.parametrize("code", [None, "", "x", "é", "\x00", "x" * 5000])
async def test_what_is_no_code_is_refused(here: Here, code: str | None) -> None:
    flow = Flow(here.browser())
    answer = await flow.ask({"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code})
    refused(answer, "invalid_grant" if code else "invalid_request")


async def test_an_application_that_has_a_secret_must_show_it(here: Here) -> None:
    flow = Flow(here.browser())
    code = await flow.code()
    for secret in (None, "wrong"):
        answer = await flow.exchange(code, client_secret=secret)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert (await flow.exchange(code)).status_code == 200


async def test_who_has_no_right_to_people_gets_no_token_for_one(here: Here) -> None:
    answer = await Flow(here.browser(), "silent").exchange("x")
    assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("ending", ["user", "application", "scope", "purpose"])
async def test_between_consent_and_token_the_rights_may_end(here: Here, ending: str) -> None:
    """A17."""
    flow = Flow(here.browser())
    code = await flow.code()
    async with here.writing() as connection:
        if ending == "user":
            await users.disable(connection, LI)
        else:
            change = {
                "application": {"disabled_at": "2026-01-01T00:00:00Z"},
                "scope": {"scopes": "clients:read"},
            }
            await connection.execute(
                update(applications).values(change.get(ending, {"purposes": "reporting"}))
            )
    answer = await flow.exchange(code)
    expected = {"application": "invalid_client", "scope": "invalid_scope"}
    assert (answer.status_code, answer.json()["error"]) == (400, expected.get(ending, "invalid_grant"))


def shown(algorithm: str) -> Callable[[], str]:
    """Makes proofs of a key, for the token endpoint."""
    return lambda: proof(f"{ORIGIN}/oauth/token", algorithm=algorithm)


@pytest.mark.parametrize("prove", [None, shown("Ed25519")])
async def test_a_code_for_a_key_is_exchanged_with_that_key_alone(
    here: Here, prove: Callable[[], str] | None
) -> None:
    """`dpop_jkt` (RFC 9449, 10): a stolen code is worth nothing without the key."""
    flow = Flow(here.browser(), prove=prove)
    refused(await flow.exchange(await flow.code(dpop_jkt=KEYS["ES256"].thumbprint())))
    flow.prove = shown("ES256")
    token = (await flow.exchange(await flow.code(dpop_jkt=KEYS["ES256"].thumbprint()))).json()
    assert claims(token["access_token"])["cnf"] == {"jkt": KEYS["ES256"].thumbprint()}


@pytest.mark.parametrize("application", ["shop", "desk"])
async def test_what_was_bound_to_a_key_is_never_had_without_one(here: Here, application: str) -> None:
    """RFC 9449, 5: on a device it is that very key; an application that authenticates may have another by then."""
    flow = Flow(here.browser(), application, prove=shown("ES256"))
    token = await flow.tokens()
    assert token["token_type"] == "DPoP"
    flow.prove = None
    refused(await flow.refresh(token["refresh_token"]))
    flow.prove = shown("Ed25519")
    answer = await flow.refresh(token["refresh_token"])
    if application == "desk":
        refused(answer)
    else:
        assert claims(answer.json()["access_token"])["cnf"] == {"jkt": KEYS["Ed25519"].thumbprint()}
    flow.prove = shown("ES256")
    again = (await flow.refresh(token["refresh_token"])).json()
    assert claims(again["access_token"])["cnf"] == {"jkt": KEYS["ES256"].thumbprint()}
    assert ("refresh_token" in again) == (application == "desk")


# Refresh tokens


async def test_a_refresh_token_is_replaced_and_its_second_use_ends_all(here: Here) -> None:
    """A2. The newest is ended too: it may be the thief's."""
    flow = Flow(here.browser(), "desk", "http://127.0.0.1:1/callback")
    first = await flow.tokens()
    second = (await flow.refresh(first["refresh_token"])).json()
    third = (await flow.refresh(second["refresh_token"])).json()
    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    refused(await flow.refresh(first["refresh_token"]))
    await dead(here, flow, third)


@pytest.mark.parametrize("application", ["shop", "desk"])
async def test_of_thirty_uses_of_a_refresh_token_at_once_one_succeeds_and_is_ended(
    here: Here, application: str
) -> None:
    """A2."""
    flow = Flow(here.browser(), application)
    first = await flow.tokens()
    answers = await asyncio.gather(*(flow.refresh(first["refresh_token"]) for _ in range(30)))
    [token] = [answer.json() for answer in answers if answer.status_code == 200]
    await dead(here, flow, token)


async def test_a_refresh_never_widens(here: Here) -> None:
    """A11. Asking for more costs nothing; asking for less holds for that token alone."""
    flow = Flow(here.browser())
    token = await flow.tokens(scope="clients:read alibaba:read", purpose="targeted_offers")
    for changes, code in (
        ({"scope": "clients:read clients:pii"}, "invalid_scope"),
        ({"scope": "fund:reports"}, "invalid_scope"),
        ({"scope": "nothing"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"purpose": "analytics"}, "invalid_request"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
    ):
        refused(await flow.refresh(token["refresh_token"], **changes), code)
    token = (await flow.refresh(token["refresh_token"], scope="clients:read")).json()
    assert token["scope"] == "clients:read"
    token = (await flow.refresh(token["refresh_token"])).json()
    said = claims(token["access_token"])
    assert (said["scope"], said["purpose"]) == ("alibaba:read clients:read", "targeted_offers")


async def test_a_refresh_gives_no_more_than_is_allowed_by_now(here: Here) -> None:
    """A17: what was taken from the person or the application is gone with the next token."""
    flow = Flow(here.browser())
    token = await flow.tokens()
    async with here.writing() as connection:
        await connection.execute(update(users.users).values(scopes="clients:read"))
    token = (await flow.refresh(token["refresh_token"])).json()
    assert token["scope"] == "clients:read"
    refused(await flow.refresh(token["refresh_token"], scope="alibaba:read"), "invalid_scope")
    async with here.writing() as connection:
        await connection.execute(update(applications).values(scopes="alibaba:read"))
    refused(await flow.refresh(token["refresh_token"]), "invalid_scope")


@pytest.mark.parametrize(("application", "days"), [("shop", 30), ("desk", 1)])
async def test_a_refresh_token_ends_however_often_it_is_renewed(
    here: Here, application: str, days: int
) -> None:
    """So many days after the consent the person is asked again."""
    flow = Flow(here.browser(), application)
    token = await flow.tokens()
    token = (await flow.refresh(token["refresh_token"])).json()
    [family] = await here.rows(authorizations)
    for row in await here.rows(refresh_tokens):
        lasts = [
            time.mktime(time.strptime(each, "%Y-%m-%dT%H:%M:%SZ"))
            for each in (family.created_at, row.expires_at)
        ]
        assert lasts[1] - lasts[0] == days * 86400
    async with here.writing() as connection:
        await connection.execute(update(refresh_tokens).values(expires_at="2026-01-01T00:00:00Z"))
    refused(await flow.refresh(token["refresh_token"]))


async def test_a_refresh_token_is_of_use_to_no_other_application(here: Here) -> None:
    """Used or not, and another cannot end it."""
    flow = Flow(here.browser())
    token = await flow.tokens()
    refused(await Flow(here.browser(), "other").refresh(token["refresh_token"]))
    refused(await Flow(here.browser(), "desk").refresh(token["refresh_token"]))
    new = (await flow.refresh(token["refresh_token"])).json()
    refused(await Flow(here.browser(), "other").refresh(token["refresh_token"]))
    assert (await flow.refresh(new["refresh_token"])).status_code == 200


@pytest.mark.parametrize("ending", ["disable", "set_password"])
async def test_who_is_disabled_or_gets_another_password_ends_what_was_allowed(
    here: Here, ending: str
) -> None:
    """A17. Enabled again, the person is asked again."""
    flow = Flow(here.browser())
    token = await flow.tokens()
    async with here.writing() as connection:
        if ending == "disable":
            await users.disable(connection, LI)
            await users.enable(connection, LI)
        else:
            await users.set_password(connection, LI, "another long password")
    await dead(here, flow, token)


async def test_an_application_that_proves_a_key_keeps_its_refresh_token(here: Here) -> None:
    """No rotation (FAPI 2.0): a lost answer locks nobody out, and a thief has not the key."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    signer = {**APPLICATIONS[0], "id": "signer", "secret_hash": None, "authentication": "private_key_jwt"}
    async with here.writing() as connection:
        jwks = json.dumps({"keys": [key.as_dict(private=False)]})
        await connection.execute(insert(applications).values({**signer, "jwks": jwks}))

    def proof() -> dict[str, str | None]:
        now = int(time.time())
        said = {"iss": "signer", "sub": "signer", "aud": here.settings.issuer, "iat": now, "exp": now + 60}
        said["jti"] = str(time.perf_counter_ns())
        assertion = jwt.encode({"alg": "ES256"}, said, key)
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_assertion": assertion, "client_assertion_type": kind, "client_secret": None}

    flow = Flow(here.browser(), "signer")
    answer = await flow.exchange(await flow.code(), **proof())
    assert answer.status_code == 200, answer.text
    token = answer.json()["refresh_token"]
    for _ in range(2):
        again = await flow.refresh(token, **proof())
        assert again.status_code == 200, again.text
        assert "refresh_token" not in again.json()
    refused(await flow.refresh(token, **proof(), scope="fund:reports"), "invalid_scope")


@pytest.mark.parametrize("token", [None, "x", "é", "x" * 5000])
async def test_what_is_no_refresh_token_is_refused(here: Here, token: str | None) -> None:
    flow = Flow(here.browser())
    refused(await flow.refresh("", refresh_token=token), "invalid_grant" if token else "invalid_request")
