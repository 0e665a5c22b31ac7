"""Rotation: keys come and go under load, no good token is refused, and none of a key that is gone is accepted."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette

from gateway.errors import Refusal, SettingsError
from gateway.oauth.keyfile import SigningKey, State, locked, read
from gateway.oauth.keys import LOOK, Keys, key_file, signing_keys
from gateway.oauth.metadata import MAX_AGE, documents
from gateway.oauth.rotation import PUBLISHED, RETIRED, replace_all, rotate
from gateway.oauth.tokens import LIFETIME, SKEW, Caller, issue
from gateway.oauth.verification import Verifier

ISSUER = "https://gateway.example/oauth"
AUDIENCE = "https://gateway.example/graphql"
START = int(time.time())


class Clock:
    """A clock that the test moves; every process has its own, a little off."""

    def __init__(self) -> None:
        self.now = float(START)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Worker:
    """What one worker process is: the keys as it reads them, a verifier, and the published set over HTTP."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.clock = clock
        self.keys = signing_keys(state, clock)
        self.verifier = Verifier(self.keys, ISSUER, AUDIENCE, clock)
        routes = documents(ISSUER, AUDIENCE, self.keys, {})
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="https://gateway.example"
        )

    def issue(self) -> str:
        return token(self.keys, self.clock())

    async def accepts(self, token: str) -> bool:
        try:
            await self.verifier.authenticate(f"Bearer {token}")
        except Refusal as refusal:
            return refusal.status != 401
        return True


class Client:
    """A resource server elsewhere: it keeps the published keys for as long as it may, and never asks before."""

    def __init__(self, clock: Clock, kept_for: int = MAX_AGE) -> None:
        self.clock = clock
        self.kept_for = kept_for
        self.asked = float("-inf")
        self.set: dict[str, ECKey] = {}

    async def accepts(self, token: str, worker: Worker) -> bool:
        if self.clock() - self.asked >= self.kept_for:
            self.asked = self.clock()
            found = KeySet.import_key_set((await worker.http.get("/oauth/jwks.json")).json())
            self.set = {str(key.kid): key for key in found.keys}  # type: ignore[misc]
        try:
            jwt.decode(token, lambda one: self.set[one.headers()["kid"]], algorithms=["ES256"])
        except (JoseError, KeyError):
            return False
        return True


def token(keys: Keys, now: float, lifetime: int = LIFETIME) -> str:
    caller = Caller("ALIBABA", "shop", frozenset({"orders:read"}), "analytics", int(now) + lifetime)
    return issue(caller, keys, ISSUER, AUDIENCE, int(now))


def states(state: Path) -> list[str]:
    return sorted(key.state.value for key in read(key_file(state)))


def current(state: Path) -> SigningKey:
    [found] = [key for key in read(key_file(state)) if key.state is State.CURRENT]
    return found


class Scene:
    """A load on two workers and on resource servers with stale key sets, and what each of them must accept."""

    def __init__(self, state: Path, clock: Clock, draw: random.Random) -> None:
        self.path = key_file(state)
        self.clock = clock
        self.draw = draw
        self.workers = [Worker(state, clock), Worker(state, clock)]
        self.clients = [Client(clock, kept_for) for kept_for in (1, 60, MAX_AGE - 1, MAX_AGE)]
        self.alive: list[tuple[float, str]] = []
        self.pairs: dict[str, ECKey] = {}
        self.gone: dict[str, float] = {}
        self.signed: set[str] = set()

    def rotate(self) -> None:
        """Cron runs the command."""
        self.pairs |= {key.kid: key.pair for key in read(self.path)}
        changes = rotate(self.path, int(self.clock())).changes
        self.gone |= {change.kid: self.clock() for change in changes if change.now is State.GONE}

    def issue(self) -> None:
        """An application gets a token from one of the workers."""
        issued = self.draw.choice(self.workers).issue()
        self.signed.add(jws.extract_compact(issued.encode()).headers()["kid"])
        self.alive = [(until, one) for until, one in self.alive if until > self.clock()]
        self.alive.append((int(self.clock()) + LIFETIME, issued))

    async def accepting(self, token: str, clients: bool = True) -> list[bool]:
        """Who accepts a token: the workers, and the resource servers."""
        found = [await worker.accepts(token) for worker in self.workers]
        asked = self.clients if clients else ()
        return found + [await client.accepts(token, self.draw.choice(self.workers)) for client in asked]

    async def check(self) -> None:
        """Good tokens are good to all; those of a key that is gone to nobody who may know it by now."""
        for _, good in (self.draw.choice(self.alive), self.alive[-1]):
            assert all(await self.accepting(good))
        for kid, since in list(self.gone.items())[-2:]:
            if since + LOOK <= self.clock():
                forged = token(Keys(self.pairs[kid]), self.clock())
                assert not any(await self.accepting(forged, clients=since + MAX_AGE <= self.clock()))


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_breaks_while_keys_rotate_under_load(tmp_path: Path, clock: Clock, seed: int) -> None:
    """A19: both workers and four resource servers verify all the time, while cron rotates as fast as it is let."""
    draw = random.Random(seed)
    scene, steps = Scene(tmp_path, clock, draw), 0
    while len(scene.gone) < 8:
        clock.now += draw.choice((0.1, 1, 7, 40))
        if draw.random() < 0.4:
            scene.rotate()
        scene.issue()
        await scene.check()
        steps += 1
    assert len(scene.signed) > len(scene.gone)
    assert steps > 100


