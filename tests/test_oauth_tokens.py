"""Tokens: what was issued is verified back, and no forgery, confusion or stale token is."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.errors import Refusal
from gateway.oauth.keys import Keys
from gateway.oauth.tokens import Caller, issue
from gateway.oauth.verification import MAX_TOKEN, Verifier

ISSUER = "https://gateway.example/oauth"
AUDIENCE = "https://gateway.example/graphql"
OURS = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
FOREIGN = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
KEYS = Keys(OURS)
NOW = int(time.time())
CALLER = Caller("ALIBABA", "shop", frozenset({"orders:read", "clients:read"}), "analytics", NOW + 300)

HEADER: dict[str, Any] = {"typ": "at+jwt", "alg": "ES256", "kid": OURS.thumbprint()}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "shop",
    "client_id": "shop",
    "jti": "1",
    "iat": NOW,
    "exp": NOW + 300,
    "scope": "orders:read clients:read",
    "party": "ALIBABA",
    "purpose": "analytics",
}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def verifier(clock: Clock | None = None) -> Verifier:
    return Verifier(KEYS, ISSUER, AUDIENCE, clock or Clock())


def coded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(claims: Any, header: Any = HEADER, key: ECKey = OURS) -> str:
    """A token of any header and payload with a good ES256 signature, whatever a library would say to them."""
    body = f"{coded(header)}.{coded(claims)}"
    model = jws.JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    return f"{body}.{coded(model.sign(body.encode(), key))}"


def without(name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


async def refused(token: str, at: Verifier | None = None) -> None:
    with pytest.raises(Refusal) as caught:
        await (at or verifier()).authenticate(f"Bearer {token}")
    assert (caught.value.status, caught.value.code) == (401, "UNAUTHENTICATED")
    assert caught.value.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert caught.value.__cause__ is None


def test_a_token_has_the_form_of_rfc_9068() -> None:
    token = issue(CALLER, KEYS, ISSUER, AUDIENCE, NOW)
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == HEADER
    assert len(claims.pop("jti")) >= 22
    assert claims == {**without("jti", CLAIMS), "scope": "clients:read orders:read"}


def test_no_two_tokens_are_the_same() -> None:
    issued = [issue(CALLER, KEYS, ISSUER, AUDIENCE, NOW) for _ in range(10)]
    ids = {json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"] for token in issued}
    assert len(ids) == 10


async def test_a_token_without_scopes_leaves_the_claim_out() -> None:
    bare = Caller("ALIBABA", "shop", frozenset(), "analytics", NOW + 300)
    token = issue(bare, KEYS, ISSUER, AUDIENCE, NOW)
    assert "scope" not in json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert await verifier().authenticate(f"Bearer {token}") == bare


async def test_what_was_issued_is_verified_back_into_the_same_caller() -> None:
    assert await verifier().authenticate(f"Bearer {issue(CALLER, KEYS, ISSUER, AUDIENCE, NOW)}") == CALLER


async def test_the_tests_own_signature_is_accepted() -> None:
    """What the refusals below rest on: a token made here is refused for its one fault, not for its making."""
    assert await verifier().authenticate(f"Bearer {signed(CLAIMS)}") == CALLER


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
async def test_the_scheme_may_be_written_in_any_case(scheme: str) -> None:
    """RFC 9110, 11.1; openid-client writes it in lower case."""
    assert await verifier().authenticate(scheme + signed(CLAIMS)) == CALLER


METADATA = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource/graphql"'
DPOP = f'DPoP algs="ES256 PS256 Ed25519 EdDSA", {METADATA}'


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic c2hvcDp4", "DPoP ", "x"])
async def test_who_sends_no_token_is_told_where_to_get_one_and_how_to_send_it(header: str | None) -> None:
    """RFC 6750, 3.1: no error code where no token was sent; RFC 9728, 5.1: where the metadata is; RFC 9449, 7.1."""
    with pytest.raises(Refusal) as caught:
        await verifier().authenticate(header)
    assert caught.value.status == 401
    assert caught.value.headers == {"WWW-Authenticate": f"Bearer {METADATA}, {DPOP}"}


async def test_a_bad_token_is_told_so_in_fixed_words() -> None:
    with pytest.raises(Refusal) as caught:
        await verifier().authenticate('Bearer x"y')
    challenge = caught.value.headers["WWW-Authenticate"]
    assert challenge == (
        'Bearer error="invalid_token", error_description="The access token is malformed, expired, or not one '
        f'for this resource.", {METADATA}, {DPOP}'
    )


@pytest.mark.parametrize(
    "token",
    [
        *("x", "..", "a.b.c", "a.b.c.d", "a.b.c.d.e", "é.é.é", "\ud800", "\x00", "[[[[", "null.null.null"),
        *(
            f"{coded(json.loads(header))}.{coded(CLAIMS)}.c2ln"
            for header in ('["alg"]', '"alg"', "7", "null", "[]")
        ),
        f"{coded(b'[' * 300)}.{coded(CLAIMS)}.c2ln",
        f"{coded(b'{' * 300)}.{coded(CLAIMS)}.c2ln",
        coded(b'{"alg": 1e400}') + f".{coded(CLAIMS)}.c2ln",
        f"{coded(bytes([0xFF, 0xFE]))}.{coded(CLAIMS)}.c2ln",
    ],
)
async def test_garbage_is_an_invalid_token(token: str) -> None:
    """It reaches the JOSE library from anybody, before any authentication; a crash would be a 500."""
    await refused(token)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FORGED = st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64", "x"]), JSON)


@settings(max_examples=100)
@given(FORGED | JSON | FORGED.map(lambda forged: {**HEADER, **forged}), st.binary(max_size=70))
async def test_any_header_that_is_not_ours_is_an_invalid_token(header: Any, rest: bytes) -> None:
    await refused(f"{coded(header)}.{coded(CLAIMS)}.{coded(rest)}")


async def test_an_oversized_token_is_refused_before_it_is_read() -> None:
    """Hashing and decoding 100 kB per request would be work that anybody can order."""
    await refused(signed({**CLAIMS, "padding": "x" * 100_000}))
    await refused(signed({**CLAIMS, "padding": "x" * MAX_TOKEN}))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
async def test_a_token_without_a_signature_is_refused(algorithm: str) -> None:
    """CVE-2026-28802: alg none was accepted."""
    await refused(f"{coded({**HEADER, 'alg': algorithm})}.{coded(CLAIMS)}.")


async def test_the_public_key_is_no_shared_secret() -> None:
    """CVE-2024-37568: with HS256 the published key would be the secret that signs."""
    body = f"{coded({**HEADER, 'alg': 'HS256'})}.{coded(CLAIMS)}"
    for secret in (OURS.as_pem(private=False), json.dumps(OURS.as_dict(private=False)).encode(), b""):
        await refused(f"{body}.{coded(hmac.digest(secret, body.encode(), 'sha256'))}")


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"b64": True},
        {"jwk": OURS.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/keys"},
        {"x5c": ["MII"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"anything": 1},
    ],
)
async def test_a_token_may_not_bring_instructions_for_its_own_verification(extra: dict[str, Any]) -> None:
    """CVE-2025-59420 (crit), CVE-2026-27962 (jwk), CVE-2026-48990 (b64): anybody writes headers."""
    await refused(signed(CLAIMS, {**HEADER, **extra}))


async def test_an_embedded_key_does_not_sign_for_itself() -> None:
    """CVE-2026-27962, as it was used: the forger's own key in the header."""
    await refused(signed(CLAIMS, {**HEADER, "jwk": FOREIGN.as_dict(private=False)}, FOREIGN))
    await refused(signed(CLAIMS, {**without("kid", HEADER), "jwk": FOREIGN.as_dict(private=False)}, FOREIGN))


