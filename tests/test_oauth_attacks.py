"""Attacks on the token service, each with what it would bring whoever tries it, and the tests that keep it off.

The tests stand where the attacked part is tested; here none of them can be lost.
"""

from __future__ import annotations

import pytest

from tests.shown import check

ATTACKS: dict[str, tuple[str, ...]] = {
    "A1 a code is used twice: its thief gets tokens beside its owner": (
        "oauth_codes: of thirty uses of a code at once one succeeds and is ended",
        "oauth_workers: of thirty uses at once in two workers one succeeds",
        "oauth_codes: a code is good for a minute",
        "oauth_codes: a code is of use to no other application",
    ),
    "A2 a refresh token is used twice: its thief stays for as long as its owner": (
        "oauth_codes: of thirty uses of a refresh token at once one succeeds and is ended",
        "oauth_codes: a refresh token is replaced and its second use ends all",
        "peers/people: a refresh token brings the next tokens and is used up",
    ),
    "A3 an assertion is used twice: whoever read it in a log is the application": (
        "oauth_assertions_bounds: thirty uses at once give one token",
        "oauth_authentication: two workers give one token for thirty uses of one assertion",
        "oauth_assertions_bounds: a use is remembered longer than the assertion lives",
    ),
    "A4 a proof is used twice: whoever read it needs no key": (
        "oauth_dpop_races: thirty uses of a proof at once are one",
        "oauth_dpop: a proof counts once",
    ),
    "A5 a token is signed with nothing, with the public key, or with a key that it brings": (
        "oauth_tokens: a token without a signature is refused",
        "oauth_tokens: the public key is no shared secret",
        "oauth_tokens: a token may not bring instructions for its own verification",
        "oauth_tokens: an embedded key does not sign for itself",
        "oauth_tokens: another kind of jwt is no access token",
        "oauth_assertions_forged: an assertion without a signature proves nothing",
        "oauth_assertions_forged: a public key is no shared secret",
        "oauth_assertions_forged: a key in the header is not believed",
        "oauth_assertions_forged: a header that is not understood is refused",
        "oauth_assertions_forged: a jwt that was made for something else is refused",
        "oauth_assertions_forged: an access token is no assertion",
        "oauth_dpop_forgeries: another kind of jwt is no proof",
        "oauth_dpop_forgeries: an access token is no proof and a proof no token",
        "oauth_dpop_forgeries: a proof brings a key and no other instruction",
        "oauth_dpop_forgeries: the embedded key is no shared secret",
        "oauth_issuers_forgeries: the published key is no shared secret",
        "oauth_issuers_forgeries: a token brings no instructions for its verification",
    ),
    "A6 what was made for another server is passed on to this one": (
        "oauth_tokens: a token for somebody else is refused",
        "oauth_issuers: a token for somebody else is refused",
        "oauth_assertions: the audience is the issuer or the token endpoint",
        "oauth_assertions_bounds: an assertion for another is refused",
        "oauth_assertions_bounds: a strict application names the issuer and nothing else",
        "peers/private_key_jwt: these name the issuer alone as strict applications must",
    ),
    "A7 a time is none, is never, or is long past": (
        "oauth_tokens: a time is a finite number",
        "oauth_tokens: a token ends to the second",
        "oauth_tokens: a token from the future is refused beyond a clocks error",
        "oauth_assertions_bounds: the boundaries of time",
        "oauth_assertions_bounds: a time that is none is refused",
        "oauth_assertions_bounds: an assertion must expire",
        "oauth_dpop: a time is a finite number",
        "oauth_dpop: exp and nbf are heeded where they stand",
    ),
    "A8 the name of a key is missing, unknown, or that of two": (
        "oauth_assertions: no kid is needed where there are several keys",
        "oauth_assertions: an unknown kid is refused",
        "oauth_assertions: keys that share a kid are told apart by type",
        "oauth_tokens: a token names one of our keys",
    ),
    "A9 a weak algorithm, or a weak key": (
        "oauth_assertions: an assertion of each algorithm proves its application",
        "oauth_assertions_forged: other algorithms are refused",
        "oauth_registration: a key that is no good is refused",
        "oauth_dpop_forgeries: an algorithm that is not advertised is refused",
        "oauth_dpop_forgeries: a key that can be broken or costs much is refused",
        "oauth_keysets: a weak key is none though published",
        "peers/private_key_jwt: a key gets a token that is answered",
    ),
    "A10 a request that two readers read differently, or that nobody can read": (
        "oauth_server: two authentications in one request are refused",
        "oauth_server: a parameter sent twice is refused",
        "oauth_server: another content type is refused",
        "oauth_server: a form has a size",
        "oauth_server: a form has a number of parameters",
        "oauth_server: a stream is cut off where the form must end",
        "oauth_server: a basic header that cannot be read is a bad request",
        "oauth_server: a hostile text is refused in every parameter",
        "oauth_authentication: a hostile text in any of its parameters is refused",
        "oauth_authentication: no mixture of credentials gives a token it should not",
        "oauth_anything: any form has an answer",
        "oauth_anything: any bytes have an answer",
        "oauth_anything: any credentials have an answer",
        "oauth_anything: any assertion has an answer",
        "oauth_anything: any authorization request has an answer",
        "oauth_anything: any request that a person who is signed in allows has an answer",
        "oauth_anything: any request of an application in good standing has an answer",
        "oauth_slow: a form that does not come is not waited for",
        "oauth_slow: who hangs up is let go without a word",
    ),
    "A11 more scopes than there are, than the application has, or than a person allowed": (
        "oauth_server: a scope that may not be had is refused",
        "oauth_codes: a refresh never widens",
        "oauth_authorize: what the person may not do nobody may do in its name",
    ),
    "A12 a token for a resource that is not ours, under our name": (
        "oauth_resource: another resource is refused",
        "oauth_resource: one foreign resource among several is refused",
        "oauth_details_followed: a resource is held to all the way",
    ),
    "A13 details that nobody knows, or more than were granted": (
        "oauth_details: an entry of another form is refused",
        "oauth_details: more than agreed is refused with what may be had",
        "oauth_details_followed: no token that follows is for more",
    ),
    "A14 the browser is sent, with a code, where the attacker listens": (
        "oauth_authorize: nobody is sent to an address that is not registered",
        "oauth_authorize: an application that is not known gets no redirect",
        "oauth_authorize: nothing but the port of loopback is free",
        "oauth_authorize: a parameter that is sent twice sends nobody anywhere",
        "oauth_registration: what could lead elsewhere may not be registered",
        "oauth_codes: the token request repeats the address",
    ),
    "A15 a stolen code without the secret that only the one who asked has": (
        "oauth_codes: a code without its verifier is worth nothing",
        "oauth_codes: a verifier has 43 to 128 characters",
        "oauth_authorize: a request that cannot be granted is answered before anybody is asked",
    ),
    "A16 an application takes one server's answer for another's": (
        "oauth_authorize: a person signs in allows and the application gets tokens",
        "oauth_authorize: a request that cannot be granted is answered before anybody is asked",
        "peers/people: an answer that names another issuer is not believed",
    ),
    "A17 whoever was shut out stays in with what it has": (
        "oauth_revocation: tokens of a disabled application stop within the bound",
        "oauth_revocation: tokens of a disabled person stop within the bound",
        "oauth_authentication: a disabled application is one that is not there",
        "oauth_codes: who is disabled or gets another password ends what was allowed",
        "oauth_signing: who is disabled or gets another password is signed out",
    ),
    "A18 a token that was revoked goes on at the other worker": (
        "workers: a revoked token is refused by both within the bound",
        "workers: a family that is revoked ends at both within the bound",
        "workers: an application that is disabled stops at both within the bound",
        "workers: a person who is disabled stops at both within the bound",
        "oauth_revocation: a worker that cannot read refuses after the stated time",
        "workers: a revoked token is refused by both within the bound",
        "workers: a family that is revoked ends at both within the bound",
        "workers: a worker that is killed is replaced and knows what was revoked",
    ),
    "A19 rotating keys refuses the good, or lets in who has the old one": (
        "oauth_rotation: nothing breaks while keys rotate under load",
        "workers: no request fails while the key is replaced",
        "oauth_rotation: a stolen key is gone at once",
        "oauth_rotation: a retired key goes when its time is over though nobody removes it",
        "workers: no request fails while the key is replaced",
    ),
    "A20 whoever reads the database or the log can go on as an application or a person": (
        "oauth_authentication: no secret and no private key is in the database",
        "oauth_secrets: no secret and no token is in the database or the log",
        "oauth: no secret and no token is in the log even at debug",
        "oauth_assertions_anything: no assertion is in the log",
        "oauth_dpop_races: no proof and no token is in the log",
        "oauth_signing: no password cookie code or token is in the log or the database",
    ),
    "A21 guessing names tells which applications and people there are": (
        "oauth_server: an unknown client and a wrong secret look and cost the same",
        "oauth_assertions_anything: all failures cost the same verifications",
        "oauth_signing: a wrong name and a wrong password look the same",
        "oauth_signing: an unknown name takes as long as a wrong password",
        "peers/inspection: nonsense is inactive and revoked without a word",
    ),
    "A22 guessing secrets until one fits": (
        "oauth_throttle: guessing a secret is slowed down",
        "oauth_throttle: who tries many applications is slowed down",
        "oauth_throttle: strangers lock nobody out",
        "oauth_throttle: a forwarded address is not believed",
        "oauth_signing: who guesses too often has to wait",
    ),
    "A23 a request says under which name the gateway is known": (
        "oauth_server: no spoofed host gets into a token",
        "oauth_metadata: no spoofed host gets into a document",
        "oauth_dpop: a spoofed host changes nothing",
    ),
    "A24 the clock is set back, or on": (
        "oauth_assertions_bounds: a use is remembered longer than the assertion lives",
        "oauth_rotation: a clock that is set back does not blind a worker",
        "oauth_tokens: a token ends to the second",
    ),
    "A25 the gateway is killed in the middle of an exchange": (
        "oauth_workers: what a worker did not keep was not done",
        "oauth_workers: what a worker kept and did not tell ends when it is asked for again",
        "migrations: killed midway it leaves nothing",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_there_are_tests_that_keep_it_off(attack: str) -> None:
    for reference in ATTACKS[attack]:
        check(reference)
