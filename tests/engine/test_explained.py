"""An explanation and the execution it is of never disagree: random operations, callers and modes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from gateway.access.agreements import CONTRACT
from gateway.access.request import cursor
from gateway.endpoint.execution import Execution
from gateway.endpoint.operations import Operation
from gateway.engine.documents import InvalidDocument
from gateway.errors import Refusal
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from tests.conftest import Gateway, start
from tests.engine.conftest import Runs
from tests.engine.operations import LENGTH, Draft, operations, thorough
from tests.engine.operations import Operation as Drawn
from tests.engine.rehearsed import EXPLAIN, at, do, explained, refused
from tests.engine.values import Tape
from tests.world import PEOPLE, speaking_world

schema = declared_schema()
ALL = frozenset(schema.scopes)

HINTS: dict[str, list[Any]] = {
    "first": [1, 2, 0, 5, 101],
    "last": [1, 2, 0],
    "quarter": ["2017Q1", "2017Q9", "no quarter"],
    "region": ["ADA at ALIBABA", "nowhere"],
    "placedAfter": ["2017-02-01T00:00:00Z"],
    "orders.after": [cursor(["2017-02-01T00:00:00Z", "A"]), "nonsense"],
    "document": ["{ clients { totalCount } }", '{ explainAccess(document: "{") { runs } }', "{"],
}

ROOTS = {
    "Client": "clients(first: 3) { nodes %s }",
    "Order": "clients(first: 9) { edges { node { orders { nodes %s } } } }",
    "OrderConnection": "clients { nodes { alibaba { orders(first: 2) %s } mailru { orders %s } } }",
    "MailruAccount": "clients { nodes { mailru %s alibaba { memberSince } } }",
    "FundReport": 'fundReport(quarter: "2017Q1") %s',
}
"""Where the drawn selection stands, so that much is asked of deep levels."""


def below(root: str, data: bytes) -> Drawn:
    """An operation with a drawn selection of one type."""
    draft = Draft(Tape(data), schema.graphql, HINTS)
    body = draft._selection_set(schema.graphql.type_map[root], 4, 0)
    defined = ", ".join(each.text for each in draft.values.definitions)
    text = f"query {f'({defined})' if defined else ''} {{ {ROOTS[root].replace('%s', body)} }}"
    fragments = (text for _, text in draft.fragments.values())
    return Drawn("\n".join([text, *fragments]), draft.values.sent, None, frozenset())


drawn_operations = st.one_of(
    operations(schema.graphql, HINTS, depth=6),
    *[st.builds(below, st.sampled_from(sorted(ROOTS)), st.binary(min_size=LENGTH, max_size=LENGTH))] * 3,
)

callers = st.builds(
    Caller,
    st.sampled_from(["ALIBABA", "ALIBABA", "MAILRU", "RDIF"]),
    st.just("explained-app"),
    st.sets(st.sampled_from(sorted(ALL)), max_size=3).flatmap(
        lambda some: st.sampled_from([ALL, ALL - some, frozenset(some)])
    ),
    st.sampled_from(sorted(CONTRACT.purposes)),
)


@pytest.fixture(scope="module")
def executions(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Execution]]:
    """A gateway that filters over everybody's rows, and one that rejects, over none, by the same keys."""
    folders = {mode: tmp_path_factory.mktemp(mode) for mode in ("filter", "reject")}
    for folder in folders.values():
        (folder / "pseudonyms.key").write_bytes(bytes(range(32)))
    opening = {
        mode: start(folder, speaking_world() if mode == "filter" else {}, unauthorized=mode)
        for mode, folder in folders.items()
    }
    found: dict[str, Execution] = {}
    held: list[Held] = []
    for mode, each in opening.items():
        held.append(runs(hold(each)))
        gateway = runs(held[-1].gateway())
        endpoint = next(
            r.endpoint for r in gateway.app.routes if isinstance(r, Route) and r.path == "/graphql"
        )
        found[mode] = endpoint.app._execution
    secret = found["filter"]._pseudonyms
    HINTS["id"] = [
        *secret.hide("ALIBABA", [key for key, _ in PEOPLE.values()]),
        *("AlibabaOrder:ADA", "PandaoOrder:ADA", "PandaoOrder:BORIS", "nobody"),
    ]
    yield found
    for each in held:
        runs(each.let_go())


class Held:
    """A gateway that one task of the loop opens and, when it is let go, closes."""

    def __init__(self, opening: AsyncIterator[Gateway]) -> None:
        self._opening = opening
        self._over = asyncio.Event()
        self._ready: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        async for each in self._opening:
            self._ready.set_result(each)
            await self._over.wait()

    async def gateway(self) -> Gateway:
        """The gateway, once it is open."""
        return await self._ready

    async def let_go(self) -> None:
        """Close it."""
        self._over.set()
        await self._task


