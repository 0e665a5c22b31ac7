"""private_key_jwt: an assertion proves one application, here, now and once; no forged one proves any.

Each refusal says the same, so that nobody learns from it what was wrong with a forgery.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import func, select

from gateway.oauth.administration import disable
from gateway.oauth.applications import Application, register
from gateway.oauth.assertions import MAX_ASSERTION
from gateway.oauth.public_keys import MAX_KEYS, fitting, read_keys
from gateway.oauth.spent import spent
from tests.assertions import ISSUER, Key, claims, form, jwks, key, signed
from tests.test_oauth import KNOWN, World, world

EC = {"alg": "ES256", "typ": "JWT"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A token service with the applications `batch` and `strict`, each with an RSA, an EC and an Ed25519 key."""
    async with world(tmp_path) as opened:
        await give(opened, "batch", [key("RSA"), key("EC"), key("OKP")])
        await give(opened, "strict", [key("RSA"), key("EC"), key("OKP")], strict_audience=1)
        yield opened


async def give(here: World, id: str, keys: Sequence[Key], **options: Any) -> None:
    """Register an application with these keys."""
    stored = read_keys(jwks(*keys).encode())
    application = Application(
        id, id, "ALIBABA", ("orders:read",), ("analytics",), authentication="private_key_jwt", jwks=stored
    )
    async with here.engine.begin() as connection:
        changed = {name: getattr(application, name) for name in Application.__slots__} | options
        assert await register(connection, Application(**changed), KNOWN) is None


async def ask(here: World, assertion: str, **more: str) -> httpx.Response:
    """Ask for a token with an assertion. Whatever comes of it, no answer says more than another."""
    answer = await here.ask({}, **form(assertion, **more))
    if answer.status_code != 200:
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "invalid_client",
            "error_description": "The client could not be authenticated.",
        }
    return answer


async def proves(here: World, assertion: str, **more: str) -> bool:
    """Whether the assertion brings a token, and then one of the application it names."""
    answer = await ask(here, assertion, **more)
    if answer.status_code == 200:
        caller = await here.verifier.authenticate(f"Bearer {answer.json()['access_token']}")
        named = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))["sub"]
        assert caller.application == named
    return answer.status_code == 200


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


# A5: forged headers and signatures


async def test_an_assertion_without_a_signature_proves_nothing(here: World) -> None:
    """CVE-2026-28802: `alg: none` is a JWT that anybody can write."""
    for algorithm in ("none", "None", "NONE", ""):
        assert not await proves(here, signed({"alg": algorithm}, claims()))
        assert not await proves(here, signed({"alg": algorithm}, claims(), key("EC"), "ES256"))
    assert not await proves(here, signed({}, claims(), key("EC"), "ES256"))
    assert not await proves(here, signed(EC, claims()))


@pytest.mark.parametrize("kind", ["EC", "RSA", "OKP"])
async def test_a_public_key_is_no_shared_secret(here: World, kind: str) -> None:
    """CVE-2024-37568: what is public, read as the key of an HMAC, would let anybody sign."""
    public = key(kind).as_pem(private=False)
    for secret in (public, public.strip(), jwks(key(kind)).encode()):
        for algorithm in ("HS256", "HS512"):
            assert not await proves(here, signed({"alg": algorithm}, claims(), secret))


async def test_the_hash_of_a_secret_signs_nothing(here: World) -> None:
    """The stored SHA-256 of `shop`'s secret, and the secret itself, are no keys."""
    known = here.secrets["shop"]
    for secret in (
        known.encode(),
        sha256(known.encode()).digest(),
        sha256(known.encode()).hexdigest().encode(),
    ):
        assert not await proves(here, signed({"alg": "HS256"}, claims("shop"), secret))


