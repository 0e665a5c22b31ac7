"""Client authentication as a whole: once however many workers there are, secrets nowhere, nothing brings it down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from gateway.oauth.administration import disable, enable, rotate_key, rotate_secret
from gateway.oauth.applications import Application, register
from gateway.oauth.assertions import ASSERTION_TYPE
from gateway.oauth.grants import CONFIDENTIAL
from gateway.oauth.public_keys import read_keys
from gateway.oauth.throttle import MAX_PER_NAME
from gateway.settings import Settings
from gateway.store.database import writer
from tests.assertions import claims, form, jwks, key, signed
from tests.door import filled
from tests.processes import command, forked
from tests.test_logs import free_port, until_up
from tests.test_oauth import KNOWN, World, world

EC = {"alg": "ES256"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A token service, with an application `batch` that has an EC key."""
    async with world(tmp_path) as opened:
        async with opened.engine.begin() as connection:
            await register(connection, batch(), KNOWN)
        yield opened


def batch(party: str = "ALIBABA", scope: str = "orders:read") -> Application:
    """An application that authenticates by its EC key."""
    stored = read_keys(jwks(key("EC")).encode())
    return Application(
        "batch", "Batch", party, (scope,), ("analytics",), authentication="private_key_jwt", jwks=stored
    )


# Once, in any worker


@contextmanager
def workers(state: Path, number: int) -> Iterator[list[str]]:
    """Addresses of gateways that each are a process, over one state folder."""
    ports = [free_port() for _ in range(number)]
    running = [forked(command, state, "serve", "--port", str(port)) for port in ports]
    try:
        for port in ports:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                until_up(client, 40)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.join(10)


async def race(addresses: list[str], parameters: dict[str, str]) -> list[httpx.Response]:
    """The answers to thirty requests that are the same, sent at once, by turns to each worker.

    As a proxy on loopback would it says that each is from elsewhere, for so many failures from one place are too many.
    """
    async with httpx.AsyncClient(timeout=30) as client:
        sent = (
            client.post(
                f"{addresses[number % len(addresses)]}/oauth/token",
                data=parameters,
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            )
            for number in range(30)
        )
        return await asyncio.gather(*sent)


def test_two_workers_give_one_token_for_thirty_uses_of_one_assertion(tmp_path: Path) -> None:
    """A3: what one process has spent, the other knows; every other use is refused like a forgery, none with a 5xx."""

    async def prepared() -> Settings:
        settings = await filled(tmp_path / "state")
        engine = writer(settings.database)
        async with engine.begin() as connection:
            known = KNOWN._replace(scopes={"clients:read"})
            await register(connection, batch(scope="clients:read"), known)
        await engine.dispose()
        return settings

    settings = asyncio.run(prepared())
    with workers(settings.state, 2) as addresses:
        for _ in range(3):
            assertion = signed(EC, claims(aud=settings.issuer), key("EC"))
            parameters = {"grant_type": "client_credentials", **form(assertion)}
            answers = asyncio.run(race(addresses, parameters))
            assert sum(answer.status_code == 200 for answer in answers) == 1
            refusals = {(answer.status_code, answer.json()["error"]) for answer in answers if answer.is_error}
            assert refusals == {(400, "invalid_client")}


# Secrets


async def test_no_secret_and_no_private_key_is_in_the_database(here: World) -> None:
    """A20: of a new secret neither, and of a key the public half alone."""
    async with here.engine.begin() as connection:
        again = await rotate_secret(connection, "shop")
        both = key("EC", None, 2)
        await rotate_key(connection, "batch", read_keys(jwks(both).encode()))
    async with here.engine.connect() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    stored = here.settings.database.read_bytes()
    for secret in (
        *here.secrets.values(),
        again,
        both.as_dict(private=True)["d"],
        key("EC").as_dict(private=True)["d"],
    ):
        assert str(secret).encode() not in stored
    assert str(both.as_dict()["x"]).encode() in stored


async def test_a_rotated_secret_is_good_and_the_old_one_is_not(here: World) -> None:
    async with here.engine.begin() as connection:
        again = await rotate_secret(connection, "shop")
    assert (await here.ask(here.basic("shop", again))).status_code == 200
    assert (await here.ask()).status_code == 401