def test_a_rotation_walks_through_the_states_each_when_its_time_has_come(tmp_path: Path) -> None:
    """The command may run at any time: what is not due is not done."""
    path = key_file(tmp_path)
    first = current(tmp_path)
    step = rotate(path, START)
    assert [(change.was, change.now) for change in step.changes] == [(None, State.NEXT)]
    second = step.changes[0].kid
    assert step.due == START + PUBLISHED
    for early in (START, START + 1, START + PUBLISHED - 1):
        assert not rotate(path, early).changes
    at = START + PUBLISHED
    step = rotate(path, at)
    assert set(step.changes) == {
        (second, State.NEXT, State.CURRENT),
        (first.kid, State.CURRENT, State.RETIRED),
    }
    assert current(tmp_path).kid == second
    assert step.due == at + RETIRED
    step = rotate(path, at + RETIRED - 1, age=10_000)
    assert not step.changes
    step = rotate(path, at + RETIRED, age=10_000)
    assert step.changes == [(first.kid, State.RETIRED, State.GONE)]
    assert step.due is None
    assert first.kid not in path.read_text()


def test_the_times_leave_room_for_caches_tokens_and_clocks() -> None:
    """A next key is published for the longest that a key set is kept, a retired one for the longest a token lives."""
    assert PUBLISHED >= MAX_AGE + SKEW + LOOK
    assert RETIRED >= LIFETIME + SKEW + LOOK


def test_a_key_younger_than_asked_for_stays(tmp_path: Path) -> None:
    """What cron runs: nothing at all until the key is that old."""
    path = key_file(tmp_path)
    begun = replace_all(path, START).keys[0]
    before = path.stat()
    assert not rotate(path, START + 86_399, age=86_400).changes
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [change.now for change in rotate(path, START + 86_400, age=86_400).changes] == [State.NEXT]
    assert current(tmp_path).kid == begun.kid


async def test_a_stolen_key_is_gone_at_once(tmp_path: Path, clock: Clock) -> None:
    """The emergency: with it goes what a worker has verified before, and the key that lay beside it."""
    rotate(key_file(tmp_path), START)
    stolen = [key.pair for key in read(key_file(tmp_path))]
    workers = [Worker(tmp_path, clock), Worker(tmp_path, clock)]
    seen = workers[0].issue()
    assert [await worker.accepts(seen) for worker in workers] == [True, True]
    replace_all(key_file(tmp_path), START)
    clock.now += LOOK
    for worker in workers:
        assert not await worker.accepts(seen)
        for key in stolen:
            assert not await worker.accepts(token(Keys(key), clock()))
    assert [await worker.accepts(workers[1].issue()) for worker in workers] == [True, True]