async def test_a_key_in_the_header_is_not_believed(here: World) -> None:
    """CVE-2026-27962: who brings the key to verify with has signed with it."""
    mine = key("EC", None, 9)
    public = mine.as_dict(private=False)
    brought: list[dict[str, Any]] = [
        {"jwk": public},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/certificate"},
        {"x5c": ["MIIB"]},
        {"jwk": public, "kid": mine.thumbprint()},
    ]
    for header in brought:
        assert not await proves(here, signed({"alg": "ES256", **header}, claims(), mine))
        # Nor does it pass beside a signature that is good without.
        assert not await proves(here, signed({"alg": "ES256", **header}, claims(), key("EC")))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"crit": []},
        {"crit": "exp"},
        {"crit": ["nonsense"]},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"cty": "JWT"},
        {"kid": 5},
        {"kid": None},
        {"alg": ["ES256"]},
        {"alg": None},
        {"alg": {"a": 1}},
    ],
)
async def test_a_header_that_is_not_understood_is_refused(here: World, header: dict[str, Any]) -> None:
    """CVE-2025-59420 (`crit`), CVE-2026-48990 (`b64`): what is not understood may change what was signed."""
    assert not await proves(here, signed({"alg": "ES256", **header}, claims(), key("EC"), "ES256"))


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "application/at+jwt", "logout+jwt", "JOSE", "", 5, None]
)
async def test_a_jwt_that_was_made_for_something_else_is_refused(here: World, typ: object) -> None:
    """RFC 8725, 3.11: a proof or a token, signed with the same key, is no authentication."""
    assert not await proves(here, signed({"alg": "ES256", "typ": typ}, claims(), key("EC")))


async def test_an_access_token_is_no_assertion(here: World) -> None:
    """What the service signed itself says nothing about who sends it."""
    token = (await here.ask()).json()["access_token"]
    assert not await proves(here, token)


@pytest.mark.parametrize(
    "algorithm", ["ES256K", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512", "Ed448"]
)
async def test_other_algorithms_are_refused(here: World, algorithm: str) -> None:
    """A9: the metadata names those that are heard; with a key of the right type too."""
    curve = {"ES256K": "secp256k1", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    by: Key = ECKey.generate_key(curve) if curve else key("OKP" if algorithm == "Ed448" else "RSA")
    assert not await proves(here, signed({"alg": algorithm}, claims(), by))


async def test_a_changed_assertion_is_refused(here: World) -> None:
    """One character more, less, or other, in any part."""
    good = signed(EC, claims(), key("EC"))
    header, payload, signature = good.split(".")
    other = signed(EC, claims("strict"), key("EC")).split(".")
    for bad in (
        f"{header}.{other[1]}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}",
        f"{good}.",
        f"{good}=",
        f"{good}.a.b",
        f" {good}",
        f"{good}\n",
        f"{header}.{payload}.{signature.swapcase()}",
    ):
        assert not await proves_or_unreadable(here, bad)


async def proves_or_unreadable(here: World, assertion: str) -> bool:
    """`proves` for what may not even have three parts."""
    return (await ask(here, assertion)).status_code == 200


# A6: for whom


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "https://evil.example/oauth",
        [ISSUER, "https://evil.example"],
        [f"{ISSUER}/token", "https://evil.example"],
        [],
        [[ISSUER]],
        {"aud": ISSUER},
        "",
        5,
        True,
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://gateway.example",
        "https://gateway.example/graphql",
        f"{ISSUER}/jwks.json",
    ],
)
async def test_an_assertion_for_another_is_refused(here: World, audience: object) -> None:
    """Whom it is also for could pass it on: a foreign value beside ours is as bad as alone."""
    assert not await proves(here, signed(EC, claims(aud=audience), key("EC")))


@pytest.mark.parametrize("audience", [f"{ISSUER}/token", [ISSUER], [f"{ISSUER}/token", ISSUER]])
async def test_a_strict_application_names_the_issuer_and_nothing_else(here: World, audience: object) -> None:
    """draft-ietf-oauth-rfc7523bis: a server that lies about its endpoint is given no assertion for another."""
    assert not await proves(here, signed(EC, claims("strict", aud=audience), key("EC")))


