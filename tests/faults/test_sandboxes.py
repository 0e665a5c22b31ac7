"""Sandboxes misbehave as they are told: by call, by rate, by seed, over a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from gateway.commands.sandbox import listed
from gateway.sandboxes.bodies import CANARY
from gateway.sandboxes.faults import GENERIC, Fault
from tests.faults.street import Street, street
from tests.partners import FOLDERS

INDEX = "/fund/drop/index.json"
SHEET = "/fund/drop/2017Q1/capital_account.csv"


@pytest.fixture(scope="module")
def at_work(books: Path) -> Iterator[Street]:
    """All partners, for the whole module."""
    with street(books) as found:
        yield found


@pytest.fixture
def partners(at_work: Street) -> Iterator[Street]:
    """All partners, well behaved until told otherwise."""
    yield at_work
    at_work.forget()


async def get(partners: Street, path: str = INDEX, seconds: float = 10) -> tuple[int, str, Any]:
    """Status, body and headers of a GET."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(partners.address + path) as response,
    ):
        return response.status, await response.text(), response.headers


async def test_well_behaved_it_answers_as_ever(partners: Street, books: Path) -> None:
    """Being able to misbehave changes nothing."""
    status, body, headers = await get(partners)
    assert status == 200
    assert json.loads(body) == sorted(path.name for path in (books / "fund").iterdir())
    assert headers.getall("date") == [headers["date"]]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", TimeoutError),
        ("slow", TimeoutError),
        ("drip", TimeoutError),
        ("flood", TimeoutError),
        ("reset", aiohttp.ClientError),
        ("lost", aiohttp.ClientError),
        ("truncated", aiohttp.ClientPayloadError),
    ],
)
async def test_a_call_that_gets_no_whole_answer(partners: Street, fault: str, error: type[Exception]) -> None:
    """As often as it was told (this client asks once more by itself after a reset); then it gets one."""
    partners.tell("fund", fault, count=2)
    for _ in range(2):
        if partners.struck("fund") < 2:
            with pytest.raises(error):
                await get(partners, seconds=0.15 if error is TimeoutError else 10)
    assert (await get(partners))[0] == 200
    assert partners.struck("fund") == 2


async def test_a_hanging_connection_is_closed_in_the_end(partners: Street) -> None:
    """After `seconds`, without a byte."""
    partners.tell("fund", "hang", seconds=0.05)
    began = time.monotonic()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(partners)
    assert time.monotonic() - began >= 0.05


async def test_a_handshake_that_stalls(partners: Street) -> None:
    """Who asks by https waits for as long as it has patience; others are answered."""
    partners.tell("fund", "tls-stall")
    with pytest.raises(TimeoutError):
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.15)) as session:
            await session.get(partners.address.replace("http:", "https:") + INDEX)
    assert (await get(partners))[0] == 200


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("html", 200, "<html>"),
        ("empty", 200, ""),
        ("error", 500, "Internal"),
        ("unavailable", 503, "Unavailable"),
        ("cut", 200, '["2017Q1","2017Q2'),
        ("nan", 200, '{"total_count": '),
        ("deep-nesting", 200, "[[[[["),
    ],
)
async def test_another_answer(partners: Street, fault: str, status: int, said: str) -> None:
    """Whole, and not what was asked for."""
    partners.tell("fund", fault)
    found, body, _ = await get(partners)
    assert found == status
    assert said in body
    partners.forget()
    assert (await get(partners))[1] != body


async def test_rows_of_a_file_are_left_out_doubled_and_moved(partners: Street) -> None:
    """Below the header, for CSV; the rows of JSON are its longest list of objects."""
    _, whole, _ = await get(partners, SHEET)
    header, *lines = whole.splitlines()
    for fault, more in (("missing-rows", -1), ("duplicate-rows", 1), ("shuffled-rows", 0)):
        partners.forget()
        partners.tell("fund", fault, seed=1)
        _, body, _ = await get(partners, SHEET)
        first, *found = body.splitlines()
        assert first == header
        assert len(found) == len(lines) + more
        assert set(found) <= set(lines)
        assert found != lines