async def test_a_retired_key_goes_when_its_time_is_over_though_nobody_removes_it(
    tmp_path: Path, clock: Clock
) -> None:
    """An operator who forgets the last step leaves no old key behind that could still be used."""
    path, old = key_file(tmp_path), current(tmp_path)
    rotate(path, START)
    rotate(path, START + PUBLISHED)
    clock.now = START + PUBLISHED
    worker = Worker(tmp_path, clock)
    assert await worker.accepts(token(Keys(old.pair), clock()))
    clock.now += RETIRED
    assert not await worker.accepts(token(Keys(old.pair), clock()))
    published = (await worker.http.get("/oauth/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == [current(tmp_path).kid]
    assert states(tmp_path) == ["current", "retired"]


async def test_a_worker_looks_at_the_file_once_a_second(tmp_path: Path, clock: Clock) -> None:
    """Not at each request; the bound is what the wait before signing counts with."""
    worker = Worker(tmp_path, clock)
    first = worker.keys.current
    replace_all(key_file(tmp_path), START)
    clock.now += LOOK - 0.01
    assert worker.keys.current is first
    clock.now += 0.01
    assert worker.keys.current.thumbprint() == current(tmp_path).kid


async def test_a_clock_that_is_set_back_does_not_blind_a_worker(tmp_path: Path, clock: Clock) -> None:
    worker = Worker(tmp_path, clock)
    replace_all(key_file(tmp_path), START)
    clock.now -= 86_400
    assert worker.keys.current.thumbprint() == current(tmp_path).kid


@pytest.mark.parametrize("damage", ["", '{"keys": []}', None])
async def test_a_worker_goes_on_with_the_keys_it_has_while_the_file_is_damaged(
    tmp_path: Path, clock: Clock, damage: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so once, without the file's content; when the file is whole again it is read."""
    worker, path = Worker(tmp_path, clock), key_file(tmp_path)
    whole = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    for _ in range(3):
        clock.now += LOOK
        assert await worker.accepts(worker.issue())
    assert len(caplog.records) == 1
    private = json.loads(whole)["keys"][0]["jwk"]["d"]
    assert private not in caplog.text + str(vars(caplog.records[0]))
    path.write_bytes(whole)
    replace_all(path, START)
    clock.now += LOOK
    assert worker.keys.current.thumbprint() == current(tmp_path).kid


def test_the_file_is_the_owners_alone_after_a_rotation_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    rotate(path, START)
    replace_all(path, START)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    """It may be mended by hand; a new key in its place would end all tokens."""
    path = key_file(tmp_path)
    path.write_text("{")
    for change in (rotate, replace_all):
        with pytest.raises(SettingsError, match=r"signing-key\.json"):
            change(path, START)
    assert path.read_text() == "{"


async def test_only_one_changes_the_file_at_a_time(tmp_path: Path) -> None:
    """Two who rotate at once must not each publish a key that the other forgets."""
    path = key_file(tmp_path)
    with locked(path):
        other = asyncio.create_task(asyncio.to_thread(rotate, path, START))
        await asyncio.sleep(0.2)
        assert not other.done()
        assert states(tmp_path) == ["current"]
    await other
    steps = await asyncio.gather(*(asyncio.to_thread(rotate, path, START) for _ in range(8)))
    assert not any(step.changes for step in steps)
    assert states(tmp_path) == ["current", "next"]


@pytest.fixture
def published(tmp_path: Path) -> list[dict[str, Any]]:
    rotate(key_file(tmp_path), START)
    rotate(key_file(tmp_path), START + PUBLISHED)
    rotate(key_file(tmp_path), START + PUBLISHED)
    return signing_keys(tmp_path, lambda: START + PUBLISHED).public_set()["keys"]


def test_keys_of_all_states_are_published_under_their_thumbprints_without_private_halves(
    published: list[dict[str, Any]],
) -> None:
    """RFC 7638: the id says which key it is, so no two keys ever share one."""
    assert len(published) == 3
    for key in published:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (
            key["kid"]
            == ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")}).thumbprint()
        )


def test_the_key_of_an_older_gateway_is_taken_over(tmp_path: Path) -> None:
    """Its file knew one state and no times."""
    path = key_file(tmp_path)
    [entry] = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": [{"state": "current", "jwk": entry["jwk"]}]}))
    assert signing_keys(tmp_path).current.thumbprint() == entry["jwk"]["kid"]
    assert [change.now for change in rotate(path, START, age=86_400).changes] == [State.NEXT]