async def test_a_rotated_key_is_good_and_the_old_one_is_not(here: World) -> None:
    """A set with both lets an application change without a gap."""
    old, new = key("EC"), key("EC", None, 2)

    async def good(by: object) -> bool:
        return (await here.ask({}, **form(signed(EC, claims(), by)))).status_code == 200  # type: ignore[arg-type]

    for given, expected in (([old, new], (True, True)), ([new], (False, True))):
        async with here.engine.begin() as connection:
            await rotate_key(connection, "batch", read_keys(jwks(*given).encode()))
        assert (await good(old), await good(new)) == expected


async def test_a_disabled_application_is_one_that_is_not_there(here: World) -> None:
    """A17, in every way to authenticate, and until it is enabled again."""

    async def answers() -> list[httpx.Response]:
        return [
            await here.ask(),
            await here.ask({}, client_id="shop", client_secret=here.secrets["shop"]),
            await here.ask({}, **form(signed(EC, claims(), key("EC")))),
        ]

    assert [answer.status_code for answer in await answers()] == [200, 200, 200]
    async with here.engine.begin() as connection:
        await disable(connection, "shop")
        await disable(connection, "batch")
    strangers = [
        await here.ask(here.basic("nobody", "x")),
        await here.ask({}, client_id="nobody", client_secret="x"),
        await here.ask({}, **form(signed(EC, claims("nobody"), key("EC")))),
    ]
    for refused, stranger in zip(await answers(), strangers, strict=True):
        assert (refused.status_code, refused.content) == (stranger.status_code, stranger.content)
    async with here.engine.begin() as connection:
        await enable(connection, "shop")
        await enable(connection, "batch")
    assert [answer.status_code for answer in await answers()] == [200, 200, 200]


# What may be sent


@pytest.mark.parametrize("method", CONFIDENTIAL)
async def test_each_way_to_authenticate_stands_in_the_metadata_and_works(here: World, method: str) -> None:
    sent = {
        "client_secret_basic": (here.basic(), {}),
        "client_secret_post": ({}, {"client_id": "shop", "client_secret": here.secrets["shop"]}),
        "private_key_jwt": ({}, form(signed(EC, claims(), key("EC")))),
    }
    headers, parameters = sent[method]
    assert (await here.ask(headers, **parameters)).status_code == 200
    described = (await here.http.get("/.well-known/oauth-authorization-server/oauth")).json()
    assert method in described["token_endpoint_auth_methods_supported"]
    for algorithm in described["token_endpoint_auth_signing_alg_values_supported"]:
        assert algorithm in ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")


