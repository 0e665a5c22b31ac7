"""Admission over HTTP: what an application may use, what it is told of that, and that it all comes back."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gateway.admission import admission as clearing
from gateway.admission.admission import Admission
from gateway.admission.memory import Held
from gateway.background import beside
from gateway.endpoint.media_types import EVENTS
from gateway.errors import Refusal
from gateway.oauth.applications import add, applications
from gateway.oauth.registration import Known
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.readers import Readers
from tests.conftest import Gateway, empty_database, start
from tests.world import small_world

CALLER = {"query": "{ caller { party } }"}
DEAR = {"query": "{ clients(first: 50) { nodes { id orders(first: 10) { nodes { id } } } } }"}
KINDS = ["application/json", "application/graphql-response+json"]
LIMIT = re.compile(r'"cost";r=(\d+);t=(\d+)')


@asynccontextmanager
async def started(folder: Path, **options: Any) -> AsyncIterator[Gateway]:
    """A gateway over the small world, with these settings."""
    async for each in start(folder, small_world(), **options):
        yield each


def left(answer: httpx.Response) -> tuple[int, int]:
    """What an answer says is left, and the seconds until all of it is there."""
    found = LIMIT.fullmatch(answer.headers["RateLimit"])
    assert found is not None
    return int(found[1]), int(found[2])


def code(answer: httpx.Response) -> str:
    """The code of the one error."""
    [error] = answer.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


def cost(answer: httpx.Response) -> tuple[int, int]:
    """What an operation was estimated to cost, and what it did."""
    found = answer.json()["extensions"]["cost"]
    return found["estimated"], found["actual"]


async def test_every_answer_to_an_operation_says_what_is_left(tmp_path: Path) -> None:
    """What an operation cost is gone, and what it was estimated to cost beyond that is not."""
    async with started(tmp_path, cost_per_minute=6_000) as gateway:
        token = gateway.token("ALIBABA")
        answers = [await gateway.post(DEAR, token) for _ in range(2)]
        estimated, actual = cost(answers[0])
        assert estimated > actual > 10
        assert [each.headers["RateLimit-Policy"] for each in answers] == ['"cost";q=6000;w=60'] * 2
        assert left(answers[0])[0] == 6_000 - actual
        assert 6_000 - 2 * actual <= left(answers[1])[0] <= 6_000 - 2 * actual + 300
        assert 0 < left(answers[1])[1] <= 2 * actual / 100 + 1
        for body in ({"query": "{ nothing }"}, {"query": "{"}, b"nonsense"):
            assert left(await gateway.post(body, token))[0] > 0
        other = await gateway.post(CALLER, gateway.token("MAILRU"))
        assert left(other)[0] > 5_990


async def test_what_the_deadline_ended_has_cost_what_was_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept the database busy all that time, and what it would have given out was never counted."""

    async def fetch(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(10)

    monkeypatch.setattr(Readers, "fetch", fetch)
    async with started(tmp_path, cost_per_minute=6_000, deadline=0.5) as gateway:
        answer = await gateway.post(DEAR, gateway.token("ALIBABA"))
        assert code(answer) == "DEADLINE_EXCEEDED"
        estimated, actual = cost(answer)
        assert actual < 10
        assert left(answer)[0] == 6_000 - estimated


@pytest.mark.parametrize("kind", KINDS)
async def test_who_has_used_its_budget_is_told_how_long_to_wait(tmp_path: Path, kind: str) -> None:
    """And when it has waited for that long, and nobody else asked, it is served."""
    async with started(tmp_path, cost_per_minute=1_200) as gateway:
        token = gateway.token("ALIBABA")
        estimated = cost(await gateway.post(DEAR, token))[0]
        answer = await gateway.post(DEAR, token, accept=kind)
        while answer.status_code == 200:
            answer = await gateway.post(DEAR, token, accept=kind)
        assert answer.status_code == 429
        assert code(answer) == "BUDGET_EXCEEDED"
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        rest, wait = left(answer)[0], int(answer.headers["Retry-After"])
        assert rest < estimated
        assert wait - 1 < (estimated - rest) / 20 + 0.1
        assert wait + 0.1 > (estimated - rest) / 20
        cheap = await gateway.post(CALLER, token)
        assert cheap.status_code == 200, "what it can still pay is admitted"
        assert (await gateway.post(DEAR, gateway.token("MAILRU"))).status_code == 200
        await asyncio.sleep(wait)
        assert (await gateway.post(DEAR, token)).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_what_no_minute_pays_is_refused_for_good(tmp_path: Path, kind: str) -> None:
    """In words, and without a promise that it would be admitted later."""
    async with started(tmp_path, cost_per_minute=50) as gateway:
        answer = await gateway.post(DEAR, gateway.token("ALIBABA"), accept=kind)
        assert (answer.status_code, code(answer)) == (400, "COST_LIMIT")
        assert "never be admitted" in answer.json()["errors"][0]["message"]
        assert "Retry-After" not in answer.headers
        assert left(answer) == (50, 0)


async def test_an_application_has_as_many_operations_in_hand_as_it_may(tmp_path: Path) -> None:
    """One is in hand from before its body is read; those of other applications do not count."""
    async with started(tmp_path, concurrency=2) as gateway:
        token, finish = gateway.token("ALIBABA"), asyncio.Event()

        sending = [
            asyncio.create_task(gateway.client.post("/graphql", **held(token, finish))) for _ in range(2)
        ]
        await asyncio.sleep(0.2)
        for kind in KINDS * 2:
            answer = await gateway.post(CALLER, token, accept=kind)
            assert (answer.status_code, code(answer)) == (429, "TOO_MANY_OPERATIONS")
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert (await gateway.post(CALLER, gateway.token("MAILRU"))).status_code == 200
        finish.set()
        assert [each.status_code for each in await asyncio.gather(*sending)] == [200, 200]
        assert (await gateway.post(CALLER, token)).status_code == 200


async def test_a_flood_is_shed_by_the_header_it_comes_with(tmp_path: Path) -> None:
    """In the same words as the first of it, but without an id, for the log has no line of it; nobody else is."""
    async with started(tmp_path, concurrency=1) as gateway:
        token, finish = gateway.token("ALIBABA"), asyncio.Event()
        sending = asyncio.create_task(gateway.client.post("/graphql", **held(token, finish)))
        await asyncio.sleep(0.2)
        first, *others = [await gateway.post(CALLER, token) for _ in range(3)]
        assert "X-Request-Id" in first.headers
        for each in others:
            assert (each.status_code, each.content) == (429, first.content)
            assert each.headers["Retry-After"] == "1"
            assert "X-Request-Id" not in each.headers
        assert (await gateway.post(CALLER, f"{token}x")).status_code == 401
        assert (await gateway.post(CALLER)).status_code == 401
        assert (await gateway.client.options("/graphql")).status_code == 204
        assert (await gateway.client.get("/healthz")).status_code == 200
        finish.set()
        assert (await sending).status_code == 200
        assert (await gateway.post(CALLER, token)).status_code == 200


async def test_a_stream_is_let_in_like_any_operation(tmp_path: Path) -> None:
    """It is in hand before its body is read, says what is left, and is shed where there is no room."""
    async with started(tmp_path, concurrency=1) as gateway:
        token, finish = gateway.token("ALIBABA"), asyncio.Event()
        asking = held(token, finish)
        asking["headers"]["accept"] = EVENTS
        sending = asyncio.create_task(gateway.client.post("/graphql", **asking))
        await asyncio.sleep(0.1)
        first, *others = [await gateway.post(CALLER, token, accept=EVENTS) for _ in range(3)]
        assert (first.status_code, code(first)) == (429, "TOO_MANY_OPERATIONS")
        assert first.headers["RateLimit-Policy"]
        assert [each.content for each in others] == [first.content] * 2
        assert all("X-Request-Id" not in each.headers for each in others)
        finish.set()
        streamed = await sending
        assert (streamed.status_code, streamed.headers["content-type"]) == (200, f"{EVENTS}; charset=utf-8")
        assert left(streamed)[0] > 0


def held(token: str, finish: asyncio.Event) -> dict[str, Any]:
    """A request whose body does not end before it may."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"query":'
        await finish.wait()
        yield b' "{ caller { party } }"}'

    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return {"content": body(), "headers": headers}


async def test_what_is_set_for_an_application_holds_soon_and_without_it_the_settings(tmp_path: Path) -> None:
    """Also for an application that the gateway has no row of, as those of outside issuers."""
    async with started(tmp_path, cost_per_minute=7_000) as gateway:
        known = Known({"ALIBABA"}, {"clients:read"}, {"analytics"})
        async with gateway.writing() as connection:
            await add(connection, "alibaba-app", "Shop", "ALIBABA", ["clients:read"], ["analytics"], known)
        tokens = {party: gateway.token(party) for party in ("ALIBABA", "MAILRU")}
        for values, policy in (
            ({"cost_per_minute": 900}, '"cost";q=900;w=60'),
            ({"cost_per_minute": None, "concurrency": 3}, '"cost";q=7000;w=60'),
        ):
            async with gateway.writing() as connection:
                found = applications.c.id == "alibaba-app"
                await connection.execute(update(applications).where(found).values(**values))
            ends = asyncio.get_running_loop().time() + 2
            while (await gateway.post(CALLER, tokens["ALIBABA"])).headers["RateLimit-Policy"] != policy:
                assert asyncio.get_running_loop().time() < ends
                await asyncio.sleep(0.05)
            other = await gateway.post(CALLER, tokens["MAILRU"])
            assert other.headers["RateLimit-Policy"] == '"cost";q=7000;w=60'


@pytest.mark.parametrize("broken", ["a file", "nonsense"])
async def test_a_folder_that_cannot_be_shared_stops_nobody(tmp_path: Path, broken: str) -> None:
    """The worker counts for itself; the budget holds all the same."""
    folder = tmp_path / "admission"
    if broken == "a file":
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / "ledger").write_text("nonsense")
    async with started(tmp_path, cost_per_minute=1_200) as gateway:
        token = gateway.token("ALIBABA")
        statuses = [(await gateway.post(DEAR, token)).status_code for _ in range(40)]
        assert set(statuses) == {200, 429}


async def test_a_gateway_that_is_started_again_remembers_what_was_used(tmp_path: Path) -> None:
    async with started(tmp_path, cost_per_minute=6_000) as gateway:
        first = left(await gateway.post(DEAR, gateway.token("ALIBABA")))
    async with started(tmp_path, cost_per_minute=6_000) as gateway:
        assert left(await gateway.post(CALLER, gateway.token("ALIBABA")))[1] >= first[1] - 1


@pytest.fixture
async def admission(tmp_path: Path) -> AsyncIterator[Admission]:
    """An admission that is open, with the settings' defaults but for two caps."""
    settings = Settings(state=tmp_path, connections=2, subscriptions=3)
    await empty_database(settings)
    found = Admission(settings, writer(settings.database))
    async with found.opened():
        yield found


@pytest.mark.parametrize("end", ["cancelled", "failed", "refused", "done"])
async def test_however_an_operation_ends_its_place_comes_back(admission: Admission, end: str) -> None:
    """What was cancelled or failed has cost what was estimated; what was refused has cost nothing."""
    begun = asyncio.Event()

    async def run() -> None:
        async with admission.admitted("shop", 10_000_001 if end == "refused" else 5_000_000) as ticket:
            begun.set()
            if end == "failed":
                raise LookupError
            if end == "cancelled":
                await asyncio.sleep(60)
            ticket.settle(1_000_000)

    task = asyncio.create_task(run())
    await asyncio.wait({task, asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    expected = {"cancelled": asyncio.CancelledError, "failed": LookupError, "refused": Refusal}
    if end in expected:
        with pytest.raises(expected[end]):
            await task
    else:
        await task
    balance = admission.ledger.balance("shop", 10_000_000)
    spent = {"cancelled": 5_000_000, "failed": 5_000_000, "refused": 0, "done": 1_000_000}[end]
    assert balance.held == 0
    assert spent - 500_000 <= balance.spent <= spent
    assert admission.ledger.count("shop", Held.OPERATIONS) == 0
    assert admission.turns.join("shop").running == 0


async def test_what_lives_long_is_capped_for_each_application(admission: Admission) -> None:
    with admission.kept("shop", Held.CONNECTIONS), admission.kept("shop", Held.SUBSCRIPTIONS):
        with admission.kept("shop", Held.CONNECTIONS):
            with pytest.raises(Refusal) as refused, admission.kept("shop", Held.CONNECTIONS):
                pass
            assert (refused.value.status, refused.value.code) == (429, "TOO_MANY_CONNECTIONS")
            with admission.kept("stall", Held.CONNECTIONS), admission.kept("shop", Held.SUBSCRIPTIONS):
                pass
        with admission.kept("shop", Held.CONNECTIONS):
            pass
    assert admission.ledger.count("shop", Held.CONNECTIONS) == 0
    assert admission.ledger.count("shop", Held.SUBSCRIPTIONS) == 0


async def test_a_worker_that_can_open_no_file_clears_up_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What dead workers held is not held for ever because files were short for a moment."""
    monkeypatch.setattr(clearing, "PAUSE", 0.01)
    tries: list[None] = []
    cleared = asyncio.Event()

    class Short:
        def bury(self) -> None:
            tries.append(None)
            if len(tries) == 1:
                raise OSError(errno.EMFILE, "Too many open files")
            cleared.set()

    async with beside(clearing._bury(Short())), asyncio.timeout(10):  # type: ignore[arg-type]
        await cleared.wait()