# A7: when


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({"exp": 5}, True),
        ({"exp": 3599}, True),
        ({"exp": 3700}, False),
        ({"exp": 864_000}, False),
        ({"exp": -1}, False),
        ({"exp": -86_400}, False),
        ({"iat": 10}, True),
        ({"iat": 60}, False),
        ({"iat": 61}, False),
        ({"nbf": 10}, True),
        ({"nbf": 60}, False),
        ({"nbf": 60, "iat": -10}, False),
    ],
)
async def test_the_boundaries_of_time(here: World, changed: dict[str, int], good: bool) -> None:
    """FAPI 2.0 Security Profile, 5.3.2.1: 10 s ahead are heard, more than 60 s are not; an hour is the longest life."""
    moved = {name: int(time.time()) + seconds for name, seconds in changed.items()}
    assert await proves(here, signed(EC, claims(**moved), key("EC"))) is good


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        '"soon"',
        "[1]",
        "{}",
        "true",
        "-1",
        "null",
        "9" * 5000,
        '"{now}"',
    ],
)
async def test_a_time_that_is_none_is_refused(here: World, name: str, value: str) -> None:
    """NaN is neither before nor after anything, and infinity never comes: such an assertion would not expire."""
    text = json.dumps(claims(**{name: "?"})).replace(
        '"?"', value.replace("{now}", str(int(time.time()) + 60))
    )
    assert not await refused_unread(here, signed(EC, text, key("EC")))


async def refused_unread(here: World, assertion: str) -> bool:
    """Whether an assertion brings a token, without reading it, for Python would not."""
    return (await ask(here, assertion)).status_code == 200


async def test_an_assertion_must_expire(here: World) -> None:
    """Without an end it could be used whenever it is found."""
    assert not await proves(here, signed(EC, claims(exp=None), key("EC")))


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


# A3: once


async def test_an_assertion_is_used_once(here: World) -> None:
    """Whoever sees it on its way, or in a log, comes too late."""
    assertion = signed(EC, claims(), key("EC"))
    assert await proves(here, assertion)
    assert not await proves(here, assertion)
    # The same id once more in another assertion is the same use.
    assert await proves(here, signed(EC, claims(jti="one"), key("EC")))
    assert not await proves(
        here, signed({"alg": "PS256"}, claims(jti="one", exp=int(time.time()) + 5), key("RSA"))
    )


async def test_applications_do_not_use_up_each_others_ids(here: World) -> None:
    """An id is unique to its issuer, and another's must not be in the way."""
    assert await proves(here, signed(EC, claims("batch", jti="1"), key("EC")))
    assert await proves(here, signed(EC, claims("strict", jti="1"), key("EC")))


@pytest.mark.parametrize("jti", [None, "", 5, [], {"a": 1}, True])
async def test_an_assertion_must_have_an_id(here: World, jti: object) -> None:
    """Without one it could be used again and again."""
    payload = {**claims(), "jti": jti} if jti is not None else claims(jti=None)
    assert not await proves(here, signed(EC, payload, key("EC")))


async def test_only_a_good_assertion_uses_an_id_up(here: World) -> None:
    """A stranger who guesses ids must not lock the application out, nor fill the database."""
    for bad in (claims(jti="kept", aud="x"), claims(jti="kept", exp=1), claims(jti="kept", iss="x")):
        assert not await proves(here, signed(EC, bad, key("EC")))
    assert not await proves(here, signed(EC, claims(jti="kept"), key("EC", None, 5)))
    async with here.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(spent)) == 0
    assert await proves(here, signed(EC, claims(jti="kept"), key("EC")))


async def test_a_use_is_remembered_longer_than_the_assertion_lives(here: World) -> None:
    """A24: a clock that is set back a little must not make a used one good again. What is kept is no id."""
    expires = int(time.time()) + 30
    assert await proves(here, signed(EC, claims(jti="the-id", exp=expires), key("EC")))
    async with here.engine.connect() as connection:
        [row] = (await connection.execute(select(spent))).all()
    assert row.kind == "assertion"
    assert row.expires_at >= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires + 60))
    assert "the-id" not in row.value