ENDPOINTS = {
    "token": {"grant_type": "client_credentials"},
    "introspect": {"token": "x"},
    "revoke": {"token": "x"},
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_assertion_that_was_used_at_one_endpoint_is_good_at_none(here: World, endpoint: str) -> None:
    """What was sent to be asked about a token must not fetch one."""
    used = form(signed(EC, claims(), key("EC")))
    answer = await here.http.post(f"/oauth/{endpoint}", data={**ENDPOINTS[endpoint], **used})
    assert answer.status_code == 200
    for other, parameters in ENDPOINTS.items():
        answer = await here.http.post(f"/oauth/{other}", data={**parameters, **used})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_failures_at_all_endpoints_count_together(here: World, endpoint: str) -> None:
    """A22: or each endpoint more would be that many guesses more."""
    for number in range(MAX_PER_NAME):
        name = list(ENDPOINTS)[number % len(ENDPOINTS)]
        sent = {**ENDPOINTS[name], "client_id": "shop", "client_secret": "guess"}
        assert (await here.http.post(f"/oauth/{name}", data=sent)).status_code == 400
    answer = await here.http.post(f"/oauth/{endpoint}", data=ENDPOINTS[endpoint], headers=here.basic())
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_who_fails_to_prove_something_is_no_public_application(here: World) -> None:
    """Such an application proves nothing, so a wrong proof is not its own; Authlib would let it pass."""
    public = Application(
        "desk",
        "Desk",
        "ALIBABA",
        (),
        ("analytics",),
        authentication="none",
        grant_types=("authorization_code",),
        redirect_uris=("https://desk.example/back",),
    )
    async with here.engine.begin() as connection:
        assert await register(connection, public, KNOWN) is None

    async def revoke(headers: dict[str, str], **parameters: str) -> int:
        sent = {"token": "x", "client_id": "desk", **parameters}
        return (await here.http.post("/oauth/revoke", data=sent, headers=headers)).status_code

    assert await revoke({}) == await revoke(here.basic("desk", "")) == 200
    assert await revoke(here.basic("desk", "x")) == 401
    assert await revoke({}, client_secret="x") == await revoke({}, **form("a.b.c")) == 400
    assert await revoke({}, **form(signed(EC, claims("desk"), key("EC")))) == 400


@pytest.mark.parametrize(
    ("id", "secret"),
    [
        ("shop", "wrong"),
        ("Shop", None),
        ("shop ", None),
        (" shop", None),
        ("shop\x00", None),
        ("sh\u043ep", None),
        ("", None),
        ("%73hop%", None),
        ("shop'--", "x"),
        ("*", "x"),
    ],
)
async def test_only_the_id_itself_is_the_id(here: World, id: str, secret: str | None) -> None:
    """No case, no space, no look-alike letter is forgiven."""
    word = here.secrets["shop"] if secret is None else secret
    assert (await here.ask(here.basic(quote(id), word))).json()["error"] == "invalid_client"
    posted = {"client_id": id, "client_secret": word}
    assert (await here.ask({}, **posted)).json()["error"] == "invalid_client"


async def test_no_mixture_of_credentials_gives_a_token_it_should_not(here: World) -> None:
    """A10: of all kinds, right and wrong, put together at random; one that is good and alone is an authentication."""
    dice = random.Random(11)
    bearers = ["Bearer x", "Basic", "Basic !", "DPoP a.b.c", here.basic("nobody", "x")["Authorization"]]
    for number in range(150):
        headers, parameters = {}, {}
        good = 0
        if dice.random() < 0.4:
            right = dice.random() < 0.5
            headers["Authorization"] = here.basic()["Authorization"] if right else dice.choice(bearers)
            good += right
        if dice.random() < 0.4:
            right = dice.random() < 0.5
            parameters |= {"client_id": "shop", "client_secret": here.secrets["shop"] if right else "wrong"}
            good += right
        if dice.random() < 0.4:
            right = dice.random() < 0.5
            parameters |= form(signed(EC, claims(), key("EC") if right else key("EC", None, 1)))
            good += right
        if dice.random() < 0.3:
            parameters["client_id"] = dice.choice(["shop", "batch", "nobody", '"', "\u00e9"])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(here.app, client=(f"192.0.2.{number}", 1)),
            base_url=here.settings.origin,
        ) as client:
            answer = await client.post(
                "/oauth/token", data={"grant_type": "client_credentials", **parameters}, headers=headers
            )
        assert answer.status_code in (200, 400, 401), answer.text
        kinds = len(headers) + ("client_secret" in parameters) + ("client_assertion" in parameters)
        if answer.status_code == 200:
            assert (kinds, good) == (1, 1)
        elif kinds > 1:
            assert answer.json()["error"] == "invalid_request"


HOSTILE = ['"', "\\", "\u00e9", "\r\nSet-Cookie: a=b", "\x00", "</script>", "%ff", "' OR 1=1 --", "x" * 9000]


@pytest.mark.parametrize("name", ["client_id", "client_secret", "client_assertion", "client_assertion_type"])
@pytest.mark.parametrize("word", HOSTILE)
async def test_a_hostile_text_in_any_of_its_parameters_is_refused(here: World, name: str, word: str) -> None:
    """Trap 8: an error that repeated it would be a 500, or somebody's script."""
    for sent in (
        {name: word},
        {**form("a.b.c"), name: word},
        {**form(signed(EC, claims(), key("EC"))), name: word},
        {"client_id": "shop", "client_secret": "x", name: word},
    ):
        answer = await here.ask({}, **sent)
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_client", "invalid_request")
        assert word not in answer.text or len(word) == 1
        assert set(answer.headers) & {"set-cookie"} == set()


async def test_credentials_in_the_address_are_not_heard(here: World) -> None:
    """They would stand in every log on the way."""
    for sent in (
        {"client_id": "shop", "client_secret": here.secrets["shop"]},
        form(signed(EC, claims(), key("EC"))),
    ):
        answer = await here.http.post("/oauth/token", params=sent, data={"grant_type": "client_credentials"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


async def test_a_parameter_of_the_authentication_sent_twice_is_refused(here: World) -> None:
    """What a filter on the way reads first, the service might read last."""
    assertion = signed(EC, claims(), key("EC"))
    for doubled in ("client_id", "client_secret", "client_assertion", "client_assertion_type"):
        good = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        pairs = [*good.items(), ("client_assertion", assertion), (doubled, "x"), (doubled, "x")]
        body = "&".join(f"{name}={quote(value)}" for name, value in pairs)
        answer = await here.http.post(
            "/oauth/token", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
