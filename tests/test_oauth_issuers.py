"""Outside issuers: a partner's own tokens are taken, for no more than the operator says and from nobody else."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.errors import Refusal, SettingsError
from gateway.oauth.issuers import OutsideIssuer
from gateway.oauth.keys import Keys
from gateway.oauth.keysets import KeySet
from gateway.oauth.tokens import Caller, issue
from gateway.oauth.verification import REMEMBERED
from gateway.settings import Settings
from gateway.trust import Source
from tests.conftest import ORIGIN, start
from tests.idp import AUDIENCE, OURS, OWN, Idp, _provider, accepted, idp, provider, refused, trust, verifier
from tests.proofs import signed, thumbprint
from tests.world import small_world

__all__ = ["_provider", "idp"]


# What their tokens come to


async def test_a_token_makes_its_bearer_what_the_settings_say(idp: Idp) -> None:
    """Applications and users go by the issuer's name, so that they are nobody's of ours."""
    caller = await accepted(idp.token(), trust(idp))
    assert (caller.party, caller.purpose, caller.scopes) == ("ALIBABA", "analytics", {"clients:read"})
    assert (caller.application, caller.user, caller.token) == (
        "keycloak:insights",
        "keycloak:ada",
        "keycloak:1",
    )
    assert caller.key is None
    assert abs(caller.expires - time.time() - 310) < 5


async def test_a_token_opens_the_gateway_itself(idp: Idp, tmp_path: Path) -> None:
    """The whole way: GraphQL over HTTP, with the rows and fields that party and scopes allow, and the metadata."""
    async for gateway in start(tmp_path, small_world(), issuers=(trust(idp),)):
        query = {
            "query": "{ caller { party application } clients(first: 1) { nodes { id profile { name } } } }"
        }
        answer = (await gateway.post(query, idp.token())).json()
        assert answer["data"]["caller"] == {"party": "ALIBABA", "application": "keycloak:insights"}
        assert answer["data"]["clients"]["nodes"][0]["id"]
        [error] = answer["errors"]
        assert error["extensions"]["missingScopes"] == ["clients:pii"]
        refusal = await gateway.post(query, idp.token(org="somebody"))
        assert (refusal.status_code, refusal.json()["errors"][0]["extensions"]["code"]) == (
            401,
            "UNAUTHENTICATED",
        )
        path = "/.well-known/oauth-protected-resource/graphql"
        assert (await gateway.client.get(path)).json()["authorization_servers"] == [OWN, idp.issuer]


@pytest.mark.parametrize(
    ("scope", "source", "scopes"),
    [
        ("clients:read", Source(claim=("scope",)), {"clients:read"}),
        ("clients:pii fund:reports admin", Source(claim=("scope",)), set()),
        (None, Source(claim=("scope",)), set()),
        (["clients:read", "clients:pii"], Source(claim=("scope",)), {"clients:read"}),
        ("a b", Source(claim=("scope",), values={"a": "alibaba:read", "b": "clients:pii"}), {"alibaba:read"}),
        ({"roles": ["a"]}, Source(claim=("scope", "roles"), values={"a": "alibaba:read"}), {"alibaba:read"}),
        ({"roles": ["a"]}, Source(claim=("scope", "roles", "x")), set()),
    ],
)
async def test_scopes_are_cut_down_to_the_ceiling(
    idp: Idp, scope: Any, source: Source, scopes: set[str]
) -> None:
    """The issuer may claim what it will: the operator's list is the most there is, also of mapped names."""
    assert (await accepted(idp.token(scope=scope), trust(idp, scope=source))).scopes == scopes


async def test_party_and_purpose_are_the_operators(idp: Idp) -> None:
    """A claim of theirs with our name for it does nothing; a value that is not in the table is nobody."""
    sent = idp.token(party="MAILRU", purpose="targeted_offers", aim="offers")
    fixed = await accepted(sent, trust(idp, party=Source(fixed="MAILRU")))
    assert (fixed.party, fixed.purpose) == ("MAILRU", "analytics")
    mapped = Source(claim=("aim",), values={"offers": "targeted_offers"})
    assert (await accepted(sent, trust(idp, purpose=mapped))).purpose == "targeted_offers"
    await refused(idp.token(aim="other"), trust(idp, purpose=mapped))
    await refused(idp.token(), trust(idp, purpose=mapped))


