"""Requests to the token service as hypothesis draws them: some nearly good, some nonsense, some hostile."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from hypothesis import strategies as st
from joserfc import jws

from tests.conftest import ORIGIN
from tests.peers.served import CALLBACK, key, secret

SIGNER = "signer-es256"


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: Any, claims: Any, good: bool) -> str:
    """A JWT of any header and claims, with a good signature of an application's or with none."""
    body = f"{coded(json.dumps(header).encode())}.{coded(json.dumps(claims).encode())}"
    model = jws.JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    signature = model.sign(body.encode(), key("ES256", SIGNER)) if good else b"nonsense"
    return f"{body}.{coded(signature)}"


NOW = int(time.time())
good_claims = {"iss": SIGNER, "sub": SIGNER, "aud": f"{ORIGIN}/oauth", "exp": NOW + 600}
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
headers_of_jwts = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "jwk", "jku", "x5u", "x5t", "crit", "b64", "zip"]),
    odd
    | st.sampled_from(["ES256", "EdDSA", "none", "JWT", "dpop+jwt", "at+jwt", "ES256K"])
    | st.just(key("ES256", SIGNER).as_dict(private=False)),
    max_size=3,
)
claims = st.dictionaries(
    st.sampled_from([*good_claims, "iat", "nbf", "jti", "htm", "htu", "ath", "nonce", "client_id", "cnf"]),
    odd | st.just(NOW + 60) | st.sampled_from([SIGNER, f"{ORIGIN}/oauth", f"{ORIGIN}/oauth/token", "POST"]),
    max_size=3,
)
jwts = st.builds(
    lambda header, body, number, good: signed(
        {"alg": "ES256", **header}, {**good_claims, "jti": str(number), **body}, good
    ),
    headers_of_jwts,
    claims,
    st.integers(),
    st.booleans(),
)
details = st.lists(
    st.dictionaries(
        st.sampled_from(["type", "party", "datasets", "purpose", "locations"]),
        odd | st.sampled_from(["partner_data", "ALIBABA"]) | st.just(["orders"]),
    ),
    max_size=2,
).map(json.dumps)

HOSTILE = [
    '"',
    "\\",
    "\r\nSet-Cookie: a=b",
    "\x00",
    "</script>",
    "%ff",
    "' OR 1=1 --",
    "é",
    "🧵",
    "x" * 9000,
    " ",
]
KNOWN = [
    *(
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "code",
        "S256",
        "plain",
        "query",
        "form_post",
    ),
    *(
        "shop",
        "browser",
        "site",
        SIGNER,
        secret("site"),
        "clients:read",
        "clients:read fund:reports",
        "analytics",
    ),
    *(
        CALLBACK,
        CALLBACK + "/..",
        "https://evil.example",
        f"{ORIGIN}/graphql",
        "access_token",
        "none",
        "login",
    ),
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "A" * 43,
]
values = st.sampled_from(HOSTILE + KNOWN) | st.text(max_size=20) | jwts | details
NAMES = """
grant_type client_id client_secret client_assertion client_assertion_type scope purpose resource authorization_details
code code_verifier code_challenge code_challenge_method redirect_uri response_type response_mode state nonce prompt
refresh_token token token_type_hint dpop_jkt request request_uri username user password decision consent csrf
"""
parameters = st.lists(st.tuples(st.sampled_from(NAMES.split()) | st.text(max_size=8), values), max_size=8)
basic = st.tuples(st.sampled_from(["shop", "site", "nobody", ""]), st.just(secret("shop")) | values).map(
    lambda pair: "Basic " + base64.b64encode(":".join(pair).encode()).decode()
)
credentials = st.binary(max_size=40).map(base64.b64encode) | st.binary(max_size=40).map(
    lambda data: data.translate(None, b"\r\n\x00")
)
schemes = st.sampled_from(["Basic ", "Bearer ", "DPoP ", "basic\t", ""])
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
header_values = (
    visible
    | jwts
    | basic
    | st.builds(str.__add__, schemes, visible | jwts)
    | st.sampled_from(["null", "*/*", "é"])
)
HEADERS = """
cookie host origin referer accept accept-language content-type content-length-x forwarded
x-forwarded-host x-forwarded-for x-forwarded-proto sec-fetch-site x-http-method-override if-none-match range
"""
headers = st.builds(
    dict.__or__,
    st.dictionaries(st.sampled_from(HEADERS.split()), header_values, max_size=2),
    st.fixed_dictionaries({}, optional={"authorization": header_values, "dpop": header_values}),
)
methods = st.just("POST") | st.sampled_from(
    ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)
