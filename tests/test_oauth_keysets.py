"""Key sets of outside issuers: fetched when needed, with patience that ends, and never from where a stranger says."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateway.errors import Refusal
from gateway.oauth.issuers import OutsideIssuer
from gateway.oauth.keysets import COOL_DOWN, FRESH, PATIENCE, STALE, KeySet
from gateway.oauth.tokens import Caller
from tests.door import Lines, log
from tests.idp import AUDIENCE, Idp, _provider, accepted, idp, provider, refused, trust
from tests.proofs import KEYS, OTHER, WEAK, signed

__all__ = ["_provider", "idp", "log"]

OPENID = "/realm/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server/realm"
KEYS_AT = "/realm/keys"


class Trusted:
    """An issuer as the gateway has it, with a clock for its keys that the test moves."""

    def __init__(self, idp: Idp, patience: float = PATIENCE, **other: Any) -> None:
        self.now = 0.0
        self.idp = idp
        self.keys = KeySet(trust(idp, **other), lambda: self.now, patience)
        self.issuer = OutsideIssuer(trust(idp, **other), AUDIENCE, self.keys)

    async def takes(self, token: str | None = None) -> Caller:
        """The caller, of a good token if none is given."""
        return await self.issuer.caller(token or self.idp.token())

    async def unavailable(self) -> None:
        """A good token cannot be told from a bad one."""
        with pytest.raises(Refusal) as caught:
            await self.takes()
        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": str(COOL_DOWN)})

    async def refuses(self, token: str) -> None:
        """The token is no good."""
        with pytest.raises(ValueError, match=r"\w"):
            await self.takes(token)

    async def settle(self) -> None:
        """Wait for the fetch that is on its way."""
        if (fetching := self.keys._fetching) is not None:
            await fetching


@pytest.mark.parametrize(
    ("forms", "asked"),
    [
        ({"openid-configuration"}, [OPENID, KEYS_AT]),
        ({"oauth-authorization-server"}, [OPENID, OAUTH, KEYS_AT]),
    ],
)
async def test_keys_are_found_through_either_metadata(idp: Idp, forms: set[str], asked: list[str]) -> None:
    """OpenID Connect Discovery 4 puts the well-known part behind the issuer's path, RFC 8414, 3.1 in front of it."""
    idp.forms = forms
    assert await accepted(idp.token(), trust(idp))
    assert idp.asked == asked


async def test_keys_may_be_where_the_operator_says(idp: Idp) -> None:
    """For issuers without metadata."""
    idp.forms = set()
    assert await accepted(idp.token(), trust(idp, jwks_uri=f"{idp.issuer}/keys"))
    assert idp.asked == [KEYS_AT]


async def test_keys_are_fetched_once_for_many(idp: Idp) -> None:
    """Thirty callers at once after a start are one fetch, and those after them none."""
    idp.delay = 0.2
    at = Trusted(idp)
    await asyncio.gather(*(at.takes() for _ in range(30)))
    await at.takes()
    assert idp.asked == [OPENID, KEYS_AT]


async def test_who_hangs_up_does_not_end_the_fetch_of_the_others(idp: Idp) -> None:
    idp.delay = 0.2
    at = Trusted(idp)
    first, second = (asyncio.create_task(at.takes()) for _ in range(2))
    await asyncio.sleep(0.1)
    first.cancel()
    assert (await second).party == "ALIBABA"
    assert idp.asked == [OPENID, KEYS_AT]


async def test_an_unknown_key_id_fetches_again_but_not_at_every_call(idp: Idp) -> None:
    """The issuer rotated, and its new key works at once; invented ids make one fetch in thirty seconds."""
    at = Trusted(idp)
    await at.takes()
    idp.keys["two"] = ECKey.generate_key("P-256")
    at.now += COOL_DOWN
    assert await at.takes(idp.token("two"))
    assert idp.asked == [OPENID, KEYS_AT] * 2
    for number in range(20):
        await at.refuses(signed(idp.header(f"no-{number}"), idp.claims(), OTHER))
    assert idp.asked == [OPENID, KEYS_AT] * 2
    at.now += COOL_DOWN
    await at.refuses(signed(idp.header("no"), idp.claims(), OTHER))
    assert idp.asked == [OPENID, KEYS_AT] * 3


async def test_old_keys_serve_while_new_ones_are_fetched(idp: Idp) -> None:
    """Nobody waits for an issuer that has become slow; and a key that it withdrew is gone then."""
    at = Trusted(idp)
    await at.takes()
    token = idp.token()
    idp.delay, idp.keys = 1.0, {"two": ECKey.generate_key("P-256")}
    at.now += FRESH + 1
    begun = time.perf_counter()
    assert await at.takes(token)
    assert time.perf_counter() - begun < 0.9
    await at.settle()
    await at.refuses(token)
    assert await at.takes(idp.token("two"))


async def test_an_issuer_that_is_down_is_borne_for_an_hour(idp: Idp) -> None:
    """Its keys serve for the time that is stated, then nobody can tell good tokens from bad: 503, and when to retry."""
    at = Trusted(idp)
    await at.takes()
    idp.fault = "down"
    at.now += STALE
    assert await at.takes()
    await at.settle()
    at.now += 1
    await at.unavailable()
    idp.fault = ""
    await at.unavailable()
    at.now += COOL_DOWN
    assert await at.takes()