async def test_the_partners_clock_is_ahead(partners: Street) -> None:
    """In the Date header, by three hours unless told otherwise."""
    _, _, right = await get(partners)
    partners.tell("fund", "wrong-clock")
    _, _, wrong = await get(partners)
    assert right["date"] != wrong["date"]


async def test_the_same_seed_strikes_the_same_calls(partners: Street) -> None:
    """At about the rate; another seed, others; and a path spares the calls that do not hold it."""

    async def struck(seed: int) -> list[int]:
        partners.forget()
        partners.tell("fund", "error", rate=0.3, seed=seed, path="index")
        return [(await get(partners))[0] for _ in range(40)]

    first = await struck(7)
    assert first == await struck(7)
    assert first != await struck(8)
    assert 4 <= first.count(500) <= 20
    partners.forget()
    partners.tell("fund", "error", path="2017Q2")
    assert (await get(partners))[0] == 200
    assert (await get(partners, SHEET.replace("Q1", "Q2")))[0] == 500


async def test_told_over_http(partners: Street) -> None:
    """POST adds, GET shows what came of it, DELETE forgets; what is not understood is refused and changes nothing."""
    address = f"{partners.address}/fund/_faults"
    async with aiohttp.ClientSession() as session:
        async with session.post(
            address, json=[{"fault": "error", "count": 1}, {"fault": "wrong-clock"}]
        ) as said:
            assert said.status == 200
        assert [(await get(partners))[0] for _ in range(2)] == [500, 200]
        async with session.get(address) as said:
            shown = await said.json()
        assert shown["calls"] == 2
        assert [each["struck"] for each in shown["faults"]] == [1, 2]
        wrongs: list[Any] = [
            {"fault": "rain"},
            {"fault": "error", "rate": 2},
            {"rate": 1},
            {"fault": "error", "at": 1},
        ]
        for wrong in [*wrongs, [wrongs[0]], 3]:
            async with session.post(address, json=wrong) as said:
                assert (said.status, list(await said.json())) == (400, ["error"])
        async with session.post(address, data=b"{") as said:
            assert said.status == 400
        async with session.delete(address) as said:
            assert (await said.json())["faults"] == []
    assert (await get(partners))[1].startswith("[")


@pytest.mark.parametrize("name", sorted(FOLDERS))
async def test_all_that_a_connector_declares_can_be_told(partners: Street, name: str) -> None:
    """Over HTTP, and as `gateway sandbox NAME --faults` has it; both say what there is."""
    declared = {**GENERIC, **FOLDERS[name].faults}
    address = f"{partners.address}/{name}/_faults"
    told = [{"fault": each, "rate": 0} for each in declared]
    async with aiohttp.ClientSession() as session, session.post(address, json=told) as said:
        shown = await said.json()
    assert [each["fault"] for each in shown["faults"]] == list(declared)
    assert shown["known"] == declared
    assert {each.fault for each in Fault.written("all=0.1", 0, list(declared))} == set(declared)
    console = Console(width=500, record=True, file=StringIO())
    console.print(listed(FOLDERS[name]))
    lines = [line.strip() for line in console.export_text().splitlines()[1:]]
    assert [tuple(line.split(maxsplit=1)) for line in lines] == list(declared.items())


async def test_hostile_json_is_what_it_says(partners: Street) -> None:
    """Members that mean something to a script; each member twice."""
    path = "/fund/drop/2017Q1/manifest.json"
    partners.tell("fund", "hostile-members")
    assert f'"__proto__": {{"admin": "{CANARY}"}}' in (await get(partners, path))[1]
    partners.forget()
    partners.tell("fund", "duplicate-keys")
    body = (await get(partners, path))[1]
    assert body.count('"quarter"') == 2