@pytest.mark.parametrize(
    "org", [None, "", "ALIBABA", "Aliexpress", ["aliexpress"], {"aliexpress": 1}, 1, True]
)
async def test_a_party_that_is_not_in_the_table_is_none(idp: Idp, org: Any) -> None:
    await refused(idp.token(org=org), trust(idp))


async def test_an_application_may_stand_in_another_claim(idp: Idp) -> None:
    """Keycloak's `azp`; and a service, whose subject is itself, is no user."""
    found = await accepted(
        idp.token(client_id=None, azp="ada"), trust(idp, application=Source(claim=("azp",)))
    )
    assert (found.application, found.user) == ("keycloak:ada", None)
    await refused(idp.token(client_id=None, azp="ada"), trust(idp))
    await refused(idp.token(client_id="x" * 256), trust(idp))


async def test_a_token_narrowed_to_datasets_stays_so(idp: Idp) -> None:
    """RFC 9396: what narrows is heeded, and what is not understood refused, never passed over."""
    entry = {"type": "partner_data", "party": "MAILRU", "datasets": ["orders"], "purpose": "analytics"}
    assert (await accepted(idp.token(authorization_details=[entry]), trust(idp))).datasets == {
        ("MAILRU", "orders")
    }
    for bad in ([{**entry, "purpose": "targeted_offers"}], [{**entry, "type": "account"}], "x", [1]):
        await refused(idp.token(authorization_details=bad), trust(idp))


async def test_a_bound_token_is_no_bearer_token(idp: Idp) -> None:
    """Also theirs; and a binding that cannot be checked here, as to a certificate, is none to be passed over."""
    await refused(idp.token(cnf={"jkt": thumbprint()}), trust(idp))
    for cnf in ({"x5t#S256": "x"}, {"jkt": "x", "x5t#S256": "x"}, {}, "x", {"jkt": 1}, {"jkt": ""}):
        await refused(idp.token(cnf=cnf), trust(idp))


# Who issued it


async def test_each_issuers_keys_verify_its_own_tokens_only(idp: Idp) -> None:
    """Mix-up: `iss` settles whose keys are looked at; ours for theirs and theirs for ours are refused."""
    ours, at = {"typ": "at+jwt", "alg": "ES256", "kid": OURS.thumbprint()}, trust(idp)
    claims = idp.claims(party="ALIBABA", purpose="analytics")
    await refused(signed(ours, claims, OURS), at)
    await refused(signed(idp.header(), {**claims, "iss": OWN}, idp.keys["one"]), at)
    await refused(signed({**ours, "kid": "one"}, claims, OURS), at)
    idp.keys[OURS.thumbprint()] = idp.keys["one"]
    await refused(signed(idp.header(OURS.thumbprint()), {**claims, "iss": OWN}, idp.keys["one"]), at)
    caller = Caller("ALIBABA", "app", frozenset(), "analytics", time.time() + 60)
    assert await accepted(issue(caller, Keys(OURS), OWN, AUDIENCE, int(time.time())), at)


async def test_one_outside_issuer_does_not_speak_for_another(idp: Idp) -> None:
    """Both are trusted, each for itself; the second has the first's key id and the operator's other party."""
    with provider() as other:
        trusts = trust(idp), trust(other, name="other", party=Source(fixed="MAILRU"))
        assert (await accepted(other.token(), *trusts)).party == "MAILRU"
        await refused(signed(other.header(), idp.claims(), other.keys["one"]), *trusts)
        await refused(signed(idp.header(), other.claims(), idp.keys["one"]), *trusts)


@pytest.mark.parametrize("issuer", [None, "", "https://evil.example", 7, [], {}, "{}/", "{}?x"])
async def test_an_issuer_that_nobody_trusts_is_not_asked(idp: Idp, issuer: Any) -> None:
    """No address in a token is ever fetched from."""
    found = issuer.format(idp.issuer) if isinstance(issuer, str) else issuer
    await refused(idp.token(iss=found), trust(idp))
    await refused(idp.token(), replace(trust(idp), issuer="https://other.example"))
    assert idp.asked == []


