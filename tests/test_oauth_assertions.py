"""private_key_jwt: an assertion proves one application, by one of its keys, in one of the ways it registered.

Each refusal says the same, so that nobody learns from it what was wrong.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gateway.oauth.administration import disable
from gateway.oauth.applications import Application, register
from gateway.oauth.public_keys import read_keys
from tests.assertions import ISSUER, claims, form, jwks, key, signed
from tests.proving import EC, give, here, proves, refused_unread
from tests.test_oauth import KNOWN, World

__all__ = ["here"]

# What is good


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("RS256", "RSA"), ("PS256", "RSA"), ("ES256", "EC"), ("Ed25519", "OKP"), ("EdDSA", "OKP")],
)
@pytest.mark.parametrize("id", ["batch", "strict"])
async def test_an_assertion_of_each_algorithm_proves_its_application(
    here: World, algorithm: str, kind: str, id: str
) -> None:
    """A9: those of FAPI 2, and RS256, which older libraries know alone. Trap 3: joserfc's own default lacks three."""
    assert await proves(here, signed({"alg": algorithm}, claims(id), key(kind)))
    assert await proves(here, signed({"alg": algorithm}, claims(id), key(kind)), client_id=id)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "client-authentication+jwt"},
        {"typ": "application/client-authentication+jwt"},
        {"typ": "jwt"},
        {"kid": "whatever"},
        {"x5t": "abc", "x5t#S256": "abc"},
    ],
)
async def test_the_header_may_say_what_libraries_say(here: World, header: dict[str, str]) -> None:
    """A key that was registered without an id fits any id: its owner never agreed on one."""
    assert await proves(here, signed({"alg": "ES256", **header}, claims(), key("EC")))


@pytest.mark.parametrize(
    "audience", [ISSUER, f"{ISSUER}/token", [ISSUER], [f"{ISSUER}/token"], [ISSUER, f"{ISSUER}/token"]]
)
async def test_the_audience_is_the_issuer_or_the_token_endpoint(here: World, audience: object) -> None:
    """A6: Authlib's client names the endpoint, newer ones the issuer."""
    assert await proves(here, signed(EC, claims(aud=audience), key("EC")))


@pytest.mark.parametrize(
    "changed", [{"iat": None}, {"nbf": 0}, {"iat": 0}, {"exp": 40.5}, {"more": {"a": [1]}}]
)
async def test_claims_that_are_not_needed_may_be_there_or_not(here: World, changed: dict[str, Any]) -> None:
    if "exp" in changed:
        changed = {"exp": time.time() + changed["exp"]}
    assert await proves(here, signed(EC, claims(**changed), key("EC")))


# A8: which key


async def test_no_kid_is_needed_where_there_are_several_keys(here: World) -> None:
    """Trap 2: Authlib's own client sends none, and would be refused while its keys are rotated."""
    first, second = key("EC", "first"), key("EC", "second", 1)
    await give(here, "rotating", [first, second])
    for each in (first, second):
        assert await proves(here, signed({"alg": "ES256"}, claims("rotating"), each))
        assert await proves(here, signed({"alg": "ES256", "kid": each.kid}, claims("rotating"), each))


async def test_an_unknown_kid_is_refused(here: World) -> None:
    """A key id names a key; a good signature under a wrong one is a mistake, or somebody's trial."""
    first, second = key("EC", "first"), key("EC", "second", 1)
    await give(here, "named", [first, second])
    assert not await proves(here, signed({"alg": "ES256", "kid": "third"}, claims("named"), first))
    assert not await proves(here, signed({"alg": "ES256", "kid": "second"}, claims("named"), first))


async def test_keys_that_share_a_kid_are_told_apart_by_type(here: World) -> None:
    """FAPI 2.0 Security Profile, 5.6: look at the type before giving up. Also two of one type are both tried."""
    same = [key("RSA", "same"), key("EC", "same"), key("EC", "same", 1)]
    await give(here, "doubled", same)
    for each, algorithm in zip(same, ("PS256", "ES256", "ES256"), strict=True):
        assert await proves(here, signed({"alg": algorithm, "kid": "same"}, claims("doubled"), each))