FAULTS = ["down", "redirect", "large", "packed", "text", "list", "deep"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_answer_that_is_none_brings_no_keys(idp: Idp, log: Lines, fault: str) -> None:
    """Errors, redirects, pages, floods and what unpacks to one: no key, one line in the log, no word of the answer."""
    idp.fault = fault
    at = Trusted(idp)
    await at.unavailable()
    assert "/elsewhere" not in idp.asked
    [line] = [json.loads(each) for each in log.lines if "no keys of an issuer" in each]
    assert (line["level"], line["issuer"]) == ("WARNING", "keycloak")
    assert line["reason"]
    assert "canary" not in str(line)


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_more_do_keys_from_where_the_operator_says(idp: Idp, fault: str) -> None:
    idp.fault = fault
    await Trusted(idp, jwks_uri=f"{idp.issuer}/keys").unavailable()
    assert "/elsewhere" not in idp.asked


async def test_an_issuer_that_hangs_is_not_waited_for(idp: Idp) -> None:
    idp.delay = 5
    begun = time.perf_counter()
    await Trusted(idp, patience=0.3).unavailable()
    assert time.perf_counter() - begun < 2


async def test_an_issuer_that_is_not_there_is_unavailable() -> None:
    with provider() as gone:
        pass
    await Trusted(gone).unavailable()


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        *(
            {"jwks_uri": where}
            for where in (None, 7, "", "http://evil.example/keys", "file:///etc/passwd", "//x", "https://")
        ),
        *(
            {"jwks_uri": where}
            for where in (
                "http://127.0.0.1.evil.example/",
                "http://a@127.0.0.1/",
                "https://[",
                "http://10.0.0.1/",
            )
        ),
    ],
    ids=str,
)
async def test_metadata_that_is_anothers_or_leads_astray_is_not_followed(
    idp: Idp, metadata: dict[str, Any]
) -> None:
    """RFC 8414, 3.3; and keys that come in the clear are whoever's who stands in between."""
    idp.metadata = metadata
    await Trusted(idp).unavailable()
    assert KEYS_AT not in idp.asked


@pytest.mark.parametrize("key_set", [{}, {"keys": {}}, {"keys": "x"}, {"keys": None}])
async def test_a_document_that_is_no_key_set_brings_no_keys(idp: Idp, key_set: Any) -> None:
    idp.key_set = key_set
    await Trusted(idp).unavailable()


def published(key: Any, **other: Any) -> dict[str, Any]:
    """A key as an issuer publishes it."""
    return {**key.as_dict(private=False), "kid": "one", **other}


async def test_keys_that_cannot_be_used_do_not_spoil_the_others(idp: Idp) -> None:
    """RFC 7517, 5: keys of kinds to come, of others' uses, weak or broken ones, and several of one id (A8)."""
    good = idp.keys["one"]
    bad: list[Any] = [
        *(
            7,
            None,
            [],
            {},
            {"kty": "AKP", "kid": "one"},
            {"kty": 5, "kid": "one"},
            {"kty": "EC", "kid": "one"},
        ),
        *(
            published(good, use="enc"),
            published(good, alg="ES384"),
            published(good, x="AA"),
            published(KEYS["PS256"]),
        ),
        published(OTHER),
    ]
    idp.key_set = {"keys": [*bad, published(good)]}
    at = Trusted(idp, algorithms=("ES256", "PS256"))
    assert await at.takes()
    await at.refuses(signed(idp.header(alg="PS256"), idp.claims(), OTHER, "ES256"))


async def test_a_weak_key_is_none_though_published(idp: Idp) -> None:
    """A9: RSA of 1024 bits."""
    idp.key_set = {"keys": [published(WEAK)]}
    at = Trusted(idp, algorithms=("RS256",))
    await at.refuses(signed(idp.header(alg="RS256"), idp.claims(), WEAK))


async def test_a_token_without_a_key_id_needs_the_only_key_there_is(idp: Idp) -> None:
    """A8: to try all would let one signature order much work."""
    idp.key_set = {"keys": [published(idp.keys["one"]), published(KEYS["PS256"])]}
    sent = signed(idp.header(kid=None), idp.claims(), idp.keys["one"])
    assert await Trusted(idp, algorithms=("ES256", "PS256")).takes(sent)
    idp.key_set["keys"].append(published(OTHER, kid="two"))
    await refused(sent, trust(idp))
    for kid in ("", 1, ["one"], {"one": 1}):
        await refused(signed(idp.header(kid=kid), idp.claims(), idp.keys["one"]), trust(idp))


async def test_a_key_that_is_published_with_its_former_algorithms_name_serves(idp: Idp) -> None:
    """RFC 9864 calls EdDSA Ed25519 now; issuers and their tokens change over one after the other."""
    idp.key_set = {"keys": [published(KEYS["Ed25519"], alg="EdDSA")]}
    at = Trusted(idp, algorithms=("Ed25519", "EdDSA"))
    for algorithm in ("Ed25519", "EdDSA"):
        assert await at.takes(signed(idp.header(alg=algorithm), idp.claims(), KEYS["Ed25519"]))
