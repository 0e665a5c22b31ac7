"""Registration: what an application brings along is looked at before it can do harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.errors import SettingsError
from gateway.oauth.applications import Application
from gateway.oauth.public_keys import MAX_KEYS, keys_of, read_keys
from gateway.oauth.redirects import check_redirect_uri
from gateway.oauth.registration import check
from tests.assertions import Key, jwks, key
from tests.test_oauth import KNOWN

# Redirect URIs (A14)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/back",
        "https://app.example",
        "https://app.example:8443/a/b?c=d&e=%20",
        "https://app.example/@user",
        "https://app.example/a..b/.well-known",
        "http://127.0.0.1/back",
        "http://127.0.0.1:8000/back",
        "http://[::1]:8000/back",
        "http://localhost:3000/",
    ],
)
def test_an_address_of_its_own_may_be_registered(uri: str) -> None:
    check_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/back",
        "//app.example/back",
        "app.example/back",
        "http://app.example/back",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://192.168.0.1/",
        "http://127.0.0.2/",
        "https://app.example/back#",
        "https://app.example/back#fragment",
        "https://user@app.example/",
        "https://user:word@app.example/",
        "https://127.0.0.1@evil.example/",
        "https://@app.example/",
        "https://*.example/",
        "https://app.example/*",
        "https://app.example/a/../b",
        "https://app.example/..",
        "https://app.example/./b",
        "https://app.example/%2e%2e/b",
        "https://app.example/%252e%252e/b",
        "https://app.example/a%2f..%2fb",
        "https://app.example\\@evil.example/",
        "https://app.example/\\..\\",
        "https://app.example/a b",
        "https://app.example/\n",
        "https://app.example/\tb",
        "https://app.example/\x00",
        " https://app.example/",
        "https://app.ex\u0430mple/",
        "https://App.example/",
        "HTTPS://app.example/",
        "https://",
        "https:///back",
        "https://app.example:/back",
        "https://app.example:0/",
        "https://app.example:99999/",
        "https://app.example:port/",
        "https://[::1/",
        "https://[v1.x]/",
        "https://.app.example/",
        "https://app%2eexample/",
        "https://app.example/" + "x" * 3000,
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "com.example.app:/back",
        "urn:ietf:wg:oauth:2.0:oob",
        "https:app.example/back",
        "https://a.example/ https://evil.example/",
    ],
)
def test_what_could_lead_elsewhere_may_not_be_registered(uri: str) -> None:
    """Each is an address that two programs read differently, that anybody listens on, or that is several."""
    with pytest.raises(SettingsError, match="the redirect URI"):
        check_redirect_uri(uri)


# Public keys


def pem_of_rsa(bits: int) -> bytes:
    """A public key of so many bits."""
    return (
        generate_private_key(65537, bits)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.mark.parametrize("kind", ["RSA", "EC", "OKP"])
def test_a_key_is_kept_with_no_more_than_what_verifies(kind: str) -> None:
    pair: Key = key(kind, "first")
    extended = json.loads(
        jwks(pair, use="sig", alg={"RSA": "PS256", "EC": "ES256", "OKP": "EdDSA"}[kind], more="x")
    )
    [kept] = json.loads(read_keys(json.dumps(extended).encode()))["keys"]
    assert "more" not in kept
    assert "d" not in kept
    [found] = keys_of(json.dumps({"keys": [kept]}))
    assert (found.kid, found.thumbprint(), found.is_private) == ("first", pair.thumbprint(), False)
    assert found.alg == {"RSA": "PS256", "EC": "ES256", "OKP": "Ed25519"}[kind]


NO_KEYS = (
    b"",
    b"nonsense",
    b"{}",
    b"{",
    b"[]",
    b"5",
    b'{"keys": []}',
    b'{"keys": 5}',
    b'{"keys": [5]}',
    b'{"keys": [{}]}',
    b'{"kty": "EC"}',
    b'{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}',
    b'{"kty": "RSA", "n": "AA", "e": "AA"}',
    b'{"kty": "OKP", "crv": "Ed25519", "x": "AA"}',
    b'{"kty": ["EC"]}',
    b'{"kty": "EC", "crv": {}}',
    b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    b"\xff\xfe\x00",
    b'{"keys": ' + b"[" * 5000,
)


@pytest.mark.parametrize("content", NO_KEYS, ids=range(len(NO_KEYS)))
def test_what_is_no_key_is_refused(content: bytes) -> None:
    """Without a word of what stands in the file."""
    with pytest.raises(SettingsError) as caught:
        read_keys(content)
    assert not content or content.decode(errors="replace") not in str(caught.value)


GOOD_FOR_NOTHING: Mapping[str, Callable[[], str | bytes]] = {
    "too many": lambda: jwks(*(key("EC", None, number) for number in range(MAX_KEYS + 1))),
    "P-384": lambda: jwks(ECKey.generate_key("P-384")),
    "P-384 in PEM": lambda: ECKey.generate_key("P-384").as_pem(private=False),
    "secp256k1": lambda: jwks(ECKey.generate_key("secp256k1")),
    "X25519": lambda: jwks(OKPKey.generate_key("X25519")),
    "Ed448": lambda: jwks(OKPKey.generate_key("Ed448")),
    "to encrypt": lambda: jwks(key("EC"), use="enc"),
    "for ES256K": lambda: jwks(key("EC"), alg="ES256K"),
    "EC for RS256": lambda: jwks(key("EC"), alg="RS256"),
    "RSA for HS256": lambda: jwks(key("RSA"), alg="HS256"),
    "a secret": lambda: json.dumps(OctKey.import_key(b"x" * 32).as_dict()),
    "1024 bits": lambda: pem_of_rsa(1024),
    "2047 bits": lambda: pem_of_rsa(2047),
}


@pytest.mark.parametrize("name", GOOD_FOR_NOTHING)
def test_a_key_that_is_no_good_is_refused(name: str) -> None:
    """A9: too weak, for something else, or of a kind that is not heard."""
    content = GOOD_FOR_NOTHING[name]()
    with pytest.raises(SettingsError):
        read_keys(content if isinstance(content, bytes) else content.encode())


def test_a_short_rsa_key_is_refused_in_a_set_as_well() -> None:
    numbers = generate_private_key(65537, 1024).public_key().public_numbers()
    good = json.loads(jwks(key("RSA")))["keys"][0]
    short = base64.urlsafe_b64encode(numbers.n.to_bytes(128)).rstrip(b"=").decode()
    with pytest.raises(SettingsError, match="2048"):
        read_keys(json.dumps({**good, "n": short}).encode())


@pytest.mark.parametrize("kind", [RSAKey, ECKey, OKPKey])
def test_a_private_key_is_refused_however_it_is_written(kind: Any) -> None:
    """Also in DER; and what is said does not hold it."""
    pair = kind.generate_key({RSAKey: 2048, ECKey: "P-256", OKPKey: "Ed25519"}[kind])
    for content in (
        json.dumps(pair.as_dict(private=True)).encode(),
        pair.as_pem(private=True),
        pair.as_der(private=True),
    ):
        with pytest.raises(SettingsError, match="private key") as caught:
            read_keys(content)
        assert str(pair.as_dict(private=True)["d"]) not in str(caught.value)
        assert caught.value.__cause__ is None


# What goes together

GOOD: Mapping[str, Any] = {
    "id": "new",
    "name": "New",
    "party": "MAILRU",
    "scopes": (),
    "purposes": ("analytics",),
}
BACK = ("https://app.example/back",)
KEYS = read_keys(b'{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"authentication": "private_key_jwt", "jwks": KEYS, "strict_audience": 1, "dpop_required": 1},
        {"authentication": "none", "grant_types": ("authorization_code",), "redirect_uris": BACK},
        {"grant_types": ("client_credentials", "authorization_code", "refresh_token"), "redirect_uris": BACK},
    ],
)
def test_what_goes_together_may_be_registered(options: dict[str, Any]) -> None:
    check(Application(**{**GOOD, **options}), KNOWN)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"authentication": "none"}, "proves nothing"),
        ({"authentication": "private_key_jwt"}, "needs them"),
        ({"jwks": KEYS}, "private_key_jwt"),
        ({"strict_audience": 1}, "strict audience"),
        ({"grant_types": ()}, "needs a grant"),
        ({"grant_types": ("password",)}, "no such grant"),
        ({"grant_types": ("implicit",)}, "no such grant"),
        ({"grant_types": ("refresh_token",)}, "needs authorization_code"),
        ({"grant_types": ("authorization_code",)}, "go together"),
        ({"redirect_uris": BACK}, "go together"),
        ({"name": "New\x1b[2J"}, "name"),
        ({"name": "New\nname"}, "name"),
    ],
)
def test_what_does_not_go_together_may_not(options: dict[str, Any], reason: str) -> None:
    """An application that could never get a token, or could without proving anything."""
    with pytest.raises(SettingsError, match=reason):
        check(Application(**{**GOOD, **options}), KNOWN)