async def hold(opening: AsyncIterator[Gateway]) -> Held:
    """Begin to open a gateway."""
    return Held(opening)


async def explanation(execution: Execution, caller: Caller, operation: Operation) -> Any:
    """What the gateway explains of an operation."""
    variables = {
        "document": operation.document,
        "variables": dict(operation.variables),
        "name": operation.name,
    }
    prepared = await execution.prepare(caller, Operation(EXPLAIN, variables, None))
    result = await execution.run(caller, prepared)
    assert not result.errors
    assert result.data is not None
    return result.data["explainAccess"]


async def refusals_with(execution: Execution, caller: Caller, operation: Operation) -> Any:
    """What is refused of it; nothing of what cannot be run at all."""
    try:
        return (await execution.prepare(caller, operation)).plan.refusals
    except InvalidDocument:
        return []


def smaller(scopes: list[str], held: frozenset[str]) -> Iterator[frozenset[str]]:
    """All sets of further scopes with fewer of them."""
    others = sorted(ALL - held)
    sizes = (combinations(others, size) for size in range(len(scopes)))
    return map(frozenset, chain.from_iterable(sizes))


@given(drawn=drawn_operations, caller=callers)
@thorough(100)
def test_what_is_explained_is_what_happens(
    drawn: Drawn, caller: Caller, executions: dict[str, Execution], runs: Runs
) -> None:
    """Refusals in the same words; nulls; the same statements by the same calls; no table read that is not told of."""
    runs(compare(executions, caller, Operation(drawn.text, drawn.variables, drawn.name)))


async def compare(executions: dict[str, Execution], caller: Caller, operation: Operation) -> None:
    """Hold explanations against what is done."""
    told = await explanation(executions["filter"], caller, operation)
    strictly = await explanation(executions["reject"], caller, operation)
    # Not a word of it hangs on any row.
    assert {**strictly, "runs": 0, "errors": 0} == {**told, "runs": 0, "errors": 0}
    try:
        done = await do(executions["filter"], caller, operation)
    except InvalidDocument as error:
        invalid = error
    else:
        invalid = None
    if invalid is not None:
        assert (told, told["runs"]) == (strictly, False)
        said = [(each.message, (each.extensions or {}).get("code", invalid.code)) for each in invalid.errors]
        assert [(each["message"], each["code"]) for each in told["errors"]] == said
        return
    assert (told["runs"], told["errors"]) == (True, [])
    assert told["allowed"] is not bool(refused(done.result))
    assert explained(told) == refused(done.result)
    check_nulls(told, done.result.data)
    check_calls(told, done)
    await check_mode(executions["reject"], caller, operation, strictly)
    await check_lack(executions["filter"], caller, operation, told)


async def check_mode(execution: Execution, caller: Caller, operation: Operation, told: Any) -> None:
    """Where refused parts refuse the whole, that is told in the same words."""
    errors = []
    try:
        await execution.prepare(caller, operation)
    except Refusal as refusal:
        errors = [{"message": refusal.message, "code": refusal.code, "line": None, "column": None}]
    assert (told["runs"], told["errors"]) == (not errors, errors)
    assert told["allowed"] is not bool(errors)


def check_nulls(told: Any, data: Any) -> None:
    mixed = [each["path"] for each in told["fields"] if each["possibleTypes"]]
    for each in told["fields"]:
        if each["refusal"] and not any(each["path"][: len(path)] == path for path in mixed):
            assert not [found for found in at(data, each["refusal"]["becomesNull"]) if found is not None]


def check_calls(told: Any, done: Any) -> None:
    calls = {
        (tuple(each["path"]), each["coordinate"]): each for level in told["levels"] for each in level["calls"]
    }
    tables = {each["name"] for each in told["tables"]}
    withheld = False
    for key, sql in done.calls.items():
        call = calls[key]
        if not call["complete"] and key[1] in ("Query.node", "Query.explainAccess"):
            withheld = True
            continue
        assert call["reached"], key
        assert [each["sql"] for each in call["statements"]] == sql, key
        # What a partner would say nobody knows; so a call that asks one may ask for more.
        assert call["complete"] is not bool(call["partnerCalls"]), key
    assert withheld or done.tables <= tables


async def check_lack(execution: Execution, caller: Caller, operation: Operation, told: Any) -> None:
    lack = told["missingScopes"]
    assert not await refusals_with(execution, replace(caller, scopes=caller.scopes.union(lack)), operation)
    for fewer in smaller(lack, caller.scopes):
        assert await refusals_with(execution, replace(caller, scopes=caller.scopes | fewer), operation)