@pytest.mark.parametrize("kind", [None, "JWT", "dpop+jwt", "jwt", "", 1, ["at+jwt"], "at+jwt "])
async def test_another_kind_of_jwt_is_no_access_token(kind: Any) -> None:
    """Trap 5: Authlib's validator lets a token without typ pass, so an assertion could serve as a token."""
    await refused(signed(CLAIMS, without("typ", HEADER) if kind is None else {**HEADER, "typ": kind}))


@pytest.mark.parametrize("kind", ["application/at+jwt", "AT+JWT"])
async def test_the_kind_may_be_written_as_a_media_type(kind: str) -> None:
    """RFC 9068, 4 and RFC 7515, 4.1.9."""
    assert await verifier().authenticate(f"Bearer {signed(CLAIMS, {**HEADER, 'typ': kind})}") == CALLER


@pytest.mark.parametrize("kid", [None, "", "unknown", 1, [OURS.thumbprint()], {"a": 1}])
async def test_a_token_names_one_of_our_keys(kid: Any) -> None:
    """Without an id a library tries keys, or fails once there are two of them, as during a rotation."""
    await refused(signed(CLAIMS, without("kid", HEADER) if kid is None else {**HEADER, "kid": kid}))


async def test_a_foreign_key_does_not_sign_under_our_key_id() -> None:
    await refused(signed(CLAIMS, HEADER, FOREIGN))
    await refused(signed(CLAIMS, {**HEADER, "kid": FOREIGN.thumbprint()}, FOREIGN))