async def test_an_id_is_spent_even_where_the_request_is_refused(here: World) -> None:
    """The assertion has been seen on the way; that the rest was wrong does not make it new."""
    assertion = signed(EC, claims(), key("EC"))
    answer = await here.ask({}, **form(assertion), scope="nonsense")
    assert answer.json()["error"] == "invalid_scope"
    assert not await proves(here, assertion)


async def test_thirty_uses_at_once_give_one_token(here: World) -> None:
    """A3, trap 10: to look first and note after would let several through."""
    assertion = signed(EC, claims(), key("EC"))
    answers = await asyncio.gather(*(here.ask({}, **form(assertion)) for _ in range(30)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 29


# A21: what the work says


async def test_all_failures_cost_the_same_verifications(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can time who is registered, how, with how many keys, and of what type."""
    await give(here, "single", [key("EC", "only")])
    tried: list[int] = []
    verify = ECKey.get_op_key

    def counted(self: ECKey, operation: Any) -> Any:
        if operation == "verify":
            tried.append(1)
        return verify(self, operation)

    monkeypatch.setattr(ECKey, "get_op_key", counted)
    stranger = key("EC", None, 8)
    for id in ("nobody", "shop", "single", "batch", "strict"):
        for header in ({}, {"kid": "only"}, {"kid": "other"}):
            tried.clear()
            assert not await proves(here, signed({"alg": "ES256", **header}, claims(id), stranger))
            # One key operation was the stranger's own, to sign.
            assert len(tried) == MAX_KEYS


# Never a 5xx


@pytest.mark.parametrize(
    "part",
    [
        "[" * 5000,
        "{" * 3000,
        '{"a":' * 1500,
        "5",
        "null",
        '"alg"',
        '["alg"]',
        '["alg","b64"]',
        "",
        "\x00",
        "é",
        "{}",
    ],
)
@pytest.mark.parametrize("place", ["header", "payload"])
async def test_no_json_is_too_odd_to_be_refused(here: World, part: str, place: str) -> None:
    """Among them what is nested more deeply than Python can read."""
    made = signed(part, claims(), key("EC"), "ES256") if place == "header" else signed(EC, part, key("EC"))
    assert not await refused_unread(here, made)


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c",
        "...",
        "..",
        ".",
        "a",
        "é.é.é",
        "\x00",
        "a.b.c.d.e",
        '"',
        "\\",
        "\r\nX: y",
        "=.=.=",
        "x" * 20_000,
        "\ud7ff",
    ],
)
async def test_no_text_is_too_odd_to_be_refused(here: World, text: str) -> None:
    assert (await ask(here, text)).status_code == 400


async def test_an_assertion_has_a_size(here: World) -> None:
    """CVE-2025-61920: what is long costs time to read, and no library writes so much."""
    fits = claims(more="x" * 5000)
    assert len(signed(EC, fits, key("EC"))) < MAX_ASSERTION
    assert await proves(here, signed(EC, fits, key("EC")))
    assert not await proves(here, signed(EC, claims(more="x" * MAX_ASSERTION), key("EC")))
    assert not await proves(here, signed({**EC, "kid": "x" * 4000}, claims(), key("EC")))


async def test_no_assertion_is_in_the_log(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """A20: one that was refused may still be good elsewhere."""
    caplog.set_level("DEBUG")
    good, bad = signed(EC, claims(), key("EC")), signed(EC, claims(aud="https://else.example"), key("EC"))
    assert await proves(here, good)
    assert not await proves(here, bad)
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "SELECT" in said, "the capture does not work"
    for part in (*good.split(".")[1:], *bad.split(".")[1:]):
        assert part not in said


def test_an_rsa_key_that_is_too_short_is_not_even_made_for_nobody() -> None:
    """The keys that stand for nobody's are as strong as any, or they would be faster."""
    [*nobodys] = fitting(None, "PS256", None)
    assert len(nobodys) == MAX_KEYS
    assert all(isinstance(each, RSAKey) and each.public_key.key_size == 2048 for each in nobodys)
