"""FAPI 2.0 Security Profile: each line of what it asks of servers is shown, or left with a reason.

The profile is for confidential applications with bound tokens; the gateway also has others, where a line says so.
The numbers are those of the profile; the names in brackets are of the conformance suite's modules that ask the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.conftest import ORIGIN
from tests.people import Flow, Here, here
from tests.shown import check

__all__ = ["here"]


@dataclass(frozen=True)
class Left:
    """A line that no test here shows, and why."""

    reason: str


NO_PUSHED = Left(
    "pushed authorization requests (RFC 9126) are not offered; requests are held to what is registered"
)
IN_FRONT = Left(
    "TLS ends at the operator's proxy; `origin` must be https, or http on loopback, or nothing starts"
)

LINES: dict[str, tuple[str, ...] | Left] = {
    "5.2.1-1 endpoints are protected by TLS": (
        "oauth: an origin that would send tokens in the clear stops the start",
        "peers/client_credentials: a secret gets a token that is answered",
    ),
    "5.2.1-2 TLS 1.2 or later, ciphers, certificates": IN_FRONT,
    "5.2.2 mutual TLS": Left("tokens are bound by DPoP and applications known by private_key_jwt instead"),
    "5.2.3-1 connections are not downgraded": IN_FRONT,
    "5.2.3-3 no CORS at the authorization endpoint": (
        "fapi: the authorization endpoint answers no other site",
    ),
    "5.3.2.1-1 metadata [DiscoveryEndpointVerification]": (
        "oauth_metadata_true: every member of the metadata is true",
        "peers/discovery: the issuer is enough",
    ),
    "5.3.2.1-2 no password grant": ("oauth_server: no other grant is given",),
    "5.3.2.1-3 confidential applications only": Left(
        "public ones are offered too, for GraphiQL, with PKCE, a day's refresh tokens and rotation"
    ),
    "5.3.2.1-4 bound tokens only [EnsureHolderOfKeyRequired]": (
        "oauth_dpop_nonces: an application that must prove gets no token without",
        "peers/dpop: an application that must prove its key gets no other token",
    ),
    "5.3.2.1-5 bound by DPoP [DpopNegativeTests, CheckDpopProofNbfExp]": (
        "oauth_dpop: a token is bound and used with a key of each algorithm",
        "oauth_dpop: a proof is for one address",
        "oauth_dpop: a proof is for one method",
        "oauth_dpop: a proof counts once",
        "oauth_dpop: exactly one proof is sent",
        "oauth_dpop: exp and nbf are heeded where they stand",
        "oauth_dpop_forgeries: garbage is an invalid proof",
    ),
    "5.3.2.1-6 applications authenticate by private_key_jwt [EnsureClientAssertion…]": (
        "oauth_assertions: an assertion of each algorithm proves its application",
        "oauth_assertions: an application authenticates only as it registered",
        "oauth_assertions: the key of one application is not good for another",
        "oauth_assertions_bounds: an assertion is used once",
    ),
    "5.3.2.1-7 no open redirector": (
        "oauth_authorize: nobody is sent to an address that is not registered",
        "oauth_authorize: an application that is not known gets no redirect",
        "oauth_anything: any authorization request has an answer",
    ),
    "5.3.2.1-8 and 9 the audience is the issuer, or the endpoint that is asked": (
        "oauth_assertions: the audience is the issuer or the token endpoint",
        "peers/inspection: a token is inspected and revoked and is then good for nothing",
        "peers/private_key_jwt: these name the issuer alone as strict applications must",
    ),
    "5.3.2.1-10 refresh tokens are not rotated [RefreshToken]": (
        "oauth_codes: an application that proves a key keeps its refresh token",
        "peers/dpop: a person lets an application ask with proofs and it stays so",
    ),
    "5.3.2.1-11 nonces": (
        "oauth_dpop_nonces: every answer to a proof brings a nonce",
        "peers/dpop: an application that must prove its key is told a nonce and goes on",
    ),
    "5.3.2.1-12 a code is good for a minute at most [AttemptToUseExpiredAuthCode]": (
        "oauth_codes: a code is good for a minute",
    ),
    "5.3.2.1-13 a code is bound to the key [EnsureDpopAuthCodeBindingSuccess, EnsureMismatchedDpopJktFails]": (
        "oauth_codes: a code for a key is exchanged with that key alone",
    ),
    "5.3.2.1-14 clocks may be 10 s ahead and not 60 [EnsureDpopProofWithIat10SecondsBefore/After]": (
        "oauth_assertions_bounds: the boundaries of time",
        "oauth_dpop: a proof without a nonce is for now",
        "oauth_tokens: a token from the future is refused beyond a clocks error",
    ),
    "5.3.2.1-15 tokens are for as little as is needed": (
        "oauth_server: fewer scopes when fewer are asked for",
        "oauth_details: what is granted is in answer and token with its purpose",
        "peers/parameters: details narrow the token and come back as granted",
    ),
    "5.3.2.2-1 response_type is code [EnsureResponseTypeTokenFails, EnsureResponseTypeCodeIdTokenFails]": (
        "oauth_authorize: a request that cannot be granted is answered before anybody is asked",
    ),
    "5.3.2.2-2 to 4 requests are pushed [PAR…, EnsureUnsignedAuthorizationRequestWithoutUsingParFails]": NO_PUSHED,
    "5.3.2.2-5 PKCE with S256 [PAREnsurePKCERequired, PAREnsurePlainPKCERejected, PARIncorrectPKCECodeVerifier…]": (
        "oauth_authorize: a request that cannot be granted is answered before anybody is asked",
        "oauth_codes: a code without its verifier is worth nothing",
        "oauth_codes: a verifier has 43 to 128 characters",
    ),
    "5.3.2.2-6 redirect_uri [EnsureRedirectUriInAuthorizationRequest, EnsureRegisteredRedirectUri]": (
        "oauth_authorize: nobody is sent to an address that is not registered",
        "oauth_codes: the token request repeats the address",
    ),
    "5.3.2.2-7 iss in the answer": (
        "oauth_authorize: a person signs in allows and the application gets tokens",
        "peers/people: an answer that names another issuer is not believed",
    ),
    "5.3.2.2-8 no http redirect_uri but for loopback": (
        "oauth_registration: what could lead elsewhere may not be registered",
        "oauth_authorize: nothing but the port of loopback is free",
    ),
    "5.3.2.2-9 a code is used once [AttemptReuseAuthorizationCodeAfterOneSecond]": (
        "oauth_codes: of thirty uses of a code at once one succeeds and is ended",
        "oauth_workers: of thirty uses at once in two workers one succeeds",
    ),
    "5.3.2.2-10 and 11 no 307; 303 instead": (
        "oauth_authorize: a person signs in allows and the application gets tokens",
        "fapi: no redirect takes a form along",
    ),
    "5.3.2.2-12 a request_uri is short-lived [PARAttemptToUseExpiredRequestUri, PARAttemptReuseRequestUri]": NO_PUSHED,
    "5.3.2.2-13 people are told who asks, and what for [UserRejectsAuthentication]": (
        "oauth_authorize: the page says in words what is asked",
        "oauth_authorize: who denies is asked for nothing more",
        "peers/people: a refusal by the person is understood",
    ),
    "5.3.2.2-14 nonces of OpenID Connect": Left(
        "the gateway is no identity provider; there are no ID tokens"
    ),
    "5.3.2.2 note 4: long states, and none [EnsureAuthorizationRequestWithLongState, …WithoutState]": (
        "oauth_authorize: the state comes back as it was sent",
        "oauth_authorize: without a state there is none in the answer",
    ),
    "5.3.2.2 note 5: rich authorization requests": (
        "oauth_details_followed: no token that follows is for more",
    ),
    "5.3.2.3 who the person is": Left(
        "applications are told nothing of the person; there is no OpenID Connect"
    ),
    "5.3.4-1 tokens come in the header [AccessTokenTypeHeaderCaseSensitivity]": (
        "oauth_tokens: the scheme may be written in any case",
        "oauth_dpop: the scheme may be written in any case",
    ),
    "5.3.4-2 and nowhere else": ("endpoint: a token in the address or the body is not seen",),
    "5.3.4-3 their validity, expiry and revocation are looked at": (
        "oauth_tokens: a changed token is refused",
        "oauth_tokens: a token ends to the second",
        "oauth_revocation: an application ends its access token and no other",
        "peers/inspection: a token is inspected and revoked and is then good for nothing",
    ),
    "5.3.4-4 they must suffice": (
        "refusals: where the operator wants it the whole operation is refused",
        "refusals: what may not be asked for is null and the error says what is lacking",
    ),
    "5.3.4-5 and be bound": (
        "oauth_dpop: a bound token is no bearer token",
        "oauth_dpop: the key of somebody else does not open",
        "peers/dpop: whoever proves a key gets a token that is answered with proofs alone",
    ),
    "5.4.1-1 PS256, ES256 or Ed25519, and never none": (
        "oauth_tokens: a token without a signature is refused",
        "oauth_assertions_forged: an assertion without a signature proves nothing",
        "oauth_dpop_forgeries: an algorithm that is not advertised is refused",
        "oauth_tokens: another kind of jwt is no access token",
    ),
    "5.4.1-1 RS256 is not among them": Left(
        "applications may sign their assertions with it, for many libraries know no other; tokens and proofs never"
    ),
    "5.4.1-2 and 3 keys are long enough": (
        "oauth_registration: a short rsa key is refused in a set as well",
        "oauth_dpop_forgeries: a key that can be broken or costs much is refused",
        "oauth_keysets: a weak key is none though published",
    ),
    "5.4.1-4 what is given out cannot be guessed": (
        "fapi: what is given out has 128 bits at least",
        "oauth_tokens: a token has the form of rfc 9068",
        "oauth_applications: the secret is 256 bits and stands nowhere",
    ),
    "5.4.2 no x5u and jku, no two keys of one name": (
        "oauth_tokens: a token may not bring instructions for its own verification",
        "oauth_rotation: keys of all states are published under their thumbprints without private halves",
    ),
    "5.4.3 keys that share a name are told apart": (
        "oauth_assertions: keys that share a kid are told apart by type",
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_the_line_is_shown_or_left_with_a_reason(line: str) -> None:
    shown = LINES[line]
    if isinstance(shown, Left):
        assert len(shown.reason.split()) > 5
    else:
        assert shown
        for reference in shown:
            check(reference)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_the_authorization_endpoint_answers_no_other_site(here: Here, method: str) -> None:
    """A script elsewhere must not read who is signed in, or what is asked."""
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = await here.browser().request(method, "/oauth/authorize", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_no_redirect_takes_a_form_along(here: Here) -> None:
    """With 307 the browser would post the password to wherever it is sent next."""
    flow = Flow(here.browser())
    page = await flow.begin()
    answer = await flow.submit(
        page, "sign-in", id="li.wei@alibaba.example", password="correct horse battery staple"
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(("/oauth/authorize?", f"{ORIGIN}/oauth/authorize?"))


async def test_what_is_given_out_has_128_bits_at_least(here: Here) -> None:
    """Codes and refresh tokens: as long as 256 random bits in base64url, and never the same."""
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin())
    assert page.status_code == 200
    given = [await flow.code() for _ in range(5)]
    given += [(await flow.tokens())["refresh_token"] for _ in range(5)]
    assert len(set(given)) == 10
    assert all(len(each) >= 43 for each in given)
