"""Throttling (A22): guessing is slowed down, and locks out nobody but the guesser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.oauth.throttle import MAX_PER_ADDRESS, MAX_PER_NAME, SIZE, WINDOW, Throttle
from tests.assertions import claims, form, key, signed
from tests.test_oauth import World, world


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """See `Clock`."""
    return Clock()


def fail(throttle: Throttle, times: int, name: str = "user:anna", address: str = "192.0.2.1") -> None:
    """Fail so many times."""
    for _ in range(times):
        throttle.failed(name, address)


def test_the_failures_of_a_name_from_an_address_are_bounded(clock: Clock) -> None:
    throttle = Throttle(clock)
    fail(throttle, MAX_PER_NAME - 1)
    assert throttle.wait("user:anna", "192.0.2.1") == 0
    fail(throttle, 1)
    assert throttle.wait("user:anna", "192.0.2.1") == WINDOW


def test_after_the_window_all_is_forgotten(clock: Clock) -> None:
    """It runs from the first failure, and those that come later do not prolong it."""
    throttle = Throttle(clock)
    for _ in range(MAX_PER_NAME):
        fail(throttle, 1)
        clock.now += 1
    assert throttle.wait("user:anna", "192.0.2.1") == WINDOW - MAX_PER_NAME
    clock.now = 1000 + WINDOW - 0.5
    assert throttle.wait("user:anna", "192.0.2.1") == 1
    clock.now = 1000 + WINDOW
    assert throttle.wait("user:anna", "192.0.2.1") == 0
    fail(throttle, MAX_PER_NAME - 1)
    assert throttle.wait("user:anna", "192.0.2.1") == 0


def test_strangers_lock_nobody_out(clock: Clock) -> None:
    """A correct secret from elsewhere is heard, however often others guess at the same name."""
    throttle = Throttle(clock)
    for number in range(1000):
        fail(throttle, MAX_PER_NAME, address=f"198.51.{number // 250}.{number % 250}")
    assert throttle.wait("user:anna", "192.0.2.1") == 0


def test_one_name_does_not_block_another_at_the_same_address(clock: Clock) -> None:
    """Behind one address may be an office, or another party's service."""
    throttle = Throttle(clock)
    fail(throttle, MAX_PER_NAME)
    assert throttle.wait("user:boris", "192.0.2.1") == 0
    assert throttle.wait("application:anna", "192.0.2.1") == 0


def test_who_tries_many_names_is_stopped_as_well(clock: Clock) -> None:
    throttle = Throttle(clock)
    for number in range(MAX_PER_ADDRESS):
        assert throttle.wait(f"user:{number}", "192.0.2.1") == 0
        fail(throttle, 1, f"user:{number}")
    assert throttle.wait("user:anna", "192.0.2.1") == WINDOW
    assert throttle.wait("user:anna", "192.0.2.2") == 0


def test_an_ipv6_network_is_one_address(clock: Clock) -> None:
    """Its holder may send from 2^64 of them."""
    throttle = Throttle(clock)
    for number in range(MAX_PER_NAME):
        fail(throttle, 1, address=f"2001:db8::{number:x}:1")
    assert throttle.wait("user:anna", "2001:db8::ffff") == WINDOW
    assert throttle.wait("user:anna", "2001:db8:0:1::1") == 0
    fail(throttle, MAX_PER_NAME, address="::ffff:192.0.2.1")
    assert throttle.wait("user:anna", "192.0.2.1") == WINDOW
    assert throttle.wait("user:anna", "::ffff:192.0.2.2") == 0


@pytest.mark.parametrize("address", ["", "unix", "fe80::1%eth0", "999.1.1.1", "\ud800"])
def test_any_address_is_one(clock: Clock, address: str) -> None:
    """A server behind a Unix socket knows none."""
    throttle = Throttle(clock)
    fail(throttle, MAX_PER_NAME, address=address)
    assert throttle.wait("user:anna", address) == WINDOW


