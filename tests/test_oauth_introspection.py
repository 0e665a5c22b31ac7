"""Introspection (RFC 7662): who is told what of a token, and that all others learn nothing, not even that it is one."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from gateway.oauth import administration, users
from gateway.oauth.forms import MAX_FORM
from gateway.oauth.keyfile import State, fresh
from gateway.oauth.keys import Keys, key_file, signing_keys
from gateway.oauth.refreshes import refresh_tokens
from gateway.oauth.rotation import replace_all
from gateway.oauth.tokens import Caller, issue
from gateway.store.tables import instant
from tests.inspection import Inspection, here, until
from tests.people import LI, SECRET, claims

__all__ = ["here"]

INACTIVE = {"active": False}


async def test_an_application_is_told_of_its_own_token(here: Inspection) -> None:
    token = await here.service_token("silent")
    said = claims(token)
    assert await here.told("silent", token) == {
        "active": True,
        "iss": said["iss"],
        "aud": here.gateway.settings.audience,
        "sub": "silent",
        "client_id": "silent",
        "iat": said["iat"],
        "exp": said["exp"],
        "jti": said["jti"],
        "scope": said["scope"],
        "party": "ALIBABA",
        "purpose": "analytics",
        "token_type": "Bearer",
    }


async def test_an_application_is_told_of_tokens_that_act_for_its_party_and_of_no_others(
    here: Inspection,
) -> None:
    """The rule: its own tokens, and those that act for its party."""
    ours, theirs = await here.service_token("silent"), await here.service_token("pandao")
    assert (await here.told("other", ours))["active"] is True
    assert await here.told("pandao", ours) == INACTIVE
    assert await here.told("other", theirs) == INACTIVE
    venture = (await here.tokens("venture"))["access_token"]
    assert (await here.told("other", venture))["active"] is True
    assert await here.told("pandao", venture) == INACTIVE


async def test_nothing_is_told_of_the_person(here: Inspection) -> None:
    """Neither who it is nor how one signs in."""
    tokens = await here.tokens("shop")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        answer = await here.show("introspect", "shop", token)
        assert answer.json()["active"] is True
        assert not answer.json().keys() & {"sub", "username", "name", "email"}
        assert LI not in answer.text
        assert "Li Wei" not in answer.text


async def test_a_refresh_token_is_told_of_to_its_application_alone(here: Inspection) -> None:
    token = (await here.tokens("shop"))["refresh_token"]
    told = await here.told("shop", token)
    assert (told["client_id"], told["scope"]) == ("shop", "alibaba:read clients:read")
    assert told["exp"] > time.time()
    assert await here.told("other", token) == INACTIVE


async def test_a_wrong_hint_changes_nothing(here: Inspection) -> None:
    """RFC 7662, 2.1: the server looks further."""
    token = await here.service_token()
    for hint in ("refresh_token", "access_token", "nonsense", ""):
        assert (await here.told("silent", token, token_type_hint=hint))["active"] is True


async def test_answers_are_stored_nowhere(here: Inspection) -> None:
    answer = await here.show("introspect", "silent", await here.service_token())
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_what_is_no_token_is_not_active(here: Inspection) -> None:
    for token in ["x", "a.b.c", "é", "\x00", '"', "x" * 30_000, "eyJhbGciOiJub25lIn0.e30."]:
        assert await here.told("silent", token) == INACTIVE


async def test_a_token_that_this_gateway_would_not_take_is_not_active(here: Inspection) -> None:
    """Expired, for another audience, of another issuer, signed by another: Authlib's own check sees to none of it."""
    settings, now = here.gateway.settings, int(time.time())
    keys, others = signing_keys(settings.state), Keys(fresh(State.CURRENT, now).pair)
    caller = Caller("ALIBABA", "silent", frozenset({"clients:read"}), "analytics", now + 300)
    expired = Caller("ALIBABA", "silent", frozenset({"clients:read"}), "analytics", now - 1)
    good = issue(caller, keys, settings.issuer, settings.audience, now)
    assert (await here.told("silent", good))["active"] is True
    for bad in (
        issue(expired, keys, settings.issuer, settings.audience, now - 301),
        issue(caller, keys, settings.issuer, "https://other.example/graphql", now),
        issue(caller, keys, "https://other.example/oauth", settings.audience, now),
        issue(caller, others, settings.issuer, settings.audience, now),
        issue(caller, keys, settings.issuer, settings.audience, now + 3600),
    ):
        assert await here.told("silent", bad) == INACTIVE


async def test_a_token_without_scopes_is_told_of(here: Inspection) -> None:
    """Trap 15: Authlib's endpoint falls over one."""
    settings, now = here.gateway.settings, int(time.time())
    bare = Caller("ALIBABA", "silent", frozenset(), "analytics", now + 300)
    told = await here.told(
        "silent", issue(bare, signing_keys(settings.state), settings.issuer, settings.audience, now)
    )
    assert told["active"] is True
    assert "scope" not in told


async def test_a_bound_token_is_told_of_with_its_key(here: Inspection) -> None:
    """RFC 9449, 6.2: whoever asks must hold the bearer to the proof."""
    settings, now = here.gateway.settings, int(time.time())
    bound = Caller("ALIBABA", "silent", frozenset(), "analytics", now + 300, key="thumbprint")
    told = await here.told(
        "silent", issue(bound, signing_keys(settings.state), settings.issuer, settings.audience, now)
    )
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": "thumbprint"})