@pytest.mark.parametrize(
    "audience", [None, "", AUDIENCE + "/", OWN, [], [AUDIENCE, "account"], ["account"], {AUDIENCE: 1}]
)
async def test_a_token_for_somebody_else_is_refused(idp: Idp, audience: Any) -> None:
    """A6: one that the issuer made for another of its resources, which that one could send on to here."""
    await refused(idp.token(aud=audience), trust(idp))


async def test_the_audience_may_be_another_name(idp: Idp) -> None:
    """As the issuer knows the gateway by; then nothing else is."""
    at = trust(idp, audience="silk-road")
    assert await accepted(idp.token(aud="silk-road"), at)
    assert await accepted(idp.token(aud=["silk-road"]), at)
    await refused(idp.token(), at)


# Times


@pytest.mark.parametrize("leeway", [0, 10])
@pytest.mark.parametrize(
    ("name", "good", "bad"), [("exp", 0.5, 0), ("iat", 0, 0.5), ("nbf", 0, 0.5)], ids=["exp", "iat", "nbf"]
)
async def test_their_clock_may_be_off_by_the_leeway(
    idp: Idp, leeway: float, name: str, good: float, bad: float
) -> None:
    """A7: to the second, at either end."""
    now = 1_700_000_000.0
    at = OutsideIssuer(trust(idp, leeway=leeway), AUDIENCE, KeySet(trust(idp)), lambda: now)
    times = {"exp": now + 100, "iat": now - 7200, "nbf": now - 7200}
    edge = now - leeway if name == "exp" else now + leeway
    assert await at.caller(idp.token(**{**times, name: edge + good}))
    with pytest.raises(ValueError, match=r"exp is past|iat or nbf is to come"):
        await at.caller(idp.token(**{**times, name: edge + bad}))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    ["1", None, True, [], {}, float("nan"), float("inf"), float("-inf"), -1, 10**400],
    ids=lambda v: repr(v)[:9],
)
async def test_a_time_is_a_finite_number(idp: Idp, name: str, value: Any) -> None:
    """A7: exp and iat are there; none is NaN, at which nothing would ever end."""
    claims = {**idp.claims(), name: value}
    await refused(signed(idp.header(), claims, idp.keys["one"]), trust(idp))


async def test_a_token_ends_from_memory_too(idp: Idp) -> None:
    """A verified token is remembered, and over when its time is."""
    now = [time.time()]
    at = verifier(trust(idp), clock=lambda: now[0])
    outside = at._outside[idp.issuer]
    outside._clock = lambda: now[0]
    sent = idp.token()
    first = await at.authenticate(f"Bearer {sent}")
    assert await at.authenticate(f"Bearer {sent}") is first
    now[0] += 311
    with pytest.raises(Refusal):
        await at.authenticate(f"Bearer {sent}")


async def test_a_withdrawn_key_ends_tokens_that_live_for_hours(idp: Idp) -> None:
    """They are verified again every five minutes; memory must not outlive the issuer's word."""
    now = [time.time()]
    at = verifier(trust(idp), clock=lambda: now[0])
    sent = idp.token(exp=int(now[0]) + 7200)
    await at.authenticate(f"Bearer {sent}")
    at._outside[idp.issuer]._keys._keys.clear()
    now[0] += REMEMBERED - 1
    await at.authenticate(f"Bearer {sent}")
    now[0] += 2
    with pytest.raises(Refusal):
        await at.authenticate(f"Bearer {sent}")


# Settings that cannot be


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"algorithms": ("HS256",)}, "no such algorithm: HS256"),
        ({"algorithms": ("none",)}, "no such algorithm: none"),
        ({"party": Source(fixed="EVIL")}, "no such party: EVIL"),
        ({"party": Source(claim=("org",), values={"a": "EVIL"})}, "no such party: EVIL"),
        ({"purpose": Source(fixed="fun")}, "no such purpose: fun"),
        ({"scopes": ("admin",)}, "no such scope: admin"),
        ({"issuer": OWN}, "the gateway's own issuer"),
    ],
)
def test_what_there_is_not_stops_the_start(
    idp: Idp, tmp_path: Path, other: dict[str, Any], reason: str
) -> None:
    """A typing error must not wait for the first token, and nobody else speaks for the gateway itself."""
    with pytest.raises(SettingsError, match=reason):
        create_app(Settings(state=tmp_path, origin=ORIGIN, issuers=(trust(idp, **other),)))