def test_the_memory_is_bounded(clock: Clock) -> None:
    """However many guess, and however long the names that they send; who guesses still is not forgotten."""
    throttle = Throttle(clock)
    fail(throttle, MAX_PER_NAME)
    for number in range(2 * SIZE):
        throttle.failed("user:" + "x" * 30_000, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        if number % 1000 == 0:
            assert throttle.wait("user:anna", "192.0.2.1") == WINDOW
    assert len(throttle._by_name) == len(throttle._by_address) == SIZE
    assert all(len(name) <= 100 for name, _ in throttle._by_name)


# At the token endpoint


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A token service."""
    async with world(tmp_path) as opened:
        yield opened


def checked(answer: httpx.Response) -> None:
    """The answer asks to wait, in the form that every error of the endpoint has."""
    assert answer.status_code == 429
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == "temporarily_unavailable"
    assert 1 <= int(answer.headers["retry-after"]) <= WINDOW
    assert answer.headers["cache-control"] == "no-store"


def at(here: World, address: str) -> httpx.AsyncClient:
    """A client at another address."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(here.app, client=(address, 1)), base_url=here.settings.origin
    )


async def test_guessing_a_secret_is_slowed_down(here: World) -> None:
    """And then not even the right one is heard, or guessing would go on."""
    for _ in range(MAX_PER_NAME):
        assert (await here.ask(here.basic(secret="guess"))).status_code == 401
    checked(await here.ask(here.basic(secret="guess")))
    checked(await here.ask())
    checked(await here.ask({}, client_id="shop", client_secret=here.secrets["shop"]))


async def test_the_owner_of_the_secret_elsewhere_is_not_slowed_down(here: World) -> None:
    for _ in range(MAX_PER_NAME + 1):
        await here.ask(here.basic(secret="guess"))
    async with at(here, "192.0.2.7") as elsewhere:
        answer = await elsewhere.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers=here.basic()
        )
    assert answer.status_code == 200
    assert (await here.ask(here.basic("other", here.secrets["other"]))).status_code == 200


async def test_all_ways_to_authenticate_count_together(here: World) -> None:
    """As who is claimed, whether there is such an application or not: else it would be a way to find out."""
    for id in ("shop", "nobody"):
        for _ in range(MAX_PER_NAME - 2):
            await here.ask(here.basic(id, "guess"))
        await here.ask({}, client_id=id, client_secret="guess")
        await here.ask({}, **form(signed({"alg": "ES256"}, claims(id), key("EC"))))
        checked(await here.ask(here.basic(id, "guess")))
        checked(await here.ask({}, client_id=id, client_secret="guess"))
        checked(await here.ask({}, **form(signed({"alg": "ES256"}, claims(id), key("EC")))))


async def test_who_tries_many_applications_is_slowed_down(here: World) -> None:
    for number in range(MAX_PER_ADDRESS):
        assert (await here.ask(here.basic(f"app-{number}", "guess"))).status_code == 401
    checked(await here.ask(here.basic("another", "guess")))
    checked(await here.ask())


async def test_success_is_never_slowed_down(here: World) -> None:
    """Also after some failures, and however much is asked for."""
    for _ in range(MAX_PER_NAME - 1):
        await here.ask(here.basic(secret="guess"))
    answers = await asyncio.gather(*(here.ask() for _ in range(3 * MAX_PER_NAME)))
    assert {answer.status_code for answer in answers} == {200}


async def test_other_mistakes_are_no_guesses(here: World) -> None:
    """A scope that may not be had says nothing of the secret."""
    for _ in range(MAX_PER_NAME + 1):
        assert (await here.ask(scope="nonsense")).status_code == 400
        assert (await here.ask(grant_type="nonsense")).status_code == 400
    assert (await here.ask()).status_code == 200


async def test_a_forwarded_address_is_not_believed(here: World) -> None:
    """A23: the sender could write a new one each time. Whom to believe is uvicorn's setting."""
    for number in range(MAX_PER_NAME):
        await here.ask({**here.basic(secret="guess"), "X-Forwarded-For": f"192.0.2.{number}"})
    checked(await here.ask({**here.basic(secret="guess"), "X-Forwarded-For": "192.0.2.99"}))