async def test_a_revoked_token_is_not_active_at_once(here: Inspection) -> None:
    """Without the wait that workers take: the question goes to the database."""
    token = await here.service_token()
    await here.revoke("silent", token)
    assert await here.told("silent", token) == INACTIVE


async def test_tokens_of_a_disabled_application_are_not_active(here: Inspection) -> None:
    service, personal = await here.service_token("silent"), await here.tokens("shop")
    async with here.gateway.writing() as connection:
        await administration.disable(connection, "silent")
        await administration.disable(connection, "shop")
    for token in (service, personal["access_token"]):
        assert await here.told("other", token) == INACTIVE


async def test_tokens_of_a_disabled_person_are_not_active(here: Inspection) -> None:
    tokens = await here.tokens("shop")
    async with here.gateway.writing() as connection:
        moment = instant(datetime.now(UTC))
        await connection.execute(update(users.users).where(users.users.c.id == LI).values(disabled_at=moment))
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await here.told("shop", token) == INACTIVE


async def test_a_refresh_token_that_was_used_or_has_expired_is_not_active(here: Inspection) -> None:
    for column in ("used_at", "expires_at"):
        token = (await here.tokens("shop"))["refresh_token"]
        assert (await here.told("shop", token))["active"] is True
        async with here.gateway.writing() as connection:
            await connection.execute(update(refresh_tokens).values({column: "2020-01-01T00:00:00Z"}))
        assert await here.told("shop", token) == INACTIVE


async def test_only_who_can_keep_a_secret_may_ask(here: Inspection) -> None:
    """An application on a device cannot prove who it is."""
    token = (await here.tokens("desk"))["access_token"]
    answer = await here.show("introspect", "desk", token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_who_asks_must_prove_who_it_is(here: Inspection, endpoint: str) -> None:
    """A stranger, an unknown one and one with a wrong secret look the same."""
    token = await here.service_token()
    answers = [
        await here.http.post(f"/oauth/{endpoint}", data={"token": token, **more})
        for more in (
            {},
            {"client_id": "silent"},
            {"client_id": "silent", "client_secret": "wrong"},
            {"client_id": "nobody", "client_secret": "wrong"},
            {"client_id": "nobody"},
        )
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(400, answers[0].text)}
    assert answers[0].json()["error"] == "invalid_client"
    basic = await here.http.post(f"/oauth/{endpoint}", data={"token": token}, auth=("silent", "wrong"))
    assert (basic.status_code, basic.json()["error"]) == (401, "invalid_client")
    assert basic.headers["www-authenticate"].startswith("Basic")
    assert await here.works(token)


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_http_basic_authenticates(here: Inspection, endpoint: str) -> None:
    answer = await here.http.post(
        f"/oauth/{endpoint}", data={"token": await here.service_token()}, auth=("silent", SECRET)
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_the_form_is_held_to_the_same_limits_as_at_the_token_endpoint(
    here: Inspection, endpoint: str
) -> None:
    """No token, twice a token, two authentications, too much, no form, no POST: an error in JSON, never a 5xx."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    known = f"client_id=silent&client_secret={SECRET.replace(' ', '+')}"
    address = f"/oauth/{endpoint}"
    answers = {
        400: [
            await here.http.post(address, content=known, headers=form),
            await here.http.post(address, content=f"{known}&token=a&token=b", headers=form),
            await here.http.post(address, content=f"{known}&token=", headers=form),
            await here.http.post(address, content=f"{known}&token=%ff", headers=form),
            await here.http.post(address, content=f"{known}&token=a", headers=form, auth=("silent", SECRET)),
            await here.http.post(address, content=json.dumps({"token": "a"})),
            await here.http.post(
                address, content="&".join([known, "token=a", *(f"x{n}=1" for n in range(60))]), headers=form
            ),
            await here.http.post(
                address,
                content="token=a",
                headers={**form, "Authorization": b"Basic \xff\xfe"},  # type: ignore[dict-item]
            ),
        ],
        405: [await here.http.get(address), await here.http.put(address)],
        413: [await here.http.post(address, content=b"token=" + b"x" * MAX_FORM, headers=form)],
    }
    for status, found in answers.items():
        for answer in found:
            assert answer.status_code == status, answer.text
            assert answer.json()["error"] == "invalid_request"
            assert answer.headers["cache-control"] == "no-store"


async def test_who_guesses_a_secret_here_waits_as_at_the_token_endpoint(here: Inspection) -> None:
    """Otherwise these would be the doors to guess at."""
    found = {
        (await here.show("introspect", "silent", "x", client_secret=f"guess {n}")).status_code
        for n in range(40)
    }
    assert found == {400, 429}


async def test_a_token_of_a_key_that_is_gone_is_not_active(here: Inspection) -> None:
    """Within the second that a worker takes to look at the key file."""
    token, state = await here.service_token(), here.gateway.settings.state
    replace_all(key_file(state), int(time.time()))

    async def gone() -> bool:
        return bool(await here.told("silent", token) == INACTIVE)

    assert await until(gone) < 2
