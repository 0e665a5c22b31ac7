"""private_key_jwt, out of bounds: an assertion is for us alone, for now, and for once."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from sqlalchemy import func, select

from gateway.oauth.spent import spent
from tests.assertions import ISSUER, claims, form, key, signed
from tests.proving import EC, here, proves, refused_unread
from tests.test_oauth import World

__all__ = ["here"]

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


async def test_an_assertion_must_expire(here: World) -> None:
    """Without an end it could be used whenever it is found."""
    assert not await proves(here, signed(EC, claims(exp=None), key("EC")))


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