async def test_a_key_serves_only_the_algorithm_it_was_registered_for(here: World) -> None:
    """RFC 7517, 4.4: who said PS256 does not want PKCS#1 v1.5 to be good for it."""
    stored = read_keys(jwks(key("RSA"), alg="PS256").encode())
    application = Application(
        "pss", "PSS", "ALIBABA", (), ("analytics",), authentication="private_key_jwt", jwks=stored
    )
    async with here.engine.begin() as connection:
        await register(connection, application, KNOWN)
    assert await proves(here, signed({"alg": "PS256"}, claims("pss"), key("RSA")))
    assert not await proves(here, signed({"alg": "RS256"}, claims("pss"), key("RSA")))


@pytest.mark.parametrize("kind", ["EC", "RSA", "OKP"])
async def test_another_key_of_the_same_type_proves_nothing(here: World, kind: str) -> None:
    algorithm = {"EC": "ES256", "RSA": "PS256", "OKP": "Ed25519"}[kind]
    assert not await proves(here, signed({"alg": algorithm}, claims(), key(kind, None, 7)))


async def test_the_key_of_one_application_is_not_good_for_another(here: World) -> None:
    await give(here, "mine", [key("EC", None, 3)])
    assert not await proves(here, signed(EC, claims("batch"), key("EC", None, 3)))
    assert not await proves(here, signed(EC, claims("mine"), key("EC")))


# Who


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "strict"},
        {"iss": None},
        {"iss": ["batch"]},
        {"sub": "strict"},
        {"iss": "nobody"},
        {"iss": ""},
        {"iss": ISSUER},
    ],
)
async def test_issuer_and_subject_are_the_application(here: World, changed: dict[str, Any]) -> None:
    """RFC 7523, 3: both, or a key that two share would let one be the other."""
    assert not await proves(here, signed(EC, claims(**changed), key("EC")))


@pytest.mark.parametrize(
    "sub", [None, 5, [], ["batch"], {}, "", True, "nobody", "batch\x00", "BATCH", "batch "]
)
async def test_a_subject_that_is_none_of_ours_is_refused(here: World, sub: object) -> None:
    changed = {name: value for name, value in claims(iss=sub or "x").items() if name != "sub"}
    payload = changed if sub is None else {**changed, "sub": sub}
    assert not await refused_unread(here, signed(EC, payload, key("EC")))


@pytest.mark.parametrize("name", ["sub", "jti", "iss", "aud"])
async def test_half_a_character_is_refused(here: World, name: str) -> None:
    """JSON can spell it, and no database takes it: a 500 that anybody with a key could cause."""
    text = json.dumps(claims(**{name: "?"})).replace('"?"', r'"\ud800"')
    assert not await refused_unread(here, signed(EC, text, key("EC")))


async def test_the_client_id_of_the_form_must_be_the_same(here: World) -> None:
    """RFC 7521, 4.2."""
    assert not await proves(here, signed(EC, claims(), key("EC")), client_id="strict")
    assert not await proves(here, signed(EC, claims(), key("EC")), client_id="nobody")


async def test_an_application_authenticates_only_as_it_registered(here: World) -> None:
    """Its other way would be one that nobody guards."""
    assert not await proves(here, signed(EC, claims("shop"), key("EC")))
    for headers, more in ((here.basic("batch", "x"), {}), ({}, {"client_id": "batch", "client_secret": "x"})):
        answer = await here.ask(headers, **more)
        assert answer.json()["error"] == "invalid_client"


async def test_a_disabled_application_proves_nothing(here: World) -> None:
    """A17, and in the same words as for one that there is not."""
    assert await proves(here, signed(EC, claims(), key("EC")))
    async with here.engine.begin() as connection:
        await disable(connection, "batch")
    assert not await proves(here, signed(EC, claims(), key("EC")))


@pytest.mark.parametrize(
    "kind", [None, "", "jwt-bearer", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"]
)
async def test_the_type_of_the_assertion_is_said(here: World, kind: str | None) -> None:
    """RFC 7521, 4.2: what an assertion is, is not guessed."""
    sent = {"client_assertion": signed(EC, claims(), key("EC"))} | (
        {} if kind is None else {"client_assertion_type": kind}
    )
    assert (await here.ask({}, **sent)).json()["error"] == "invalid_client"


async def test_an_assertion_beside_a_secret_is_refused(here: World) -> None:
    """RFC 6749, 2.3: one way to authenticate in a request, or it is not clear who it was."""
    for headers, more in (
        (here.basic(), {}),
        ({}, {"client_id": "shop", "client_secret": here.secrets["shop"]}),
        ({"Authorization": "Bearer x"}, {}),
    ):
        answer = await here.ask(headers, **form(signed(EC, claims(), key("EC"))), **more)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