async def test_a_changed_token_is_refused() -> None:
    header, claims, signature = signed(CLAIMS).split(".")
    wider = coded({**CLAIMS, "scope": "clients:pii"})
    await refused(f"{header}.{wider}.{signature}")
    await refused(f"{header}.{claims}.{signature[:-4]}AAAA")
    await refused(f"{header}.{claims}.")
    await refused(f"{header}.{claims}.{coded(bytes(64))}")


async def test_a_retired_key_still_verifies() -> None:
    both = Verifier(Keys(FOREIGN, [OURS]), ISSUER, AUDIENCE, Clock())
    assert await both.authenticate(f"Bearer {signed(CLAIMS)}") == CALLER
    assert await both.authenticate(f"Bearer {issue(CALLER, Keys(FOREIGN), ISSUER, AUDIENCE, NOW)}") == CALLER


ODD = [None, "", 1, True, 1.5, [], ["x"], {}, {"x": 1}]


@pytest.mark.parametrize("name", [name for name in CLAIMS if name not in ("exp", "iat", "scope")])
@pytest.mark.parametrize("value", ODD, ids=repr)
async def test_each_required_claim_is_a_text(name: str, value: Any) -> None:
    """A claim of another type must not crash, and must not become a party, a purpose or an application."""
    await refused(signed({**CLAIMS, name: value}))
    await refused(signed(without(name, CLAIMS)))


@pytest.mark.parametrize("value", ODD, ids=repr)
async def test_a_scope_that_is_no_text_is_invalid(value: Any) -> None:
    """Trap 5: a list or null in scope was an AttributeError, and so a 500."""
    await refused(signed({**CLAIMS, "scope": value}))


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize(
    "value",
    ["1", str(NOW + 300), None, True, [], {}, float("nan"), float("inf"), float("-inf"), 10**400],
    # The moment is another in each process, and tests are told apart by their names.
    ids=lambda value: repr(value)[:12].replace(str(NOW + 300), "soon"),
)
async def test_a_time_is_a_finite_number(name: str, value: Any) -> None:
    """NaN compares false with everything: a token that expires then would never expire."""
    await refused(signed({**CLAIMS, name: value}))
    await refused(signed(without(name, CLAIMS)))


@pytest.mark.parametrize(
    "audience",
    [
        "https://evil.example",
        AUDIENCE + "/",
        ISSUER,
        [],
        [AUDIENCE, "https://evil.example"],
        ["https://evil.example"],
    ],
)
async def test_a_token_for_somebody_else_is_refused(audience: Any) -> None:
    """A resource that got a token could otherwise use it here; an array with a stranger means it can be."""
    await refused(signed({**CLAIMS, "aud": audience}))


@pytest.mark.parametrize("issuer", ["https://evil.example/oauth", ISSUER + "/", "https://gateway.example"])
async def test_a_token_of_somebody_else_is_refused(issuer: str) -> None:
    await refused(signed({**CLAIMS, "iss": issuer}))


async def test_a_token_ends_to_the_second(clock: Clock) -> None:
    """RFC 7519, 4.1.4: on or after exp it is not accepted, neither when it comes first nor from memory."""
    at = verifier(clock)
    token = signed(CLAIMS)
    clock.now = NOW + 299.9
    assert await at.authenticate(f"Bearer {token}") == CALLER
    clock.now = NOW + 300
    await refused(token, at)
    await refused(token, verifier(clock))


async def test_a_token_from_the_future_is_refused_beyond_a_clocks_error(clock: Clock) -> None:
    """FAPI 2.0: up to 10 s are two workers' clocks, more is not ours."""
    assert await verifier(clock).authenticate(f"Bearer {signed({**CLAIMS, 'iat': NOW + 10})}") == CALLER
    await refused(signed({**CLAIMS, "iat": NOW + 11}), verifier(clock))


async def test_a_verified_token_gives_the_identical_caller() -> None:
    """Database connections are kept for the caller they were last used for, told apart by identity."""
    at = verifier()
    token = signed(CLAIMS)
    assert await at.authenticate(f"Bearer {token}") is await at.authenticate(f"bearer {token}")
    assert await at.authenticate(f"Bearer {signed(CLAIMS)}") is not await at.authenticate(f"Bearer {token}")


async def test_a_refused_token_is_not_remembered() -> None:
    """Only who holds an application's secret can take room in the memory."""
    at = verifier()
    await refused(signed(CLAIMS, HEADER, FOREIGN), at)
    assert not at._verified


async def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    at = Verifier(KEYS, ISSUER, AUDIENCE, Clock(), size=3)
    used, *others = [signed({**CLAIMS, "jti": str(n)}) for n in range(6)]
    first = await at.authenticate(f"Bearer {used}")
    for token in others:
        await at.authenticate(f"Bearer {token}")
        assert await at.authenticate(f"Bearer {used}") is first
    assert len(at._verified) == 3
